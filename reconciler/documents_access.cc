#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>

#include "engine/domain/access.h"
#include "reconciler/documents_kinds.h"
#include "reconciler/signing_keys.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxClaims = 16;
constexpr std::size_t kMaxClaimBytes = 256;
constexpr std::size_t kMaxIdentityBytes = 1024;

// A person or token as the document writes it, before the directory gave it an id.
struct WrittenPerson {
  const YamlNode* key = nullptr;
  PersonRecord record;
  std::vector<std::string> tokens;
  std::vector<std::string> keys;  // fingerprints
};

struct WrittenTeam {
  std::string name;
  std::vector<std::pair<std::string, const YamlNode*>> members;
};

struct WrittenGrant {
  Grant grant;  // team, role and scopes
  std::string person;
  std::string token;
  const YamlNode* subject = nullptr;  // of team, person or token
};

struct WrittenPolicy {
  std::vector<WrittenPerson> people;
  std::vector<WrittenTeam> teams;
  std::vector<WrittenGrant> grants;
};

// What is wrong is recorded for good, in configuration.rejected: a diagnostic tells where somebody's name or address
// stands, and never quotes it.
void refuse_quietly(YamlReader& r, const YamlNode& node, std::string message, std::string_view expected) {
  r.at(node, std::move(message), "", std::string(expected));
}

bool is_private_scalar(YamlReader& r, const YamlNode& node) {
  if (node.kind == YamlNode::Kind::scalar) return true;
  refuse_quietly(r, node, "wrong type", "text");
  return false;
}

bool is_private_list(YamlReader& r, const YamlNode& node) {
  if (node.kind == YamlNode::Kind::list) return r.is_list(node);
  refuse_quietly(r, node, "wrong type", "a list");
  return false;
}

constexpr std::string_view kHandleExpected = "up to 63 letters, digits and . _ -, beginning with a letter or digit";

void read_handle(YamlReader& r, const YamlNode& node, std::string& out) {
  if (!is_private_scalar(r, node)) return;
  if (!is_handle(node.text)) return refuse_quietly(r, node, "wrong name", kHandleExpected);
  out = node.text;
}

std::string lower_case(std::string text) {
  for (auto& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// Each identity belongs to one person; `owners` maps "kind:identity" to the line of who has it.
using Owners = std::map<std::string, std::uint32_t, std::less<>>;

std::string belongs_to(std::string_view what, std::uint32_t line) {
  return fmt::format("this {} belongs to the person in line {} already", what, line);
}

template <class IsGood>
auto identities_reader(std::string_view kind, std::string_view expected, std::uint32_t owner, Owners& owners,
                       IsGood is_good) {
  return [=, &owners](YamlReader& r, const YamlNode& node, std::vector<std::string>& out) {
    if (!is_private_list(r, node)) return;
    for (const auto& item : YamlItems(node)) {
      if (!is_private_scalar(r, item)) continue;
      std::string value(item.text);
      if (value.size() > kMaxIdentityBytes) {
        refuse_quietly(r, item, fmt::format("wrong {}", kind), fmt::format("at most {} bytes", kMaxIdentityBytes));
        continue;
      }
      if (value.empty() || has_control_character(value) || !is_good(value)) {
        refuse_quietly(r, item, fmt::format("wrong {}", kind), expected);
        continue;
      }
      auto identity = fmt::format("{}:{}", kind, kind == "e-mail address" ? lower_case(value) : value);
      if (const auto [known, is_new] = owners.emplace(std::move(identity), owner); !is_new) {
        r.at(item, belongs_to(kind, known->second), "", "each identity at one person, once");
        continue;
      }
      out.push_back(std::move(value));
    }
  };
}

void read_keys(YamlReader& r, const YamlNode& node, WrittenPerson& person, Owners& owners) {
  if (!is_private_list(r, node)) return;
  for (const auto& item : YamlItems(node)) {
    if (!is_private_scalar(r, item)) continue;
    std::string text(item.text);
    auto key = parse_signing_key(text);
    if (!key) {
      r.at(item, "no signing key: " + key.error().message, "", std::string(expected_signing_key));
      continue;
    }
    if (const auto [known, is_new] = owners.emplace("key:" + key->fingerprint, person.key->place.line); !is_new) {
      r.at(item, belongs_to("key", known->second), "", "each identity at one person, once");
      continue;
    }
    person.record.signing_keys.push_back(std::move(text));
    person.keys.push_back(std::move(key->fingerprint));
  }
}

void read_person(YamlReader& r, const YamlNode& node, WrittenPerson& person, Owners& owners) {
  Fields f(r, node, "a person");
  const auto line = person.key->place.line;
  const auto is_email = [](std::string_view text) {
    const auto at = text.find('@');
    return at != 0 && at != std::string_view::npos && at + 1 < text.size() && text.find(' ') == std::string_view::npos;
  };
  const auto is_subject = [](std::string_view text) {
    const auto hash = text.find('#');
    return text.starts_with("https://") && hash != std::string_view::npos && hash + 1 < text.size();
  };
  f.optional("emails", identities_reader("e-mail address", "an e-mail address", line, owners, is_email),
             person.record.emails);
  f.optional("oidc",
             identities_reader("subject", "issuer#subject, with an issuer that begins with https://", line, owners,
                               is_subject),
             person.record.oidc);
  f.optional("signingKeys", [&](YamlReader& reader, const YamlNode& list) { read_keys(reader, list, person, owners); });
  f.optional(
      "tokens",
      identities_reader("token", "the name of a token: up to 63 letters, digits and . _ -", line, owners, is_handle),
      person.tokens);
}

void read_people(YamlReader& r, const YamlNode& node, std::vector<WrittenPerson>& people) {
  if (!r.is_map(node, "people by name (a map)")) return;
  Owners owners;
  for (const auto [key, value] : YamlEntries(node)) {
    auto& person = people.emplace_back();
    person.key = &key;
    person.record.name = key.text;
    if (!is_handle(key.text)) {
      refuse_quietly(r, key, "wrong name of a person", kHandleExpected);
    }
    read_person(r, value, person, owners);
  }
}

void read_teams(YamlReader& r, const YamlNode& node, std::vector<WrittenTeam>& teams) {
  if (!r.is_map(node, "teams by name (a map)")) return;
  for (const auto [key, value] : YamlEntries(node)) {
    auto& team = teams.emplace_back();
    team.name = key.text;
    if (!is_name(key.text)) {
      r.at(key, "wrong name of a team", quoted(key.text),
           "up to 63 lower-case letters, digits and '-', beginning and ending with a letter or digit");
    }
    Fields f(r, value, "a team");
    f.required("members", [&](YamlReader& reader, const YamlNode& list) {
      if (!reader.is_list(list)) return;
      for (const auto& item : YamlItems(list)) {
        std::string member;
        read_handle(reader, item, member);
        if (member.empty()) continue;
        if (std::ranges::find(team.members, member, &std::pair<std::string, const YamlNode*>::first) !=
            team.members.end()) {
          reader.at(item, "a member twice");
          continue;
        }
        team.members.emplace_back(std::move(member), &item);
      }
    });
  }
}

// Names, or "*" alone for all of them.
void read_scope(YamlReader& r, const YamlNode& node, std::vector<std::string>& out) {
  if (!r.is_list(node, "a list of names, or [\"*\"]")) return;
  if (node.first != nullptr && node.first->next == nullptr && node.first->text == "*") {
    out.emplace_back("*");
    return;
  }
  r.names(node, out);
  if (node.first == nullptr) r.wrong_value(node, "at least one name, or [\"*\"]");
}

void read_claims(YamlReader& r, const YamlNode& node, StringMap& claims) {
  if (!r.is_map(node, "values by the name of a claim (a map)")) return;
  if (node.size == 0 || node.size > kMaxClaims) {
    r.wrong_value(node, fmt::format("1 to {} claims", kMaxClaims));
    return;
  }
  for (const auto [key, value] : YamlEntries(node)) {
    if (key.text.empty() || key.text.size() > kMaxClaimBytes || has_control_character(key.text)) {
      r.at(key, "wrong name of a claim", "", fmt::format("one line of at most {} bytes, such as amr", kMaxClaimBytes));
      continue;
    }
    auto& wanted = claims[std::string(key.text)];
    if (r.line_of_text(value, wanted) && wanted.size() > kMaxClaimBytes) {
      r.wrong_value(value, fmt::format("at most {} bytes", kMaxClaimBytes));
    }
  }
}

void read_grant(YamlReader& r, const YamlNode& node, bool no_claims, WrittenGrant& written) {
  Fields f(r, node, "a grant");
  auto& grant = written.grant;
  f.optional("team", &YamlReader::name, grant.team);
  f.optional("person", read_handle, written.person);
  f.optional("token", read_handle, written.token);
  f.exactly_one_of({"team", "person", "token"});
  for (const auto* subject : {"team", "person", "token"}) {
    if (const auto* value = f.value_of(subject)) written.subject = value;
  }
  f.required("role", [&](YamlReader& reader, const YamlNode& value) { reader.word(value, grant.role); });
  const bool environments = f.optional("environments", read_scope, grant.environments);
  const bool services = f.optional("services", read_scope, grant.services);
  if (!environments && !services && f.is_map() && grant.role != Role::admin && grant.role != Role::auditor) {
    r.at(node, "a grant says nothing of where it holds", "", "environments, services or both; [\"*\"] is all of them");
  }
  for (const auto* scope : {"environments", "services"}) {
    const auto& names = std::string_view(scope) == "services" ? grant.services : grant.environments;
    const auto* value = f.value_of(scope);
    const bool limits = value != nullptr && !names.empty() && std::ranges::find(names, "*") == names.end();
    if (grant.role != Role::admin || !limits) continue;
    r.at(*value, "an admin is one everywhere", "",
         "[\"*\"]: tokens, people, backups and effects are of no environment or service");
  }
  f.optional("requireClaims", read_claims, grant.require_claims);
  const auto* claims = f.value_of("requireClaims");
  if (claims != nullptr && f.value_of("token") != nullptr) {
    r.at(*claims, "a token has no claims: this grant would never count", "",
         "a grant to a team or person, or no requireClaims");
  } else if (claims != nullptr && no_claims) {
    r.at(*claims, "no sign-in of this server has claims: this grant would never count", "", "no requireClaims");
  }
  // What a grant leaves out does not narrow it.
  if (!environments) grant.environments = {"*"};
  if (!services) grant.services = {"*"};
}

void check_references(YamlReader& r, const WrittenPolicy& policy) {
  std::vector<std::string_view> people;
  for (const auto& person : policy.people) people.emplace_back(person.record.name);
  std::ranges::sort(people);
  std::vector<std::string_view> teams;
  for (const auto& team : policy.teams) teams.emplace_back(team.name);
  std::ranges::sort(teams);
  const auto unknown = [&](std::string_view what, std::string_view name, const std::vector<std::string_view>& known,
                           const YamlNode& node) {
    if (name.empty() || std::ranges::binary_search(known, name)) return;
    const auto quote = what == "person" ? std::string() : fmt::format(" {}{}", quoted(name), r.suggestion(name, known));
    r.at(node, fmt::format("unknown {}{}", what, quote), "", fmt::format("a {} of this document", what));
  };
  for (const auto& team : policy.teams) {
    for (const auto& [member, node] : team.members) unknown("person", member, people, *node);
  }
  for (const auto& grant : policy.grants) {
    if (grant.subject == nullptr) continue;
    unknown("team", grant.grant.team, teams, *grant.subject);
    unknown("person", grant.person, people, *grant.subject);
  }
}

// Names to ids, by the directory.
void resolve(YamlReader& r, WrittenPolicy& written, People& directory, AccessPolicy& policy) {
  std::map<std::string, std::string, std::less<>> ids;  // by name
  std::map<std::string, std::uint32_t> lines;           // by id
  const auto token_id = [&](const std::string& name, const YamlNode& node) {
    auto id = directory.token_id(name);
    if (!id) r.at(node, fmt::format("the token {} cannot be known: {}", quoted(name), id.error().message));
    return id.value_or(std::string());
  };
  for (auto& person : written.people) {
    auto claimed = directory.claim(person.record);
    if (!claimed) {
      r.at(*person.key, "the person cannot be known: " + claimed.error().message);
      continue;
    }
    // Roles and teams go by the id: one of the two would hold the other's.
    const auto line = person.key->place.line;
    if (const auto [other, is_new] = lines.emplace(claimed->id, line); !is_new) {
      r.at(*person.key, fmt::format("by what identifies them, this is the person in line {}", other->second), "",
           "each person once: what a policy in force gave to somebody stays theirs");
      continue;
    }
    ids.emplace(person.record.name, claimed->id);
    auto& known = policy.people.emplace_back();
    known.id = std::move(claimed->id);
    known.also = std::move(claimed->also);
    known.keys = std::move(person.keys);
    for (const auto& token : person.tokens) known.tokens.push_back(token_id(token, *person.key));
  }
  const auto id_of = [&](const std::string& name) {
    const auto found = ids.find(name);
    return found == ids.end() ? std::string() : found->second;  // what is missing is reported above
  };
  for (auto& team : written.teams) {
    auto& known = policy.teams.emplace_back(Team{std::move(team.name), {}});
    for (const auto& [member, node] : team.members) known.members.push_back(id_of(member));
  }
  for (auto& grant : written.grants) {
    auto& known = policy.grants.emplace_back(std::move(grant.grant));
    if (!grant.person.empty()) known.person = id_of(grant.person);
    if (!grant.token.empty()) known.token = token_id(grant.token, *grant.subject);
  }
}

}  // namespace

void read_access_policy(YamlReader& r, const YamlNode& spec, People& people, bool no_claims,
                        std::size_t mistakes_before, AccessPolicy& policy) {
  WrittenPolicy written;
  {
    Fields f(r, spec, "an access policy's spec");
    f.optional("people", read_people, written.people);
    f.optional("teams", read_teams, written.teams);
    f.optional("grants", [&](YamlReader& reader, const YamlNode& node) {
      reader.list(node, written.grants, [&](YamlReader& each, const YamlNode& item, WrittenGrant& grant) {
        read_grant(each, item, no_claims, grant);
      });
    });
  }
  check_references(r, written);
  if (r.mistakes() == mistakes_before) return resolve(r, written, people, policy);
  for (auto& grant : written.grants) {  // where they hold can be checked all the same
    auto& known = policy.grants.emplace_back();
    known.environments = std::move(grant.grant.environments);
    known.services = std::move(grant.grant.services);
  }
}

}  // namespace headgate::reconciler
