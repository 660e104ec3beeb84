// Promotions: asked for, approved, rejected, cancelled, and the outcomes of their activities.
#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <tuple>

#include "engine/base/nearest_name.h"
#include "engine/domain/access.h"
#include "engine/domain/approvals.h"
#include "engine/domain/conditions.h"
#include "engine/domain/decide_parts.h"
#include "engine/domain/flow.h"
#include "engine/domain/gate_runs.h"
#include "engine/domain/gates.h"
#include "engine/domain/locations.h"
#include "engine/domain/monitors.h"
#include "engine/domain/promote.h"
#include "engine/domain/record_size.h"
#include "engine/domain/renames.h"
#include "engine/domain/retry.h"
#include "engine/domain/rollback.h"
#include "engine/domain/rollout.h"
#include "engine/domain/self_heal.h"
#include "engine/domain/windows.h"

namespace headgate {
namespace {

// The live promotion, or why there is none.
Result<const Promotion*> find_live(const State& state, const PromotionId& id) {
  if (const auto* promotion = state.live(id)) return promotion;
  const auto* target = state.find(id.target);
  if (target && id.number <= target->last_number && id.number > 0) {
    return fail(ErrorCode::conflict, "promotion " + to_string(id) + " has ended");
  }
  return fail(ErrorCode::not_found, "no promotion " + to_string(id));
}

Result<void> not_too_late(const Promotion& p, bool in_time, std::string_view to_what) {
  if (in_time) return {};
  return fail(ErrorCode::conflict, "promotion " + to_string(p.id) + ' ' + how_far(p) + ": it is too late to " +
                                       std::string(to_what) + " it; to stop it: headgate cancel " + to_string(p.id));
}

// The second approval of a blueGreen strategy: the preview is up, and nothing has traffic yet.
bool asks_for_the_switch(const Promotion& p) {
  const auto* current = p.current();
  return current && current->step->name == approve_switch && current->status == StepStatus::started;
}

std::vector<Position> evidence_of(const State& state, const Promotion& p) {
  std::vector<Position> positions;
  for (const auto& condition : judge(state, p, {}, all_guards(), &Guard::evidence)) {
    positions.insert(positions.end(), condition.events.begin(), condition.events.end());
  }
  return positions;
}

// An approval speaks for what its giver saw: a reason to ask that came up since, or was reported anew, was not there.
Result<void> saw_every_reason(const State& state, const Promotion& p, Position seen) {
  std::string since;
  Position position = 0;
  for (const auto& exception : exceptions_of(state, p)) {
    if (exception.position > seen) std::tie(since, position) = std::pair(exception.text, exception.position);
  }
  const auto unknown = authors_to_answer_for(state, p);
  if (p.attribution && p.attribution->position > seen && !unknown.empty()) {
    since = "the AccessPolicy does not know " + joined(unknown, ", ") + ", whose work is inside";
    position = p.attribution->position;
  }
  if (since.empty()) return {};
  return fail(ErrorCode::conflict,
              "since you looked at " + to_string(p.id) + ", it was reported that " + since +
                  ": look at it again before you approve",
              {{"/seen", std::to_string(seen), std::to_string(position) + " or later"}});
}

// Of somebody who holds the role approver, but not by the way they came in.
std::unexpected<Error> refuse_sign_in(const State& state, const Promotion& p, const Context& context) {
  return fail(ErrorCode::forbidden,
              missing_claims(state, {{}, context.actor, context.claims}, Role::approver, Reach::of(p.id.target)));
}

// "; the nearest is 'gateway'", of those in force.
std::string nearest_service(const State& state, std::string_view name) {
  std::map<std::string_view, const Service*> in_force;
  for (const auto& [known, service] : state.services) {
    if (service.document) in_force.emplace(known, &service.document->document);
  }
  return nearest_of(name, in_force);
}

// Whether wishes wait there for their turn.
bool has_line(const State& state, const TargetId& id) {
  const auto* target = state.find(id);
  return keeps_order(state, id) && target->flow && !target->flow->wishes.empty();
}

std::string environments_of(const Service& service) {
  std::string names;
  for (const auto& stage : service.stages) names += (names.empty() ? "" : ", ") + stage.environment;
  return names;
}

}  // namespace

Decision decide_command(const State& state, const RequestPromotion& c, const Context& context) {
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_reason_bytes));
  if (const auto name = called_since(state, c.target)) {
    return fail(ErrorCode::not_found, to_string(c.target) + " is called " + to_string(*name) + " now");
  }
  const auto* service = state.service(c.target.service);
  if (!service)
    return fail(ErrorCode::not_found, "no service '" + c.target.service + "' in the configuration in force" +
                                          nearest_service(state, c.target.service));
  if (!state.stage(c.target) || !state.environments.contains(c.target.environment)) {
    return fail(ErrorCode::not_found, "service " + c.target.service + " has no stage to '" + c.target.environment +
                                          "'; it has: " + environments_of(*service));
  }
  if (c.locations.size() > max_locations) {
    return fail(ErrorCode::too_large, "too many locations are named",
                {{"/locations", std::to_string(c.locations.size()), "at most " + std::to_string(max_locations)}});
  }
  HEADGATE_TRY(auto wish, resolve_wish(state, c.target, c.release, {}));
  const auto* target = state.find(c.target);
  HEADGATE_CHECK(target);  // a stage in force has its target
  HEADGATE_TRY_VOID(check_not_being_renamed(state, c.target));
  if (target->orphaned || target->retiring) {
    return fail(ErrorCode::conflict,
                "the Target document of " + to_string(c.target) + " has gone: write one, then promote");
  }
  if (target->back.wanted) {
    return fail(ErrorCode::conflict, to_string(c.target) + " is about to be rolled back: wait for that");
  }
  if (target->document) wish.variables = target->document->document.variables;
  if (target->document && target->document->document.suspend) {
    return fail(ErrorCode::conflict,
                "target " + to_string(c.target) + " is suspended: set suspend: false in its document");
  }
  if (const auto* entry = state.quarantine(c.target.service, wish.release)) {
    return fail(ErrorCode::conflict, "release " + wish.release.version + " is quarantined: " + entry->reason);
  }
  // What was adopted is promoted all the same: that verifies it.
  if (c.locations.empty() && runs_everywhere(state, c.target, wish) && target->held.empty() &&
      !has_drifted(state, c.target) && last_verified(*target, wish.release)) {
    return fail(ErrorCode::conflict, to_string(c.target) + " runs release " + wish.release.version + " already");
  }
  Events events;
  if (const auto& p = target->promotion) {
    if (!may_give_way(*p)) {
      const bool too_late = p->phase == Phase::rolling_back || retires_old(*p) || irreversible_step_begun(*p);
      return fail(ErrorCode::conflict, "promotion " + to_string(p->id) + ' ' + how_far(*p) +
                                           ": wait for it (headgate wait)" +
                                           (too_late ? ", it cannot be cancelled any more" : " or cancel it"));
    }
    if (p->to == wish && p->locations == c.locations) {
      return fail(ErrorCode::conflict,
                  "promotion " + to_string(p->id) + " brings release " + wish.release.version + " already");
    }
    if (keeps_order(state, c.target)) {
      return fail(ErrorCode::conflict, "promotion " + to_string(p->id) +
                                           " is under way, and the stage keeps order (supersede: queue): wait for it "
                                           "(headgate wait) or cancel it");
    }
    events.emplace_back(PromotionSuperseded{p->id, "release " + wish.release.version + " was asked for"});
  }
  if (!state.release({c.target.service, wish.release.version})) {
    HEADGATE_TRY_VOID(check_release(wish.release));
    events.emplace_back(ReleaseRegistered{
        {c.target.service, wish.release.version}, wish.release.commit, wish.release.artifacts, {}, {}});
  }
  const bool by_document = brings_variables(*target, wish);
  std::vector<std::string> people;
  if (by_document) {
    people = people_inside(*target);
  } else if (target->desired != target->current || has_line(state, c.target)) {
    people = people_behind_wishes(*target);
  }
  add_unique(people, context.actor);
  const PromotionId next{c.target, target->last_number + 1};
  if (c.expedite) HEADGATE_TRY_VOID(may_be_expedited(state, c.target, c.reason));
  HEADGATE_TRY(auto plan, plan_for(state, next, wish, way_back_from(state, c.target, wish), context.digest, c.expedite,
                                   c.locations));
  plan_events(events, next, Trigger::manual, std::move(plan), std::move(people), c.reason);
  tell_another_try(events, state, next);
  if (c.expedite) events.emplace_back(PromotionExpedited{next, c.reason});
  return events;
}

Decision decide_command(const State& state, const Approve& c, const Context& context) {
  HEADGATE_TRY_VOID(check_text("/comment", c.comment, max_reason_bytes));
  HEADGATE_TRY(const Promotion* p, find_live(state, c.promotion));
  if (!asks_for_the_switch(*p)) HEADGATE_TRY_VOID(not_too_late(*p, p->phase == Phase::waiting, "approve"));
  if (c.plan_digest != p->plan_digest) {
    return fail(ErrorCode::conflict,
                "the plan of " + to_string(p->id) + " is another one: look at it again before you approve",
                {{"/plan_digest", c.plan_digest, p->plan_digest}});
  }
  if (approval_rules(*p).empty())
    return fail(ErrorCode::conflict, "promotion " + to_string(p->id) + " needs no approval");
  if (!p->approval_requested) {
    return fail(ErrorCode::conflict,
                "approval of " + to_string(p->id) + " is not asked for yet: its gates have not passed");
  }
  for (const auto& condition : judge(state, *p, context.now, context.guards, &Guard::verdict)) {
    if (condition.met) continue;  // else the approval would be void at once
    return fail(ErrorCode::conflict, to_string(p->id) + " cannot be approved now: " + condition.text);
  }
  if (c.seen) HEADGATE_TRY_VOID(saw_every_reason(state, *p, *c.seen));
  if (!context.actor.starts_with("person:")) {
    return fail(ErrorCode::forbidden, "only a person can approve: the AccessPolicy gives this token to nobody");
  }
  auto teams = teams_of(state, *p, context.actor, c.team);
  if (teams.empty()) {
    return fail(ErrorCode::forbidden, "the approval of " + (c.team.empty() ? team_names(approval_rules(*p)) : c.team) +
                                          " is asked for, and you are not a member with the approver role in " +
                                          p->id.target.environment);
  }
  auto claims = approver_claims(*state.access(), context.actor, p->id.target, context.claims);
  if (!claims) return refuse_sign_in(state, *p, context);
  if (!p->rules.self_approval && is_inside(state, *p, context.actor)) {
    return fail(ErrorCode::forbidden,
                "your own work is in " + to_string(p->id) + ", or you asked for it: somebody else must approve");
  }
  const auto by_them = [&](const Approval& a) { return same_person(state.access(), a.approver, context.actor); };
  if (std::ranges::any_of(p->approvals, by_them)) {
    return fail(ErrorCode::conflict, "you have approved " + to_string(p->id) + " already; one person counts once");
  }
  ApprovalGranted granted;
  granted.promotion = p->id;
  granted.team = std::move(teams.front());
  granted.also.assign(std::make_move_iterator(teams.begin() + 1), std::make_move_iterator(teams.end()));
  granted.plan_digest = p->plan_digest;
  granted.comment = c.comment;
  granted.evidence = evidence_of(state, *p);
  granted.expires = context.now + p->rules.approval_expiry;
  for (const auto& exception : exceptions_of(state, *p)) granted.exceptions[exception.key] = exception.measured;
  granted.unknown_authors = authors_to_answer_for(state, *p);
  granted.claims = std::move(*claims);
  return Events{std::move(granted)};
}

Decision decide_command(const State& state, const Reject& c, const Context& context) {
  HEADGATE_TRY_VOID(check_text("/comment", c.comment, max_reason_bytes));
  HEADGATE_TRY(const Promotion* p, find_live(state, c.promotion));
  const bool of_switch = asks_for_the_switch(*p) && !irreversible_step_begun(*p);
  if (!of_switch) HEADGATE_TRY_VOID(not_too_late(*p, may_give_way(*p), "reject"));
  const auto teams = teams_of(state, *p, context.actor, {});
  if (teams.empty()) {
    const auto& rules = approval_rules(*p);
    return fail(ErrorCode::forbidden,
                rules.empty() ? "promotion " + to_string(p->id) + " asks for no approval: cancel it instead"
                              : "the approval of " + team_names(rules) + " is asked for, and you cannot give it");
  }
  if (!approver_claims(*state.access(), context.actor, p->id.target, context.claims)) {
    return refuse_sign_in(state, *p, context);
  }
  const auto why = "rejected by " + context.actor + (c.comment.empty() ? "" : ": " + c.comment);
  Events events{ApprovalRejected{p->id, teams.front(), c.comment}};
  if (of_switch) {
    begin_rollback(events, state, *p, why, false);
  } else {
    events.emplace_back(PromotionRejected{p->id, why});
  }
  return events;
}

Decision decide_command(const State& state, const Cancel& c, const Context& context) {
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_reason_bytes));
  HEADGATE_TRY(const Promotion* p, find_live(state, c.promotion));
  const auto why = "cancelled by " + context.actor + (c.reason.empty() ? "" : ": " + c.reason);
  if (p->phase == Phase::rolling_back) {
    return fail(ErrorCode::conflict, "promotion " + to_string(p->id) +
                                         " is rolling back already; where a step of it hangs: headgate retry " +
                                         to_string(p->id) + " --reason TEXT");
  }
  if (retires_old(*p)) {
    return fail(ErrorCode::conflict,
                "release " + p->to.release.version + " of " + to_string(p->id) +
                    " is verified, and what ran before is being retired: it is too late to cancel it; to go back: "
                    "headgate rollback --environment " +
                    p->id.target.environment + " --service " + p->id.target.service + " --reason TEXT");
  }
  if (const auto* crossed = irreversible_step_begun(*p)) {
    const auto back = "with the role breakGlass, headgate rollback --break-glass goes back across it";
    return fail(ErrorCode::conflict,
                "step " + crossed->step->name + " of " + to_string(p->id) + " cannot be undone" +
                    (p->deployed() ? ": " + std::string(back)
                                   : " and has begun: wait (headgate wait), a freeze holds what comes after it; once "
                                     "the release is deployed, " +
                                         std::string(back)));
  }
  Events events;
  if (p->deployed()) {
    begin_rollback(events, state, *p, why, false);
    return events;
  }
  fence_in_flight(events, *p, why);
  events.emplace_back(PromotionCancelled{p->id, why});
  return events;
}

Decision decide_command(const State& state, const OverrideProtection& c, const Context& context) {
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_reason_bytes));
  if (c.reason.empty())
    return fail(ErrorCode::invalid_input, "an override needs a reason", {{"/reason", "nothing", "a text"}});
  HEADGATE_TRY(const Promotion* p, find_live(state, c.promotion));
  if (p->phase == Phase::rolling_back) {
    return fail(ErrorCode::conflict, "promotion " + to_string(p->id) + " rolls back: that passes windows and freezes");
  }
  Events events;
  std::vector<std::string> freezes;
  const auto& called = called_now(state, p->id.target);
  for (const auto& [id, freeze] : state.freezes) {
    if (freeze.in_force(context.now) && freeze.covers(called) &&
        std::ranges::find(p->freezes_overridden, id) == p->freezes_overridden.end()) {
      freezes.push_back(id);
    }
  }
  std::string passed;
  const auto glass = [&](const std::string& what) { passed += (passed.empty() ? "" : "; ") + what; };
  for (const auto& id : freezes) glass("freeze " + id);
  if (!freezes.empty()) events.emplace_back(FreezeOverridden{p->id, std::move(freezes), c.reason});
  for (const auto* maintenance : maintenance_before(state, *p, context.now)) {
    const auto text = maintenance_text(*maintenance);
    events.emplace_back(WindowOverridden{p->id, text, c.reason, maintenance->to, maintenance->name});
    glass(text);
  }
  for (const auto& condition : judge(state, *p, context.now, context.guards, &Guard::overridable)) {
    if (condition.met) continue;
    events.emplace_back(WindowOverridden{p->id, condition.text, c.reason, condition.due, {}});
    glass(condition.text);
  }
  if (events.empty()) {
    return fail(ErrorCode::conflict,
                "neither a closed window nor a maintenance or freeze stands before " + to_string(p->id));
  }
  events.emplace_back(BreakGlassUsed{p->id, "override", cut_text(passed, max_reason_bytes), c.reason});
  return events;
}

namespace {

// The activity of a step has ended.
Events ended(const LiveStep& step, const CompleteActivity& c, const Context& context) {
  const auto& outcome = c.outcome;
  const auto reason = cut_text(outcome.reason, 2048);
  ActivityFailed failed{c.id, c.attempt, reason, false, false, outcome.evidence, outcome.output};
  switch (outcome.kind) {
    case Outcome::Kind::succeeded:
      return Events{ActivitySucceeded{c.id, c.attempt, outcome.evidence}};
    case Outcome::Kind::retryable:
      if (c.attempt - step.attempts_before >= max_attempts) {
        failed.reason += " (given up after " + std::to_string(c.attempt) + " attempts)";
        return Events{std::move(failed)};
      }
      failed.retryable = true;
      return Events{
          std::move(failed),
          ActivityRetried{c.id, c.attempt + 1, context.now + retry_delay(c.id, c.attempt - step.attempts_before)}};
    case Outcome::Kind::unhealthy:
      failed.unhealthy = true;
      return Events{std::move(failed)};
    case Outcome::Kind::terminal:
    case Outcome::Kind::stopped:
      return Events{std::move(failed)};
  }
  return Events{};
}

}  // namespace

Decision decide_command(const State& state, const CompleteActivity& c, const Context& context) {
  const auto& outcome = c.outcome;
  if (outcome.kind == Outcome::Kind::stopped) return Events{};
  if (is_gates_place(c.id.promotion.target)) return gate_run_done(state, c, context);
  const auto* target = state.find(c.id.promotion.target);
  const auto* p = state.live(c.id.promotion);
  const auto* step = p ? p->find(c.id.step) : nullptr;
  const bool planned = target && c.id.promotion.number > 0 && c.id.promotion.number <= target->last_number;
  if (!planned || (p && (!step || step->activity == ActivityStatus::none))) {
    return fail(ErrorCode::not_found, "no activity " + to_string(c.id));
  }
  if (!step || step->activity == ActivityStatus::fenced || c.attempt <= step->fenced)
    return Events{ActivityFenced{c.id, c.attempt, "an outcome came after it no longer counted"}};
  if (step->activity != ActivityStatus::running || step->attempt != c.attempt) return Events{};  // told twice

  if (step->step->kind == StepKind::pause) return measurement_taken(*p, *step, outcome);

  auto events = ended(*step, c, context);
  for (auto& event : downtime_of(state, c)) events.push_back(std::move(event));
  return events;
}

}  // namespace headgate
