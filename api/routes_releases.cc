// Releases, the gates that speak about them, and quarantine.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "api/json_reader.h"
#include "api/paging.h"
#include "api/routes.h"
#include "api/views_promotion.h"
#include "engine/domain/rollback.h"

namespace headgate::api {
namespace {

constexpr std::string_view list_kind = "releases";

void write_metrics(JsonWriter& json, const std::map<std::string, Decimal, std::less<>>& metrics) {
  json.begin_object();
  for (const auto& [name, value] : metrics) json.field(name, value);
  json.end_object();
}

void write_gates(JsonWriter& json, const ServiceState& service, const Release& release) {
  json.begin_array();
  if (service.document) {
    for (const auto& gate : service.document->document.gates) {
      json.begin_object().field("gate", gate.name);
      const auto* result = service.gate(release, gate.name);
      json.field("status", result ? name_of(result->status) : std::string_view("missing"));
      if (result) {
        write_metrics(json.key("metrics"), result->metrics);
        json.field("url", result->url).field("report", result->report);
        json.field("summary", result->summary);
        json.field("by_headgate", result->run.has_value());
        json.field("position", result->position);
        json.field("time", format_timestamp(result->time));
      }
      json.end_object();
    }
  }
  json.end_array();
}

// Where the release is, of the places that the viewer may see: on its way, running, or verified once.
void write_places(JsonWriter& json, const State& state, const Principal& viewer, const std::string& name,
                  const ServiceState& service, const Release& release) {
  json.begin_array();
  for (const auto& environment : service.environments) {
    const auto* target = state.find({name, environment});
    if (!target || !may(state, viewer, Role::viewer, Reach::of(name, environment))) continue;
    const bool current = target->current && target->current->release.same_candidate(release);
    const bool desired = target->desired && target->desired->release.same_candidate(release);
    const bool promoting = target->promotion && target->promotion->to.release.same_candidate(release);
    const bool verified = last_verified(*target, release).has_value();
    if (!current && !desired && !promoting && !verified) continue;
    json.begin_object().field("environment", environment);
    json.field("current", current).field("desired", desired).field("verified", verified);
    json.key("promotion");
    if (promoting) {
      json.value(to_string(target->promotion->id));
    } else {
      json.value(nullptr);
    }
    json.end_object();
  }
  json.end_array();
}

void write_release(JsonWriter& json, const State& state, const Principal& viewer, const std::string& name,
                   const ServiceState& service, const RegisteredRelease& registered) {
  const auto& release = registered.release;
  json.begin_object();
  json.field("service", name);
  json.field("version", release.version);
  json.field("commit", release.commit);
  write_string_map(json.key("artifacts"), release.artifacts);
  json.field("branch", registered.branch);
  json.key("tags").begin_array();
  for (const auto& tag : registered.tags) json.value(tag);
  json.end_array();
  json.field("position", registered.position);
  json.field("time", format_timestamp(registered.time));
  json.key("quarantine");
  if (const auto* quarantine = state.quarantine(name, release)) {
    json.begin_object().field("reason", quarantine->reason).field("position", quarantine->position).end_object();
  } else {
    json.value(nullptr);
  }
  write_gates(json.key("gates"), service, release);
  write_places(json.key("targets"), state, viewer, name, service, release);
  json.end_object();
}

Result<const ServiceState*> service_of(const State& state, const std::string& name) {
  const auto found = state.services.find(name);
  if (found == state.services.end()) return fail(ErrorCode::not_found, fmt::format("no service '{}'", name));
  return &found->second;
}

// The newest first. A cursor is the position of the last row.
Result<Response> list_releases(const Core& core, const Call& call) {
  const auto& name = call.request.parameter("service");
  QueryReader query(call.request.query);
  const auto page = read_page(query, list_kind);
  const auto before = position_of(page, query);
  HEADGATE_TRY_VOID(query.finish());
  std::vector<std::pair<Position, std::string>> rows;  // positions and versions
  bool more = false;
  Position seen = 0;
  HEADGATE_TRY_VOID(core.deps.engine.read([&](const State& state) -> Result<void> {
    seen = state.next;
    HEADGATE_TRY(const ServiceState* service, service_of(state, name));
    for (const auto& version : service->release_order | std::views::reverse) {
      const auto found = service->releases.find(version);
      if (found == service->releases.end() || (before && found->second.position >= *before)) continue;
      more = rows.size() == page.limit;
      if (more) break;
      rows.emplace_back(found->second.position, version);
    }
    return {};
  }));
  JsonWriter json;
  json.begin_object().field("service", name).key("releases").begin_array();
  // Each in a read of its own: a page of hundreds holds up nobody.
  for (const auto& [position, version] : rows) {
    core.deps.engine.read([&](const State& state) {
      const auto service = service_of(state, name);
      if (!service) return;
      const auto found = (*service)->releases.find(version);
      if (found == (*service)->releases.end()) return;  // too old meanwhile
      write_release(json, state, call.principal, name, **service, found->second);
    });
  }
  json.end_array();
  write_next(json, list_kind, more ? std::optional(std::to_string(rows.back().first)) : std::nullopt);
  json.end_object();
  auto response = Response::json(200, json.take());
  Core::set_position(response, seen);
  return response;
}

Result<Response> one_release(const Core& core, const Call& call) {
  const auto& name = call.request.parameter("service");
  const auto& version = call.request.parameter("version");
  QueryReader query(call.request.query);
  HEADGATE_TRY_VOID(query.finish());
  return core.from_state([&](const State& state) -> Result<Response> {
    HEADGATE_TRY(const ServiceState* service, service_of(state, name));
    const auto found = service->releases.find(version);
    if (found == service->releases.end()) {
      return fail(ErrorCode::not_found,
                  fmt::format("release {}/{} is not registered, or no longer among the newest {}: then the log still "
                              "holds it (events of type release.registered)",
                              name, version, ServiceState::max_releases));
    }
    JsonWriter json;
    write_release(json, state, call.principal, name, *service, found->second);
    return Response::json(200, json.take());
  });
}

// ------------------------------------------------------------------------------------------------------------- writes

Result<RegisterRelease> read_registration(const Core& core, const Call& call) {
  HEADGATE_TRY(const auto value, json_body(call));
  JsonReader body(value);
  RegisterRelease command;
  command.service = body.required_string("service");
  command.release.version = body.required_string("version");
  command.release.commit = body.optional_string("commit").value_or("");
  command.release.artifacts = body.optional_string_map("artifacts");
  command.branch = body.optional_string("branch").value_or("");
  command.tags = body.optional_strings("tags");
  HEADGATE_TRY_VOID(body.finish());
  HEADGATE_TRY_VOID(core.require(call, Role::reporter, Reach::of_service(command.service)));
  return command;
}

void register_release(Core& core, const CallPtr& call) {
  auto command = read_registration(core, *call);
  if (!command) return core.answer(*call, std::unexpected(command.error()));
  const ReleaseId id{command->service, command->release.version};
  WriteAnswer answer;
  answer.status = 201;
  answer.fields = [id, release = command->release](JsonWriter& json, const Receipt&) {
    json.field("service", id.service).field("version", id.version).field("commit", release.commit);
    write_string_map(json.key("artifacts"), release.artifacts);
  };
  answer.location = [id](const Receipt&) { return "/v1/releases/" + to_string(id); };
  core.submit(call, std::move(*command), std::move(answer));
}

Result<ReportGate> read_gate(const Core& core, const Call& call) {
  HEADGATE_TRY(const auto value, json_body(call));
  JsonReader body(value);
  ReportGate command;
  command.service = body.required_string("service");
  command.commit = body.optional_string("commit").value_or("");
  command.version = body.optional_string("version").value_or("");
  command.gate = body.required_string("gate");
  const auto status = body.required_string("status");
  if (const auto parsed = parse_enum<GateStatus>(status)) {
    command.status = *parsed;
  } else if (!status.empty()) {
    body.refuse("status", "'" + status.substr(0, 64) + "'",
                fmt::format("one of {}", fmt::join(EnumNames<GateStatus>::names, ", ")));
  }
  command.metrics = body.optional_decimal_map("metrics");
  command.url = body.optional_string("url").value_or("");
  command.summary = body.optional_string("summary").value_or("");
  command.report = body.optional_string("report").value_or("");
  HEADGATE_TRY_VOID(body.finish());
  HEADGATE_TRY_VOID(core.require(call, Role::reporter, Reach::of_service(command.service)));
  return command;
}

void submit_gate(Core& core, const CallPtr& call, ReportGate command) {
  WriteAnswer answer;
  answer.status = 201;
  answer.fields = [](JsonWriter& json, const Receipt& receipt) {
    for (const auto& event : receipt.events) {
      const auto* report = std::get_if<GateReported>(&event);
      if (!report) continue;
      json.field("service", report->service.text).field("gate", report->gate);
      json.field("status", name_of(report->status));
      json.field("commit", report->commit).field("version", report->version);
    }
  };
  core.submit(call, std::move(command), std::move(answer));
}

void report_gate(Core& core, const CallPtr& call) {
  auto command = read_gate(core, *call);
  if (!command) return core.answer(*call, std::unexpected(command.error()));
  if (command->report.empty()) return submit_gate(core, call, std::move(*command));
  // The event will name the blob: it must be there first.
  core.work(call, [&core, command = std::move(*command)](const CallPtr& c) {
    const auto blob = core.deps.blobs.get(command.report);
    if (blob) return submit_gate(core, c, command);
    const auto code = blob.error().code;
    if (code != ErrorCode::not_found && code != ErrorCode::invalid_input) {
      return core.answer(*c, std::unexpected(blob.error()));
    }
    core.answer(*c, fail(ErrorCode::invalid_input, "the report is no stored blob",
                         {{"/report", command.report.substr(0, 80), "the digest of a blob that was put before"}}));
  });
}

// What holds for a release holds in every environment of its service, so the role must reach all of them.
Result<void> require_all_environments(const Core& core, const Call& call, const std::string& service) {
  HEADGATE_TRY_VOID(core.require(call, Role::operator_, Reach::of_service(service)));
  const auto closed = core.deps.engine.read([&](const State& state) -> std::string {
    const auto at = state.services.find(service);
    if (at == state.services.end()) return {};
    for (const auto& environment : at->second.environments) {
      if (!may(state, call.principal, Role::operator_, Reach::of(service, environment))) return environment;
    }
    return {};
  });
  if (closed.empty()) return {};
  return fail(ErrorCode::forbidden,
              fmt::format("this needs an operator role for {} in every environment that it has; it is missing for {}",
                          service, closed));
}

Result<QuarantineRelease> read_quarantine(const Core& core, const Call& call) {
  HEADGATE_TRY(const auto value, json_body(call));
  JsonReader body(value);
  QuarantineRelease command;
  command.release.service = body.required_string("service");
  command.release.version = body.required_string("version");
  command.reason = body.required_string("reason");
  HEADGATE_TRY_VOID(body.finish());
  HEADGATE_TRY_VOID(require_all_environments(core, call, command.release.service));
  return command;
}

void write_release_id(JsonWriter& json, const ReleaseId& id, bool quarantined) {
  json.field("service", id.service).field("version", id.version).field("quarantined", quarantined);
}

void quarantine_release(Core& core, const CallPtr& call) {
  auto command = read_quarantine(core, *call);
  if (!command) return core.answer(*call, std::unexpected(command.error()));
  WriteAnswer answer;
  answer.status = 201;
  answer.fields = [id = command->release](JsonWriter& json, const Receipt&) { write_release_id(json, id, true); };
  core.submit(call, std::move(*command), std::move(answer));
}

Result<ReinstateRelease> read_reinstatement(const Core& core, const Call& call) {
  ReinstateRelease command;
  command.release = {call.request.parameter("service"), call.request.parameter("version")};
  HEADGATE_TRY(command.reason, reason_of_deletion(call));
  HEADGATE_TRY_VOID(require_all_environments(core, call, command.release.service));
  return command;
}

void reinstate_release(Core& core, const CallPtr& call) {
  auto command = read_reinstatement(core, *call);
  if (!command) return core.answer(*call, std::unexpected(command.error()));
  WriteAnswer answer;
  answer.fields = [id = command->release](JsonWriter& json, const Receipt&) { write_release_id(json, id, false); };
  core.submit(call, std::move(*command), std::move(answer));
}

}  // namespace

void add_release_routes(Core& core, Router& router) {
  core.quick(router, "GET", "/v1/releases/{service}", "viewer",
             [&core](Call& call) { return list_releases(core, call); });
  core.quick(router, "GET", "/v1/releases/{service}/{version}", "viewer",
             [&core](Call& call) { return one_release(core, call); });
  core.async(router, "POST", "/v1/releases", "reporter somewhere",
             [&core](const CallPtr& call) { register_release(core, call); });
  core.async(router, "POST", "/v1/gates", "reporter somewhere",
             [&core](const CallPtr& call) { report_gate(core, call); });
  core.async(router, "POST", "/v1/quarantine", "operator somewhere",
             [&core](const CallPtr& call) { quarantine_release(core, call); });
  core.async(router, "DELETE", "/v1/quarantine/{service}/{version}", "operator",
             [&core](const CallPtr& call) { reinstate_release(core, call); });
}

}  // namespace headgate::api
