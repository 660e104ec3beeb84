#include "engine/domain/promote.h"

#include <algorithm>
#include <ranges>

#include "engine/domain/decide_parts.h"
#include "engine/domain/locations.h"
#include "engine/domain/record_size.h"
#include "engine/domain/rollback.h"
#include "engine/domain/rollout_plan.h"

namespace headgate {

Result<PlanInput> plan_input(const State& state, const PromotionId& as) {
  const auto owner = state.services.find(as.target.service);
  const auto environment = state.environments.find(as.target.environment);
  const auto* stage = state.stage(as.target);
  if (owner == state.services.end() || environment == state.environments.end() || !stage) {
    return fail(ErrorCode::not_found, "no stage of service " + as.target.service + " leads to " +
                                          as.target.environment + " any more: nobody knows how to deploy there");
  }
  PlanInput input;
  input.id = as;
  input.service = &*owner->second.document;
  input.stage = stage;
  input.environment = &environment->second;
  if (const auto* target = state.find(as.target)) {
    input.from = target->current;
    input.stable_slot = target->stable_slot;
    if (!input.stable_slot.empty()) input.stable = target->current;
  }
  input.left_slot = uses_slots(*stage) ? candidate_slot(input.stable_slot) : input.stable_slot;
  return input;
}

Result<Plan> plan_for(const State& state, const PromotionId& as, const Wish& to, const std::optional<Wish>& way_back,
                      DigestFunction digest, bool expedited, const std::vector<std::string>& locations) {
  HEADGATE_TRY(auto input, plan_input(state, as));
  input.to = to;
  // What runs beside the candidate is the way back, whatever else was verified here.
  input.way_back = uses_slots(*input.stage) && input.stable ? input.stable : way_back;
  input.expedited = expedited && input.stage->expedite;
  if (state.find(as.target) && (!locations.empty() || !input.environment->document.locations.empty())) {
    HEADGATE_TRY(input.places, places_to_promote(state, as.target, to, way_back, locations));
    input.locations = locations;
  }
  auto plan = plan_promotion(input, digest);
  HEADGATE_TRY_VOID(check_steps_fit(as, plan));
  return plan;
}

Result<Plan> plan_retirement(const State& state, const PromotionId& as, const Wish& runs, DigestFunction digest) {
  HEADGATE_TRY(auto input, plan_input(state, as));
  const auto& environment = input.environment->document;
  const bool in_places = !environment.locations.empty();
  if (!in_places && !driver_of(*input.stage, environment).retire) {
    return fail(ErrorCode::not_found, "the driver of " + to_string(as.target) + " has no retire command");
  }
  input.from = runs;
  input.to = runs;
  if (in_places) {
    HEADGATE_TRY(input.places, places_to_retire(state, as.target));
  }
  auto plan = plan_retirement(input, digest);
  HEADGATE_TRY_VOID(check_steps_fit(as, plan));
  return plan;
}

const Wish* to_be_retired(const TargetState& t) {
  if (t.current) return &*t.current;
  if (t.held.empty() || !t.back.failed) return nullptr;
  const auto& p = *t.back.failed;
  return p.deployed() || p.retires() ? &p.to : nullptr;
}

std::string why_not_retired(const State& state, const TargetId& id) {
  const auto* target = state.find(id);
  const std::string gone = "its Target document has gone, and what runs there is not retired: ";
  const auto* there = target ? to_be_retired(*target) : nullptr;
  if (!there) return gone + "nothing is known to run there";
  const DigestFunction no_digest = [](std::string_view) { return std::string(); };
  const auto plan = plan_retirement(state, {id, target->last_number + 1}, *there, no_digest);
  if (!plan) return gone + plan.error().message;
  return gone + "the last promotion that should do it did not succeed";
}

Result<void> check_steps_fit(const PromotionId& as, const Plan& plan) {
  if (plan.steps.size() > max_plan_steps) {
    return fail(ErrorCode::too_large, "the plan of " + to_string(as) + " takes " + std::to_string(plan.steps.size()) +
                                          " steps, at most " + std::to_string(max_plan_steps) +
                                          ": each location takes those of the strategy and its checks");
  }
  for (const auto& step : plan.steps) {
    if (stored_size_bound(step) <= max_event_bytes) continue;
    return fail(ErrorCode::too_large, "step " + step.name + " takes more than " + std::to_string(max_event_bytes) +
                                          " bytes once its texts are filled in: shorten its command or the variables");
  }
  return {};
}

std::optional<Wish> way_back_from(const State& state, const TargetId& id, const Wish& to, bool across) {
  const auto* target = state.find(id);
  if (!target) return std::nullopt;
  // Back to the same candidate under another version or other variables only from that candidate.
  const bool from_same = target->current && target->current->release.same_candidate(to.release);
  for (const auto& wish : target->verified | std::views::reverse) {
    if (wish == to || state.quarantine(id.service, wish.release) || is_barred(state, id, wish.release)) continue;
    if (!across && !step_between(*target, wish).empty()) continue;
    if (from_same || !wish.release.same_candidate(to.release)) return wish;
  }
  return std::nullopt;
}

bool would_fail_again(const State& state, const TargetId& id, const FailedAttempt& failed, DigestFunction digest) {
  if (failed.policy) return failed.policy == policy_of(state, id);
  const auto again = plan_for(state, {id, failed.number}, failed.wish, way_back_from(state, id, failed.wish), digest);
  return !again || again->digest == failed.plan_digest;
}

bool brings_variables(const TargetState& target, const Wish& wish) {
  return target.current ? target.current->variables != wish.variables : !wish.variables.empty();
}

namespace {

// Behind what was planned and does not run, or not any more.
std::vector<std::string> people_behind_planned(const TargetState& target) {
  auto people = target.people;
  for (const auto& wish : target.back.left) {
    for (const auto& person : wish.people) add_unique(people, person);
  }
  return people;
}

}  // namespace

std::vector<std::string> people_behind_wishes(const TargetState& target) {
  auto people = people_behind_planned(target);
  for (const auto& person : target.desired_people) add_unique(people, person);
  if (!target.flow) return people;
  for (const auto& wish : target.flow->wishes) {
    for (const auto& person : wish.people) add_unique(people, person);
  }
  return people;
}

std::vector<std::string> people_inside(const TargetState& target) {
  auto people = people_behind_wishes(target);
  for (const auto& person : target.document_people) add_unique(people, person);
  return people;
}

std::vector<std::string> people_behind(const TargetState& target, const TriggeredWish& first) {
  auto people = people_behind_planned(target);
  for (const auto& person : first.people) add_unique(people, person);
  if (target.desired != first.to) return people;
  for (const auto* since : {&target.desired_people, &target.document_people}) {
    for (const auto& person : *since) add_unique(people, person);
  }
  return people;
}

void supersede(std::vector<Event>& events, const Promotion& p, const std::string& why) {
  const auto reason = cut_text(why, max_reason_bytes);
  for (const auto& approval : p.approvals) events.emplace_back(ApprovalVoided{p.id, approval.approver, reason});
  events.emplace_back(PromotionSuperseded{p.id, reason});
}

void plan_events(std::vector<Event>& events, const PromotionId& id, Trigger trigger, Plan plan,
                 std::vector<std::string> people, std::string reason) {
  PromotionPlanned planned;
  planned.promotion = id;
  planned.trigger = trigger;
  planned.from = std::move(plan.from);
  planned.to = std::move(plan.to);
  planned.rules = std::move(plan.rules);
  planned.steps = static_cast<std::uint32_t>(plan.steps.size());
  planned.plan_digest = std::move(plan.digest);
  planned.people = std::move(people);
  planned.reason = std::move(reason);
  planned.locations = std::move(plan.locations);
  events.reserve(events.size() + 1 + plan.steps.size());
  events.emplace_back(std::move(planned));
  for (auto& step : plan.steps) {
    StepId step_id{id, step.name};
    events.emplace_back(StepPlanned{std::move(step_id), std::move(step)});
  }
}

}  // namespace headgate
