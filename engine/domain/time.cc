#include "engine/domain/time.h"

#include <array>
#include <charconv>
#include <limits>

namespace headgate {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

void put(char*& at, long long value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  at += digits;
}

// Exactly `digits` digits at the front of `text`, taken off.
bool take(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& text, long long& micros) {
  micros = 0;
  if (!take(text, ".")) return true;
  int digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (++digits <= 6) micros = micros * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  if (digits == 0) return false;
  for (; digits < 6; ++digits) micros *= 10;
  return true;
}

bool take_offset(std::string_view& text, minutes& offset) {
  offset = minutes{0};
  if (take(text, "Zz")) return true;
  if (text.empty()) return false;
  const bool west = text.front() == '-';
  int hour = 0;
  int minute = 0;
  if (!take(text, "+-") || !take(text, 2, hour) || !take(text, ":") || !take(text, 2, minute)) return false;
  if (hour > 23 || minute > 59) return false;
  offset = hours{hour} + minutes{minute};
  if (west) offset = -offset;
  return true;
}

}  // namespace

void write_timestamp(Timestamp time, std::span<char, timestamp_length> text) {
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date{day};
  const auto of_day = time - day;
  char* at = text.data();
  put(at, static_cast<int>(date.year()), 4);
  *at++ = '-';
  put(at, static_cast<unsigned>(date.month()), 2);
  *at++ = '-';
  put(at, static_cast<unsigned>(date.day()), 2);
  *at++ = 'T';
  put(at, of_day / hours{1}, 2);
  *at++ = ':';
  put(at, of_day % hours{1} / minutes{1}, 2);
  *at++ = ':';
  put(at, of_day % minutes{1} / seconds{1}, 2);
  *at++ = '.';
  put(at, (of_day % seconds{1}).count(), 6);
  *at++ = 'Z';
}

std::string format_timestamp(Timestamp time) {
  std::array<char, timestamp_length> text;
  write_timestamp(time, text);
  return {text.data(), text.size()};
}

Result<Timestamp> parse_timestamp(std::string_view text) {
  auto rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  long long micros = 0;
  minutes offset{};
  const bool shaped = take(rest, 4, year) && take(rest, "-") && take(rest, 2, month) && take(rest, "-") &&
                      take(rest, 2, day) && take(rest, "Tt ") && take(rest, 2, hour) && take(rest, ":") &&
                      take(rest, 2, minute) && take(rest, ":") && take(rest, 2, second) &&
                      take_fraction(rest, micros) && take_offset(rest, offset) && rest.empty();
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!shaped || !date.ok() || hour > 23 || minute > 59 || second > 59) {
    return fail(ErrorCode::invalid_input,
                "'" + std::string(text) + "' is not a time: expected RFC 3339, such as 2026-11-20T14:55:01Z");
  }
  return std::chrono::sys_days{date} + hours{hour} + minutes{minute} + seconds{second} + Duration{micros} - offset;
}

std::string format_duration(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  std::string text;
  if (duration < Duration::zero()) {
    text = "-";
    duration = -duration;
  }
  const auto unit = [&](auto length, const char* name) {
    const Duration micros{length};
    if (const auto count = duration / micros; count > 0) {
      text += std::to_string(count) + name;
      duration %= micros;
    }
  };
  unit(days{1}, "d");
  unit(hours{1}, "h");
  unit(minutes{1}, "m");
  unit(seconds{1}, "s");
  unit(milliseconds{1}, "ms");
  unit(Duration{1}, "us");
  return text;
}

Result<Duration> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    Duration length;
  };
  static constexpr std::array<Unit, 5> units{
      {{"d", days{1}}, {"h", hours{1}}, {"m", minutes{1}}, {"s", seconds{1}}, {"ms", milliseconds{1}}}};
  const auto bad = [&] {
    return fail(ErrorCode::invalid_input,
                "'" + std::string(text) + "' is not a duration: expected numbers with units, such as 30s, 5m or 1h30m");
  };
  auto rest = text;
  Duration total{0};
  std::size_t next_unit = 0;
  if (rest.empty()) return bad();
  while (!rest.empty()) {
    long long count = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (error != std::errc{} || count < 0 || rest.front() == '-') return bad();
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const auto name = rest.substr(0, rest.find_first_of("0123456789"));
    while (next_unit < units.size() && units[next_unit].name != name) ++next_unit;
    if (next_unit == units.size()) return bad();
    // A century is more than any wait, and keeps the sum far from overflow.
    const auto length = units[next_unit].length;
    if (count > Duration{days{36525}} / length) return bad();
    total += count * length;
    rest.remove_prefix(name.size());
    ++next_unit;
  }
  return total;
}

}  // namespace headgate
