#include "engine/domain/access.h"

#include <algorithm>

namespace headgate {
namespace {

bool covers(const std::vector<std::string>& scope, const Reach::Part& asked) {
  const auto holds = [&](std::string_view name) { return std::ranges::find(scope, name) != scope.end(); };
  if (scope.empty() || holds("*") || asked.extent == Reach::Extent::any) return true;
  return asked.extent == Reach::Extent::one && holds(asked.name);
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

bool has(const Claims& claims, const std::string& name, const std::string& value) {
  const auto at = claims.find(name);
  return at != claims.end() && std::ranges::find(at->second, value) != at->second.end();
}

bool meets(const Grant& grant, const Principal& principal) {
  return principal.any_claims || std::ranges::all_of(grant.require_claims, [&](const auto& required) {
           return has(principal.claims, required.first, required.second);
         });
}

// Whether the grant gives the role there, if its claims are met.
bool gives(const AccessPolicy& policy, const Grant& grant, const Principal& principal, Role role, const Reach& reach) {
  return implies(grant.role, role) && covers(grant.services, reach.service()) &&
         covers(grant.environments, reach.environment()) && concerns(policy, grant, principal);
}

}  // namespace

bool is_handle(std::string_view text) {
  return is_version(text) && text.size() <= 63 && text.find('+') == std::string_view::npos;
}

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

bool may(const State& state, const Principal& principal, Role role, const Reach& reach) {
  const auto token = state.tokens.find(principal.token);
  if (token != state.tokens.end() &&
      std::ranges::any_of(token->second.roles, [&](Role held) { return implies(held, role); })) {
    return true;
  }
  const auto* policy = state.access();
  if (!policy) return false;
  return std::ranges::any_of(policy->grants, [&](const Grant& grant) {
    return gives(*policy, grant, principal, role, reach) && meets(grant, principal);
  });
}

std::string missing_claims(const State& state, const Principal& principal, Role role, const Reach& reach) {
  const auto* policy = state.access();
  if (!policy) return {};
  const auto grant = std::ranges::find_if(policy->grants, [&](const Grant& g) {
    return gives(*policy, g, principal, role, reach) && !meets(g, principal);
  });
  if (grant == policy->grants.end()) return {};
  std::string asked;
  std::string had;
  for (const auto& [name, value] : grant->require_claims) {
    if (has(principal.claims, name, value)) continue;
    asked += (asked.empty() ? "" : ", ") + name + ": " + value;
    const auto at = principal.claims.find(name);
    if (at == principal.claims.end()) continue;
    for (const auto& other : at->second) had += (had.empty() ? "" : ", ") + (name + ": " + other);
  }
  const auto whose =
      grant->team.empty() ? std::string("your") : grant->team + (grant->team.ends_with('s') ? "'" : "'s");
  return whose + " role " + std::string(name_of(grant->role)) + " asks for " + asked + "; this sign-in has " +
         (had.empty() ? "none" : had);
}

namespace {
// Also by a token of theirs: it may have asked for something before the policy said whose it is.
bool is(const Person& person, std::string_view id) {
  const auto holds = [&](const std::vector<std::string>& ids) { return std::ranges::find(ids, id) != ids.end(); };
  return person.id == id || holds(person.also) || holds(person.tokens);
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

namespace {
// Not an administrator's: who approves speaks for a team.
bool makes_approver(const AccessPolicy& policy, const Grant& grant, const Principal& principal,
                    const TargetId& target) {
  return grant.role == Role::approver && gives(policy, grant, principal, Role::approver, Reach::of(target)) &&
         meets(grant, principal);
}
}  // namespace

std::vector<std::string> approvers(const AccessPolicy& policy, std::string_view team, const TargetId& target) {
  std::vector<std::string> people;
  for (const auto& t : policy.teams) {
    if (t.name != team) continue;
    for (const auto& member : t.members) {
      const Principal principal{{}, member, {}, true};
      const bool allowed = std::ranges::any_of(
          policy.grants, [&](const Grant& grant) { return makes_approver(policy, grant, principal, target); });
      if (allowed) people.push_back(member);
    }
  }
  return people;
}

namespace {
std::optional<StringMap> fewest_claims(const AccessPolicy& policy, const Principal& principal, const TargetId& target) {
  std::optional<StringMap> fewest;
  for (const auto& grant : policy.grants) {
    if (!makes_approver(policy, grant, principal, target)) continue;
    if (!fewest || grant.require_claims.size() < fewest->size()) fewest = grant.require_claims;
  }
  return fewest;
}
}  // namespace

std::optional<StringMap> approver_claims(const AccessPolicy& policy, const std::string& person, const TargetId& target,
                                         const Claims& claims) {
  return fewest_claims(policy, {{}, person, claims}, target);
}

std::string asked_of_approver(const AccessPolicy& policy, const std::string& person, const TargetId& target) {
  std::string text;
  for (const auto& [name, value] : fewest_claims(policy, {{}, person, {}, true}, target).value_or(StringMap{})) {
    text += (text.empty() ? "" : ", ") + name + ": " + value;
  }
  return text;
}

}  // namespace headgate
