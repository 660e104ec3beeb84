// Starts and stops one `greeter serve` as a child process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace greeter {

struct LaunchSpec {
  std::string name;  // of the instance; names its files
  std::string version;
  std::uint16_t port = 0;
  std::uint32_t workers = 1;
  bool broken = false;
  std::filesystem::path directory;  // for pid file and logs
};

// Returns when it accepts requests. std::runtime_error says why it does not, with the last line of its output.
pid_t launch(const LaunchSpec& spec);
// SIGTERM, after a while SIGKILL; gone on return. `pid` must be a child that was not waited for.
void stop(pid_t pid);

}  // namespace greeter
