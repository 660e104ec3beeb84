// What keeps the log and the world safe: backups, and the pause of everything outside. For admins.
#include <algorithm>
#include <deque>
#include <mutex>

#include "api/backup_control.h"
#include "api/json_reader.h"
#include "api/paging.h"
#include "api/problem.h"
#include "api/routes.h"
#include "api/views_promotion.h"

namespace headgate::api {
namespace {

constexpr std::string_view list_kind = "backups";

// That a backup was asked for is no event of the log, so what a key stands for is remembered here: as long as the runs
// are counted, which is from the server's start.
class KeyedRuns {
 public:
  struct Entry {
    std::string actor;
    IdempotencyKey key;
    std::uint64_t run = 0;
  };
  // Of a request with a key; `begin` is called for the first one only, and one that failed may be sent again.
  template <class F>
  Result<std::pair<std::uint64_t, bool>> once(const std::string& actor, IdempotencyKey key, F begin) {
    const std::scoped_lock lock(mutex_);
    const auto known = std::ranges::find_if(
        entries_, [&](const Entry& entry) { return entry.actor == actor && entry.key.text == key.text; });
    if (known != entries_.end()) {
      if (known->key.request_digest == key.request_digest) return std::pair(known->run, true);
      return fail(ErrorCode::invalid_input, "the idempotency key was used for another request: take a new one",
                  {{"Idempotency-Key", key.text, "a key that no other request has carried"}});
    }
    HEADGATE_TRY(const std::uint64_t run, begin());
    if (entries_.size() == max_entries) entries_.pop_front();
    entries_.push_back({actor, std::move(key), run});
    return std::pair(run, false);
  }

 private:
  static constexpr std::size_t max_entries = 256;

  std::mutex mutex_;
  std::deque<Entry> entries_;
};

void write_backup(JsonWriter& json, const BackupRow& row) {
  json.begin_object().field("id", row.id).field("time", format_timestamp(row.time)).field("origin", row.origin);
  json.field("size", row.size).field("root", row.root).field("bytes", row.bytes);
  write_time(json.key("verified"), row.verified);
  json.field("failure", row.failure).end_object();
}

Result<Response> list_backups(const Core& core, const Call& call) {
  QueryReader query(call.request.query);
  const auto page = read_page(query, list_kind);
  const auto after = position_of(page, query);
  HEADGATE_TRY_VOID(query.finish());
  BackupReport report;
  if (core.deps.backups) {
    HEADGATE_TRY(report, core.deps.backups->report());
  }
  JsonWriter json;
  json.begin_object().key("backups").begin_array();
  auto at = after ? std::ranges::upper_bound(report.backups, *after, {}, &BackupRow::id) : report.backups.begin();
  std::uint64_t last = 0;
  for (std::size_t shown = 0; at != report.backups.end() && shown < page.limit; ++at, ++shown) {
    last = at->id;
    write_backup(json, *at);
  }
  json.end_array();
  write_next(json, list_kind, at == report.backups.end() ? std::nullopt : std::optional(std::to_string(last)));
  json.field("running", report.running).field("runs", report.runs).field("last_error", report.last_error);
  json.key("last_id");
  if (report.last_id) {
    json.value(*report.last_id);
  } else {
    json.value(nullptr);
  }
  json.key("mirror");
  if (report.mirrored) {
    json.begin_object().field("size", *report.mirrored).field("lag", report.mirror_lag);
    json.field("error", report.mirror_error).end_object();
  } else {
    json.value(nullptr);
  }
  json.end_object();
  return Response::json(200, json.take());
}

Result<Response> start_backup(const Core& core, const Call& call, KeyedRuns& runs) {
  HEADGATE_TRY(auto key, idempotency_key(call.request));
  HEADGATE_TRY(const auto value, json_body(call, true));
  JsonReader body(value);
  const auto verify = body.optional_integer("verify", 1);
  HEADGATE_TRY_VOID(body.finish());
  if (!core.deps.backups) {
    return fail(ErrorCode::conflict, "no folder for backups is configured: backup.directory of the server's file");
  }
  JsonWriter json;
  json.begin_object();
  if (call.dry_run) {
    HEADGATE_TRY(const auto report, core.deps.backups->report());
    if (report.running) return fail(ErrorCode::conflict, "a backup is under way: ask again when it has ended");
    json.field("dry_run", true).field("started", false).field("run", report.runs + 1).end_object();
    return Response::json(200, json.take());
  }
  const auto begin = [&] {
    return core.deps.backups->start(verify ? std::optional(static_cast<std::uint64_t>(*verify)) : std::nullopt);
  };
  std::pair<std::uint64_t, bool> run{0, false};
  if (key.text.empty()) {
    HEADGATE_TRY(run.first, begin());
  } else {
    auto keyed = runs.once(call.principal.actor(), std::move(key), begin);
    if (!keyed && keyed.error().code == ErrorCode::invalid_input) return problem(keyed.error(), 422);
    HEADGATE_TRY(run, std::move(keyed));
  }
  json.field("started", true).field("run", run.first);
  if (run.second) json.field("repeated", true);
  json.end_object();
  return Response::json(202, json.take());
}

Result<std::string> read_reason(const Call& call) {
  HEADGATE_TRY(const auto value, json_body(call));
  JsonReader body(value);
  auto reason = body.required_string("reason");
  HEADGATE_TRY_VOID(body.finish());
  return reason;
}

template <class C>
void change_effects(Core& core, const CallPtr& call, bool paused) {
  auto reason = read_reason(*call);
  if (!reason) return core.answer(*call, std::unexpected(reason.error()));
  WriteAnswer answer;
  answer.fields = [paused](JsonWriter& json, const Receipt&) { json.field("paused", paused); };
  core.submit(call, C{std::move(*reason)}, std::move(answer));
}

}  // namespace

void add_upkeep_routes(Core& core, Router& router) {
  core.heavy(router, "GET", "/v1/backups", "viewer everywhere",
             [&core](Call& call) { return list_backups(core, call); });
  core.heavy(router, "POST", "/v1/backups", "admin everywhere",
             [&core, runs = std::make_shared<KeyedRuns>()](Call& call) { return start_backup(core, call, *runs); });
  core.async(router, "POST", "/v1/effects/pause", "admin everywhere",
             [&core](const CallPtr& call) { change_effects<PauseEffects>(core, call, true); });
  core.async(router, "POST", "/v1/effects/resume", "admin everywhere",
             [&core](const CallPtr& call) { change_effects<ResumeEffects>(core, call, false); });
}

}  // namespace headgate::api
