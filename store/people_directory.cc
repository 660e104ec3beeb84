#include "store/people_directory.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include "engine/base/digest.h"
#include "engine/base/utf8.h"
#include "store/files.h"

namespace headgate::store {

namespace {

namespace json = boost::json;

constexpr std::string_view kPerson = "person:";
constexpr std::string_view kToken = "token:";
constexpr std::string_view kRecordExtension = ".json";
constexpr std::string_view kErasedExtension = ".erased";
constexpr std::string_view kIdAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kIdLength = 10;
constexpr std::size_t kMaxFileBytes = 2 << 20;  // above what kMaxIdentities texts of kMaxTextBytes take when escaped

bool is_id(std::string_view text) {
  return text.size() == kIdLength &&
         std::all_of(text.begin(), text.end(), [](char c) { return kIdAlphabet.find(c) != std::string_view::npos; });
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (auto& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

// Text from a commit, made fit to store; the same input always gives the same text.
std::string storable(std::string_view text) {
  if (text.size() > PeopleDirectory::kMaxTextBytes / 3) return sha256_digest(text);
  if (is_utf8(text)) return std::string(text);
  std::string escaped;
  for (const char c : text) {
    if (c >= 0x20 && c < 0x7f && c != '%') {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", static_cast<std::uint8_t>(c));
    }
  }
  return escaped;
}

Result<void> check_text(std::string_view field, std::string_view text) {
  const auto most = field == "signing_keys" ? PeopleDirectory::kMaxKeyBytes : PeopleDirectory::kMaxTextBytes;
  if (text.empty() || text.size() > most) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} of a person has {} bytes, expected 1 to {}", field, text.size(), most));
  }
  if (!is_utf8(text)) return fail(ErrorCode::invalid_input, fmt::format("{} of a person is not UTF-8", field));
  return {};
}

std::string to_json(const PersonRecord& record, bool named) {
  json::object object;
  object["name"] = record.name;
  object["named"] = named;
  object["emails"] = json::value_from(record.emails);
  object["oidc"] = json::value_from(record.oidc);
  object["signing_keys"] = json::value_from(record.signing_keys);
  if (!record.also.empty()) object["also"] = json::value_from(record.also);
  return json::serialize(object);
}

std::unexpected<Error> damaged(const std::filesystem::path& path, std::string_view what) {
  return fail(ErrorCode::corrupt, fmt::format("{} is damaged: {}; take it from a backup", path.string(), what));
}

Result<json::object> read_object(const std::filesystem::path& path) {
  HEADGATE_TRY(const auto text, read_file(path, kMaxFileBytes));
  json::error_code error;
  auto value = json::parse(text, error);
  if (error || !value.is_object()) return damaged(path, "expected a JSON object");
  return std::move(value.get_object());
}

Result<std::vector<std::string>> read_strings(const json::object& object, std::string_view key,
                                              const std::filesystem::path& path) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_array()) return damaged(path, fmt::format("expected an array \"{}\"", key));
  std::vector<std::string> strings;
  for (const auto& element : value->get_array()) {
    if (!element.is_string()) return damaged(path, fmt::format("expected strings in \"{}\"", key));
    strings.emplace_back(element.get_string());
  }
  return strings;
}

Result<std::string> read_name(const json::object& object, const std::filesystem::path& path) {
  const auto* value = object.if_contains("name");
  if (value == nullptr || !value->is_string()) return damaged(path, "expected a string \"name\"");
  return std::string(value->get_string());
}

// Adds what is not there yet, compared through `key`; too_large beyond the bound.
template <class Key>
Result<void> extend(std::vector<std::string>& known, const std::vector<std::string>& more, std::string_view field,
                    Key key) {
  for (const auto& text : more) {
    HEADGATE_TRY_VOID(check_text(field, text));
    if (std::any_of(known.begin(), known.end(), [&](const auto& k) { return key(k) == key(text); })) continue;
    if (known.size() == PeopleDirectory::kMaxIdentities) {
      return fail(ErrorCode::too_large,
                  fmt::format("a person has more than {} of {}", PeopleDirectory::kMaxIdentities, field));
    }
    known.push_back(text);
  }
  return {};
}

// Calls `visit` with each file of the folder that has this extension, and shreds what a crash left unfinished.
Result<void> each_file(const std::filesystem::path& folder, std::string_view extension,
                       const std::function<Result<void>(const std::filesystem::path&)>& visit) {
  std::error_code error;
  std::vector<std::filesystem::path> found;
  std::filesystem::directory_iterator files(folder, error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error))
    found.push_back(files->path());
  if (error) return fail_io("list", folder, error.value());
  std::sort(found.begin(), found.end());
  for (const auto& path : found) {
    if (is_temporary(path)) {
      HEADGATE_TRY_VOID(shred_file(path));
    } else if (path.extension() == extension && is_id(path.stem().string())) {
      HEADGATE_TRY_VOID(visit(path));
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<PeopleDirectory>> PeopleDirectory::open(const std::filesystem::path& folder) {
  HEADGATE_TRY_VOID(make_dir_durably(folder, 0700));
  HEADGATE_TRY_VOID(make_dir_durably(folder / "tokens", 0700));
  std::unique_ptr<PeopleDirectory> directory(new PeopleDirectory(folder));
  HEADGATE_TRY_VOID(directory->load_people());
  HEADGATE_TRY_VOID(directory->load_tokens());
  return directory;
}

std::filesystem::path PeopleDirectory::file_of(std::string_view id, std::string_view extension) const {
  const bool token = id.starts_with(kToken);
  const auto name = fmt::format("{}{}", id.substr(token ? kToken.size() : kPerson.size()), extension);
  return token ? folder_ / "tokens" / name : folder_ / name;
}

Result<void> PeopleDirectory::load_people() {
  const auto reserve = [this](const std::filesystem::path& path) -> Result<void> {
    erased_.insert(fmt::format("{}{}", kPerson, path.stem().string()));
    return {};
  };
  HEADGATE_TRY_VOID(each_file(folder_, kErasedExtension, reserve));
  HEADGATE_TRY_VOID(each_file(folder_, kRecordExtension, [this](const auto& path) { return load_person(path); }));
  return index_people();
}

Result<void> PeopleDirectory::index_people() {
  for (const auto& [id, entry] : people_) {
    for (const auto& other : entry.record.also) also_.emplace(other, id);
  }
  std::vector<std::string> joined;  // a crash came before their files went
  for (const auto& [other, id] : also_) {
    if (people_.contains(other)) joined.push_back(other);
  }
  HEADGATE_TRY_VOID(forget_joined(joined));
  for (const auto& [id, entry] : people_) {
    for (auto& key : keys_of(entry)) {
      const auto [other, inserted] = by_identity_.emplace(std::move(key), id);
      if (!inserted) {
        return damaged(file_of(id, kRecordExtension), fmt::format("it claims an identity of {}", other->second));
      }
    }
  }
  return {};
}

// Those whose identities are another person's by now.
Result<void> PeopleDirectory::forget_joined(const std::vector<std::string>& ids) {
  for (const auto& id : ids) {
    HEADGATE_TRY_VOID(shred_file(file_of(id, kRecordExtension)));
    const std::unique_lock lock(memory_);
    const auto person = people_.find(id);
    for (const auto& key : keys_of(person->second)) {
      const auto known = by_identity_.find(key);
      if (known != by_identity_.end() && known->second == id) by_identity_.erase(known);
    }
    people_.erase(person);
  }
  return {};
}

Result<void> PeopleDirectory::load_tokens() {
  const auto folder = folder_ / "tokens";
  const auto reserve = [this](const std::filesystem::path& path) -> Result<void> {
    erased_.insert(fmt::format("{}{}", kToken, path.stem().string()));
    return {};
  };
  HEADGATE_TRY_VOID(each_file(folder, kErasedExtension, reserve));
  return each_file(folder, kRecordExtension, [this](const auto& path) { return load_token(path); });
}

Result<void> PeopleDirectory::load_person(const std::filesystem::path& path) {
  Entry entry;
  entry.record.id = fmt::format("{}{}", kPerson, path.stem().string());
  if (erased_.contains(entry.record.id)) return shred_file(path);  // a crash interrupted the erasure
  HEADGATE_TRY(const auto object, read_object(path));
  HEADGATE_TRY(entry.record.name, read_name(object, path));
  HEADGATE_TRY(entry.record.emails, read_strings(object, "emails", path));
  HEADGATE_TRY(entry.record.oidc, read_strings(object, "oidc", path));
  HEADGATE_TRY(entry.record.signing_keys, read_strings(object, "signing_keys", path));
  const auto* named = object.if_contains("named");
  if (named == nullptr || !named->is_bool()) return damaged(path, "expected a boolean \"named\"");
  entry.named = named->get_bool();
  if (object.contains("also")) {
    HEADGATE_TRY(entry.record.also, read_strings(object, "also", path));
  }
  auto id = entry.record.id;
  people_.emplace(std::move(id), std::move(entry));
  return {};
}

Result<void> PeopleDirectory::load_token(const std::filesystem::path& path) {
  auto id = fmt::format("{}{}", kToken, path.stem().string());
  if (erased_.contains(id)) return shred_file(path);
  HEADGATE_TRY(const auto object, read_object(path));
  HEADGATE_TRY(auto name, read_name(object, path));
  if (!by_token_.emplace(name, id).second) return damaged(path, "another token has its name");
  tokens_.emplace(std::move(id), std::move(name));
  return {};
}

std::vector<std::string> PeopleDirectory::keys_of(const Entry& entry) {
  std::vector<std::string> keys;
  if (entry.named) keys.push_back("name " + entry.record.name);
  for (const auto& email : entry.record.emails) keys.push_back("e-mail " + lower(email));
  for (const auto& subject : entry.record.oidc) keys.push_back("oidc " + subject);
  for (const auto& key : entry.record.signing_keys) keys.push_back("signing-key " + key);
  return keys;
}

Result<std::string> PeopleDirectory::new_id(std::string_view prefix) const {
  for (;;) {
    std::array<std::uint8_t, kIdLength> random;
    if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
      return fail_io("get random bytes for an id in", folder_, errno);
    }
    std::string id(prefix);
    for (const auto byte : random) id += kIdAlphabet[byte % kIdAlphabet.size()];
    if (!people_.contains(id) && !tokens_.contains(id) && !erased_.contains(id) && !also_.contains(id)) return id;
  }
}

// Writes the entry, then shows it. `writing_` is held.
Result<void> PeopleDirectory::store(const Entry& entry, bool replaces) {
  const auto path = file_of(entry.record.id, kRecordExtension);
  const auto text = to_json(entry.record, entry.named);
  if (replaces) {
    // The old version loses its name in the rename; its bytes go as well, or an erasure could not reach them.
    HEADGATE_TRY(const UniqueFd old, open_file(path, O_WRONLY | O_NOFOLLOW));
    HEADGATE_TRY_VOID(write_file_durably(path, text, 0600));
    HEADGATE_TRY_VOID(overwrite_with_zeros(old.get(), path));
  } else {
    HEADGATE_TRY_VOID(write_file_durably(path, text, 0600));
  }
  const std::unique_lock lock(memory_);
  auto& known = people_[entry.record.id];
  for (const auto& key : keys_of(known)) by_identity_.erase(key);
  known = entry;
  for (auto& key : keys_of(known)) by_identity_.insert_or_assign(std::move(key), known.record.id);
  for (const auto& other : known.record.also) also_.insert_or_assign(other, known.record.id);
  return {};
}

// Adds the identities of the other that are not there yet.
Result<void> PeopleDirectory::add(Entry& entry, const PersonRecord& more) {
  const auto same = [](const std::string& text) { return text; };
  HEADGATE_TRY_VOID(extend(entry.record.emails, more.emails, "emails", lower));
  HEADGATE_TRY_VOID(extend(entry.record.oidc, more.oidc, "oidc", same));
  return extend(entry.record.signing_keys, more.signing_keys, "signing_keys", same);
}

const PeopleDirectory::Entry* PeopleDirectory::owner_of(std::string_view id) const {
  const auto joined = also_.find(id);
  const auto found = people_.find(joined == also_.end() ? id : std::string_view(joined->second));
  return found == people_.end() ? nullptr : &found->second;
}

Result<PersonIds> PeopleDirectory::claim(const PersonRecord& record) {
  const auto identities = identities_of(record);
  if (identities.empty()) return fail(ErrorCode::invalid_input, "a person without a name or an identity");
  if (!record.name.empty()) HEADGATE_TRY_VOID(check_text("the name", record.name));

  const std::scoped_lock writing(writing_);  // no one else changes the maps now, so that reading them needs no lock
  std::vector<const Entry*> owners;          // of each identity; null: nobody yet
  const Entry* somebody = nullptr;
  std::string somebody_by;
  for (const auto& identity : identities) {
    const auto key = keys_of({identity, !identity.name.empty()}).front();
    const auto known = by_identity_.find(key);
    const auto* owner = known == by_identity_.end() ? nullptr : owner_of(known->second);
    owners.push_back(owner);
    if (owner == nullptr || !owner->is_somebody() || owner == somebody) continue;
    const auto kind = key.substr(0, key.find(' '));
    if (somebody != nullptr) {
      return fail(ErrorCode::conflict, fmt::format("one person is declared with the {} of {} and the {} of {}",
                                                   somebody_by, somebody->record.id, kind, owner->record.id));
    }
    somebody = owner;
    somebody_by = kind;
  }
  // What it takes to join them once the policy is in force is refused now.
  auto whole = somebody != nullptr ? *somebody : Entry();
  for (const auto* owner : owners) {
    if (owner != nullptr) HEADGATE_TRY_VOID(add(whole, owner->record));
  }
  HEADGATE_TRY_VOID(add(whole, record));

  for (std::size_t i = 0; i < owners.size(); ++i) {
    if (owners[i] != nullptr) continue;
    Entry alone{identities[i], !identities[i].name.empty()};
    HEADGATE_TRY(alone.record.id, new_id(kPerson));
    HEADGATE_TRY_VOID(store(alone, false));
    owners[i] = owner_of(alone.record.id);
  }
  const auto& kept = (somebody != nullptr ? somebody : owners.front())->record;
  PersonIds ids{kept.id, kept.also};
  const auto add_id = [&](const std::string& id) {
    if (id != ids.id && std::ranges::find(ids.also, id) == ids.also.end()) ids.also.push_back(id);
  };
  for (const auto* owner : owners) {
    add_id(owner->record.id);
    for (const auto& other : owner->record.also) add_id(other);
  }
  return ids;
}

Result<void> PeopleDirectory::join(const PersonIds& ids) {
  const std::scoped_lock writing(writing_);
  const auto* kept = owner_of(ids.id);
  if (kept == nullptr) return {};
  auto entry = *kept;
  std::vector<std::string> joined;
  for (const auto& id : ids.also) {
    const auto* other = owner_of(id);
    if (other == nullptr || other == kept || std::ranges::find(joined, other->record.id) != joined.end()) continue;
    if (other->is_somebody()) {
      return fail(ErrorCode::conflict,
                  fmt::format("{} and {} are two people already", kept->record.id, other->record.id));
    }
    HEADGATE_TRY_VOID(add(entry, other->record));
    if (other->named) {
      entry.record.name = other->record.name;
      entry.named = true;
    }
    joined.push_back(other->record.id);
    entry.record.also.push_back(other->record.id);
    entry.record.also.insert(entry.record.also.end(), other->record.also.begin(), other->record.also.end());
  }
  if (joined.empty()) return {};
  HEADGATE_TRY_VOID(store(entry, true));
  return forget_joined(joined);
}

Result<std::string> PeopleDirectory::person_by_email(std::string_view name, std::string_view email) {
  const auto address = email.empty() ? storable(name) + " <>" : storable(email);
  const auto identity = "e-mail " + lower(address);
  {
    const std::shared_lock lock(memory_);
    if (const auto known = by_identity_.find(identity); known != by_identity_.end()) return known->second;
  }
  const std::scoped_lock writing(writing_);
  if (const auto known = by_identity_.find(identity); known != by_identity_.end()) return known->second;
  Entry entry;
  HEADGATE_TRY(entry.record.id, new_id(kPerson));
  entry.record.name = storable(name);
  entry.record.emails.push_back(address);
  HEADGATE_TRY_VOID(store(entry, false));
  return entry.record.id;
}

Result<std::string> PeopleDirectory::token_id(std::string_view name) {
  HEADGATE_TRY_VOID(check_text("the name of a token", name));
  const std::scoped_lock writing(writing_);
  if (const auto known = by_token_.find(name); known != by_token_.end()) return known->second;
  HEADGATE_TRY(auto id, new_id(kToken));
  json::object object;
  object["name"] = name;
  HEADGATE_TRY_VOID(write_file_durably(file_of(id, kRecordExtension), json::serialize(object), 0600));
  const std::unique_lock lock(memory_);
  tokens_.emplace(id, name);
  by_token_.emplace(name, id);
  return id;
}

std::optional<PersonRecord> PeopleDirectory::find(std::string_view id) const {
  const std::shared_lock lock(memory_);
  const auto* found = owner_of(id);
  return found == nullptr ? std::nullopt : std::optional(found->record);
}

std::optional<std::string> PeopleDirectory::token_name(std::string_view id) const {
  const std::shared_lock lock(memory_);
  const auto found = tokens_.find(id);
  if (found == tokens_.end()) return std::nullopt;
  return found->second;
}

std::vector<PersonRecord> PeopleDirectory::list() const {
  const std::shared_lock lock(memory_);
  std::vector<PersonRecord> records;
  records.reserve(people_.size());
  for (const auto& [id, entry] : people_) records.push_back(entry.record);
  return records;
}

Result<void> PeopleDirectory::erase(std::string_view asked) {
  const std::scoped_lock writing(writing_);
  const auto joined = also_.find(asked);
  const std::string id(joined == also_.end() ? asked : std::string_view(joined->second));
  if (erased_.contains(id) && !people_.contains(id) && !tokens_.contains(id)) return {};
  if (!people_.contains(id) && !tokens_.contains(id)) {
    return fail(ErrorCode::not_found, fmt::format("no person or token {}", id));
  }
  std::vector<std::string> ids;
  if (const auto person = people_.find(id); person != people_.end()) ids = person->second.record.also;
  ids.push_back(id);  // last: its file is the one that names the others
  for (const auto& each : ids) HEADGATE_TRY_VOID(write_file_durably(file_of(each, kErasedExtension), "", 0600));
  for (const auto& each : ids) {
    // Those who were joined have no file any more, unless forgetting it failed; a second try may find all of them gone.
    if (auto shredded = shred_file(file_of(each, kRecordExtension));
        !shredded && shredded.error().code != ErrorCode::not_found) {
      return shredded;
    }
  }
  const std::unique_lock lock(memory_);
  for (const auto& each : ids) {
    erased_.insert(each);
    also_.erase(each);
    if (each != id) people_.erase(each);
  }
  if (const auto person = people_.find(id); person != people_.end()) {
    for (const auto& key : keys_of(person->second)) by_identity_.erase(key);
    people_.erase(person);
  }
  if (const auto token = tokens_.find(id); token != tokens_.end()) {
    by_token_.erase(token->second);
    tokens_.erase(token);
  }
  return {};
}

}  // namespace headgate::store
