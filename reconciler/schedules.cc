#include "reconciler/schedules.h"

#include <algorithm>

#include "reconciler/cron.h"

namespace headgate::reconciler {

namespace {

struct Expansion {
  Timestamp until;
  std::vector<Timestamp> times;
};

Result<Expansion> expand(const std::string& schedule, Timestamp now) {
  HEADGATE_TRY(const auto cron, parse_cron(schedule));
  Expansion expanded;
  expanded.until = std::chrono::floor<std::chrono::minutes>(now + schedule_horizon);
  for (auto day = std::chrono::floor<std::chrono::days>(now); day < expanded.until; day += std::chrono::days(1)) {
    for (const auto of_day : cron.times_on(std::chrono::year_month_day{day})) {
      const Timestamp time = day + of_day;
      if (time <= now || time >= expanded.until) continue;
      if (expanded.times.size() == max_schedule_times) {
        expanded.until = time;
        return expanded;
      }
      expanded.times.push_back(time);
    }
  }
  return expanded;
}

// Near its end it is worked out further; a time that has come is dealt with by its own expansion first.
bool far_enough(Timestamp until, const std::vector<Timestamp>& times, Timestamp now) {
  return now < until && (times.size() < 2 ? until - now > schedule_horizon / 3 : now < times[times.size() / 2]);
}

}  // namespace

Result<ScheduleExpanded> expand_schedule(const TargetId& target, const std::string& schedule, Timestamp now) {
  HEADGATE_TRY(auto expanded, expand(schedule, now));
  return ScheduleExpanded{target, schedule, expanded.until, std::move(expanded.times)};
}

Result<GateScheduled> expand_gate_schedule(const std::string& service, const std::string& gate,
                                           const std::string& schedule, Timestamp now) {
  HEADGATE_TRY(auto expanded, expand(schedule, now));
  return GateScheduled{{service}, gate, schedule, expanded.until, std::move(expanded.times)};
}

std::vector<DueGateSchedule> gate_schedules_due(const State& state, Timestamp now) {
  std::vector<DueGateSchedule> due;
  for (const auto& [name, service] : state.services) {
    if (!service.document) continue;
    for (const auto& gate : service.document->document.gates) {
      if (gate.schedule.empty() || !gate.run) continue;
      const auto& all = service.runs.schedules;
      const auto known = std::ranges::find(all, gate.name, &GateSchedule::gate);
      if (known != all.end() && known->schedule == gate.schedule && far_enough(known->until, known->times, now)) {
        continue;
      }
      due.push_back({name, gate.name, gate.schedule});
    }
  }
  return due;
}

std::vector<std::pair<TargetId, std::string>> schedules_due(const State& state, Timestamp now) {
  std::vector<std::pair<TargetId, std::string>> due;
  for (const auto& [name, service] : state.services) {
    if (!service.document) continue;
    for (const auto& stage : service.document->document.stages) {
      for (const auto& trigger : stage.triggers) {
        if (trigger.kind != Trigger::schedule) continue;
        const TargetId id{name, stage.environment};
        const auto* target = state.find(id);
        if (!target) continue;
        const auto* flow = target->flow ? &*target->flow : nullptr;
        const bool known = flow && flow->schedule == trigger.schedule;
        if (!known || !far_enough(flow->schedule_until, flow->times, now)) due.emplace_back(id, trigger.schedule);
      }
    }
  }
  return due;
}

}  // namespace headgate::reconciler
