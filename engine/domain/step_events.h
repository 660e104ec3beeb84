// Events of one step of a promotion, of its timer and of its activity. See events.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/event_type.h"
#include "engine/domain/plan.h"

namespace headgate {

struct StepStarted {
  static constexpr EventType type{"step.started"};
  StepId id;
  bool operator==(const StepStarted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
  }
};

struct StepWaiting {
  static constexpr EventType type{"step.waiting", 2};
  StepId id;
  std::vector<Condition> unmet;
  std::optional<Timestamp> until;  // when time alone changes what it waits for
  bool operator==(const StepWaiting&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("unmet", s.unmet);
    v("until", s.until);
  }
};

struct StepSucceeded {
  static constexpr EventType type{"step.succeeded"};
  StepId id;
  bool operator==(const StepSucceeded&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
  }
};

struct StepFailed {
  static constexpr EventType type{"step.failed"};
  StepId id;
  std::string reason;
  bool operator==(const StepFailed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("reason", s.reason);
  }
};

// A wait that a step promised: it fires when the wall clock reaches `due` (moved along by clock.stepped).
struct TimerSet {
  static constexpr EventType type{"timer.set"};
  StepId id;
  Timestamp due;
  bool operator==(const TimerSet&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("due", s.due);
  }
};

struct TimerFired {
  static constexpr EventType type{"timer.fired"};
  StepId id;
  bool operator==(const TimerFired&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
  }
};

// Written before the effect: whoever reads it must assume that the effect may have happened.
struct ActivityStarted {
  static constexpr EventType type{"activity.started"};
  StepId id;
  std::uint32_t attempt = 1;
  bool operator==(const ActivityStarted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
  }
};

struct ActivitySucceeded {
  static constexpr EventType type{"activity.succeeded"};
  StepId id;
  std::uint32_t attempt = 1;
  Json evidence;
  bool operator==(const ActivitySucceeded&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
    v("evidence", s.evidence);
  }
};

struct ActivityFailed {
  static constexpr EventType type{"activity.failed"};
  StepId id;
  std::uint32_t attempt = 1;
  std::string reason;
  bool retryable = false;
  bool unhealthy = false;  // a check ran and said no: evidence against the release, not broken infrastructure
  Json evidence;
  std::string output;  // digest of a blob
  bool operator==(const ActivityFailed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
    v("reason", s.reason);
    v("retryable", s.retryable);
    v("unhealthy", s.unhealthy);
    v("evidence", s.evidence);
    v("output", s.output);
  }
};

// Another attempt will start when `due` is reached.
struct ActivityRetried {
  static constexpr EventType type{"activity.retried"};
  StepId id;
  std::uint32_t attempt = 2;
  Timestamp due;
  bool operator==(const ActivityRetried&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
    v("due", s.due);
  }
};

// An outcome of it no longer counts. Written when the attempt is fenced, and again for an outcome that came after.
struct ActivityFenced {
  static constexpr EventType type{"activity.fenced"};
  StepId id;
  std::uint32_t attempt = 1;
  std::string reason;
  bool operator==(const ActivityFenced&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
    v("reason", s.reason);
  }
};

}  // namespace headgate
