#include "tests/schemas/record_checker.h"

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace headgate::schemas {
namespace {

namespace json = boost::json;

// Validators keep compiled patterns, and are of one thread.
class Checker {
 public:
  std::string problem_of(std::string_view record) {
    json::error_code error;
    auto value = json::parse(record, error);
    if (error) return "not JSON: " + error.message();
    const auto* type = value.is_object() ? value.get_object().if_contains("type") : nullptr;
    if (type == nullptr || !type->is_string()) return "no type";
    const auto* schema = schema_of(std::string_view(type->get_string()));
    if (schema == nullptr) return "no schema in schemas/events/ for this type and version";
    make_fit(value);
    const valijson::adapters::BoostJsonAdapter adapter(value);
    if (validator_.validate(*schema, adapter, nullptr)) return {};
    valijson::ValidationResults results;
    validator_.validate(*schema, adapter, &results);
    std::string problem;
    for (valijson::ValidationResults::Error found; results.popError(found);) {
      for (const auto& part : found.context) problem += part;
      problem += ": " + found.description + "\n";
    }
    return problem;
  }

 private:
  const valijson::Schema* schema_of(std::string_view type) {
    constexpr std::string_view kPrefix = "dev.headgate.";
    if (!type.starts_with(kPrefix)) return nullptr;
    type.remove_prefix(kPrefix.size());
    if (const auto known = schemas_.find(type); known != schemas_.end()) return known->second.get();
    std::ifstream file(std::filesystem::path(HEADGATE_SCHEMA_DIR) / (std::string(type) + ".json"), std::ios::binary);
    std::unique_ptr<valijson::Schema> schema;
    if (file.is_open()) {
      const auto text = json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
      schema = std::make_unique<valijson::Schema>();
      valijson::SchemaParser(valijson::SchemaParser::kDraft7)
          .populateSchema(valijson::adapters::BoostJsonAdapter(text), *schema);
    }
    return schemas_.emplace(type, std::move(schema)).first->second.get();
  }

  // valijson takes whole numbers above 2^63 for no numbers, and a text to end at a NUL.
  static void make_fit(json::value& value) {
    if (value.is_object()) {
      for (auto& [name, member] : value.get_object()) make_fit(member);
    } else if (value.is_array()) {
      for (auto& element : value.get_array()) make_fit(element);
    } else if (value.is_string()) {
      for (auto& c : value.get_string()) c = c == '\0' ? ' ' : c;
    } else if (value.is_uint64()) {
      value = std::numeric_limits<std::int64_t>::max();
    }
  }

  std::map<std::string, std::unique_ptr<valijson::Schema>, std::less<>> schemas_;
  valijson::Validator validator_;
};

}  // namespace

namespace {
thread_local std::size_t checked = 0;
}

std::string problem_of(std::string_view record) {
  thread_local Checker checker;
  ++checked;
  return checker.problem_of(record);
}

std::size_t records_checked() {
  return checked;
}

}  // namespace headgate::schemas
