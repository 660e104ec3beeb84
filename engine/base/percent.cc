#include "engine/base/percent.h"

#include <cstdint>

namespace headgate {

std::string percent_encoded(std::string_view text, std::string_view marks, std::string_view hex_digits) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || marks.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      append_hex(out, static_cast<std::uint8_t>(c), hex_digits);
    }
  }
  return out;
}

}  // namespace headgate
