// The directory of people for work without a server (`headgate validate`): in memory, ids from a hash of the name, so
// that two runs over the same repository agree. Never for a log: there, an id must not tell whose it is.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/ports/people.h"

namespace headgate::reconciler {

class OfflinePeople final : public People {
 public:
  Result<PersonIds> claim(const PersonRecord& record) override;
  Result<void> join(const PersonIds& ids) override;
  Result<std::string> person_by_email(std::string_view name, std::string_view email) override;
  Result<std::string> token_id(std::string_view name) override;
  std::optional<PersonRecord> find(std::string_view id) const override;
  std::optional<std::string> token_name(std::string_view id) const override;
  std::vector<PersonRecord> list() const override;
  Result<void> erase(std::string_view id) override;

 private:
  struct Entry {
    PersonRecord record;
    bool named = false;  // by a policy
    // One whom a policy in force names: two of them are never joined to each other.
    bool is_somebody() const {
      return named && !(record.emails.empty() && record.oidc.empty() && record.signing_keys.empty());
    }
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  static std::vector<std::string> keys_of(const Entry& entry);
  std::string new_id(std::string_view prefix, std::string_view name);
  Entries::const_iterator found(std::string_view id) const;  // by any of the person's ids

  mutable std::mutex mutex_;
  Entries people_;                                              // by id
  std::map<std::string, std::string, std::less<>> identities_;  // "email:alice@example.com" -> person id
  std::map<std::string, std::string, std::less<>> tokens_;      // name -> id
  std::set<std::string, std::less<>> used_ids_;                 // also of those who were erased
};

}  // namespace headgate::reconciler
