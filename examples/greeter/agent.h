// `greeter host`: keeps the instances of one machine running on request, as a service manager would. It is what stands
// between a deploy command, which ends, and a service, which goes on.
//
// Requests (agent_protocol.h), one at a time:
//   start   name, version, port, workers, broken, artifact, activity: replaces what runs under that name. The same
//           activity again does nothing as long as its instance runs.
//   stop    name
//   status  name: the version that runs, empty when nothing does
#pragma once

#include <filesystem>

namespace greeter {

// Until SIGTERM or SIGINT, then stops every instance. Returns the exit code.
int run_agent(const std::filesystem::path& socket, const std::filesystem::path& state_dir);

}  // namespace greeter
