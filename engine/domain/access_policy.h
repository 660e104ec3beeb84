// The document of kind AccessPolicy: people, teams, and what each may do where. See documents.h.
#pragma once

#include <string>
#include <vector>

#include "engine/domain/enums.h"
#include "engine/domain/names.h"

namespace headgate {

// One person, however they come in; names and addresses stay in the directory of people beside the log.
struct Person {
  std::string id;                   // person:k3v9q2
  std::vector<std::string> tokens;  // ids of the tokens they hold: token:p9x1
  std::vector<std::string> also{};  // other ids of the same person, from before it was known that it is one
  std::vector<std::string> keys{};  // fingerprints of their signing keys: SHA256:… of SSH, 40 digits of OpenPGP
  bool operator==(const Person&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("id", s.id);
    v("tokens", s.tokens);
    v("also", s.also);
    v("keys", s.keys);
  }
};

struct Team {
  std::string name;
  std::vector<std::string> members;  // person ids
  bool operator==(const Team&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("members", s.members);
  }
};

// Exactly one of team, person and token is set. "*" among services or environments means all of them.
struct Grant {
  std::string team;
  std::string person;  // person id
  std::string token;   // token id
  Role role = Role::viewer;
  std::vector<std::string> environments;
  std::vector<std::string> services;
  StringMap require_claims{};  // it counts only for who comes in with these claims, by name
  bool operator==(const Grant&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("team", s.team);
    v("person", s.person);
    v("token", s.token);
    v("role", s.role);
    v("environments", s.environments);
    v("services", s.services);
    v("require_claims", s.require_claims);
  }
};

struct AccessPolicy {
  std::string name;
  std::vector<Person> people;
  std::vector<Team> teams;
  std::vector<Grant> grants;
  bool operator==(const AccessPolicy&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("people", s.people);
    v("teams", s.teams);
    v("grants", s.grants);
  }
};

}  // namespace headgate
