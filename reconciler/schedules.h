// When the schedules of stages and gates come due, worked out ahead and recorded: the domain knows of no calendar.
#pragma once

#include "engine/domain/state.h"

namespace headgate::reconciler {

inline constexpr Duration schedule_horizon = std::chrono::days(35);
inline constexpr std::size_t max_schedule_times = 64;  // what is denser reaches less far

// Times in UTC after `now`. invalid_input when the schedule is none.
Result<ScheduleExpanded> expand_schedule(const TargetId& target, const std::string& schedule, Timestamp now);

// Likewise of a gate.
Result<GateScheduled> expand_gate_schedule(const std::string& service, const std::string& gate,
                                           const std::string& schedule, Timestamp now);

// Gates with a run whose schedule is not expanded, or not far enough.
struct DueGateSchedule {
  std::string service;
  std::string gate;
  std::string schedule;
};
std::vector<DueGateSchedule> gate_schedules_due(const State& state, Timestamp now);

// Targets whose schedule is not expanded, or not far enough, with the schedule.
std::vector<std::pair<TargetId, std::string>> schedules_due(const State& state, Timestamp now);

}  // namespace headgate::reconciler
