// What witnesses say of a checkpoint (c2sp.org/tlog-cosignature, Ed25519) and how they are asked
// (c2sp.org/tlog-witness):
//
//   signed text                      request add-checkpoint
//   cosignature/v1                   old <size that the witness has seen>
//   time <POSIX seconds>             <base64 hash of the consistency proof>, one a line
//   <text of the checkpoint>
//                                    <the checkpoint>
//
// A witness answers with signature lines of the note: — <name> <base64(key id ‖ u64 time ‖ signature)>.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/domain/error.h"
#include "engine/domain/names.h"
#include "store/signed_note.h"

namespace headgate::store {

std::string cosigned_text(std::string_view checkpoint_text, std::uint64_t seconds);

// The line of `witness` among the signature lines that it gave for the checkpoint `note`, with its newline.
// invalid_input: no signature lines; corrupt: none by this witness, or a wrong one.
Result<std::string> find_cosignature(std::string_view note, std::string_view lines, const VerifierKey& witness);

std::string add_checkpoint_request(std::uint64_t old_size, std::span<const Hash> proof, std::string_view note);

}  // namespace headgate::store
