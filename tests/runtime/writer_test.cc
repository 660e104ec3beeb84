// What the writer does by itself, in virtual time.
#include "engine/runtime/writer.h"

#include <gtest/gtest.h>

#include <chrono>

namespace headgate::runtime {
namespace {

std::string no_digest(std::string_view) {
  return "sha256:0";
}

const Timestamp noon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + std::chrono::hours(12)};
const TargetId idle{"gateway", "production"};
const TargetId other{"gateway", "staging"};

// No such state should ever be: a wakeup of which nothing comes. It costs one look, and no thread its rest.
TEST(Writer, AWakeupFromWhichNothingFollowsIsPutAside) {
  State state;
  for (const auto& id : {idle, other}) state.targets[id];
  state.flow_wakeups = {{noon, idle}, {noon + std::chrono::hours(1), other}};
  Writer writer(&no_digest);
  writer.load(std::move(state));
  writer.advance_due(noon);
  EXPECT_FALSE(writer.has_work(noon)) << "the engine would never come to rest, nor end";
  EXPECT_EQ(writer.next_wakeup(), noon + std::chrono::hours(1)) << "those that come later are not held up by it";

  const auto later = noon + std::chrono::hours(1);
  EXPECT_TRUE(writer.has_work(later));
  writer.advance_due(later);
  EXPECT_FALSE(writer.has_work(later));
  EXPECT_EQ(writer.next_wakeup(), std::nullopt);
  EXPECT_TRUE(writer.batch().events.empty());
}

TEST(Writer, AWakeupThatWasPutAsideIsDueAgainWhenTheClockHasGoneBack) {
  State state;
  state.targets[idle];
  state.flow_wakeups = {{noon, idle}};
  Writer writer(&no_digest);
  writer.load(std::move(state));
  writer.advance_due(noon);
  writer.advance_due(noon - std::chrono::hours(1));
  EXPECT_EQ(writer.next_wakeup(), noon);
}

}  // namespace
}  // namespace headgate::runtime
