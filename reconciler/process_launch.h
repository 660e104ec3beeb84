// Starts a supervisor with its order and pipes, and says whom a command runs as. Part of ProcessRunner.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/unique_fd.h"
#include "engine/domain/error.h"
#include "reconciler/supervisor_protocol.h"

namespace headgate::reconciler {

struct LaunchedSupervisor {
  pid_t pid = -1;
  UniqueFd out;  // read ends, non-blocking
  UniqueFd err;
  UniqueFd report;
  UniqueFd control;  // closing it stops the child
};

// `lock` stays the caller's; the supervisor has its own copy of the descriptor. `input`: what the child's standard
// input holds; /dev/null where it is empty.
Result<LaunchedSupervisor> launch_supervisor(const std::filesystem::path& binary, const SupervisorOrder& order,
                                             int lock, std::string_view input = {});

// The numeric ids of a user of this host; nullopt for an empty name or for the user that Headgate already is.
Result<std::optional<SupervisorIdentity>> resolve_user(const std::string& name);

}  // namespace headgate::reconciler
