// What is to be done outside, derived from the state: it judges nothing.
#include "engine/domain/decide.h"
#include "engine/domain/gate_runs.h"
#include "engine/domain/locations.h"
#include "engine/domain/monitors.h"
#include "engine/domain/rollback.h"
#include "engine/domain/rollout.h"

namespace headgate {

std::optional<Activity> pending_effect(const State& state, const TargetId& id) {
  if (is_gates_place(id)) return pending_gate_run(state, id.service);
  if (state.effects_paused) return std::nullopt;
  const auto* target = state.find(id);
  if (!target || !target->promotion) return std::nullopt;
  const auto& p = *target->promotion;
  const auto* step = p.current();
  if (!step || step->activity != ActivityStatus::running) return std::nullopt;
  Activity activity{{p.id, step->step->name}, step->attempt, step->step, p.to, p.from};
  if (step->step->rollback) {
    activity.from = left_by(p);
    activity.to = brought_back_by(p).value_or(left_by(p));
  }
  if (const auto& location = step->step->location; !location.empty()) {
    const auto back = step->step->rollback ? brought_back_at(p, location) : std::nullopt;
    if (back) activity.to = *back;
    if (!step->step->rollback && base_name(step->step) != retire_old) {
      activity.from = at_location(*target, location).current;
    }
  }
  if (const auto* metric = find_metric(step->step, p.measuring); metric && step->step->kind == StepKind::pause) {
    activity.measure = Measure{*metric, p.effects_began.value_or(p.planned)};
  }
  activity.probe = probe_of(state, p, step->step);
  if (!step->step->restores.empty()) activity.restore_point = restore_point_of(*target, p, step->step->restores);
  return activity;
}

std::vector<Activity> pending_effects(const State& state) {
  std::vector<Activity> effects;
  for (const auto& id : state.active) {
    if (auto effect = pending_effect(state, id)) effects.push_back(std::move(*effect));
  }
  for (const auto& [name, service] : state.services) {
    if (auto run = pending_gate_run(state, name)) effects.push_back(std::move(*run));
  }
  return effects;
}

}  // namespace headgate
