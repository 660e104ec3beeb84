// The text over which digests of plans and of configurations are made.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/domain/enums.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"

namespace headgate {

// Feeds a digest: every value with its name and length, so that no two different values read the same. Lines are
// left out, since a comment above a rule moves it without changing it.
struct CanonicalText {
  static constexpr std::array<std::string_view, 29> kLaterFields{"otherwise",
                                                                 "max_age_ms",
                                                                 "after",
                                                                 "header",
                                                                 "json",
                                                                 "follow_redirects",
                                                                 "tcp",
                                                                 "tls",
                                                                 "dns",
                                                                 "slot",
                                                                 "weight",
                                                                 "metrics",
                                                                 "prometheus",
                                                                 "signed_commit",
                                                                 "unknown_authors",
                                                                 "keeps",
                                                                 "irreversible",
                                                                 "restores",
                                                                 "location",
                                                                 "wave",
                                                                 "locations",
                                                                 "on_location_failure",
                                                                 "schedule",
                                                                 "runs",
                                                                 "self_heal",
                                                                 "ignore_differences",
                                                                 "haproxy",
                                                                 "container",
                                                                 "webhook"};

  // Most names are none of them, which shows in where they would stand.
  static constexpr std::uint64_t place_of(std::string_view name) {
    return std::uint64_t{1} << ((name.size() * 8 + static_cast<unsigned char>(name.front())) % 64);
  }
  static bool is_later(std::string_view name) {
    static constexpr auto kPlaces = [] {
      std::uint64_t places = 0;
      for (const auto& field : kLaterFields) places |= place_of(field);
      return places;
    }();
    if ((kPlaces & place_of(name)) == 0) return false;
    return std::ranges::any_of(kLaterFields, [&](std::string_view field) {
      return field.size() == name.size() && field.front() == name.front() && field == name;
    });
  }

  std::string text;

  void put(std::string_view value) {
    std::array<char, 24> digits;
    auto at = digits.end();
    *--at = ':';
    auto rest = value.size();
    do {
      *--at = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest > 0);
    text.append(at, digits.end());
    text += value;
    text += ',';
  }
  template <class T>
  void operator()(std::string_view name, const T& value) {
    if (name.back() == 'e' && (name == "line" || name.ends_with("_line"))) return;
    // Fields of a later version than the first are left out where they say nothing: an upgrade changes no digest.
    if constexpr (std::equality_comparable<T> && std::default_initializable<T>) {
      if (is_later(name) && value == T{}) return;
    }
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
  void write(const T& value) { T::describe(value, *this); }
};

}  // namespace headgate
