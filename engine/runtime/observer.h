// What the runtime tells of itself, for metrics and log lines. Every call comes from a thread of the runtime, must be
// quick and must not throw.
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
