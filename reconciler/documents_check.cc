// What no file can tell alone.
#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "engine/domain/planner.h"
#include "engine/domain/promote.h"
#include "reconciler/documents_parser.h"
#include "reconciler/yaml_diagnostics.h"

namespace headgate::reconciler {
namespace {

template <class T>
struct Found {
  const T* document;
  const Source* source;
};

template <class T>
using ByName = std::map<std::string_view, Found<T>>;

template <class T>
std::vector<std::string_view> names_of(const ByName<T>& documents) {
  std::vector<std::string_view> names;
  names.reserve(documents.size());
  for (const auto& [name, found] : documents) names.push_back(name);
  return names;
}

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

bool holds(const std::vector<std::string>& scope, std::string_view name) {
  return std::ranges::any_of(scope, [&](const std::string& entry) { return entry == "*" || entry == name; });
}

class Checker {
 public:
  Checker(const std::vector<const SourcedDocument*>& all, const std::optional<HostOffers>& host)
      : all_(all), host_(host) {
    for (const auto* sourced : all) {
      std::visit([&](const auto& document) { add(document, *sourced); }, sourced->document);
    }
  }

  static constexpr std::size_t kMaxDiagnostics = 1000;
  static constexpr std::size_t kMaxSuggestions = 100;

  std::vector<Diagnostic> run() {
    for (const auto& [name, service] : services_) check(*service.document, *service.source);
    for (const auto& [name, environment] : environments_) check(*environment.document, *environment.source);
    for (const auto& [name, target] : targets_) check(*target.document, *target.source);
    check_old_names();
    check_order();
    if (policy_) check(*policy_->document, *policy_->source);
    for (const auto& [name, policy] : notification_policies_) check(*policy.document, *policy.source);
    for (const auto& [name, environment] : environments_) check_ignored(*environment.document, *environment.source);
    check_host(all_, host_,
               [this](const Source& source, std::uint32_t line, std::string message, std::string expected) {
                 report(source, line, std::move(message), std::move(expected));
               });
    std::ranges::stable_sort(diagnostics_, {}, [](const Diagnostic& d) { return std::tie(d.file, d.line, d.column); });
    if (count_ > kMaxDiagnostics) {
      const auto& last = diagnostics_.back();
      diagnostics_.push_back({last.file, last.line, last.column,
                              fmt::format("{} more mistakes are not listed", count_ - kMaxDiagnostics), "", ""});
    }
    return std::move(diagnostics_);
  }

 private:
  void report(const Source& source, std::uint32_t line, std::string message, std::string expected) {
    if (++count_ > kMaxDiagnostics) return;
    diagnostics_.push_back({source.file, line, 1, std::move(message), "", std::move(expected)});
  }

  template <class T>
  std::string suggestion(std::string_view name, const ByName<T>& known) const {
    return count_ < kMaxSuggestions ? did_you_mean(name, names_of(known)) : std::string();
  }

  template <class T>
  void remember(ByName<T>& by_name, const T& document, std::string_view name, const SourcedDocument& sourced) {
    const auto [first, is_new] = by_name.emplace(name, Found<T>{&document, &sourced.source});
    if (is_new) return;
    const auto kind = name_of(key_of(sourced.document).kind);
    const auto at = [&](const Source& here, const Source& there) {
      report(here, here.line, fmt::format("{} {} is there twice", kind, quoted(name)),
             fmt::format("it once; the other is at {}:{}", there.file, there.line));
    };
    at(*first->second.source, sourced.source);
    at(sourced.source, *first->second.source);
  }

  void add(const Service& service, const SourcedDocument& sourced) {
    remember(services_, service, service.name, sourced);
  }
  void add(const Environment& environment, const SourcedDocument& sourced) {
    remember(environments_, environment, environment.name, sourced);
  }
  void add(const Target& target, const SourcedDocument& sourced) {
    remember(targets_, target, target_names_.emplace_back(key_of(sourced.document).name), sourced);
  }
  void add(const NotificationPolicy& policy, const SourcedDocument& sourced) {
    remember(notification_policies_, policy, policy.name, sourced);
  }
  void add(const AccessPolicy& policy, const SourcedDocument& sourced) {
    if (!policy_) {
      policy_ = Found<AccessPolicy>{&policy, &sourced.source};
      for (const auto& team : policy.teams) teams_.emplace(team.name, Found<Team>{&team, &sourced.source});
      return;
    }
    const auto at = [&](const Source& here, const Source& there) {
      report(here, here.line, "more than one AccessPolicy",
             fmt::format("one in the whole repository; another is at {}:{}", there.file, there.line));
    };
    at(*policy_->source, sourced.source);
    at(sourced.source, *policy_->source);
  }

  void check(const Service& service, const Source& source) {
    for (const auto& stage : service.stages) {
      if (!environments_.contains(stage.environment)) {
        report(source, stage.line,
               fmt::format("unknown environment {}{}", quoted(stage.environment),
                           suggestion(stage.environment, environments_)),
               "the name of an Environment");
      }
      check_strategy(stage, source);
      check_places(service, stage, source);
      for (const auto& rule : stage.approvals) check(service, stage, rule, source);
      check_exceptions(service, stage, source);
    }
  }

  void check(const Environment& environment, const Source& source) {
    for (const auto& monitor : environment.monitors) {
      for (const auto& service : monitor.services) {
        if (services_.contains(service)) continue;
        report(source, monitor.line,
               fmt::format("monitor {} is of the unknown service {}{}", quoted(monitor.name), quoted(service),
                           suggestion(service, services_)),
               "the name of a Service");
      }
    }
  }

  // Services that are promoted after each other.
  void check_order() {
    for (const auto& [name, service] : services_) {
      for (const auto& dependency : service.document->depends_on) {
        if (services_.contains(dependency.service)) continue;
        report(
            *service.source, dependency.line,
            fmt::format("unknown service {}{}", quoted(dependency.service), suggestion(dependency.service, services_)),
            "the name of a Service");
      }
      const auto ring = ring_through(name);
      if (ring.empty()) continue;
      report(*service.source, service.document->depends_on.front().line,
             "services are promoted after each other in a circle: " + ring, "an order in which each can come");
    }
  }

  // The shortest ring through a service, as "a -> b -> a"; empty when there is none.
  std::string ring_through(std::string_view start) const {
    std::map<std::string_view, std::string_view> came_from;
    std::vector<std::string_view> queue{start};
    for (std::size_t head = 0; head < queue.size(); ++head) {
      const auto at = queue[head];
      for (const auto& dependency : services_.find(at)->second.document->depends_on) {
        if (dependency.service == start) {
          std::string path(start);
          for (auto back = at; back != start; back = came_from.at(back)) path.insert(0, std::string(back) + " -> ");
          return std::string(start) + " -> " + path;
        }
        const auto next = services_.find(dependency.service);
        if (next == services_.end() || !came_from.emplace(next->first, at).second) continue;
        queue.push_back(next->first);
      }
    }
    return {};
  }

  // Of two documents only one can carry on what happened under a name, and none while that name is still there.
  void check_old_names() {
    std::map<std::string, const Source*> taken;
    const auto look = [&](std::string_view kind, const std::string& old, const auto& known, const Source& source) {
      if (const auto there = known.find(old); there != known.end()) {
        report(source, source.line, fmt::format("{} {} is still there, so that nothing was renamed", kind, quoted(old)),
               fmt::format("no 'formerly', or {}:{} removed", there->second.source->file, there->second.source->line));
      }
      const auto [first, is_new] = taken.emplace(std::string(kind) + "/" + old, &source);
      if (is_new) return;
      report(source, source.line, fmt::format("two documents were formerly the {} {}", kind, quoted(old)),
             fmt::format("one; the other is at {}:{}", first->second->file, first->second->line));
    };
    for (const auto& [name, service] : services_) {
      if (const auto& old = service.document->formerly; !old.empty()) look("Service", old, services_, *service.source);
    }
    for (const auto& [name, environment] : environments_) {
      if (const auto& old = environment.document->formerly; !old.empty()) {
        look("Environment", old, environments_, *environment.source);
      }
    }
    for (const auto& [name, target] : targets_) {
      const auto& old = target.document->formerly;
      if (!old) continue;
      look("Target", old->service + "." + old->environment, targets_, *target.source);
      const auto& service = target.document->id.service;
      if (old->service == service) continue;
      const auto now = services_.find(service);
      if (now != services_.end() && now->second.document->formerly == old->service) continue;
      report(*target.source, target.source->line,
             fmt::format("a target of service {} cannot go on as one of service {}", quoted(old->service),
                         quoted(service)),
             fmt::format("the same service, or 'formerly: {}' in the metadata of service {}", old->service,
                         quoted(service)));
    }
  }

  static bool can_retire(const Driver& driver) { return driver.retire || driver.container || driver.webhook; }

  // The driver that cannot take anything away; empty when each can.
  static std::string without_retire(const Environment& environment) {
    const auto inherits = [](const Location& location) { return !location.driver; };
    const bool used = environment.locations.empty() || std::ranges::any_of(environment.locations, inherits);
    if (used && !can_retire(environment.driver)) return "its driver";
    for (const auto& location : environment.locations) {
      if (location.driver && !can_retire(*location.driver)) return "the driver of location " + quoted(location.name);
    }
    return {};
  }

  // What a stage's texts and rules say of locations must fit the environment that it leads to.
  void check_places(const Service& service, const Stage& stage, const Source& source) {
    const auto found = environments_.find(stage.environment);
    if (found == environments_.end()) return;
    const auto& environment = *found->second.document;
    const auto& there = *found->second.source;
    if (environment.locations.empty()) {
      for (const auto& [what, line] : mentions_of_location(service, stage)) {
        report(
            source, line,
            fmt::format("{} holds ${{location}}, and environment {} has no locations", what, quoted(environment.name)),
            fmt::format("a text without it, or locations in {}:{}", there.file, there.line));
      }
      return;
    }
    if (stage.restore && environment.on_location_failure == OnLocationFailure::rollback_location) {
      report(
          source, stage.restore->line,
          fmt::format("this restores what all locations of {} share, and 'onLocationFailure: rollbackLocation' takes "
                      "one of them back alone",
                      quoted(environment.name)),
          fmt::format("no restore, or another rule in {}:{}", there.file, there.line));
    }
    if (const auto steps = steps_at_most(stage, environment); steps > max_plan_steps) {
      report(source, stage.line,
             fmt::format("the plans of this stage take up to {} steps in the {} locations of {}", steps,
                         environment.locations.size(), quoted(environment.name)),
             fmt::format("at most {}: fewer checks, fewer steps of the strategy, or fewer locations", max_plan_steps));
    }
  }

  // With their lines.
  static std::vector<std::pair<std::string, std::uint32_t>> mentions_of_location(const Service& service,
                                                                                 const Stage& stage) {
    const auto holds_it = [](std::string_view text) { return text.find("${location}") != std::string_view::npos; };
    std::vector<std::pair<std::string, std::uint32_t>> mentions;
    for (const auto* checks : {&stage.verify_preview, &stage.verify}) {
      for (const auto& check : *checks) {
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
        if (mentioned) mentions.emplace_back("the check " + quoted(check.name), check.line);
      }
    }
    if (stage.driver) {
      const auto mentioned = [&](const Run& run) { return std::ranges::any_of(run.command, holds_it); };
      const auto& driver = *stage.driver;
      if (mentioned(driver.deploy) || mentioned(driver.observe) || (driver.retire && mentioned(*driver.retire)) ||
          (driver.container && holds_it(driver.container->image)) ||
          (driver.webhook && holds_it(driver.webhook->url))) {
        mentions.emplace_back("the driver of this stage", stage.line);
      }
    }
    if (!stage.strategy) return mentions;
    const auto& [canary, blue_green, rolling] = *stage.strategy;
    const auto names = canary ? canary->analysis : blue_green ? blue_green->analysis : std::vector<std::string>{};
    for (const auto& metric : service.analysis) {
      if (std::ranges::find(names, metric.name) == names.end()) continue;
      if (holds_it(metric.query) || (metric.min_samples && holds_it(metric.min_samples->query))) {
        mentions.emplace_back("the metric " + quoted(metric.name), metric.line);
      }
    }
    return mentions;
  }

  // What a strategy needs of the place that it is carried out in.
  void check_strategy(const Stage& stage, const Source& source) {
    const auto found = environments_.find(stage.environment);
    if (!stage.strategy || stage.strategy->rolling || found == environments_.end()) return;
    const auto& environment = *found->second.document;
    const auto missing = [&](std::string_view what, std::string_view why) {
      report(source, stage.line,
             fmt::format("the strategy of this stage {}, and environment {} has no {}", why, quoted(environment.name),
                         what),
             fmt::format("{} in {}:{}", what, found->second.source->file, found->second.source->line));
    };
    if (!environment.shift && !environment.haproxy) missing("traffic", "moves traffic");
    if (stage.driver && !can_retire(*stage.driver)) {
      report(source, stage.line,
             "the strategy of this stage retires what ran before, and its driver has no retire command",
             "driver.command.retire of the stage");
    } else if (const auto driver = stage.driver ? std::string() : without_retire(environment); !driver.empty()) {
      missing("retire command of " + driver, "retires what ran before");
    }
    const auto& strategy = *stage.strategy;
    const bool measures = strategy.canary ? !strategy.canary->analysis.empty()
                                          : strategy.blue_green && !strategy.blue_green->analysis.empty();
    if (measures && environment.prometheus.empty()) missing("prometheus", "measures");
  }

  // Where a metric out of bounds or an unknown author asks for one person more, there must be one: somebody without
  // whom every rule would still have its count, since one approval serves each rule whose team its giver is in.
  void check_exceptions(const Service& service, const Stage& stage, const Source& source) {
    const auto asks = [&](const std::string& name) {
      const auto gate = std::ranges::find(service.gates, name, &Gate::name);
      return gate != service.gates.end() &&
             std::ranges::any_of(gate->metrics, [](const auto& metric) { return metric.second.otherwise.has_value(); });
    };
    const auto& authors = stage.unknown_authors;
    const std::size_t needed = (std::ranges::any_of(stage.gates, asks) ? 1 : 0) +
                               (authors && authors->then == UnknownAuthors::extra_approval ? 1 : 0);
    if (!policy_ || stage.approvals.empty() || needed == 0) return;
    const auto able = approvers(service.name, stage.environment);
    std::map<std::string_view, std::vector<std::size_t>> people;  // with the rules that they serve
    std::vector<std::size_t> left;                                // for each rule
    for (std::size_t i = 0; i < stage.approvals.size(); ++i) {
      const auto team = teams_.find(stage.approvals[i].team);
      if (team == teams_.end()) return;  // that is reported already
      left.push_back(0);
      for (const auto& person : team->second.document->members) {
        if (!able.contains(person)) continue;
        people[person].push_back(i);
        ++left[i];
      }
    }
    std::size_t spare = 0;
    for (const std::size_t serving : {1U, 2U, ~0U}) {  // those who serve the fewest rules first
      for (auto& [person, rules] : people) {
        if (rules.empty() || rules.size() > serving) continue;
        if (std::ranges::any_of(rules, [&](std::size_t i) { return left[i] <= stage.approvals[i].count; })) continue;
        for (const auto i : rules) --left[i];
        rules.clear();
        ++spare;
      }
    }
    if (spare >= needed) return;
    report(source, stage.approvals.front().line,
           fmt::format("{} people can approve for {} in {}, which is too few when {} asks for one more", people.size(),
                       quoted(service.name), quoted(stage.environment),
                       needed > 1 ? "a gate's metric out of bounds and an unknown author each"
                       : authors  ? "an unknown author"
                                  : "a gate's metric out of bounds"),
           needed > 1 ? "more members with the role approver" : "one member more with the role approver");
  }

  void check(const Service& service, const Stage& stage, const ApprovalRule& rule, const Source& source) {
    const auto team = teams_.find(rule.team);
    if (team == teams_.end()) {
      report(source, rule.line, fmt::format("unknown team {}{}", quoted(rule.team), suggestion(rule.team, teams_)),
             "a team of the AccessPolicy");
      return;
    }
    const auto& listed = team->second.document->members;
    const std::set<std::string_view> members(listed.begin(), listed.end());
    if (members.size() < rule.count) {
      report(source, rule.line,
             fmt::format("team {} has {} members, and {} must approve", quoted(rule.team), members.size(), rule.count),
             "at least as many members as approvals");
      return;
    }
    const auto able = approvers(service.name, stage.environment);
    const auto count = std::ranges::count_if(members, [&](std::string_view person) { return able.contains(person); });
    if (static_cast<std::size_t>(count) < rule.count) {
      report(source, rule.line,
             fmt::format("{} members of team {} hold the role approver for {} in {}, and {} must approve", count,
                         quoted(rule.team), quoted(service.name), quoted(stage.environment), rule.count),
             "a grant of the role approver to the team");
    }
  }

  // Everybody who holds the role approver there, by themselves, by a team or by a token of theirs.
  std::set<std::string_view> approvers(std::string_view service, std::string_view environment) const {
    std::set<std::string_view> people;
    const auto& policy = *policy_->document;
    for (const auto& grant : policy.grants) {
      if (grant.role != Role::approver || !holds(grant.environments, environment) || !holds(grant.services, service)) {
        continue;
      }
      if (!grant.person.empty()) people.insert(grant.person);
      if (const auto team = teams_.find(grant.team); team != teams_.end()) {
        people.insert(team->second.document->members.begin(), team->second.document->members.end());
      }
      if (grant.token.empty()) continue;
      for (const auto& person : policy.people) {
        if (std::ranges::find(person.tokens, grant.token) != person.tokens.end()) people.insert(person.id);
      }
    }
    return people;
  }

  // The stage that leads there, where it has a driver of its own.
  const Stage* stage_with_driver(const TargetId& id) const {
    const auto service = services_.find(id.service);
    if (service == services_.end()) return nullptr;
    const auto& stages = service->second.document->stages;
    const auto stage = std::ranges::find(stages, id.environment, &Stage::environment);
    return stage != stages.end() && stage->driver ? &*stage : nullptr;
  }

  void check(const Target& target, const Source& source) {
    const auto service = services_.find(target.id.service);
    if (service == services_.end()) {
      report(source, source.line,
             fmt::format("unknown service {}{}", quoted(target.id.service), suggestion(target.id.service, services_)),
             "the name of a Service");
    }
    if (!environments_.contains(target.id.environment)) {
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
    const auto place = environments_.find(target.id.environment);
    if (target.on_delete != OnDelete::retire || place == environments_.end()) return;
    if (const auto* stage = stage_with_driver(target.id)) {
      if (can_retire(*stage->driver)) return;
      report(source, source.line, "'onDelete: retire', and the driver of its stage has no retire command",
             fmt::format("driver.command.retire in {}:{}", service->second.source->file, stage->line));
    } else if (!without_retire(*place->second.document).empty()) {
      report(source, source.line,
             fmt::format("'onDelete: retire', and the driver of environment {} has no retire command{}",
                         quoted(target.id.environment),
                         place->second.document->locations.empty() ? "" : " for every location"),
             fmt::format("driver.command.retire in {}:{}", place->second.source->file, place->second.source->line));
    }
  }

  void check(const NotificationPolicy& policy, const Source& source) {
    for (const auto& route : policy.routes) {
      for (const auto& name : route.environments) {
        if (environments_.contains(name)) continue;
        report(source, route.line,
               fmt::format("a route names the unknown environment {}{}", quoted(name), suggestion(name, environments_)),
               "the name of an Environment");
      }
    }
  }

  // Where the variables of an environment are known, one that none of its targets sets is mistyped.
  void check_ignored(const Environment& environment, const Source& source) {
    if (environment.ignore_differences.empty()) return;
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

  void check(const AccessPolicy& policy, const Source& source) {
    // Documents that were not read by this parser may refer to nobody.
    const auto is_person = [&](const std::string& id) {
      return std::ranges::find(policy.people, id, &Person::id) != policy.people.end();
    };
    for (const auto& team : policy.teams) {
      for (const auto& member : team.members) {
        if (!is_person(member)) {
          report(source, source.line, fmt::format("team {} has an unknown member", quoted(team.name)),
                 "people of the same document");
        }
      }
    }
    std::set<std::string> unknown_environments;
    std::set<std::string> unknown_services;
    for (const auto& grant : policy.grants) {
      if (!grant.team.empty() && std::ranges::find(policy.teams, grant.team, &Team::name) == policy.teams.end()) {
        report(source, source.line, fmt::format("a grant to the unknown team {}", quoted(grant.team)),
               "a team of the same document");
      }
      if (!grant.person.empty() && !is_person(grant.person)) {
        report(source, source.line, "a grant to an unknown person", "a person of the same document");
      }
      for (const auto& name : grant.environments) {
        if (name != "*" && !environments_.contains(name)) unknown_environments.insert(name);
      }
      for (const auto& name : grant.services) {
        if (name != "*" && !services_.contains(name)) unknown_services.insert(name);
      }
    }
    for (const auto& name : unknown_environments) {
      report(source, source.line,
             fmt::format("a grant names the unknown environment {}{}", quoted(name), suggestion(name, environments_)),
             "the name of an Environment, or \"*\"");
    }
    for (const auto& name : unknown_services) {
      report(source, source.line,
             fmt::format("a grant names the unknown service {}{}", quoted(name), suggestion(name, services_)),
             "the name of a Service, or \"*\"");
    }
  }

  const std::vector<const SourcedDocument*>& all_;
  const std::optional<HostOffers>& host_;
  std::vector<Diagnostic> diagnostics_;
  std::size_t count_ = 0;  // also of those beyond kMaxDiagnostics
  ByName<Service> services_;
  ByName<Environment> environments_;
  ByName<Target> targets_;
  ByName<NotificationPolicy> notification_policies_;
  std::deque<std::string> target_names_;       // what the keys of targets_ point into
  std::optional<Found<AccessPolicy>> policy_;  // the first
  ByName<Team> teams_;                         // of policy_
};

}  // namespace

std::vector<Diagnostic> YamlDocumentParser::check(const std::vector<const SourcedDocument*>& all) const {
  return Checker(all, host_).run();
}

}  // namespace headgate::reconciler
