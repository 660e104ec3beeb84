// What the runs of gates depend on, a fold of gate_run_events.h. See state.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/boxed.h"
#include "engine/domain/plan.h"

namespace headgate {

// How far the schedule of a gate is worked out, and followed.
struct GateSchedule {
  std::string gate;
  std::string schedule;  // that `times` are of
  Timestamp until;
  std::vector<Timestamp> times;
  std::optional<Timestamp> followed;  // the last time that it was due
  bool operator==(const GateSchedule&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("gate", s.gate);
    v("schedule", s.schedule);
    v("until", s.until);
    v("times", s.times);
    v("followed", s.followed);
  }
};

// A run that is due and has not begun.
struct DueGate {
  std::string gate;
  std::string version;
  Timestamp due;
  Position position = 0;
  bool operator==(const DueGate&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("gate", s.gate);
    v("version", s.version);
    v("due", s.due);
    v("position", s.position);
  }
};

// The run that is under way.
struct GateRun {
  std::string gate;
  std::uint64_t number = 0;
  std::uint32_t attempt = 1;  // the last one that began
  Release release;
  Run command;
  std::string reason;
  std::optional<Timestamp> retry_due;  // set: no attempt runs, the next one begins then
  Position position = 0;
  bool operator==(const GateRun&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("gate", s.gate);
    v("number", s.number);
    v("attempt", s.attempt);
    v("release", s.release);
    v("command", s.command);
    v("reason", s.reason);
    v("retry_due", s.retry_due);
    v("position", s.position);
  }
};

// Of a service with gates that Headgate runs.
struct GateRuns {
  static constexpr std::size_t max_due = 256;  // the oldest leave
  std::vector<GateSchedule> schedules;
  std::vector<DueGate> due;  // oldest first
  Boxed<GateRun> active;     // the gates of a service are run one after the other
  std::uint64_t last_number = 0;
  std::optional<Timestamp> wakeup;  // when they want to be looked at without anything happening
  bool operator==(const GateRuns&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("schedules", s.schedules);
    v("due", s.due);
    v("active", s.active);
    v("last_number", s.last_number);
    v("wakeup", s.wakeup);
  }
};

}  // namespace headgate
