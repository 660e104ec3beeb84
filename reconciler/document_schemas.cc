#include "reconciler/document_schemas.h"

#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cstddef>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "engine/base/utf8.h"
#include "engine/domain/names.h"

namespace headgate::reconciler {
namespace {

namespace json = boost::json;

// valijson matches patterns with std::regex, which calls itself for each character: a long text would take the stack.
// The reader has refused what is longer and has a pattern; of other texts the beginning says as much to a schema.
constexpr std::size_t kMaxShownBytes = 2048;

std::string_view shown(std::string_view text) {
  return utf8_prefix(text, kMaxShownBytes);
}

json::value to_json(const YamlNode& node, const json::storage_ptr& storage) {
  switch (node.kind) {
    case YamlNode::Kind::null:
    case YamlNode::Kind::refused:
      return nullptr;
    case YamlNode::Kind::list: {
      json::array list(storage);
      list.reserve(node.size);
      for (const auto& item : YamlItems(node)) list.push_back(to_json(item, storage));
      return list;
    }
    case YamlNode::Kind::map: {
      json::object map(storage);
      map.reserve(node.size);
      for (const auto [key, value] : YamlEntries(node)) map.emplace(shown(key.text), to_json(value, storage));
      return map;
    }
    case YamlNode::Kind::scalar:
      break;
  }
  const auto text = node.text;
  if (!node.quoted && (text == "true" || text == "false")) return text == "true";
  if (!node.quoted && is_decimal(text)) {
    const auto* end = text.data() + text.size();
    std::int64_t whole = 0;
    if (const auto [stop, error] = std::from_chars(text.data(), end, whole); stop == end && error == std::errc{}) {
      return whole;
    }
    double number = 0;  // of one beyond all bounds: some number
    std::from_chars(text.data(), end, number);
    return number;
  }
  return json::value(shown(text), storage);
}

class Schemas {
 public:
  Schemas() {
    for (std::size_t i = 0; i < schemas_.size(); ++i) {
      const auto text = json::parse(schema_text(static_cast<DocumentKind>(i)));
      valijson::SchemaParser(valijson::SchemaParser::kDraft7)
          .populateSchema(valijson::adapters::BoostJsonAdapter(text), schemas_[i]);
    }
  }
  const valijson::Schema& of(DocumentKind kind) const { return schemas_[static_cast<std::size_t>(kind)]; }

 private:
  std::array<valijson::Schema, EnumNames<DocumentKind>::names.size()> schemas_;
};

// The node that a context such as <root>, [spec], [stages], [0] leads to; the last one that is there.
const YamlNode* follow(const YamlNode& root, const std::vector<std::string>& context) {
  const auto* at = &root;
  for (std::size_t i = 1; i < context.size(); ++i) {
    const auto part = std::string_view(context[i]).substr(1, context[i].size() - 2);
    const YamlNode* next = nullptr;
    for (const auto [key, value] : YamlEntries(*at)) {
      if (key.text == part) next = &value;
    }
    std::size_t index = 0;
    std::from_chars(part.data(), part.data() + part.size(), index);
    for (const auto& item : YamlItems(*at)) {
      if (index-- == 0) next = &item;
    }
    if (next == nullptr) break;
    at = next;
  }
  return at;
}

}  // namespace

std::string_view schema_text(DocumentKind kind) {
  switch (kind) {
    case DocumentKind::service:
      return schema_of_service();
    case DocumentKind::environment:
      return schema_of_environment();
    case DocumentKind::target:
      return schema_of_target();
    case DocumentKind::access_policy:
      return schema_of_access_policy();
    case DocumentKind::notification_policy:
      return schema_of_notification_policy();
  }
  return {};
}

std::optional<SchemaProblem> schema_problem(DocumentKind kind, const YamlNode& root) {
  static const Schemas schemas;
  thread_local valijson::Validator validator;  // keeps compiled patterns
  std::array<unsigned char, 16'384> buffer;    // NOLINT(cppcoreguidelines-pro-type-member-init): filled as needed
  json::monotonic_resource arena(buffer.data(), buffer.size());
  const auto document = to_json(root, &arena);
  const valijson::adapters::BoostJsonAdapter adapter(document);
  if (validator.validate(schemas.of(kind), adapter, nullptr)) return std::nullopt;
  valijson::ValidationResults results;
  validator.validate(schemas.of(kind), adapter, &results);
  // The innermost says most: those around it say only that something inside is wrong.
  valijson::ValidationResults::Error innermost;
  for (valijson::ValidationResults::Error next; results.popError(next);) {
    if (innermost.context.size() < next.context.size()) innermost = std::move(next);
  }
  return SchemaProblem{follow(root, innermost.context), innermost.description};
}

}  // namespace headgate::reconciler
