// What a strategy adds to a promotion while it runs: slots, weights and pauses under measurement.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/domain/activity.h"
#include "engine/domain/state.h"

namespace headgate {

// The parts of evolve.
void pause_began(Promotion& promotion, const LiveStep& pause, Timestamp time);
void measurement_began(Promotion& promotion, LiveStep& pause, const MeasurementStarted& event);
void measurement_taken(Promotion& promotion, LiveStep& pause, const MeasurementTaken& event);
void pause_resumed(Promotion& promotion, LiveStep& pause);
void switch_approved(Promotion& promotion);
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

// The step of blueGreen that keeps what ran before, so that the way back stays instant.
inline constexpr std::string_view keep_old = "keep-old";
inline constexpr std::string_view retire_old = "retire-old";
// Whether what ran before is going, or has gone, from any place: nothing comes back at once any more. By then the
// candidate is verified in every place.
bool retires_old(const Promotion& promotion);
// The approval that is given once the preview is verified.
inline constexpr std::string_view approve_switch = "approve-switch";
std::vector<Condition> judge_approve_switch(const State& state, const Promotion& promotion, Timestamp now);
// A row of the guards' table: what the pause under way waits for.
std::vector<Condition> judge_pause(const State& state, const Promotion& promotion, Timestamp now);
// What a pause does next of its own accord; `unmet`: what the guards say of it.
std::vector<Event> advance_pause(const State& state, const Promotion& promotion, const LiveStep& pause,
                                 const std::vector<Condition>& unmet, Timestamp now);

// How what was measured is to be judged, with the reason of any verdict other than passed.
struct Judgement {
  Verdict verdict = Verdict::passed;
  std::string reason;
};
Judgement judge_measurement(const Metric& metric, const Measured& measured);
// What follows from the end of the measurement that is under way.
std::vector<Event> measurement_taken(const Promotion& promotion, const LiveStep& pause, const Outcome& outcome);

}  // namespace headgate
