// What a strategy adds to a promotion while it runs: slots, weights and pauses under measurement.
#pragma once

#include <optional>
#include <string>

#include "engine/domain/state.h"

namespace headgate {

// The parts of evolve.
void pause_began(Promotion& promotion, const LiveStep& pause, Timestamp time);
void measurement_began(Promotion& promotion, LiveStep& pause, const MeasurementStarted& event, Timestamp time);
void measurement_taken(Promotion& promotion, LiveStep& pause, const MeasurementTaken& event);
void pause_resumed(Promotion& promotion, LiveStep& pause);
void shift(MetricProgress& progress, Duration delta);
// The slot that holds all traffic once the promotion has ended well, or its rollback has; `before`: that did before it.
std::string slot_after(const Promotion& promotion, const std::string& before);

const Metric* find_metric(const Step& pause, std::string_view name);
// Why the pause may not end well: empty while every metric is within its limits.
struct Breach {
  std::string reason;
  bool evidence = false;  // against the release; else nothing was learnt
};
std::optional<Breach> breach_of(const Promotion& promotion, const LiveStep& pause);
// Why it waits for a person, who has not resumed it yet; empty when it does not.
std::string waits_for_person(const Promotion& promotion, const LiveStep& pause);
// Of the metrics that do not cover the pause yet, the names.
std::vector<std::string> not_covered(const Promotion& promotion, const LiveStep& pause);
// The metric whose measurement is due next; null when there is none, or one is under way.
const MetricProgress* next_measurement(const Promotion& promotion, const LiveStep& pause);

// How what was measured is to be judged, with the reason of any verdict other than passed.
struct Judgement {
  Verdict verdict = Verdict::passed;
  std::string reason;
};
Judgement judge_measurement(const Metric& metric, const Measured& measured);

}  // namespace headgate
