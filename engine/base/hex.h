// Hexadecimal digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace headgate {

inline constexpr std::string_view kLowerHexDigits = "0123456789abcdef";
inline constexpr std::string_view kUpperHexDigits = "0123456789ABCDEF";

// Two digits a byte.
std::string hex(std::span<const std::uint8_t> bytes, std::string_view digits = kLowerHexDigits);
void append_hex(std::string& out, std::uint8_t byte, std::string_view digits = kLowerHexDigits);

// Of one digit, its letter small or capital; -1: it is none.
int hex_value(char digit);
// Exactly `digits` digits, the letters among them small.
bool is_lower_hex(std::string_view text, std::size_t digits);

}  // namespace headgate
