// A log of seven records, "record 0" to "record 6", made with golang.org/x/mod/sumdb: corpus/note/checkpoint is signed
// by its key, corpus/proof/ holds the proof of each record under it. And what signed_seeds.py adds: a second key, as a
// rotation gives it, with a checkpoint of two records more, and a witness that has cosigned the first checkpoint twice.
#pragma once

#include <array>
#include <string_view>

#include "engine/base/digest.h"
#include "store/signed_note.h"

namespace headgate::store::known {

inline constexpr std::uint64_t size = 7;
inline constexpr const char* root = "6650979f6c878aad85f380ec89c9e2a7af10d2a64aa96a8918aa7f507b20f98e";
inline constexpr std::string_view note =
    "fuzz.headgate.test\n7\nZlCXn2yHiq2F84Dsicnip68Q0qZKqWqJGKp/UHsg+Y4=\n\n"
    "— fuzz.headgate.test "
    "kReTVr06t2MzJ8emE2sfPHyAxjCI3LzXN4rkJsuQQnw57N/RqC0rQyPpXAUpbbVbns3p1i5pUpTBrpg0zGN7JVkS8Qc=\n";
inline constexpr std::uint64_t rotated_size = 9;
inline constexpr const char* rotated_root = "602bc03d0c2003ebd7148b9c7023d3e82ce44b1515fa0aba29dc9fd3c251bcae";
// The whole lines, one a time of cosigning.
inline constexpr std::array<std::string_view, 2> cosignatures{
    "— witness.headgate.test/w1 "
    "vFpHagAAAABrAGBwgAbx6Ygj2bj3v0MJO6/eTvZjXFwSSaQO8LACmW1dXXuop+iyIWajPn9RQdXRfx4VoPLxoLfsYlpZAQnXyuWyBQ==\n",
    "— witness.headgate.test/w1 "
    "vFpHagAAAABrAG6AmhXvKPGZqSjZvgqjOG356BQJJdovw7iB+BGWTBvzEl1vvkJ4uLKBsWUD9TuOWJxAKazFzpy1PWm9wL/DiDNrAQ==\n"};

inline VerifierKey key_of(std::string_view text, KeyAlgorithm algorithm = KeyAlgorithm::ed25519) {
  auto key = VerifierKey::parse(text, algorithm);
  HEADGATE_CHECK(key.has_value());
  return *key;
}
inline VerifierKey verifier() {
  return key_of("fuzz.headgate.test+91179356+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs");
}
inline VerifierKey rotated() {
  return key_of("fuzz.headgate.test+59d28892+AdN1H+8TjPsus8CVjfCU/KR5uOsyr95t+tN4EDcY7stb");
}
inline VerifierKey witness() {
  return key_of("witness.headgate.test/w1+bc5a476a+BPm6bwVeUZUWD66/FVvMuroBHYtLuqsVuofxMxq1ToIN",
                KeyAlgorithm::cosignature_v1);
}

}  // namespace headgate::store::known
