#include "reconciler/ssh_host_key.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>

#include "engine/base/base64.h"

namespace headgate::reconciler {
namespace {

std::string_view take_until(std::string_view& text, char end) {
  const auto at = text.find(end);
  const auto taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

// |1|salt|hash, as `HashKnownHosts` writes it.
bool is_hash_of(std::string_view entry, std::string_view name) {
  constexpr std::string_view magic = "|1|";
  if (!entry.starts_with(magic)) return false;
  entry.remove_prefix(magic.size());
  const auto salt = decode_base64(take_until(entry, '|'));
  const auto hash = decode_base64(entry);
  if (!salt || !hash) return false;
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  HMAC(EVP_sha1(), salt->data(), static_cast<int>(salt->size()), reinterpret_cast<const unsigned char*>(name.data()),
       name.size(), mac.data(), &size);
  return *hash == std::string_view(reinterpret_cast<const char*>(mac.data()), size);
}

}  // namespace

bool knows_host(std::string_view known_hosts, std::string_view host, int port) {
  const auto name = port == 22 ? std::string(host) : fmt::format("[{}]:{}", host, port);
  while (!known_hosts.empty()) {
    auto line = take_until(known_hosts, '\n');
    auto names = take_until(line, ' ');
    while (!names.empty()) {
      const auto entry = take_until(names, ',');
      if (entry == name || is_hash_of(entry, name)) return true;
    }
  }
  return false;
}

int ssh_port_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return 22;
  url.remove_prefix(scheme + 3);
  const auto authority = take_until(url, '/');
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.ends_with(']')) return 22;
  const auto digits = authority.substr(colon + 1);
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc() && end == digits.data() + digits.size() ? port : 22;
}

std::string host_key_refused(std::string_view host, bool known, std::string_view sha256) {
  auto digits = encode_base64(sha256);
  while (digits.ends_with('=')) digits.pop_back();
  const auto fingerprint = digits.empty() ? std::string() : fmt::format(" (SHA256:{})", digits);
  if (known) {
    return fmt::format(
        "the key of {}{} is another than the one in ~/.ssh/known_hosts: somebody may be in between. Compare its "
        "fingerprint with the one that the host's owner names before you put it in the place of the old one",
        host, fingerprint);
  }
  return fmt::format(
      "the key of {}{} is not known: compare its fingerprint with the one that the host's owner names, then add it to "
      "~/.ssh/known_hosts of the user Headgate runs as",
      host, fingerprint);
}

}  // namespace headgate::reconciler
