// SHA-256 and its texts; SHA-1, for what Git and OpenPGP call by it. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/hex.h"

namespace headgate {

using Sha256 = std::array<std::uint8_t, 32>;
using Sha1 = std::array<std::uint8_t, 20>;

Sha256 sha256(std::string_view bytes);
Sha256 sha256(std::span<const std::byte> bytes);
Sha256 sha256(std::string_view head, std::string_view body);  // of the one behind the other

Sha1 sha1(std::string_view head, std::string_view body);

std::optional<Sha256> parse_hex(std::string_view text);  // exactly what hex gives: 64 lower-case digits
std::string digest_text(const Sha256& hash);             // sha256:<hex>
std::optional<Sha256> parse_digest(std::string_view text);
std::string sha256_digest(std::string_view bytes);  // their digest_text

// The 32 bytes of a hash, and back; nullopt unless there are exactly 32.
std::string_view as_bytes(const Sha256& hash);
std::optional<Sha256> hash_from_bytes(std::string_view bytes);

}  // namespace headgate
