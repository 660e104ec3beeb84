// What `greeter ctl` and the agent say to each other over a Unix socket: a request of lines `key value`, ended by
// closing that half; the answer `ok {json}` or `error text`. One request a connection.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace greeter {

using Fields = std::map<std::string, std::string, std::less<>>;

inline constexpr std::size_t max_message_bytes = 16 << 10;

std::string encode(const Fields& fields);   // UsageError: a value holds a line break
Fields decode(std::string_view text);       // lines without a space have an empty value
std::string json_text(std::string_view s);  // quoted and escaped

// Everything that the peer sends until it closes its half. Empty: too much, or not in time.
std::string read_all(int fd, std::size_t max_bytes, int timeout_ms);

}  // namespace greeter
