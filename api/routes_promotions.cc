#include <fmt/format.h>

#include <algorithm>

#include "api/json_reader.h"
#include "api/paging.h"
#include "api/promotion_reads.h"
#include "api/record_view.h"
#include "api/routes.h"
#include "api/views_promotion.h"

namespace headgate::api {
namespace {

constexpr std::string_view list_kind = "promotions";
constexpr std::size_t max_folded = 500;  // ended promotions that one page puts together from their events

struct Filter {
  std::optional<std::string> service;
  std::optional<std::string> environment;
  std::optional<Phase> phase;
  std::optional<bool> active;

  bool fits(const Promotion& p) const {
    return (!service || *service == p.id.target.service) && (!environment || *environment == p.id.target.environment) &&
           (!phase || *phase == p.phase) && (!active || *active != p.ended.has_value());
  }
  bool only_live() const {
    return active == true || phase == Phase::waiting || phase == Phase::running || phase == Phase::rolling_back;
  }
};

struct Listing {
  Filter filter;
  PageRequest page;
  std::optional<Position> before;  // promotions planned before it
};

Result<Listing> read_listing(const Request& request) {
  QueryReader query(request.query);
  Listing listing;
  listing.filter = {query.text("service"), query.text("environment"), std::nullopt, query.flag("active")};
  if (const auto phase = query.text("phase")) {
    listing.filter.phase = parse_enum<Phase>(*phase);
    if (!listing.filter.phase) {
      query.refuse("phase", "'" + phase->substr(0, 64) + "'",
                   fmt::format("one of {}", fmt::join(EnumNames<Phase>::names, ", ")));
    }
  }
  listing.page = read_page(query, list_kind);
  listing.before = position_of(listing.page, query);
  HEADGATE_TRY_VOID(query.finish());
  return listing;
}

// Live promotions, the newest first, all from the state. Each is judged in a read of its own: a page of hundreds holds
// up nobody.
Result<Response> live_page(const Core& core, const Call& call, const Listing& listing) {
  std::vector<std::pair<Position, PromotionId>> live;  // by where they were planned
  const auto seen = core.deps.engine.read([&](const State& state) {
    for (const auto& id : state.active) {
      const auto& p = *state.targets.at(id).promotion;
      if (listing.before && p.planned_at >= *listing.before) continue;
      if (!listing.filter.fits(p) || !may(state, call.principal, Role::viewer, Reach::of(id))) continue;
      live.emplace_back(p.planned_at, p.id);
    }
    return state.next;
  });
  std::ranges::sort(live, std::ranges::greater{});
  const bool more = live.size() > listing.page.limit;
  if (more) live.resize(listing.page.limit);
  const auto names = core.names_for(call);
  JsonWriter json;
  json.begin_object().key("promotions").begin_array();
  for (const auto& [planned_at, id] : live) {
    // One that went on meanwhile may be no row any more.
    const auto found = live_promotion(core, id);
    if (found && listing.filter.fits(found->promotion)) write_promotion(json, *found, names);
  }
  json.end_array();
  write_next(json, list_kind, more ? std::optional(std::to_string(live.back().first)) : std::nullopt);
  json.end_object();
  auto response = Response::json(200, json.take());
  Core::set_position(response, seen);
  return response;
}

// All of them, the newest first: where they were planned, in the log; what became of them, from the state or from their
// own events.
Result<Response> page_of_promotions(const Core& core, const Call& call, const Listing& listing) {
  const auto names = core.names_for(call);
  const Position seen = core.deps.engine.position();
  EventQuery query;
  query.filter.type = PromotionPlanned::type.name;
  query.filter.service = listing.filter.service.value_or("");
  query.filter.environment = listing.filter.environment.value_or("");
  query.descending = true;
  query.after = listing.before;
  query.limit = listing.page.limit;

  JsonWriter json;
  json.begin_object().key("promotions").begin_array();
  std::size_t shown = 0;
  std::size_t folded = 0;
  bool more = true;
  while (more && shown < listing.page.limit && folded < max_folded) {
    HEADGATE_TRY(const auto planned, core.deps.log.query(query));
    more = planned.more && !planned.records.empty();
    for (const auto& record : planned.records) {
      query.after = record.position;
      HEADGATE_TRY(const auto view, view_record(record.bytes));
      HEADGATE_TRY(const auto id, parse_promotion_id(view.subject));
      const bool visible = core.deps.engine.read(
          [&](const State& state) { return may(state, call.principal, Role::viewer, Reach::of(id.target)); });
      if (visible) {
        auto found = live_promotion(core, id);
        if (!found) {
          ++folded;
          HEADGATE_TRY(auto promotion, runtime::promotion_of_log(core.deps.log, id));
          found = FoundPromotion{.promotion = std::move(promotion)};
        }
        if (listing.filter.fits(found->promotion)) {
          write_promotion(json, *found, names);
          ++shown;
        }
      }
      if (shown < listing.page.limit && folded < max_folded) continue;
      more = more || &record != &planned.records.back();
      break;
    }
  }
  json.end_array();
  write_next(json, list_kind, more ? std::optional(std::to_string(*query.after)) : std::nullopt);
  json.end_object();
  auto response = Response::json(200, json.take());
  Core::set_position(response, seen);
  return response;
}

void list_promotions(Core& core, const CallPtr& call) {
  auto listing = read_listing(call->request);
  if (!listing) return core.answer(*call, std::unexpected(listing.error()));
  if (listing->filter.only_live()) return core.answer(*call, live_page(core, *call, *listing));
  core.on_worker(call,
                 [&core, listing = std::move(*listing)](Call& c) { return page_of_promotions(core, c, listing); });
}

Response show_promotion(const Core& core, const Call& call, const FoundPromotion& found) {
  JsonWriter json;
  write_promotion(json, found, core.names_for(call));
  auto response = Response::json(200, json.take());
  Core::set_position(response, found.seen);
  return response;
}

void get_promotion(Core& core, const CallPtr& call) {
  const auto id = promotion_of_path(call->request);
  if (!id) return core.answer(*call, std::unexpected(id.error()));
  QueryReader query(call->request.query);
  if (auto read = query.finish(); !read) return core.answer(*call, std::unexpected(read.error()));
  if (const auto live = live_promotion(core, *id)) return core.answer(*call, show_promotion(core, *call, *live));
  core.on_worker(call, [&core, id = *id](Call& c) -> Result<Response> {
    HEADGATE_TRY(const auto found, find_promotion(core, id));
    return show_promotion(core, c, found);
  });
}

// ------------------------------------------------------------------------------------------------------------- writes

Result<RequestPromotion> read_request(const Core& core, const Call& call) {
  HEADGATE_TRY(const auto value, json_body(call));
  JsonReader body(value);
  RequestPromotion command;
  command.target.service = body.required_string("service");
  command.target.environment = body.required_string("environment");
  auto release = body.required_object("release");
  command.release.version = release.required_string("version");
  command.release.commit = release.optional_string("commit").value_or("");
  command.release.artifacts = release.optional_string_map("artifacts");
  command.reason = body.optional_string("reason").value_or("");
  command.expedite = body.optional_boolean("expedite").value_or(false);
  command.locations = body.optional_strings("locations");
  HEADGATE_TRY_VOID(body.finish());
  HEADGATE_TRY_VOID(core.require(call, Role::operator_, Reach::of(command.target)));
  return command;
}

void request_promotion(Core& core, const CallPtr& call) {
  auto command = read_request(core, *call);
  if (!command) return core.answer(*call, std::unexpected(command.error()));
  WriteAnswer answer;
  answer.status = 201;
  answer.fields = [](JsonWriter& json, const Receipt& receipt) {
    for (const auto& event : receipt.events) {
      if (const auto* ended = std::get_if<PromotionSuperseded>(&event)) {
        json.field("superseded", to_string(ended->promotion));
      }
      const auto* planned = std::get_if<PromotionPlanned>(&event);
      if (!planned) continue;
      json.field("id", to_string(planned->promotion));
      json.field("target", to_string(planned->promotion.target));
      json.field("number", planned->promotion.number);
      json.field("phase", name_of(Phase::waiting));
      json.field("trigger", name_of(planned->trigger));
      json.field("plan_digest", planned->plan_digest);
      write_wish(json.key("from"), planned->from);
      write_wish(json.key("to"), planned->to);
    }
    json.key("steps").begin_array();
    for (const auto& event : receipt.events) {
      if (const auto* step = std::get_if<StepPlanned>(&event)) json.value(step->id.step);
    }
    json.end_array();
  };
  answer.location = [](const Receipt& receipt) {
    for (const auto& event : receipt.events) {
      if (const auto* planned = std::get_if<PromotionPlanned>(&event)) {
        return "/v1/promotions/" + to_string(planned->promotion);
      }
    }
    return std::string();
  };
  core.submit(call, std::move(*command), std::move(answer));
}

// approve, reject, cancel, override: `read` makes the command of the id and the body.
template <class Read>
void act_on_promotion(Core& core, const CallPtr& call, bool body_optional, Read read) {
  std::string id_text;
  const auto parse = [&]() -> Result<Command> {
    HEADGATE_TRY(auto id, promotion_of_path(call->request));
    id_text = to_string(id);
    HEADGATE_TRY(const auto value, json_body(*call, body_optional));
    JsonReader body(value);
    Command command = read(std::move(id), body);
    HEADGATE_TRY_VOID(body.finish());
    return command;
  };
  auto command = parse();
  if (!command) return core.answer(*call, std::unexpected(command.error()));
  WriteAnswer answer;
  answer.fields = [id_text](JsonWriter& json, const Receipt& receipt) {
    json.field("id", id_text);
    json.key("events").begin_array();
    for (const auto& event : receipt.events) json.value(type_name(event));
    json.end_array();
    for (const auto& event : receipt.events) {
      if (const auto* planned = std::get_if<PromotionPlanned>(&event)) {
        json.field("planned", to_string(planned->promotion));
        continue;
      }
      const auto* granted = std::get_if<ApprovalGranted>(&event);
      if (!granted) continue;
      json.field("team", granted->team);
      json.field("plan_digest", granted->plan_digest);
      json.field("expires", format_timestamp(granted->expires));
    }
  };
  core.submit(call, std::move(*command), std::move(answer));
}

}  // namespace

void add_promotion_routes(Core& core, Router& router) {
  core.async(router, "POST", "/v1/promotions", "operator somewhere",
             [&core](const CallPtr& call) { request_promotion(core, call); });
  core.async(router, "GET", "/v1/promotions", "viewer somewhere",
             [&core](const CallPtr& call) { list_promotions(core, call); });
  core.async(router, "GET", "/v1/promotions/{service}/{environment}/{n}", "viewer",
             [&core](const CallPtr& call) { get_promotion(core, call); });
  core.async(router, "POST", "/v1/promotions/{service}/{environment}/{n}/approve", "approver",
             [&core](const CallPtr& call) {
               act_on_promotion(core, call, false, [](PromotionId id, JsonReader& body) -> Command {
                 auto digest = body.required_string("plan_digest");
                 auto team = body.optional_string("team").value_or("");
                 auto comment = body.optional_string("comment").value_or("");
                 std::optional<Position> seen;
                 if (const auto position = body.optional_integer("seen")) seen = static_cast<Position>(*position);
                 return Approve{std::move(id), std::move(digest), std::move(team), std::move(comment), seen};
               });
             });
  core.async(router, "POST", "/v1/promotions/{service}/{environment}/{n}/reject", "approver",
             [&core](const CallPtr& call) {
               act_on_promotion(core, call, true, [](PromotionId id, JsonReader& body) -> Command {
                 return Reject{std::move(id), body.optional_string("comment").value_or("")};
               });
             });
  core.async(router, "POST", "/v1/promotions/{service}/{environment}/{n}/cancel", "operator",
             [&core](const CallPtr& call) {
               act_on_promotion(core, call, true, [](PromotionId id, JsonReader& body) -> Command {
                 return Cancel{std::move(id), body.optional_string("reason").value_or("")};
               });
             });
  core.async(router, "POST", "/v1/promotions/{service}/{environment}/{n}/resume", "operator",
             [&core](const CallPtr& call) {
               act_on_promotion(core, call, true, [](PromotionId id, JsonReader& body) -> Command {
                 return ResumePause{std::move(id), body.optional_string("reason").value_or("")};
               });
             });
  core.async(router, "POST", "/v1/promotions/{service}/{environment}/{n}/retry", "operator",
             [&core](const CallPtr& call) {
               act_on_promotion(core, call, true, [](PromotionId id, JsonReader& body) -> Command {
                 return RetryPromotion{std::move(id), body.optional_string("reason").value_or("")};
               });
             });
  core.async(router, "POST", "/v1/promotions/{service}/{environment}/{n}/expedite", "operator",
             [&core](const CallPtr& call) {
               act_on_promotion(core, call, false, [](PromotionId id, JsonReader& body) -> Command {
                 return ExpeditePromotion{std::move(id), body.required_string("reason")};
               });
             });
  core.async(router, "POST", "/v1/promotions/{service}/{environment}/{n}/override", "breakGlass",
             [&core](const CallPtr& call) {
               act_on_promotion(core, call, false, [](PromotionId id, JsonReader& body) -> Command {
                 return OverrideProtection{std::move(id), body.required_string("reason")};
               });
             });
}

}  // namespace headgate::api
