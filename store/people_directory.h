// The directory of people as files, one a person, so that one can be erased without touching another:
//
//   <folder>/<id>.json          {"name":…,"named":true,"emails":[…],"oidc":[…],"signing_keys":[…],"also":[…]}
//   <folder>/tokens/<id>.json   {"name":…}
// `also` holds the ids of people who turned out to be this one; their own files are gone, or go at the next open.
//
//   <folder>/<id>.erased        empty; written before the erasure begins, so that a crash inside it is finished at open
//
// Ids are ten random characters of the alphabet 0-9 a-z without i, l, o and u (50 bits). Files are 0600, folders 0700.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/people.h"

namespace headgate::store {

class PeopleDirectory final : public People {
 public:
  static constexpr std::size_t kMaxTextBytes = 1024;  // of a name or an identity
  static constexpr std::size_t kMaxKeyBytes = 8192;   // of a signing key
  static constexpr std::size_t kMaxIdentities = 64;   // of each kind, of one person

  // Makes the folders when they are missing (their parent must exist). corrupt, naming the file, never its contents.
  static Result<std::unique_ptr<PeopleDirectory>> open(const std::filesystem::path& folder);

  // Error messages hold ids and kinds of identity only: they travel into diagnostics and from there into the log.
  Result<PersonIds> claim(const PersonRecord& record) override;
  Result<void> join(const PersonIds& ids) override;
  // An address-less author is known by the name, as Git writes it: "Name <>". Text that is no UTF-8 or too long, which
  // Git does not forbid, is escaped or replaced by its digest, so that no commit can be refused for it.
  Result<std::string> person_by_email(std::string_view name, std::string_view email) override;
  Result<std::string> token_id(std::string_view name) override;

  std::optional<PersonRecord> find(std::string_view id) const override;
  std::optional<std::string> token_name(std::string_view id) const override;
  std::vector<PersonRecord> list() const override;  // by id
  Result<void> erase(std::string_view id) override;

 private:
  struct Entry {
    PersonRecord record;
    // The name came from an AccessPolicy and identifies the person. Names of commit authors never do: anyone can
    // commit under any name, and would join a person of the policy.
    bool named = false;
    // Of a policy that was in force: a claim alone gives a name no other identity.
    bool is_somebody() const {
      return named && !(record.emails.empty() && record.oidc.empty() && record.signing_keys.empty());
    }
  };

  explicit PeopleDirectory(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<void> load_people();
  Result<void> load_tokens();
  Result<void> load_person(const std::filesystem::path& path);
  Result<void> index_people();
  Result<void> forget_joined(const std::vector<std::string>& ids);
  Result<void> load_token(const std::filesystem::path& path);
  std::filesystem::path file_of(std::string_view id, std::string_view extension) const;
  Result<std::string> new_id(std::string_view prefix) const;
  static std::vector<std::string> keys_of(const Entry& entry);
  static Result<void> add(Entry& entry, const PersonRecord& more);
  const Entry* owner_of(std::string_view id) const;  // by any of the person's ids
  Result<void> store(const Entry& entry, bool replaces);

  const std::filesystem::path folder_;
  std::mutex writing_;                // one change at a time, held over its syncs
  mutable std::shared_mutex memory_;  // guards what follows; a change takes it for an instant, after its syncs
  std::map<std::string, Entry, std::less<>> people_;             // by id
  std::map<std::string, std::string, std::less<>> by_identity_;  // keys_of -> person id
  std::map<std::string, std::string, std::less<>> also_;         // further id -> person id
  std::map<std::string, std::string, std::less<>> tokens_;       // id -> name
  std::map<std::string, std::string, std::less<>> by_token_;     // name -> id
  std::set<std::string, std::less<>> erased_;                    // ids that stay reserved
};

}  // namespace headgate::store
