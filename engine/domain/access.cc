#include "engine/domain/access.h"

#include <algorithm>

namespace headgate {
namespace {

bool covers(const std::vector<std::string>& scope, std::string_view name) {
  return scope.empty() || name.empty() ||
         std::ranges::any_of(scope, [&](const std::string& entry) { return entry == "*" || entry == name; });
}

bool implies(Role held, Role asked) {
  if (held == asked || held == Role::admin) return true;
  return asked == Role::viewer;
}

bool concerns(const AccessPolicy& policy, const Grant& grant, const Principal& principal) {
  if (!grant.token.empty()) return grant.token == principal.token;
  if (principal.person.empty()) return false;
  if (!grant.person.empty()) return grant.person == principal.person;
  return is_member(policy, grant.team, principal.person);
}

}  // namespace

std::optional<Principal> authenticate(const State& state, std::string_view token_hash, Timestamp now) {
  const auto id = state.token_hashes.find(token_hash);
  if (id == state.token_hashes.end()) return std::nullopt;
  const auto token = state.tokens.find(id->second);
  if (token == state.tokens.end()) return std::nullopt;
  if (token->second.expires && *token->second.expires <= now) return std::nullopt;
  Principal principal{id->second, {}};
  if (const auto* policy = state.access()) {
    for (const auto& person : policy->people) {
      if (std::ranges::find(person.tokens, principal.token) != person.tokens.end()) principal.person = person.id;
    }
  }
  return principal;
}

bool may(const State& state, const Principal& principal, Role role, std::string_view service,
         std::string_view environment) {
  const auto token = state.tokens.find(principal.token);
  if (token != state.tokens.end() &&
      std::ranges::any_of(token->second.roles, [&](Role held) { return implies(held, role); })) {
    return true;
  }
  const auto* policy = state.access();
  if (!policy) return false;
  return std::ranges::any_of(policy->grants, [&](const Grant& grant) {
    return implies(grant.role, role) && covers(grant.services, service) && covers(grant.environments, environment) &&
           concerns(*policy, grant, principal);
  });
}

namespace {
bool is(const Person& person, std::string_view id) {
  return person.id == id || std::ranges::find(person.also, id) != person.also.end();
}
}  // namespace

bool same_person(const AccessPolicy* policy, std::string_view one, std::string_view other) {
  if (one == other) return true;
  return policy && std::ranges::any_of(policy->people, [&](const Person& p) { return is(p, one) && is(p, other); });
}

bool knows(const AccessPolicy& policy, std::string_view person) {
  return std::ranges::any_of(policy.people, [&](const Person& p) { return is(p, person); });
}

bool is_member(const AccessPolicy& policy, std::string_view team, std::string_view person) {
  return std::ranges::any_of(policy.teams, [&](const Team& t) {
    return t.name == team && std::ranges::find(t.members, person) != t.members.end();
  });
}

std::vector<std::string> approvers(const AccessPolicy& policy, std::string_view team, const TargetId& target) {
  std::vector<std::string> people;
  for (const auto& t : policy.teams) {
    if (t.name != team) continue;
    for (const auto& member : t.members) {
      const Principal principal{{}, member};
      const bool allowed = std::ranges::any_of(policy.grants, [&](const Grant& grant) {
        return grant.role == Role::approver && covers(grant.services, target.service) &&
               covers(grant.environments, target.environment) && concerns(policy, grant, principal);
      });
      if (allowed) people.push_back(member);
    }
  }
  return people;
}

}  // namespace headgate
