// What carries out the outside effect of a step.
#pragma once

#include <stop_token>
#include <string>

#include "engine/domain/activity.h"

namespace headgate {

class Executor {
 public:
  virtual ~Executor() = default;
  // Blocking, on a worker thread; idempotent by activity.id. Returns soon after `stop` is requested, and only once
  // nothing of the attempt runs any more. Thread-safe.
  virtual Outcome execute(const Activity& activity, std::stop_token stop) = 0;
};

}  // namespace headgate
