// Cron schedules: five fields (minute, hour, day of the month, month, day of the week), each `*`, a number, a range
// a-b, any of these with a step /n, or several of them with commas. Sunday is 0 or 7. As everywhere, a day must fit
// both day fields, but when neither is `*` one of them is enough.
#pragma once

#include <bitset>
#include <chrono>
#include <string_view>
#include <vector>

#include "engine/domain/error.h"

namespace headgate::reconciler {

struct CronSchedule {
  std::bitset<60> minutes;
  std::bitset<24> hours;
  std::bitset<32> days;    // 1 to 31
  std::bitset<13> months;  // 1 to 12
  std::bitset<7> weekdays;
  bool any_day = false;
  bool any_weekday = false;

  bool fits(std::chrono::year_month_day day) const;
  // Its times of such a day, from midnight on, in order; none where the day does not fit.
  std::vector<std::chrono::minutes> times_on(std::chrono::year_month_day day) const;
};

// invalid_input says which field is wrong, and why.
Result<CronSchedule> parse_cron(std::string_view text);

}  // namespace headgate::reconciler
