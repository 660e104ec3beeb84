#include "reconciler/windows.h"

#include <date/tz.h>

#include <algorithm>
#include <exception>

#include "reconciler/cron.h"

namespace headgate::reconciler {
namespace {

using std::chrono::minutes;

std::int64_t days_since_epoch(Timestamp at) {
  return std::chrono::floor<std::chrono::days>(at).time_since_epoch().count();
}

// When a local time is, in UTC: never, once or twice; a time that is skipped is where the clocks go on.
std::vector<Timestamp> instants(const date::time_zone& zone, date::local_seconds local, bool both) {
  const auto info = zone.get_info(local);
  const auto at = [&](const date::sys_info& part) {
    return Timestamp(local.time_since_epoch() - std::chrono::seconds(part.offset));
  };
  if (info.result == date::local_info::nonexistent) return {Timestamp(info.first.end.time_since_epoch())};
  if (info.result == date::local_info::ambiguous && both) return {at(info.first), at(info.second)};
  return {at(info.first)};
}

// Sorted by their beginning; those that meet are one.
std::vector<WindowInterval> merged(std::vector<WindowInterval> intervals) {
  std::ranges::sort(intervals, {}, &WindowInterval::from);
  std::vector<WindowInterval> all;
  for (const auto& interval : intervals) {
    if (!all.empty() && interval.from <= all.back().to) {
      all.back().to = std::max(all.back().to, interval.to);
    } else {
      all.push_back(interval);
    }
  }
  return all;
}

Result<std::vector<WindowInterval>> occurrences(const Window& window, std::uint32_t number, Timestamp from,
                                                Timestamp until) {
  std::vector<WindowInterval> intervals;
  const auto add = [&](Timestamp begin, Timestamp end) {
    if (begin < until && end > from) intervals.push_back({number, begin, end});
  };
  if (window.from && window.to) {
    add(*window.from, *window.to);
    return intervals;
  }
  if (!window.duration) return fail(ErrorCode::invalid_input, "a window without a duration");
  HEADGATE_TRY(const auto schedule, parse_cron(window.schedule));
  const auto& zone = *date::locate_zone(window.time_zone);
  const bool both = schedule.hours.all() || window.kind == WindowKind::deny;
  // A day more on either side: local days are not those of UTC.
  const auto last = days_since_epoch(until) + 1;
  for (auto day = days_since_epoch(from - *window.duration) - 1; day <= last; ++day) {
    const std::chrono::days since_epoch(day);
    for (const auto of_day : schedule.times_on(std::chrono::year_month_day{std::chrono::sys_days{since_epoch}})) {
      const date::local_seconds local(std::chrono::seconds(since_epoch + of_day));
      for (const auto begin : instants(zone, local, both)) add(begin, begin + *window.duration);
    }
  }
  return merged(std::move(intervals));
}

}  // namespace

Result<WindowExpanded> expand_windows(const std::string& environment, const std::vector<Window>& windows,
                                      Timestamp now) {
  WindowExpanded expanded;
  expanded.environment = {environment};
  expanded.from = std::chrono::floor<minutes>(now - window_hindsight);
  expanded.until = std::chrono::floor<minutes>(now + window_horizon);
  try {
    expanded.time_zones = date::get_tzdb().version;
    for (std::uint32_t i = 0; i < windows.size(); ++i) {
      HEADGATE_TRY(auto some, occurrences(windows[i], i, expanded.from, expanded.until));
      expanded.intervals.insert(expanded.intervals.end(), some.begin(), some.end());
    }
  } catch (const std::exception& missing) {
    return fail(ErrorCode::unavailable, "the windows of " + environment + " cannot be worked out: " + missing.what());
  }
  std::ranges::stable_sort(expanded.intervals, {}, &WindowInterval::from);
  if (expanded.intervals.size() > max_window_intervals) {
    expanded.from = std::chrono::floor<minutes>(now);
    std::erase_if(expanded.intervals, [&](const WindowInterval& interval) { return interval.to <= expanded.from; });
  }
  if (expanded.intervals.size() > max_window_intervals) {
    expanded.until = std::min(expanded.until, expanded.intervals[max_window_intervals].from);
    expanded.intervals.resize(max_window_intervals);
  }
  return expanded;
}

bool expansion_is_due(const std::vector<Window>& windows, const ExpandedWindows* known, Timestamp now) {
  if (windows.empty()) return false;
  if (!known || now < known->from || now >= known->until) return true;
  return known->until - now <= (known->until - known->from) / 3;
}

bool is_within(const std::string& schedule, Duration duration, const std::string& time_zone, Timestamp now) {
  Window window;
  window.schedule = schedule;
  window.duration = duration;
  window.time_zone = time_zone;
  try {
    const auto some = occurrences(window, 0, now, now + minutes(1));
    return some && std::ranges::any_of(*some, [&](const auto& i) { return i.from <= now && now < i.to; });
  } catch (const std::exception&) {
    return false;
  }
}

std::string time_zone_problem(const std::string& name, std::vector<std::string_view>* known) {
  try {
    const auto& database = date::get_tzdb();
    if (known) {
      for (const auto& zone : database.zones) known->push_back(zone.name());
    }
    const auto is = [&](const auto& zone) { return zone.name() == name; };
    if (std::ranges::any_of(database.zones, is)) return {};
    date::locate_zone(name);  // a link to another zone is one too
    return {};
  } catch (const std::exception&) {
    return "no time zone of this host";
  }
}

}  // namespace headgate::reconciler
