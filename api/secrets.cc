#include "api/secrets.h"

#include <openssl/rand.h>

#include <array>

#include "engine/base/base64.h"

namespace headgate::api {

Result<std::string> new_token() {
  std::array<unsigned char, 32> secret{};
  if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1) {
    return fail(ErrorCode::io, "the system gives no random numbers");
  }
  return "hg_" + encode_base64url({reinterpret_cast<const char*>(secret.data()), secret.size()});
}

bool is_token(std::string_view text) {
  return text.size() == token_length && text.starts_with("hg_") && is_base64url(text.substr(3));
}

}  // namespace headgate::api
