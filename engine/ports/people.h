// The directory of people beside the log. The log holds only ids that this directory hands out at random, so that a
// person can be erased without touching one record.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/error.h"

namespace headgate {

struct PersonRecord {
  std::string id;    // person:<random id>
  std::string name;  // as the AccessPolicy calls them, or the name of a commit's author
  std::vector<std::string> emails;
  std::vector<std::string> oidc;  // issuer#subject
  std::vector<std::string> signing_keys;
  std::vector<std::string> also{};  // further ids, from before it was known that it is one person
};

// All ids that stand for one person.
struct PersonIds {
  std::string id;                 // the one that the AccessPolicy uses
  std::vector<std::string> also;  // the others
  bool operator==(const PersonIds&) const = default;
};

// What somebody is known by, each alone: the policy's name first, then addresses, subjects and keys.
inline std::vector<PersonRecord> identities_of(const PersonRecord& record) {
  std::vector<PersonRecord> alone;
  if (!record.name.empty()) alone.push_back({{}, record.name, {}, {}, {}});
  for (const auto& email : record.emails) alone.push_back({{}, {}, {email}, {}, {}});
  for (const auto& subject : record.oidc) alone.push_back({{}, {}, {}, {subject}, {}});
  for (const auto& key : record.signing_keys) alone.push_back({{}, {}, {}, {}, {key}});
  return alone;
}

// Thread-safe. What changes the directory waits for the disk: never within StateView::with_state, nor on the engine's
// or a socket's thread. What only looks (find, token_name, list) is memory and is asked anywhere, within with_state
// too, so that an implementation takes no lock for it that it holds over a sync or while it reads the state.
class People {
 public:
  virtual ~People() = default;
  // Whom the identities of an AccessPolicy's person (its name among them) stand for, whether or not that policy ever
  // takes force: an identity that nobody has gets an id of its own, durable on return, and no person gains one.
  // `record.id` is ignored. `also` keeps its order and only grows, so that a gained identity shows in it. Identities of
  // two people whom policies in force have named are an Error (conflict).
  virtual Result<PersonIds> claim(const PersonRecord& record) = 0;
  // A policy in force says that these ids are one person: from now on `id` has all that the others have, and the name
  // of the one among them that has one. Durable on return; ids that are joined or erased already change nothing. An id
  // of another person whom a policy has named so is an Error (conflict).
  virtual Result<void> join(const PersonIds& ids) = 0;
  // The person of a commit: by e-mail address (compared without case), made when new.
  virtual Result<std::string> person_by_email(std::string_view name, std::string_view email) = 0;
  // token:<random id> for the name of a token, made when new; a token's name may name a person, so it stays here too.
  virtual Result<std::string> token_id(std::string_view name) = 0;

  // Of any of a person's ids.
  virtual std::optional<PersonRecord> find(std::string_view id) const = 0;
  virtual std::optional<std::string> token_name(std::string_view id) const = 0;
  virtual std::vector<PersonRecord> list() const = 0;
  // Of a person (by any of the ids) or a token: overwritten, removed, synced; the ids stay reserved. not_found when the
  // id was never handed out; erasing twice is no error.
  virtual Result<void> erase(std::string_view id) = 0;
};

}  // namespace headgate
