// Any bytes as a public key of the AccessPolicy, and as a file of allowed signers.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/base64.h"
#include "reconciler/allowed_signers.h"
#include "reconciler/signing_keys.h"

namespace {

using namespace headgate;
using namespace headgate::reconciler;

// As the policy writes it, without what a comment or an armor's head said.
std::string written(const SigningKey& key) {
  if (key.kind == SigningKey::Kind::ssh) return key.key;
  return "-----BEGIN PGP PUBLIC KEY BLOCK-----" + encode_base64(key.key) + "-----END PGP PUBLIC KEY BLOCK-----";
}

void check_key(const SigningKey& key) {
  const bool ssh = key.kind == SigningKey::Kind::ssh;
  if (ssh ? !key.fingerprint.starts_with("SHA256:") : key.fingerprint.size() != 40) __builtin_trap();
  const auto again = parse_signing_key(written(key));
  if (!again || again->kind != key.kind || again->fingerprint != key.fingerprint || again->key != key.key) {
    __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto key = parse_signing_key(text);
  if (key) {
    if (text.find("PRIVATE KEY") != text.npos) __builtin_trap();
    check_key(*key);
  } else if (key.error().message.empty()) {
    __builtin_trap();
  }

  const auto signers = parse_allowed_signers("signers", text);
  if (!signers) {
    if (!signers.error().message.starts_with("signers:")) __builtin_trap();
    return 0;
  }
  if (signers->empty() || signers->size() > 1000) __builtin_trap();
  std::string lines;
  for (const auto& signer : *signers) {
    check_key(signer.key);
    lines += "* namespaces=\"git\" " + signer.key.key + "\n";
  }
  const auto again = parse_allowed_signers("signers", lines);
  if (!again || again->size() != signers->size()) __builtin_trap();
  for (std::size_t i = 0; i < again->size(); ++i) {
    if ((*again)[i].key.fingerprint != (*signers)[i].key.fingerprint) __builtin_trap();
    if ((*again)[i].person != "line " + std::to_string(i + 1)) __builtin_trap();
  }
  return 0;
}
