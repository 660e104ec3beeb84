// The outside effect of a step, and how it ended.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "engine/domain/analysis.h"
#include "engine/domain/events.h"

namespace headgate {

// A look at one metric of a pause.
struct Measure {
  Metric metric;
  Timestamp rollout_began;
  bool operator==(const Measure&) const = default;
};

// What is asked beside a step that may take the service away.
struct Probe {
  Check check;  // one attempt of it at a time
  Duration interval{0};
  Duration max{0};  // an outage that outlasts the step is followed no longer than this
  bool operator==(const Probe&) const = default;
};

// What came of it. An outage lasts from the last answer before it to the first one after it.
struct ProbeResult {
  std::uint64_t probes = 0;
  std::uint64_t failures = 0;
  Duration longest{0};
  bool operator==(const ProbeResult&) const = default;
};

// Everything an executor needs; complete by itself, taken from the plan.
struct Activity {
  StepId id;                         // to_string(id) is the idempotency key of every attempt
  std::uint32_t attempt = 1;         // from 1
  Step step;                         // kind run, deploy, retire, traffic, health or pause
  Wish to;                           // what is brought there: the candidate; in a rollback, what it brings back
  std::optional<Wish> from;          // what ran before; in such a rollback, the candidate
  std::optional<Measure> measure{};  // of a pause
  Json restore_point{};              // of a step that restores: what the hook said that made the point
  std::string gate{};            // of a run of this gate, which no promotion has among its steps: `to` is the release
  std::optional<Probe> probe{};  // of a step that deploys or shifts traffic, where the stage has `downtime`
  bool operator==(const Activity&) const = default;
};

struct Outcome {
  enum class Kind : std::uint8_t {
    succeeded,
    retryable,  // infrastructure: try again by the retry policy
    terminal,   // failed for good
    unhealthy,  // a check ran and says no: evidence against the release
    stopped,    // ended because it was asked to stop; another start takes the same attempt up again
  };
  Kind kind = Kind::succeeded;
  std::string reason;  // one line; empty when succeeded
  Json evidence;
  std::string output;                                     // digest of a blob that holds the whole output, or empty
  Measured measured{};                                    // of a measurement
  std::map<std::string, Decimal, std::less<>> metrics{};  // of a gate's run
  std::optional<ProbeResult> downtime{};                  // where there was a probe
  bool operator==(const Outcome&) const = default;
};

}  // namespace headgate
