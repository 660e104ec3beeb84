// Text that goes into JSON evidence: always valid UTF-8, always bounded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::reconciler {

// The longest beginning of at most `max_bytes`, not cut within a character; each byte that is not UTF-8 becomes U+FFFD.
std::string valid_utf8(std::string_view bytes, std::size_t max_bytes);

// Quoted and escaped (RFC 8259); `text` must be valid UTF-8.
void append_json_string(std::string& out, std::string_view text);

}  // namespace headgate::reconciler
