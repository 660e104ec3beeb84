// Tokens.
#pragma once

#include <string>
#include <string_view>

#include "engine/domain/error.h"

namespace headgate::api {

// hg_ and 43 characters of base64url: 32 random bytes. Shown once; only its digest is kept.
inline constexpr std::size_t token_length = 46;
Result<std::string> new_token();
bool is_token(std::string_view text);

}  // namespace headgate::api
