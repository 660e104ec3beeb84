// The published state, for rooms that are not the runtime.
#pragma once

#include <functional>

#include "engine/domain/state.h"

namespace headgate {

class StateView {
 public:
  virtual ~StateView() = default;
  // Runs `read` on the state of everything durable, under a shared lock: copy out, do not wait. Thread-safe.
  virtual void with_state(const std::function<void(const State&)>& read) const = 0;
};

}  // namespace headgate
