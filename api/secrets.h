// Digests and the texts of tokens.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/domain/error.h"

namespace headgate::api {

std::string sha256_digest(std::string_view bytes);  // sha256:<64 lower-case hex digits>
bool is_digest(std::string_view text);              // of that form

// RFC 4648, section 5, without padding.
std::string base64url(std::string_view bytes);
std::optional<std::string> decode_base64url(std::string_view text);

// hg_ and 43 characters of base64url: 32 random bytes. Shown once; only its digest is kept.
inline constexpr std::size_t token_length = 46;
Result<std::string> new_token();
bool is_token(std::string_view text);

}  // namespace headgate::api
