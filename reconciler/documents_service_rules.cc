#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>

#include "engine/domain/planner.h"
#include "reconciler/documents_kinds.h"

namespace headgate::reconciler {
namespace {

// Steps that a plan has by itself.
constexpr std::array<std::string_view, 10> kReservedSteps{
    "gates", "approval", "wait", "deploy", "retire", "retire-old", "approve-switch", "switch", "observe", "keep-old"};
constexpr std::array<std::string_view, 4> kReservedPrefixes{"rollback-", "shift-", "pause-", "deploy-"};

void check_steps(YamlReader& r, const StageNodes& stage) {
  if (stage.steps.size() > max_stage_steps) {
    r.at(*stage.steps[max_stage_steps].second, "too many hooks and checks in this stage",
         fmt::format("{}", stage.steps.size()), fmt::format("at most {}", max_stage_steps));
  }
  std::map<std::string_view, const YamlNode*> seen;
  for (const auto& [name, node] : stage.steps) {
    if (name.empty()) continue;
    if (std::ranges::find(kReservedSteps, name) != kReservedSteps.end() ||
        std::ranges::any_of(kReservedPrefixes, [&](auto prefix) { return name.starts_with(prefix); })) {
      r.at(*node, fmt::format("the step name {} is reserved", quoted(name)), "",
           fmt::format("another name than {}, and not beginning with {}",
                       enumerate({kReservedSteps.begin(), kReservedSteps.end()}),
                       enumerate({kReservedPrefixes.begin(), kReservedPrefixes.end()})));
    }
    if (const auto [first, is_new] = seen.emplace(name, node); !is_new) {
      r.at(*node, fmt::format("duplicate step name {} in this stage", quoted(name)), "",
           fmt::format("a name of its own; line {} has it already", first->second->place.line));
    }
  }
}

// Of each stage, the stages whose health it requires; of each gate, those that it comes after.
using Edges = std::vector<std::vector<std::size_t>>;
using Names = std::vector<std::string_view>;

Edges edges_of(const Service& service) {
  std::map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < service.stages.size(); ++i) index.emplace(service.stages[i].environment, i);
  Edges edges(service.stages.size());
  for (std::size_t i = 0; i < service.stages.size(); ++i) {
    for (const auto& environment : service.stages[i].healthy) {
      if (const auto found = index.find(environment); found != index.end()) edges[i].push_back(found->second);
    }
    for (const auto& trigger : service.stages[i].triggers) {
      if (const auto found = index.find(trigger.after); found != index.end()) edges[i].push_back(found->second);
    }
  }
  return edges;
}

// The shortest ring through `start`, as "a -> b -> a"; empty when there is none.
std::string ring_through(const Names& names, const Edges& edges, std::size_t start) {
  const auto none = edges.size();
  std::vector<std::size_t> came_from(edges.size(), none);
  std::vector<std::size_t> queue{start};
  for (std::size_t head = 0; head < queue.size(); ++head) {
    const auto at = queue[head];
    for (const auto next : edges[at]) {
      if (next == start) {
        std::string path(names[start]);
        for (auto back = at; back != start; back = came_from[back]) path.insert(0, std::string(names[back]) + " -> ");
        return std::string(names[start]) + " -> " + path;
      }
      if (came_from[next] != none) continue;
      came_from[next] = at;
      queue.push_back(next);
    }
  }
  return {};
}

std::vector<std::string_view> names_of(const std::map<std::string_view, std::uint32_t>& lines) {
  std::vector<std::string_view> names;
  for (const auto& [name, line] : lines) names.push_back(name);
  return names;
}

void check_gate_order(YamlReader& r, const Service& service, const std::vector<GateNodes>& nodes,
                      const std::map<std::string_view, std::uint32_t>& known) {
  Names names;
  for (const auto& gate : service.gates) names.push_back(gate.name);
  Edges edges(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t k = 0; k < service.gates[i].after.size(); ++k) {
      const auto& name = service.gates[i].after[k];
      if (known.contains(name)) {
        edges[i].push_back(static_cast<std::size_t>(std::ranges::find(names, name) - names.begin()));
      } else {
        r.at(*nodes[i].after[k], fmt::format("unknown gate {}{}", quoted(name), r.suggestion(name, names_of(known))),
             "", "another gate of this service");
      }
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (const auto ring = ring_through(names, edges, i); !ring.empty()) {
      r.at(*nodes[i].name, "gates come after each other in a circle: " + ring, "", "an order in which each can come");
      return;  // the other gates of the ring would say the same
    }
  }
}

// A branch or tag is one of the service's source; what a stage comes after is another stage.
void check_triggers(YamlReader& r, const Service& service, const Stage& stage, const YamlNode* triggers,
                    const std::map<std::string_view, std::uint32_t>* environments) {
  for (std::size_t i = 0; triggers != nullptr && i < stage.triggers.size(); ++i) {
    const auto& trigger = stage.triggers[i];
    const auto* node = triggers;
    std::size_t at = 0;
    for (const auto& item : YamlItems(*triggers)) {
      if (at++ == i) node = &item;
    }
    if ((!trigger.branch.empty() || !trigger.tag.empty()) && !service.source) {
      r.at(*node,
           fmt::format("{} of what repository? The service has no source", trigger.tag.empty() ? "a branch" : "a tag"),
           "", "'source: {repository: …}' in the service's spec");
    }
    if (trigger.after.empty() || environments == nullptr || environments->contains(trigger.after)) continue;
    r.at(*node,
         fmt::format("this service has no stage for environment {}{}", quoted(trigger.after),
                     r.suggestion(trigger.after, names_of(*environments))),
         "", "the environment of another stage");
  }
}

// A metric out of bounds asks for one more of the people whom the stage asks anyway.
void check_exceptions(YamlReader& r, const Service& service, const Stage& stage, const StageNodes& nodes) {
  if (!stage.approvals.empty()) return;
  for (std::size_t k = 0; k < stage.gates.size(); ++k) {
    const auto gate = std::ranges::find(service.gates, stage.gates[k], &Gate::name);
    if (gate == service.gates.end()) continue;
    const auto asks =
        std::ranges::find_if(gate->metrics, [](const auto& metric) { return metric.second.otherwise.has_value(); });
    if (asks == gate->metrics.end()) continue;
    r.at(*nodes.gates[k],
         fmt::format("gate {} may ask for an approval (metric {}), and nobody approves in this stage",
                     quoted(gate->name), asks->first),
         "", "approvals in the stage's protection");
  }
}

}  // namespace

void check_service(YamlReader& r, const Service& service, const std::vector<GateNodes>& gate_nodes,
                   const std::vector<StageNodes>& stages) {
  std::map<std::string_view, std::uint32_t> gates;  // with their lines
  bool gates_known = true;                          // else what refers to a gate cannot be judged
  for (std::size_t i = 0; i < service.gates.size(); ++i) {
    const auto& gate = service.gates[i];
    if (gate.name.empty()) {
      gates_known = false;
    } else if (const auto [first, is_new] = gates.emplace(gate.name, gate.line); !is_new) {
      r.at(*gate_nodes[i].name, fmt::format("duplicate gate {}", quoted(gate.name)), "",
           fmt::format("a name of its own; line {} has it already", first->second));
    }
  }

  std::map<std::string_view, std::uint32_t> environments;
  bool environments_known = true;
  for (std::size_t i = 0; i < service.stages.size(); ++i) {
    const auto& stage = service.stages[i];
    if (stage.environment.empty()) {
      environments_known = false;
    } else if (const auto [first, is_new] = environments.emplace(stage.environment, stage.line); !is_new) {
      r.at(*stages[i].environment, fmt::format("a second stage for environment {}", quoted(stage.environment)), "",
           fmt::format("one stage for it, in line {}", first->second));
    }
  }

  for (std::size_t i = 0; i < service.stages.size(); ++i) {
    const auto& stage = service.stages[i];
    for (std::size_t k = 0; gates_known && k < stage.gates.size(); ++k) {
      const auto& name = stage.gates[k];
      if (gates.contains(name)) continue;
      r.at(*stages[i].gates[k], fmt::format("unknown gate {}{}", quoted(name), r.suggestion(name, names_of(gates))), "",
           "a gate of this service");
    }
    for (std::size_t k = 0; environments_known && k < stage.healthy.size(); ++k) {
      const auto& name = stage.healthy[k];
      if (environments.contains(name)) continue;
      r.at(*stages[i].healthy[k],
           fmt::format("this service has no stage for environment {}{}", quoted(name),
                       r.suggestion(name, names_of(environments))),
           "", "the environment of another stage");
    }
    check_triggers(r, service, stage, stages[i].triggers, environments_known ? &environments : nullptr);
    check_exceptions(r, service, stage, stages[i]);
    check_steps(r, stages[i]);
    check_restore(r, stage, stages[i]);
  }
  if (gates_known) check_gate_order(r, service, gate_nodes, gates);

  Names names;
  for (const auto& stage : service.stages) names.push_back(stage.environment);
  // A stage without a name is told of already, and two of them are no circle.
  if (std::ranges::find(names, "") != names.end()) return;
  const auto edges = edges_of(service);
  for (std::size_t i = 0; i < service.stages.size(); ++i) {
    if (const auto ring = ring_through(names, edges, i); !ring.empty()) {
      r.at(*stages[i].environment, "stages wait for each other in a circle: " + ring, "",
           "an order in which each can come first");
      return;  // the other stages of the ring would say the same
    }
  }
}

}  // namespace headgate::reconciler
