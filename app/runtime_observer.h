// What the runtime tells of itself, on its way to metrics and log lines.
#pragma once

#include "api/metrics.h"
#include "app/logging.h"
#include "engine/runtime/observer.h"

namespace headgate::app {

class RuntimeObserver final : public runtime::Observer {
 public:
  RuntimeObserver(api::Metrics& metrics, Log& log) : metrics_(metrics), log_(log) {}
  void command_done(std::string_view command, bool accepted) override { metrics_.command_done(command, accepted); }
  void batch_appended(std::span<const Recorded<Event>> events, Duration took) override {
    metrics_.batch_appended(events, took);
    log_.set_position(events.back().meta.position);
  }
  void activity_done(const Activity& activity, const Outcome& outcome, Duration took) override {
    metrics_.activity_done(activity, outcome, took);
    if (outcome.kind == Outcome::Kind::succeeded) {
      log_.info("activity succeeded", to_string(activity.id));
    } else {
      log_.warning("activity did not succeed: " + outcome.reason, to_string(activity.id));
    }
  }
  void snapshot_saved(Position position, Duration took) override { metrics_.snapshot_saved(position, took); }
  void trouble(const Error& error, std::string_view where) override {
    log_.error(std::string(where) + ": " + error.message);
  }

 private:
  api::Metrics& metrics_;
  Log& log_;
};

}  // namespace headgate::app
