// Asked for by a person: to go back, to try again, to wait less.
#include <algorithm>

#include "engine/domain/decide_parts.h"
#include "engine/domain/promote.h"
#include "engine/domain/retry.h"
#include "engine/domain/rollback.h"

namespace headgate {
namespace {

// It is written into promotion.planned beside two wishes of the largest size.
constexpr std::size_t max_rollback_reason = 2048;

Result<void> needs_reason(const std::string& reason, const char* what) {
  HEADGATE_TRY_VOID(check_text("/reason", reason, max_reason_bytes));
  if (!reason.empty()) return {};
  return fail(ErrorCode::invalid_input, std::string(what) + " needs a reason", {{"/reason", "nothing", "a text"}});
}

Result<void> roll_back_one(Events& events, const State& state, const RollBack& c, const TargetId& id,
                           const Context& context) {
  HEADGATE_TRY(const auto way, rollback_way(state, id, c.to));
  const PromotionId as{id, state.find(id)->last_number + 1};
  HEADGATE_TRY_VOID(rollback_plan(state, as, way, c.restore, context.digest));
  if (!way.to && !c.named) return fail(ErrorCode::conflict, retired_only_by_name(state, id, way));
  if (!way.crosses.empty() && !c.break_glass) {
    return fail(ErrorCode::forbidden,
                "the way back of " + to_string(id) + " goes across step " + way.crosses +
                    ", which cannot be undone: that takes the role breakGlass, and "
                    "break_glass (--break-glass) in the request",
                {{"/break_glass", "false", "true"}});
  }
  events.emplace_back(RollbackRequested{as, c.reason, way.leaves, way.to, c.restore, c.scope, way.crosses});
  if (c.break_glass) {  // also where it only stood in for the role operator
    events.emplace_back(BreakGlassUsed{
        as, "rollback", way.crosses.empty() ? "no irreversible step" : "the irreversible step " + way.crosses,
        c.reason});
  }
  return {};
}

}  // namespace

Decision decide_command(const State& state, const RollBack& c, const Context& context) {
  HEADGATE_TRY_VOID(needs_reason(c.reason, "a rollback"));
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_rollback_reason));
  HEADGATE_TRY_VOID(check_text("/group", c.scope, 256));
  auto once = c.targets;
  std::ranges::sort(once);
  if (std::ranges::adjacent_find(once) != once.end()) {
    return fail(ErrorCode::invalid_input, "a target is named twice", {{"/services", "a service twice", "each once"}});
  }
  if (c.targets.empty()) {
    return fail(ErrorCode::not_found, "there is no target among " + (c.scope.empty() ? "those named" : c.scope) +
                                          ": nothing would be rolled back");
  }
  if (c.targets.size() > max_rollback_targets) {
    return fail(ErrorCode::too_large, std::to_string(c.targets.size()) + " targets are more than one request takes, " +
                                          std::to_string(max_rollback_targets) + ": name services, or a group");
  }
  Events events;
  std::optional<Error> refused;
  for (const auto& id : c.targets) {
    auto done = roll_back_one(events, state, c, id, context);
    if (done) continue;
    // What nobody may pass refuses everything: half a rollback was not asked for.
    if (c.named || done.error().code == ErrorCode::forbidden) return std::unexpected(std::move(done).error());
    if (!refused) refused = std::move(done).error();
  }
  if (events.empty() && refused) return std::unexpected(std::move(*refused));
  return events;
}

namespace {

// Behind its name; empty where it may be retried, as far as the target goes.
std::string why_not_retried(const TargetState& t, const PromotionId& id) {
  if (id.number != t.last_number || t.promotion || t.back.wanted) {
    return "is not the last one of its target: " +
           to_string(PromotionId{id.target, t.back.wanted ? t.back.wanted->number : t.last_number}) + " came after it";
  }
  if (t.back.failed && t.back.failed->id == id) return {};
  std::string ended;
  if (t.failed && t.failed->number == id.number) ended = t.failed->ended;
  if (t.flow && t.flow->failed && t.flow->failed->number == id.number) ended = t.flow->failed->ended;
  const bool failed = ended.starts_with("failed");
  if (t.back.failed && !t.held.empty() && (failed || ended.empty())) {
    return "came to nothing while the target was held by what " + to_string(t.back.failed->id) + " left";
  }
  if (ended.empty()) return "did not fail";
  return ended + (failed ? ", and what it left was dealt with since" : ", and only one that failed is retried");
}

// The attempt that runs hangs: it is ended, whatever comes of it, and the next one begins. Nothing begins outside
// before the processes of the one that is ended are gone.
Decision retry_what_runs(const Promotion& p, const RetryPromotion& c, const Context& context) {
  const auto* step = p.current();
  if (step && step->activity == ActivityStatus::retrying) return Events{};  // asked twice: the next one is due already
  if (!step || !step->step->has_activity() || step->activity != ActivityStatus::running) {
    return fail(ErrorCode::conflict, "promotion " + to_string(p.id) +
                                         " is under way, and no attempt of a step runs that could be ended: headgate "
                                         "explain " +
                                         to_string(p.id) + " says what it waits for");
  }
  Events events;
  fence_in_flight(events, p, "retried by " + context.actor + (c.reason.empty() ? "" : ": " + c.reason));
  const StepId id{p.id, step->step->name};
  events.emplace_back(ActivityRetried{id, step->attempt + 1, context.now + retry_delay(id, 1)});
  return events;
}

}  // namespace

Decision decide_command(const State& state, const RetryPromotion& c, const Context& context) {
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_reason_bytes));
  const auto* t = state.find(c.promotion.target);
  const auto name = to_string(c.promotion);
  if (t && t->promotion && t->promotion->id == c.promotion) return retry_what_runs(*t->promotion, c, context);
  if (!t || c.promotion.number == 0 || c.promotion.number > t->last_number) {
    return fail(ErrorCode::not_found, "no promotion " + name);
  }
  if (const auto why = why_not_retried(*t, c.promotion); !why.empty()) {
    return fail(ErrorCode::conflict, "promotion " + name + ' ' + why + ": promote anew instead");
  }
  const auto& p = *t->back.failed;
  if ((t->orphaned || t->retiring) && !p.retires()) {
    return fail(ErrorCode::conflict,
                "the Target document of " + to_string(c.promotion.target) + " has gone: write one, then retry " + name);
  }
  const auto step = std::ranges::find_if(p.steps, [&](const LiveStep& s) {
    return s.status == StepStatus::failed && s.step->rollback == p.rollback_began.has_value();
  });
  if (step == p.steps.end()) {
    return fail(ErrorCode::conflict, "no step of " + name + " has failed: promote anew instead");
  }
  // An outcome is the proof that the attempt has ended; an attempt without one may still run. Whoever starts the next
  // attempt of one that is being retried waits for that proof.
  if (step->activity == ActivityStatus::running || step->activity == ActivityStatus::fenced) {
    return fail(ErrorCode::conflict, "attempt " + std::to_string(step->attempt) + " of step " + step->step->name +
                                         " may still be running: no other one begins before it has ended");
  }
  if (!p.rollback_began) {
    if (const auto* entry = state.quarantine(c.promotion.target.service, p.to.release)) {
      return fail(ErrorCode::conflict, "release " + p.to.release.version + " is quarantined: " + entry->reason +
                                           "; lift it first: headgate reinstate " + c.promotion.target.service + " " +
                                           entry->release.version + " --reason TEXT");
    }
  }
  return Events{PromotionRetried{c.promotion, step->step->name, c.reason}};
}

Result<void> may_be_expedited(const State& state, const TargetId& target, const std::string& reason) {
  HEADGATE_TRY_VOID(needs_reason(reason, "an expedited promotion"));
  const auto* stage = state.stage(target);
  if (stage && stage->expedite) return {};
  return fail(ErrorCode::conflict, "the stage of " + target.service + " to " + target.environment +
                                       " has no 'expedite': its waits are not shortened");
}

Decision decide_command(const State& state, const ExpeditePromotion& c, const Context& context) {
  const auto* p = state.live(c.promotion);
  if (!p) return fail(ErrorCode::not_found, "no promotion " + to_string(c.promotion) + " is under way");
  HEADGATE_TRY_VOID(may_be_expedited(state, c.promotion.target, c.reason));
  if (!may_give_way(*p)) {
    return fail(ErrorCode::conflict, "promotion " + to_string(p->id) + ' ' + how_far(*p) + ": its plan stands");
  }
  if (p->retires()) {
    return fail(ErrorCode::conflict,
                "promotion " + to_string(p->id) + " retires what runs there: only what is promoted is expedited");
  }
  if (!p->expedited.empty()) return Events{};
  const auto* t = state.find(c.promotion.target);
  const PromotionId next{c.promotion.target, t->last_number + 1};
  HEADGATE_TRY(auto plan, plan_for(state, next, p->to, way_back_from(state, p->id.target, p->to), context.digest, true,
                                   p->locations));
  Events events;
  supersede(events, *p, "expedited as " + to_string(next) + " by " + context.actor + ": " + c.reason);
  auto people = p->people;
  add_unique(people, context.actor);
  plan_events(events, next, p->trigger, std::move(plan), std::move(people), p->asked_because);
  events.emplace_back(PromotionExpedited{next, c.reason});
  return events;
}

}  // namespace headgate
