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
#include "engine/domain/renames.h"

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

// The state to show, the live one or one that was, read bit by bit: a page of hundreds of rows holds up nobody.
class Shown {
 public:
  explicit Shown(const Core& core) : core_(core) {}
  Shown(const Core& core, const State& then) : core_(core), then_(&then) {}

  bool is_live() const { return then_ == nullptr; }
  // Calls `read` with it, the time to judge by, and the present state, by which it is judged who may see what.
  template <class F>
  auto read(F&& read) const {
    return core_.deps.engine.read([&](const State& present) {
      return then_ ? read(*then_, then_->last_time, present) : read(present, core_.now(), present);
    });
  }

 private:
  const Core& core_;
  const State* then_ = nullptr;
};

// The rows from a place on, in the order of the services.
struct Cursor {
  std::optional<TargetId> after;
  std::size_t scanned = 0;
  bool at_end = false;
};

// The next one that fits and may be seen, unless too many are passed over.
std::optional<TargetRow> next_row(const Shown& shown, const Call& call, const TargetFilter& filter, Cursor& cursor) {
  return shown.read([&](const State& state, Timestamp now, const State& present) -> std::optional<TargetRow> {
    auto at = cursor.after     ? state.targets.upper_bound(*cursor.after)
              : filter.service ? state.targets.lower_bound({*filter.service, {}})
                               : state.targets.begin();
    std::optional<TargetRow> row;
    for (; at != state.targets.end() && !row && cursor.scanned < max_scanned; ++at, ++cursor.scanned) {
      const auto& [id, target] = *at;
      if (filter.service && id.service != *filter.service) {
        cursor.at_end = true;
        return std::nullopt;
      }
      cursor.after = id;
      if (!filter.fits(id, target) || is_left_behind(state, id, target) ||
          !may(present, call.principal, Role::viewer, Reach::of(id))) {
        continue;
      }
      row = row_of(state, id, target, now);
    }
    cursor.at_end = at == state.targets.end();
    return row;
  });
}

Result<Response> page_of_targets(const Core& core, const Call& call, const Shown& from, const TargetFilter& filter,
                                 const PageRequest& page) {
  const auto names = core.names_for(call);
  Cursor cursor;
  if (page.after) {
    HEADGATE_TRY(cursor.after, parse_target_id(*page.after));
  }
  JsonWriter json;
  json.begin_object().key("targets").begin_array();
  for (std::size_t shown = 0; shown < page.limit; ++shown) {
    auto row = next_row(from, call, filter, cursor);
    if (!row) break;
    if (from.is_live()) add_looks(*row, core.deps.last_look);
    write_target(json, *row, names);
  }
  json.end_array();
  write_next(json, list_kind, cursor.at_end ? std::nullopt : std::optional(to_string(*cursor.after)));
  json.end_object();
  return Response::json(200, json.take());
}

Result<Response> one_target(const Core& core, const Call& call, const Shown& from) {
  HEADGATE_TRY(const auto id, target_of_path(call.request));
  std::optional<TargetId> name;
  auto row = from.read([&](const State& state, Timestamp now, const State&) -> std::optional<TargetRow> {
    const auto* target = state.find(id);
    name = called_since(state, id);
    return target && !name ? std::optional(row_of(state, id, *target, now)) : std::nullopt;
  });
  if (name) return fail(ErrorCode::not_found, fmt::format("{} is called {} now", to_string(id), to_string(*name)));
  if (!row) return fail(ErrorCode::not_found, fmt::format("no target {}", to_string(id)));
  if (from.is_live()) add_looks(*row, core.deps.last_look);
  JsonWriter json;
  write_target(json, *row, core.names_for(call));
  return Response::json(200, json.take());
}

// `read` over the live state, or on a worker over the one that `at` names.
template <class F>
void read_now_or_then(Core& core, const CallPtr& call, const std::optional<std::string>& at, F read) {
  if (!at) {
    const auto seen = core.deps.engine.position();
    Result<Response> response = read(*call, Shown(core));
    if (response) Core::set_position(*response, seen);
    return core.answer(*call, std::move(response));
  }
  core.on_worker(call, [&core, at = *at, read = std::move(read)](Call& c) -> Result<Response> {
    HEADGATE_TRY(const auto moment, find_moment(core, at));
    HEADGATE_TRY(const auto state, state_of(core, moment));
    Result<Response> response = read(c, Shown(core, state));
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
  read_now_or_then(core, call, at, [&core, filter, page](const Call& c, const Shown& from) {
    return page_of_targets(core, c, from, filter, page);
  });
}

void get_target(Core& core, const CallPtr& call) {
  QueryReader query(call->request.query);
  const auto at = query.text("at");
  if (auto read = query.finish(); !read) return core.answer(*call, std::unexpected(read.error()));
  read_now_or_then(core, call, at, [&core](const Call& c, const Shown& from) { return one_target(core, c, from); });
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
