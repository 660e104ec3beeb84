// Patterns of names.
#pragma once

#include <string_view>

namespace headgate {

// '*' stands for any characters, also none; everything else for itself.
bool matches_glob(std::string_view pattern, std::string_view text);
// The same, and '?' stands for one character.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace headgate
