#include "engine/domain/promote.h"

#include <algorithm>
#include <ranges>

#include "engine/domain/planner.h"
#include "engine/domain/record_size.h"

namespace headgate {

Result<Plan> plan_for(const State& state, const PromotionId& as, const Wish& to, const std::optional<Wish>& way_back,
                      DigestFunction digest) {
  const auto owner = state.services.find(as.target.service);
  const auto environment = state.environments.find(as.target.environment);
  const auto* stage = state.stage(as.target);
  if (owner == state.services.end() || environment == state.environments.end() || !stage) {
    return fail(ErrorCode::not_found, "no stage leads to " + as.target.environment + " any more");
  }
  const auto* target = state.find(as.target);
  PlanInput input;
  input.id = as;
  input.service = &*owner->second.document;
  input.stage = stage;
  input.environment = &environment->second;
  if (target) input.from = target->current;
  input.way_back = way_back;
  input.to = to;
  auto plan = plan_promotion(input, digest);
  for (const auto& step : plan.steps) {
    if (stored_size_bound(StepPlanned{{as, step.name}, step}) <= max_event_bytes) continue;
    return fail(ErrorCode::too_large, "step " + step.name + " takes more than " + std::to_string(max_event_bytes) +
                                          " bytes once its texts are filled in: shorten its command or the variables");
  }
  return plan;
}

std::optional<Wish> way_back_from(const State& state, const TargetId& id, const Wish& to) {
  const auto* target = state.find(id);
  if (!target) return std::nullopt;
  // Back to the same candidate under another version or other variables only from that candidate.
  const bool from_same = target->current && target->current->release.same_candidate(to.release);
  for (const auto& wish : target->verified | std::views::reverse) {
    if (wish == to || state.quarantine(id.service, wish.release)) continue;
    if (from_same || !wish.release.same_candidate(to.release)) return wish;
  }
  return std::nullopt;
}

void plan_events(std::vector<Event>& events, const PromotionId& id, Trigger trigger, const Plan& plan,
                 std::vector<std::string> people, std::string reason) {
  PromotionPlanned planned;
  planned.promotion = id;
  planned.trigger = trigger;
  planned.from = plan.from;
  planned.to = plan.to;
  planned.rules = plan.rules;
  planned.steps = static_cast<std::uint32_t>(plan.steps.size());
  planned.plan_digest = plan.digest;
  planned.people = std::move(people);
  planned.reason = std::move(reason);
  events.emplace_back(std::move(planned));
  for (const auto& step : plan.steps) events.emplace_back(StepPlanned{{id, step.name}, step});
}

void begin_rollback(std::vector<Event>& events, const Promotion& p, const std::string& reason, bool automatic) {
  if (const auto* step = p.current();
      step && (step->activity == ActivityStatus::running || step->activity == ActivityStatus::retrying)) {
    events.emplace_back(ActivityFenced{{p.id, step->step.name}, step->attempt, reason});
  }
  const auto first = std::ranges::find_if(p.steps, [](const LiveStep& s) { return s.step.rollback; });
  if (first == p.steps.end()) {
    events.emplace_back(PromotionFailed{
        p.id,
        reason + "; there is no way back: no other release was verified here, and the driver has no retire command"});
    return;
  }
  events.emplace_back(RollbackStarted{p.id, reason, automatic, first->step.deploys});
}

}  // namespace headgate
