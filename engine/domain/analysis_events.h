// Events of what goes on while a rollout pauses: measurements, and people who let it go on. See events.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/domain/enums.h"
#include "engine/domain/event_type.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"

namespace headgate {

// Written before the question is asked. `attempt` counts the measurements of the pause.
struct MeasurementStarted {
  static constexpr EventType type{"measurement.started"};
  StepId id;
  std::uint32_t attempt = 1;
  std::string metric;
  Timestamp at;  // by the clock of the pause's timer, which a step of the wall clock moves
  bool operator==(const MeasurementStarted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
    v("metric", s.metric);
    v("at", s.at);
  }
};

// What was seen, kept so that it can be judged again by other thresholds, and how it was judged.
struct MeasurementTaken {
  static constexpr EventType type{"measurement.taken"};
  StepId id;
  std::uint32_t attempt = 1;
  std::string metric;
  Verdict verdict = Verdict::passed;
  std::optional<Decimal> value;
  std::optional<Decimal> samples;
  std::optional<Decimal> baseline;
  std::string reason;  // of any other verdict than passed
  bool operator==(const MeasurementTaken&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
    v("metric", s.metric);
    v("verdict", s.verdict);
    v("value", s.value);
    v("samples", s.samples);
    v("baseline", s.baseline);
    v("reason", s.reason);
  }
};

// By the record's actor: a pause that waits for a person ends.
struct PauseResumed {
  static constexpr EventType type{"pause.resumed"};
  StepId id;
  std::string reason;
  bool operator==(const PauseResumed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("reason", s.reason);
  }
};

}  // namespace headgate
