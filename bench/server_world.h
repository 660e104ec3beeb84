// The real server on loopback, in this process, with a repository and a data directory of its own.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "app/server.h"
#include "app/system_clock.h"
#include "bench/bare_repository.h"
#include "bench/http_load.h"

namespace headgate::bench {

class ServerWorld {
 public:
  // The repository is empty, and the server not started: there is time to fill both.
  explicit ServerWorld(const std::filesystem::path& dir);
  ~ServerWorld();

  // Services service-0, … with a stage to each of three environments, where v1 is wished for and runs if they are
  // `targeted`. To be pushed.
  void put_services(int count, bool targeted);
  void push();

  // Ready, and its log verified, on return: a verification would be at work beside what is measured.
  void start();

  Timestamp now() const { return clock_.now(); }
  std::uint16_t port() const { return port_; }
  std::string get(const std::string& target) const;  // requests, whole and with a token
  std::string post(const std::string& target, const std::string& json) const;

  const std::filesystem::path dir;
  const std::filesystem::path data = dir / "data";
  BareRepository remote{dir / "environments.git"};

 private:
  void await_ready() const;

  app::SystemClock clock_;
  std::unique_ptr<app::Server> server_;
  std::uint16_t port_ = 0;
  std::string fields_;  // of every request
};

}  // namespace headgate::bench
