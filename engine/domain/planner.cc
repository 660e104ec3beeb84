#include "engine/domain/planner.h"

#include <algorithm>

#include "engine/base/percent.h"
#include "engine/domain/canonical_text.h"
#include "engine/domain/location_plan.h"
#include "engine/domain/plan_steps.h"
#include "engine/domain/rollout.h"
#include "engine/domain/rollout_plan.h"

namespace headgate {
namespace {

std::string canonical_text(const Plan& plan) {
  CanonicalText text;
  text.text.reserve(4'000);
  text("from", plan.from);
  text("to", plan.to);
  text("self_approval", plan.rules.self_approval);
  text("approval_expiry", plan.rules.approval_expiry);
  text("rollback_automatic", plan.rules.rollback_automatic);
  text("rollback_quarantine", plan.rules.rollback_quarantine);
  text("on_location_failure", plan.rules.on_location_failure);
  text("locations", plan.locations);
  for (const auto& step : plan.steps) {
    text("name", step.name);
    text("step", step);
  }
  return std::move(text.text);
}

// How many go at once, and who goes first: judged as the documents in force have it, so that no step says so.
std::string order_text(const Stage& stage, const std::vector<Dependency>& depends_on) {
  std::vector<std::string> first;
  for (const auto& dependency : depends_on) first.push_back(dependency.service);
  std::ranges::sort(first);
  CanonicalText text;
  text("max_concurrent", stage.max_concurrent);
  text("depends_on", first);
  return std::move(text.text);
}

void add_protections(Plan& plan, const PlanInput& input) {
  const auto& stage = *input.stage;
  const auto& authors = stage.unknown_authors;
  const bool refuses = authors && authors->then == UnknownAuthors::refuse;
  if (!stage.gates.empty() || !stage.healthy.empty() || stage.signed_commit || refuses) {
    auto step = step_of(StepKind::gates, "gates", stage.requires_line);
    for (const auto& name : stage.gates) {
      const auto& gates = input.service->document.gates;
      const auto gate = std::ranges::find(gates, name, &Gate::name);
      step.gates.push_back(gate == gates.end() ? Gate{name, {}, stage.requires_line, {}, {}} : *gate);
      step.gates.back().run.reset();  // how it comes to be reported is no part of what is asked
      step.gates.back().schedule.clear();
    }
    step.healthy = stage.healthy;
    step.signed_commit = stage.signed_commit;
    if (refuses) step.unknown_authors = authors;
    plan.steps.push_back(std::move(step));
  }
  if (!stage.approvals.empty()) {
    auto step = step_of(StepKind::approval, "approval", stage.approvals.front().line);
    step.approvals = stage.approvals;
    if (!refuses) step.unknown_authors = authors;
    plan.steps.push_back(std::move(step));
  }
  if (stage.wait > Duration::zero()) {
    auto step = step_of(StepKind::wait, "wait", stage.wait_line);
    step.wait = input.expedited && stage.expedite->wait ? std::min(stage.wait, *stage.expedite->wait) : stage.wait;
    plan.steps.push_back(std::move(step));
  }
}

void add_way_back(Plan& plan, const PlanInput& input, bool restore) {
  const auto first = plan.steps.size();
  if (!input.places.empty()) {
    add_way_back_in_places(plan, input, restore);
  } else {
    if (input.way_back) {
      const bool instant = shift_back(plan, input);  // traffic first
      if (const auto& with = input.stage->restore; with && restore) {
        plan.steps.push_back(restore_step(*with, input, *input.way_back));
      }
      if (!instant) bring_back(plan, input);
      add_verifications(plan, input, *input.way_back, "rollback-", back_slot(input));
    }
    retire_left(plan, input);
  }
  for (auto at = first; at < plan.steps.size(); ++at) plan.steps[at].rollback = true;
}

Rules rules_of(const PlanInput& input) {
  const auto& stage = *input.stage;
  Rules rules{stage.self_approval,       stage.approval_expiry,      stage.rollback_automatic,
              stage.rollback_quarantine, input.service->source.file, input.service->commit};
  if (!input.places.empty()) rules.on_location_failure = input.environment->document.on_location_failure;
  return rules;
}

}  // namespace

std::string interpolate(std::string_view text, const StringMap& values, bool percent_encode) {
  std::string out;
  while (!text.empty()) {
    const auto open = text.find("${");
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = text.find('}', open);
    const auto name = close == std::string_view::npos ? std::string_view() : text.substr(open + 2, close - open - 2);
    const auto value = values.find(name);
    if (close == std::string_view::npos || value == values.end()) {
      out += text.substr(open, 2);
      text.remove_prefix(open + 2);
      continue;
    }
    out += percent_encode ? percent_encoded(value->second) : value->second;
    text.remove_prefix(close + 1);
  }
  return out;
}

const Driver& driver_of(const Stage& stage, const Environment& environment, const Location* location) {
  if (stage.driver) return *stage.driver;
  return location && location->driver ? *location->driver : environment.driver;
}

Plan plan_promotion(const PlanInput& input, DigestFunction digest) {
  const auto& stage = *input.stage;
  Plan plan;
  plan.from = input.from;
  plan.to = input.to;
  plan.rules = rules_of(input);
  plan.locations = input.locations;
  if (input.places.empty()) plan.steps.reserve(6 + stage.before.size() + 2 * stage.verify.size());
  add_protections(plan, input);
  const Values values(input, input.to, input.left_slot);
  for (const auto& hook : stage.before) {
    auto step = step_of(StepKind::run, hook.name, hook.line);
    step.run = resolved(hook.run, values);
    step.keeps = hook.keeps;
    step.irreversible = hook.irreversible;
    plan.steps.push_back(std::move(step));
  }
  if (input.places.empty()) {
    add_rollout(plan, input);
  } else {
    add_rollout_in_places(plan, input);
  }
  if (input.expedited && stage.expedite->pause) {
    for (auto& step : plan.steps) {  // a pause of 0 waits for a person, as before; keepOld is no soak
      if (step.kind == StepKind::pause && base_name(step) != keep_old) {
        step.wait = std::min(step.wait, *stage.expedite->pause);
      }
    }
  }
  // Nothing goes back across an irreversible step by itself.
  if (std::ranges::none_of(plan.steps, [](const Step& step) { return step.irreversible == true; }))
    add_way_back(plan, input, true);
  auto text = canonical_text(plan) + order_text(stage, input.service->document.depends_on);
  if (input.expedited) text += "expedited";
  plan.digest = digest(text);
  return plan;
}

Plan plan_retirement(const PlanInput& input, DigestFunction digest) {
  const auto& environment = *input.environment;
  const auto& driver = driver_of(*input.stage, environment.document);
  HEADGATE_CHECK(!input.places.empty() || driver.retire);
  Stage stage;  // what is taken away needs no evidence of being good
  stage.approvals = input.stage->approvals;
  stage.self_approval = input.stage->self_approval;
  stage.approval_expiry = input.stage->approval_expiry;
  stage.unknown_authors = input.stage->unknown_authors;
  stage.wait = input.stage->wait;
  stage.wait_line = input.stage->wait_line;
  auto only = input;
  only.stage = &stage;
  Plan plan;
  plan.from = input.from;
  plan.to = input.to;
  plan.rules = {stage.self_approval,        stage.approval_expiry, false, false,
                input.service->source.file, input.service->commit};
  add_protections(plan, only);
  if (input.places.empty()) {
    plan.steps.push_back(retire_step("retire", input, input.to, input.stable_slot));
  } else {
    add_retirement_in_places(plan, input);
  }
  plan.digest = digest(canonical_text(plan) + order_text(*input.stage, {}));
  return plan;
}

Plan plan_way_back(const PlanInput& input, bool restore, DigestFunction digest) {
  Plan plan;
  plan.from = input.from;
  plan.to = input.to;
  plan.rules = rules_of(input);
  auto back = input;
  back.goes_back = true;
  add_way_back(plan, back, restore);
  plan.digest = digest(canonical_text(plan));
  return plan;
}

}  // namespace headgate
