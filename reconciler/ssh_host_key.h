// The key of an SSH host that known_hosts does not vouch for, in words: whether the host is unknown or its key changed.
#pragma once

#include <string>
#include <string_view>

namespace headgate::reconciler {

// Whether a line of known_hosts, in OpenSSH's format, holds a key for the host: under `[host]:port`, `host`, or hashed.
bool knows_host(const std::string& known_hosts, const std::string& host, int port);

// The port of an ssh:// URL; 22 where it names none.
int ssh_port_of(std::string_view url);

// `sha256`: of the key, 32 bytes, or empty where it is not at hand.
std::string host_key_refused(std::string_view host, bool known, std::string_view sha256);

}  // namespace headgate::reconciler
