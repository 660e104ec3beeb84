// The whole server as one object: what belongs to whom, built from the bottom up.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "app/logging.h"
#include "app/server_config.h"
#include "engine/ports/clock.h"

namespace headgate::app {

// How many connections a process with so many descriptors may hold open at once; the log, repositories, commands and
// looks at targets have the rest.
std::size_t connections_within(std::uint64_t descriptors);

class Server {
 public:
  // Listening and reconciling on return. `fatal` is called when the process must end at once; the log says why.
  // `supervisor`: the program whose verb `supervise` supervises child processes.
  static Result<std::unique_ptr<Server>> start(const ServerConfig& config, Clock& clock, Log& log,
                                               std::function<void()> fatal,
                                               const std::filesystem::path& supervisor = "/proc/self/exe");
  ~Server();  // stop()

  std::string url() const;  // http://127.0.0.1:8420
  // Stops accepting, drains, saves; may be called again.
  void stop();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace headgate::app
