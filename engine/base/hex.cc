#include "engine/base/hex.h"

namespace headgate {

std::string hex(std::span<const std::uint8_t> bytes, std::string_view digits) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const auto byte : bytes) append_hex(text, byte, digits);
  return text;
}

void append_hex(std::string& out, std::uint8_t byte, std::string_view digits) {
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

bool is_lower_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of(kLowerHexDigits) == std::string_view::npos;
}

}  // namespace headgate
