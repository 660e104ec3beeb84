// `at`: the state as it was, by position or by time.
#pragma once

#include <optional>
#include <string>

#include "api/core.h"
#include "api/query_reader.h"

namespace headgate::api {

struct Moment {
  Position next = 0;                // how many events had happened
  std::optional<Timestamp> time{};  // that was asked for; unset: of the last of them
};

// Of a parameter `at`: a position (the state with that event), or an RFC 3339 time (with all up to and at it).
// not_found: before the log begins or after it ends. Reads the log: for workers.
Result<Moment> find_moment(const Core& core, const std::string& at);
Result<State> state_of(const Core& core, const Moment& moment);

}  // namespace headgate::api
