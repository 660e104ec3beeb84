#include "store/blob_sweeper.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <optional>

#include "engine/base/digest.h"
#include "store/codec.h"
#include "store/files.h"

namespace headgate::store {
namespace {

namespace json = boost::json;

constexpr std::size_t kShards = 256;
constexpr std::size_t kPage = 500;
constexpr std::string_view kPlaceFile = "place";
// A blob is stored before the event that names it: who stored it lately may be about to.
constexpr Duration kGrace = std::chrono::hours(24);
constexpr std::array kNamingTypes{GateReported::type.name, ActivityFailed::type.name};

void later(Timestamp& known, Timestamp time) {
  known = std::max(known, time);
}

}  // namespace

std::string named_blob(const Event& event) {
  if (const auto* gate = std::get_if<GateReported>(&event)) return gate->report;
  if (const auto* activity = std::get_if<ActivityFailed>(&event)) return activity->output;
  return {};
}

// Retentions; nullopt: for ever.
struct BlobSweeper::Policy {
  std::map<std::string, std::optional<Duration>, std::less<>> environments;
  std::map<std::string, std::optional<Duration>, std::less<>> services;
  std::optional<Duration> longest;

  static bool is_past(const std::map<std::string, std::optional<Duration>, std::less<>>& retentions,
                      std::string_view name, Timestamp time, Timestamp now) {
    const auto found = retentions.find(name);
    return found != retentions.end() && found->second && now - time >= *found->second;
  }
  // The longest of these; for ever where one of them is, or where there are none.
  static std::optional<Duration> longest_of(const std::vector<std::optional<Duration>>& retentions) {
    if (retentions.empty() || std::ranges::any_of(retentions, [](const auto& retention) { return !retention; }))
      return std::nullopt;
    return *std::ranges::max_element(retentions);
  }
};

BlobSweeper::Policy BlobSweeper::policy() const {
  Policy policy;
  state_.with_state([&](const State& state) {
    std::vector<std::optional<Duration>> all;
    for (const auto& [name, environment] : state.environments) {
      all.push_back(policy.environments[name] = environment.document.blob_retention);
    }
    policy.longest = Policy::longest_of(all);
    for (const auto& [name, service] : state.services) {
      if (!service.document) continue;
      std::vector<std::optional<Duration>> stages;
      for (const auto& stage : service.document->document.stages) {
        const auto found = policy.environments.find(stage.environment);
        stages.push_back(found == policy.environments.end() ? std::nullopt : found->second);
      }
      policy.services[name] = Policy::longest_of(stages);
    }
  });
  return policy;
}

Result<BlobSweeper::Place> BlobSweeper::load() const {
  Place place;
  const auto path = blobs_.names().folder() / kPlaceFile;
  const auto text = read_file(path, 4096);
  if (!text) {
    if (text.error().code == ErrorCode::not_found) return place;
    return std::unexpected(text.error());
  }
  json::error_code error;
  const auto value = json::parse(*text, error);
  // What it says is a saving of work only: where it cannot be read, everything is read again.
  if (error || !value.is_object()) return place;
  for (const auto& [key, member] : value.get_object()) {
    if (!member.is_int64() || member.get_int64() < 0) return Place{};
    const auto number = static_cast<std::uint64_t>(member.get_int64());
    if (key == "shard") {
      place.shard = number % kShards;
    } else {
      place.read[std::string(key)] = number;
    }
  }
  return place;
}

Result<void> BlobSweeper::save(const Place& place) const {
  json::object object{{"shard", place.shard}};
  for (const auto& [type, next] : place.read) object[type] = static_cast<std::int64_t>(next);
  return write_file_durably(blobs_.names().folder() / kPlaceFile, json::serialize(object), 0600);
}

// False: the bound was reached before the end of the log.
Result<bool> BlobSweeper::note_namings(Place& place, const std::string& type, Position size) {
  auto& next = place.read[type];
  if (next > size) next = 0;  // another log, restored from an older backup
  std::size_t count = 0;
  Recorded<Event> record;
  while (next < size) {
    EventQuery query;
    query.filter.type = type;
    if (next > 0) query.after = next - 1;
    query.limit = kPage;
    HEADGATE_TRY(const auto page, log_.query(query));
    std::map<Hash, BlobNaming> named;
    for (const auto& stored : page.records) {
      HEADGATE_TRY_VOID(decode_at(stored.position, stored.bytes, record));
      const auto digest = parse_digest(named_blob(record.event));
      if (!digest) continue;
      const auto address = address_of(record.event);
      auto& naming = named[*digest];
      auto& by =
          address.environment.empty() ? naming.services[address.service] : naming.environments[address.environment];
      later(by, record.meta.time);
    }
    for (const auto& [digest, naming] : named) {
      HEADGATE_TRY(const auto known, blobs_.names().read(digest));
      auto merged = known;
      for (const auto& [name, time] : naming.environments) later(merged.environments[name], time);
      for (const auto& [name, time] : naming.services) later(merged.services[name], time);
      if (merged != known) HEADGATE_TRY_VOID(blobs_.names().write(digest, merged));
    }
    next = page.more ? page.records.back().position + 1 : size;
    count += page.records.size();
    if (count >= limits_.namings) return next >= size;
  }
  return true;
}

void BlobSweeper::look_at(const Hash& digest, const Policy& policy, Timestamp now, Swept& swept) {
  ++swept.looked_at;
  const auto keep = [&](Error error) { swept.problems.push_back(std::move(error)); };
  const auto stored = blobs_.stored_at(digest);
  if (!stored) return keep(stored.error());
  auto naming = blobs_.names().read(digest);
  if (!naming) return keep(naming.error());
  bool past = now - *stored >= kGrace;
  if (naming->environments.empty() && naming->services.empty()) {
    past = past && policy.longest && now - *stored >= *policy.longest;
  }
  for (const auto& [name, time] : naming->environments) {
    past = past && Policy::is_past(policy.environments, name, time, now);
  }
  for (const auto& [name, time] : naming->services) past = past && Policy::is_past(policy.services, name, time, now);
  if (!past) return;
  naming->expired = now;
  if (const auto written = blobs_.names().write(digest, *naming); !written) return keep(written.error());
  const auto removed = blobs_.remove(digest, *stored);
  if (!removed) return keep(removed.error());
  if (*removed) ++swept.expired;
}

Result<BlobSweeper::Swept> BlobSweeper::sweep(Timestamp now) {
  Swept swept;
  HEADGATE_TRY(auto place, load());
  const auto size = log_.size();
  swept.caught_up = true;
  for (const auto type : kNamingTypes) {
    HEADGATE_TRY(const bool all, note_namings(place, std::string(type), size));
    swept.caught_up = swept.caught_up && all;
  }
  HEADGATE_TRY_VOID(save(place));
  if (!swept.caught_up) return swept;
  const auto rules = policy();
  for (std::size_t shards = 0; shards < kShards && swept.looked_at < limits_.files; ++shards) {
    HEADGATE_TRY(const auto digests, blobs_.in_shard(place.shard));
    for (const auto& digest : digests) look_at(digest, rules, now, swept);
    place.shard = (place.shard + 1) % kShards;
  }
  HEADGATE_TRY_VOID(save(place));
  return swept;
}

}  // namespace headgate::store
