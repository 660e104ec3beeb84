#include <fmt/core.h>

#include <algorithm>

#include "engine/domain/gates.h"
#include "reconciler/documents_flow.h"
#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxStages = 64;

void read_threshold(YamlReader& r, const YamlNode& node, Threshold& bounds) {
  Fields f(r, node, "a metric's bound");
  const auto bound = [](YamlReader& reader, const YamlNode& value, std::optional<Decimal>& out) {
    Decimal decimal;
    if (reader.decimal(value, decimal)) out = std::move(decimal);
  };
  f.optional("min", bound, bounds.min);
  f.optional("max", bound, bounds.max);
  f.optional("otherwise", [&](YamlReader& reader, const YamlNode& value) {
    Otherwise otherwise{};
    if (reader.word(value, otherwise)) bounds.otherwise = otherwise;
  });
  const bool tracked = f.optional("track", [](YamlReader& reader, const YamlNode& value) {
    bool track = true;
    if (reader.boolean(value, track) && !track) reader.wrong_value(value, "true, or a min or max");
  });
  if (tracked) {
    for (const auto* field : {"min", "max", "otherwise"}) f.not_together("track", field);
  } else {
    f.at_least_one_of({"min", "max"});
  }
  if (bounds.min && bounds.max && compare(*bounds.min, *bounds.max) > 0) {
    r.at(*f.value_of("max"), "no value can pass", quoted(bounds.max->text), "at least the min, " + bounds.min->text);
  }
}

void read_metrics(YamlReader& r, const YamlNode& node, decltype(Gate::metrics)& metrics) {
  if (!r.is_map(node, "metrics by name (a map)")) return;
  for (const auto [key, value] : YamlEntries(node)) {
    if (!is_metric_name(key.text)) {
      r.at(key, "wrong name of a metric", quoted(key.text), "up to 63 letters, digits and . _ -");
      continue;
    }
    read_threshold(r, value, metrics[std::string(key.text)]);
  }
}

// A gate is about a release, wherever it is promoted to.
void read_gate_run(YamlReader& r, const YamlNode& node, Run& run) {
  read_run(r, node, run);
  for (const auto [key, value] : YamlEntries(node)) {
    if (key.text != "command" || value.kind != YamlNode::Kind::list) continue;
    for (const auto& word : YamlItems(value)) {
      for (const std::string_view placeholder :
           {"${environment}", "${location}", "${previous.", "${promotion}", "${slot}", "${variables."}) {
        if (word.text.find(placeholder) == std::string_view::npos) continue;
        r.at(word, "the run of a gate knows of no target", quoted(word.text), "${service} and ${release.…} alone");
      }
    }
  }
}

void read_gate(YamlReader& r, const YamlNode& node, Gate& gate, GateNodes& nodes) {
  Fields f(r, node, "a gate");
  gate.line = node.place.line;
  nodes.name = &node;
  if (f.required("name", &YamlReader::name, gate.name)) nodes.name = f.value_of("name");
  f.optional("metrics", read_metrics, gate.metrics);
  f.optional("after",
             [&](YamlReader& reader, const YamlNode& value) { reader.names(value, gate.after, &nodes.after); });
  f.optional("maxAge", [&](YamlReader& reader, const YamlNode& value) {
    Duration age{};
    if (reader.positive_duration(value, age)) gate.max_age = age;
  });
  const bool scheduled = f.optional("schedule", read_schedule, gate.schedule);
  f.optional("run",
             [&](YamlReader& reader, const YamlNode& value) { read_gate_run(reader, value, gate.run.emplace()); });
  if (scheduled && f.is_map() && !gate.run) {
    r.at(*f.value_of("schedule"), "nothing is run by this schedule", "", "a run beside it, or no schedule");
  }
}

void read_requires(YamlReader& r, const YamlNode& node, Stage& stage, StageNodes& nodes) {
  Fields f(r, node, "a stage's requirements");
  f.optional("gates",
             [&](YamlReader& reader, const YamlNode& value) { reader.names(value, stage.gates, &nodes.gates); });
  f.optional("healthy",
             [&](YamlReader& reader, const YamlNode& value) { reader.names(value, stage.healthy, &nodes.healthy); });
  bool signed_commit = false;
  f.optional("signedCommit", &YamlReader::boolean, signed_commit);
  if (signed_commit) stage.signed_commit = SignedCommitRule{f.line_of("signedCommit")};
}

void read_approval(YamlReader& r, const YamlNode& node, ApprovalRule& rule) {
  Fields f(r, node, "an approval rule");
  rule.line = node.place.line;
  f.required("team", &YamlReader::name, rule.team);
  f.optional("count", [&](YamlReader& reader, const YamlNode& value) { reader.number(value, rule.count, 1, 100); });
}

void read_approvals(YamlReader& r, const YamlNode& node, std::vector<ApprovalRule>& rules) {
  if (!r.is_list(node)) return;
  for (const auto& item : YamlItems(node)) {
    ApprovalRule rule;
    read_approval(r, item, rule);
    const auto same = std::ranges::find(rules, rule.team, &ApprovalRule::team);
    if (!rule.team.empty() && same != rules.end()) {
      r.at(item, fmt::format("a second approval rule for team {}", quoted(rule.team)), "",
           fmt::format("one count for it, in line {}", same->line));
    }
    rules.push_back(std::move(rule));
  }
}

void read_protection(YamlReader& r, const YamlNode& node, Stage& stage) {
  Fields f(r, node, "a stage's protection");
  f.optional("approvals", read_approvals, stage.approvals);
  f.optional("selfApproval", &YamlReader::boolean, stage.self_approval);
  f.optional("approvalExpiry", &YamlReader::positive_duration, stage.approval_expiry);
  f.optional("wait", &YamlReader::duration, stage.wait);
  stage.wait_line = f.line_of("wait");
  f.optional("unknownAuthors", [&](YamlReader& reader, const YamlNode& value) {
    UnknownAuthorsRule rule;
    rule.line = value.place.line;
    if (!reader.word(value, rule.then)) return;
    stage.unknown_authors = rule;
    if (rule.then == UnknownAuthors::extra_approval && stage.approvals.empty()) {
      reader.at(value, "an unknown author asks for an approval, and nobody approves in this stage", "",
                "approvals in the stage's protection, or refuse");
    }
  });
}

// Lists of hooks and verifications, with the place of each name.
template <class T, class Read>
auto steps_reader(StageNodes& nodes, Read read) {
  return [&nodes, read](YamlReader& r, const YamlNode& node, std::vector<T>& steps) {
    if (!r.list(node, steps, read)) return;
    std::size_t i = 0;
    for (const auto& item : YamlItems(node)) {
      const auto* place = &item;
      for (const auto [key, value] : YamlEntries(item)) {
        if (key.text == "name") place = &value;
      }
      nodes.steps.emplace_back(steps[i++].name, place);
    }
  };
}

void read_stage(YamlReader& r, const YamlNode& node, Stage& stage, StageNodes& nodes) {
  Fields f(r, node, "a stage");
  stage.line = node.place.line;
  nodes.environment = &node;
  if (f.required("environment", &YamlReader::name, stage.environment)) nodes.environment = f.value_of("environment");
  f.optional("driver",
             [&](YamlReader& reader, const YamlNode& value) { read_driver(reader, value, stage.driver.emplace()); });
  f.optional("trigger", read_triggers, stage.triggers);
  nodes.triggers = f.value_of("trigger");
  f.optional("requires", read_requires, stage, nodes);
  stage.requires_line = f.line_of("requires");
  f.optional("protection", read_protection, stage);
  f.optional("supersede", read_supersede, stage.supersede);
  f.optional("maxConcurrent", read_concurrency, stage.max_concurrent);
  f.optional("before", steps_reader<Hook>(nodes, read_hook), stage.before);
  f.optional("strategy", read_strategy, stage, nodes);
  f.optional("verify", steps_reader<Check>(nodes, read_check), stage.verify);
  f.optional("rollback", read_rollback, stage, nodes);
  f.optional("expedite", read_expedite, stage.expedite);
  if (f.optional("downtime", read_downtime, stage.downtime)) check_downtime(r, stage, *f.value_of("downtime"));
  f.optional("objectives", read_objectives, stage.objectives);
}

}  // namespace

void read_service(YamlReader& r, const YamlNode& spec, Service& service) {
  std::vector<GateNodes> gates;
  std::vector<StageNodes> stages;
  {
    Fields f(r, spec, "a service's spec");
    f.optional("group", &YamlReader::name, service.group);
    f.optional("source", read_source, service.source);
    f.optional("dependsOn", read_depends_on, service.depends_on);
    f.optional("analysis", read_metrics_of_analysis, service.analysis);
    f.optional("gates", [&](YamlReader& reader, const YamlNode& node) {
      reader.list(node, service.gates, [&](YamlReader& inner, const YamlNode& item, Gate& gate) {
        read_gate(inner, item, gate, gates.emplace_back());
      });
    });
    f.required("stages", [&](YamlReader& reader, const YamlNode& node) {
      const bool is_list =
          reader.list(node, service.stages, [&](YamlReader& inner, const YamlNode& item, Stage& stage) {
            read_stage(inner, item, stage, stages.emplace_back());
          });
      if (is_list && stages.empty()) reader.wrong_value(node, "at least one stage");
      if (stages.size() > kMaxStages) reader.wrong_value(node, fmt::format("at most {} stages", kMaxStages));
    });
  }
  if (stages.size() > kMaxStages) return;
  check_service(r, service, gates, stages);
  check_strategies(r, service, stages);
}

}  // namespace headgate::reconciler
