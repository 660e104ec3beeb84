// What the log commits to (c2sp.org/tlog-checkpoint) and the proof of one record under it (c2sp.org/tlog-proof):
//
//   <origin>                        c2sp.org/tlog-proof@v1
//   <size, decimal>                 index <i>
//   <base64 root hash>              <base64 sibling hash>      from the leaf to the root, one a line
//
//   — <key name> <signature>        <the checkpoint>           after an empty line
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/names.h"
#include "store/signed_note.h"

namespace headgate::store {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  std::vector<std::string> extensions{};  // further lines, opaque; Headgate writes none
  bool operator==(const Checkpoint&) const = default;
};

std::string checkpoint_text(const Checkpoint& checkpoint);        // unsigned, with its last newline
Result<Checkpoint> parse_checkpoint_text(std::string_view text);  // invalid_input
// What a note says, whoever has signed it: of our own, or where the signatures are for others to check. Errors of
// parse_note and parse_checkpoint_text.
Result<Checkpoint> unverified_checkpoint(std::string_view note);
// HEADGATE_CHECK: the origin is one non-empty line.
std::string sign_checkpoint(const Checkpoint& checkpoint, const SigningKey& key);
// The checkpoint that `key` has signed, of the log that bears the key's name; errors as open_note.
Result<Checkpoint> open_checkpoint(std::string_view note, const VerifierKey& key);

struct TlogProof {
  std::uint64_t index = 0;
  std::vector<Hash> hashes;
  std::string checkpoint;  // the signed note as it stands
  std::string extra{};     // opaque bytes; Headgate writes none
  bool operator==(const TlogProof&) const = default;
};

inline constexpr std::size_t kMaxProofBytes = kMaxNoteBytes + 16 * 1024;
std::string tlog_proof_text(const TlogProof& proof);
Result<TlogProof> parse_tlog_proof(std::string_view text);  // invalid_input, too_large
// Proves that the record's exact bytes stand at proof.index in the log that signed the checkpoint, and returns that.
Result<Checkpoint> verify_tlog_proof(const TlogProof& proof, std::string_view record, const VerifierKey& key);

}  // namespace headgate::store
