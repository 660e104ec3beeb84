// Events of the gates that Headgate reports by running their command itself. See events.h. What came of a run is
// gate.reported.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/domain/event_type.h"
#include "engine/domain/flow_events.h"
#include "engine/domain/plan.h"

namespace headgate {

// When the schedule of a gate comes due, before `until`. It takes the place of what was expanded before.
struct GateScheduled {
  static constexpr EventType type{"gate.scheduled"};
  ServiceName service;
  std::string gate;
  std::string schedule;
  Timestamp until;
  std::vector<Timestamp> times;
  bool operator==(const GateScheduled&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.service);
    v("gate", s.gate);
    v("schedule", s.schedule);
    v("until", s.until);
    v("times", s.times);
  }
};

// A time of its schedule has come: the gate is to be run for these versions, which were deployed then.
struct GateDue {
  static constexpr EventType type{"gate.due"};
  ServiceName service;
  std::string gate;
  Timestamp due;
  std::vector<std::string> versions;
  bool operator==(const GateDue&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.service);
    v("gate", s.gate);
    v("due", s.due);
    v("versions", s.versions);
  }
};

// Written before the command is run. The command is the gate's as it was when the run began, its texts filled in: a
// later attempt runs the same.
struct GateStarted {
  static constexpr EventType type{"gate.started"};
  ServiceName service;
  std::string gate;
  std::uint64_t run = 0;  // number of the run among those of the service
  std::uint32_t attempt = 1;
  Release release;
  Run command;
  std::string reason;  // what it is run for
  bool operator==(const GateStarted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.service);
    v.correlation(s.release.commit);
    v("gate", s.gate);
    v("run", s.run);
    v("attempt", s.attempt);
    v("release", s.release);
    v("command", s.command);
    v("reason", s.reason);
  }
};

// An attempt came to nothing that tells of the release. Another one will start when `due` is reached.
struct GateRetried {
  static constexpr EventType type{"gate.retried"};
  ServiceName service;
  std::string gate;
  std::uint64_t run = 0;
  std::uint32_t attempt = 2;
  Timestamp due;
  std::string reason;  // why the last one failed
  bool operator==(const GateRetried&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.service);
    v("gate", s.gate);
    v("run", s.run);
    v("attempt", s.attempt);
    v("due", s.due);
    v("reason", s.reason);
  }
};

}  // namespace headgate
