// Another program beside the one that measures, for as long as it is needed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace headgate::bench {

// In PATH or where Debian puts what only root is to run.
std::optional<std::filesystem::path> find_program(const std::string& name);

std::uint16_t free_port();  // of loopback

class ChildProcess {
 public:
  explicit ChildProcess(const std::vector<std::string>& command);
  ~ChildProcess();  // SIGTERM, and waits
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Throws when it has ended before, or takes longer than a few seconds.
  void await_port(std::uint16_t port);

 private:
  pid_t pid_ = -1;
};

}  // namespace headgate::bench
