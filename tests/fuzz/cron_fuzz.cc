// Any bytes as a schedule.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "reconciler/cron.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::reconciler;
  const auto schedule = parse_cron({reinterpret_cast<const char*>(data), size});
  if (!schedule) {
    if (schedule.error().message.empty()) __builtin_trap();
    return 0;
  }
  // What is accepted names a minute, an hour and a day.
  if (schedule->minutes.none() || schedule->hours.none() || schedule->months.none()) __builtin_trap();
  if (schedule->days.none() || schedule->weekdays.none() || schedule->months[0] || schedule->days[0]) __builtin_trap();
  return 0;
}
