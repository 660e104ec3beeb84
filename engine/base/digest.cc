#include "engine/base/digest.h"

// The plain functions, which OpenSSL deprecates in favour of EVP: to go through EVP takes as long as to hash a node.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <cstdlib>
#include <cstring>

namespace headgate {

namespace {

constexpr std::string_view kDigestPrefix = "sha256:";

}  // namespace

Sha256 sha256(std::string_view head, std::string_view body) {
  Sha256 hash;
  SHA256_CTX context;
  const bool done = SHA256_Init(&context) == 1 && SHA256_Update(&context, head.data(), head.size()) == 1 &&
                    SHA256_Update(&context, body.data(), body.size()) == 1 && SHA256_Final(hash.data(), &context) == 1;
  if (!done) std::abort();  // only a bug can lead here
  return hash;
}

Sha256 sha256(std::string_view bytes) {
  return sha256({}, bytes);
}

Sha256 sha256(std::span<const std::byte> bytes) {
  return sha256(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Sha1 sha1(std::string_view head, std::string_view body) {
  Sha1 hash;
  SHA_CTX context;
  const bool done = SHA1_Init(&context) == 1 && SHA1_Update(&context, head.data(), head.size()) == 1 &&
                    SHA1_Update(&context, body.data(), body.size()) == 1 && SHA1_Final(hash.data(), &context) == 1;
  if (!done) std::abort();
  return hash;
}

std::optional<Sha256> parse_hex(std::string_view text) {
  Sha256 hash;
  if (!is_lower_hex(text, 2 * hash.size())) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    hash[i] = static_cast<std::uint8_t>(hex_value(text[2 * i]) * 16 + hex_value(text[2 * i + 1]));
  }
  return hash;
}

std::string digest_text(const Sha256& hash) {
  return std::string(kDigestPrefix) + hex(hash);
}

std::optional<Sha256> parse_digest(std::string_view text) {
  if (!text.starts_with(kDigestPrefix)) return std::nullopt;
  return parse_hex(text.substr(kDigestPrefix.size()));
}

std::string sha256_digest(std::string_view bytes) {
  return digest_text(sha256(bytes));
}

std::string_view as_bytes(const Sha256& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::optional<Sha256> hash_from_bytes(std::string_view bytes) {
  Sha256 hash;
  if (bytes.size() != hash.size()) return std::nullopt;
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

}  // namespace headgate
