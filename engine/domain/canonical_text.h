// The text over which digests of plans and of configurations are made.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/domain/boxed.h"
#include "engine/domain/enums.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"

namespace headgate {

// Feeds a digest: every text with its length, every field with its name, an empty name behind the last one, so that no
// two different values read the same. A field that says nothing (zero, empty, unset, the first name of an enum) is left
// out: a version that knows a field more gives what was written before it the same digest. Lines are left out, since a
// comment above a rule moves it without changing it.
struct CanonicalText {
  std::string text;
  bool without_blobs = false;  // not which content the files have that a document is bound to

  void put(std::string_view value) {
    constexpr std::size_t most_around = 22;  // 20 digits, a colon, a comma
    const auto before = text.size();
    text.resize_and_overwrite(before + value.size() + most_around, [&](char* bytes, std::size_t) {
      auto* at = std::to_chars(bytes + before, bytes + before + 20, value.size()).ptr;
      *at++ = ':';
      at = std::ranges::copy(value, at).out;
      *at++ = ',';
      return static_cast<std::size_t>(at - bytes);
    });
  }
  template <class T>
  void operator()(std::string_view name, const T& value) {
    if (says_nothing(value) || is_line(name) || (without_blobs && name == "blob")) return;
    put(name);
    write(value);
  }
  void write(const std::string& value) { put(value); }
  void write(const Decimal& value) { put(value.text); }
  void write(bool value) { put(value ? "true" : "false"); }
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) void write(T value) { put(std::to_string(value)); }
  void write(Timestamp value) { put(format_timestamp(value)); }
  void write(Duration value) { put(std::to_string(value.count())); }
  template <class E>
  requires std::is_enum_v<E>
  void write(E value) { put(name_of(value)); }
  template <OptionalValue T>
  void write(const T& value) {
    put(value ? "some" : "none");
    if (value) write(*value);
  }
  template <class T>
  void write(const std::vector<T>& values) {
    put(std::to_string(values.size()));
    for (const auto& value : values) write(value);
  }
  template <class K, class T, class C>
  void write(const std::map<K, T, C>& values) {
    put(std::to_string(values.size()));
    for (const auto& [key, value] : values) {
      put(key);
      write(value);
    }
  }
  template <class T>
  requires requires(const T& value, CanonicalText& visitor) { T::describe(value, visitor); }
  void write(const T& value) {
    T::describe(value, *this);
    put({});
  }

 private:
  static bool is_line(std::string_view name) {
    return name.back() == 'e' && (name == "line" || name.ends_with("_line"));  // most names end otherwise
  }
  template <class T>
  static bool says_nothing(const T& value) {
    if constexpr (OptionalValue<T>) {
      return !value;
    } else if constexpr (requires { value.empty(); }) {
      return value.empty();
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || std::same_as<T, Duration> ||
                         std::same_as<T, Timestamp>) {
      return value == T{};
    } else {
      return false;
    }
  }
};

template <class T>
std::string canonical_text(const T& value) {
  CanonicalText text;
  text.write(value);
  return std::move(text.text);
}

}  // namespace headgate
