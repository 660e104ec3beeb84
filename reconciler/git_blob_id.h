// The name that Git gives to the bytes of a file.
#pragma once

#include <string>
#include <string_view>

namespace headgate::reconciler {

// Git's id of a blob: SHA-1 of "blob <length>\0" and the bytes, 40 lower-case digits.
std::string git_blob_id(std::string_view bytes);

}  // namespace headgate::reconciler
