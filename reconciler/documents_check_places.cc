// What a stage says must fit the environment that it leads to: its locations, its traffic, its driver.
#include <fmt/core.h>

#include <algorithm>

#include "engine/domain/planner.h"
#include "engine/domain/promote.h"
#include "reconciler/documents_check.h"

namespace headgate::reconciler {
namespace {

// Of the largest plan that the stage may have there: the steps of each location there and back, and what comes before.
std::size_t steps_at_most(const Stage& stage, const Environment& environment) {
  std::size_t of_strategy = 1;
  if (stage.strategy) {
    const auto& [canary, blue_green, rolling] = *stage.strategy;
    if (canary) of_strategy = canary->steps.size() + 4;
    if (blue_green) of_strategy = stage.verify_preview.size() + 5;
    if (rolling) of_strategy = 2 * (100 / rolling->percent + 1);
  }
  const auto of_each = of_strategy + 2 * stage.verify.size() + 3;
  return stage.before.size() + 6 + of_each * environment.locations.size();
}

bool can_retire(const Driver& driver) {
  return driver.retire || driver.container || driver.webhook;
}

// The driver that cannot take anything away; empty when each can.
std::string without_retire(const Environment& environment) {
  const auto inherits = [](const Location& location) { return !location.driver; };
  const bool used = environment.locations.empty() || std::ranges::any_of(environment.locations, inherits);
  if (used && !can_retire(environment.driver)) return "its driver";
  for (const auto& location : environment.locations) {
    if (location.driver && !can_retire(*location.driver)) return "the driver of location " + quoted(location.name);
  }
  return {};
}

// What holds ${location}, with the paths of the texts. `at`: of the stage.
std::vector<std::pair<std::string, std::string>> mentions_of_location(const Service& service, const Stage& stage,
                                                                      const std::string& at) {
  const auto holds_it = [](std::string_view text) { return text.find("${location}") != std::string_view::npos; };
  std::vector<std::pair<std::string, std::string>> mentions;
  for (const auto* checks : {&stage.verify_preview, &stage.verify}) {
    const auto* list = checks == &stage.verify ? "verify" : "strategy/blueGreen/verifyPreview";
    for (std::size_t i = 0; i < checks->size(); ++i) {
      const auto& check = (*checks)[i];
      bool mentioned = check.run && std::ranges::any_of(check.run->command, holds_it);
      if (check.http) {
        mentioned = mentioned || holds_it(check.http->url) || holds_it(check.http->contains) ||
                    (check.http->json && holds_it(check.http->json->equals)) ||
                    std::ranges::any_of(check.http->header, [&](const auto& h) { return holds_it(h.second); });
      }
      if (check.tcp) mentioned = mentioned || holds_it(check.tcp->host);
      if (check.tls) mentioned = mentioned || holds_it(check.tls->host);
      if (check.dns) {
        mentioned = mentioned || holds_it(check.dns->name) || std::ranges::any_of(check.dns->expect, holds_it);
      }
      if (mentioned) {
        mentions.emplace_back("the check " + quoted(check.name), fmt::format("{}/{}/{}/${{location}}", at, list, i));
      }
    }
  }
  if (stage.driver) {
    const auto mentioned = [&](const Run& run) { return std::ranges::any_of(run.command, holds_it); };
    const auto& driver = *stage.driver;
    if (mentioned(driver.deploy) || mentioned(driver.observe) || (driver.retire && mentioned(*driver.retire)) ||
        (driver.container && holds_it(driver.container->image)) || (driver.webhook && holds_it(driver.webhook->url))) {
      mentions.emplace_back("the driver of this stage", at + "/driver/${location}");
    }
  }
  if (!stage.strategy) return mentions;
  const auto& [canary, blue_green, rolling] = *stage.strategy;
  const auto names = canary ? canary->analysis : blue_green ? blue_green->analysis : std::vector<std::string>{};
  for (std::size_t i = 0; i < service.analysis.size(); ++i) {
    const auto& metric = service.analysis[i];
    if (std::ranges::find(names, metric.name) == names.end()) continue;
    if (holds_it(metric.query) || (metric.min_samples && holds_it(metric.min_samples->query))) {
      mentions.emplace_back("the metric " + quoted(metric.name), fmt::format("/spec/analysis/{}/${{location}}", i));
    }
  }
  return mentions;
}

}  // namespace

// What a stage's texts and rules say of locations must fit the environment that it leads to.
void DocumentsCheck::check_places(const Service& service, const Stage& stage, const std::string& at,
                                  const SourcedDocument& sourced) {
  const auto found = environments_.find(stage.environment);
  if (found == environments_.end()) return;
  const auto& environment = *found->second.document;
  const auto& there = found->second.sourced->source;
  if (environment.locations.empty()) {
    for (const auto& [what, path] : mentions_of_location(service, stage, at)) {
      report(sourced, path,
             fmt::format("{} holds ${{location}}, and environment {} has no locations", what, quoted(environment.name)),
             fmt::format("a text without it, or locations in {}:{}", there.file, there.line));
    }
    return;
  }
  if (stage.restore && environment.on_location_failure == OnLocationFailure::rollback_location) {
    report(sourced, at + "/rollback/restore",
           fmt::format("this restores what all locations of {} share, and 'onLocationFailure: rollbackLocation' takes "
                       "one of them back alone",
                       quoted(environment.name)),
           fmt::format("no restore, or another rule in {}:{}", there.file, there.line));
  }
  if (const auto steps = steps_at_most(stage, environment); steps > max_plan_steps) {
    report(sourced, at + "/environment",
           fmt::format("the plans of this stage take up to {} steps in the {} locations of {}", steps,
                       environment.locations.size(), quoted(environment.name)),
           fmt::format("at most {}: fewer checks, fewer steps of the strategy, or fewer locations", max_plan_steps));
  }
}

// What a strategy needs of the place that it is carried out in.
void DocumentsCheck::check_strategy(const Stage& stage, const std::string& at, const SourcedDocument& sourced) {
  const auto found = environments_.find(stage.environment);
  if (!stage.strategy || stage.strategy->rolling || found == environments_.end()) return;
  const auto& environment = *found->second.document;
  const auto& there = found->second.sourced->source;
  const auto missing = [&](std::string_view what, std::string_view why, std::string_view path) {
    report(
        sourced, fmt::format("{}/strategy{}", at, path),
        fmt::format("the strategy of this stage {}, and environment {} has no {}", why, quoted(environment.name), what),
        fmt::format("{} in {}:{}", what, there.file, there.line));
  };
  if (!environment.shift && !environment.haproxy) missing("traffic", "moves traffic", "");
  if (!is_whole(sourced)) {
    // what retires may be among what was not read
  } else if (stage.driver && !can_retire(*stage.driver)) {
    report(sourced, at + "/driver",
           "the strategy of this stage retires what ran before, and its driver has no retire command",
           "driver.command.retire of the stage");
  } else if (const auto driver = stage.driver ? std::string() : without_retire(environment); !driver.empty()) {
    missing("retire command of " + driver, "retires what ran before", "");
  }
  const auto& strategy = *stage.strategy;
  const bool measures = strategy.canary ? !strategy.canary->analysis.empty()
                                        : strategy.blue_green && !strategy.blue_green->analysis.empty();
  if (measures && environment.prometheus.empty()) {
    missing("prometheus", "measures", strategy.canary ? "/canary/analysis" : "/blueGreen/analysis");
  }
}

// What is taken away when its document goes needs a driver that can.
void DocumentsCheck::check_retirement(const Target& target, const SourcedDocument& sourced) {
  const auto place = environments_.find(target.id.environment);
  if (target.on_delete != OnDelete::retire || place == environments_.end()) return;
  if (!services_.contains(target.id.service)) return;  // a stage of it may have a driver of its own
  if (const auto* stage = stage_with_driver(target.id)) {
    if (can_retire(*stage->driver)) return;
    report(sourced, "/spec/onDelete", "'onDelete: retire', and the driver of its stage has no retire command",
           fmt::format("driver.command.retire in {}:{}", services_.at(target.id.service).sourced->source.file,
                       stage->line));
  } else if (!without_retire(*place->second.document).empty()) {
    report(sourced, "/spec/onDelete",
           fmt::format("'onDelete: retire', and the driver of environment {} has no retire command{}",
                       quoted(target.id.environment),
                       place->second.document->locations.empty() ? "" : " for every location"),
           fmt::format("driver.command.retire in {}:{}", place->second.sourced->source.file,
                       place->second.sourced->source.line));
  }
}

// The stage that leads there, where it has a driver of its own.
const Stage* DocumentsCheck::stage_with_driver(const TargetId& id) const {
  const auto service = services_.find(id.service);
  if (service == services_.end()) return nullptr;
  const auto& stages = service->second.document->stages;
  const auto stage = std::ranges::find(stages, id.environment, &Stage::environment);
  return stage != stages.end() && stage->driver ? &*stage : nullptr;
}

}  // namespace headgate::reconciler
