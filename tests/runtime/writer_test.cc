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

TEST(Writer, KeysOfRequestsThatWroteNothingAreBounded) {
  Writer writer(&no_digest);
  const auto resume = [&](std::size_t key) {  // nothing is paused
    return writer.execute({.command = ResumeEffects{"moved"},
                           .actor = "token:ops",
                           .idempotency_key = std::to_string(key),
                           .request_digest = "sha256:1"},
                          noon);
  };
  const auto repeated = [&](std::size_t key) {
    const auto receipt = resume(key);
    return receipt && receipt->repeated && receipt->count == 0;
  };
  for (std::size_t key = 0; key < State::max_requests; ++key) EXPECT_FALSE(repeated(key));
  EXPECT_TRUE(repeated(0));
  EXPECT_FALSE(repeated(State::max_requests));
  EXPECT_FALSE(repeated(0)) << "the oldest has gone";
  EXPECT_TRUE(repeated(State::max_requests));
  EXPECT_TRUE(writer.batch().events.empty());
}

}  // namespace
}  // namespace headgate::runtime
