// Everything at one moment.
#include <fmt/format.h>

#include "api/moment.h"
#include "api/paging.h"
#include "api/routes.h"
#include "api/views_promotion.h"
#include "api/views_target.h"
#include "engine/domain/renames.h"

namespace headgate::api {
namespace {

constexpr std::string_view state_kind = "state";

// `general`: with what is of no service and environment.
void write_frame(JsonWriter& json, const State& state, Position next, bool general) {
  json.field("position", next - 1);
  json.field("time", format_timestamp(state.last_time));
  json.field("origin", state.origin);
  json.key("effects").begin_object().field("paused", state.effects_paused.has_value());
  if (const auto& paused = state.effects_paused) {
    json.field("reason", paused->reason).field("since", format_timestamp(paused->time));
    json.field("position", paused->position);
  }
  json.end_object();
  const auto& c = state.configuration;
  json.key("configuration").begin_object();
  json.field("repository", c.repository).field("commit", c.commit).field("rejected_commit", c.rejected_commit);
  json.end_object();
  json.key("repositories").begin_array();
  for (const auto& [name, repository] : state.repositories) {
    if (!general) break;
    json.begin_object().field("name", name).field("branch", repository.branch).field("head", repository.head);
    json.field("unreachable", repository.unreachable).end_object();
  }
  json.end_array();
  json.field("active_promotions", state.active.size());
}

// Targets come in pages; the cursor holds the moment, so that all pages show the same one.
struct StatePage {
  std::size_t limit = default_limit;
  std::optional<std::string> at;
  std::optional<TargetId> after;
};

Result<StatePage> read_state_page(const Request& request) {
  QueryReader query(request.query);
  StatePage state_page;
  state_page.at = query.text("at");
  const auto page = read_page(query, state_kind);
  state_page.limit = page.limit;
  if (page.after) {
    const auto bar = page.after->find(' ');
    auto target = parse_target_id(bar == std::string::npos ? "" : std::string_view(*page.after).substr(bar + 1));
    if (state_page.at) {
      query.refuse("at", "together with a cursor", "one of the two: the cursor keeps its moment");
    } else if (!target) {
      query.refuse("cursor", "no cursor of this list", "the text that 'next' held");
    } else {
      state_page.at = page.after->substr(0, bar);
      state_page.after = std::move(*target);
    }
  }
  HEADGATE_TRY_VOID(query.finish());
  return state_page;
}

Result<Response> state_at_moment(Core& core, Call& call) {
  HEADGATE_TRY(const auto page, read_state_page(call.request));
  Moment moment{core.deps.engine.position()};
  if (page.at) {
    HEADGATE_TRY(moment, find_moment(core, *page.at));
  }
  HEADGATE_TRY(const auto state, state_of(core, moment));
  const auto names = core.names_for(call);
  const bool live = moment.next == core.deps.engine.position();
  const auto time = live ? core.now() : state.last_time;

  JsonWriter json;
  json.begin_object();
  const bool general = core.deps.engine.read(
      [&](const State& present) { return may(present, call.principal, Role::viewer, Reach::everywhere()); });
  write_frame(json, state, moment.next, general);
  json.key("targets").begin_array();
  auto row = page.after ? state.targets.upper_bound(*page.after) : state.targets.begin();
  std::string last;
  std::vector<decltype(row)> visible;
  core.deps.engine.read([&](const State& present) {
    std::size_t scanned = 0;
    for (; row != state.targets.end() && visible.size() < page.limit && scanned < max_scanned; ++row, ++scanned) {
      last = to_string(row->first);
      if (is_left_behind(state, row->first, row->second)) continue;
      if (may(present, call.principal, Role::viewer, Reach::of(row->first))) visible.push_back(row);
    }
  });
  for (const auto& at : visible) write_target(json, row_of(state, at->first, at->second, time), names);
  json.end_array();
  const bool more = row != state.targets.end();
  write_next(json, state_kind, more ? std::optional(fmt::format("{} {}", moment.next - 1, last)) : std::nullopt);
  json.end_object();
  auto response = Response::json(200, json.take());
  Core::set_position(response, moment.next);
  return response;
}

}  // namespace

void add_state_routes(Core& core, Router& router) {
  core.heavy(router, "GET", "/v1/state", "viewer somewhere",
             [&core](Call& call) { return state_at_moment(core, call); });
}

}  // namespace headgate::api
