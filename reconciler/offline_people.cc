#include "reconciler/offline_people.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>

namespace headgate::reconciler {
namespace {

// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
std::uint64_t hash(std::string_view text, std::uint64_t salt) {
  std::uint64_t value = 0xcbf29ce484222325U ^ salt;
  for (const char c : text) {
    value ^= static_cast<unsigned char>(c);
    value *= 0x100000001b3U;
  }
  return value;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (auto& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

std::vector<std::string> identities_of(const PersonRecord& record) {
  std::vector<std::string> identities;
  if (!record.name.empty()) identities.push_back("name:" + record.name);
  for (const auto& email : record.emails) identities.push_back("email:" + lower_case(email));
  for (const auto& subject : record.oidc) identities.push_back("oidc:" + subject);
  for (const auto& key : record.signing_keys) identities.push_back("key:" + key);
  return identities;
}

void add_new(std::vector<std::string>& known, const std::vector<std::string>& more) {
  for (const auto& value : more) {
    if (std::ranges::find(known, value) == known.end()) known.push_back(value);
  }
}

}  // namespace

std::string OfflinePeople::new_id(std::string_view prefix, std::string_view name) {
  for (std::uint64_t salt = 0;; ++salt) {
    auto id = fmt::format("{}:{:016x}", prefix, hash(name, salt));
    if (used_ids_.insert(id).second) return id;
  }
}

Result<std::string> OfflinePeople::person(const PersonRecord& record) {
  const std::lock_guard lock(mutex_);
  const auto identities = identities_of(record);
  if (identities.empty()) return fail(ErrorCode::invalid_input, "a person without any identity");
  std::set<std::string> ids;
  for (const auto& identity : identities) {
    if (const auto known = identities_.find(identity); known != identities_.end()) ids.insert(known->second);
  }
  const auto named = [&](const std::string& id) { return named_.contains(id); };
  if (std::ranges::count_if(ids, named) > 1) {
    return fail(ErrorCode::conflict,
                fmt::format("the identities of '{}' belong to {} people", record.name, ids.size()));
  }
  const auto kept = std::ranges::find_if(ids, named);
  const auto id = ids.empty() ? new_id("person", identities.front()) : kept == ids.end() ? *ids.begin() : *kept;
  named_.insert(id);
  for (const auto& identity : identities) identities_.insert_or_assign(identity, id);
  auto& known = people_[id];
  known.id = id;
  if (known.name.empty()) known.name = record.name;
  add_new(known.emails, record.emails);
  add_new(known.oidc, record.oidc);
  add_new(known.signing_keys, record.signing_keys);
  for (const auto& other : ids) {
    if (other == id) continue;
    for (auto& [identity, owner] : identities_) {
      if (owner == other) owner = id;
    }
    known.also.push_back(other);
    people_.erase(other);
  }
  return id;
}

Result<std::string> OfflinePeople::person_by_email(std::string_view name, std::string_view email) {
  const std::lock_guard lock(mutex_);
  auto identity = "email:" + lower_case(email);
  if (const auto known = identities_.find(identity); known != identities_.end()) return known->second;
  auto id = new_id("person", identity);
  people_[id] = {id, std::string(name), {std::string(email)}, {}, {}};
  identities_.emplace(std::move(identity), id);
  return id;
}

Result<std::string> OfflinePeople::token_id(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto known = tokens_.find(name); known != tokens_.end()) return known->second;
  auto id = new_id("token", name);
  tokens_.emplace(name, id);
  return id;
}

std::optional<PersonRecord> OfflinePeople::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = people_.find(id);
  return found == people_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> OfflinePeople::token_name(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, token] : tokens_) {
    if (token == id) return name;
  }
  return std::nullopt;
}

std::vector<PersonRecord> OfflinePeople::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<PersonRecord> all;
  for (const auto& [id, record] : people_) all.push_back(record);
  return all;
}

Result<void> OfflinePeople::erase(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = people_.find(id);
  if (found == people_.end()) return fail(ErrorCode::not_found, fmt::format("no person '{}'", id));
  people_.erase(found);
  std::erase_if(identities_, [&](const auto& entry) { return entry.second == id; });
  return {};
}

}  // namespace headgate::reconciler
