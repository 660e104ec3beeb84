// Notes signed with Ed25519 (c2sp.org/signed-note): a text, an empty line, and one line per signature:
//
//   <text, one or more lines>
//
//   — <key name> <base64(key id, 4 bytes ‖ signature, 64 bytes)>
//
// The dash is U+2014. A signature covers the text up to and with its last newline.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/error.h"

struct evp_pkey_st;

namespace headgate::store {

inline constexpr std::size_t kMaxNoteBytes = 64 * 1024;
inline constexpr std::size_t kMaxNoteSignatures = 100;

using KeyId = std::array<std::uint8_t, 4>;  // first bytes of SHA-256(name ‖ 0x0A ‖ algorithm ‖ public key)
using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

// What an Ed25519 key signs: a note's own text, or a statement of a witness about it (cosignature.h).
enum class KeyAlgorithm : std::uint8_t { ed25519 = 0x01, cosignature_v1 = 0x04 };

// What a stranger needs to check notes: name+<8 hex digits of the key id>+base64(algorithm ‖ public key).
class VerifierKey {
 public:
  // invalid_input also when the key is of another algorithm.
  static Result<VerifierKey> parse(std::string_view text, KeyAlgorithm algorithm = KeyAlgorithm::ed25519);
  static Result<VerifierKey> make(std::string name, const PublicKey& key,
                                  KeyAlgorithm algorithm = KeyAlgorithm::ed25519);

  const std::string& name() const { return name_; }
  const KeyId& id() const { return id_; }
  const PublicKey& public_key() const { return key_; }
  std::string text() const;
  bool verify(std::string_view message, const Signature& signature) const;
  bool operator==(const VerifierKey&) const = default;

 private:
  VerifierKey() = default;
  KeyAlgorithm algorithm_ = KeyAlgorithm::ed25519;
  std::string name_;
  KeyId id_{};
  PublicKey key_{};
};

// The private half. Its file holds one line, PRIVATE+KEY+name+<key id>+base64(0x01 ‖ seed), as
// golang.org/x/mod/sumdb/note writes it. Signing is thread-safe.
class SigningKey {
 public:
  // invalid_input when the name is empty or holds '+', white space or control characters.
  static Result<SigningKey> generate(std::string name);
  // not_found; corrupt when it is no such key; invalid_input when anyone but the file's owner may read it.
  static Result<SigningKey> load(const std::filesystem::path& path);
  // Durable, mode 0600. conflict when the file exists: a key is never overwritten.
  Result<void> save(const std::filesystem::path& path) const;

  const VerifierKey& verifier() const { return verifier_; }
  Signature sign(std::string_view message) const;

 private:
  using Handle = std::shared_ptr<evp_pkey_st>;
  SigningKey(VerifierKey verifier, Handle key) : verifier_(std::move(verifier)), key_(std::move(key)) {}
  static Result<SigningKey> from_handle(std::string name, Handle key);

  VerifierKey verifier_;
  Handle key_;
};

struct NoteSignature {
  std::string name;
  KeyId id{};
  std::string bytes;  // what follows the key id; 64 bytes where the key is one of ours
};

std::string signature_line(const NoteSignature& signature);  // with its newline

struct Note {
  std::string text;  // with its last newline
  std::vector<NoteSignature> signatures;
};

// The note, signed by this key alone. HEADGATE_CHECK: the text ends in a newline and is valid for a note.
std::string sign_note(std::string_view text, const SigningKey& key);
// Splits a note; says nothing about whether its signatures are good. invalid_input, too_large.
Result<Note> parse_note(std::string_view note);
// The text of a note that `key` has signed. invalid_input for no note at all, corrupt when the key's signature is
// missing or wrong. Signatures by other keys are not looked at.
Result<std::string> open_note(std::string_view note, const VerifierKey& key);

}  // namespace headgate::store
