// HTTP/1.1 to loopback as a measuring client speaks it: whole texts over kept-alive connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/unique_fd.h"

namespace headgate::bench {

// `from`: the peer that the server sees, of 127.0.0.0/8; one of them may hold so many connections only.
UniqueFd connect_loopback(std::uint16_t port, const std::string& from = "127.0.0.1");

struct HttpAnswer {
  int status = 0;
  std::string body;
};
// One request, one answer; throws when there is none.
HttpAnswer ask(int connection, const std::string& request);

struct HttpLoad {
  std::uint16_t port = 0;
  std::size_t connections = 64;
  std::vector<std::string> requests{};  // taken in turn
  // 0: a connection sends its next request when the last is answered.
  double requests_per_second = 0;
  std::chrono::milliseconds warm_up{300};
  std::chrono::milliseconds run{1'500};
};

struct HttpLoadResult {
  double answers_per_second = 0;
  // Of every request of the run, from when it was due, whether or not a connection was free to send it then.
  std::vector<double> latencies_ms{};
};

// All connections from one thread, the caller's. Throws at an answer that is no 2xx.
HttpLoadResult run_load(const HttpLoad& load);

}  // namespace headgate::bench
