// Waits, expiries and retries: promised in elapsed time, whatever the wall clock does.
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

World given_v2_waits(Duration wait) {
  auto s = stage("production");
  s.wait = wait;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  return world;
}

TEST(Wait, EndsWhenItsTimeHasPassed) {
  auto world = given_v2_waits(30min);
  EXPECT_THAT(world.unmet(production), ElementsAre("a wait of 30m runs until 2026-11-20T09:30:00.000000Z"));
  EXPECT_THAT(world.pass(30min - 1us), IsEmpty());
  EXPECT_THAT(world.pass(1us), ElementsAre("timer.fired wait", "step.succeeded wait", "promotion.started #1",
                                           "step.started deploy", "activity.started deploy#1"));
}

TEST(Wait, BeginsWhenWhatComesBeforeItIsDone) {
  auto s = stage("production");
  s.gates = {"lint"};
  s.wait = 30min;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.pass(2h), IsEmpty());
  EXPECT_THAT(world.gate("lint", "v2"),
              ElementsAre("gate.reported lint", "step.succeeded gates", "step.started wait", "timer.set wait"));
  EXPECT_THAT(world.pass(29min), IsEmpty());
  EXPECT_THAT(world.pass(1min), Contains("promotion.started #1"));
}

TEST(Wait, IsNotShortenedByAClockThatJumpsAhead) {
  auto world = given_v2_waits(30min);
  world.pass(10min);
  EXPECT_THAT(world.clock_jumps(6h), ElementsAre("clock.stepped"));
  EXPECT_THAT(world.pass(20min - 1us), IsEmpty());
  EXPECT_THAT(world.pass(1us), Contains("promotion.started #1"));
}

TEST(Wait, IsNotLengthenedByAClockThatJumpsBack) {
  auto world = given_v2_waits(30min);
  world.pass(10min);
  world.clock_jumps(-48h);
  EXPECT_THAT(world.pass(20min - 1us), IsEmpty());
  EXPECT_THAT(world.pass(1us), Contains("promotion.started #1"));
}

TEST(Wait, ThatBeginsAfterTheClockJumpedBackTakesItsWholeTime) {
  auto s = stage("production");
  s.gates = {"lint"};
  s.wait = 30min;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.clock_jumps(-5h);  // records go on with the time that they had reached
  world.gate("lint", "v2");
  EXPECT_THAT(world.pass(30min - 1us), IsEmpty());
  EXPECT_THAT(world.pass(1us), Contains("promotion.started #1"));
}

TEST(Wait, SurvivesTheTimeThatHeadgateWasDown) {
  auto world = given_v2_waits(30min);
  world.now += 3h;  // nobody looked
  EXPECT_THAT(world.pass(0s), Contains("promotion.started #1"));
}

TEST(Approval, LastsAsLongAsItWasPromisedWhenTheClockJumps) {
  auto s = stage("production");
  s.approvals = {{"managers", 2, 35}};
  for (const auto jump : {Duration(-100h), Duration(100h)}) {
    auto world = World::running_v1(s);
    world.push(target(production, release("v2")));
    world.approve(promotion(production, 1), "person:carol");
    world.clock_jumps(jump);
    EXPECT_THAT(world.pass(24h - 1us), IsEmpty());
    EXPECT_THAT(world.pass(1us), Contains("approval.expired person:carol"));
  }
}

// ---------------------------------------------------------------------------------------------------------- retries

World given_v2_is_deploying() {
  auto world = World::running_v1(stage("production"));
  world.push(target(production, release("v2")));
  return world;
}

TEST(Retry, WaitsLongerAfterEachFailureAndGivesUp) {
  auto world = given_v2_is_deploying();
  Duration expected = 1s;
  for (std::uint32_t attempt = 1; attempt < max_attempts; ++attempt) {
    EXPECT_THAT(world.finish(production, Outcome::Kind::retryable, "no route"),
                ElementsAre("activity.failed deploy", "activity.retried deploy"));
    EXPECT_THAT(world.effects(), IsEmpty());
    EXPECT_THAT(world.pass(expected - 1us), IsEmpty()) << attempt;
    EXPECT_THAT(world.pass(expected / 4 + 1us), ElementsAre("activity.started deploy#" + std::to_string(attempt + 1)));
    expected *= 2;
  }
  EXPECT_THAT(world.finish(production, Outcome::Kind::retryable, "no route"),
              happened_in_order("activity.failed deploy", "step.failed deploy", "rollback.started to v1"));
  EXPECT_EQ(world.state.quarantine("gateway", release("v2")), nullptr);
}

TEST(Retry, KeepsItsDistanceWhenTheClockJumps) {
  auto world = given_v2_is_deploying();
  world.finish(production, Outcome::Kind::retryable);
  world.clock_jumps(1h);
  EXPECT_THAT(world.pass(1s - 1us), IsEmpty());
  world.clock_jumps(-3h);
  EXPECT_THAT(world.pass(300ms), ElementsAre("activity.started deploy#2"));
}

TEST(Retry, DelaysDifferByActivityAndAreTheSameWheneverTheyAreComputed) {
  const StepId a{promotion(production, 1), "deploy"};
  const StepId b{promotion(production, 2), "deploy"};
  EXPECT_EQ(retry_delay(a, 1), retry_delay(a, 1));
  EXPECT_NE(retry_delay(a, 1), retry_delay(b, 1));
  for (std::uint32_t attempt = 1; attempt <= 40; ++attempt) {
    EXPECT_GE(retry_delay(a, attempt), 1s);
    EXPECT_LE(retry_delay(a, attempt), 320s);
  }
}

TEST(Outcome, ToldTwiceCountsOnce) {
  auto world = given_v2_is_deploying();
  const auto activity = world.effect(production);
  const CompleteActivity done{activity.id, 1, {Outcome::Kind::retryable, "slow", {}, {}}};
  world.when(done, "engine");
  EXPECT_THAT(world.when(done, "engine"), IsEmpty());
  world.pass(2s);
  EXPECT_THAT(world.when(done, "engine"), IsEmpty());  // of the first attempt, while the second runs
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#2"));
}

TEST(Outcome, OfAnAttemptThatWasStoppedLeavesItToTheNextStart) {
  auto world = given_v2_is_deploying();
  EXPECT_THAT(world.finish(production, Outcome::Kind::stopped), IsEmpty());
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
}

TEST(Outcome, ThatComesAfterItNoLongerCountsIsRecordedAndIgnored) {
  auto world = given_v2_is_deploying();
  const auto late = world.effect(production);
  world.cancel(promotion(production, 1));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/rollback-deploy#1"));
  EXPECT_THAT(world.when(CompleteActivity{late.id, 1, {}}, "engine"), ElementsAre("activity.fenced deploy#1"));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/rollback-deploy#1"));
  world.finish_all(production);
  const auto before = world.state.targets;
  EXPECT_THAT(world.when(CompleteActivity{late.id, 1, {}}, "engine"), ElementsAre("activity.fenced deploy#1"));
  EXPECT_TRUE(world.state.targets == before);
}

TEST(Outcome, OfWhatNeverBeganIsRefused) {
  auto world = given_v2_is_deploying();
  const auto before = world.state.targets;
  EXPECT_THAT(world.when(CompleteActivity{{promotion(production, 9), "deploy"}, 1, {}}, "engine"),
              Refused("no activity"));
  EXPECT_THAT(world.when(CompleteActivity{{promotion({"ghost", "production"}, 1), "deploy"}, 1, {}}, "engine"),
              Refused("no activity"));
  EXPECT_THAT(world.when(CompleteActivity{{promotion(production, 1), "ghost"}, 1, {}}, "engine"),
              Refused("no activity"));
  EXPECT_TRUE(world.state.targets == before);
}

}  // namespace
}  // namespace headgate::test
