#include "api/events_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <charconv>
#include <iterator>

#include "api/record_view.h"
#include "engine/base/glob.h"
#include "engine/base/nearest_name.h"
#include "engine/base/trimmed.h"
#include "engine/domain/notifications.h"
#include "engine/domain/record_size.h"

namespace headgate::api {
namespace {

void append_field(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

// One element of Accept (RFC 9110, section 12.5.1).
struct MediaRange {
  std::string_view type;
  double quality = 1;
};

double quality_of(std::string_view parameters) {
  while (!parameters.empty()) {
    const auto end = std::min(parameters.find(';'), parameters.size());
    const auto parameter = trimmed(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    if (parameter.size() < 2 || !boost::beast::iequals(parameter.substr(0, 2), "q=")) continue;
    double quality = 0;
    const auto* last = parameter.data() + parameter.size();
    const auto [at, error] = std::from_chars(parameter.data() + 2, last, quality, std::chars_format::fixed);
    return error == std::errc{} && at == last ? quality : 0;
  }
  return 1;
}

std::vector<MediaRange> media_ranges(std::string_view accept) {
  std::vector<MediaRange> ranges;
  while (!accept.empty()) {
    const auto end = std::min(accept.find(','), accept.size());
    const auto range = accept.substr(0, end);
    accept.remove_prefix(std::min(end + 1, accept.size()));
    const auto parameters = std::min(range.find(';'), range.size());
    ranges.push_back({trimmed(range.substr(0, parameters)), quality_of(range.substr(parameters))});
  }
  return ranges;
}

// The most specific one that `type` is in.
const MediaRange* range_of(const std::vector<MediaRange>& ranges, std::string_view type) {
  const auto group = std::string(type.substr(0, type.find('/'))) + "/*";
  for (const std::string_view name : {type, std::string_view(group), std::string_view("*/*")}) {
    const auto found =
        std::ranges::find_if(ranges, [&](const MediaRange& r) { return boost::beast::iequals(r.type, name); });
    if (found != ranges.end()) return &*found;
  }
  return nullptr;
}

// The id that the records have.
std::string read_actor(QueryReader& query, const IdsOfName& ids_of) {
  const auto asked = query.text("actor").value_or("");
  if (asked.empty() || asked == "engine" || asked.starts_with("person:") || asked.starts_with("token:")) return asked;
  const auto ids = ids_of ? ids_of(asked) : std::vector<std::string>{};
  if (ids.size() == 1) return ids.front();
  const auto shown = std::min<std::size_t>(ids.size(), 8);
  query.refuse("actor", "'" + cut_text(asked, 64) + "'",
               ids.empty() ? "person:…, token:…, engine, or a name that you may see"
                           : fmt::format("one of those who are called so: {}",
                                         fmt::join(ids.begin(), std::next(ids.begin(), shown), ", ")));
  return asked;
}

}  // namespace

EventFilter read_event_filter(QueryReader& query, bool with_end, const IdsOfName& ids_of) {
  EventFilter filter;
  filter.type = query.text("type").value_or("");
  filter.service = query.text("service").value_or("");
  filter.environment = query.text("environment").value_or("");
  filter.actor = read_actor(query, ids_of);
  filter.correlation = query.text("correlation").value_or("");
  filter.from = query.time("from");
  if (with_end) filter.to = query.time("to");
  constexpr std::string_view prefix = "dev.headgate.";
  if (filter.type.starts_with(prefix)) filter.type.erase(0, prefix.size());
  const auto version = filter.type.rfind(".v");
  if (version != std::string::npos && version > 0 && version + 2 < filter.type.size() &&
      filter.type.find_first_not_of("0123456789", version + 2) == std::string::npos) {
    filter.type.erase(version);
  }
  // What nothing is called is a slip: the answer would be empty for ever.
  const auto& names = event_names();
  const auto fits = [&](std::string_view name) { return matches_glob(filter.type, name); };
  if (!filter.type.empty() && std::ranges::none_of(names, fits)) {
    const auto nearest = nearest_name(filter.type, names);
    query.refuse("type", "'" + filter.type.substr(0, 64) + "'",
                 nearest.empty() ? "the name of an event, such as promotion.failed, or a pattern such as rollback.*"
                                 : "'" + std::string(nearest) + "'");
  }
  return filter;
}

std::optional<EventFormat> event_format(const Request& request) {
  const auto accept = request.headers.one("accept");
  if (!accept) return std::nullopt;
  if (!*accept) return EventFormat::json;
  const auto ranges = media_ranges(**accept);
  std::optional<EventFormat> best;
  const MediaRange* chosen = nullptr;
  for (const auto& [type, format] :
       {std::pair{"application/json", EventFormat::json}, std::pair{"application/x-ndjson", EventFormat::ndjson},
        std::pair{"text/csv", EventFormat::csv}}) {
    const auto* range = range_of(ranges, type);
    if (range == nullptr || range->quality <= 0) continue;
    if (chosen && (range->quality < chosen->quality || (range->quality == chosen->quality && range >= chosen)))
      continue;
    chosen = range;
    best = format;
  }
  return best;
}

std::string filter_text(const EventFilter& filter) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out += fmt::format("{}{}=", out.empty() ? "" : "&", name);
    out += boost::urls::encode(value, boost::urls::unreserved_chars + ':' + '/' + '*');
  };
  add("type", filter.type);
  add("service", filter.service);
  add("environment", filter.environment);
  add("actor", filter.actor);
  add("correlation", filter.correlation);
  if (filter.from) add("from", format_timestamp(*filter.from));
  if (filter.to) add("to", format_timestamp(*filter.to));
  return out;
}

bool is_open(const EventFilter& filter) {
  return filter.type.empty() && filter.service.empty() && filter.environment.empty() && filter.actor.empty() &&
         filter.correlation.empty() && !filter.from && !filter.to;
}

bool cut_records(std::vector<StoredRecord>& records, std::size_t max_bytes) {
  std::size_t bytes = 0;
  auto over = std::ranges::find_if(records, [&](const StoredRecord& record) {
    bytes += record.bytes.size();
    return bytes > max_bytes;
  });
  if (over == records.begin() && over != records.end()) ++over;
  if (over == records.end()) return false;
  records.erase(over, records.end());
  return true;
}

Result<std::vector<StoredRecord>> records_of_bundle(const EventLog& log, const EventFilter& filter, Position size) {
  constexpr std::size_t page_records = 1'000;
  constexpr std::size_t max_records = 10'000;
  constexpr std::size_t max_bytes = 32 << 20;
  std::vector<StoredRecord> found;
  std::size_t bytes = 0;
  EventQuery query;
  query.filter = filter;
  query.limit = page_records;
  while (true) {
    HEADGATE_TRY(auto page, log.query(query));
    if (page.records.empty()) return found;
    query.after = page.records.back().position;
    std::erase_if(page.records, [size](const StoredRecord& record) { return record.position >= size; });
    for (const auto& record : page.records) bytes += record.bytes.size();
    std::ranges::move(page.records, std::back_inserter(found));
    if (found.size() > max_records || bytes > max_bytes) {
      return fail(ErrorCode::too_large,
                  fmt::format("more than {} records or {} MiB match: narrow the filter (from and to, service, "
                              "environment, type) and take several bundles",
                              max_records, max_bytes >> 20));
    }
    if (!page.more || *query.after >= size) return found;
  }
}

Result<void> append_csv(std::string& out, const StoredRecord& record) {
  HEADGATE_TRY(const auto view, view_record(record.bytes));
  out += std::to_string(record.position);
  for (const std::string_view field :
       {std::string_view(view.time), std::string_view(view.type), std::string_view(view.subject),
        std::string_view(view.actor), std::string_view(view.service), std::string_view(view.environment),
        std::string_view(view.correlation), std::string_view(view.cause), view.data}) {
    out += ',';
    append_field(out, field);
  }
  out += "\r\n";
  return {};
}

}  // namespace headgate::api
