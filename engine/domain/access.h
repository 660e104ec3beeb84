// Who may do what.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/state.h"

namespace headgate {

// Who speaks: the token they came in with and the person it belongs to, if any.
struct Principal {
  std::string token;   // token:<id>
  std::string person;  // person:<id>, or empty
  const std::string& actor() const { return person.empty() ? token : person; }
};

// The holder of a token's hash; nullopt: unknown, revoked or expired. The lookup is by SHA-256 of a random secret, so
// that its time tells nothing about the secret.
std::optional<Principal> authenticate(const State& state, std::string_view token_hash, Timestamp now);

// Roles imply: auditor ⊃ viewer; operator, approver, reporter, breakGlass ⊃ viewer; admin ⊃ everything but approving as
// a team's member. An empty service or environment asks for the role anywhere.
bool may(const State& state, const Principal& principal, Role role, std::string_view service,
         std::string_view environment);

// Whether two ids are of one person: the AccessPolicy says which belong together.
bool same_person(const AccessPolicy* policy, std::string_view one, std::string_view other);
bool knows(const AccessPolicy& policy, std::string_view person);

bool is_member(const AccessPolicy& policy, std::string_view team, std::string_view person);
// Members of `team` that hold the approver role for the target.
std::vector<std::string> approvers(const AccessPolicy& policy, std::string_view team, const TargetId& target);

}  // namespace headgate
