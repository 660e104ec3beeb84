#include <algorithm>

#include "engine/domain/approvals.h"
#include "engine/domain/decide.h"
#include "engine/domain/decide_parts.h"
#include "engine/domain/flow.h"
#include "engine/domain/gate_runs.h"
#include "engine/domain/locations.h"
#include "engine/domain/monitors.h"
#include "engine/domain/promote.h"
#include "engine/domain/record_size.h"
#include "engine/domain/renames.h"
#include "engine/domain/retry.h"
#include "engine/domain/rollback.h"
#include "engine/domain/rollout.h"
#include "engine/domain/self_heal.h"

namespace headgate {
namespace {

using Events = std::vector<Event>;

struct Advance {
  const State& state;
  const TargetId& id;
  const TargetState& target;
  const Context& context;

  StepId step_id(const Promotion& p, const LiveStep& step) const { return {p.id, step.step->name}; }

  // ------------------------------------------------------------------------------------------------------ the wish

  Events follow_document() const {
    if (!target.document) {
      if (!target.desired || target.orphaned || target.retiring) return {};
      return {TargetOrphaned{id}};
    }
    const auto& document = target.document->document;
    if (is_desired(document)) return {};
    const auto wish = resolve_wish(state, id, document.release, document.variables);
    if (!wish || target.desired == *wish) return {};
    Events events;
    if (!state.release({id.service, wish->release.version})) {
      events.emplace_back(ReleaseRegistered{
          {id.service, wish->release.version}, wish->release.commit, wish->release.artifacts, {}, {}});
    }
    DesiredChanged changed;
    changed.target = id;
    changed.commit = target.document->commit;
    changed.from = target.desired;
    changed.to = *wish;
    changed.file = target.document->source.file;
    changed.line = target.document->source.line;
    changed.people = target.document_people;
    events.emplace_back(std::move(changed));
    if (!target.pinned.empty() && still_wishes_what_was_left(*wish)) {
      const auto kept = "; release " + wish->release.version +
                        ", which was left, is wished with other variables: headgate promote brings it back";
      if (!target.pinned.ends_with(kept)) {
        events.emplace_back(TargetPinned{id, cut_text(target.pinned, max_reason_bytes - kept.size()) + kept});
      }
      return events;
    }
    if (!target.pinned.empty()) events.emplace_back(TargetUnpinned{id, "the desired state changed"});
    if (takes_its_turn()) {
      events.emplace_back(TriggerFired{id, Trigger::desired, "the Target document", 0, *wish, {}, true, {}});
    }
    return events;
  }

  // Whether the document names the release that a person rolled back, as before: other variables are no wish for it.
  bool still_wishes_what_was_left(const Wish& wish) const {
    return target.desired && target.desired->release.same_candidate(wish.release) &&
           is_barred(state, id, wish.release) &&
           !(target.current && target.current->release.same_candidate(wish.release));
  }

  // What is asked whenever anything happens here: without putting the wish together.
  bool is_desired(const Target& document) const {
    const auto* registered = state.release({id.service, document.release.version});
    return target.desired && target.desired->variables == document.variables &&
           target.desired->release == (registered ? registered->release : document.release);
  }

  // Whether a wish of the document comes after others that are not fulfilled yet.
  bool takes_its_turn() const {
    return keeps_order(state, id) && (target.promotion || (target.flow && !target.flow->wishes.empty()));
  }

  // Its document has gone, and what runs there is to go with it.
  Events retire() const {
    const auto* there = to_be_retired(target);
    if (!there) return {TargetRetired{id}};
    const auto& runs = *there;
    if (target.failed && target.failed->wish == runs) {
      const auto again = plan_retirement(state, {id, target.failed->number}, runs, context.digest);
      if (!again || again->digest == target.failed->plan_digest) return {};
    }
    const PromotionId next{id, target.last_number + 1};
    auto plan = plan_retirement(state, next, runs, context.digest);
    if (!plan) return {};
    Events events;
    plan_events(events, next, Trigger::desired, std::move(*plan), people_inside(target),
                "its Target document has gone");
    return events;
  }

  Events follow_retirement(const Promotion& p) const {
    if (state.configuration.position < p.planned_at) return {};
    const auto plan = plan_retirement(state, p.id, p.to, context.digest);
    if (!plan) return {PromotionCancelled{p.id, plan.error().message}};
    if (plan->digest == p.plan_digest) return {};
    Events events;
    supersede(events, p, "the plan changed with the configuration at commit " + state.configuration.commit);
    return events;
  }

  // What is known of the target goes to the one that it is now.
  Events rename(const TargetId& to) const {
    if (!target.promotion) return {TargetRenamed{to, id}};
    const auto& p = *target.promotion;
    if (!may_give_way(p)) return advance_promotion(p);
    return {PromotionSuperseded{p.id, "the target is called " + to_string(to) + " now"}};
  }

  Events plan_if_needed() const {
    if (target.retiring) return retire();
    if (auto events = follow_triggers(state, id, context); !events.empty()) return events;
    if (auto events = mend_drift(state, id, context); !events.empty()) return events;
    if (!target.desired) return {};
    if (runs_everywhere(state, id, *target.desired)) {
      return target.pinned.empty() ? Events{} : Events{TargetUnpinned{id, "the desired state agrees again"}};
    }
    const auto& wish = *target.desired;
    if (!target.current && target.observed && target.document && !target.document->document.suspend &&
        target.held.empty() && target.pinned.empty() && target.observed->shows(wish.release)) {
      return {TargetAdopted{id, wish, "it runs the desired release already"}};
    }
    if (target.current == wish && target.held.empty() && shown_in_locations(state, id, wish)) {
      return {TargetAdopted{id, wish, "every location runs the desired release already"}};
    }
    if (!explain_idle(state, id, false).empty()) return {};
    if (target.failed && target.failed->wish == wish && would_fail_again(state, id, *target.failed, context.digest)) {
      return {};
    }
    const PromotionId next{id, target.last_number + 1};
    auto plan = plan_for(state, next, wish, way_back_from(state, id, wish), context.digest);
    if (!plan) return {};
    Events events;
    plan_events(events, next, Trigger::desired, std::move(*plan), people_inside(target), {});
    return events;
  }

  // ------------------------------------------------------------------------------------------------- the promotion

  // Ends a promotion that still waits when it has lost its reason or its plan is not the policy's any more.
  Events withdraw(const Promotion& p) const {
    if (p.retires() && target.document) return {PromotionSuperseded{p.id, "its Target document is back"}};
    if (!p.retires() && (target.orphaned || target.retiring)) {
      return {PromotionCancelled{p.id, "its Target document has gone"}};
    }
    if (p.retires()) return follow_retirement(p);
    if (p.trigger == Trigger::drift) {
      if (const auto bar = bar_to_mending(state, id)) return {PromotionSuperseded{p.id, bar->text}};
    }
    if (p.trigger == Trigger::desired && !target.desired) {
      return {PromotionCancelled{p.id, "its Target document has gone"}};
    }
    if (const auto* wish = newer_wish(state, p)) {
      return {PromotionSuperseded{p.id, "a newer wish: release " + wish->to.release.version + ", " + wish->reason}};
    }
    const bool in_order = keeps_order(state, id);
    if (!in_order && target.desired && *target.desired != p.to && !wishes_what_was_left(state, id) &&
        (p.trigger == Trigger::desired || target.desired_at > p.planned_at)) {
      return {PromotionSuperseded{p.id, "a newer wish: release " + target.desired->release.version}};
    }
    if (!in_order && p.trigger == Trigger::desired && target.document) {
      const auto& document = target.document->document;
      if (const auto wish = resolve_wish(state, id, document.release, document.variables); !wish) {
        return {PromotionSuperseded{p.id, "a newer wish, which cannot be followed yet: " + wish.error().message}};
      }
    }
    std::optional<Wish> way_back;
    const Wish* bad = nullptr;
    for (const auto& s : p.steps) {
      if (base_name(s.step) != "rollback-deploy") continue;
      if (!way_back) way_back = s.step->deploys;
      if (s.step->deploys && state.quarantine(id.service, s.step->deploys->release)) bad = &*s.step->deploys;
    }
    auto why = "the plan changed with the configuration at commit " + state.configuration.commit;
    if (has_locations(p)) way_back = way_back_from(state, id, p.to);
    if (bad) {
      why = "the way back, release " + bad->release.version + ", is quarantined";
      way_back = way_back_from(state, id, p.to);
    } else if (state.configuration.position < p.planned_at) {
      return {};
    }
    const auto* stage = state.stage(id);
    const bool expedited = !p.expedited.empty() && stage && stage->expedite;
    const auto plan = plan_for(state, p.id, p.to, way_back, context.digest, expedited, p.locations);
    if (!plan) return {PromotionCancelled{p.id, plan.error().message}};
    if (plan->digest == p.plan_digest) return {};
    Events events;
    supersede(events, p, why);
    const PromotionId next{id, target.last_number + 1};
    if (auto fresh = plan_for(state, next, p.to, way_back, context.digest, expedited, p.locations)) {
      plan_events(events, next, p.trigger, std::move(*fresh), p.people, p.asked_because);
      if (expedited) events.emplace_back(PromotionExpedited{next, p.expedited});
    }
    return events;
  }

  // What is not met, and when time alone changes what the guards say.
  struct Unmet {
    std::vector<Condition> conditions;
    std::optional<Timestamp> until;
  };
  Unmet judged(const Promotion& p, auto concerns) const {
    Unmet unmet;
    for (const auto& guard : context.guards) {
      if (!concerns(guard)) continue;
      for (auto& condition : guard.judge(state, p, context.now)) {
        if (condition.due && *condition.due > context.now && (!unmet.until || *condition.due < *unmet.until)) {
          unmet.until = condition.due;
        }
        if (!condition.met) unmet.conditions.push_back(std::move(condition));
      }
    }
    unmet.conditions = as_far_as_they_fit(std::move(unmet.conditions));
    return unmet;
  }
  std::vector<Condition> unmet(const Promotion& p, auto concerns) const { return judged(p, concerns).conditions; }
  // Says what the step waits for, unless that is known.
  Events wait_for(const Promotion& p, const LiveStep& step, Unmet unmet) const {
    if (unmet.conditions == step.unmet && unmet.until == step.until) return {};
    return {StepWaiting{step_id(p, step), std::move(unmet.conditions), unmet.until}};
  }
  // step.waiting holds them all.
  static std::vector<Condition> as_far_as_they_fit(std::vector<Condition> conditions) {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < conditions.size(); ++i) {
      bytes += stored_size_bound(conditions[i]) + 1;
      if (bytes <= max_event_bytes - 1'000) continue;
      Condition rest;
      rest.guard = conditions[i].guard;
      rest.text = "and " + std::to_string(conditions.size() - i) + " more";
      conditions.resize(i);
      conditions.push_back(std::move(rest));
    }
    return conditions;
  }

  // Approvals that have run out, or whose evidence has turned worse, or that were given before a reason to ask arose.
  Events review_approvals(const Promotion& p) const {
    Events events;
    for (const auto& approval : p.approvals) {
      if (approval.expires <= context.now) events.emplace_back(ApprovalExpired{p.id, approval.approver});
    }
    if (!events.empty() || p.approvals.empty()) return events;
    const auto worse = unmet(p, [](const Guard& guard) { return guard.verdict; });
    for (const auto& approval : p.approvals) {
      const auto why = worse.empty() ? not_enough_any_more(state, p, approval) : worse.front().text;
      if (!why.empty()) {
        events.emplace_back(ApprovalVoided{p.id, approval.approver, cut_text(why, max_reason_bytes)});
      }
    }
    return events;
  }

  Events finish(const Promotion& p) const {
    Events events;
    if (p.phase == Phase::rolling_back) {
      return locations_that_stand(state, p).empty() ? finish_rollback(state, p, context.now) : fail_mixed(state, p);
    }
    events.emplace_back(PromotionSucceeded{p.id});
    if (p.retires()) {
      if (target.retiring) events.emplace_back(TargetRetired{id});
      return events;
    }
    tell_verified(events, state, p, p.to.release);
    // A wish of the document that stands behind this one has its turn yet.
    if (p.trigger != Trigger::desired && target.desired && *target.desired != p.to &&
        target.desired_at < p.planned_at) {
      events.emplace_back(TargetPinned{id, to_string(p.id) + " promoted release " + p.to.release.version +
                                               (p.trigger == Trigger::manual ? " by hand" : " by its trigger") +
                                               "; the document wishes " + target.desired->release.version});
    }
    return events;
  }

  // What ran before is going, and traffic must not come to it again: the promotion has succeeded, and the way back that
  // is wanted begins where it has led to.
  Events succeed_before_going_back(const Promotion& p) const {
    const auto& wanted = *target.back.wanted;
    const auto why =
        cut_text(to_string(PromotionId{id, wanted.number}) + " rolls back: " + wanted.reason, max_reason_bytes);
    Events events;
    fence_in_flight(events, p, why);
    const auto* step = p.current();
    if (step && step->status == StepStatus::started) events.emplace_back(StepFailed{step_id(p, *step), why});
    for (auto& event : finish(p)) events.push_back(std::move(event));
    return events;
  }

  Events protect(const Promotion& p, const LiveStep& step) const {
    Events events;
    const auto kind = step.step->kind;
    const bool pending = step.status == StepStatus::pending;
    if (pending) {
      events.emplace_back(StepStarted{step_id(p, step)});
      if (kind == StepKind::approval) events.emplace_back(ApprovalRequested{p.id, step.step->approvals, p.plan_digest});
      if (kind == StepKind::wait) {
        events.emplace_back(TimerSet{step_id(p, step), context.now + step.step->wait});
        return events;
      }
    }
    if (kind == StepKind::wait && !step.fired && step.due && *step.due <= context.now) {
      return {TimerFired{step_id(p, step)}};
    }
    const bool of_switch = step.step->name == approve_switch;
    if (of_switch && pending) return events;  // only what is given from here on counts
    auto unmet_now = judged(p, [&](const Guard& guard) {
      return guard.step == kind && (kind != StepKind::approval || of_switch == guard.of_switch);
    });
    if (unmet_now.conditions.empty()) {
      events.emplace_back(StepSucceeded{step_id(p, step)});
    } else if (kind != StepKind::wait) {
      for (auto& event : wait_for(p, step, std::move(unmet_now))) events.push_back(std::move(event));
    }
    return events;
  }

  // Why the step may not deploy what it deploys; empty when it may. A rollback brings back nothing quarantined either:
  // traffic that it shifts to what never left is no such thing.
  std::string barred(const Promotion& p, const LiveStep& step) const {
    const bool forward =
        (step.step->kind == StepKind::traffic || step.step->kind == StepKind::run) && p.phase != Phase::rolling_back;
    if (!forward && (step.step->kind != StepKind::deploy || !step.step->deploys)) return {};
    if (p.phase == Phase::rolling_back) {
      const auto* entry = state.quarantine(id.service, step.step->deploys->release);
      return entry ? "release " + step.step->deploys->release.version + " is quarantined: " + entry->reason
                   : std::string();
    }
    const auto unmet_now = unmet(p, [](const Guard& guard) { return guard.bars; });
    return unmet_now.empty() ? std::string() : unmet_now.front().text;
  }

  // What a step that changes the target waits for although the promotion is under way: a freeze, and a window or a
  // maintenance where nothing may go on after it has closed. A rollback passes them all.
  Unmet held(const Promotion& p, const LiveStep& step) const {
    const auto kind = step.step->kind;
    const bool changes_it =
        kind == StepKind::run || kind == StepKind::deploy || kind == StepKind::traffic || p.retires();
    if (p.phase == Phase::rolling_back || !changes_it) return {};
    const auto environment = state.environments.find(called_now(state, id).environment);
    const bool overrun = environment == state.environments.end() || environment->second.document.overrun.value_or(true);
    return judged(p, [&](const Guard& guard) {
      return guard.holds == Holds::always || (guard.holds == Holds::unless_overrun && !overrun);
    });
  }

  // The first outside effect, or the first one after a retry: everything is judged once more, together. False where
  // something is not met; `events` then say what the step waits for.
  bool starts(const Promotion& p, const LiveStep& step, Events& events) const {
    // Of one whose target gets another name only what may stop it: gates and verdicts have that name already.
    const bool moved = state.renamed_to.contains(id);
    auto unmet_now =
        judged(p, [&](const Guard& guard) { return !moved || guard.bars || guard.holds != Holds::nothing; });
    if (!unmet_now.conditions.empty()) {
      events = wait_for(p, step, std::move(unmet_now));
      return false;
    }
    events.emplace_back(PromotionStarted{p.id});
    return true;
  }

  Events begin(const Promotion& p, const LiveStep& step) const {
    Events events;
    if (p.phase == Phase::waiting) {
      if (!starts(p, step, events)) return events;
    } else if (const auto why = barred(p, step); !why.empty()) {
      return fail_step(p, step, why);
    } else if (auto unmet_now = held(p, step); !unmet_now.conditions.empty()) {
      return wait_for(p, step, std::move(unmet_now));
    }
    events.emplace_back(StepStarted{step_id(p, step)});
    events.emplace_back(ActivityStarted{step_id(p, step), step.attempt + 1});
    return events;
  }

  // Whether nothing of the way back is missing but the end of what was left.
  static bool only_cleans_up(const Promotion& p, const LiveStep& step) {
    return cleans_up(p, step.step) && std::ranges::none_of(p.steps, [&](const LiveStep& s) {
             return s.step->rollback && &s != &step && s.status != StepStatus::succeeded && p.takes_back(s.step) &&
                    !cleans_up(p, s.step);
           });
  }

  Events fail_step(const Promotion& p, const LiveStep& step, const std::string& reason) const {
    const auto why = step.step->name + ": " + reason;
    Events events{StepFailed{step_id(p, step), reason}};
    if (p.phase == Phase::rolling_back) {
      if (only_cleans_up(p, step)) {  // what came back has the traffic, and is verified
        for (auto& event : finish(p)) events.push_back(std::move(event));
      } else {
        fail_rollback(events, state, p, why);
      }
      return events;
    }
    if (base_name(step.step) == retire_old) {  // everything is on the candidate, and verified: it stands
      for (auto& event : finish(p)) events.push_back(std::move(event));
      return events;
    }
    if (!p.deployed() && irreversible_step_begun(p)) {
      fail_for_a_person(events, state, p, why);
      return events;
    }
    if (!p.deployed()) {
      events.emplace_back(PromotionFailed{p.id, why});
      if (p.retires()) {
        tell_incident(events, state,
                      {id,
                       to_string(p.id),
                       p.to.release.version,
                       "what runs there was not retired: " + why,
                       "mend the cause and headgate retry " + to_string(p.id) +
                           " --reason TEXT (a script of the repository stays as planned: put the Target document back "
                           "and remove it again)",
                       {}});
      }
      return events;
    }
    // With the same candidate before and after, what was changed is the variables: they are to blame, not the release.
    const bool new_candidate = !p.from || !p.from->release.same_candidate(p.to.release);
    const auto breach = breach_of(p, step);
    const bool evidence = (step.unhealthy && step.step->kind == StepKind::health) ||  // a driver or hook is no check
                          (breach && breach->evidence);
    if (evidence && p.rules.rollback_quarantine && new_candidate && !state.quarantine(id.service, p.to.release)) {
      const auto& release = p.to.release;
      events.emplace_back(ReleaseQuarantined{
          {id.service, release.version}, release.commit, release.artifacts, to_string(p.id) + ": " + why});
    }
    const auto& location = step.step->location;
    const auto in_location = location.empty() ? why : "location " + location + ": " + why;
    if (p.rules.rollback_automatic && p.rules.on_location_failure != OnLocationFailure::hold) {
      begin_rollback(events, state, p, in_location, true, location);
    } else {
      fail_for_a_person(events, state, p, in_location);
    }
    return events;
  }

  Events act(const Promotion& p, const LiveStep& step) const {
    const bool begins = step.status == StepStatus::pending || step.activity == ActivityStatus::retrying;
    if (begins && p.phase != Phase::waiting && state.effects_paused) return {};
    if (step.status == StepStatus::pending) return begin(p, step);
    switch (step.activity) {
      case ActivityStatus::succeeded:
        return {StepSucceeded{step_id(p, step)}};
      case ActivityStatus::failed:
        return fail_step(p, step, step.reason);
      case ActivityStatus::retrying:
        if (*step.retry_due > context.now) return {};
        if (const auto why = barred(p, step); !why.empty()) return fail_step(p, step, why);
        if (auto unmet_now = held(p, step); !unmet_now.conditions.empty()) {
          return wait_for(p, step, std::move(unmet_now));
        }
        return {ActivityStarted{step_id(p, step), step.attempt + 1}};
      case ActivityStatus::none:
      case ActivityStatus::running:
      case ActivityStatus::fenced:
        return {};
    }
    return {};
  }

  Events pause(const Promotion& p, const LiveStep& step) const {
    Events events;
    if (step.status == StepStatus::pending) {  // tried again, it counts its limits anew from its beginning
      if (p.phase == Phase::waiting && !starts(p, step, events)) return events;
    } else if (const auto breach = breach_of(p, step)) {
      return fail_step(p, step, breach->reason);
    }
    const auto unmet_now = unmet(p, [](const Guard& guard) { return guard.step == StepKind::pause; });
    for (auto& event : advance_pause(state, p, step, unmet_now, context.now)) events.push_back(std::move(event));
    return events;
  }

  Events advance_promotion(const Promotion& p) const {
    if (p.phase == Phase::waiting) {
      if (auto events = may_give_way(p) ? withdraw(p) : Events{}; !events.empty()) return events;
      if (auto events = review_approvals(p); !events.empty()) return events;
    }
    const auto* step = p.current();
    if (!step) return finish(p);
    if (step->status == StepStatus::failed) return {};
    if (step->step->kind == StepKind::pause) return pause(p, *step);
    return step->step->has_activity() ? act(p, *step) : protect(p, *step);
  }
};

}  // namespace

std::vector<Event> advance(const State& state, const TargetId& id, const Context& context) {
  if (is_gates_place(id)) return advance_gates(state, id.service, context);
  const auto* target = state.find(id);
  if (!target) return {};
  const Advance next{state, id, *target, context};
  if (state.renamed_from.contains(id)) return {};
  if (const auto to = state.renamed_to.find(id); to != state.renamed_to.end()) return next.rename(to->second);
  if (auto events = next.follow_document(); !events.empty()) return events;
  if (auto events = fire_triggers(state, id, context); !events.empty()) return events;
  if (target->back.wanted) {
    const auto& p = target->promotion;
    return p && retires_old(*p) ? next.succeed_before_going_back(*p) : begin_wanted_rollback(state, id, context);
  }
  return target->promotion ? next.advance_promotion(*target->promotion) : next.plan_if_needed();
}

}  // namespace headgate
