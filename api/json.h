// Request bodies as a tree. Stricter than RFC 8259 asks: a key that occurs twice is refused, depth, size and number of
// values are bounded, and a number keeps the text in which it was written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/names.h"

namespace headgate::api {

struct JsonValue;
using JsonArray = std::vector<JsonValue>;
using JsonMember = std::pair<std::string, JsonValue>;
using JsonObject = std::vector<JsonMember>;  // in the order written, every key once

struct JsonValue {
  using Data = std::variant<std::nullptr_t, bool, Decimal, std::string, JsonArray, JsonObject>;  // Decimal: as written
  Data data = nullptr;

  const std::string* string() const { return std::get_if<std::string>(&data); }
  const Decimal* number() const { return std::get_if<Decimal>(&data); }
  const bool* boolean() const { return std::get_if<bool>(&data); }
  const JsonArray* array() const { return std::get_if<JsonArray>(&data); }
  const JsonObject* object() const { return std::get_if<JsonObject>(&data); }
  bool is_null() const { return std::holds_alternative<std::nullptr_t>(data); }

  const JsonValue* find(std::string_view key) const;  // nullptr where this is no object or has no such key
};

struct JsonLimits {
  std::size_t depth = 32;
  std::size_t bytes = 1 << 20;
  std::size_t values = 100'000;  // a value takes far more memory than its shortest text
};

// Errors: too_large past limits.bytes; else invalid_input with line and column (from 1, columns in bytes) in the
// message, and one FieldError whose pointer names the innermost place that was reached.
Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits = {});

// One reference token of a JSON pointer, escaped and with its slash: "a/b" -> "/a~1b".
std::string pointer_token(std::string_view key);

}  // namespace headgate::api
