// Exclusive locks on files by flock, which a process and everything that inherits the descriptor hold together: the
// lock is free exactly when all of them are gone.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "engine/base/unique_fd.h"
#include "engine/domain/error.h"
#include "engine/domain/time.h"

namespace headgate::reconciler {

struct ProcessLock {
  UniqueFd fd;
  std::string owner;  // written into the file by whoever locks it, never the same twice
};

// Waits up to `bound`. nullopt: `stop` was requested first. unavailable when others still hold it (the message names
// them as far as /proc shows). The file is made when absent (0600) and never removed: removal would race with a lock.
Result<std::optional<ProcessLock>> acquire_lock(const std::filesystem::path& file, Duration bound,
                                                std::stop_token stop);

// Waits up to `bound` until all who hold `owner`'s lock are gone: it can be taken, or somebody else has taken it since.
Result<void> wait_until_released(const std::filesystem::path& file, std::string_view owner, Duration bound);

// A file name for any text: everything but letters, digits, '-' and '_' as %XX; dots too, so that none is special.
std::string lock_file_name(std::string_view name);

}  // namespace headgate::reconciler
