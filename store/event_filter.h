// What an EventFilter means, apart from any index.
#pragma once

#include "engine/ports/event_log.h"

namespace headgate::store {

// A page never holds more, whatever is asked for.
inline constexpr std::size_t kMaxPageRecords = 10'000;

bool matches(const EventFilter& filter, const Recorded<Event>& record);

}  // namespace headgate::store
