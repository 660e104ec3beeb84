// Freezes: environments closed by hand.
#include <algorithm>

#include "api/json_reader.h"
#include "api/paging.h"
#include "api/routes.h"

namespace headgate::api {
namespace {

constexpr std::string_view list_kind = "freezes";

bool visible(const State& state, const Call& call, const Freeze& freeze) {
  if (freeze.services.empty())
    return may(state, call.principal, Role::viewer, Reach::of_environment(freeze.environment));
  return std::ranges::any_of(freeze.services, [&](const std::string& service) {
    return may(state, call.principal, Role::viewer, Reach::of(service, freeze.environment));
  });
}

Result<Response> list_freezes(const Core& core, const Call& call) {
  QueryReader query(call.request.query);
  const auto page = read_page(query, list_kind);
  HEADGATE_TRY_VOID(query.finish());
  std::vector<std::pair<std::string, Freeze>> rows;
  bool more = false;
  const auto now = core.now();
  const auto seen = core.deps.engine.read([&](const State& state) {
    auto at = page.after ? state.freezes.upper_bound(*page.after) : state.freezes.begin();
    for (; at != state.freezes.end() && !more; ++at) {
      if (!at->second.in_force(now) || !visible(state, call, at->second)) continue;
      more = rows.size() == page.limit;
      if (!more) rows.push_back(*at);
    }
    return state.next;
  });
  const auto names = core.names_for(call);
  JsonWriter json;
  json.begin_object().key("freezes").begin_array();
  for (const auto& [id, freeze] : rows) {
    json.begin_object().field("id", id).field("environment", freeze.environment);
    json.key("services").begin_array();
    for (const auto& service : freeze.services) json.value(service);
    json.end_array();
    json.field("reason", freeze.reason).key("until");
    if (freeze.until) {
      json.value(format_timestamp(*freeze.until));
    } else {
      json.value(nullptr);
    }
    json.field("by", names.in_text(freeze.by)).field("position", freeze.position);
    json.field("time", format_timestamp(freeze.time)).end_object();
  }
  json.end_array();
  write_next(json, list_kind, more ? std::optional(rows.back().first) : std::nullopt);
  json.end_object();
  auto response = Response::json(200, json.take());
  Core::set_position(response, seen);
  return response;
}

// The operator role for every service that the freeze covers, all of the environment's where it names none.
Result<void> require_all(const Core& core, const Call& call, const std::string& environment,
                         std::vector<std::string> services) {
  if (services.empty()) {
    services = core.deps.engine.read([&](const State& state) {
      std::vector<std::string> all;
      for (const auto& [name, service] : state.services) {
        if (service.environments.contains(environment)) all.push_back(name);
      }
      return all;
    });
  }
  HEADGATE_TRY_VOID(core.require(call, Role::operator_, Reach::of_environment(environment)));
  for (const auto& service : services) {
    HEADGATE_TRY_VOID(core.require(call, Role::operator_, Reach::of(service, environment)));
  }
  return {};
}

Result<SetFreeze> read_freeze(const Core& core, const Call& call) {
  HEADGATE_TRY(const auto value, json_body(call));
  JsonReader body(value);
  SetFreeze command;
  command.environment = body.required_string("environment");
  command.services = body.optional_strings("services");
  command.reason = body.required_string("reason");
  if (const auto until = body.optional_string("until")) {
    if (const auto time = parse_timestamp(*until)) {
      command.until = *time;
    } else {
      body.refuse("until", "'" + until->substr(0, 64) + "'", "an RFC 3339 time such as 2026-12-20T00:00:00Z");
    }
  }
  HEADGATE_TRY_VOID(body.finish());
  HEADGATE_TRY_VOID(require_all(core, call, command.environment, command.services));
  return command;
}

void set_freeze(Core& core, const CallPtr& call) {
  auto command = read_freeze(core, *call);
  if (!command) return core.answer(*call, std::unexpected(command.error()));
  WriteAnswer answer;
  answer.status = 201;
  answer.fields = [](JsonWriter& json, const Receipt& receipt) {
    for (const auto& event : receipt.events) {
      const auto* set = std::get_if<FreezeSet>(&event);
      if (set) json.field("id", set->id).field("environment", set->environment.text);
    }
  };
  core.submit(call, std::move(*command), std::move(answer));
}

Result<LiftFreeze> read_lift(const Core& core, const Call& call) {
  LiftFreeze command;
  command.id = call.request.parameter("id");
  HEADGATE_TRY(command.reason, reason_of_deletion(call));
  const auto freeze = core.deps.engine.read([&](const State& state) -> std::optional<Freeze> {
    const auto at = state.freezes.find(command.id);
    return at == state.freezes.end() ? std::nullopt : std::optional(at->second);
  });
  if (freeze) HEADGATE_TRY_VOID(require_all(core, call, freeze->environment, freeze->services));
  return command;
}

void lift_freeze(Core& core, const CallPtr& call) {
  auto command = read_lift(core, *call);
  if (!command) return core.answer(*call, std::unexpected(command.error()));
  WriteAnswer answer;
  answer.fields = [id = command->id](JsonWriter& json, const Receipt&) { json.field("id", id).field("lifted", true); };
  core.submit(call, std::move(*command), std::move(answer));
}

}  // namespace

void add_freeze_routes(Core& core, Router& router) {
  core.quick(router, "GET", "/v1/freezes", "viewer somewhere",
             [&core](Call& call) { return list_freezes(core, call); });
  core.async(router, "POST", "/v1/freezes", "operator somewhere",
             [&core](const CallPtr& call) { set_freeze(core, call); });
  core.async(router, "DELETE", "/v1/freezes/{id}", "operator somewhere",
             [&core](const CallPtr& call) { lift_freeze(core, call); });
}

}  // namespace headgate::api
