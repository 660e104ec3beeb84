// Base64 of RFC 4648: the standard alphabet with padding (section 4), and the one for URLs without (section 5).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace headgate {

std::string encode_base64(std::string_view bytes);
// Strict: padding required, no white space, unused bits zero; so every value has one text.
std::optional<std::string> decode_base64(std::string_view text);

std::string encode_base64url(std::string_view bytes);
// As strict: no padding.
std::optional<std::string> decode_base64url(std::string_view text);
bool is_base64url(std::string_view text);  // of its characters alone

}  // namespace headgate
