// The published state, for rooms that are not the runtime.
#pragma once

#include <functional>

#include "engine/domain/state.h"

namespace headgate {

class StateView {
 public:
  virtual ~StateView() = default;
  // Runs `read` on the state of everything durable, under a shared lock. Thread-safe. The next batch is published, and
  // with it every answer and effect, once all who read have ended, and whoever comes meanwhile waits behind it: copy
  // out within milliseconds, take many targets some at a time. Within `read`: no other read (HEADGATE_CHECK), no wait
  // for disk, network or an answer, and no lock that somebody holds while reading the state.
  virtual void with_state(const std::function<void(const State&)>& read) const = 0;
};

}  // namespace headgate
