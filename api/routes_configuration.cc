// What the accepted configuration holds, and where it comes from.
#include <fmt/format.h>

#include <algorithm>

#include "api/described_json.h"
#include "api/paging.h"
#include "api/routes.h"
#include "api/views_configuration.h"
#include "api/views_promotion.h"
#include "engine/domain/governance.h"
#include "engine/domain/monitors.h"

namespace headgate::api {
namespace {

constexpr std::string_view services_kind = "services";
constexpr std::string_view environments_kind = "environments";
constexpr std::string_view repositories_kind = "repositories";

template <class D>
void write_in_force(JsonWriter& json, const InForce<D>& in_force) {
  json.field("file", in_force.source.file);
  json.field("line", in_force.source.line);
  json.field("commit", in_force.commit);
  write_described(json.key("document"), in_force.document);
}

// What Headgate runs now for one of the service's gates.
void write_gate_run(JsonWriter& json, const GateRuns& runs) {
  if (!runs.active) {
    json.value(nullptr);
    return;
  }
  const auto& run = *runs.active;
  json.begin_object().field("gate", run.gate).field("run", run.number);
  json.field("version", run.release.version).field("commit", run.release.commit);
  json.field("attempt", run.attempt).field("reason", run.reason);
  write_time(json.key("retry_due"), run.retry_due);
  json.field("position", run.position);
  json.end_object();
}

void write_service(JsonWriter& json, const std::string& name, const ServiceState& service) {
  json.begin_object().field("name", name);
  json.field("group", service.document->document.group);
  json.key("environments").begin_array();
  for (const auto& stage : service.document->document.stages) json.value(stage.environment);
  json.end_array();
  write_in_force(json, *service.document);
  write_gate_run(json.key("gate_run"), service.runs);
  json.end_object();
}

void write_monitor(JsonWriter& json, const Monitor& monitor, const MonitorState* known) {
  const bool failing = known && known->failing;
  json.begin_object().field("name", monitor.name);
  json.key("services").begin_array();
  for (const auto& service : monitor.services) json.value(service);
  json.end_array();
  json.field("on_failure", name_of(monitor.on_failure)).field("failing", failing);
  write_time(json.key("since"), failing ? std::optional(known->since) : std::nullopt);
  json.field("reason", failing ? known->reason : std::string());
  json.key("incidents").begin_array();
  if (failing) {
    for (const auto& id : known->incidents) json.value(id);
  }
  json.end_array();
  json.key("sla").begin_array();
  if (monitor.sla) {
    for (const auto& goal : standing_of(*monitor.sla, known ? known->hours : std::vector<MonitorHour>{})) {
      json.begin_object().field("goal", goal.goal).field("promised", goal.promised);
      json.field("checks", goal.checks).field("missed", goal.missed).field("met", goal.met).end_object();
    }
  }
  json.end_array().end_object();
}

void write_environment(JsonWriter& json, const State& state, const std::string& name,
                       const InForce<Environment>& environment, Timestamp now) {
  const auto& monitors = environment.document.monitors;
  json.begin_object().field("name", name);
  write_in_force(json, environment);
  json.key("failing_monitors").begin_array();
  for (const auto& monitor : monitors) {
    if (const auto* known = monitor_state(state, {name, monitor.name}); known && known->failing) {
      json.value(monitor.name);
    }
  }
  json.end_array();
  json.field("silent", is_silent(environment.document, now));
  json.key("monitors").begin_array();
  for (const auto& monitor : monitors) write_monitor(json, monitor, monitor_state(state, {name, monitor.name}));
  json.end_array().end_object();
}

// Rows of a map by name, in pages. `row` writes one and says whether it did.
template <class Map, class Row>
Result<Response> page_by_name(const Call& call, std::string_view kind, const Map& map, Row row) {
  QueryReader query(call.request.query);
  const auto page = read_page(query, kind);
  HEADGATE_TRY_VOID(query.finish());
  JsonWriter json;
  json.begin_object().key(kind).begin_array();
  auto at = page.after ? map.upper_bound(*page.after) : map.begin();
  std::size_t shown = 0;
  std::size_t scanned = 0;
  std::string last;
  for (; at != map.end() && shown < page.limit && scanned < max_scanned; ++at, ++scanned) {
    last = at->first;
    if (row(json, at->first, at->second)) ++shown;
  }
  json.end_array();
  write_next(json, kind, at == map.end() ? std::nullopt : std::optional(last));
  json.end_object();
  return Response::json(200, json.take());
}

Result<Response> list_services(const Core& core, const Call& call) {
  return core.from_state([&](const State& state) {
    return page_by_name(call, services_kind, state.services,
                        [&](JsonWriter& json, const std::string& name, const ServiceState& service) {
                          if (!service.document || !may(state, call.principal, Role::viewer, Reach::of_service(name)))
                            return false;
                          write_service(json, name, service);
                          return true;
                        });
  });
}

Result<Response> one_service(const Core& core, const Call& call) {
  const auto& name = call.request.parameter("service");
  HEADGATE_TRY_VOID(QueryReader(call.request.query).finish());
  return core.from_state([&](const State& state) -> Result<Response> {
    const auto found = state.services.find(name);
    if (found == state.services.end() || !found->second.document) {
      return fail(ErrorCode::not_found, fmt::format("no service '{}' in the configuration in force", name));
    }
    JsonWriter json;
    write_service(json, name, found->second);
    return Response::json(200, json.take());
  });
}

Result<Response> list_environments(const Core& core, const Call& call) {
  return core.from_state([&](const State& state) {
    return page_by_name(call, environments_kind, state.environments,
                        [&](JsonWriter& json, const std::string& name, const InForce<Environment>& environment) {
                          if (!may(state, call.principal, Role::viewer, Reach::of_environment(name))) return false;
                          write_environment(json, state, name, environment, core.deps.clock.now());
                          return true;
                        });
  });
}

Result<Response> one_environment(const Core& core, const Call& call) {
  const auto& name = call.request.parameter("environment");
  HEADGATE_TRY_VOID(QueryReader(call.request.query).finish());
  return core.from_state([&](const State& state) -> Result<Response> {
    const auto found = state.environments.find(name);
    if (found == state.environments.end()) {
      return fail(ErrorCode::not_found, fmt::format("no environment '{}' in the configuration in force", name));
    }
    JsonWriter json;
    write_environment(json, state, name, found->second, core.deps.clock.now());
    return Response::json(200, json.take());
  });
}

void write_access(JsonWriter& json, const InForce<AccessPolicy>& access, const Names& names) {
  const auto& policy = access.document;
  json.begin_object();
  json.field("name", policy.name).field("file", access.source.file).field("line", access.source.line);
  json.field("commit", access.commit);
  json.key("teams").begin_array();
  for (const auto& team : policy.teams) {
    json.begin_object().field("name", team.name).key("members").begin_array();
    for (const auto& member : team.members) names.write(json, member);
    json.end_array().end_object();
  }
  json.end_array();
  json.key("grants").begin_array();
  for (const auto& grant : policy.grants) write_described(json, grant);
  json.end_array();
  json.end_object();
}

// What belongs to no service and environment: paths, diagnostics and names of everything stand in it.
bool looks_everywhere(const State& state, const Call& call) {
  return may(state, call.principal, Role::viewer, Reach::everywhere());
}

// Also whoever can decide on it.
bool sees_proposal(const State& state, const Call& call) {
  const auto& proposal = state.configuration.proposal;
  return looks_everywhere(state, call) ||
         (proposal && counts_for(state, *proposal, call.principal.actor(), call.principal.claims, {}).has_value());
}

Result<Response> configuration(const Core& core, const Call& call) {
  QueryReader query(call.request.query);
  HEADGATE_TRY_VOID(query.finish());
  return core.from_state([&](const State& state) -> Result<Response> {
    const auto& c = state.configuration;
    JsonWriter json;
    json.begin_object();
    json.field("repository", c.repository).field("commit", c.commit);
    json.key("position");
    if (c.commit.empty()) {
      json.value(nullptr);
    } else {
      json.value(c.position);
    }
    write_time(json.key("time"), c.commit.empty() ? std::nullopt : std::optional(c.time));
    json.field("services",
               std::ranges::count_if(state.services, [](const auto& s) { return s.second.document.has_value(); }));
    json.field("environments", state.environments.size());
    json.field("targets",
               std::ranges::count_if(state.targets, [](const auto& t) { return t.second.document.has_value(); }));
    // The newest commit, where it was refused and the one above stayed in force.
    json.key("rejected");
    if (c.rejected_commit.empty() || !looks_everywhere(state, call)) {
      json.value(nullptr);
    } else {
      json.begin_object().field("commit", c.rejected_commit).field("position", c.rejected_at);
      write_described(json.key("diagnostics"), c.diagnostics);
      json.end_object();
    }
    json.key("governance").begin_array();
    for (const auto& rule : core.deps.governance) {
      json.begin_object().field("team", rule.team).field("count", rule.count).end_object();
    }
    json.end_array();
    const auto names = core.names_for(call);
    json.key("proposal");
    if (sees_proposal(state, call)) {
      write_proposal(json, state, names);
    } else {
      json.value(nullptr);
    }
    json.key("declined");
    if (looks_everywhere(state, call)) {
      write_declined(json, state, names);
    } else {
      json.value(nullptr);
    }
    // Who may do what is for those who answer for it.
    if (c.access && may(state, call.principal, Role::auditor, Reach::everywhere())) {
      write_access(json.key("access"), *c.access, names);
    }
    json.end_object();
    return Response::json(200, json.take());
  });
}

Result<Response> list_repositories(const Core& core, const Call& call) {
  QueryReader query(call.request.query);
  const auto page = read_page(query, repositories_kind);
  const auto skipped = position_of(page, query).value_or(0);  // they stand as in the server's file
  HEADGATE_TRY_VOID(query.finish());
  std::vector<RepositoryStatus> all;
  if (core.deps.engine.read([&](const State& state) { return looks_everywhere(state, call); })) {
    all = core.deps.repositories.list();
  }
  const auto begin = std::min<std::size_t>(skipped, all.size());
  const auto end = std::min(begin + page.limit, all.size());
  JsonWriter json;
  json.begin_object().key("repositories").begin_array();
  for (std::size_t i = begin; i < end; ++i) {
    const auto& repository = all[i];
    json.begin_object();
    json.field("name", repository.name).field("url", repository.url).field("branch", repository.branch);
    json.field("head", repository.head);
    write_time(json.key("fetched"), repository.fetched);
    json.key("error");
    if (repository.error.empty()) {
      json.value(nullptr);
    } else {
      json.value(repository.error);
    }
    json.end_object();
  }
  json.end_array();
  write_next(json, repositories_kind, end < all.size() ? std::optional(std::to_string(end)) : std::nullopt);
  json.end_object();
  return Response::json(200, json.take());
}

Result<Response> sync_repository(const Core& core, const Call& call) {
  const auto& name = call.request.parameter("name");
  if (call.dry_run) {
    const auto known = core.deps.repositories.list();
    if (std::ranges::find(known, name, &RepositoryStatus::name) == known.end()) {
      return fail(ErrorCode::not_found, fmt::format("no repository '{}'", name));
    }
  } else {
    HEADGATE_TRY_VOID(core.deps.repositories.sync(name));
  }
  JsonWriter json;
  json.begin_object();
  if (call.dry_run) json.field("dry_run", true);
  json.field("name", name).field("fetching", !call.dry_run);
  json.end_object();
  return Response::json(call.dry_run ? 200 : 202, json.take());
}

}  // namespace

void add_configuration_routes(Core& core, Router& router) {
  core.quick(router, "GET", "/v1/services", "viewer somewhere",
             [&core](Call& call) { return list_services(core, call); });
  core.quick(router, "GET", "/v1/services/{service}", "viewer",
             [&core](Call& call) { return one_service(core, call); });
  core.quick(router, "GET", "/v1/environments", "viewer somewhere",
             [&core](Call& call) { return list_environments(core, call); });
  core.quick(router, "GET", "/v1/environments/{environment}", "viewer",
             [&core](Call& call) { return one_environment(core, call); });
  core.quick(router, "GET", "/v1/configuration", "viewer somewhere",
             [&core](Call& call) { return configuration(core, call); });
  core.quick(router, "GET", "/v1/repositories", "viewer somewhere",
             [&core](Call& call) { return list_repositories(core, call); });
  core.quick(router, "POST", "/v1/repositories/{name}/sync", "operator somewhere",
             [&core](Call& call) { return sync_repository(core, call); });
}

}  // namespace headgate::api
