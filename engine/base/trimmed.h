// Text without the white space around it.
#pragma once

#include <string_view>

namespace headgate {

// Without blanks, tabs and ends of lines at its beginning and its end.
std::string_view trimmed(std::string_view text);

}  // namespace headgate
