// Monitors of environments. The looks are made outside; what they mean is decided here: when one that fails opens an
// incident, when it demands a rollback, and whether an sla is met.
#pragma once

#include <string>
#include <vector>

#include "engine/domain/decide.h"

namespace headgate {

inline constexpr Duration max_sla_window = std::chrono::days(31);
inline constexpr std::size_t max_monitored_services = 32;  // of one monitor: what follows of one failure is one command
inline constexpr std::size_t max_latency_buckets = 64;

const Monitor* find_monitor(const State& state, const MonitorId& id);        // in force; null when there is none
const MonitorState* monitor_state(const State& state, const MonitorId& id);  // null: nothing is known of it
// While a maintenance of the environment is on, its monitors make no look, and none counts.
bool is_silent(const Environment& environment, Timestamp now);

// How a goal of an sla stands over the hours that are known.
struct GoalStanding {
  std::string goal;      // availability, p95
  std::string promised;  // in words
  std::uint64_t checks = 0;
  std::uint64_t missed = 0;
  bool met = true;
};
std::vector<GoalStanding> standing_of(const Sla& sla, const std::vector<MonitorHour>& hours);

// ------------------------------------------------------------------------------------------------------------ evolve

void remember_monitor_failed(State& state, const MonitorFailed& event, Position position);
void remember_monitor_recovered(State& state, const MonitorRecovered& event, Position position);
void remember_monitor_summary(State& state, const MonitorSummarized& event);
// Of monitors that the environment does not have any more.
void forget_other_monitors(State& state, const std::string& environment);
void remember_downtime(Promotion& promotion, const DowntimeMeasured& event, Position position);

// --------------------------------------------------------------------------------------------------- advance, decide

// What is asked beside the step, which is the promotion's; unset: nothing.
std::optional<Probe> probe_of(const State& state, const Promotion& promotion, const Step& step);
// What came of it, where there is something to record.
std::vector<Event> downtime_of(const State& state, const CompleteActivity& command);

}  // namespace headgate
