// Events of the monitors of environments, and of how long a service was away while it was deployed. See events.h.
//
// A look that changes nothing is no event: what was seen in an hour is one, with its counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/domain/event_type.h"
#include "engine/domain/plan.h"
#include "engine/domain/protection_events.h"

namespace headgate {

// So many looks in a row have failed as the monitor's failureLimit says. What follows of it is in the same batch.
struct MonitorFailed {
  static constexpr EventType type{"monitor.failed"};
  EnvironmentName environment;
  std::string monitor;
  std::string reason;                  // of the last look
  std::uint32_t failures = 0;          // in a row
  Timestamp since;                     // when the first of them began
  std::vector<std::string> incidents;  // ids of those that tell of it
  bool operator==(const MonitorFailed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.environment);
    v("monitor", s.monitor);
    v("reason", s.reason);
    v("failures", s.failures);
    v("since", s.since);
    v("incidents", s.incidents);
  }
};

// A look has passed again.
struct MonitorRecovered {
  static constexpr EventType type{"monitor.recovered"};
  EnvironmentName environment;
  std::string monitor;
  Duration failed_for{0};  // since the first look that failed, whole milliseconds
  bool operator==(const MonitorRecovered&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.environment);
    v("monitor", s.monitor);
    v("failed_for_ms", s.failed_for);
  }
};

// Answers that took longer than the bucket before, and at most so long.
struct LatencyBucket {
  std::uint64_t up_to = 0;  // milliseconds
  std::uint64_t count = 0;
  bool operator==(const LatencyBucket&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("up_to_ms", s.up_to);
    v("count", s.count);
  }
};

// The looks of one hour, or of a part of it where Headgate was started or stopped meanwhile.
struct MonitorSummarized {
  static constexpr EventType type{"monitor.summarized"};
  EnvironmentName environment;
  std::string monitor;
  Timestamp hour;  // its beginning
  std::uint64_t checks = 0;
  std::uint64_t failures = 0;
  std::vector<LatencyBucket> latency;  // of those that were answered; buckets that hold any, in their order
  std::vector<std::string> violates;   // what of the sla is not met with these: availability, p95
  bool operator==(const MonitorSummarized&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.environment);
    v("monitor", s.monitor);
    v("hour", s.hour);
    v("checks", s.checks);
    v("failures", s.failures);
    v("latency", s.latency);
    v("violates", s.violates);
  }
};

// What the sla promises is not met any more. Once, until it is met again.
struct SlaViolated {
  static constexpr EventType type{"sla.violated"};
  EnvironmentName environment;
  std::string monitor;
  std::string goal;          // availability, p95
  std::string promised;      // in words: 99.9 % of the looks pass
  Duration window{0};        // whole milliseconds
  std::uint64_t checks = 0;  // within the window, that tell of it
  std::uint64_t missed = 0;  // of those: failed, or too late
  bool operator==(const SlaViolated&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.environment);
    v("monitor", s.monitor);
    v("goal", s.goal);
    v("promised", s.promised);
    v("window_ms", s.window);
    v("checks", s.checks);
    v("missed", s.missed);
  }
};

// What the probe of the stage's `downtime` saw while an attempt of the step ran.
struct DowntimeMeasured {
  static constexpr EventType type{"downtime.measured"};
  StepId id;
  std::uint32_t attempt = 1;
  std::string probe;
  std::uint64_t probes = 0;    // how often it was asked
  std::uint64_t failures = 0;  // how often in vain
  Duration longest{0};         // the longest time from the last answer to the next one; whole milliseconds
  Duration max{0};             // what the stage allows
  bool exceeded = false;
  bool operator==(const DowntimeMeasured&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
    v("probe", s.probe);
    v("probes", s.probes);
    v("failures", s.failures);
    v("longest_ms", s.longest);
    v("max_ms", s.max);
    v("exceeded", s.exceeded);
  }
};

}  // namespace headgate
