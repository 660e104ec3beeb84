// Texts of signed notes and of files beside the log: standard base64 (RFC 4648 section 4) and UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace headgate::store {

std::string encode_base64(std::string_view bytes);
// Strict: padding required, no white space, unused bits zero; so every value has one text.
std::optional<std::string> decode_base64(std::string_view text);

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace headgate::store
