// Checks over sockets of their own: a connection, a TLS session, an answer of the name servers.
#pragma once

#include <stop_token>
#include <string>

#include "engine/domain/documents.h"
#include "reconciler/check_attempt.h"
#include "reconciler/name_resolver.h"

namespace headgate::reconciler {

struct NetworkOptions {
  std::string name_servers{};  // as in ResolverOptions; empty: those of the host
  std::string ca_file{};       // PEM of the certificates that are trusted; empty: those of the host
};

// Not judged where this host itself is short of descriptors, memory or ports (own_shortage.h).
// Each blocks for at most `timeout`, name resolution included, and ends early, not passed, when `stop` comes.
// Thread-safe. The process must ignore SIGPIPE.
CheckAttempt try_tcp(const TcpCheck& check, Duration timeout, const NetworkOptions& options,
                     const std::stop_token& stop);
CheckAttempt try_tls(const TlsCheck& check, Duration timeout, const NetworkOptions& options,
                     const std::stop_token& stop);
CheckAttempt try_dns(const DnsCheck& check, Duration timeout, const NetworkOptions& options,
                     const std::stop_token& stop);

}  // namespace headgate::reconciler
