#include "reconciler/documents_size.h"

#include <type_traits>

namespace headgate::reconciler {
namespace {

constexpr std::size_t kLongestInteger = 20;

std::size_t size_of(std::string_view text) {
  std::size_t size = 3;  // two quotes and a comma
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    size += byte < 0x20 || byte == 0x7F ? 6 : c == '"' || c == '\\' || c == '/' ? 2 : 1;
  }
  return size;
}

class Measure {
 public:
  template <class T>
  void operator()(std::string_view name, const T& value) {
    total_ += size_of(name) + 1 + of(value);
  }
  std::size_t total() const { return total_; }

  template <class T>
  static std::size_t of(const T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, Duration>) {
      return kLongestInteger + 1;
    } else if constexpr (std::is_enum_v<T>) {
      return size_of(name_of(value));
    } else if constexpr (std::is_same_v<T, Timestamp>) {
      return size_of(format_timestamp(value));
    } else {
      Measure inner;
      T::describe(value, inner);
      return inner.total() + 3;
    }
  }
  static std::size_t of(const std::string& text) { return size_of(text); }
  static std::size_t of(const Decimal& decimal) { return size_of(decimal.text); }
  template <OptionalValue T>
  static std::size_t of(const T& value) {
    return value ? of(*value) : 5;
  }
  template <class T>
  static std::size_t of(const std::vector<T>& values) {
    std::size_t total = 3;
    for (const auto& value : values) total += of(value);
    return total;
  }
  template <class T, class Less>
  static std::size_t of(const std::map<std::string, T, Less>& values) {
    std::size_t total = 3;
    for (const auto& [name, value] : values) total += size_of(name) + 1 + of(value);
    return total;
  }

 private:
  std::size_t total_ = 0;
};

}  // namespace

std::size_t stored_size(const Document& document) {
  return std::visit([](const auto& value) { return Measure::of(value); }, document);
}

}  // namespace headgate::reconciler
