// As little as makes what is posted durable and says so: Beast, and one thread that commits to plain RocksDB whatever
// has come in since its last sync.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

namespace headgate::bench {

class PlainHttpServer {
 public:
  // On loopback, with two socket threads, as the real one has; the database is in `dir`.
  explicit PlainHttpServer(const std::filesystem::path& dir);
  ~PlainHttpServer();

  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::bench
