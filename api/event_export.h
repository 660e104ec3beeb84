// A range of the log as one answer of any length: NDJSON or CSV, read and sent piece by piece.
#pragma once

#include <memory>

#include "api/core.h"
#include "api/events_query.h"

namespace headgate::api {

// Ascending or descending, up to what the log held when it was asked for. An error on the way cuts the connection, so
// that half an export cannot be taken for a whole one.
std::shared_ptr<Stream> export_events(Core& core, const Principal& principal, EventQuery query, EventFormat format);

}  // namespace headgate::api
