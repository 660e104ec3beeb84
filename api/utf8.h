// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace headgate::api {

// Bytes of the well-formed character at the start of `text`: 1 to 4; 0 when there is none.
std::size_t utf8_character(std::string_view text);

bool is_utf8(std::string_view text);

// The longest prefix of at most `limit` bytes that does not cut a character in two.
std::string_view utf8_prefix(std::string_view text, std::size_t limit);

}  // namespace headgate::api
