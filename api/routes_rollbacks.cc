// Rollbacks by hand, and the incidents that come with what goes wrong.
#include <algorithm>
#include <charconv>

#include "api/json_reader.h"
#include "api/paging.h"
#include "api/promotion_reads.h"
#include "api/routes.h"
#include "api/views_promotion.h"
#include "engine/base/nearest_name.h"
#include "engine/domain/rollback.h"

namespace headgate::api {
namespace {

constexpr std::string_view list_kind = "incidents";

// What of a rollout would go back although it has not come to its end.
bool is_canary(const TargetState& target) {
  const auto& p = target.promotion;
  return p && p->deployed() && p->phase == Phase::running && std::ranges::any_of(p->steps, [](const LiveStep& s) {
           return !s.step->rollback && s.step->kind == StepKind::traffic;
         });
}

struct Scope {
  std::string environment;
  std::vector<std::string> services;
  std::string group;
  bool canary = false;

  std::string text() const {
    auto what = !services.empty() ? "services" : !group.empty() ? "group " + group : std::string("all");
    return (canary ? "canaries of " : "") + what + " of " + environment;
  }
  std::vector<TargetId> targets(const State& state) const {
    std::vector<TargetId> all;
    if (!services.empty()) {
      for (const auto& service : services) all.push_back({service, environment});
    } else {
      for (const auto& [name, service] : state.services) {
        if (!service.document || !service.environments.contains(environment)) continue;
        if (group.empty() || service.document->document.group == group) all.push_back({name, environment});
      }
    }
    std::erase_if(all, [&](const TargetId& id) {
      const auto* target = state.find(id);
      return canary && !(target && is_canary(*target));
    });
    return all;
  }
};

// What is about to happen to the target, or why it is left out.
void preview_target(JsonWriter& json, JsonWriter& skipped, const State& state, const RollBack& command,
                    const TargetId& id) {
  const DigestFunction no_digest = [](std::string_view) { return std::string(); };
  const auto way = rollback_way(state, id, command.to);
  const auto* target = state.find(id);
  const PromotionId as{id, target ? target->last_number + 1 : 1};
  const auto plan =
      way ? rollback_plan(state, as, *way, command.restore, no_digest) : Result<Plan>(std::unexpected(way.error()));
  const bool left_out = !plan || (!way->to && !command.named);
  if (left_out) {
    skipped.begin_object().field("target", to_string(id));
    skipped.field("reason", plan ? retired_only_by_name(state, id, *way) : plan.error().message).end_object();
    return;
  }
  json.begin_object().field("id", to_string(as)).field("target", to_string(id));
  write_wish(json.key("leaves"), way->leaves);
  write_wish(json.key("to"), way->to);
  json.field("restore", command.restore).field("crosses", way->crosses);
  json.key("steps").begin_array();
  for (const auto& step : plan->steps) json.value(step.name);
  json.end_array().end_object();
}

// One object a target, and those that are left out: two JSON arrays. Each is planned in a read of its own.
std::pair<std::string, std::string> preview(const Core& core, const RollBack& command) {
  JsonWriter json;
  JsonWriter skipped;
  json.begin_array();
  skipped.begin_array();
  for (const auto& id : command.targets) {
    core.deps.engine.read([&](const State& state) { preview_target(json, skipped, state, command, id); });
  }
  json.end_array();
  skipped.end_array();
  return {json.take(), skipped.take()};
}

// What was decided, and not what was to be expected: a repeated request reads the same in the log.
void write_begun(JsonWriter& json, const Receipt& receipt) {
  json.key("rollbacks").begin_array();
  for (const auto& event : receipt.events) {
    const auto* asked = std::get_if<RollbackRequested>(&event);
    if (!asked) continue;
    json.begin_object().field("id", to_string(asked->promotion)).field("target", to_string(asked->promotion.target));
    write_wish(json.key("leaves"), asked->leaves);
    write_wish(json.key("to"), asked->to);
    json.field("restore", asked->restore).field("crosses", asked->crosses).end_object();
  }
  json.end_array();
}

struct Asked {
  RollBack command;
  std::pair<std::string, std::string> preview{"[]", "[]"};
};

Result<Asked> read_rollback(const Core& core, const Call& call) {
  HEADGATE_TRY(const auto value, json_body(call));
  JsonReader body(value);
  Scope scope;
  scope.environment = body.required_string("environment");
  scope.services = body.optional_strings("services");
  // A list that a script has left empty is not all of the environment.
  if (value.find("services") != nullptr && scope.services.empty()) {
    body.refuse("services", "no service", "one at least, or no 'services' for all of the environment");
  }
  const auto group = body.optional_string("group");
  if (group && group->empty()) {
    body.refuse("group", "an empty name", "a group, or no 'group' for all of the environment");
  }
  scope.group = group.value_or("");
  const auto which = body.optional_string("scope").value_or("all");
  if (which != "all" && which != "canary") body.refuse("scope", "'" + which.substr(0, 64) + "'", "all or canary");
  scope.canary = which == "canary";
  if (!scope.services.empty() && !scope.group.empty()) {
    body.refuse("group", "services and a group", "services, a group, or neither for all of the environment");
  }
  Asked asked;
  auto& command = asked.command;
  command.to = body.optional_string("to").value_or("previous");
  command.reason = body.required_string("reason");
  command.restore = body.optional_boolean("restore").value_or(false);
  command.break_glass = body.optional_boolean("break_glass").value_or(false);
  command.named = !scope.services.empty();
  command.scope = scope.text();
  HEADGATE_TRY_VOID(body.finish());
  std::ranges::sort(scope.services);
  scope.services.erase(std::unique(scope.services.begin(), scope.services.end()), scope.services.end());
  const auto role = command.break_glass ? Role::break_glass : Role::operator_;
  HEADGATE_TRY_VOID(core.require(call, role, Reach::of_environment(scope.environment)));
  HEADGATE_TRY_VOID(core.deps.engine.read([&](const State& state) -> Result<void> {
    command.targets = scope.targets(state);
    if (!command.targets.empty() || state.environments.contains(scope.environment)) return {};
    return fail(ErrorCode::not_found, "no environment '" + scope.environment + "' in the configuration in force" +
                                          nearest_of(scope.environment, state.environments));
  }));
  for (const auto& id : command.targets) HEADGATE_TRY_VOID(core.require(call, role, Reach::of(id)));
  if (call.dry_run && command.targets.size() <= max_rollback_targets) {
    asked.preview = preview(core, command);
  }
  return asked;
}

void roll_back(Core& core, const CallPtr& call) {
  auto asked = read_rollback(core, *call);
  if (!asked) return core.answer(*call, std::unexpected(asked.error()));
  WriteAnswer answer;
  answer.status = 202;
  answer.preview = [preview = std::move(asked->preview)](JsonWriter& json) {
    json.key("rollbacks").raw(preview.first);
    json.key("skipped").raw(preview.second);
  };
  answer.fields = write_begun;
  core.submit(call, std::move(asked->command), std::move(answer));
}

// --------------------------------------------------------------------------------------------------------- incidents

Result<Response> list_incidents(const Core& core, const Call& call) {
  QueryReader query(call.request.query);
  const auto service = query.text("service");
  const auto environment = query.text("environment");
  const auto page = read_page(query, list_kind);
  const auto before = position_of(page, query);
  HEADGATE_TRY_VOID(query.finish());
  std::vector<std::pair<std::string, Incident>> open;
  bool more = false;
  const auto seen = core.deps.engine.read([&](const State& state) {
    std::vector<const std::pair<const std::string, Incident>*> visible;
    for (const auto& entry : state.incidents) {
      const auto& incident = entry.second;
      if ((service && *service != incident.target.service) ||
          (environment && *environment != incident.target.environment) || (before && incident.position >= *before) ||
          !may(state, call.principal, Role::viewer, Reach::of(incident.target))) {
        continue;
      }
      visible.push_back(&entry);
    }
    std::ranges::sort(visible, std::ranges::greater{}, [](const auto* entry) { return entry->second.position; });
    more = visible.size() > page.limit;
    if (more) visible.resize(page.limit);
    for (const auto* entry : visible) open.push_back(*entry);
    return state.next;
  });
  const auto names = core.names_for(call);
  JsonWriter json;
  json.begin_object().key("incidents").begin_array();
  for (const auto& [id, incident] : open) {
    json.begin_object().field("id", id).field("target", to_string(incident.target));
    json.field("promotion", incident.promotion).field("release", incident.release);
    json.field("reason", names.in_text(incident.reason)).field("next_step", names.in_text(incident.next));
    json.field("freeze", incident.freeze);
    names.write(json.key("acknowledged_by"), incident.acknowledged_by);
    json.key("notes").begin_array();
    for (const auto& note : incident.notes) json.value(names.in_text(note));
    json.end_array();
    json.field("position", incident.position).field("opened", format_timestamp(incident.time)).end_object();
  }
  json.end_array();
  write_next(json, list_kind, more ? std::optional(std::to_string(open.back().second.position)) : std::nullopt);
  json.end_object();
  auto response = Response::json(200, json.take());
  Core::set_position(response, seen);
  return response;
}

// The operator role for the incident's own target.
Result<void> require_incident(const Core& core, const Call& call, const std::string& id) {
  const auto target = core.deps.engine.read([&](const State& state) -> std::optional<TargetId> {
    const auto at = state.incidents.find(id);
    return at == state.incidents.end() ? std::nullopt : std::optional(at->second.target);
  });
  if (!target) return {};  // the refusal names it
  return core.require(call, Role::operator_, Reach::of(*target));
}

template <class C>
void act_on_incident(Core& core, const CallPtr& call, std::string_view field, std::string C::*text) {
  const auto read = [&]() -> Result<C> {
    C command;
    command.id = call->request.parameter("id");
    HEADGATE_TRY_VOID(require_incident(core, *call, command.id));
    HEADGATE_TRY(const auto value, json_body(*call));
    JsonReader body(value);
    command.*text = body.required_string(field);
    HEADGATE_TRY_VOID(body.finish());
    return command;
  };
  auto command = read();
  if (!command) return core.answer(*call, std::unexpected(command.error()));
  WriteAnswer answer;
  answer.fields = [id = command->id](JsonWriter& json, const Receipt& receipt) {
    json.field("id", id).key("events").begin_array();
    for (const auto& event : receipt.events) json.value(type_name(event));
    json.end_array();
  };
  core.submit(call, std::move(*command), std::move(answer));
}

}  // namespace

void add_rollback_routes(Core& core, Router& router) {
  // An operator's, or with break_glass in its body a breakGlass's: the body tells.
  core.async(router, "POST", "/v1/rollbacks", "viewer somewhere",
             [&core](const CallPtr& call) { roll_back(core, call); });
  core.quick(router, "GET", "/v1/incidents", "viewer somewhere",
             [&core](Call& call) { return list_incidents(core, call); });
  core.async(router, "POST", "/v1/incidents/{id}/note", "operator somewhere",
             [&core](const CallPtr& call) { act_on_incident(core, call, "note", &NoteIncident::note); });
  core.async(router, "POST", "/v1/incidents/{id}/resolve", "operator somewhere",
             [&core](const CallPtr& call) { act_on_incident(core, call, "review", &ResolveIncident::review); });
}

}  // namespace headgate::api
