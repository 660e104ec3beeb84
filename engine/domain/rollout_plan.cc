#include "engine/domain/rollout_plan.h"

#include <algorithm>

#include "engine/domain/plan_steps.h"
#include "engine/domain/rollout.h"

namespace headgate {
namespace {

Step traffic_step(std::string name, const PlanInput& input, const Wish& wish, const std::string& slot,
                  std::uint32_t weight, std::uint32_t line) {
  auto step = step_of(StepKind::traffic, std::move(name), line);
  const Values values(input, wish, slot);
  if (const auto& shift = input.environment->document.shift) step.run = resolved(*shift, values);
  if (const auto& haproxy = input.environment->document.haproxy) step.haproxy = resolved(*haproxy, values);
  step.slot = slot;
  step.weight = weight;
  return step;
}

// For a PromQL string literal in double or single quotes, where alone the documents may name values: none ends the
// literal that it stands in. Between backquotes nothing can be escaped.
StringMap promql_escaped(StringMap values) {
  for (auto& [name, value] : values) {
    std::string escaped;
    for (const char c : value) {
      if (c == '\\') {
        escaped += "\\\\";
      } else if (c == '"') {
        escaped += "\\x22";
      } else if (c == '\'') {
        escaped += "\\x27";
      } else {
        escaped += c;
      }
    }
    value = std::move(escaped);
  }
  return values;
}

// The metrics as the candidate's slot is measured; without a stable slot there is nothing to compare it with. `before`:
// the stable slot has no traffic by then, so that it is compared with as long a time before the rollout.
std::vector<Metric> metrics_for(const PlanInput& input, const std::vector<std::string>& names,
                                const std::string& candidate, std::optional<Duration> before = std::nullopt) {
  std::vector<Metric> metrics;
  const auto values = promql_escaped(Values(input, input.to, candidate).all());
  const auto stable = input.from ? promql_escaped(Values(input, *input.from, input.stable_slot).all()) : values;
  for (const auto& name : names) {
    const auto& known = input.service->document.analysis;
    const auto at = std::ranges::find(known, name, &Metric::name);
    if (at == known.end()) continue;
    auto metric = *at;
    if (metric.baseline && (!input.from || input.stable_slot.empty())) metric.baseline.reset();
    if (!metric.baseline && !metric.min && !metric.max) continue;
    if (metric.baseline) {
      metric.baseline->query = interpolate(metric.query, stable);
      if (before && !metric.baseline->window) metric.baseline->window = before;
    }
    metric.query = interpolate(metric.query, values);
    if (metric.min_samples) metric.min_samples->query = interpolate(metric.min_samples->query, values);
    metrics.push_back(std::move(metric));
  }
  return metrics;
}

Step pause_step(std::string name, const PlanInput& input, Duration wait, std::vector<Metric> metrics,
                std::uint32_t line) {
  auto step = step_of(StepKind::pause, std::move(name), line);
  step.wait = wait;
  step.metrics = std::move(metrics);
  if (!step.metrics.empty()) step.prometheus = input.environment->document.prometheus;
  return step;
}

void add_canary(Plan& plan, const PlanInput& input, const Canary& canary, const std::string& slot) {
  const auto metrics = metrics_for(input, canary.analysis, slot);
  // Where nothing is stable nobody else can take the rest of the traffic.
  if (input.stable_slot.empty()) {
    const auto all = std::ranges::find(canary.steps, std::optional<std::uint32_t>(100), &CanaryStep::weight);
    const auto line = all == canary.steps.end() ? canary.steps.back().line : all->line;
    plan.steps.push_back(traffic_step("shift-100", input, input.to, slot, 100, line));
  }
  std::uint32_t pauses = 0;
  for (const auto& each : canary.steps) {
    if (each.weight) {
      if (input.stable_slot.empty()) continue;
      plan.steps.push_back(
          traffic_step("shift-" + std::to_string(*each.weight), input, input.to, slot, *each.weight, each.line));
    } else {
      plan.steps.push_back(pause_step("pause-" + std::to_string(++pauses), input, each.pause.value_or(Duration::zero()),
                                      metrics, each.line));
    }
  }
}

void add_blue_green(Plan& plan, const PlanInput& input, const BlueGreen& rules, const std::string& slot) {
  const Values values(input, input.to, slot);
  for (const auto& check : input.stage->verify_preview) {
    auto step = step_of(StepKind::health, check.name, check.line);
    step.check = resolved(check, values);
    plan.steps.push_back(std::move(step));
  }
  if (rules.approve_switch) {
    auto step = step_of(StepKind::approval, std::string(approve_switch), rules.line);
    step.approvals = input.stage->approvals;
    plan.steps.push_back(std::move(step));
  }
  plan.steps.push_back(traffic_step("switch", input, input.to, slot, 100, rules.line));
  if (rules.observe > Duration::zero()) {
    plan.steps.push_back(pause_step("observe", input, rules.observe,
                                    metrics_for(input, rules.analysis, slot, rules.observe), rules.line));
  }
}

// So many percent of the instances at a time; the last batch is the step `deploy`.
void add_batches(Plan& plan, const PlanInput& input, const Rolling& rolling) {
  std::uint32_t pauses = 0;
  for (auto percent = rolling.percent; percent < 100; percent += rolling.percent) {
    auto step = deploy_step("deploy-" + std::to_string(percent), input, input.to, input.stable_slot);
    step.weight = percent;
    plan.steps.push_back(std::move(step));
    if (rolling.pause > Duration::zero()) {
      plan.steps.push_back(pause_step("pause-" + std::to_string(++pauses), input, rolling.pause, {}, rolling.line));
    }
  }
  auto step = deploy_step("deploy", input, input.to, input.stable_slot);
  step.weight = 100;
  plan.steps.push_back(std::move(step));
}

}  // namespace

bool uses_slots(const Stage& stage) {
  return stage.strategy && (stage.strategy->canary || stage.strategy->blue_green);
}

std::string candidate_slot(std::string_view stable) {
  return std::string(stable == slot_names[0] ? slot_names[1] : slot_names[0]);
}

void add_rollout(Plan& plan, const PlanInput& input) {
  const auto& strategy = input.stage->strategy;
  if (!uses_slots(*input.stage)) {
    if (strategy && strategy->rolling) {
      add_batches(plan, input, *strategy->rolling);
    } else {
      plan.steps.push_back(deploy_step("deploy", input, input.to, input.stable_slot));
    }
    add_verifications(plan, input, input.to, "", input.stable_slot);
    return;
  }
  const auto slot = candidate_slot(input.stable_slot);
  const auto line = input.environment->source.line;
  // Whatever an earlier promotion left there is out of the way before the slot is deployed to.
  if (!input.stable_slot.empty()) plan.steps.push_back(traffic_step("shift-0", input, input.to, slot, 0, line));
  plan.steps.push_back(deploy_step("deploy", input, input.to, slot));
  if (strategy->canary) add_canary(plan, input, *strategy->canary, slot);
  if (strategy->blue_green) add_blue_green(plan, input, *strategy->blue_green, slot);
  add_verifications(plan, input, input.to, "", slot);
  if (!input.from) return;
  if (const auto& rules = strategy->blue_green; rules && rules->keep_old > Duration::zero()) {
    plan.steps.push_back(pause_step(std::string(keep_old), input, rules->keep_old, {}, rules->line));
  }
  if (driver_of(input).retire) {
    plan.steps.push_back(retire_step(std::string(retire_old), input, *input.from, input.stable_slot));
  }
}

bool shift_back(Plan& plan, const PlanInput& input) {
  if (!uses_slots(*input.stage) || input.stable_slot.empty() || input.left_slot == input.stable_slot ||
      input.way_back != input.stable) {
    return false;
  }
  auto step =
      traffic_step("rollback-shift", input, *input.way_back, input.stable_slot, 100, input.environment->source.line);
  step.deploys = input.way_back;
  plan.steps.push_back(std::move(step));
  return true;
}

void bring_back(Plan& plan, const PlanInput& input) {
  if (!uses_slots(*input.stage)) {
    plan.steps.push_back(deploy_step("rollback-deploy", input, *input.way_back, input.left_slot));
    return;
  }
  const auto slot = back_slot(input);
  plan.steps.push_back(deploy_step("rollback-deploy", input, *input.way_back, slot));
  plan.steps.push_back(
      traffic_step("rollback-shift", input, *input.way_back, slot, 100, input.environment->source.line));
}

std::string back_slot(const PlanInput& input) {
  return uses_slots(*input.stage) ? candidate_slot(input.left_slot) : input.left_slot;
}

void retire_left(Plan& plan, const PlanInput& input) {
  if (!driver_of(input).retire || (input.way_back && !uses_slots(*input.stage))) return;
  // Brought anew where it runs already: without a way back, what failed is all that there is.
  const bool again = input.from && input.from->release.same_candidate(input.to.release);
  if (again && !input.way_back && !input.goes_back) return;
  const bool by_hand = input.way_back && input.to == *input.way_back;
  const auto& left = by_hand && input.from ? *input.from : input.to;
  plan.steps.push_back(retire_step("rollback-retire", input, left, input.left_slot));
}

}  // namespace headgate
