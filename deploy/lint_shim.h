// Forced in front of every file by deploy/lint, and used by nothing else. clang 14 cannot compile libstdc++ 12's
// <expected> (it knows no destructors with a constraint), so this one stands in its place: the same interface, as far
// as clang-tidy needs it to follow the code.
#pragma once

#define _GLIBCXX_EXPECTED 1  // libstdc++'s own guard: its <expected> is left out

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace std {

template <class E>
class unexpected {
 public:
  template <class G = E>
  requires(!is_same_v<remove_cvref_t<G>, unexpected>) constexpr explicit unexpected(G&& error)
      : error_(std::forward<G>(error)) {}
  constexpr const E& error() const& noexcept { return error_; }
  constexpr E& error() & noexcept { return error_; }
  constexpr E&& error() && noexcept { return std::move(error_); }

 private:
  E error_;
};
template <class E>
unexpected(E) -> unexpected<E>;

template <class T, class E>
class expected {
  using Value = conditional_t<is_void_v<T>, monostate, T>;

 public:
  using value_type = T;
  using error_type = E;

  constexpr expected() = default;
  template <class U = Value>
  requires(!is_void_v<T> && !is_same_v<remove_cvref_t<U>, expected> &&
           is_constructible_v<Value, U>) constexpr expected(U&& value)
      : value_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT
  template <class G>
  constexpr expected(const unexpected<G>& error) : value_(std::in_place_index<1>, error.error()) {}  // NOLINT
  template <class G>
  constexpr expected(unexpected<G>&& error) : value_(std::in_place_index<1>, std::move(error).error()) {}  // NOLINT
  template <class U, class G>
  requires(!is_same_v<expected<U, G>, expected> &&
           is_constructible_v<Value, U>) constexpr expected(expected<U, G>&& other)  // NOLINT
      : value_(other ? decltype(value_)(std::in_place_index<0>, std::move(*other))
                     : decltype(value_)(std::in_place_index<1>, std::move(other).error())) {}

  constexpr bool has_value() const noexcept { return value_.index() == 0; }
  constexpr explicit operator bool() const noexcept { return has_value(); }
  constexpr auto& operator*() & noexcept { return *std::get_if<0>(&value_); }
  constexpr const auto& operator*() const& noexcept { return *std::get_if<0>(&value_); }
  constexpr auto&& operator*() && noexcept { return std::move(*std::get_if<0>(&value_)); }
  constexpr auto* operator->() noexcept { return std::get_if<0>(&value_); }
  constexpr const auto* operator->() const noexcept { return std::get_if<0>(&value_); }
  constexpr auto& value() & { return std::get<0>(value_); }
  constexpr const auto& value() const& { return std::get<0>(value_); }
  constexpr auto&& value() && { return std::get<0>(std::move(value_)); }
  constexpr E& error() & noexcept { return *std::get_if<1>(&value_); }
  constexpr const E& error() const& noexcept { return *std::get_if<1>(&value_); }
  constexpr E&& error() && noexcept { return std::move(*std::get_if<1>(&value_)); }
  template <class U>
  constexpr Value value_or(U&& otherwise) const& {
    return has_value() ? **this : static_cast<Value>(std::forward<U>(otherwise));
  }
  template <class U>
  constexpr Value value_or(U&& otherwise) && {
    return has_value() ? std::move(**this) : static_cast<Value>(std::forward<U>(otherwise));
  }
  template <class... A>
  constexpr Value& emplace(A&&... arguments) {
    return value_.template emplace<0>(std::forward<A>(arguments)...);
  }

  friend constexpr bool operator==(const expected& a, const expected& b) { return a.value_ == b.value_; }
  template <class U>
  requires(!is_void_v<T>) friend constexpr bool operator==(const expected& a, const U& b) {
    return a.has_value() && *a == b;
  }

 private:
  variant<Value, E> value_;
};

}  // namespace std
