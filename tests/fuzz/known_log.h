// A log of seven records, "record 0" to "record 6", made with golang.org/x/mod/sumdb: corpus/note/checkpoint is signed
// by its key, corpus/proof/record-4-of-7 is under it.
#pragma once

#include "engine/base/digest.h"
#include "store/signed_note.h"

namespace headgate::store::known {

inline constexpr std::uint64_t size = 7;
inline constexpr const char* root = "6650979f6c878aad85f380ec89c9e2a7af10d2a64aa96a8918aa7f507b20f98e";

inline VerifierKey verifier() {
  auto key = VerifierKey::parse("fuzz.headgate.test+91179356+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs");
  HEADGATE_CHECK(key.has_value());
  return *key;
}

}  // namespace headgate::store::known
