// Whether there is anybody who can give what is asked for, and whom the AccessPolicy names.
#include <fmt/core.h>

#include <algorithm>

#include "reconciler/documents_check.h"

namespace headgate::reconciler {
namespace {

bool holds(const std::vector<std::string>& scope, std::string_view name) {
  return std::ranges::any_of(scope, [&](const std::string& entry) { return entry == "*" || entry == name; });
}

}  // namespace

void DocumentsCheck::check_approvals(const Service& service, const Stage& stage, const ApprovalRule& rule,
                                     const std::string& at, const SourcedDocument& sourced) {
  const auto team = teams_.find(rule.team);
  if (team == teams_.end()) {
    if (rule.team.empty() || !all_read_of(DocumentKind::access_policy)) return;
    report(sourced, at + "/team", fmt::format("unknown team {}{}", quoted(rule.team), suggestion(rule.team, teams_)),
           "a team of the AccessPolicy");
    return;
  }
  const auto& listed = team->second->members;
  const std::set<std::string_view> members(listed.begin(), listed.end());
  if (members.size() < rule.count) {
    report(sourced, at + "/count",
           fmt::format("team {} has {} members, and {} must approve", quoted(rule.team), members.size(), rule.count),
           "at least as many members as approvals");
    return;
  }
  const auto able = approvers(service.name, stage.environment);
  const auto count = std::ranges::count_if(members, [&](std::string_view person) { return able.contains(person); });
  if (static_cast<std::size_t>(count) < rule.count) {
    report(sourced, at + "/team",
           fmt::format("{} members of team {} hold the role approver for {} in {}, and {} must approve", count,
                       quoted(rule.team), quoted(service.name), quoted(stage.environment), rule.count),
           "a grant of the role approver to the team");
  }
}

// Where a metric out of bounds or an unknown author asks for one person more, there must be one: somebody without
// whom every rule would still have its count, since one approval serves each rule whose team its giver is in.
void DocumentsCheck::check_exceptions(const Service& service, const Stage& stage, const std::string& at,
                                      const SourcedDocument& sourced) {
  const auto asks = [&](const std::string& name) {
    const auto gate = std::ranges::find(service.gates, name, &Gate::name);
    return gate != service.gates.end() &&
           std::ranges::any_of(gate->metrics, [](const auto& metric) { return metric.second.otherwise.has_value(); });
  };
  const auto& authors = stage.unknown_authors;
  const std::size_t needed = (std::ranges::any_of(stage.gates, asks) ? 1 : 0) +
                             (authors && authors->then == UnknownAuthors::extra_approval ? 1 : 0);
  if (policy_ == nullptr || stage.approvals.empty() || needed == 0) return;
  const auto able = approvers(service.name, stage.environment);
  std::map<std::string_view, std::vector<std::size_t>> people;  // with the rules that they serve
  std::vector<std::size_t> left;                                // for each rule
  for (std::size_t i = 0; i < stage.approvals.size(); ++i) {
    const auto team = teams_.find(stage.approvals[i].team);
    if (team == teams_.end()) return;  // that is reported already
    left.push_back(0);
    for (const auto& person : team->second->members) {
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
  report(sourced, at + "/protection/approvals/0",
         fmt::format("{} people can approve for {} in {}, which is too few when {} asks for one more", people.size(),
                     quoted(service.name), quoted(stage.environment),
                     needed > 1 ? "a gate's metric out of bounds and an unknown author each"
                     : authors  ? "an unknown author"
                                : "a gate's metric out of bounds"),
         needed > 1 ? "more members with the role approver" : "one member more with the role approver");
}

// Everybody who holds the role approver there, by themselves, by a team or by a token of theirs.
std::set<std::string_view> DocumentsCheck::approvers(std::string_view service, std::string_view environment) const {
  std::set<std::string_view> people;
  for (const auto& grant : policy_->grants) {
    if (grant.role != Role::approver || !holds(grant.environments, environment) || !holds(grant.services, service)) {
      continue;
    }
    if (!grant.person.empty()) people.insert(grant.person);
    if (const auto team = teams_.find(grant.team); team != teams_.end()) {
      people.insert(team->second->members.begin(), team->second->members.end());
    }
    if (grant.token.empty()) continue;
    for (const auto& person : policy_->people) {
      if (std::ranges::find(person.tokens, grant.token) != person.tokens.end()) people.insert(person.id);
    }
  }
  return people;
}

void DocumentsCheck::check(const AccessPolicy& policy, const SourcedDocument& sourced) {
  // Documents that were not read by this parser may refer to nobody. Who it is is not to be quoted: the list or the
  // grant is cited.
  const auto is_person = [&](const std::string& id) {
    if (id.empty()) return true;  // somebody who could not be known, which is reported
    return std::ranges::find(policy.people, id, &Person::id) != policy.people.end();
  };
  for (const auto& team : policy.teams) {
    for (const auto& member : team.members) {
      if (!is_person(member)) {
        report(sourced, fmt::format("/spec/teams/{}/members", team.name),
               fmt::format("team {} has an unknown member", quoted(team.name)), "people of the same document");
      }
    }
  }
  for (std::size_t i = 0; i < policy.grants.size(); ++i) {
    const auto& grant = policy.grants[i];
    const auto at = fmt::format("/spec/grants/{}", i);
    if (!grant.team.empty() && std::ranges::find(policy.teams, grant.team, &Team::name) == policy.teams.end()) {
      report(sourced, at + "/team", fmt::format("a grant to the unknown team {}", quoted(grant.team)),
             "a team of the same document");
    }
    if (!grant.person.empty() && !is_person(grant.person)) {
      report(sourced, at, "a grant to an unknown person", "a person of the same document");
    }
    for (const auto& name : grant.environments) {
      if (name == "*" || is_environment(name)) continue;
      report(sourced, fmt::format("{}/environments/{}", at, name),
             fmt::format("a grant names the unknown environment {}{}", quoted(name), suggestion(name, environments_)),
             "the name of an Environment, or \"*\"");
    }
    for (const auto& name : grant.services) {
      if (name == "*" || is_service(name)) continue;
      report(sourced, fmt::format("{}/services/{}", at, name),
             fmt::format("a grant names the unknown service {}{}", quoted(name), suggestion(name, services_)),
             "the name of a Service, or \"*\"");
    }
  }
}

}  // namespace headgate::reconciler
