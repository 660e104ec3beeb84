// Measurements of a rollout: how one is judged, and how far they cover the pause that they belong to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/domain/strategy.h"

namespace headgate {

// How one metric of a live promotion stands. What a pause promises is time under measurement: `covered` grows from one
// measurement to the next, and a gap of more than two intervals adds nothing.
struct MetricProgress {
  std::string name;
  Duration covered{0};  // of the pause under way
  Timestamp last;       // of the measurement up to which it is reckoned, or when the pause began
  Timestamp asked;      // when the newest one was due, or began where that was much later
  Timestamp due;        // of the next one
  std::uint32_t failures = 0;
  std::uint32_t inconclusive = 0;
  std::uint32_t errors = 0;  // in a row
  bool operator==(const MetricProgress&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("covered", s.covered);
    v("last", s.last);
    v("asked", s.asked);
    v("due", s.due);
    v("failures", s.failures);
    v("inconclusive", s.inconclusive);
    v("errors", s.errors);
  }
};

// What one look at a metric saw; a query that found no sample leaves its value unset.
struct Measured {
  std::optional<Decimal> value{};
  std::optional<Decimal> samples{};
  std::optional<Decimal> baseline{};
  bool operator==(const Measured&) const = default;
};

}  // namespace headgate
