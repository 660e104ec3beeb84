#include "api/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "engine/base/nearest_name.h"
#include "engine/base/utf8.h"

namespace headgate::api {

namespace {

constexpr std::size_t max_errors = 100;       // in one answer
constexpr std::size_t max_found_bytes = 200;  // of a wrong value, repeated in an error

}  // namespace

struct JsonReader::Node {
  const JsonValue* value = nullptr;  // nullptr: the object itself is missing or of the wrong type, already reported
  std::string pointer;
  std::vector<std::string> asked;
  std::vector<std::shared_ptr<Node>> children;
  std::shared_ptr<std::vector<FieldError>> errors;

  void report(std::string at, std::string found, std::string expected) {
    if (errors->size() < max_errors) errors->push_back({std::move(at), std::move(found), std::move(expected)});
  }

  void unknown_fields(std::vector<FieldError>& out) const {
    if (value != nullptr) {
      for (const auto& [key, ignored] : *value->object()) {
        if (std::ranges::find(asked, key) != asked.end() || out.size() >= max_errors) continue;
        const std::string_view nearest = nearest_name(key, {asked.begin(), asked.end()});
        out.push_back(
            {pointer + pointer_token(key), fmt::format("unknown field '{}'", utf8_prefix(key, 100)),
             nearest.empty() ? fmt::format("one of {}", fmt::join(asked, ", ")) : fmt::format("'{}'", nearest)});
      }
    }
    for (const auto& node : children) node->unknown_fields(out);
  }
};

std::string describe(const JsonValue& value) {
  if (const auto* text = value.string()) {
    const std::string_view part = utf8_prefix(*text, max_found_bytes);
    return fmt::format("'{}{}'", part, part.size() < text->size() ? "…" : "");
  }
  if (const auto* number = value.number()) return std::string(utf8_prefix(number->text, max_found_bytes));
  if (const auto* flag = value.boolean()) return *flag ? "true" : "false";
  if (value.array() != nullptr) return "an array";
  if (value.object() != nullptr) return "an object";
  return "null";
}

JsonReader::JsonReader(const JsonValue& value) : node_(std::make_shared<Node>()) {
  node_->errors = std::make_shared<std::vector<FieldError>>();
  if (value.object() != nullptr) {
    node_->value = &value;
  } else {
    node_->report("", describe(value), "an object");
  }
}

JsonReader JsonReader::child(const JsonValue& value, std::string pointer) {
  auto node = std::make_shared<Node>();
  node->errors = node_->errors;
  node->pointer = std::move(pointer);
  if (value.object() != nullptr) {
    node->value = &value;
  } else {
    node->report(node->pointer, describe(value), "an object");
  }
  node_->children.push_back(node);
  return JsonReader(std::move(node));
}

const JsonValue* JsonReader::ask(std::string_view key) {
  if (std::ranges::find(node_->asked, key) == node_->asked.end()) node_->asked.emplace_back(key);
  return node_->value == nullptr ? nullptr : node_->value->find(key);
}

const JsonValue* JsonReader::require(std::string_view key, std::string_view expected) {
  const JsonValue* value = ask(key);
  if (value == nullptr && node_->value != nullptr) refuse(key, "nothing", std::string(expected));
  return value;
}

void JsonReader::wrong(std::string_view key, const JsonValue& value, std::string_view expected) {
  refuse(key, describe(value), std::string(expected));
}

void JsonReader::refuse(std::string_view key, std::string found, std::string expected) {
  node_->report(node_->pointer + pointer_token(key), std::move(found), std::move(expected));
}

std::string JsonReader::required_string(std::string_view key) {
  const JsonValue* value = require(key, "a string");
  if (value == nullptr) return {};
  const std::string* text = value->string();
  if (text == nullptr || text->empty()) {
    wrong(key, *value, text == nullptr ? "a string" : "a string that is not empty");
    return {};
  }
  return *text;
}

std::optional<std::string> JsonReader::optional_string(std::string_view key) {
  const JsonValue* value = ask(key);
  if (value == nullptr) return std::nullopt;
  if (const std::string* text = value->string()) return *text;
  wrong(key, *value, "a string");
  return std::nullopt;
}

std::optional<std::int64_t> JsonReader::optional_integer(std::string_view key, std::int64_t min, std::int64_t max) {
  const JsonValue* value = ask(key);
  if (value == nullptr) return std::nullopt;
  if (const Decimal* number = value->number()) {
    const char* const end = number->text.data() + number->text.size();
    std::int64_t read = 0;
    const auto [stopped, failed] = std::from_chars(number->text.data(), end, read);
    if (failed == std::errc{} && stopped == end && read >= min && read <= max) return read;
  }
  std::string expected = "an integer";
  if (max != any_integer) {
    expected = fmt::format("an integer from {} to {}", min, max);
  } else if (min != std::numeric_limits<std::int64_t>::min()) {
    expected = fmt::format("an integer from {}", min);
  }
  wrong(key, *value, expected);
  return std::nullopt;
}

std::optional<bool> JsonReader::optional_boolean(std::string_view key) {
  const JsonValue* value = ask(key);
  if (value == nullptr) return std::nullopt;
  if (const bool* flag = value->boolean()) return *flag;
  wrong(key, *value, "true or false");
  return std::nullopt;
}

std::vector<std::string> JsonReader::optional_strings(std::string_view key) {
  std::vector<std::string> texts;
  const JsonValue* value = ask(key);
  if (value == nullptr) return texts;
  const JsonArray* items = value->array();
  if (items == nullptr) {
    wrong(key, *value, "an array of strings");
    return texts;
  }
  for (std::size_t i = 0; i < items->size(); ++i) {
    if (const std::string* text = (*items)[i].string()) {
      texts.push_back(*text);
    } else {
      node_->report(fmt::format("{}{}/{}", node_->pointer, pointer_token(key), i), describe((*items)[i]), "a string");
    }
  }
  return texts;
}

StringMap JsonReader::optional_string_map(std::string_view key) {
  StringMap map;
  const JsonValue* value = ask(key);
  if (value == nullptr) return map;
  if (value->object() == nullptr) {
    wrong(key, *value, "an object of strings");
    return map;
  }
  for (const auto& [name, item] : *value->object()) {
    if (const std::string* text = item.string()) {
      map.emplace(name, *text);
    } else {
      node_->report(node_->pointer + pointer_token(key) + pointer_token(name), describe(item), "a string");
    }
  }
  return map;
}

std::map<std::string, Decimal, std::less<>> JsonReader::optional_decimal_map(std::string_view key) {
  std::map<std::string, Decimal, std::less<>> map;
  const JsonValue* value = ask(key);
  if (value == nullptr) return map;
  if (value->object() == nullptr) {
    wrong(key, *value, "an object of numbers");
    return map;
  }
  for (const auto& [name, item] : *value->object()) {
    if (const Decimal* number = item.number()) {
      map.emplace(name, *number);
    } else {
      node_->report(node_->pointer + pointer_token(key) + pointer_token(name), describe(item), "a number");
    }
  }
  return map;
}

JsonReader JsonReader::required_object(std::string_view key) {
  const JsonValue* value = require(key, "an object");
  if (value != nullptr) return child(*value, node_->pointer + pointer_token(key));
  auto absent = std::make_shared<Node>();  // reads as empty; that it is missing has been said
  absent->errors = node_->errors;
  return JsonReader(std::move(absent));
}

Result<void> JsonReader::finish() const {
  std::vector<FieldError> errors = *node_->errors;
  node_->unknown_fields(errors);
  if (errors.empty()) return {};
  std::string message;
  if (errors.size() == 1) {
    message = fmt::format("{}: found {}, expected {}", errors[0].pointer.empty() ? "the body" : errors[0].pointer,
                          errors[0].found, errors[0].expected);
  } else {
    message = fmt::format("{} fields are wrong", errors.size());
  }
  return fail(ErrorCode::invalid_input, std::move(message), std::move(errors));
}

}  // namespace headgate::api
