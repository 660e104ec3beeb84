// One process that answers HTTP requests, one connection at a time:
//
//   GET /health    200 {"status":"ok", …}, or 500 {"status":"broken", …}
//   GET /version   200 {"version": …}
//   GET /          200 a greeting
//
// Each answer closes its connection. A request has two seconds and eight KiB.
#pragma once

#include <string>

#include "examples/greeter/posix.h"

namespace greeter {

struct Identity {
  std::string version;
  bool broken = false;
};

// Until SIGTERM or SIGINT; returns the exit code. Both must be blocked already.
int run_worker(const Fd& listener, const Fd& log, const Identity& identity);

}  // namespace greeter
