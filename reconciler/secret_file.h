// The one way to read what the host keeps secret in a file.
#pragma once

#include <filesystem>
#include <string>

#include "engine/domain/error.h"

namespace headgate::reconciler {

inline constexpr std::size_t max_secret_bytes = 16 << 10;

// Without the white space at its end. not_found when there is no such file; invalid_input when it is empty, too large,
// or open to everybody on the host; the message names the file and never holds a value.
Result<std::string> read_secret_file(const std::filesystem::path& path);

// Of a file that others read: that it is there, and not open to everybody on the host.
Result<void> check_secret_file(const std::filesystem::path& path);

// What people add when they write a secret down: spaces and line breaks at its end.
void trim_secret(std::string& text);

}  // namespace headgate::reconciler
