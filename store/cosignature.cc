#include "store/cosignature.h"

#include <fmt/core.h>

#include <cstring>
#include <limits>

#include "engine/base/base64.h"
#include "engine/base/digest.h"

namespace headgate::store {

namespace {

constexpr std::size_t kTimeBytes = 8;

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

}  // namespace

std::string cosigned_text(std::string_view checkpoint_text, std::uint64_t seconds) {
  return fmt::format("cosignature/v1\ntime {}\n{}", seconds, checkpoint_text);
}

Result<std::string> find_cosignature(std::string_view note, std::string_view lines, const VerifierKey& witness) {
  HEADGATE_TRY(const auto own, parse_note(note));
  HEADGATE_TRY(const auto together, parse_note(fmt::format("{}{}", note, lines)));
  // An empty line among them would have moved the end of the text.
  if (together.text != own.text) return fail(ErrorCode::invalid_input, "the witness answered no signature lines");
  for (std::size_t i = own.signatures.size(); i < together.signatures.size(); ++i) {
    const auto& candidate = together.signatures[i];
    if (candidate.name != witness.name() || candidate.id != witness.id()) continue;
    Signature signature;
    if (candidate.bytes.size() == kTimeBytes + signature.size()) {
      const auto seconds = read_big_endian(std::string_view(candidate.bytes).substr(0, kTimeBytes));
      std::memcpy(signature.data(), candidate.bytes.data() + kTimeBytes, signature.size());
      const bool in_range = seconds <= std::uint64_t{std::numeric_limits<std::int64_t>::max()};
      if (in_range && witness.verify(cosigned_text(own.text, seconds), signature)) return signature_line(candidate);
    }
    return fail(ErrorCode::corrupt,
                fmt::format("the cosignature by {} does not belong to this checkpoint", witness.name()));
  }
  return fail(ErrorCode::corrupt, fmt::format("no cosignature by the key {}", witness.text()));
}

std::string add_checkpoint_request(std::uint64_t old_size, std::span<const Hash> proof, std::string_view note) {
  auto text = fmt::format("old {}\n", old_size);
  for (const auto& hash : proof) text += encode_base64(as_bytes(hash)) + '\n';
  text += '\n';
  text += note;
  return text;
}

}  // namespace headgate::store
