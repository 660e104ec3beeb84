// A range of the log as one answer of any length: NDJSON or CSV, read and sent piece by piece. That it was taken is a
// record itself (audit.exported), durable before the first byte leaves; it says how many records there were.
#pragma once

#include "api/core.h"
#include "api/events_query.h"

namespace headgate::api {

// Answers the call. Ascending or descending, up to what the log held when it was asked for: its own record is not among
// them. An error on the way cuts the connection, so that half an export cannot be taken for a whole one. HEAD takes
// nothing and records nothing.
void export_events(Core& core, const CallPtr& call, EventQuery query, EventFormat format);

}  // namespace headgate::api
