#include "engine/domain/record_size.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>

#include "engine/base/utf8.h"

namespace headgate {
namespace {

constexpr std::size_t scalar_bytes = 30;  // the longest number, enum or time

// Control characters are written \u00XX; a byte that is not UTF-8 becomes U+FFFD.
constexpr auto bytes_of_char = [] {
  std::array<std::uint8_t, 256> bytes{};
  for (std::size_t c = 0; c < bytes.size(); ++c) {
    bytes[c] = c < 0x20 || c == 0x7F ? 6 : c >= 0x80 ? 3 : c == '"' || c == '\\' ? 2 : 1;
  }
  return bytes;
}();

std::size_t text_bound(std::string_view text) {
  std::size_t bytes = 2;
  for (const char c : text) bytes += bytes_of_char[static_cast<unsigned char>(c)];
  return bytes;
}

struct SizeBound {
  std::size_t bytes = 2;

  template <class T>
  void subject(const T&) {}
  void correlation(const std::string&) {}
  template <class T>
  void operator()(std::string_view name, const T& value) {
    bytes += name.size() + 4;
    add(value);
  }
  void add(const std::string& value) { bytes += text_bound(value); }
  void add(const Decimal& value) { add(value.text); }
  void add(const Json& value) { bytes += value.text.size(); }
  void add(const Document& value) {
    bytes += 20;
    std::visit([this](const auto& d) { add(d); }, value);
  }
  template <class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, Duration> ||
           std::is_same_v<T, Timestamp>) void add(const T&) {
    bytes += scalar_bytes;
  }
  template <OptionalValue T>
  void add(const T& value) {
    if (value) add(*value);
  }
  template <class T>
  void add(const std::vector<T>& values) {
    bytes += 2;
    for (const auto& value : values) {
      ++bytes;
      add(value);
    }
  }
  template <class K, class T, class C>
  void add(const std::map<K, T, C>& values) {
    bytes += 2;
    for (const auto& [key, value] : values) {
      add(key);
      bytes += 2;
      add(value);
    }
  }
  template <class T>
  requires requires(const T& value, SizeBound& visitor) { T::describe(value, visitor); }
  void add(const T& value) {
    bytes += 2;
    T::describe(value, *this);
  }
};

template <class T>
std::size_t bound(const T& value) {
  SizeBound size;
  size.add(value);
  return size.bytes;
}

}  // namespace

std::size_t stored_size_bound(const Event& event) {
  return std::visit([](const auto& e) { return bound(e); }, event);
}
std::size_t stored_size_bound(const Document& document) {
  return bound(document);
}
std::size_t stored_size_bound(const Step& step) {
  SizeBound size;
  size("step", step);
  return size.bytes + 2;
}
std::size_t stored_size_bound(const Wish& wish) {
  return bound(wish);
}
std::size_t stored_size_bound(const Condition& condition) {
  return bound(condition);
}
std::size_t stored_size_bound(const Diagnostic& diagnostic) {
  return bound(diagnostic);
}

std::string cut_text(std::string_view text, std::size_t max_bytes) {
  return std::string(utf8_prefix(text, max_bytes));
}

std::size_t max_document_bytes(DocumentKind kind) {
  return kind == DocumentKind::target ? 16'000 : 60'000;
}

}  // namespace headgate
