// From windows as people write them to UTC intervals: the one place that knows time zones. What comes of it enters the
// log, so that other time-zone data never change what a fold gives.
#pragma once

#include <string>
#include <vector>

#include "engine/domain/state.h"

namespace headgate::reconciler {

// How far ahead windows are worked out, and how many intervals one record holds; what is denser reaches less far.
inline constexpr Duration window_horizon = std::chrono::days(35);
inline constexpr Duration window_hindsight = std::chrono::days(1);  // a clock that is set back is no reason to close
inline constexpr std::size_t max_window_intervals = 400;

// A time that the clocks skip begins when they go on. A time that comes twice counts at the first one; at both where
// the schedule names every hour, or where the window denies. A window lasts as long as its duration says, whatever the
// clocks do meanwhile. invalid_input: a schedule or a time zone that is none; unavailable: no time-zone data.
Result<WindowExpanded> expand_windows(const std::string& environment, const std::vector<Window>& windows,
                                      Timestamp now);

// Whether what is known has to be worked out (again): nothing is, or a third of it is left.
bool expansion_is_due(const std::vector<Window>& windows, const ExpandedWindows* known, Timestamp now);

// Whether one of the times of the schedule (cron, in the time zone) is no longer ago than the duration. Not where any
// of them is none.
bool is_within(const std::string& schedule, Duration duration, const std::string& time_zone, Timestamp now);

// Empty when the name is that of an IANA time zone; else what is wrong. `known`: where given, gets all names.
std::string time_zone_problem(const std::string& name, std::vector<std::string_view>* known = nullptr);

}  // namespace headgate::reconciler
