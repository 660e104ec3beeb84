// What the runtime tells of itself, for metrics and log lines. Every call must be quick and must not throw.
// command_done and batch_appended come from one thread at a time, the committer's, or at the end the one that stops the
// engine; the others from any thread of the runtime.
#pragma once

#include <span>
#include <string_view>

#include "engine/domain/activity.h"
#include "engine/domain/error.h"
#include "engine/domain/events.h"

namespace headgate::runtime {

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void command_done(std::string_view /*command*/, bool /*accepted*/) {}
  // `took`: the synced append alone.
  virtual void batch_appended(std::span<const Recorded<Event>> /*events*/, Duration /*took*/) {}
  virtual void activity_done(const Activity& /*activity*/, const Outcome& /*outcome*/, Duration /*took*/) {}
  virtual void snapshot_saved(Position /*position*/, Duration /*took*/) {}
  virtual void trouble(const Error& /*error*/, std::string_view /*where*/) {}
};

}  // namespace headgate::runtime
