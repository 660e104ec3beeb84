#include "store/checkpoint.h"

#include <fmt/core.h>

#include <charconv>
#include <optional>

#include "engine/base/base64.h"
#include "engine/base/digest.h"
#include "store/merkle_tree.h"

namespace headgate::store {

namespace {

constexpr std::string_view kProofHeader = "c2sp.org/tlog-proof@v1";
constexpr std::size_t kMaxProofHashes = 64;

// The next line without its newline; nullopt when no ended line is left.
std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

// Decimal without sign or leading zeros.
std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Hash> parse_hash(std::string_view text) {
  const auto bytes = decode_base64(text);
  return bytes ? hash_from_bytes(*bytes) : std::nullopt;
}

std::unexpected<Error> bad_checkpoint(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("not a checkpoint: {}", what));
}

std::unexpected<Error> bad_proof(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("not a proof file: {}", what));
}

}  // namespace

std::string checkpoint_text(const Checkpoint& checkpoint) {
  HEADGATE_CHECK(!checkpoint.origin.empty() && checkpoint.origin.find('\n') == std::string::npos);
  auto text = fmt::format("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size, encode_base64(as_bytes(checkpoint.root)));
  for (const auto& line : checkpoint.extensions) {
    HEADGATE_CHECK(!line.empty() && line.find('\n') == std::string::npos);
    text += line;
    text += '\n';
  }
  return text;
}

Result<Checkpoint> parse_checkpoint_text(std::string_view text) {
  Checkpoint checkpoint;
  const auto origin = take_line(text);
  if (!origin || origin->empty()) return bad_checkpoint("the first line must name the origin");
  checkpoint.origin = *origin;
  const auto size_line = take_line(text);
  const auto size = size_line ? parse_number(*size_line) : std::nullopt;
  if (!size) return bad_checkpoint("the second line must be the size, decimal without leading zeros");
  checkpoint.size = *size;
  const auto root_line = take_line(text);
  const auto root = root_line ? parse_hash(*root_line) : std::nullopt;
  if (!root) return bad_checkpoint("the third line must be the root hash, base64 of 32 bytes");
  checkpoint.root = *root;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (!line || line->empty()) return bad_checkpoint("an extension line is empty or not ended");
    checkpoint.extensions.emplace_back(*line);
  }
  return checkpoint;
}

Result<Checkpoint> unverified_checkpoint(std::string_view note) {
  HEADGATE_TRY(const auto parsed, parse_note(note));
  return parse_checkpoint_text(parsed.text);
}

std::string sign_checkpoint(const Checkpoint& checkpoint, const SigningKey& key) {
  return sign_note(checkpoint_text(checkpoint), key);
}

Result<Checkpoint> open_checkpoint(std::string_view note, const VerifierKey& key) {
  HEADGATE_TRY(const auto text, open_note(note, key));
  HEADGATE_TRY(auto checkpoint, parse_checkpoint_text(text));
  if (checkpoint.origin != key.name()) {
    return fail(ErrorCode::corrupt,
                fmt::format("a checkpoint of the log {}, expected {}", checkpoint.origin, key.name()));
  }
  return checkpoint;
}

std::string tlog_proof_text(const TlogProof& proof) {
  auto text = fmt::format("{}\n", kProofHeader);
  if (!proof.extra.empty()) text += fmt::format("extra {}\n", encode_base64(proof.extra));
  text += fmt::format("index {}\n", proof.index);
  for (const auto& hash : proof.hashes) {
    text += encode_base64(as_bytes(hash));
    text += '\n';
  }
  text += '\n';
  text += proof.checkpoint;
  return text;
}

Result<TlogProof> parse_tlog_proof(std::string_view text) {
  if (text.size() > kMaxProofBytes) {
    return fail(ErrorCode::too_large,
                fmt::format("a proof file of {} bytes, expected at most {}", text.size(), kMaxProofBytes));
  }
  if (take_line(text) != kProofHeader) return bad_proof(fmt::format("the first line must be {}", kProofHeader));
  TlogProof proof;
  auto line = take_line(text);
  if (line && line->starts_with("extra ")) {
    const auto extra = decode_base64(line->substr(6));
    if (!extra || extra->empty()) return bad_proof("the extra line is not base64");
    proof.extra = *extra;
    line = take_line(text);
  }
  const auto index = line && line->starts_with("index ") ? parse_number(line->substr(6)) : std::nullopt;
  if (!index) return bad_proof("expected a line: index <decimal without leading zeros>");
  proof.index = *index;
  for (line = take_line(text); line && !line->empty(); line = take_line(text)) {
    const auto hash = parse_hash(*line);
    if (!hash) return bad_proof("a sibling hash is not base64 of 32 bytes");
    if (proof.hashes.size() == kMaxProofHashes) return bad_proof("more than 64 sibling hashes");
    proof.hashes.push_back(*hash);
  }
  if (!line) return bad_proof("no empty line before the checkpoint");
  if (text.empty()) return bad_proof("no checkpoint");
  proof.checkpoint = text;
  return proof;
}

Result<Checkpoint> verify_tlog_proof(const TlogProof& proof, std::string_view record, const VerifierKey& key) {
  HEADGATE_TRY(auto checkpoint, open_checkpoint(proof.checkpoint, key));
  HEADGATE_TRY_VOID(verify_inclusion(leaf_hash(record), proof.index, checkpoint.size, proof.hashes, checkpoint.root));
  return checkpoint;
}

}  // namespace headgate::store
