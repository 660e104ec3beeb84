#include "reconciler/cron.h"

#include <array>
#include <charconv>
#include <string>

namespace headgate::reconciler {
namespace {

struct Field {
  std::string_view name;
  unsigned min;
  unsigned max;
};
constexpr std::array kFields{Field{"minute", 0, 59}, Field{"hour", 0, 23}, Field{"day of the month", 1, 31},
                             Field{"month", 1, 12}, Field{"day of the week", 0, 7}};

std::unexpected<Error> wrong(const Field& field, std::string_view text) {
  return fail(ErrorCode::invalid_input, "the " + std::string(field.name) + " '" + std::string(text.substr(0, 64)) +
                                            "' is no number from " + std::to_string(field.min) + " to " +
                                            std::to_string(field.max) + ", range, list or step of them");
}

Result<unsigned> number(const Field& field, std::string_view text, std::string_view whole) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text.size() > 2 || error != std::errc{} || end != text.data() + text.size()) {
    return wrong(field, whole);
  }
  return value;
}

// One member of a field's list, such as 1-5/2; its values become true in `set`.
Result<void> read_member(const Field& field, std::string_view member, std::bitset<60>& set) {
  const auto slash = member.find('/');
  auto range = member.substr(0, slash);
  unsigned step = 1;
  if (slash != std::string_view::npos) {
    HEADGATE_TRY(step, number(field, member.substr(slash + 1), member));
    if (step == 0) return wrong(field, member);
  }
  unsigned first = field.min;
  unsigned last = field.max;
  if (range != "*") {
    const auto dash = range.find('-');
    HEADGATE_TRY(first, number(field, range.substr(0, dash), member));
    last = first;
    if (dash != std::string_view::npos) {
      HEADGATE_TRY(last, number(field, range.substr(dash + 1), member));
    } else if (slash != std::string_view::npos) {
      last = field.max;  // 5/15 is 5-59/15
    }
  }
  if (first < field.min || last > field.max || first > last) return wrong(field, member);
  for (auto value = first; value <= last; value += step) set.set(value);
  return {};
}

Result<std::bitset<60>> read_field(const Field& field, std::string_view text) {
  std::bitset<60> set;
  while (true) {
    const auto comma = text.find(',');
    HEADGATE_TRY_VOID(read_member(field, text.substr(0, comma), set));
    if (comma == std::string_view::npos) return set;
    text.remove_prefix(comma + 1);
  }
}

template <std::size_t N>
void copy(const std::bitset<60>& from, std::bitset<N>& to) {
  for (std::size_t i = 0; i < N; ++i) to[i] = from[i];
}

}  // namespace

bool CronSchedule::fits(std::chrono::year_month_day day) const {
  if (!months[static_cast<unsigned>(day.month())]) return false;
  const bool by_day = days[static_cast<unsigned>(day.day())];
  const bool by_weekday = weekdays[std::chrono::weekday{std::chrono::sys_days{day}}.c_encoding()];
  return any_day || any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

std::vector<std::chrono::minutes> CronSchedule::times_on(std::chrono::year_month_day day) const {
  std::vector<std::chrono::minutes> times;
  if (!fits(day)) return times;
  for (unsigned hour = 0; hour < 24; ++hour) {
    for (unsigned minute = 0; hours[hour] && minute < 60; ++minute) {
      if (minutes[minute]) times.push_back(std::chrono::hours(hour) + std::chrono::minutes(minute));
    }
  }
  return times;
}

Result<CronSchedule> parse_cron(std::string_view text) {
  std::array<std::bitset<60>, kFields.size()> sets;
  std::array<std::string_view, kFields.size()> words;
  std::size_t count = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) {
      if (count < words.size()) words[count] = text.substr(0, end);
      ++count;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (count != words.size()) {
    return fail(ErrorCode::invalid_input,
                "a schedule has five fields (minute, hour, day of the month, month, day of the week), this has " +
                    std::to_string(count));
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    HEADGATE_TRY(sets[i], read_field(kFields[i], words[i]));
  }
  CronSchedule schedule;
  copy(sets[0], schedule.minutes);
  copy(sets[1], schedule.hours);
  copy(sets[2], schedule.days);
  copy(sets[3], schedule.months);
  copy(sets[4], schedule.weekdays);
  if (sets[4][7]) schedule.weekdays.set(0);
  schedule.any_day = words[2].starts_with('*');
  schedule.any_weekday = words[4].starts_with('*');
  return schedule;
}

}  // namespace headgate::reconciler
