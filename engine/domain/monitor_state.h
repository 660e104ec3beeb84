// What is remembered of the monitors of environments, a fold of monitor_events.h. See state.h.
#pragma once

#include <string>
#include <vector>

#include "engine/domain/monitor_events.h"

namespace headgate {

struct MonitorId {
  std::string environment;
  std::string name;
  auto operator<=>(const MonitorId&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("environment", s.environment);
    v("name", s.name);
  }
};

struct MonitorHour {
  Timestamp hour;
  std::uint64_t checks = 0;
  std::uint64_t failures = 0;
  std::vector<LatencyBucket> latency;
  bool operator==(const MonitorHour&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("hour", s.hour);
    v("checks", s.checks);
    v("failures", s.failures);
    v("latency", s.latency);
  }
};

// Of a monitor that has told something. One that was never in trouble and has no sla needs none of this.
struct MonitorState {
  bool failing = false;
  std::string reason;  // while it is failing
  Timestamp since;
  std::vector<std::string> incidents;  // ids of those that tell of it
  Position position = 0;               // of the last failure or recovery
  std::vector<std::string> violated;   // what of its sla is not met
  std::vector<MonitorHour> hours;      // within the window of its sla, oldest first
  bool operator==(const MonitorState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("failing", s.failing);
    v("reason", s.reason);
    v("since", s.since);
    v("incidents", s.incidents);
    v("position", s.position);
    v("violated", s.violated);
    v("hours", s.hours);
  }
};

}  // namespace headgate
