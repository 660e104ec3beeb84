// `greeter serve`: one parent that holds the listening socket, and workers that share it.
//
//   parent ──fork──► worker   accepts and answers on the shared socket
//          ──fork──► worker
//
// The parent starts a worker again when it ends by itself, and gives up when they keep ending. SIGTERM and SIGINT stop
// everything: each worker finishes the request at hand, the parent waits for all of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace greeter {

struct ServiceOptions {
  std::uint16_t port = 0;  // 0: any that is free
  std::string version;
  std::uint32_t workers = 2;
  bool broken = false;              // /health answers 500
  std::filesystem::path pid_file;   // written once requests are accepted; empty: none
  std::filesystem::path state_dir;  // holds greeter.log; empty: no log
};

// Returns the exit code.
int run_service(const ServiceOptions& options);

// What may stand in JSON and HTTP texts without escapes: letters, digits and . _ + -
bool is_plain_version(const std::string& text);

}  // namespace greeter
