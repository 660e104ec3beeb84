// One attempt of a verification, and what was seen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/domain/time.h"

namespace headgate::reconciler {

struct CheckAttempt {
  std::uint32_t number = 0;  // from 1
  bool passed = false;
  bool judged = true;            // false: it could not be made
  bool hopeless = false;         // the next attempt cannot fare better
  std::optional<int> status;     // of HTTP
  std::optional<int> exit_code;  // of a command
  std::optional<Duration> latency;
  std::string reason;
  std::string evidence_json;  // an object: what the command said, or what the network showed; may be empty
};

}  // namespace headgate::reconciler
