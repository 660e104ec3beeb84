// What kinds of members the `describe` visitors of engine/domain/ meet. Codec, snapshots and tests dispatch on these,
// so that a member of a new kind is a compile error in each of them.
#pragma once

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "engine/domain/events.h"
#include "engine/domain/indexed_map.h"

namespace headgate::store {

struct AnyVisitor {
  template <class T>
  void operator()(std::string_view, T&) {}
  template <class T>
  void subject(T&) {}
  template <class T>
  void correlation(T&) {}
};

// A struct whose stored fields `describe` names.
template <class T>
concept Described = requires(T& value, AnyVisitor& visitor) {
  T::describe(value, visitor);
};

template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;

template <class T>
inline constexpr bool kIsMap = false;
template <class K, class T, class C>
inline constexpr bool kIsMap<std::map<K, T, C>> = true;
template <class K, class T>
inline constexpr bool kIsMap<IndexedMap<K, T>> = true;

template <class T>
inline constexpr bool kIsOptional = is_optional<T>;

template <class T>
inline constexpr bool kIsVariant = false;
template <class... T>
inline constexpr bool kIsVariant<std::variant<T...>> = true;

// Words of a closed set, stored by name.
template <class T>
concept NamedEnum = std::is_enum_v<T> && requires {
  EnumNames<T>::names.size();
};

template <class T>
concept Unsigned = std::unsigned_integral<T> && !std::same_as<T, bool>;

template <class>
inline constexpr bool kUnsupported = false;

// Calls use.template operator()<E>() for each alternative of Event, in order.
template <class Use, std::size_t... I>
void for_each_event_type_at(Use&& use, std::index_sequence<I...>) {
  (use.template operator()<std::variant_alternative_t<I, AnyEvent>>(), ...);
}
template <class Use>
void for_each_event_type(Use&& use) {
  for_each_event_type_at(use, std::make_index_sequence<std::variant_size_v<AnyEvent>>());
}

}  // namespace headgate::store
