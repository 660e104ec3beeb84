#include "engine/base/glob.h"

#include <cstddef>

namespace headgate {
namespace {

// After a mismatch the last star takes in one character more; earlier stars never need to. So the time is at most the
// product of the lengths.
template <class Same>
bool matches(std::string_view pattern, std::string_view text, Same same) {
  std::size_t at = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      resume = i;
    } else if (at < pattern.size() && same(pattern[at], text[i])) {
      ++at;
      ++i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  return matches(pattern, text, [](char wanted, char c) { return wanted == c; });
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  return matches(pattern, text, [](char wanted, char c) { return wanted == '?' || wanted == c; });
}

}  // namespace headgate
