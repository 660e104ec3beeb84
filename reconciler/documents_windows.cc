// When an environment is open: the windows and maintenances of an Environment.
#include <fmt/core.h>

#include <algorithm>

#include "reconciler/cron.h"
#include "reconciler/documents_kinds.h"
#include "reconciler/windows.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxWindows = 32;
constexpr std::size_t kMaxScheduleBytes = 512;  // all minutes, hours, days and months one by one are 370
constexpr Duration kShortest = std::chrono::minutes(1);
constexpr Duration kLongest = std::chrono::days(31);

bool never_comes(const CronSchedule& schedule) {
  // Whatever the weekday, the 29th of February comes within 40 years.
  const auto first = std::chrono::sys_days{std::chrono::year{2000} / 1 / 1};
  for (int day = 0; day < 40 * 366; ++day) {
    if (schedule.fits(std::chrono::year_month_day{first + std::chrono::days(day)})) return false;
  }
  return true;
}

}  // namespace

void read_schedule(YamlReader& r, const YamlNode& node, std::string& schedule) {
  if (!r.is_scalar(node, "a schedule such as \"0 9 * * 1-5\"")) return;
  if (node.text.size() > kMaxScheduleBytes) {
    r.at(node, "the schedule is too long", fmt::format("{} bytes", node.text.size()),
         fmt::format("at most {} bytes", kMaxScheduleBytes));
    return;
  }
  if (const auto cron = parse_cron(node.text); !cron) {
    r.at(node, "wrong schedule: " + cron.error().message, fmt::format("'{}'", node.text.substr(0, 100)),
         "minute, hour, day of the month, month and day of the week, such as \"0 9 * * 1-5\"");
    return;
  }
  if (never_comes(*parse_cron(node.text))) {
    r.at(node, "the schedule never comes", quoted(node.text), "a day that there is");
    return;
  }
  schedule = node.text;
}

void read_window_duration(YamlReader& r, const YamlNode& node, std::optional<Duration>& out) {
  Duration duration{};
  if (!r.duration(node, duration)) return;
  if (duration < kShortest || duration > kLongest) {
    r.wrong_value(node, "a duration of 1m to 31d");
    return;
  }
  out = duration;
}

void read_time_zone(YamlReader& r, const YamlNode& node, std::string& zone) {
  if (!r.line_of_text(node, zone)) return;
  std::vector<std::string_view> known;
  if (const auto problem = time_zone_problem(zone, &known); !problem.empty()) {
    r.at(node, fmt::format("'{}' is {}{}", zone, problem, r.suggestion(zone, known)), "",
         "an IANA name such as Europe/Rome");
  }
}

namespace {

void read_moment(YamlReader& r, const YamlNode& node, std::optional<Timestamp>& out) {
  if (!r.is_scalar(node, "a time such as 2026-12-20T00:00:00Z")) return;
  if (const auto time = parse_timestamp(node.text)) {
    out = *time;
  } else {
    r.wrong_value(node, "a time such as 2026-12-20T00:00:00Z");
  }
}

void read_window(YamlReader& r, const YamlNode& node, Window& window) {
  Fields f(r, node, "a window");
  window.line = node.place.line;
  f.required("kind", [&](YamlReader& reader, const YamlNode& value) { reader.word(value, window.kind); });
  f.optional("name", &YamlReader::name, window.name);
  const bool scheduled = f.optional("schedule", read_schedule, window.schedule);
  const bool lasts = f.optional("duration", read_window_duration, window.duration);
  const bool zoned = f.optional("timeZone", read_time_zone, window.time_zone);
  const bool from = f.optional("from", read_moment, window.from);
  const bool to = f.optional("to", read_moment, window.to);
  if (!f.is_map()) return;
  const bool by_schedule = scheduled || lasts || zoned;
  const bool by_moments = from || to;
  if (by_schedule == by_moments) {
    r.at(node, by_schedule ? "a window by schedule and by moments at once" : "a window without a time", "",
         "schedule, duration and timeZone, or from and to");
  } else if (by_schedule && !(scheduled && lasts && zoned)) {
    r.at(node,
         fmt::format("a window without {}", !scheduled ? "schedule"
                                            : !lasts   ? "duration"
                                                       : "timeZone"),
         "", "schedule, duration and timeZone together");
  } else if (by_moments && !(from && to)) {
    r.at(node, fmt::format("a window without {}", from ? "to" : "from"), "", "from and to together");
  } else if (window.from && window.to && *window.to <= *window.from) {
    r.at(*f.value_of("to"), "the window ends before it begins", format_timestamp(*window.to),
         "a time after " + format_timestamp(*window.from));
  }
}

auto required_moment(Timestamp& out) {
  return [&out](YamlReader& r, const YamlNode& node) {
    std::optional<Timestamp> moment;
    read_moment(r, node, moment);
    if (moment) out = *moment;
  };
}

void read_one_maintenance(YamlReader& r, const YamlNode& node, Maintenance& maintenance) {
  Fields f(r, node, "a maintenance");
  maintenance.line = node.place.line;
  f.required("name", &YamlReader::name, maintenance.name);
  f.required("from", required_moment(maintenance.from));
  f.required("to", required_moment(maintenance.to));
  if (maintenance.from != Timestamp{} && maintenance.to != Timestamp{} && maintenance.to <= maintenance.from) {
    r.at(*f.value_of("to"), "the maintenance ends before it begins", format_timestamp(maintenance.to),
         "a time after " + format_timestamp(maintenance.from));
  }
}

}  // namespace

void read_maintenance(YamlReader& r, const YamlNode& node, std::vector<Maintenance>& all) {
  if (!r.list(node, all, read_one_maintenance)) return;
  if (all.size() > kMaxWindows) r.wrong_value(node, fmt::format("at most {} of them", kMaxWindows));
  std::size_t i = 0;
  for (const auto& item : YamlItems(node)) {  // an override names the one that it passes
    const auto& name = all[i].name;
    const auto first = std::ranges::find(all, name, &Maintenance::name);
    if (!name.empty() && first != all.begin() + static_cast<std::ptrdiff_t>(i)) {
      r.at(item, fmt::format("a second maintenance {}", quoted(name)), "",
           fmt::format("a name of its own; line {} has it already", first->line));
    }
    ++i;
  }
}

void read_windows(YamlReader& r, const YamlNode& node, std::vector<Window>& windows) {
  if (!r.list(node, windows, read_window)) return;
  if (windows.size() > kMaxWindows) {
    r.wrong_value(node, fmt::format("at most {} windows", kMaxWindows));
    return;
  }
  std::size_t i = 0;
  for (const auto& item : YamlItems(node)) {
    const auto& window = windows[i++];
    if (window.kind != WindowKind::allow || !window.from || !window.to) continue;
    const auto closes = std::ranges::find_if(windows, [&](const Window& other) {
      return other.kind == WindowKind::deny && other.from && other.to && *other.from <= *window.from &&
             *other.to >= *window.to;
    });
    if (closes == windows.end()) continue;
    r.at(item, "the window never opens", "",
         fmt::format("a time that the window in line {} does not deny", closes->line));
  }
}

}  // namespace headgate::reconciler
