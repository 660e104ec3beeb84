// What keeps the log and the world safe: backups, and the pause of everything outside. For admins.
#include "api/backup_control.h"
#include "api/json_reader.h"
#include "api/query_reader.h"
#include "api/routes.h"
#include "api/views_promotion.h"

namespace headgate::api {
namespace {

void write_backup(JsonWriter& json, const BackupRow& row) {
  json.begin_object().field("id", row.id).field("time", format_timestamp(row.time)).field("origin", row.origin);
  json.field("size", row.size).field("root", row.root).field("bytes", row.bytes);
  write_time(json.key("verified"), row.verified);
  json.field("failure", row.failure).end_object();
}

Result<Response> list_backups(const Core& core, const Call& call) {
  QueryReader query(call.request.query);
  HEADGATE_TRY_VOID(query.finish());
  BackupReport report;
  if (core.deps.backups) {
    HEADGATE_TRY(report, core.deps.backups->report());
  }
  JsonWriter json;
  json.begin_object().key("backups").begin_array();
  for (const auto& row : report.backups) write_backup(json, row);
  json.end_array();
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

Result<Response> start_backup(const Core& core, const Call& call) {
  HEADGATE_TRY(const auto value, json_body(call, true));
  JsonReader body(value);
  const auto verify = body.optional_integer("verify", 1);
  HEADGATE_TRY_VOID(body.finish());
  if (!core.deps.backups) {
    return fail(ErrorCode::conflict, "no folder for backups is configured: backup.directory of the server's file");
  }
  std::uint64_t run = 0;
  if (!call.dry_run) {
    const auto id = verify ? std::optional(static_cast<std::uint64_t>(*verify)) : std::nullopt;
    HEADGATE_TRY(run, core.deps.backups->start(id));
  }
  JsonWriter json;
  json.begin_object().field("started", !call.dry_run).field("run", run).end_object();
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
  core.heavy(router, "GET", "/v1/backups", "admin", [&core](Call& call) { return list_backups(core, call); });
  core.heavy(router, "POST", "/v1/backups", "admin", [&core](Call& call) { return start_backup(core, call); });
  core.async(router, "POST", "/v1/effects/pause", "admin",
             [&core](const CallPtr& call) { change_effects<PauseEffects>(core, call, true); });
  core.async(router, "POST", "/v1/effects/resume", "admin",
             [&core](const CallPtr& call) { change_effects<ResumeEffects>(core, call, false); });
}

}  // namespace headgate::api
