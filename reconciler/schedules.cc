#include "reconciler/schedules.h"

#include "reconciler/cron.h"

namespace headgate::reconciler {

Result<ScheduleExpanded> expand_schedule(const TargetId& target, const std::string& schedule, Timestamp now) {
  HEADGATE_TRY(const auto cron, parse_cron(schedule));
  ScheduleExpanded expanded;
  expanded.target = target;
  expanded.schedule = schedule;
  expanded.until = std::chrono::floor<std::chrono::minutes>(now + schedule_horizon);
  for (auto day = std::chrono::floor<std::chrono::days>(now); day < expanded.until; day += std::chrono::days(1)) {
    if (!cron.fits(std::chrono::year_month_day{day})) continue;
    for (unsigned hour = 0; hour < 24; ++hour) {
      for (unsigned minute = 0; cron.hours[hour] && minute < 60; ++minute) {
        const Timestamp time = day + std::chrono::hours(hour) + std::chrono::minutes(minute);
        if (!cron.minutes[minute] || time <= now || time >= expanded.until) continue;
        if (expanded.times.size() == max_schedule_times) {
          expanded.until = time;
          return expanded;
        }
        expanded.times.push_back(time);
      }
    }
  }
  return expanded;
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
        const auto* flow = target->flow.empty() ? nullptr : &target->flow.front();
        // Near its end it is worked out further; a time that has come is dealt with by its own expansion first.
        const bool known = flow && flow->schedule == trigger.schedule;
        const bool far_enough = known && now < flow->schedule_until &&
                                (flow->times.size() < 2 ? flow->schedule_until - now > schedule_horizon / 3
                                                        : now < flow->times[flow->times.size() / 2]);
        if (!far_enough) due.emplace_back(id, trigger.schedule);
      }
    }
  }
  return due;
}

}  // namespace headgate::reconciler
