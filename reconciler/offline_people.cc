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

void add_new(std::vector<std::string>& known, const std::vector<std::string>& more) {
  for (const auto& value : more) {
    if (std::ranges::find(known, value) == known.end()) known.push_back(value);
  }
}

void add_to(PersonRecord& record, const PersonRecord& more) {
  add_new(record.emails, more.emails);
  add_new(record.oidc, more.oidc);
  add_new(record.signing_keys, more.signing_keys);
}

}  // namespace

std::string OfflinePeople::new_id(std::string_view prefix, std::string_view name) {
  for (std::uint64_t salt = 0;; ++salt) {
    auto id = fmt::format("{}:{:016x}", prefix, hash(name, salt));
    if (used_ids_.insert(id).second) return id;
  }
}

std::vector<std::string> OfflinePeople::keys_of(const Entry& entry) {
  std::vector<std::string> keys;
  if (entry.named) keys.push_back("name:" + entry.record.name);
  for (const auto& email : entry.record.emails) keys.push_back("email:" + lower_case(email));
  for (const auto& subject : entry.record.oidc) keys.push_back("oidc:" + subject);
  for (const auto& key : entry.record.signing_keys) keys.push_back("key:" + key);
  return keys;
}

Result<PersonIds> OfflinePeople::claim(const PersonRecord& record) {
  const std::lock_guard lock(mutex_);
  const auto identities = headgate::identities_of(record);
  if (identities.empty()) return fail(ErrorCode::invalid_input, "a person without any identity");
  std::string somebody;
  for (const auto& key : keys_of({record, !record.name.empty()})) {
    const auto known = identities_.find(key);
    if (known == identities_.end() || !people_.at(known->second).is_somebody()) continue;
    if (!somebody.empty() && somebody != known->second) {
      return fail(ErrorCode::conflict, "the identities of one person belong to two others");
    }
    somebody = known->second;
  }
  std::vector<std::string> owners;
  for (const auto& identity : identities) {
    Entry alone{identity, !identity.name.empty()};
    const auto key = keys_of(alone).front();
    auto known = identities_.find(key);
    if (known == identities_.end()) {
      alone.record.id = new_id("person", key);
      known = identities_.emplace(key, alone.record.id).first;
      people_.emplace(known->second, std::move(alone));
    }
    owners.push_back(known->second);
  }
  const auto& kept = people_.at(somebody.empty() ? owners.front() : somebody).record;
  PersonIds ids{kept.id, kept.also};
  for (const auto& owner : owners) {
    if (owner != ids.id) add_new(ids.also, {owner});
    add_new(ids.also, people_.at(owner).record.also);
  }
  return ids;
}

Result<void> OfflinePeople::join(const PersonIds& ids) {
  const std::lock_guard lock(mutex_);
  const auto kept = found(ids.id);
  if (kept == people_.end()) return {};
  auto entry = kept->second;
  std::vector<std::string> joined;
  for (const auto& id : ids.also) {
    const auto other = found(id);
    if (other == people_.end() || other == kept || std::ranges::find(joined, other->first) != joined.end()) continue;
    if (other->second.is_somebody()) return fail(ErrorCode::conflict, "they are two people already");
    const auto& record = other->second.record;
    add_to(entry.record, record);
    if (other->second.named) {
      entry.record.name = record.name;
      entry.named = true;
    }
    add_new(entry.record.also, {record.id});
    add_new(entry.record.also, record.also);
    joined.push_back(record.id);
  }
  std::erase_if(identities_, [&](const auto& identity) {
    return identity.second == kept->first || std::ranges::find(joined, identity.second) != joined.end();
  });
  for (const auto& key : keys_of(entry)) identities_.insert_or_assign(key, entry.record.id);
  people_.insert_or_assign(entry.record.id, entry);
  for (const auto& id : joined) people_.erase(id);
  return {};
}

Result<std::string> OfflinePeople::person_by_email(std::string_view name, std::string_view email) {
  const std::lock_guard lock(mutex_);
  // One without an address is known as Git writes it.
  const auto address = email.empty() ? std::string(name) + " <>" : std::string(email);
  auto identity = "email:" + lower_case(address);
  if (const auto known = identities_.find(identity); known != identities_.end()) return known->second;
  auto id = new_id("person", identity);
  people_[id].record = {id, std::string(name), {address}, {}, {}};
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

OfflinePeople::Entries::const_iterator OfflinePeople::found(std::string_view id) const {
  const auto at = people_.find(id);
  if (at != people_.end()) return at;
  return std::ranges::find_if(people_, [&](const auto& person) {
    return std::ranges::find(person.second.record.also, id) != person.second.record.also.end();
  });
}

std::optional<PersonRecord> OfflinePeople::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto at = found(id);
  return at == people_.end() ? std::nullopt : std::optional(at->second.record);
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
  for (const auto& [id, entry] : people_) all.push_back(entry.record);
  return all;
}

Result<void> OfflinePeople::erase(std::string_view id) {
  const std::lock_guard lock(mutex_);
  if (!used_ids_.contains(id)) return fail(ErrorCode::not_found, fmt::format("no person or token '{}'", id));
  std::erase_if(tokens_, [&](const auto& token) { return token.second == id; });
  if (const auto at = found(id); at != people_.end()) {
    for (const auto& key : keys_of(at->second)) identities_.erase(key);
    people_.erase(at);
  }
  return {};
}

}  // namespace headgate::reconciler
