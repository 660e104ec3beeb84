// Traffic through the runtime API of an HAProxy on the same host (HAProxy's management.txt, 9.3): one command over its
// admin socket, a unix stream, and its answer until the connection ends.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "engine/domain/drivers.h"
#include "engine/domain/error.h"
#include "engine/domain/time.h"

namespace headgate::reconciler {

struct TrafficShift {
  std::string evidence;  // JSON: the weights that were asked for and those that were read back, by slot
};

class Haproxy {
 public:
  // `timeout`: of one command.
  explicit Haproxy(Duration timeout = std::chrono::seconds(5)) : timeout_(timeout) {}

  // Brings `slot` to `percent` of the traffic, the other one to the rest of 100, and reads both back. The weights are
  // absolute: `set weight s 5%` would be 5 % of what the file gives the server, and not of the traffic. The server that
  // gains is set first, so that there is always one with a weight. A repeat does no harm.
  // Errors: io and timed_out may pass (nobody listens, or not yet); conflict: what was read back differs; invalid_input
  // and not_found (no such backend or server) will not; unavailable: `stop`.
  Result<TrafficShift> shift(const HaproxyTraffic& traffic, std::string_view slot, std::uint32_t percent,
                             std::stop_token stop) const;

  static constexpr std::size_t max_answer_bytes = 64 << 10;

 private:
  Result<std::string> ask(const std::string& socket, const std::string& command, std::stop_token stop) const;
  Result<std::uint32_t> weight_of(const HaproxyTraffic& traffic, const std::string& server, std::stop_token stop) const;

  const Duration timeout_;
};

}  // namespace headgate::reconciler
