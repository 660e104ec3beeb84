#include "engine/domain/evolve_target.h"

#include <algorithm>
#include <utility>

#include "engine/domain/flow.h"
#include "engine/domain/locations.h"
#include "engine/domain/renames.h"
#include "engine/domain/rollback.h"
#include "engine/domain/rollout.h"
#include "engine/domain/self_heal.h"

namespace headgate {

void Evolving::now_runs(const TargetId& id, TargetState& t, std::optional<Wish> wish) {
  t.current = std::move(wish);
  t.current_at = meta().position;
  t.promoted = false;
  t.current_since = elapsed();
  t.brought_at = t.current_at;
  t.observed = t.current ? Observation{t.current->release.version, t.current->release.artifacts} : Observation{};
  t.drifted = any_drifted(t);
  for (auto& [name, there] : t.locations) there.missed.reset();
  t.held.clear();
  if (t.current && remembers_fulfilled(state, id, t)) remember_runs(t, *std::as_const(t.current));
  if (t.desired != t.current) return;
  t.desired = t.current;  // one value for both
  const bool in_line = std::as_const(t.flow) && !std::as_const(t.flow)->wishes.empty();
  if (in_line) return;  // what waits is another wish
  remember_fulfilled(t);
  remember_fulfilled(t, t.desired_people);
}

void TargetEvolver::operator()(const RollbackRequested& e) {
  auto& t = target(e.promotion.target);
  t.last_number = std::max(t.last_number, e.promotion.number);
  t.back.wanted = WantedRollback{e.promotion.number, e.leaves, e.to, e.restore, e.reason, meta().actor};
  touch(e.promotion.target);
}

void TargetEvolver::operator()(const TriggerFired& e) {
  remember_fired(target(e.target), e, meta().position);
  reckon_flow(state, e.target);
  touch(e.target);
}

void TargetEvolver::operator()(const TriggerDropped& e) {
  remember_dropped(target(e.target), e, meta().position);
  touch(e.target);
  touch_in_line(e.target.environment);
}

void TargetEvolver::operator()(const ScheduleExpanded& e) {
  remember_schedule(target(e.target), e);
  reckon_flow(state, e.target);
  touch(e.target);
}

void TargetEvolver::operator()(const DesiredChanged& e) {
  auto& t = target(e.target);
  t.desired = e.to;
  t.desired_commit = e.commit;
  t.desired_at = meta().position;
  // Not e.people: those of old logs are behind the wishes before it as well.
  for (const auto& person : t.document_people) add_unique(t.desired_people, person);
  t.document_people.clear();
  t.orphaned = false;
  t.failed.reset();
  t.mendings = 0;
  // The same release with other variables is no wish for what was left by hand, as long as the target is pinned.
  if (!e.from || !e.from->release.same_candidate(e.to.release)) somebody_wishes(t, e.to.release);
  touch(e.target);
}

void TargetEvolver::operator()(const TargetObserved& e) {
  auto& t = target(e.target);
  if (e.location.empty()) {
    t.observed = Observation{e.version, e.artifacts, e.variables};
  } else {
    observed_in(state, e.target, t, e);
  }
  touch(e.target);
  touch_in_line(e.target.environment);
}

void TargetEvolver::operator()(const TargetAdopted& e) {
  auto& t = target(e.target);
  const auto slot = slot_seen_with(t, e.wish.release);
  adopted_in_locations(state, e.target, t, e.wish, meta().position);
  if (t.current == e.wish && !t.locations.empty()) {  // a location more runs it
    t.held.clear();
    touch(e.target);
    return;
  }
  now_runs(e.target, t, e.wish);
  if (keeps_order(state, e.target)) remember_turn(t, false);
  if (slot) t.stable_slot = *slot;
  remember_adopted(t, e.wish);
  t.back.failed.reset();
  t.back.restore_point.reset();
  if (t.failed && std::as_const(t.failed)->wish == e.wish) t.failed.reset();
  t.mendings = 0;
  touch_service(e.target.service);
  touch_in_line(e.target.environment);
}

// No document wishes anything there any more, and triggers wish nothing without one.
void TargetEvolver::forget_wishes(const TargetId& id) {
  auto& t = target(id);
  t.orphaned = true;
  if (t.flow) t.flow->wishes.clear();
  t.desired.reset();
  t.document_people.clear();
  t.people.clear();
  t.back.left.clear();
  t.desired_people.clear();
  t.pinned.clear();
  reckon_flow(state, id);
  touch(id);
  touch_in_line(id.environment);
}

void TargetEvolver::operator()(const TargetOrphaned& e) {
  forget_wishes(e.target);
}

void TargetEvolver::operator()(const TargetRenamed& e) {
  target(e.target);
  carry_over(state, e);
  forget_other_locations(state, e.target, state.targets[e.target]);
  for (const auto& id : {e.from, e.target}) {
    std::erase_if(state.flow_wakeups, [&](const auto& entry) { return entry.second == id; });
    if (auto& flow = state.targets[id].flow) flow->due.reset();
    reckon_flow(state, id);
  }
  touch(e.target);
  touch_service(e.target.service);
  touch_in_line(e.target.environment);                                    // who came after it there by its old name
  if (e.from.service != e.target.service) touch_service(e.from.service);  // what came after it there does no more
}

void TargetEvolver::operator()(const TargetRetired& e) {
  auto& t = target(e.target);
  t.retiring = false;
  t.held.clear();
  t.failed.reset();
  forget_wishes(e.target);
}

void TargetEvolver::operator()(const TargetPinned& e) {
  target(e.target).pinned = e.reason;
  touch(e.target);
}

void TargetEvolver::operator()(const TargetUnpinned& e) {
  auto& t = target(e.target);
  t.pinned.clear();
  if (t.desired) somebody_wishes(t, t.desired->release);
  touch(e.target);
}

void TargetEvolver::operator()(const DriftDetected& e) {
  auto& t = target(e.target);
  if (!e.location.empty()) t.locations[e.location].drifted = true;
  t.drifted = true;
  touch_service(e.target.service);
}

void TargetEvolver::operator()(const DriftResolved& e) {
  auto& t = target(e.target);
  if (!e.location.empty()) t.locations[e.location].drifted = false;
  t.drifted = any_drifted(t);
  drift_has_gone(t);
  touch_service(e.target.service);
}

}  // namespace headgate
