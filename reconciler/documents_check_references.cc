// Whom documents name must be there.
#include <fmt/core.h>

#include <algorithm>

#include "reconciler/documents_check.h"

namespace headgate::reconciler {

void DocumentsCheck::check(const Service& service, const SourcedDocument& sourced) {
  for (std::size_t i = 0; i < service.stages.size(); ++i) {
    const auto& stage = service.stages[i];
    const auto at = fmt::format("/spec/stages/{}", i);
    if (!is_environment(stage.environment)) {
      report(sourced, at + "/environment",
             fmt::format("unknown environment {}{}", quoted(stage.environment),
                         suggestion(stage.environment, environments_)),
             "the name of an Environment");
    }
    check_strategy(stage, at, sourced);
    check_places(service, stage, at, sourced);
    for (std::size_t k = 0; k < stage.approvals.size(); ++k) {
      check_approvals(service, stage, stage.approvals[k], fmt::format("{}/protection/approvals/{}", at, k), sourced);
    }
    check_exceptions(service, stage, at, sourced);
  }
}

void DocumentsCheck::check(const Environment& environment, const SourcedDocument& sourced) {
  for (std::size_t i = 0; i < environment.monitors.size(); ++i) {
    const auto& monitor = environment.monitors[i];
    for (const auto& service : monitor.services) {
      if (is_service(service)) continue;
      report(sourced, fmt::format("/spec/monitors/{}/services/{}", i, service),
             fmt::format("monitor {} is of the unknown service {}{}", quoted(monitor.name), quoted(service),
                         suggestion(service, services_)),
             "the name of a Service");
    }
  }
  check_ignored(environment, sourced);
}

void DocumentsCheck::check(const Target& target, const SourcedDocument& sourced) {
  const auto service = services_.find(target.id.service);
  if (!is_service(target.id.service)) {
    report(sourced, "/spec/service",
           fmt::format("unknown service {}{}", quoted(target.id.service), suggestion(target.id.service, services_)),
           "the name of a Service");
  }
  if (!is_environment(target.id.environment)) {
    report(sourced, "/spec/environment",
           fmt::format("unknown environment {}{}", quoted(target.id.environment),
                       suggestion(target.id.environment, environments_)),
           "the name of an Environment");
  } else if (service != services_.end() && !target.id.environment.empty() &&
             std::ranges::find(service->second.document->stages, target.id.environment, &Stage::environment) ==
                 service->second.document->stages.end()) {
    report(sourced, "/spec/environment",
           fmt::format("service {} has no stage for environment {}", quoted(target.id.service),
                       quoted(target.id.environment)),
           fmt::format("a stage in {}:{}", service->second.sourced->source.file, service->second.sourced->source.line));
  }
  check_retirement(target, sourced);
}

void DocumentsCheck::check(const NotificationPolicy& policy, const SourcedDocument& sourced) {
  for (std::size_t i = 0; i < policy.routes.size(); ++i) {
    for (const auto& name : policy.routes[i].environments) {
      if (is_environment(name)) continue;
      report(sourced, fmt::format("/spec/routes/{}/environments/{}", i, name),
             fmt::format("a route names the unknown environment {}{}", quoted(name), suggestion(name, environments_)),
             "the name of an Environment");
    }
  }
}

// Where the variables of an environment are known, one that none of its targets sets is mistyped.
void DocumentsCheck::check_ignored(const Environment& environment, const SourcedDocument& sourced) {
  if (environment.ignore_differences.empty() || !all_read_of(DocumentKind::target)) return;
  std::set<std::string_view> set;
  for (const auto& [key, target] : targets_) {
    if (target.document->id.environment != environment.name) continue;
    for (const auto& [name, value] : target.document->variables) set.insert(name);
  }
  if (set.empty()) return;
  for (const auto& name : environment.ignore_differences) {
    if (set.contains(name)) continue;
    report(sourced, "/spec/ignoreDifferences/" + name,
           fmt::format("'ignoreDifferences' names {}, which no target of {} sets{}", quoted(name),
                       quoted(environment.name), did_you_mean(name, {set.begin(), set.end()})),
           "a variable of a Target");
  }
}

}  // namespace headgate::reconciler
