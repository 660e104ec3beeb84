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

// Thread-safe. What changes the directory waits for the disk: never within StateView::with_state, nor on the engine's
// or a socket's thread. What only looks (find, token_name, list) is memory and is asked anywhere, within with_state
// too, so that an implementation takes no lock for it that it holds over a sync or while it reads the state.
class People {
 public:
  virtual ~People() = default;
  // The person known by any of these identities (the policy's name among them), made or extended when new; durable on
  // return. `record.id` is ignored. People known by an address of a commit alone become one with whom the identities
  // join them, and their ids further ids of that person. Two people of the policy that they join are an Error
  // (conflict).
  virtual Result<std::string> person(const PersonRecord& record) = 0;
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
