#include "store/signed_note.h"

#include <fmt/core.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "engine/base/base64.h"
#include "engine/base/digest.h"
#include "engine/base/utf8.h"
#include "store/files.h"

namespace headgate::store {

namespace {

constexpr std::string_view kPrivatePrefix = "PRIVATE+KEY+";
constexpr std::string_view kDash = "\xe2\x80\x94 ";
constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kMaxKeyFileBytes = 1024;

template <std::size_t N>
std::string_view bytes_of(const std::array<std::uint8_t, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

// Names are printable ASCII without space and '+': narrower than the format allows, so that no two look alike.
Result<void> check_name(std::string_view name) {
  const auto allowed = [](char c) { return c > ' ' && c < 0x7f && c != '+'; };
  if (!name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), allowed)) return {};
  return fail(
      ErrorCode::invalid_input,
      fmt::format("a key's name must be 1 to {} printable ASCII characters without spaces and '+'", kMaxNameBytes));
}

constexpr char byte_of(KeyAlgorithm algorithm) {
  return static_cast<char>(algorithm);
}

KeyId key_id_of(std::string_view name, KeyAlgorithm algorithm, const PublicKey& key) {
  const auto hash = sha256(fmt::format("{}\n{}{}", name, byte_of(algorithm), bytes_of(key)));
  KeyId id;
  std::copy_n(hash.begin(), id.size(), id.begin());
  return id;
}

std::string id_text(const KeyId& id) {
  return fmt::format("{:02x}{:02x}{:02x}{:02x}", id[0], id[1], id[2], id[3]);
}

struct KeyText {
  std::string name;
  std::string id;  // 8 hex digits, as written
  std::array<std::uint8_t, 32> bytes{};
};

// name+id+base64(algorithm ‖ 32 bytes); base64 may hold '+' itself.
std::optional<KeyText> parse_key_text(std::string_view text, KeyAlgorithm algorithm) {
  const auto first = text.find('+');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = text.find('+', first + 1);
  if (second != first + 9) return std::nullopt;
  auto data = decode_base64(text.substr(second + 1));
  if (!data || data->size() != 33 || data->front() != byte_of(algorithm)) return std::nullopt;
  KeyText key{std::string(text.substr(0, first)), std::string(text.substr(first + 1, 8)), {}};
  std::memcpy(key.bytes.data(), data->data() + 1, key.bytes.size());
  OPENSSL_cleanse(data->data(), data->size());
  return key;
}

using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

DigestContext new_context() {
  DigestContext context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  HEADGATE_CHECK(context != nullptr);
  return context;
}

bool is_note_text(std::string_view text) {
  return text.ends_with('\n') && is_utf8(text) &&
         std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' ' && c != '\n'; });
}

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("not a signed note: {}", what));
}

}  // namespace

Result<VerifierKey> VerifierKey::make(std::string name, const PublicKey& key, KeyAlgorithm algorithm) {
  HEADGATE_TRY_VOID(check_name(name));
  VerifierKey made;
  made.algorithm_ = algorithm;
  made.id_ = key_id_of(name, algorithm, key);
  made.name_ = std::move(name);
  made.key_ = key;
  return made;
}

Result<VerifierKey> VerifierKey::parse(std::string_view text, KeyAlgorithm algorithm) {
  auto key = parse_key_text(text, algorithm);
  if (!key) {
    return fail(ErrorCode::invalid_input,
                fmt::format("not a verifier key: expected name+<8 hex digits>+base64 of the byte {} and an Ed25519 key",
                            static_cast<int>(algorithm)));
  }
  HEADGATE_TRY(auto made, make(std::move(key->name), key->bytes, algorithm));
  if (id_text(made.id_) != key->id) {
    return fail(ErrorCode::invalid_input, fmt::format("verifier key {} has id {}, expected {}: it was altered",
                                                      made.name_, key->id, id_text(made.id_)));
  }
  return made;
}

std::string VerifierKey::text() const {
  return fmt::format("{}+{}+{}", name_, id_text(id_),
                     encode_base64(fmt::format("{}{}", byte_of(algorithm_), bytes_of(key_))));
}

bool VerifierKey::verify(std::string_view message, const Signature& signature) const {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key_.data(), key_.size()), &EVP_PKEY_free);
  if (!key) return false;
  const auto context = new_context();
  if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return false;
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                          reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
}

Result<SigningKey> SigningKey::from_handle(std::string name, Handle key) {
  PublicKey bytes;
  std::size_t size = bytes.size();
  HEADGATE_CHECK(EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) == 1 && size == bytes.size());
  HEADGATE_TRY(auto verifier, VerifierKey::make(std::move(name), bytes));
  return SigningKey(std::move(verifier), std::move(key));
}

Result<SigningKey> SigningKey::generate(std::string name) {
  HEADGATE_TRY_VOID(check_name(name));
  Handle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free);
  if (!key) return fail(ErrorCode::io, "cannot generate a signing key: OpenSSL has no random numbers or no Ed25519");
  return from_handle(std::move(name), std::move(key));
}

Result<SigningKey> SigningKey::load(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fail_io("open the signing key", path, errno);
  if ((status.st_mode & 0077) != 0) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the signing key {} has mode {:04o}, expected 0600: others could sign", path.string(),
                            static_cast<unsigned>(status.st_mode & 07777)));
  }
  HEADGATE_TRY(auto text, read_file(path, kMaxKeyFileBytes));
  std::string_view line = text;
  if (line.ends_with('\n')) line.remove_suffix(1);
  std::optional<KeyText> parsed;
  if (line.starts_with(kPrivatePrefix))
    parsed = parse_key_text(line.substr(kPrivatePrefix.size()), KeyAlgorithm::ed25519);
  OPENSSL_cleanse(text.data(), text.size());
  const auto damaged = [&] {
    return fail(ErrorCode::corrupt,
                fmt::format("{} holds no signing key: expected one line PRIVATE+KEY+name+id+base64, "
                            "take the file from a backup",
                            path.string()));
  };
  if (!parsed) return damaged();
  Handle key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, parsed->bytes.data(), parsed->bytes.size()),
             &EVP_PKEY_free);
  OPENSSL_cleanse(parsed->bytes.data(), parsed->bytes.size());
  if (!key) return damaged();
  auto made = from_handle(std::move(parsed->name), std::move(key));
  if (!made || id_text(made->verifier().id()) != parsed->id) return damaged();
  return made;
}

Result<void> SigningKey::save(const std::filesystem::path& path) const {
  std::array<char, 33> data;
  data[0] = byte_of(KeyAlgorithm::ed25519);
  std::size_t size = data.size() - 1;
  HEADGATE_CHECK(EVP_PKEY_get_raw_private_key(key_.get(), reinterpret_cast<unsigned char*>(data.data() + 1), &size) ==
                 1);
  auto seed = encode_base64(std::string_view(data.data(), data.size()));
  auto line = fmt::format("{}{}+{}+{}\n", kPrivatePrefix, verifier_.name(), id_text(verifier_.id()), seed);
  auto saved = create_file_durably(path, line, 0600);
  OPENSSL_cleanse(data.data(), data.size());
  OPENSSL_cleanse(seed.data(), seed.size());
  OPENSSL_cleanse(line.data(), line.size());
  return saved;
}

Signature SigningKey::sign(std::string_view message) const {
  const auto context = new_context();
  HEADGATE_CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1);
  Signature signature;
  std::size_t size = signature.size();
  HEADGATE_CHECK(EVP_DigestSign(context.get(), signature.data(), &size,
                                reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1);
  HEADGATE_CHECK(size == signature.size());
  return signature;
}

std::string sign_note(std::string_view text, const SigningKey& key) {
  HEADGATE_CHECK(is_note_text(text));
  const auto& verifier = key.verifier();
  const auto signature = key.sign(text);
  return fmt::format("{}\n{}", text,
                     signature_line({verifier.name(), verifier.id(), std::string(bytes_of(signature))}));
}

std::string signature_line(const NoteSignature& signature) {
  return fmt::format("{}{} {}\n", kDash, signature.name,
                     encode_base64(fmt::format("{}{}", bytes_of(signature.id), signature.bytes)));
}

Result<Note> parse_note(std::string_view note) {
  if (note.size() > kMaxNoteBytes) {
    return fail(ErrorCode::too_large,
                fmt::format("a signed note of {} bytes, expected at most {}", note.size(), kMaxNoteBytes));
  }
  if (!is_note_text(note)) return malformed("expected lines of UTF-8 without control characters, the last one ended");
  const auto split = note.rfind("\n\n");
  if (split == std::string_view::npos) return malformed("no empty line before the signatures");
  Note parsed;
  parsed.text = note.substr(0, split + 1);
  auto lines = note.substr(split + 2);
  if (lines.empty()) return malformed("no signature");
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    auto line = lines.substr(0, end);
    lines.remove_prefix(end + 1);
    if (parsed.signatures.size() == kMaxNoteSignatures) return malformed("more than 100 signatures");
    if (!line.starts_with(kDash)) return malformed("a signature line begins with an em dash and a space");
    line.remove_prefix(kDash.size());
    const auto space = line.find(' ');
    if (space == 0 || space == std::string_view::npos) return malformed("a signature line without a key name");
    const auto data = decode_base64(line.substr(space + 1));
    if (!data || data->size() <= KeyId{}.size())
      return malformed("a signature that is not base64 of a key id and more");
    NoteSignature signature;
    signature.name = line.substr(0, space);
    std::memcpy(signature.id.data(), data->data(), signature.id.size());
    signature.bytes = data->substr(signature.id.size());
    parsed.signatures.push_back(std::move(signature));
  }
  return parsed;
}

Result<std::string> open_note(std::string_view note, const VerifierKey& key) {
  HEADGATE_TRY(auto parsed, parse_note(note));
  for (const auto& candidate : parsed.signatures) {
    if (candidate.name != key.name() || candidate.id != key.id()) continue;
    Signature signature;
    if (candidate.bytes.size() == signature.size()) {
      std::memcpy(signature.data(), candidate.bytes.data(), signature.size());
      if (key.verify(parsed.text, signature)) return std::move(parsed.text);
    }
    return fail(ErrorCode::corrupt,
                fmt::format("the signature by {} does not belong to this text: one of them was altered", key.name()));
  }
  return fail(ErrorCode::corrupt, fmt::format("no signature by {} with key id {}", key.name(), id_text(key.id())));
}

}  // namespace headgate::store
