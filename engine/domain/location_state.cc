// What the state remembers of the locations of a target.
#include <algorithm>

#include "engine/domain/locations.h"

namespace headgate {
namespace {

void now_runs(LocationState& there, std::optional<Wish> wish, Position position) {
  there.current = std::move(wish);
  there.current_at = position;
  there.observed =
      there.current ? Observation{there.current->release.version, there.current->release.artifacts} : Observation{};
  there.missed.reset();
  there.drifted = false;
}

}  // namespace

bool Promotion::touched(std::string_view location) const {
  return std::ranges::any_of(steps, [&](const LiveStep& s) {
    return s.step->location == location && s.step->kind != StepKind::health && s.step->kind != StepKind::pause &&
           s.step->rollback == (trigger == Trigger::rollback) && (s.attempt > 0 || s.activity != ActivityStatus::none);
  });
}

bool Promotion::takes_back_one_location() const {
  return trigger != Trigger::rollback && rollback_automatic &&
         rules.on_location_failure == OnLocationFailure::rollback_location &&
         std::ranges::any_of(steps, [](const LiveStep& s) {
           return !s.step->rollback && !s.step->location.empty() && s.status == StepStatus::failed;
         });
}

bool Promotion::takes_back(const Step& step) const {
  if (trigger == Trigger::rollback) return true;
  const bool one = takes_back_one_location();
  if (step.location.empty()) return !one;
  if (!touched(step.location)) return false;
  return !one || std::ranges::any_of(steps, [&](const LiveStep& s) {
    return !s.step->rollback && s.step->location == step.location && s.status == StepStatus::failed;
  });
}

void step_done(const State& state, TargetState& t, const Promotion& p, const LiveStep& done, Position position) {
  const auto& name = done.step->location;
  const auto locations = locations_of(state, p.id.target);
  if (name.empty() || cleans_up(p, done.step) ||
      std::ranges::find(locations, name, &Location::name) == locations.end()) {
    return;
  }
  const LiveStep* deployed = nullptr;
  for (const auto& s : p.steps) {
    if (s.step->location != name || s.step->rollback != done.step->rollback || cleans_up(p, s.step)) continue;
    if (s.status != StepStatus::succeeded) return;
    if (s.step->deploys) deployed = &s;
  }
  auto& there = t.locations[name];
  now_runs(there, deployed ? deployed->step->deploys : std::nullopt, position);
  there.stable_slot = deployed ? deployed->step->slot : std::string();
  look_at_the_whole(state, p.id.target, t);
}

void observed_in(const State& state, const TargetId& id, TargetState& t, const TargetObserved& e) {
  t.locations[e.location].observed = Observation{e.version, e.artifacts, e.variables};
  look_at_the_whole(state, id, t);
}

void look_at_the_whole(const State& state, const TargetId& id, TargetState& t) {
  std::optional<Observation> whole;
  t.observed.reset();
  for (const auto& location : locations_of(state, id)) {
    if (location.standby) continue;
    const auto& there = at_location(t, location.name);
    if (!there.observed || (whole && *whole != *there.observed)) return;
    whole = there.observed;
  }
  t.observed = std::move(whole);
}

void adopted_in_locations(const State& state, const TargetId& id, TargetState& t, const Wish& wish, Position position) {
  for (const auto& location : locations_of(state, id)) {
    const auto& there = at_location(t, location.name);
    if (there.current != wish && there.observed && there.observed->shows(wish.release)) {
      const auto slot = slot_seen_with(t, wish.release, location.name);
      auto& here = t.locations[location.name];
      now_runs(here, wish, position);
      if (slot) here.stable_slot = *slot;
    }
  }
}

void ended_mixed(const State& state, const TargetId& id, TargetState& t, const Wish& wish) {
  for (const auto& name : locations_without(state, id, wish)) t.locations[name].missed = wish;
}

void forget_other_locations(const State& state, const TargetId& id, TargetState& t) {
  const auto locations = locations_of(state, id);
  std::erase_if(t.locations, [&](const auto& entry) {
    return std::ranges::find(locations, entry.first, &Location::name) == locations.end();
  });
  if (locations.empty()) return;
  t.drifted = any_drifted(t);
  look_at_the_whole(state, id, t);
}

bool any_drifted(const TargetState& t) {
  return std::ranges::any_of(t.locations, [](const auto& entry) { return entry.second.drifted; });
}

}  // namespace headgate
