#include "engine/domain/plan_steps.h"

#include <algorithm>
#include <utility>

namespace headgate {

namespace {

bool has_placeholder(const std::string& text) {
  return text.find("${") != std::string::npos;
}

void fill_in(std::string& text, const Values& values, bool percent_encode = false) {
  if (has_placeholder(text)) text = interpolate(text, values.all(), percent_encode);
}

// What has none stays the document's own, which all plans share.
bool has_placeholder(const HttpCheck& check) {
  const auto in_value = [](const auto& header) { return has_placeholder(header.second); };
  return has_placeholder(check.url) || has_placeholder(check.contains) || std::ranges::any_of(check.header, in_value) ||
         (check.json && has_placeholder(check.json->equals));
}

}  // namespace

const StringMap& Values::all() const {
  if (!all_.empty() || !input_) return all_;
  all_ = {{"service", input_->id.target.service},
          {"environment", input_->id.target.environment},
          {"release.version", wish_->release.version},
          {"release.commit", wish_->release.commit},
          {"previous.version", input_->from ? input_->from->release.version : std::string()},
          {"promotion", to_string(input_->id)}};
  for (const auto& [name, reference] : wish_->release.artifacts) all_["release.artifacts." + name] = reference;
  for (const auto& [name, value] : wish_->variables) all_["variables." + name] = value;
  all_["slot"] = slot_;
  all_["location"] = input_->location ? input_->location->name : std::string();
  return all_;
}

Run resolved(Run run, const Values& values) {
  for (auto& argument : run.command) fill_in(argument, values);
  return run;
}

Check resolved(Check check, const Values& values) {
  const auto& of_document = std::as_const(check);
  if (of_document.run &&
      std::ranges::any_of(of_document.run->command, [](const auto& a) { return has_placeholder(a); })) {
    check.run = resolved(*of_document.run, values);
  }
  if (of_document.http && has_placeholder(*of_document.http)) {
    auto& http = *check.http;
    fill_in(http.url, values, true);
    fill_in(http.contains, values);
    for (auto& [name, value] : http.header) fill_in(value, values);
    if (http.json) fill_in(http.json->equals, values);
  }
  if (check.tcp) fill_in(check.tcp->host, values);
  if (check.tls) fill_in(check.tls->host, values);
  if (check.dns) {
    fill_in(check.dns->name, values);
    for (auto& address : check.dns->expect) fill_in(address, values);
  }
  return check;
}

HaproxyTraffic resolved(HaproxyTraffic haproxy, const Values& values) {
  fill_in(haproxy.backend, values);
  for (auto& [slot, server] : haproxy.servers) fill_in(server, values);
  return haproxy;
}

const Driver& driver_of(const PlanInput& input) {
  return driver_of(*input.stage, input.environment->document, input.location);
}

Step step_of(StepKind kind, std::string name, std::uint32_t line) {
  Step step;
  step.kind = kind;
  step.name = std::move(name);
  step.line = line;
  return step;
}

Step deploy_step(std::string name, const PlanInput& input, const Wish& wish, std::string slot) {
  const auto& environment = *input.environment;
  auto step = step_of(StepKind::deploy, std::move(name), environment.source.line);
  step.run = resolved(driver_of(input).deploy, Values(input, wish, slot));
  step.deploys = wish;
  step.slot = std::move(slot);
  return step;
}

Step retire_step(std::string name, const PlanInput& input, const Wish& wish, const std::string& slot) {
  auto step = step_of(StepKind::retire, std::move(name), input.environment->source.line);
  step.run = resolved(*driver_of(input).retire, Values(input, wish, slot));
  step.slot = slot;
  return step;
}

Step restore_step(const Restore& restore, const PlanInput& input, const Wish& wish) {
  auto step = step_of(StepKind::run, "rollback-restore", restore.line);
  step.run = resolved(restore.run, Values(input, wish));
  step.restores = restore.point;
  return step;
}

void add_verifications(Plan& plan, const PlanInput& input, const Wish& wish, std::string_view prefix,
                       std::string_view slot) {
  const Values values(input, wish, slot);
  for (const auto& check : input.stage->verify) {
    auto step = step_of(StepKind::health, std::string(prefix) + check.name, check.line);
    step.check = resolved(check, values);
    plan.steps.push_back(std::move(step));
  }
}

}  // namespace headgate
