// Digests by which scripts are known.
#pragma once

#include <string>
#include <string_view>

namespace headgate::reconciler {

std::string sha256_hex(std::string_view bytes);  // 64 lower-case digits

// Git's id of a blob: SHA-1 of "blob <length>\0" and the bytes, 40 lower-case digits.
std::string git_blob_id(std::string_view bytes);

bool is_lower_hex(std::string_view text, std::size_t digits);

}  // namespace headgate::reconciler
