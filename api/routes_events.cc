#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/event_export.h"
#include "api/paging.h"
#include "api/problem.h"
#include "api/routes.h"
#include "api/visibility.h"

namespace headgate::api {
namespace {

constexpr std::string_view cursor_kind = "events";

std::optional<Position> parse_position(std::string_view text) {
  Position position = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return position;
}

struct Listing {
  EventQuery query;
  std::size_t limit = default_limit;
  bool whole = false;  // no page was asked for
};

Result<Listing> read_listing(const Core& core, const Call& call) {
  const auto& request = call.request;
  QueryReader reader(request.query);
  Listing listing;
  listing.query.filter =
      read_event_filter(reader, true, [&](std::string_view name) { return core.ids_of(call, name); });
  const auto order = reader.text("order");
  if (order && *order != "asc" && *order != "desc") reader.refuse("order", "'" + *order + "'", "asc or desc");
  listing.query.descending = order == "desc";
  listing.query.after = reader.number("after", 0, std::numeric_limits<Position>::max() - 1);
  const auto page = read_page(reader, cursor_kind);
  listing.limit = page.limit;
  listing.whole = request.query.count("limit") == 0 && request.query.count("cursor") == 0;
  if (const auto position = position_of(page, reader)) {
    if (listing.query.after) reader.refuse("after", "together with a cursor", "one of the two");
    listing.query.after = position;
  }
  HEADGATE_TRY_VOID(reader.finish());
  return listing;
}

struct EventRows {
  std::vector<StoredRecord> records;
  std::optional<Position> next;  // the page goes on after it
};

// Reads on while what is found may not be seen, within bounds.
Result<EventRows> read_rows(Core& core, const Principal& principal, Listing listing) {
  EventRows rows;
  std::size_t scanned = 0;
  while (true) {
    listing.query.limit = listing.limit - rows.records.size();
    HEADGATE_TRY(auto page, core.deps.log.query(listing.query));
    if (page.records.empty()) return rows;
    scanned += page.records.size();
    listing.query.after = page.records.back().position;
    const bool more = page.more;
    HEADGATE_TRY_VOID(keep_visible(page.records, core.deps.engine, principal));
    std::ranges::move(page.records, std::back_inserter(rows.records));
    if (!more) return rows;
    if (rows.records.size() >= listing.limit || scanned >= max_scanned) {
      rows.next = listing.query.after;
      return rows;
    }
  }
}

Result<Response> page_of_events(Core& core, Call& call, Listing listing, EventFormat format) {
  const Position seen = core.deps.engine.position();
  HEADGATE_TRY(const auto rows, read_rows(core, call.principal, std::move(listing)));
  const auto next = rows.next ? std::optional(std::to_string(*rows.next)) : std::nullopt;
  Response response;
  if (format == EventFormat::json) {
    JsonWriter json;
    json.begin_object().key("events").begin_array();
    for (const auto& record : rows.records) json.raw(record.bytes);
    json.end_array();
    write_next(json, cursor_kind, next);
    json.end_object();
    response = Response::json(200, json.take());
  } else {
    std::string body;
    if (format == EventFormat::csv) body = csv_header;
    for (const auto& record : rows.records) {
      if (format == EventFormat::csv) {
        HEADGATE_TRY_VOID(append_csv(body, record));
      } else {
        body.append(record.bytes).append("\n");
      }
    }
    const bool csv = format == EventFormat::csv;
    response = Response::of(200, csv ? "text/csv; charset=utf-8" : "application/x-ndjson", std::move(body));
    // A line format has no room for the cursor.
    if (next) response.set("Headgate-Next", cursor_of(cursor_kind, *next));
  }
  Core::set_position(response, seen);
  return response;
}

void list_events(Core& core, const CallPtr& call) {
  const auto format = event_format(call->request);
  if (!format) {
    return core.answer(*call, problem(406, "events come as application/json, application/x-ndjson or text/csv"));
  }
  auto listing = read_listing(core, *call);
  if (!listing) return core.answer(*call, std::unexpected(listing.error()));
  if (*format == EventFormat::json || !listing->whole) {
    return core.on_worker(call, [&core, listing = std::move(*listing), format = *format](Call& c) {
      return page_of_events(core, c, listing, format);
    });
  }
  if (auto allowed = core.require(*call, Role::auditor, Reach::somewhere()); !allowed) {
    allowed.error().message += " to export all of it; a page (limit, cursor) needs a viewer role only";
    return core.answer(*call, std::unexpected(allowed.error()));
  }
  export_events(core, call, std::move(listing->query), *format);
}

Result<StoredRecord> visible_record(Core& core, const Call& call) {
  const auto& text = call.request.parameter("position");
  const auto position = parse_position(text);
  if (!position) return fail(ErrorCode::not_found, fmt::format("'{}' is no position", text));
  HEADGATE_TRY(auto records, core.deps.log.read(*position, 1));
  if (records.empty()) {
    return fail(ErrorCode::not_found, fmt::format("no event {}: the log ends at {}", text, core.deps.log.size() - 1));
  }
  HEADGATE_TRY_VOID(keep_visible(records, core.deps.engine, call.principal));
  if (records.empty()) {
    return fail(ErrorCode::forbidden, fmt::format("event {} is of a service or environment you may not see", text));
  }
  return std::move(records.front());
}

Result<Response> one_event(Core& core, Call& call) {
  HEADGATE_TRY(auto record, visible_record(core, call));
  return Response::of(200, "application/cloudevents+json", std::move(record.bytes));
}

Result<Response> proof_of_event(Core& core, Call& call) {
  HEADGATE_TRY(const auto record, visible_record(core, call));
  HEADGATE_TRY(auto text, core.deps.proofs.proof(record.position));
  return Response::of(200, "text/plain; charset=utf-8", std::move(text));
}

// A reader who has seen more than there is read another log, or one that has lost its end since: to go on would skip
// what comes in between.
Result<Position> behind(const Core& core, Position seen) {
  const auto end = core.deps.engine.position();
  if (seen < end) return seen + 1;
  return fail(ErrorCode::conflict,
              fmt::format("the log has {} events, and the last that was received is {}: it is another log, or was "
                          "restored from before that; read it from the beginning",
                          end, seen),
              {{"Last-Event-ID", std::to_string(seen), fmt::format("less than {}", end)}});
}

Result<Position> stream_start(Core& core, const Request& request, const EventFilter& filter, QueryReader& reader) {
  const auto after = reader.number("after", 0, std::numeric_limits<Position>::max() - 1);
  HEADGATE_TRY_VOID(reader.finish());
  HEADGATE_TRY(const auto last, request.headers.one("last-event-id"));
  if (last && !last->empty()) {
    const auto position = parse_position(*last);
    if (!position || *position == std::numeric_limits<Position>::max()) {
      return fail(ErrorCode::invalid_input, "the Last-Event-ID is no position",
                  {{"Last-Event-ID", std::string(*last), "the id of the last event that was received"}});
    }
    return behind(core, *position);
  }
  if (after) return behind(core, *after);
  if (filter.from) return 0;
  return core.deps.engine.position();
}

Result<Response> stream_events(Core& core, Call& call) {
  QueryReader reader(call.request.query);
  auto filter = read_event_filter(reader, false, [&](std::string_view name) { return core.ids_of(call, name); });
  HEADGATE_TRY(const auto start, stream_start(core, call.request, filter, reader));
  Response response;
  response.set("Content-Type", "text/event-stream");
  response.set("Cache-Control", "no-store");
  response.set("X-Accel-Buffering", "no");  // a proxy that collects chunks would hold events back
  Core::set_position(response, core.deps.engine.position());
  response.stream = core.feed.open(std::move(filter), start, call.token_digest);
  if (!response.stream) return fail(ErrorCode::unavailable, "too many event streams are open");
  return response;
}

}  // namespace

void add_event_routes(Core& core, Router& router) {
  core.async(router, "GET", "/v1/events", "viewer somewhere",
             [&core](const CallPtr& call) { list_events(core, call); });
  core.quick(router, "GET", "/v1/events/stream", "viewer somewhere",
             [&core](Call& call) { return stream_events(core, call); });
  core.heavy(router, "GET", "/v1/events/{position}", "viewer somewhere",
             [&core](Call& call) { return one_event(core, call); });
  core.heavy(router, "GET", "/v1/events/{position}/proof", "viewer somewhere",
             [&core](Call& call) { return proof_of_event(core, call); });
}

}  // namespace headgate::api
