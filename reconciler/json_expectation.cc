#include "reconciler/json_expectation.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "engine/base/utf8.h"
#include "engine/domain/enums.h"
#include "engine/domain/time.h"

namespace headgate::reconciler {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxShownBytes = 200;

// A string by its content, a number by its value, a word as it is.
bool equals(const json::value& value, const std::string& expected) {
  if (value.is_string()) return std::string_view(value.get_string()) == expected;
  if (value.is_structured()) return false;
  const auto text = json::serialize(value);
  if (text == expected) return true;
  json::error_code error;
  const auto number = json::parse(expected, error);
  if (error || !number.is_number() || !value.is_number()) return false;
  return value == number || value.to_number<double>() == number.to_number<double>();
}

}  // namespace

bool is_json_pointer(std::string_view text) {
  if (!text.empty() && text.front() != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1'))) return false;
  }
  return true;
}

std::string json_problem(const JsonExpectation& expected, std::string_view body) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = 64;
  const auto document = json::parse(body, error, {}, options);
  if (error) return fmt::format("the body ({} bytes looked at) is not JSON: {}", body.size(), error.message());
  const auto* value = document.find_pointer(expected.pointer, error);
  if (value == nullptr) return fmt::format("nothing is at '{}' of the body", expected.pointer);
  if (equals(*value, expected.equals)) return {};
  return fmt::format("'{}' of the body is {}, expected {}", expected.pointer,
                     valid_utf8(json::serialize(*value), kMaxShownBytes), expected.equals);
}

}  // namespace headgate::reconciler
