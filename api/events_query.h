// The query of /v1/events and its kin.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/query_reader.h"
#include "engine/ports/event_log.h"

namespace headgate::api {

// Ids of those who are called so.
using IdsOfName = std::function<std::vector<std::string>(std::string_view name)>;

// type (glob; also as it stands in a record, and then of every version), service, environment, actor, correlation,
// from, to. Streams have no end: without `to`. A type that no event has is refused, and an actor that is neither an id
// nor the name of one alone, as `ids_of` tells; without it there are no names.
EventFilter read_event_filter(QueryReader& query, bool with_end = true, const IdsOfName& ids_of = {});

enum class EventFormat { json, ndjson, csv };
// Of the Accept header; 406 is the answer to nullopt.
std::optional<EventFormat> event_format(const Request& request);

// key=value joined by &, percent-encoded, times in the notation of the records: what an export's record says of it.
std::string filter_text(const EventFilter& filter);

bool is_open(const EventFilter& filter);  // nothing is filtered

// For an evidence bundle: everything that matches among the first `size` records. too_large beyond what one may hold.
Result<std::vector<StoredRecord>> records_of_bundle(const EventLog& log, const EventFilter& filter, Position size);

// Drops the records after the first `max_bytes` of them, but never the first record. Whether it dropped any.
bool cut_records(std::vector<StoredRecord>& records, std::size_t max_bytes);

inline constexpr std::string_view csv_header =
    "position,time,type,subject,actor,service,environment,correlation,cause,data\r\n";
Result<void> append_csv(std::string& out, const StoredRecord& record);  // one line, RFC 4180

}  // namespace headgate::api
