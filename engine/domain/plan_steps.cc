#include "engine/domain/plan_steps.h"

namespace headgate {

StringMap values_for(const PlanInput& input, const Wish& wish, std::string_view slot) {
  StringMap values{{"service", input.id.target.service},
                   {"environment", input.id.target.environment},
                   {"release.version", wish.release.version},
                   {"release.commit", wish.release.commit},
                   {"previous.version", input.from ? input.from->release.version : std::string()},
                   {"promotion", to_string(input.id)}};
  for (const auto& [name, reference] : wish.release.artifacts) values["release.artifacts." + name] = reference;
  for (const auto& [name, value] : wish.variables) values["variables." + name] = value;
  values["slot"] = slot;
  values["location"] = input.location ? input.location->name : std::string();
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
    for (auto& [name, value] : check.http->header) value = interpolate(value, values);
    if (check.http->json) check.http->json->equals = interpolate(check.http->json->equals, values);
  }
  if (check.tcp) check.tcp->host = interpolate(check.tcp->host, values);
  if (check.tls) check.tls->host = interpolate(check.tls->host, values);
  if (check.dns) {
    check.dns->name = interpolate(check.dns->name, values);
    for (auto& address : check.dns->expect) address = interpolate(address, values);
  }
  return check;
}

HaproxyTraffic resolved(HaproxyTraffic haproxy, const StringMap& values) {
  haproxy.backend = interpolate(haproxy.backend, values);
  for (auto& [slot, server] : haproxy.servers) server = interpolate(server, values);
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
  step.run = resolved(driver_of(input).deploy, values_for(input, wish, slot));
  step.deploys = wish;
  step.slot = std::move(slot);
  return step;
}

Step restore_step(const Restore& restore, const PlanInput& input, const Wish& wish) {
  auto step = step_of(StepKind::run, "rollback-restore", restore.line);
  step.run = resolved(restore.run, values_for(input, wish));
  step.restores = restore.point;
  return step;
}

void add_verifications(Plan& plan, const PlanInput& input, const Wish& wish, std::string_view prefix,
                       std::string_view slot) {
  const auto values = values_for(input, wish, slot);
  for (const auto& check : input.stage->verify) {
    auto step = step_of(StepKind::health, std::string(prefix) + check.name, check.line);
    step.check = resolved(check, values);
    plan.steps.push_back(std::move(step));
  }
}

}  // namespace headgate
