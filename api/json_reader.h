// Reads the fields of a JSON object into typed values and remembers everything that is wrong with them, so that one
// answer names all of it:
//
//   JsonReader body(*value);
//   const std::string service = body.required_string("service");
//   const auto url = body.optional_string("url");
//   HEADGATE_TRY_VOID(body.finish());   // every FieldError, fields that nobody asked for among them
//
// What is missing or of the wrong type reads as an empty value; finish() must be asked before any of them is used.
// null is a value like any other: an optional field is left out, not null.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/json.h"
#include "engine/domain/error.h"
#include "engine/domain/names.h"

namespace headgate::api {

class JsonReader {
 public:
  // `value` must outlive the reader. Anything but an object is an error of its own.
  explicit JsonReader(const JsonValue& value);

  std::string required_string(std::string_view key);  // not empty
  std::optional<std::string> optional_string(std::string_view key);

  static constexpr std::int64_t any_integer = std::numeric_limits<std::int64_t>::max();
  std::optional<std::int64_t> optional_integer(std::string_view key, std::int64_t min = 0,
                                               std::int64_t max = any_integer);

  std::optional<bool> optional_boolean(std::string_view key);

  std::vector<std::string> optional_strings(std::string_view key);  // an array of strings; empty when absent
  StringMap optional_string_map(std::string_view key);              // an object of strings; empty when absent
  std::map<std::string, Decimal, std::less<>> optional_decimal_map(std::string_view key);

  // A reader of what lies inside shares this one's errors; the finish() of the outermost covers it.
  JsonReader required_object(std::string_view key);

  // A finding of the caller's own: refuse("version", "'v 1'", "letters, digits and . _ + -").
  void refuse(std::string_view key, std::string found, std::string expected);

  // Nothing, or invalid_input with every error of this reader and of those made from it, in the order of the text's
  // reading; unknown fields come last, each with the nearest known name.
  Result<void> finish() const;

 private:
  struct Node;
  explicit JsonReader(std::shared_ptr<Node> node) : node_(std::move(node)) {}

  JsonReader child(const JsonValue& value, std::string pointer);
  const JsonValue* ask(std::string_view key);
  const JsonValue* require(std::string_view key, std::string_view expected);
  void wrong(std::string_view key, const JsonValue& value, std::string_view expected);

  std::shared_ptr<Node> node_;
};

// How a value is named in an error: "'text'", "17", "an object".
std::string describe(const JsonValue& value);

}  // namespace headgate::api
