// What the parts of evolve share: the state, the record that is folded into it, and whom it concerns.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/domain/flow.h"
#include "engine/domain/gate_runs.h"

namespace headgate {

struct Evolving {
  State& state;
  const Recorded<Event>& recorded;
  std::set<TargetId>* touched;

  const Meta& meta() const { return recorded.meta; }
  // On a clock that never steps: less State::stepped as it is by then.
  Timestamp elapsed() const { return state.wall_time(meta().time) - state.stepped; }
  void touch(const TargetId& id) {
    if (!touched) return;
    touched->insert(id);
    touch_gates(id.service);
  }
  void touch_gates(const std::string& service) {
    if (!touched) return;
    const auto owner = state.services.find(service);
    if (owner != state.services.end() && runs_gates(owner->second)) touched->insert(gates_of(service));
  }
  void touch_service(const std::string& service) {
    const auto owner = state.services.find(service);
    if (owner == state.services.end()) return;
    reckon_triggers(service, owner->second);
    if (!touched) return;
    for (const auto& environment : owner->second.environments) touched->insert({service, environment});
    touch_gates(service);
  }
  // A verdict is looked at by what is under way, and by nothing else.
  void touch_live(const std::string& service) {
    if (!touched) return;
    for (auto at = state.active.lower_bound({service, {}}); at != state.active.end() && at->service == service; ++at) {
      touched->insert(*at);
    }
  }
  // Of stages that wait for time to pass: what is called when anything of the service has changed.
  void reckon_triggers(const std::string& service, const ServiceState& owner) {
    const auto by_time = [](const StageTrigger& t) { return t.kind == Trigger::after || t.kind == Trigger::schedule; };
    const auto has_any = [&](const Stage& stage) { return std::ranges::any_of(stage.triggers, by_time); };
    if (!owner.document || std::ranges::none_of(owner.document->document.stages, has_any)) return;
    for (const auto& environment : owner.environments) reckon_flow(state, {service, environment});
  }
  void touch_in_line(const std::string& environment) {
    if (!touched) return;
    for (const auto& id : in_line_at(state, environment)) touched->insert(id);
  }
  void now_runs(const TargetId& id, TargetState& t, std::optional<Wish> wish);
  TargetState& target(const TargetId& id) {
    const auto [at, fresh] = state.targets.try_emplace(id);
    if (fresh) state.services[id.service].environments.insert(id.environment);
    return at->second;
  }
};

}  // namespace headgate
