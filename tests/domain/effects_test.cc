// Pausing everything outside, and the facts that the log keeps of itself.
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const PromotionId first = promotion(production, 1);

TEST(Effects, APromotionWaitsWhileTheyArePausedAndGoesOnByItself) {
  auto world = World::running_v1(stage("production"));
  EXPECT_THAT(world.when(PauseEffects{"an incident"}, "person:alice"), ElementsAre("effects.paused"));
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.unmet(production), ElementsAre("effects are paused: an incident"));
  EXPECT_THAT(
      world.when(ResumeEffects{"over"}, "person:alice"),
      ElementsAre("effects.resumed", "promotion.started #1", "step.started deploy", "activity.started deploy#1"));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
}

TEST(Effects, WhatRunsIsStoppedAndTheSameAttemptIsTakenUpAgain) {
  auto world = World::running_v1(stage("production"));
  world.push(target(production, release("v2")));
  ASSERT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
  world.when(PauseEffects{"an incident"}, "person:alice");
  EXPECT_THAT(world.effects(), IsEmpty());
  world.when(ResumeEffects{"over"}, "person:alice");
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
}

TEST(Effects, AStepAndARetryBeginNoSoonerThanTheyAreResumed) {
  auto s = stage("production");
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  const auto backup = world.effect(production);
  world.when(PauseEffects{"an incident"}, "person:alice");
  // It ended before it could be stopped: that counts, and the next step does not begin.
  EXPECT_THAT(world.when(CompleteActivity{backup.id, backup.attempt, {Outcome::Kind::retryable, "busy", {}, {}}}),
              Contains("activity.retried backup"));
  world.pass(1h);
  EXPECT_THAT(world.effects(), IsEmpty());
  world.when(ResumeEffects{"over"}, "person:alice");
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/backup#2"));
}

TEST(Effects, WhatIsRetriedUnderAnOldNameBeginsNoSoonerThanTheyAreResumed) {
  auto s = stage("production");
  s.rollback_automatic = false;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Outcome::Kind::terminal, "no space");
  world.when(PauseEffects{"an incident"}, "person:alice");
  EXPECT_THAT(world.when(RetryPromotion{promotion(production, 1), "there is space"}, "person:alice"),
              Not(Contains("activity.started deploy#2")));
  auto renamed = service({s});
  renamed.name = "edge";
  renamed.formerly = "gateway";
  const auto wish = target({"edge", "production"}, release("v2"));
  EXPECT_THAT(
      world.push({{renamed, wish}, {{DocumentKind::service, "gateway"}, {DocumentKind::target, "gateway.production"}}}),
      Not(Contains("activity.started deploy#2")));
  EXPECT_THAT(world.unmet(production), ElementsAre("effects are paused: an incident"));
  EXPECT_THAT(world.when(ResumeEffects{"over"}, "person:alice"), Contains("activity.started deploy#2"));
}

TEST(Effects, PausingTwiceAndResumingWhatRunsSaysNothing) {
  auto world = World::running_v1(stage("production"));
  EXPECT_THAT(world.when(ResumeEffects{"why not"}, "person:alice"), IsEmpty());
  world.when(PauseEffects{"an incident"}, "person:alice");
  EXPECT_THAT(world.when(PauseEffects{"another"}, "person:bob"), IsEmpty());
  EXPECT_EQ(world.state.effects_paused->reason, "an incident");
}

TEST(Restore, BeginsPausedAndUnderAnotherOriginWhenItFallsBehind) {
  auto world = World::running_v1(stage("production"));
  const auto origin = world.state.origin;
  const LogRestored restored{7, world.state.next, "sha256:00"};
  EXPECT_THAT(world.when(RestoreLog{restored}, "engine"), ElementsAre("log.restored", "effects.paused"));
  EXPECT_EQ(world.state.origin, origin);

  const PreviousLog previous{origin, world.state.next + 5, "sha256:11"};
  const LogRestored again{7, world.state.next, "sha256:00"};
  EXPECT_THAT(world.when(RestoreLog{again, origin, previous, "k"}, "engine"), Refused("another origin"));
  EXPECT_THAT(world.when(RestoreLog{again, "other.example.com", previous, "other.example.com+00000000+AA"}, "engine"),
              ElementsAre("log.created", "log.restored"));
  EXPECT_EQ(world.state.origin, "other.example.com");
  EXPECT_EQ(world.state.verifier_key, "other.example.com+00000000+AA");
}

TEST(Key, ARotationNamesBothKeysAndTheSameKeyIsNone) {
  auto world = World::running_v1(stage("production"));
  const auto old = world.state.verifier_key;
  EXPECT_THAT(world.when(RotateKey{"log+00000000+AA"}, "engine"), ElementsAre("key.rotated"));
  EXPECT_EQ(std::get<KeyRotated>(world.log.back().event).previous, old);
  EXPECT_THAT(world.when(RotateKey{"log+00000000+AA"}, "engine"), IsEmpty());
}

}  // namespace
}  // namespace headgate::test
