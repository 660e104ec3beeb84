// What the watchers of source repositories and schedules report.
#include <algorithm>

#include "engine/domain/decide_parts.h"

namespace headgate {

Decision decide_command(const State& state, const ObserveSource& c, const Context&) {
  HEADGATE_CHECK(c.observed.size() <= max_events_per_command);
  Events events;
  for (const auto& observed : c.observed) {
    const auto* service = state.service(observed.service.text);
    if (!service || !service->source || service->source->repository != observed.repository) continue;
    const auto& known = state.services.find(observed.service.text)->second.source;
    if (known && known->repository == observed.repository) {
      const auto stands_there = [&](const SourceRef& ref, const std::string& name) {
        return ref.name == name && ref.commit == observed.commit && ref.tree == observed.tree;
      };
      // A branch that comes back to where it stood before has moved all the same.
      const auto last = std::find_if(known->branches.rbegin(), known->branches.rend(),
                                     [&](const SourceRef& ref) { return ref.name == observed.branch; });
      if (!observed.branch.empty() && last != known->branches.rend() && stands_there(*last, observed.branch)) continue;
      if (!observed.tag.empty() && std::ranges::any_of(known->tags, [&](const SourceRef& ref) {
            return stands_there(ref, observed.tag) && ref.head == observed.head;
          })) {
        continue;
      }
      if (observed.branch.empty() && observed.tag.empty() && known->trees.contains(observed.commit)) continue;
    }
    events.emplace_back(observed);
  }
  return events;
}

Decision decide_command(const State& state, const ExpandSchedule& c, const Context&) {
  const auto* stage = state.stage(c.expanded.target);
  const auto same = [&](const StageTrigger& trigger) { return trigger.schedule == c.expanded.schedule; };
  if (!stage || std::ranges::none_of(stage->triggers, same)) return Events{};
  return Events{c.expanded};
}

Decision decide_command(const State& state, const ExpandGateSchedule& c, const Context&) {
  const auto* service = state.service(c.expanded.service.text);
  const auto same = [&](const Gate& gate) {
    return gate.name == c.expanded.gate && gate.run && gate.schedule == c.expanded.schedule;
  };
  if (!service || std::ranges::none_of(service->gates, same)) return Events{};
  return Events{c.expanded};
}

}  // namespace headgate
