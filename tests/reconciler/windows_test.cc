// From schedules to UTC intervals.
#include "reconciler/windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reconciler/cron.h"

namespace headgate::reconciler {
namespace {

using namespace std::chrono_literals;  // NOLINT: lengths of time read better so
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Timestamp at(const char* text) {
  return *parse_timestamp(text);
}

Window scheduled(WindowKind kind, const char* schedule, Duration duration, const char* zone) {
  Window window;
  window.kind = kind;
  window.schedule = schedule;
  window.duration = duration;
  window.time_zone = zone;
  return window;
}

// The intervals that begin on the day of `now` or later, within two days.
std::vector<std::string> near(const Window& window, const char* now) {
  const auto expanded = expand_windows("production", {window}, at(now));
  EXPECT_TRUE(expanded.has_value()) << expanded.error().message;
  std::vector<std::string> lines;
  for (const auto& interval : expanded->intervals) {
    if (interval.from < at(now) || interval.from > at(now) + 48h) continue;
    lines.push_back(format_timestamp(interval.from).substr(0, 16) + " " + format_timestamp(interval.to).substr(0, 16));
  }
  return lines;
}

TEST(Cron, FieldsSayWhenTheyFit) {
  const auto fits = [](const char* schedule, int month, unsigned day) {
    const auto cron = parse_cron(schedule);
    EXPECT_TRUE(cron.has_value()) << schedule;
    return cron && cron->fits(std::chrono::year{2026} / month / static_cast<int>(day));
  };
  EXPECT_TRUE(fits("0 9 * * 1-5", 11, 20));  // a Friday
  EXPECT_FALSE(fits("0 9 * * 1-5", 11, 21));
  EXPECT_TRUE(fits("0 9 * * 0", 11, 22));
  EXPECT_TRUE(fits("0 9 * * 7", 11, 22));
  EXPECT_TRUE(fits("0 9 1,20 * *", 11, 20));
  EXPECT_FALSE(fits("0 9 * 1-10 *", 11, 20));
  EXPECT_TRUE(fits("0 9 */5 * *", 11, 21));
  EXPECT_TRUE(fits("0 9 1 * 5", 11, 20)) << "neither day field is *: one of them is enough";
  EXPECT_TRUE(fits("0 9 20 * 1", 11, 20));
  const auto quarter = parse_cron("5/15 */6 * * *");
  ASSERT_TRUE(quarter);
  EXPECT_EQ(quarter->minutes.count(), 4U);
  EXPECT_TRUE(quarter->minutes[50]);
  EXPECT_EQ(quarter->hours.count(), 4U);
}

TEST(Cron, WhatIsNoScheduleIsRefused) {
  for (const char* text : {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *",
                           "* * * 13 *", "* * * * 8", "a * * * *", "1- * * * *", "-1 * * * *", "5-1 * * * *",
                           "*/0 * * * *", "1,,2 * * * *", "1, * * * *", "@daily", "* * * JAN *", "001 * * * *"}) {
    EXPECT_FALSE(parse_cron(text).has_value()) << text;
  }
  EXPECT_THAT(parse_cron("61 * * * *").error().message, HasSubstr("the minute '61' is no number from 0 to 59"));
}

TEST(Windows, AreLocalAndBecomeUtc) {
  const auto office = scheduled(WindowKind::allow, "0 9 * * 1-5", 8h, "Europe/Rome");
  EXPECT_THAT(near(office, "2026-11-20T00:00:00Z"), ElementsAre("2026-11-20T08:00 2026-11-20T16:00"));
  EXPECT_THAT(near(office, "2026-07-02T00:00:00Z"),
              ElementsAre("2026-07-02T07:00 2026-07-02T15:00", "2026-07-03T07:00 2026-07-03T15:00"));
  EXPECT_THAT(near(scheduled(WindowKind::allow, "30 22 * * *", 4h, "America/New_York"), "2026-11-20T00:00:00Z"),
              ElementsAre("2026-11-20T03:30 2026-11-20T07:30", "2026-11-21T03:30 2026-11-21T07:30"));
}

// In Rome the clocks go from 02:00 to 03:00 on 2026-03-29, at 01:00 UTC.
TEST(Windows, ATimeThatIsSkippedBeginsWhenTheClocksGoOn) {
  EXPECT_THAT(near(scheduled(WindowKind::deny, "30 2 * * *", 1h, "Europe/Rome"), "2026-03-28T12:00:00Z"),
              ElementsAre("2026-03-29T01:00 2026-03-29T02:00", "2026-03-30T00:30 2026-03-30T01:30"));
  EXPECT_THAT(near(scheduled(WindowKind::allow, "0 1 * * *", 3h, "Europe/Rome"), "2026-03-28T12:00:00Z"),
              ElementsAre("2026-03-29T00:00 2026-03-29T03:00", "2026-03-29T23:00 2026-03-30T02:00"))
      << "it lasts three hours, whatever the clocks do";
}

// In Rome the clocks go from 03:00 back to 02:00 on 2026-10-25, at 01:00 UTC.
TEST(Windows, ATimeThatComesTwice) {
  EXPECT_THAT(near(scheduled(WindowKind::allow, "30 2 * * *", 20min, "Europe/Rome"), "2026-10-24T12:00:00Z"),
              ElementsAre("2026-10-25T00:30 2026-10-25T00:50", "2026-10-26T01:30 2026-10-26T01:50"))
      << "what is allowed once is allowed once";
  EXPECT_THAT(near(scheduled(WindowKind::deny, "30 2 * * *", 20min, "Europe/Rome"), "2026-10-24T12:00:00Z"),
              ElementsAre("2026-10-25T00:30 2026-10-25T00:50", "2026-10-25T01:30 2026-10-25T01:50",
                          "2026-10-26T01:30 2026-10-26T01:50"))
      << "what is denied is denied both times";
  const auto always =
      expand_windows("e", {scheduled(WindowKind::allow, "0 * * * *", 1h, "Europe/Rome")}, at("2026-10-24T12:00:00Z"));
  ASSERT_TRUE(always);
  EXPECT_EQ(always->intervals.size(), 1U) << "every hour, the doubled one too: without a hole";
}

TEST(Windows, MomentsAndIntervalsThatMeet) {
  Window fixed;
  fixed.kind = WindowKind::deny;
  fixed.from = at("2026-11-19T22:00:00Z");
  fixed.to = at("2026-11-21T00:00:00Z");
  const auto expanded = expand_windows(
      "production", {scheduled(WindowKind::allow, "0,20 9 * * *", 30min, "UTC"), fixed}, at("2026-11-20T00:00:00Z"));
  ASSERT_TRUE(expanded);
  EXPECT_EQ(expanded->environment.text, "production");
  EXPECT_FALSE(expanded->time_zones.empty());
  ASSERT_GE(expanded->intervals.size(), 30U);
  EXPECT_EQ(expanded->intervals[0], (WindowInterval{0, at("2026-11-19T09:00:00Z"), at("2026-11-19T09:50:00Z")}));
  EXPECT_EQ(expanded->intervals[1], (WindowInterval{1, *fixed.from, *fixed.to}));
  fixed.to = at("2026-11-18T00:00:00Z");
  fixed.from = at("2026-11-17T00:00:00Z");
  EXPECT_THAT(expand_windows("production", {fixed}, at("2026-11-20T00:00:00Z"))->intervals, IsEmpty());
}

TEST(Windows, WhatIsDenseReachesLessFarAndIsRenewedInTime) {
  const std::vector<Window> dense{scheduled(WindowKind::allow, "*/2 * * * *", 1min, "UTC")};
  const auto now = at("2026-11-20T00:00:00Z");
  const auto expanded = expand_windows("production", dense, now);
  ASSERT_TRUE(expanded);
  EXPECT_EQ(expanded->intervals.size(), max_window_intervals);
  EXPECT_GE(expanded->until, expanded->intervals.back().to);
  EXPECT_LE(expanded->until, expanded->intervals.back().to + 2min);
  EXPECT_GT(expanded->until, now + 12h);
  const ExpandedWindows near_future{expanded->from, expanded->until, expanded->intervals, 0};
  EXPECT_FALSE(expansion_is_due(dense, &near_future, now));
  EXPECT_TRUE(expansion_is_due(dense, &near_future, now + 10h));
  EXPECT_TRUE(expansion_is_due(dense, nullptr, now));
  EXPECT_FALSE(expansion_is_due({}, nullptr, now));

  const std::vector<Window> usual{scheduled(WindowKind::allow, "0 9 * * *", 8h, "UTC")};
  const auto far = expand_windows("production", usual, now);
  ASSERT_TRUE(far);
  const ExpandedWindows known{far->from, far->until, far->intervals, 0};
  EXPECT_FALSE(expansion_is_due(usual, &known, now));
  EXPECT_FALSE(expansion_is_due(usual, &known, now + std::chrono::days(20)));
  EXPECT_TRUE(expansion_is_due(usual, &known, now + std::chrono::days(24)));
  EXPECT_TRUE(expansion_is_due(usual, &known, now - 48h)) << "the clock was set back";
}

TEST(Windows, AZoneThatIsNoneIsSaid) {
  EXPECT_EQ(time_zone_problem("Europe/Rome"), "");
  EXPECT_EQ(time_zone_problem("UTC"), "");
  EXPECT_NE(time_zone_problem("Europe/Roma"), "");
  EXPECT_EQ(
      expand_windows("e", {scheduled(WindowKind::allow, "0 9 * * *", 8h, "Mars/Base")}, at("2026-11-20T00:00:00Z"))
          .error()
          .code,
      ErrorCode::unavailable);
}

}  // namespace
}  // namespace headgate::reconciler
