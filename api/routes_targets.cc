#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/json_reader.h"
#include "api/moment.h"
#include "api/paging.h"
#include "api/record_view.h"
#include "api/routes.h"
#include "api/views_promotion.h"
#include "api/views_target.h"

namespace headgate::api {
namespace {

constexpr std::string_view list_kind = "targets";
constexpr std::string_view history_kind = "history";

struct TargetFilter {
  std::optional<std::string> service;
  std::optional<std::string> environment;
  std::optional<bool> drift;
  bool fits(const TargetId& id, const TargetState& target) const {
    return (!service || *service == id.service) && (!environment || *environment == id.environment) &&
           (!drift || *drift == target.drifted);
  }
};

// A state to show, past or present, and the present one, by which it is judged who may see it.
struct Views {
  const State& shown;
  const State& present;
  Timestamp at;
};

Result<Response> page_of_targets(const Core& core, const Call& call, const Views& views, const TargetFilter& filter,
                                 const PageRequest& page) {
  const auto& state = views.shown;
  const auto names = core.names_for(call);
  auto row = state.targets.begin();
  if (page.after) {
    const auto last = parse_target_id(*page.after);
    if (!last) return std::unexpected(last.error());
    row = state.targets.upper_bound(*last);
  } else if (filter.service) {
    row = state.targets.lower_bound({*filter.service, {}});
  }
  JsonWriter json;
  json.begin_object().key("targets").begin_array();
  std::size_t scanned = 0;
  std::size_t shown = 0;
  std::string last;
  for (; row != state.targets.end() && shown < page.limit && scanned < max_scanned; ++row, ++scanned) {
    const auto& [id, target] = *row;
    last = to_string(id);
    // They stand in the order of the services.
    if (filter.service && id.service != *filter.service) {
      row = state.targets.end();
      break;
    }
    if (!filter.fits(id, target)) continue;
    if (!may(views.present, call.principal, Role::viewer, Reach::of(id))) continue;
    write_target(json, state, id, target, views.at, names);
    ++shown;
  }
  json.end_array();
  write_next(json, list_kind, row == state.targets.end() ? std::nullopt : std::optional(last));
  json.end_object();
  return Response::json(200, json.take());
}

Result<Response> one_target(const Core& core, const Call& call, const Views& views) {
  HEADGATE_TRY(const auto id, target_of_path(call.request));
  const auto* target = views.shown.find(id);
  if (!target) return fail(ErrorCode::not_found, fmt::format("no target {}", to_string(id)));
  JsonWriter json;
  write_target(json, views.shown, id, *target, views.at, core.names_for(call));
  return Response::json(200, json.take());
}

// `read` over the live state, or on a worker over the one that `at` names.
template <class F>
void read_now_or_then(Core& core, const CallPtr& call, const std::optional<std::string>& at, F read) {
  if (!at) {
    return core.answer(*call, core.from_state([&](const State& state) {
      return read(*call, Views{state, state, core.now()});
    }));
  }
  core.on_worker(call, [&core, at = *at, read = std::move(read)](Call& c) -> Result<Response> {
    HEADGATE_TRY(const auto moment, find_moment(core, at));
    HEADGATE_TRY(const auto state, state_of(core, moment));
    auto response = core.deps.engine.read([&](const State& present) {
      return read(c, Views{state, present, state.last_time});
    });
    if (response) Core::set_position(*response, moment.next);
    return response;
  });
}

void list_targets(Core& core, const CallPtr& call) {
  QueryReader query(call->request.query);
  TargetFilter filter{query.text("service"), query.text("environment"), query.flag("drift")};
  const auto at = query.text("at");
  const auto page = read_page(query, list_kind);
  if (page.after && !parse_target_id(*page.after)) query.refuse("cursor", "no cursor of this list", "a 'next'");
  if (auto read = query.finish(); !read) return core.answer(*call, std::unexpected(read.error()));
  read_now_or_then(core, call, at, [&core, filter, page](const Call& c, const Views& views) {
    return page_of_targets(core, c, views, filter, page);
  });
}

void get_target(Core& core, const CallPtr& call) {
  QueryReader query(call->request.query);
  const auto at = query.text("at");
  if (auto read = query.finish(); !read) return core.answer(*call, std::unexpected(read.error()));
  read_now_or_then(core, call, at, [&core](const Call& c, const Views& views) { return one_target(core, c, views); });
}

// What changed a target or its wish; the steps in between are a promotion's timeline.
bool is_history(std::string_view type) {
  constexpr std::array nouns{"target.", "desired.", "drift.", "promotion.", "rollback."};
  return std::ranges::any_of(nouns, [&](std::string_view noun) { return type.starts_with(noun); });
}

Result<Response> history_of_target(Core& core, Call& call) {
  HEADGATE_TRY(const auto id, target_of_path(call.request));
  QueryReader query(call.request.query);
  const auto page = read_page(query, history_kind);
  EventQuery events;
  events.filter.service = id.service;
  events.filter.environment = id.environment;
  events.descending = true;
  events.limit = max_limit;
  events.after = position_of(page, query);
  HEADGATE_TRY_VOID(query.finish());
  const Position seen = core.deps.engine.position();
  const bool known = core.deps.engine.read([&](const State& state) { return state.find(id) != nullptr; });
  if (!known) return fail(ErrorCode::not_found, fmt::format("no target {}", to_string(id)));

  JsonWriter json;
  json.begin_object().field("target", to_string(id)).key("events").begin_array();
  std::size_t shown = 0;
  std::size_t scanned = 0;
  bool more = true;
  while (more && shown < page.limit && scanned < max_scanned) {
    HEADGATE_TRY(const auto found, core.deps.log.query(events));
    more = found.more && !found.records.empty();
    for (const auto& record : found.records) {
      ++scanned;
      events.after = record.position;
      HEADGATE_TRY(const auto view, view_record(record.bytes));
      if (!is_history(view.type)) continue;
      json.raw(record.bytes);
      if (++shown < page.limit) continue;
      more = more || &record != &found.records.back();
      break;
    }
  }
  json.end_array();
  write_next(json, history_kind, more ? std::optional(std::to_string(*events.after)) : std::nullopt);
  json.end_object();
  auto response = Response::json(200, json.take());
  Core::set_position(response, seen);
  return response;
}

void adopt_target(Core& core, const CallPtr& call) {
  const auto read = [&]() -> Result<AdoptTarget> {
    HEADGATE_TRY(auto id, target_of_path(call->request));
    HEADGATE_TRY(const auto value, json_body(*call, true));
    JsonReader body(value);
    auto reason = body.optional_string("reason").value_or("");
    HEADGATE_TRY_VOID(body.finish());
    return AdoptTarget{std::move(id), std::move(reason)};
  };
  auto command = read();
  if (!command) return core.answer(*call, std::unexpected(command.error()));
  WriteAnswer answer;
  answer.fields = [id = to_string(command->target)](JsonWriter& json, const Receipt& receipt) {
    json.field("target", id);
    for (const auto& event : receipt.events) {
      if (const auto* adopted = std::get_if<TargetAdopted>(&event)) write_wish(json.key("current"), adopted->wish);
    }
  };
  core.submit(call, std::move(*command), std::move(answer));
}

}  // namespace

void add_target_routes(Core& core, Router& router) {
  core.async(router, "GET", "/v1/targets", "viewer somewhere",
             [&core](const CallPtr& call) { list_targets(core, call); });
  core.async(router, "GET", "/v1/targets/{service}/{environment}", "viewer",
             [&core](const CallPtr& call) { get_target(core, call); });
  core.heavy(router, "GET", "/v1/targets/{service}/{environment}/history", "viewer",
             [&core](Call& call) { return history_of_target(core, call); });
  core.async(router, "POST", "/v1/targets/{service}/{environment}/adopt", "operator",
             [&core](const CallPtr& call) { adopt_target(core, call); });
}

}  // namespace headgate::api
