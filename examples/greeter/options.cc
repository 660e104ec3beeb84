#include "examples/greeter/options.h"

#include <algorithm>
#include <charconv>

namespace greeter {

Options::Options(int argc, char** argv, int first, std::initializer_list<std::string_view> values,
                 std::initializer_list<std::string_view> switches) {
  for (int i = first; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with('-')) {
      words_.emplace_back(word);
    } else if (std::ranges::find(switches, word) != switches.end()) {
      switches_.emplace(word);
    } else if (std::ranges::find(values, word) == values.end()) {
      throw UsageError("unknown option " + std::string(word));
    } else if (i + 1 == argc) {
      throw UsageError(std::string(word) + " needs a value");
    } else {
      values_[std::string(word)] = argv[++i];
    }
  }
}

const std::string& Options::required(std::string_view name) const {
  const auto at = values_.find(name);
  if (at == values_.end() || at->second.empty()) throw UsageError(std::string(name) + " is missing");
  return at->second;
}

std::string Options::text(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::string() : at->second;
}

std::uint32_t Options::number(std::string_view name, std::uint32_t low, std::uint32_t high,
                              std::uint32_t otherwise) const {
  const auto at = values_.find(name);
  if (at == values_.end()) return otherwise;
  const auto& text = at->second;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
    throw UsageError(std::string(name) + " is '" + text + "', expected a number from " + std::to_string(low) + " to " +
                     std::to_string(high));
  }
  return value;
}

}  // namespace greeter
