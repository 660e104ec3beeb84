// What may stand in a record as it is.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace headgate::store {

inline constexpr int kMaxJsonDepth = 64;

// A JSON object (RFC 8259) in UTF-8 on one line, nested at most kMaxJsonDepth deep. Numbers may be of any size.
bool is_json_object_line(std::string_view text);

// How many characters `text` begins with that stand for themselves in a JSON text: ASCII but '"', '\\' and control
// characters. Eight at a time: this is most of what reading and writing records is.
inline std::size_t plain_length(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = 0x8080808080808080U;
  const auto zeros = [](std::uint64_t word) { return (word - kOnes) & ~word & kHighs; };
  std::size_t at = 0;
  if constexpr (std::endian::native == std::endian::little) {
    for (; at + 8 <= text.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + at, sizeof word);
      // The lowest bit set is exact; those above it may be the borrow's.
      const auto special =
          zeros(word ^ (kOnes * '"')) | zeros(word ^ (kOnes * '\\')) | ((word - kOnes * 0x20) & ~word) | word;
      if ((special & kHighs) != 0) return at + static_cast<std::size_t>(std::countr_zero(special & kHighs)) / 8;
    }
  }
  for (; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
  }
  return at;
}

}  // namespace headgate::store
