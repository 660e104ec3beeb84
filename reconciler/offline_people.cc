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

std::vector<std::string> OfflinePeople::identities_of(const Entry& entry) {
  std::vector<std::string> identities;
  if (entry.named) identities.push_back("name:" + entry.record.name);
  for (const auto& email : entry.record.emails) identities.push_back("email:" + lower_case(email));
  for (const auto& subject : entry.record.oidc) identities.push_back("oidc:" + subject);
  for (const auto& key : entry.record.signing_keys) identities.push_back("key:" + key);
  return identities;
}

Result<std::string> OfflinePeople::person(const PersonRecord& record) {
  const std::lock_guard lock(mutex_);
  const Entry wanted{record, !record.name.empty()};
  const auto identities = identities_of(wanted);
  if (identities.empty()) return fail(ErrorCode::invalid_input, "a person without any identity");
  std::vector<std::string> ids;  // whom they belong to
  for (const auto& identity : identities) {
    const auto known = identities_.find(identity);
    if (known != identities_.end() && std::ranges::find(ids, known->second) == ids.end()) ids.push_back(known->second);
  }
  const auto named = [&](const std::string& id) { return people_.at(id).named; };
  const auto of_the_policy = std::ranges::count_if(ids, named);
  if (ids.size() > 1 && (!wanted.named || of_the_policy > 1)) {
    return fail(ErrorCode::conflict,
                fmt::format("the identities of '{}' belong to {} people", record.name, ids.size()));
  }
  const auto kept = std::ranges::find_if(ids, named);
  const auto id = ids.empty() ? new_id("person", identities.front()) : kept == ids.end() ? ids.front() : *kept;
  auto& entry = people_[id];
  entry.record.id = id;
  if (wanted.named) {
    if (entry.named) identities_.erase("name:" + entry.record.name);
    entry.record.name = record.name;
    entry.named = true;
  }
  for (const auto& other : ids) {
    if (other == id) continue;
    const auto joined = people_.extract(other).mapped().record;
    add_to(entry.record, joined);
    entry.record.also.push_back(other);
    add_new(entry.record.also, joined.also);
  }
  add_to(entry.record, record);
  for (const auto& identity : identities_of(entry)) identities_.insert_or_assign(identity, id);
  return id;
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
    for (const auto& identity : identities_of(at->second)) identities_.erase(identity);
    people_.erase(at);
  }
  return {};
}

}  // namespace headgate::reconciler
