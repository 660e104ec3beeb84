// Host names to addresses, by c-ares: unlike getaddrinfo it can be stopped and asked of other servers.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/time.h"

namespace headgate::reconciler {

struct ResolverOptions {
  std::string servers{};  // "host:port,…"; empty: those of the host
  // Only name servers are asked, for exactly this name: neither /etc/hosts nor search domains. Else as the host does.
  bool only_servers = false;
};

enum class AddressFamily : std::uint8_t { any, v4, v6 };

// Addresses in their usual text, sorted, each once, never none of them. timed_out, not_found (the name or its addresses
// do not exist), io, unavailable (stopped), invalid_input. Thread-safe.
Result<std::vector<std::string>> resolve(const std::string& name, AddressFamily family, Duration timeout,
                                         const ResolverOptions& options, const std::stop_token& stop);

// The usual text of an address, empty when `text` is none; `family` is set to v4 or v6.
std::string usual_address(const std::string& text, AddressFamily& family);

}  // namespace headgate::reconciler
