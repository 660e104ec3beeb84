#include "engine/domain/rollback.h"

#include <algorithm>

#include "engine/domain/decide_parts.h"
#include "engine/domain/locations.h"
#include "engine/domain/promote.h"
#include "engine/domain/record_size.h"
#include "engine/domain/renames.h"
#include "engine/domain/rollout.h"
#include "engine/domain/rollout_plan.h"

namespace headgate {
namespace {

std::string by_hand(const TargetId& id, bool break_glass) {
  return "headgate rollback --environment " + id.environment + " --service " + id.service +
         (break_glass ? " --break-glass" : "") + " --reason TEXT";
}

// The plan is bound to the scripts as they were: a retry runs those again.
std::string mend_and_retry(const PromotionId& id) {
  return "mend the cause and headgate retry " + to_string(id) +
         " --reason TEXT (a script of the repository stays as planned: then headgate rollback, or promote anew)";
}

std::string look_and_choose(const TargetId& id) {
  return "look at what runs there, then headgate promote, or headgate adopt " + to_string(id);
}

void tell_incident(Events& events, const State& state, const PromotionId& id, const std::string& release,
                   const std::string& what, const std::string& next, const std::string& freeze = {}) {
  tell_incident(events, state, {id.target, to_string(id), release, what, next, freeze});
}

// What has begun to deploy, or was left so.
const Promotion* half_done(const TargetState& t) {
  if (const auto& p = t.promotion; p && (p->deployed() || p->phase == Phase::rolling_back)) return &*p;
  if (t.back.failed && !t.held.empty()) {
    const auto& p = *t.back.failed;
    if (p.deployed() || (p.trigger == Trigger::rollback && brought_back_by(p) != left_by(p))) return &p;
  }
  return nullptr;
}

// What runs on the target, or what a promotion that has begun to deploy has brought there.
const Wish* what_runs(const TargetState& t) {
  if (const auto* p = half_done(t)) return &left_by(*p);
  for (const auto& [name, there] : t.locations) {  // locations differ, and this one runs what is to be left
    if (!there.current || there.current == t.current) continue;
    const bool others_miss_it =
        std::ranges::any_of(t.locations, [&](const auto& other) { return other.second.missed == there.current; });
    if (others_miss_it || (t.current && there.missed == t.current)) return &*there.current;
  }
  return t.current ? &*t.current : nullptr;
}

// Whether what ran before runs on in its own slot, beside what is being rolled out.
bool current_runs_beside(const State& state, const TargetId& id) {
  const auto& t = *state.find(id);
  const auto* stage = state.stage(id);
  const auto* p = half_done(t);
  if (!stage || !uses_slots(*stage) || !t.current || !p || retires_old(*p)) return false;
  if (p->trigger == Trigger::rollback && left_by(*p) == *t.current) return false;
  if (locations_of(state, id).empty()) return !t.stable_slot.empty();
  return std::ranges::any_of(t.locations, [&](const auto& entry) {
    return entry.second.current == t.current && !entry.second.stable_slot.empty();
  });
}

// Nothing is deployed into a slot that has traffic: what runs there, beside what is left, takes all of it back first.
Result<void> keep_off_traffic(const State& state, const PlanInput& input, const RollbackWay& way) {
  const auto over = [&](const auto& at) {
    return at.stable && at.way_back && at.left_slot != at.stable_slot && at.way_back != at.stable;
  };
  const auto place = std::ranges::find_if(input.places, over);
  const auto& stable = place == input.places.end() ? input.stable : place->stable;
  const bool anywhere = input.places.empty() ? over(input) : place != input.places.end();
  if (!anywhere || !way.to || !uses_slots(*input.stage)) return {};
  const auto& id = input.id.target;
  const auto& t = *state.find(id);
  const auto& p = t.promotion;
  const auto to = way.to->release.version;
  std::string next = "promote it: headgate promote " + id.service + " --to " + id.environment + " --release " + to;
  if (p && p->phase == Phase::rolling_back) {
    next = "wait for " + to_string(p->id) + " (headgate wait), then go back to it";
  } else if (p && way.to == t.current) {
    next = "headgate cancel " + to_string(p->id);
  } else if (t.current && way.to != t.current) {
    next = "take back what is being rolled out first: " + by_hand(id, !step_between(t, *t.current).empty()) +
           ", then go back to it with --to " + to + "; or " + next;
  }
  return fail(ErrorCode::conflict, "release " + to + " would be deployed over release " + stable->release.version +
                                       " at " + to_string(id) + ", which has traffic beside release " +
                                       way.leaves.release.version + ": " + next);
}

// What else there is to go back to, verified or adopted, newest first.
std::string known_besides(const State& state, const TargetId& id, const Wish& leaves) {
  std::string others;
  const auto& verified = state.find(id)->verified;
  for (auto wish = verified.rbegin(); wish != verified.rend(); ++wish) {
    if (wish->release.same_candidate(leaves.release)) continue;
    others += (others.empty() ? "" : ", ") + wish->release.version;
    if (state.quarantine(id.service, wish->release)) others += " (quarantined)";
  }
  return others;
}

// The locations differ from now on: they say so until one release is brought to all of them.
void tell_drift(Events& events, const State& state, const TargetId& id, const Wish& wish) {
  for (const auto& name : locations_without(state, id, wish)) {
    const auto& there = at_location(*state.find(id), name).current;
    events.emplace_back(DriftDetected{id, wish.release.version, there ? there->release.version : std::string(), name});
  }
}

// Whether its own way back brings that, wherever it has been.
bool leads_back_to(const Promotion& p, const Wish& wish) {
  return brought_back_by(p) == wish && std::ranges::all_of(p.steps, [&](const LiveStep& s) {
           return !s.step->rollback || !s.step->deploys || s.step->location.empty() || !p.touched(s.step->location) ||
                  s.step->deploys == wish;
         });
}

}  // namespace

void tell_incident(Events& events, const State& state, Tiding tiding) {
  const auto& [target, promotion, release, what, next, freeze] = tiding;
  const auto note = cut_text(promotion.empty() ? what : promotion + ": " + what, max_reason_bytes);
  if (const auto* known = open_incident(state, target)) {
    events.emplace_back(IncidentNoted{target, promotion, known->first, note, next, freeze});
    return;
  }
  std::uint64_t fresh = 0;
  for (const auto& event : events) {
    const auto* opened = std::get_if<IncidentOpened>(&event);
    if (!opened) continue;
    ++fresh;
    if (opened->target != target) continue;
    events.emplace_back(IncidentNoted{target, promotion, std::string(opened->id), note, next, freeze});
    return;
  }
  events.emplace_back(IncidentOpened{target, promotion, std::to_string(state.last_incident + fresh + 1), release,
                                     cut_text(what, max_reason_bytes), next, freeze});
}

void tell_verified(Events& events, const State& state, const Promotion& p, const Release& release) {
  const auto* known = open_incident(state, p.id.target);
  if (!known || known->second.promotion.empty()) return;
  const auto& [number, incident] = *known;
  const auto verified = "release " + release.version + " is verified here";
  const auto resolve = "headgate incident resolve " + number + " --review TEXT";
  const auto* bad = state.quarantine(p.id.target.service, release);
  const auto next =
      bad ? verified + ", but quarantined (" + bad->reason + "): headgate promote another release, then " + resolve
          : verified + ": " + resolve;
  events.emplace_back(IncidentNoted{p.id.target,
                                    incident.promotion,
                                    number,
                                    to_string(p.id) + ": " + verified,
                                    cut_text(next, max_reason_bytes),
                                    {}});
}

void tell_another_try(Events& events, const State& state, const PromotionId& next) {
  const auto& id = next.target;
  const auto* known = open_incident(state, id);
  if (!known || known->second.promotion.empty() || state.find(id)->held.empty()) return;
  const auto back = rollback_way(state, id, "previous");
  const bool break_glass = back && !back->crosses.empty();
  events.emplace_back(IncidentNoted{id,
                                    known->second.promotion,
                                    known->first,
                                    to_string(next) + " was asked for",
                                    "headgate wait " + to_string(next) + "; where it does not succeed, " +
                                        look_and_choose(id) + ", or go back: " + by_hand(id, break_glass) +
                                        "; then headgate incident resolve " + known->first + " --review TEXT",
                                    {}});
}

Result<RollbackWay> rollback_way(const State& state, const TargetId& id, const std::string& version) {
  const auto* t = state.find(id);
  if (const auto name = called_since(state, id)) {
    return fail(ErrorCode::conflict, to_string(id) + " is called " + to_string(*name) + " now");
  }
  if (!t) return fail(ErrorCode::not_found, "no target " + to_string(id));
  if (t->orphaned || t->retiring) {
    return fail(ErrorCode::conflict,
                "the Target document of " + to_string(id) +
                    " has gone: " + (t->orphaned ? "put it back, then roll back" : "what runs there is being retired"));
  }
  if (t->back.wanted) {
    return fail(ErrorCode::conflict, to_string(PromotionId{id, t->back.wanted->number}) + " rolls back already");
  }
  const auto* leaves = what_runs(*t);
  if (!leaves) {
    HEADGATE_TRY_VOID(check_not_being_renamed(state, id));
    return fail(ErrorCode::conflict, "Headgate brought nothing to " + to_string(id) + " that could go back");
  }
  RollbackWay way{*leaves, std::nullopt, {}};
  if (version == "previous") {
    // A person must look, and nothing was deployed: what runs is brought anew, not left.
    const bool stays =
        !t->held.empty() && t->current && leaves == &*t->current && !state.quarantine(id.service, t->current->release);
    // What runs beside what is left takes its traffic back, whatever became known of it.
    way.to = stays || current_runs_beside(state, id) ? std::optional<Wish>(t->current)
                                                     : way_back_from(state, id, *leaves, true);
    // Who is paged empties no production: at most what is being rolled out is retired.
    if (!way.to && t->current && leaves->release.same_candidate(t->current->release)) {
      const auto others = known_besides(state, id, *leaves);
      return fail(ErrorCode::conflict,
                  "no way leads further back from release " + leaves->release.version + " at " + to_string(id) +
                      ", which runs and " +
                      (last_verified(*t, leaves->release) ? "is verified: " : "was adopted, not verified: ") +
                      (others.empty() ? "no other release was verified there; another one is promoted: headgate promote"
                                      : "name another one that is known there with --to: " + others),
                  {{"/to", version, others.empty() ? "another release that was verified there" : "one of " + others}});
    }
  } else {
    const auto at = std::find_if(t->verified.rbegin(), t->verified.rend(),
                                 [&](const Wish& wish) { return wish.release.version == version; });
    if (at == t->verified.rend()) {
      std::string known;
      for (const auto& wish : t->verified) known += (known.empty() ? "" : ", ") + wish.release.version;
      return fail(
          ErrorCode::conflict,
          "release " + version + " was not verified at " + to_string(id) +
              ", so that nothing brings it back without gates; known there: " + (known.empty() ? "none" : known) +
              "; another one is promoted: headgate promote",
          {{"/to", version, known.empty() ? "a release that was verified there" : "previous, or one of " + known}});
    }
    way.to = *at;
    if (const auto* entry = state.quarantine(id.service, way.to->release)) {
      return fail(ErrorCode::conflict, "release " + version + " is quarantined: " + entry->reason);
    }
  }
  if (const auto& p = t->promotion; p && p->phase == Phase::rolling_back) {
    if (version == "previous" || brought_back_by(*p) == way.to) {
      return fail(ErrorCode::conflict, to_string(p->id) + " rolls back already");
    }
  } else if (way.to && way.to == t->current && leaves == &*t->current && t->held.empty()) {
    return fail(ErrorCode::conflict, to_string(id) + " runs release " + way.to->release.version + " already");
  }
  if (way.to) way.crosses = step_between(*t, *way.to);
  return way;
}

std::string retired_only_by_name(const State& state, const TargetId& id, const RollbackWay& way) {
  auto text = "no other release was verified at " + to_string(id) + ": release " + way.leaves.release.version +
              " is retired by " + by_hand(id, false);
  const auto& p = state.find(id)->promotion;
  const bool stops = p && !retires_old(*p) && !irreversible_step_begun(*p);
  return stops ? text + ", or by headgate cancel " + to_string(p->id) : text;
}

Result<Plan> rollback_plan(const State& state, const PromotionId& as, const RollbackWay& way, bool restore,
                           DigestFunction digest) {
  HEADGATE_TRY(auto input, plan_input(state, as));
  const auto* stage = input.stage;
  const auto* t = state.find(as.target);
  if (!t) return fail(ErrorCode::not_found, "no target " + to_string(as.target));
  if (restore) {
    if (!stage->restore || !way.to) {
      return fail(ErrorCode::conflict, !way.to ? "nothing is restored where nothing comes back"
                                               : "the stage to " + as.target.environment + " has no rollback.restore");
    }
    const auto& live = t->promotion;
    const bool of_live = live && live->deployed() && live->from && live->from->release == way.to->release &&
                         std::ranges::any_of(live->steps, [&](const LiveStep& s) {
                           return s.step->keeps == stage->restore->point && s.activity == ActivityStatus::succeeded;
                         });
    const auto& point = t->back.restore_point;
    const bool kept = point && point->name == stage->restore->point && point->of.same_candidate(way.to->release);
    if (!of_live && !kept) {
      return fail(ErrorCode::conflict, "no restore point " + stage->restore->point + " of release " +
                                           way.to->release.version + " is kept for " + to_string(as.target) +
                                           ": only the one from before the last deployment is");
    }
  }
  if (way.leaves == t->current && !current_runs_beside(state, as.target)) input.left_slot = t->stable_slot;
  const bool old_is_going = t->promotion && retires_old(*t->promotion);
  if (old_is_going) {  // as it will be once the promotion has ended
    input.stable = way.leaves;
    input.stable_slot = input.left_slot;
  }
  input.from = way.leaves;
  input.way_back = way.to;
  input.to = way.to ? *way.to : way.leaves;
  if (!input.environment->document.locations.empty()) input.places = places_to_go_back(state, as.target, way);
  auto plan = plan_way_back(input, restore, digest);
  // While a promotion is under way, its own way back is the shorter one: what ran before may still run.
  if (const auto& p = t->promotion; p && p->deployed() && !old_is_going && way.to && leads_back_to(*p, *way.to)) {
    plan.steps.clear();
    for (const auto& s : p->steps) {
      if (s.step->rollback && (s.step->location.empty() || p->touched(s.step->location)) &&
          (restore || s.step->restores.empty()))
        plan.steps.push_back(s.step);
    }
  } else {
    HEADGATE_TRY_VOID(keep_off_traffic(state, input, way));
  }
  if (plan.steps.empty()) {
    return fail(ErrorCode::conflict, "there is no way back at " + to_string(as.target) +
                                         ": no other release was verified there, and the driver has no retire command");
  }
  HEADGATE_TRY_VOID(check_steps_fit(as, plan));
  return plan;
}

void fence_in_flight(Events& events, const Promotion& p, const std::string& why) {
  const auto* step = p.current();
  if (!step) return;
  if (step->activity != ActivityStatus::running && step->activity != ActivityStatus::retrying) return;
  events.emplace_back(ActivityFenced{{p.id, step->step->name}, step->attempt, cut_text(why, max_reason_bytes)});
}

std::vector<Event> begin_wanted_rollback(const State& state, const TargetId& id, const Context& context) {
  const auto& t = *state.find(id);
  const auto& wanted = *t.back.wanted;
  const PromotionId as{id, wanted.number};
  Events events;
  const auto why = to_string(as) + " rolls back: " + wanted.reason;
  if (const auto& p = t.promotion) {
    fence_in_flight(events, *p, why);
    if (may_give_way(*p)) {
      events.emplace_back(PromotionSuperseded{p->id, cut_text(why, max_reason_bytes)});
    } else {
      events.emplace_back(PromotionCancelled{p->id, cut_text(why, max_reason_bytes)});
    }
  }
  const RollbackWay way{wanted.leaves, wanted.to, {}};
  auto plan = rollback_plan(state, as, way, wanted.restore, context.digest);
  Plan none;
  none.from = way.leaves;
  none.to = way.to ? *way.to : way.leaves;
  none.digest = context.digest("");
  const bool automatic = wanted.by == "engine";  // a monitor demands it
  plan_events(events, as, Trigger::rollback, plan ? std::move(*plan) : std::move(none),
              automatic ? std::vector<std::string>{} : std::vector<std::string>{wanted.by}, wanted.reason);
  events.emplace_back(RollbackStarted{as, wanted.reason, automatic, way.to});
  tell_incident(events, state, as, way.leaves.release.version,
                (automatic ? "rolled back: " : "rolled back by hand: ") + wanted.reason,
                way.to ? std::string() : "nothing is left to run there: headgate promote another release");
  if (!plan) events.emplace_back(RollbackFailed{as, plan.error().message});
  return events;
}

void begin_rollback(Events& events, const State& state, const Promotion& p, const std::string& reason, bool automatic,
                    const std::string& failing) {
  fence_in_flight(events, p, reason);
  const auto first = std::ranges::find_if(p.steps, [](const LiveStep& s) { return s.step->rollback; });
  if (first == p.steps.end()) {
    fail_for_a_person(events, state, p, reason);
    return;
  }
  if (const auto without = no_way_back_in(p, failing); !without.empty()) {
    fail_for_a_person(events, state, p, reason + "; nothing leads back in " + without);
    return;
  }
  const auto to = brought_back_by(p);
  events.emplace_back(RollbackStarted{p.id, reason, automatic, to});
  if (automatic || !to) {
    tell_incident(events, state, p.id, p.to.release.version, reason,
                  to ? std::string() : "nothing is left to run there: headgate promote another release");
  }
}

void fail_for_a_person(Events& events, const State& state, const Promotion& p, const std::string& reason) {
  const auto& id = p.id.target;
  const auto* crossed = irreversible_step_begun(p);
  const auto retry = mend_and_retry(p.id);
  auto why = reason;
  auto next = retry + "; or go back: " + by_hand(id, false);
  if (crossed) {
    why += "; step " + crossed->step->name + " cannot be undone: no rollback goes across it by itself";
    next = retry + "; or headgate promote another release; or with the role breakGlass go back: " + by_hand(id, true);
  } else if (p.rules.rollback_automatic && p.rules.on_location_failure == OnLocationFailure::hold) {
    why += "; onLocationFailure: hold leaves every location as it is";
  } else if (p.rules.rollback_automatic) {
    why += "; there is no way back: no other release was verified here, and the driver has no retire command";
    next = retry + "; or " + look_and_choose(id);
  } else {
    why += "; automatic rollback is off for this stage";
  }
  const auto quarantines = [](const Event& event) { return std::holds_alternative<ReleaseQuarantined>(event); };
  if (state.quarantine(id.service, p.to.release) || std::ranges::any_of(events, quarantines)) {
    next = "to try the same release again: headgate reinstate " + id.service + " " + p.to.release.version +
           " --reason TEXT, then " + next;
  }
  events.emplace_back(PromotionFailed{p.id, cut_text(why, max_reason_bytes)});
  tell_incident(events, state, p.id, p.to.release.version, why, next);
}

void fail_rollback(Events& events, const State& state, const Promotion& p, const std::string& reason) {
  const auto& id = p.id.target;
  const auto& called = called_now(state, id);
  events.emplace_back(RollbackFailed{p.id, cut_text(reason, max_reason_bytes)});
  const auto* known = open_incident(state, id);
  const auto next = mend_and_retry(p.id) + "; or " + look_and_choose(id) + "; then headgate incident resolve " +
                    (known ? known->first : std::to_string(state.last_incident + 1)) + " --review TEXT";
  std::string freeze;
  if (!known || !state.freezes.contains(known->second.freeze)) {
    freeze = std::to_string(state.last_freeze + 1);
    events.emplace_back(
        FreezeSet{{called.environment},
                  freeze,
                  {called.service},
                  cut_text("the rollback of " + to_string(p.id) + " failed: " + reason, max_reason_bytes),
                  {}});
  }
  tell_incident(events, state, p.id, left_by(p).release.version, "the rollback failed: " + reason, next, freeze);
}

namespace {

// Whether the wish of the document would undo the rollback: it is what was left, or what has failed here; after a
// rollback by hand, whatever was wished when that was planned. A wish that came since stands.
bool undoes(const State& state, const Promotion& p, const Wish& wish) {
  const auto& target = *state.find(p.id.target);
  const auto& left = left_by(p);
  if (wish == left) return true;
  // While it was left, the document may have got other variables.
  const auto back = brought_back_by(p);
  if (wish.release.same_candidate(left.release) && is_barred(state, p.id.target, left.release) &&
      !(back && back->release.same_candidate(left.release))) {
    return true;
  }
  if (p.trigger != Trigger::rollback) return false;
  return p.rollback_automatic ? target.failed && target.failed->wish == wish : target.desired_at < p.planned_at;
}

}  // namespace

std::vector<Event> finish_rollback(const State& state, const Promotion& p, Timestamp now) {
  Events events;
  const auto* target = state.find(p.id.target);
  const auto took =
      std::max<Duration>(std::chrono::floor<std::chrono::milliseconds>(now - *p.rollback_began), Duration::zero());
  events.emplace_back(RollbackSucceeded{p.id, took});
  const auto back = brought_back_by(p);
  const auto* known = open_incident(state, p.id.target);
  // A person who goes back mends whatever failed here before. What a monitor demands leaves that to a person.
  const auto tells_of_it = [&](const auto& monitor) {
    return monitor.second.failing &&
           std::ranges::find(monitor.second.incidents, known->first) != monitor.second.incidents.end();
  };
  const bool mends = known && std::ranges::none_of(state.monitors, tells_of_it) &&
                     (known->second.promotion == to_string(p.id) ||
                      (!known->second.promotion.empty() && p.trigger == Trigger::rollback && !p.rollback_automatic));
  if (back && (!mends || state.quarantine(p.id.target.service, back->release))) {
    tell_verified(events, state, p, back->release);
  } else if (mends && (back || !known->second.freeze.empty())) {  // else nothing runs, and nobody has looked at it
    const auto& [number, incident] = *known;
    if (state.freezes.contains(incident.freeze)) {
      events.emplace_back(
          FreezeLifted{{p.id.target.environment}, incident.freeze, to_string(p.id) + " rolled back after all"});
    }
    events.emplace_back(IncidentResolved{
        p.id.target, incident.promotion, number,
        (back ? "rolled back to release " + back->release.version + ", verified, in "
              : "release " + left_by(p).release.version + " was retired after all, nothing is left to run there, in ") +
            format_duration(took)});
  }
  const auto whole = has_locations(p) ? runs_as_a_whole(state, p.id.target) : std::nullopt;
  if (has_locations(p) && !whole && target->current && target->current != p.to) {
    tell_drift(events, state, p.id.target, *target->current);  // each went back to what it ran, which differed
  }
  const bool stands = whole && *whole == left_by(p);  // it was left in a location on standby alone
  if (!stands && target->desired && target->desired != (has_locations(p) ? whole.value_or(std::nullopt) : back) &&
      undoes(state, p, *target->desired)) {
    events.emplace_back(TargetPinned{
        p.id.target,
        cut_text(to_string(p.id) + " rolled back: " + (p.trigger == Trigger::rollback ? p.asked_because : p.end_reason),
                 max_reason_bytes)});
  }
  return events;
}

std::vector<Event> fail_mixed(const State& state, const Promotion& p) {
  Events events;
  const auto& id = p.id.target;
  const auto stand = locations_that_stand(state, p);
  const auto missing = locations_without(state, id, p.to);
  const auto what = p.end_reason + "; it was taken back there, release " + p.to.release.version + " stands in " +
                    names_of(stand) + " and does not run in " + names_of(missing);
  events.emplace_back(PromotionFailed{p.id, cut_text(what, max_reason_bytes)});
  tell_drift(events, state, id, p.to);
  if (const auto* known = open_incident(state, id); known && state.freezes.contains(known->second.freeze)) {
    events.emplace_back(FreezeLifted{{id.environment}, known->second.freeze, "the location was taken back after all"});
  }
  tell_incident(events, state, p.id, p.to.release.version, what,
                "wish another release, or " + by_hand(id, false) + "; or once the cause is mended headgate promote " +
                    id.service + " --to " + id.environment + " --release " + p.to.release.version);
  return events;
}

}  // namespace headgate
