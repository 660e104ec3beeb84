// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate {

// U+FFFD, which stands for what is not UTF-8.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

// Bytes of the well-formed character at the start of `text`: 1 to 4; 0 when there is none.
std::size_t utf8_character(std::string_view text);

// Whether a byte is the second to fourth of a character.
inline bool continues_character(char c) {
  return (static_cast<std::uint8_t>(c) & 0xC0) == 0x80;
}

bool is_utf8(std::string_view text);

// The longest prefix of at most `limit` bytes that does not cut a character in two.
std::string_view utf8_prefix(std::string_view text, std::size_t limit);

// The longest beginning of at most `max_bytes`, not cut within a character; each byte that is not UTF-8 becomes U+FFFD.
std::string valid_utf8(std::string_view bytes, std::size_t max_bytes);

}  // namespace headgate
