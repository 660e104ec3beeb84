// SHA-256, the two domain-separated forms of RFC 6962 and their texts. Thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/domain/names.h"

namespace headgate::store {

Hash sha256(std::span<const std::byte> bytes);
Hash sha256(std::string_view bytes);
Hash leaf_hash(std::string_view record);              // H(0x00 ‖ record)
Hash node_hash(const Hash& left, const Hash& right);  // H(0x01 ‖ left ‖ right)

std::string hex(const Hash& hash);                     // 64 lower-case digits
std::optional<Hash> parse_hex(std::string_view text);  // exactly what hex gives
std::string digest_text(const Hash& hash);             // sha256:<hex>
std::optional<Hash> parse_digest(std::string_view text);

// The 32 bytes of a hash, and back; nullopt unless there are exactly 32.
std::string_view as_bytes(const Hash& hash);
std::optional<Hash> hash_from_bytes(std::string_view bytes);

}  // namespace headgate::store
