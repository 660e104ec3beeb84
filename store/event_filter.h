// What an EventFilter means, apart from any index.
#pragma once

#include <string_view>

#include "engine/ports/event_log.h"

namespace headgate::store {

// A page never holds more, whatever is asked for.
inline constexpr std::size_t kMaxPageRecords = 10'000;

// '*' stands for any characters, also none; everything else for itself.
bool matches_glob(std::string_view pattern, std::string_view text);

bool matches(const EventFilter& filter, const Recorded<Event>& record);

}  // namespace headgate::store
