// Percent-encoding (RFC 3986 section 2.1).
#pragma once

#include <string>
#include <string_view>

#include "engine/base/hex.h"

namespace headgate {

inline constexpr std::string_view kUnreservedMarks = "-._~";  // beside letters and digits (RFC 3986 section 2.3)

// Every byte but ASCII letters, digits and those in `marks` as %XX.
std::string percent_encoded(std::string_view text, std::string_view marks = kUnreservedMarks,
                            std::string_view hex_digits = kUpperHexDigits);

}  // namespace headgate
