// Who may do what.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/state.h"

namespace headgate {

// What a sign-in tells of itself, by name, each with one or more values: amr is mfa and pwd. A bearer token has none.
using Claims = std::map<std::string, std::vector<std::string>, std::less<>>;

// Who speaks: the token they came in with and the person it belongs to, if any.
struct Principal {
  std::string token;   // token:<id>
  std::string person;  // person:<id>, or empty
  Claims claims{};
  bool any_claims = false;  // to ask what they may do, however they sign in
  const std::string& actor() const { return person.empty() ? token : person; }
};

// How far a role must reach for what is asked. No empty name stands for any of them or for all.
class Reach {
 public:
  enum class Extent { any, all, one };
  struct Part {
    Extent extent = Extent::all;
    std::string_view name{};  // of one; must outlive the question
  };

  // Wherever it is held: for what shows only the rows that may be seen, or then asks for the place that it is about.
  static Reach somewhere() { return {{Extent::any}, {Extent::any}}; }
  // For what belongs to no service and environment: a grant that is limited to some does not reach it.
  static Reach everywhere() { return {{Extent::all}, {Extent::all}}; }
  static Reach of_service(std::string_view name) { return {{Extent::one, name}, {Extent::any}}; }
  static Reach of_environment(std::string_view name) { return {{Extent::any}, {Extent::one, name}}; }
  static Reach of(std::string_view service, std::string_view environment) {
    return {{Extent::one, service}, {Extent::one, environment}};
  }
  static Reach of(const TargetId& id) { return of(id.service, id.environment); }

  const Part& service() const { return service_; }
  const Part& environment() const { return environment_; }

 private:
  Reach(Part service, Part environment) : service_(service), environment_(environment) {}

  Part service_;
  Part environment_;
};

// What people and tokens are called: up to 63 letters, digits and . _ -, beginning with a letter or digit.
bool is_handle(std::string_view text);

// The holder of a token's hash; nullopt: unknown, revoked or expired. The lookup is by SHA-256 of a random secret, so
// that its time tells nothing about the secret.
std::optional<Principal> authenticate(const State& state, std::string_view token_hash, Timestamp now);

// A grant that requires claims counts only for who has them. Roles imply: auditor ⊃ viewer; operator, approver,
// reporter, breakGlass ⊃ viewer; admin ⊃ everything but approving as a team's member.
bool may(const State& state, const Principal& principal, Role role, const Reach& reach);
// Why a grant of the role does not count although it is theirs: what it requires, and what they have of it. Empty:
// there is no such grant.
std::string missing_claims(const State& state, const Principal& principal, Role role, const Reach& reach);

// Among those whose work something holds: whoever it may be, for there are more commits than can be told one by one.
inline constexpr std::string_view anybody = "person:anybody";

// Whether two ids are of one person: the AccessPolicy says which belong together.
bool same_person(const AccessPolicy* policy, std::string_view one, std::string_view other);
bool knows(const AccessPolicy& policy, std::string_view person);

bool is_member(const AccessPolicy& policy, std::string_view team, std::string_view person);
// Members of `team` that hold the approver role for the target, however they sign in.
std::vector<std::string> approvers(const AccessPolicy& policy, std::string_view team, const TargetId& target);
// The claims, among those given, that the approver role of the person asks for: none where one of their grants asks for
// none. nullopt: every grant of theirs asks for others.
std::optional<StringMap> approver_claims(const AccessPolicy& policy, const std::string& person, const TargetId& target,
                                         const Claims& claims);
// What a sign-in must have for the approver role of the person to count, in words; empty: nothing.
std::string asked_of_approver(const AccessPolicy& policy, const std::string& person, const TargetId& target);

}  // namespace headgate
