#include "store/sha256.h"

// The plain functions, which OpenSSL deprecates in favour of EVP: to go through EVP takes as long as to hash a node.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <array>
#include <cstring>

namespace headgate::store {

namespace {

constexpr std::string_view kDigestPrefix = "sha256:";

Hash digest(std::string_view head, std::string_view body) {
  Hash hash;
  SHA256_CTX context;
  HEADGATE_CHECK(SHA256_Init(&context) == 1);
  HEADGATE_CHECK(SHA256_Update(&context, head.data(), head.size()) == 1);
  HEADGATE_CHECK(SHA256_Update(&context, body.data(), body.size()) == 1);
  HEADGATE_CHECK(SHA256_Final(hash.data(), &context) == 1);
  return hash;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Hash sha256(std::string_view bytes) {
  return digest({}, bytes);
}

Hash sha256(std::span<const std::byte> bytes) {
  return sha256(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Hash leaf_hash(std::string_view record) {
  return digest(std::string_view("\x00", 1), record);
}

Hash node_hash(const Hash& left, const Hash& right) {
  std::array<char, 65> input;
  input[0] = 0x01;
  std::memcpy(input.data() + 1, left.data(), left.size());
  std::memcpy(input.data() + 33, right.data(), right.size());
  return digest({}, std::string_view(input.data(), input.size()));
}

std::string hex(const Hash& hash) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(64);
  for (const auto byte : hash) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

std::optional<Hash> parse_hex(std::string_view text) {
  Hash hash;
  if (text.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    hash[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return hash;
}

std::string digest_text(const Hash& hash) {
  return std::string(kDigestPrefix) + hex(hash);
}

std::optional<Hash> parse_digest(std::string_view text) {
  if (!text.starts_with(kDigestPrefix)) return std::nullopt;
  return parse_hex(text.substr(kDigestPrefix.size()));
}

std::string_view as_bytes(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::optional<Hash> hash_from_bytes(std::string_view bytes) {
  Hash hash;
  if (bytes.size() != hash.size()) return std::nullopt;
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

}  // namespace headgate::store
