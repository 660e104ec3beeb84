#include "engine/domain/planner.h"

#include <algorithm>

namespace headgate {
namespace {

// Feeds a digest: every value with its name and length, so that no two different plans read the same. Lines are left
// out, since a comment above a rule moves it without changing it.
struct CanonicalText {
  std::string text;

  void put(std::string_view value) {
    text += std::to_string(value.size());
    text += ':';
    text += value;
    text += ',';
  }
  template <class T>
  void operator()(std::string_view name, const T& value) {
    if (name == "line") return;
    // Fields of a later version than the first are left out where they say nothing: an upgrade changes no digest.
    if constexpr (requires { value.has_value(); }) {
      if ((name == "otherwise" || name == "max_age_ms") && !value) return;
    } else if constexpr (requires { value.empty(); }) {
      if (name == "after" && value.empty()) return;
    }
    put(name);
    write(value);
  }
  void write(const std::string& value) { put(value); }
  void write(const Decimal& value) { put(value.text); }
  void write(bool value) { put(value ? "true" : "false"); }
  void write(std::uint32_t value) { put(std::to_string(value)); }
  void write(Duration value) { put(std::to_string(value.count())); }
  template <class E>
  requires std::is_enum_v<E>
  void write(E value) { put(name_of(value)); }
  template <class T>
  void write(const std::optional<T>& value) {
    put(value ? "some" : "none");
    if (value) write(*value);
  }
  template <class T>
  void write(const std::vector<T>& values) {
    put(std::to_string(values.size()));
    for (const auto& value : values) write(value);
  }
  template <class K, class T, class C>
  void write(const std::map<K, T, C>& values) {
    put(std::to_string(values.size()));
    for (const auto& [key, value] : values) {
      put(key);
      write(value);
    }
  }
  template <class T>
  requires requires(const T& value, CanonicalText& visitor) { T::describe(value, visitor); }
  void write(const T& value) { T::describe(value, *this); }
};

std::string canonical_text(const Plan& plan) {
  CanonicalText text;
  text("from", plan.from);
  text("to", plan.to);
  text("self_approval", plan.rules.self_approval);
  text("approval_expiry", plan.rules.approval_expiry);
  text("rollback_automatic", plan.rules.rollback_automatic);
  text("rollback_quarantine", plan.rules.rollback_quarantine);
  for (const auto& step : plan.steps) {
    text("name", step.name);
    text("step", step);
  }
  return std::move(text.text);
}

StringMap values_for(const PlanInput& input, const Wish& wish) {
  StringMap values{{"service", input.id.target.service},
                   {"environment", input.id.target.environment},
                   {"release.version", wish.release.version},
                   {"release.commit", wish.release.commit},
                   {"previous.version", input.from ? input.from->release.version : std::string()},
                   {"promotion", to_string(input.id)}};
  for (const auto& [name, reference] : wish.release.artifacts) values["release.artifacts." + name] = reference;
  for (const auto& [name, value] : wish.variables) values["variables." + name] = value;
  return values;
}

Run resolved(Run run, const StringMap& values) {
  for (auto& argument : run.command) argument = interpolate(argument, values);
  return run;
}

Check resolved(Check check, const StringMap& values) {
  if (check.run) check.run = resolved(*check.run, values);
  if (check.http) {
    check.http->url = interpolate(check.http->url, values, true);
    check.http->contains = interpolate(check.http->contains, values);
  }
  return check;
}

Step step_of(StepKind kind, std::string name, std::uint32_t line) {
  Step step;
  step.kind = kind;
  step.name = std::move(name);
  step.line = line;
  return step;
}

Step deploy_step(std::string name, const PlanInput& input, const Wish& wish) {
  const auto& environment = *input.environment;
  auto step = step_of(StepKind::deploy, std::move(name), environment.source.line);
  step.run = resolved(environment.document.driver.deploy, values_for(input, wish));
  step.deploys = wish;
  return step;
}

void add_verifications(Plan& plan, const PlanInput& input, const Wish& wish, std::string_view prefix) {
  const auto values = values_for(input, wish);
  for (const auto& check : input.stage->verify) {
    auto step = step_of(StepKind::health, std::string(prefix) + check.name, check.line);
    step.check = resolved(check, values);
    plan.steps.push_back(std::move(step));
  }
}

void add_protections(Plan& plan, const PlanInput& input) {
  const auto& stage = *input.stage;
  if (!stage.gates.empty() || !stage.healthy.empty()) {
    auto step = step_of(StepKind::gates, "gates", stage.requires_line);
    for (const auto& name : stage.gates) {
      const auto& gates = input.service->document.gates;
      const auto gate = std::ranges::find(gates, name, &Gate::name);
      step.gates.push_back(gate == gates.end() ? Gate{name, {}, stage.requires_line, {}, {}} : *gate);
    }
    step.healthy = stage.healthy;
    plan.steps.push_back(std::move(step));
  }
  if (!stage.approvals.empty()) {
    auto step = step_of(StepKind::approval, "approval", stage.approvals.front().line);
    step.approvals = stage.approvals;
    plan.steps.push_back(std::move(step));
  }
  if (stage.wait > Duration::zero()) {
    auto step = step_of(StepKind::wait, "wait", stage.wait_line);
    step.wait = stage.wait;
    plan.steps.push_back(std::move(step));
  }
}

void add_way_back(Plan& plan, const PlanInput& input) {
  const auto first = plan.steps.size();
  if (input.way_back) {
    plan.steps.push_back(deploy_step("rollback-deploy", input, *input.way_back));
    add_verifications(plan, input, *input.way_back, "rollback-");
  } else if (const auto& retire = input.environment->document.driver.retire) {
    auto step = step_of(StepKind::retire, "rollback-retire", input.environment->source.line);
    step.run = resolved(*retire, values_for(input, input.to));
    plan.steps.push_back(std::move(step));
  }
  for (auto at = first; at < plan.steps.size(); ++at) plan.steps[at].rollback = true;
}

}  // namespace

std::string interpolate(std::string_view text, const StringMap& values, bool percent_encode) {
  constexpr std::string_view hex = "0123456789ABCDEF";
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
    for (const char c : value->second) {
      const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                              c == '.' || c == '_' || c == '~';
      if (!percent_encode || unreserved) {
        out += c;
      } else {
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += hex[byte >> 4];
        out += hex[byte & 15];
      }
    }
    text.remove_prefix(close + 1);
  }
  return out;
}

Plan plan_promotion(const PlanInput& input, DigestFunction digest) {
  const auto& stage = *input.stage;
  Plan plan;
  plan.from = input.from;
  plan.to = input.to;
  plan.rules = {stage.self_approval,       stage.approval_expiry,      stage.rollback_automatic,
                stage.rollback_quarantine, input.service->source.file, input.service->commit};
  add_protections(plan, input);
  const auto values = values_for(input, input.to);
  for (const auto& hook : stage.before) {
    auto step = step_of(StepKind::run, hook.name, hook.line);
    step.run = resolved(hook.run, values);
    plan.steps.push_back(std::move(step));
  }
  plan.steps.push_back(deploy_step("deploy", input, input.to));
  add_verifications(plan, input, input.to, "");
  add_way_back(plan, input);
  plan.digest = digest(canonical_text(plan));
  return plan;
}

}  // namespace headgate
