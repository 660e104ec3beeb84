// Why a promotion stands where it stands, and what happened to it.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "api/moment.h"
#include "api/paging.h"
#include "api/promotion_reads.h"
#include "api/record_view.h"
#include "api/routes.h"
#include "api/views_promotion.h"
#include "engine/domain/guards.h"

namespace headgate::api {
namespace {

constexpr std::string_view timeline_kind = "timeline";

Response explanation(const Promotion& p, const std::vector<Condition>& conditions, Position as_of, const Names& names) {
  const auto unmet = static_cast<std::size_t>(std::ranges::count(conditions, false, &Condition::met));
  JsonWriter json;
  json.begin_object();
  json.field("id", to_string(p.id));
  json.field("phase", name_of(p.phase));
  json.field("text", summary_of(p, unmet, names));
  json.key("step");
  if (const auto* step = p.current()) {
    json.begin_object();
    json.field("name", step->step->name).field("kind", name_of(step->step->kind));
    json.field("status", name_of(step->status)).field("activity", name_of(step->activity));
    json.field("attempt", step->attempt);
    write_time(json.key("started"), step->started);
    write_time(json.key("due"), step->due ? step->due : step->retry_due);
    json.field("reason", names.in_text(step->reason));
    json.end_object();
  } else {
    json.value(nullptr);
  }
  json.field("met", conditions.size() - unmet).field("unmet", unmet);
  write_conditions(json.key("conditions"), conditions, names);
  // What is judged is the state with every event before this position.
  json.field("as_of", as_of);
  write_time(json.key("ended"), p.ended);
  json.field("end_reason", names.in_text(p.end_reason));
  write_downtime(json.key("downtime"), p);
  json.end_object();
  return Response::json(200, json.take());
}

std::vector<Condition> explain_then(const State& then, const PromotionId& id, std::optional<Timestamp> time) {
  const auto* promotion = then.live(id);
  return promotion ? explain_live(then, *promotion, time.value_or(then.last_time)) : std::vector<Condition>();
}

// What let a promotion pass that has succeeded: of a rule that was met when its effects began, how it was met then,
// whatever came after; of the others, how they stood at the end.
std::vector<Condition> explain_success(const std::vector<Condition>& at_first, const std::vector<Condition>& at_end) {
  std::map<std::string, bool> met;  // at first, by rule
  for (const auto& condition : at_first) {
    auto& all_met = met.try_emplace(condition.guard, true).first->second;
    all_met = all_met && condition.met;
  }
  const auto passed = [&](const Condition& condition) {
    const auto at = met.find(condition.guard);
    return at != met.end() && at->second;
  };
  std::vector<Condition> all;
  std::ranges::copy_if(at_first, std::back_inserter(all), passed);
  std::ranges::copy_if(at_end, std::back_inserter(all), std::not_fn(passed));
  return all;
}

// One that failed or goes back as it was just before it turned from its way, one that has ended otherwise just before
// its end, and what let one pass that has succeeded; then what bears on it now, and by why_failed(state then) why it
// turned. `why_failed` is given null where that is no other state than the one of now.
Result<Response> explain_found(const Core& core, const FoundPromotion& found, const Names& names, auto why_failed) {
  const auto& p = found.promotion;
  const auto turned = turning_point_of(p);
  if (found.lives && !turned) {
    auto conditions = found.conditions;
    std::ranges::move(why_failed(nullptr), std::back_inserter(conditions));
    return explanation(p, conditions, found.seen, names);
  }
  const auto before = turned ? turned->position : p.last_position;
  HEADGATE_TRY(const State then, runtime::state_at(core.deps.log, core.deps.snapshots, before));
  auto conditions = explain_then(then, p.id, turned ? turned->time : p.ended);
  if (p.phase == Phase::succeeded && p.effects_began) {
    HEADGATE_TRY(const State first, runtime::state_at(core.deps.log, core.deps.snapshots, p.effects_began_at));
    conditions = explain_success(explain_then(first, p.id, p.effects_began), conditions);
  }
  for (auto& condition : conditions) condition.remedy.clear();  // nothing is left to do about it
  std::ranges::copy(found.conditions, std::back_inserter(conditions));
  std::ranges::move(why_failed(&then), std::back_inserter(conditions));
  return explanation(p, conditions, found.lives ? found.seen : before, names);
}

Result<Response> explain_at(const Core& core, const PromotionId& id, const std::string& at, const Names& names) {
  HEADGATE_TRY(const auto moment, find_moment(core, at));
  HEADGATE_TRY(const auto state, state_of(core, moment));
  const auto* target = state.find(id.target);
  if (!target || id.number == 0 || id.number > target->last_number) {
    return fail(ErrorCode::not_found, "promotion " + to_string(id) + " was not planned yet at " + at);
  }
  FoundPromotion found;
  found.seen = moment.next;
  if (const auto* p = state.live(id)) {
    found.promotion = *p;
    found.conditions = explain_live(state, *p, moment.time.value_or(state.last_time));
    found.lives = true;
  } else if (target->back.failed && target->back.failed->id == id) {  // as it was then: it may have been retried since
    found.promotion = *target->back.failed;
  } else {
    HEADGATE_TRY(found.promotion, runtime::promotion_of_log(core.deps.log, id));
  }
  return explain_found(core, found, names, [&](const State* then) {
    return explain_failure(then ? *then : state, state, found.promotion);
  });
}

Result<Response> explain(const Core& core, const Call& call) {
  HEADGATE_TRY(const auto id, promotion_of_path(call.request));
  QueryReader query(call.request.query);
  const auto at = query.text("at");
  HEADGATE_TRY_VOID(query.finish());
  const auto names = core.names_for(call);
  if (at) return explain_at(core, id, *at, names);
  HEADGATE_TRY(const auto found, find_promotion(core, id));
  auto response = explain_found(core, found, names, [&](const State* then) {
    return core.deps.engine.read(
        [&](const State& now) { return explain_failure(then ? *then : now, now, found.promotion); });
  });
  if (response) Core::set_position(*response, found.seen);
  return response;
}

// The cursor carries the time of the last row as well, so that the first row of the next page knows its distance.
struct TimelineCursor {
  Position position = 0;
  std::int64_t micros = 0;
};

std::optional<TimelineCursor> parse_cursor(std::string_view text) {
  TimelineCursor cursor;
  const auto* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, cursor.position);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '.') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, cursor.micros);
  if (second.ec != std::errc{} || second.ptr != end) return std::nullopt;
  return cursor;
}

Result<Response> timeline(const Core& core, const Call& call) {
  HEADGATE_TRY(const auto id, promotion_of_path(call.request));
  QueryReader query(call.request.query);
  const auto page = read_page(query, timeline_kind);
  std::optional<Position> after;
  std::optional<Timestamp> before;
  if (page.after) {
    if (const auto cursor = parse_cursor(*page.after)) {
      after = cursor->position;
      before = Timestamp(Duration(cursor->micros));
    } else {
      query.refuse("cursor", "no cursor of this list", "the text that 'next' held");
    }
  }
  HEADGATE_TRY_VOID(query.finish());
  const Position seen = core.deps.engine.position();
  HEADGATE_TRY(const auto found, events_of_promotion(core, id, after, page.limit));
  if (found.records.empty() && !page.after) return fail(ErrorCode::not_found, "no promotion " + to_string(id));

  const auto names = core.names_for(call);
  JsonWriter json;
  json.begin_object().field("id", to_string(id)).key("events").begin_array();
  for (const auto& record : found.records) {
    HEADGATE_TRY(const auto view, view_record(record.bytes));
    HEADGATE_TRY(const auto time, parse_timestamp(view.time));
    json.begin_object();
    json.field("position", record.position);
    json.field("time", view.time);
    json.key("since_previous_ms");
    if (before) {
      json.value(std::chrono::floor<std::chrono::milliseconds>(time - *before).count());
    } else {
      json.value(nullptr);
    }
    json.field("type", view.type);
    json.field("subject", view.subject);
    names.write(json.key("actor"), view.actor);
    json.field("detail", names.in_text(detail_of(view.data)));
    json.key("event").raw(record.bytes);
    json.end_object();
    before = time;
  }
  json.end_array();
  std::optional<std::string> next;
  if (found.more && !found.records.empty()) {
    next = fmt::format("{}.{}", found.records.back().position, before->time_since_epoch().count());
  }
  write_next(json, timeline_kind, next);
  json.end_object();
  auto response = Response::json(200, json.take());
  Core::set_position(response, seen);
  return response;
}

}  // namespace

void add_promotion_story_routes(Core& core, Router& router) {
  core.heavy(router, "GET", "/v1/promotions/{service}/{environment}/{n}/explain", "viewer",
             [&core](Call& call) { return explain(core, call); });
  core.heavy(router, "GET", "/v1/promotions/{service}/{environment}/{n}/timeline", "viewer",
             [&core](Call& call) { return timeline(core, call); });
}

}  // namespace headgate::api
