// Public keys as the AccessPolicy writes them: one line of SSH (ssh-ed25519 AAAA…), or an OpenPGP block.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/domain/error.h"

namespace headgate::reconciler {

inline constexpr std::size_t max_signing_key_bytes = 8 << 10;
// What a diagnostic says was expected.
inline constexpr std::string_view expected_signing_key =
    "a public key: one line of SSH (ssh-ed25519, ecdsa-sha2-nistp256, -384, -521 or ssh-rsa, then the key), or the "
    "block that 'gpg --armor --export --export-options export-minimal' prints for one key";

struct SigningKey {
  enum class Kind : std::uint8_t { ssh, openpgp };
  Kind kind = Kind::ssh;
  std::string fingerprint;  // SHA256:… as ssh-keygen prints it, or the 40 digits of OpenPGP's primary key
  std::string key;          // "<type> <base64>" of SSH, the binary packets of OpenPGP
};

// invalid_input says what is wrong, never the key.
Result<SigningKey> parse_signing_key(std::string_view text);

}  // namespace headgate::reconciler
