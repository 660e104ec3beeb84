// Whom documents name must be there.
#include <fmt/core.h>

#include <algorithm>

#include "reconciler/documents_check.h"

namespace headgate::reconciler {

void DocumentsCheck::check(const Service& service, const Source& source) {
  for (const auto& stage : service.stages) {
    if (!is_environment(stage.environment)) {
      report(source, stage.line,
             fmt::format("unknown environment {}{}", quoted(stage.environment),
                         suggestion(stage.environment, environments_)),
             "the name of an Environment");
    }
    check_strategy(stage, source);
    check_places(service, stage, source);
    for (const auto& rule : stage.approvals) check_approvals(service, stage, rule, source);
    check_exceptions(service, stage, source);
  }
}

void DocumentsCheck::check(const Environment& environment, const Source& source) {
  for (const auto& monitor : environment.monitors) {
    for (const auto& service : monitor.services) {
      if (is_service(service)) continue;
      report(source, monitor.line,
             fmt::format("monitor {} is of the unknown service {}{}", quoted(monitor.name), quoted(service),
                         suggestion(service, services_)),
             "the name of a Service");
    }
  }
}

void DocumentsCheck::check(const Target& target, const Source& source) {
  const auto service = services_.find(target.id.service);
  if (!is_service(target.id.service)) {
    report(source, source.line,
           fmt::format("unknown service {}{}", quoted(target.id.service), suggestion(target.id.service, services_)),
           "the name of a Service");
  }
  if (!is_environment(target.id.environment)) {
    report(source, source.line,
           fmt::format("unknown environment {}{}", quoted(target.id.environment),
                       suggestion(target.id.environment, environments_)),
           "the name of an Environment");
  } else if (service != services_.end() &&
             std::ranges::find(service->second.document->stages, target.id.environment, &Stage::environment) ==
                 service->second.document->stages.end()) {
    report(source, source.line,
           fmt::format("service {} has no stage for environment {}", quoted(target.id.service),
                       quoted(target.id.environment)),
           fmt::format("a stage in {}:{}", service->second.source->file, service->second.source->line));
  }
  check_retirement(target, source);
}

void DocumentsCheck::check(const NotificationPolicy& policy, const Source& source) {
  for (const auto& route : policy.routes) {
    for (const auto& name : route.environments) {
      if (is_environment(name)) continue;
      report(source, route.line,
             fmt::format("a route names the unknown environment {}{}", quoted(name), suggestion(name, environments_)),
             "the name of an Environment");
    }
  }
}

// Where the variables of an environment are known, one that none of its targets sets is mistyped.
void DocumentsCheck::check_ignored(const Environment& environment, const Source& source) {
  if (environment.ignore_differences.empty() || !all_read_of(DocumentKind::target)) return;
  std::set<std::string_view> set;
  for (const auto& [key, target] : targets_) {
    if (target.document->id.environment != environment.name) continue;
    for (const auto& [name, value] : target.document->variables) set.insert(name);
  }
  if (set.empty()) return;
  for (const auto& name : environment.ignore_differences) {
    if (set.contains(name)) continue;
    report(source, source.line,
           fmt::format("'ignoreDifferences' names {}, which no target of {} sets{}", quoted(name),
                       quoted(environment.name), did_you_mean(name, {set.begin(), set.end()})),
           "a variable of a Target");
  }
}

}  // namespace headgate::reconciler
