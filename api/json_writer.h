// Writes one JSON text front to back, in the order of the calls. Numbers that are decimals and records from the log go
// in as they stand: nothing passes through a binary fraction or is written again.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/domain/names.h"

namespace headgate::api {

// Bytes of a text that are not UTF-8 become U+FFFD: the output is always valid.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(const Decimal& number) { return raw(number.text); }
  JsonWriter& value(std::nullptr_t) { return raw("null"); }
  template <std::integral T>
  JsonWriter& value(T number) {
    if constexpr (std::same_as<T, bool>) return raw(number ? "true" : "false");
    return raw(std::to_string(number));
  }
  // A whole JSON value, copied byte for byte; the caller answers for its validity.
  JsonWriter& raw(std::string_view json);

  template <class T>
  JsonWriter& field(std::string_view name, const T& of) {
    return key(name).value(of);
  }

  std::size_t size() const { return out_.size(); }  // bytes so far
  std::string take();                               // everything opened must be closed

 private:
  void separate();

  std::string out_;
  std::string open_;        // '{' and '[' that are not closed yet
  bool first_ = true;       // in the innermost of them
  bool after_key_ = false;  // a value must follow
};

}  // namespace headgate::api
