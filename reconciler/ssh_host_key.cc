#include "reconciler/ssh_host_key.h"

#include <fmt/format.h>
#include <libssh2.h>

#include <algorithm>
#include <boost/url/parse.hpp>
#include <memory>

#include "engine/base/base64.h"

namespace headgate::reconciler {

bool knows_host(const std::string& known_hosts, const std::string& host, int port) {
  const std::unique_ptr<LIBSSH2_SESSION, decltype(&libssh2_session_free)> session(libssh2_session_init(),
                                                                                  libssh2_session_free);
  if (!session) return false;
  const std::unique_ptr<LIBSSH2_KNOWNHOSTS, decltype(&libssh2_knownhost_free)> hosts(
      libssh2_knownhost_init(session.get()), libssh2_knownhost_free);
  if (!hosts) return false;
  for (std::string_view rest = known_hosts; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    // It looks at the byte after the line. A line that it does not understand vouches for nobody.
    libssh2_knownhost_readline(hosts.get(), line.data(), line.size(), LIBSSH2_KNOWNHOST_FILE_OPENSSH);
  }
  // Any key: what is asked is whether there is one for the host.
  constexpr std::string_view other = "AAAA";
  const int found = libssh2_knownhost_checkp(hosts.get(), host.c_str(), port, other.data(), other.size(),
                                             LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_BASE64, nullptr);
  return found == LIBSSH2_KNOWNHOST_CHECK_MATCH || found == LIBSSH2_KNOWNHOST_CHECK_MISMATCH;
}

int ssh_port_of(std::string_view url) {
  constexpr int standard = 22;
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return standard;
  url.remove_prefix(scheme + 3);
  const auto authority = boost::urls::parse_authority(url.substr(0, url.find('/')));
  return authority && authority->port_number() != 0 ? authority->port_number() : standard;
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
