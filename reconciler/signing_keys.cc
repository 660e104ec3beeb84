#include "reconciler/signing_keys.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "engine/base/base64.h"
#include "engine/base/digest.h"
#include "engine/base/trimmed.h"

namespace headgate::reconciler {
namespace {

constexpr std::array ssh_types{
    std::string_view("ssh-ed25519"),
    std::string_view("ecdsa-sha2-nistp256"),
    std::string_view("ecdsa-sha2-nistp384"),
    std::string_view("ecdsa-sha2-nistp521"),
    std::string_view("ssh-rsa"),
    std::string_view("sk-ssh-ed25519@openssh.com"),
    std::string_view("sk-ecdsa-sha2-nistp256@openssh.com"),
};

std::unexpected<Error> bad(std::string what) {
  return fail(ErrorCode::invalid_input, std::move(what));
}

// Of whole groups of four characters, the padding at the end; nullopt: it is none.
std::optional<std::string> from_base64(std::string_view text) {
  return text.empty() ? std::nullopt : decode_base64(text);
}

std::string to_base64_unpadded(std::string_view bytes) {
  auto text = encode_base64(bytes);
  while (text.ends_with('=')) text.pop_back();
  return text;
}

// RFC 4253 section 6.6: the blob begins with its own type.
Result<SigningKey> parse_ssh(std::string_view text) {
  const auto space = text.find(' ');
  const auto type = text.substr(0, space);
  if (space == std::string_view::npos || std::ranges::find(ssh_types, type) == ssh_types.end()) {
    return bad("not a type of key that is known");
  }
  auto key = text.substr(space + 1);
  key = key.substr(0, key.find(' '));  // a comment names somebody: it goes nowhere
  const auto blob = from_base64(key);
  if (!blob) return bad("the key is not base64");
  const auto size = static_cast<char>(type.size());
  if (!blob->starts_with(std::string("\0\0\0", 3) + size + std::string(type))) {
    return bad("the key is not of the type that stands before it");
  }
  if (blob->size() < type.size() + 4 + 32) return bad("the key is cut short");
  return SigningKey{SigningKey::Kind::ssh, "SHA256:" + to_base64_unpadded(as_bytes(sha256(*blob))),
                    std::string(type) + " " + std::string(key)};
}

constexpr std::string_view private_key = "a private key: make a new one, whoever reads the repository has this one";
constexpr std::string_view block_begin = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
constexpr std::string_view block_end = "-----END PGP PUBLIC KEY BLOCK-----";

// RFC 4880 section 6.2. The checksum line is left out: a key that was altered verifies nothing.
std::optional<std::string> unarmored(std::string_view text) {
  text.remove_prefix(block_begin.size());
  const auto end = text.find(block_end);
  if (end == std::string_view::npos || !trimmed(text.substr(end + block_end.size())).empty()) return std::nullopt;
  text = text.substr(0, end);
  std::string base64;
  bool headers = true;  // until the first empty line
  for (bool first = true; !text.empty(); first = false) {
    const auto line = trimmed(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    if (first && line.empty()) continue;  // the rest of the line that begins the block
    if (headers && line.find(':') != std::string_view::npos) continue;
    headers = false;
    if (line.empty() || line.starts_with('=')) continue;
    base64 += line;
  }
  return from_base64(base64);
}

struct Packet {
  unsigned tag = 0;
  std::string_view body;
};

// RFC 4880 section 4.2; lengths of unknown or partial size do not occur in keys.
std::optional<Packet> next_packet(std::string_view& bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const auto number = [&](std::size_t at, std::size_t size) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | byte(at + i);
    return value;
  };
  if (bytes.size() < 2 || (byte(0) & 0x80) == 0) return std::nullopt;
  Packet packet;
  std::size_t header = 0;
  std::size_t length = 0;
  if ((byte(0) & 0x40) != 0) {
    packet.tag = byte(0) & 0x3F;
    const unsigned first = byte(1);
    const std::size_t more = first < 192 ? 0 : first < 224 ? 1 : first == 255 ? 4 : 99;
    if (more == 99 || bytes.size() < 2 + more) return std::nullopt;
    header = 2 + more;
    length = more == 0 ? first : more == 1 ? ((first - 192) << 8) + byte(2) + 192 : number(2, 4);
  } else {
    packet.tag = byte(0) >> 2 & 0x0F;
    const unsigned kind = byte(0) & 3;
    const std::size_t more = kind == 0 ? 1 : kind == 1 ? 2 : 4;
    if (kind == 3 || bytes.size() < 1 + more) return std::nullopt;
    header = 1 + more;
    length = number(1, more);
  }
  if (length > bytes.size() - header) return std::nullopt;
  packet.body = bytes.substr(header, length);
  bytes.remove_prefix(header + length);
  return packet;
}

Result<SigningKey> parse_openpgp(std::string_view text) {
  constexpr unsigned secret_key = 5;
  constexpr unsigned public_key = 6;
  auto bytes = unarmored(text);
  if (!bytes) return bad("the block is damaged");
  std::string_view rest = *bytes;
  std::string_view primary;
  while (!rest.empty()) {
    const auto packet = next_packet(rest);
    if (!packet) return bad("the block is damaged");
    if (packet->tag == secret_key) return bad(std::string(private_key));
    if (packet->tag != public_key) {
      if (primary.empty()) return bad("the block does not begin with a key");
      continue;
    }
    if (!primary.empty()) return bad("the block holds several keys: write one each");
    primary = packet->body;
  }
  if (primary.empty()) return bad("the block does not begin with a key");
  if (primary.front() != 4) return bad("not a key of version 4");
  // RFC 4880 section 12.2
  const auto size = primary.size();
  std::string hashed("\x99");
  hashed += static_cast<char>(size >> 8 & 0xFF);
  hashed += static_cast<char>(size & 0xFF);
  return SigningKey{SigningKey::Kind::openpgp, hex(sha1(hashed, primary), kUpperHexDigits), std::move(*bytes)};
}

}  // namespace

Result<SigningKey> parse_signing_key(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (text.size() > max_signing_key_bytes) {
    return bad("the key has more than " + std::to_string(max_signing_key_bytes) + " bytes");
  }
  if (text.find("PRIVATE KEY") != std::string_view::npos) return bad(std::string(private_key));
  if (text.starts_with(block_begin)) return parse_openpgp(text);
  if (text.find('\n') != std::string_view::npos) return bad("neither a line of SSH nor an OpenPGP block");
  return parse_ssh(text);
}

}  // namespace headgate::reconciler
