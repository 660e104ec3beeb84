// What the documents wish, what people ask for by hand, and how the two get along.
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = Outcome::Kind;

const PromotionId first = promotion(production, 1);

Stage gated() {
  auto s = stage("production");
  s.gates = {"lint"};
  return s;
}
World given_v2_waits() {
  auto world = World::running_v1(gated());
  world.push(target(production, release("v2")));
  return world;
}
World given_v2_runs_its_steps() {
  auto s = stage("production");
  s.verify = {health("smoke")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  return world;
}

TEST(Wish, ANewerOneSupersedesOneThatStillWaits) {
  auto world = given_v2_waits();
  EXPECT_THAT(
      world.push(target(production, release("v3"))),
      ElementsAre("configuration.accepted", "release.registered v3", "desired.changed v3", "promotion.superseded #1",
                  "promotion.planned #2 v3", "step.started gates", "step.waiting gates"));
}

TEST(Wish, BackToWhatRunsEndsOneThatStillWaits) {
  auto world = given_v2_waits();
  EXPECT_THAT(world.push(target(production, release("v1"))),
              ElementsAre("configuration.accepted", "desired.changed v1", "promotion.superseded #1"));
  EXPECT_FALSE(world.at(production).promotion);
}

TEST(Wish, ANewerOneWaitsForOneWhoseEffectsHaveBegun) {
  auto world = given_v2_runs_its_steps();
  EXPECT_THAT(world.push(target(production, release("v3"))),
              ElementsAre("configuration.accepted", "release.registered v3", "desired.changed v3"));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
  world.finish(production);
  EXPECT_THAT(world.finish(production),
              happened_in_order("promotion.succeeded #1", "promotion.planned #2 v3", "promotion.started #2"));
  EXPECT_EQ(world.live(production).from->release.version, "v2");
}

TEST(Wish, ANewerOneDuringARollbackStandsAndIsPlannedAfterIt) {
  auto world = given_v2_runs_its_steps();
  world.finish(production);
  world.finish(production, Kind::unhealthy, "500");
  world.push(target(production, release("v3")));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/rollback-deploy#1"));
  world.finish(production);
  const auto end = world.finish(production);
  EXPECT_THAT(end, happened_in_order("rollback.succeeded #1", "promotion.planned #2 v3", "activity.started deploy#1"));
  EXPECT_THAT(end, Not(Contains("target.pinned")));
  EXPECT_EQ(world.live(production).from->release.version, "v1");
}

TEST(Wish, ANewerOneThatCannotBeResolvedStillEndsTheOldOne) {
  auto world = given_v2_waits();
  EXPECT_THAT(world.push(target(production, {"v3", {}, {}})),
              ElementsAre("configuration.accepted", "promotion.superseded #1"));
  EXPECT_THAT(world.idle(production), HasSubstr("release gateway/v3 is not registered"));
  EXPECT_THAT(world.when(RegisterRelease{"gateway", release("v3"), {}, {}}),
              ElementsAre("release.registered v3", "desired.changed v3", "promotion.planned #2 v3",
                          "step.started gates", "step.waiting gates"));
}

TEST(Wish, AfterOneThatCouldNotBeResolvedTheOldOneIsPlannedAgain) {
  auto world = given_v2_waits();
  world.push(target(production, {"v3", {}, {}}));
  EXPECT_THAT(world.push(target(production, release("v2"))), Contains("promotion.planned #2 v2"));
}

TEST(Wish, OnlyAVersionTakesCommitAndArtifactsFromWhatIsRegistered) {
  auto world = World::running_v1(stage("production"));
  world.when(RegisterRelease{"gateway", release("v2"), {}, {}});
  world.push(target(production, {"v2", {}, {}}));
  EXPECT_EQ(world.live(production).to.release, release("v2"));
}

TEST(Wish, ThatContradictsTheRegisteredReleaseIsNotFollowed) {
  auto world = World::running_v1(stage("production"));
  world.when(RegisterRelease{"gateway", release("v2"), {}, {}});
  EXPECT_THAT(world.push(target(production, {"v2", release("v3").commit, {}})), ElementsAre("configuration.accepted"));
  EXPECT_THAT(world.idle(production), HasSubstr("registered with another commit"));
}

TEST(Wish, NothingChangedPlansNothing) {
  auto world = World::running_v1(stage("production"));
  const Lines nothing{"configuration.accepted"};
  EXPECT_EQ(world.push(target(production, release("v1"))), nothing);
  EXPECT_EQ(world.push({{target(production, release("v1"))}, {}, "person:bob", {}, 12}), nothing);
  EXPECT_EQ(
      world.push(
          {{service({stage("production")}), environment("production"), access_policy()}, {}, "person:bob", {}, 0}),
      nothing);
  EXPECT_EQ(world.push(Push{}), nothing);  // a commit that touches no document
  world.push(target(production, {"v1", {}, {}}));
  EXPECT_FALSE(world.at(production).promotion);  // the same release, said shorter
}

TEST(Wish, ThatFailedIsNotTriedAgainByItself) {
  auto world = given_v2_runs_its_steps();
  world.finish(production, Kind::terminal, "no host");
  world.finish_all(production);
  world.push(target(production, release("v1")));  // agrees with what runs: nothing to plan, no pin
  EXPECT_EQ(world.at(production).pinned, "");
  EXPECT_FALSE(world.at(production).promotion);
}

World given_a_hook_failed() {
  auto s = stage("production");
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Kind::terminal, "no space");
  return world;
}

TEST(Failed, IsNotTriedAgainByWhatDoesNotBearOnIt) {
  auto world = given_a_hook_failed();
  EXPECT_FALSE(world.at(production).promotion);
  world.gates_pass("v2");
  world.push(environment("elsewhere"));
  world.push({{target(production, release("v2"))}, {}, "person:bob", {}, 3});
  world.observe(production, "v1");
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_THAT(world.idle(production),
              AllOf(HasSubstr("did not succeed"), HasSubstr("; gateway/production/1 failed: ")));
}

TEST(Failed, IsTriedAgainWhenThePlanChanges) {
  auto world = given_a_hook_failed();
  auto s = stage("production");
  s.before = {hook("backup")};
  s.before[0].run.blob = commit_id(99);
  EXPECT_THAT(world.push(service({s})), happened_in_order("promotion.planned #2 v2", "activity.started backup#1"));
}

TEST(Failed, IsTriedAgainWhenTheWishWasAnotherMeanwhile) {
  auto world = given_a_hook_failed();
  world.push(target(production, release("v1")));
  EXPECT_THAT(world.push(target(production, release("v2"))), Contains("promotion.planned #2 v2"));
}

TEST(Failed, IsTriedAgainByHand) {
  auto world = given_a_hook_failed();
  EXPECT_THAT(world.request(production, "v2"), Contains("activity.started backup#1"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v2");
}

// A promotion by hand of something else that comes to nothing is no news about the wish that failed.
TEST(Failed, IsNotTriedAgainBecauseSomethingElseFailedToo) {
  auto world = given_a_hook_failed();
  world.request(production, "v3");
  EXPECT_THAT(world.finish(production, Kind::terminal, "no space"), Not(Contains("promotion.planned #3 v2")));
  EXPECT_FALSE(world.at(production).promotion);
}

TEST(Failed, IsNotTriedAgainForTheNumberOfItsPromotion) {
  auto s = stage("production");
  s.before = {hook("backup")};
  s.before[0].run.command.push_back("${promotion}");
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Kind::terminal, "no space");
  EXPECT_FALSE(world.at(production).promotion);
  world.request(production, "v3");
  world.finish(production, Kind::terminal, "no space");
  EXPECT_FALSE(world.at(production).promotion);
}

// -------------------------------------------------------------------------------------------------------- suspended

TEST(Suspended, NothingIsPromotedAndEverythingIsObserved) {
  auto world = World::running_v1(stage("production"));
  auto suspended = target(production, release("v2"));
  suspended.suspend = true;
  EXPECT_THAT(world.push(suspended), Not(Contains("promotion.planned #1 v2")));
  EXPECT_THAT(world.observe(production, "v0"), Contains("drift.detected"));
  EXPECT_THAT(world.request(production, "v3"), Refused("is suspended"));
  EXPECT_THAT(world.idle(production), HasSubstr("suspended"));
  suspended.suspend = false;
  EXPECT_THAT(world.push(suspended), Contains("activity.started deploy#1"));
}

TEST(Suspended, APromotionThatWaitsGoesNoFurther) {
  auto world = given_v2_waits();
  auto suspended = target(production, release("v2"));
  suspended.suspend = true;
  world.push(suspended);
  world.gate("lint", "v2");
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.unmet(production), ElementsAre("target gateway/production is suspended"));
  suspended.suspend = false;
  EXPECT_THAT(world.push(suspended), Contains("activity.started deploy#1"));
}

// --------------------------------------------------------------------------------------------------------- orphaned

const DocumentKey wish_of_production{DocumentKind::target, "gateway.production"};

TEST(Orphaned, WhatRunsIsLeftAlone) {
  auto world = World::running_v1(stage("production"));
  EXPECT_THAT(world.push({{}, {wish_of_production}, "person:alice", {}, 0}),
              ElementsAre("configuration.accepted", "target.orphaned"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_THAT(world.idle(production), HasSubstr("its Target document has gone"));
  EXPECT_THAT(world.push(Push{}), ElementsAre("configuration.accepted"));
}

TEST(Orphaned, APromotionThatWaitsIsCancelled) {
  auto world = given_v2_waits();
  EXPECT_THAT(world.push({{}, {wish_of_production}, "person:alice", {}, 0}),
              ElementsAre("configuration.accepted", "target.orphaned", "promotion.cancelled #1"));
  EXPECT_THAT(world.push(target(production, release("v2"))), Contains("promotion.planned #2 v2"));
}

TEST(Orphaned, APromotionUnderWayIsFinished) {
  auto world = given_v2_runs_its_steps();
  world.push({{}, {wish_of_production}, "person:alice", {}, 0});
  EXPECT_THAT(world.finish_all(production), Contains("promotion.succeeded #1"));
  EXPECT_EQ(world.running(production), "v2");
}

TEST(Stage, ThatGoesCancelsWhatWaitsAndItIsPlannedWhenTheStageIsBack) {
  auto world = given_v2_waits();
  EXPECT_THAT(world.push(service({stage("staging")})), Contains("promotion.cancelled #1"));
  EXPECT_THAT(world.idle(production), HasSubstr("no stage of service gateway leads to production"));
  EXPECT_THAT(world.push(service({gated()})), Contains("promotion.planned #2 v2"));
}

// ------------------------------------------------------------------------------------------------------------ by hand

TEST(ByHand, TakesTheWholePolicyAndPinsTheTarget) {
  auto world = World::running_v1(gated());
  EXPECT_THAT(world.request(production, "v2"), ElementsAre("release.registered v2", "promotion.planned #1 v2",
                                                           "step.started gates", "step.waiting gates"));
  world.gate("lint", "v2");
  EXPECT_THAT(world.finish(production), happened_in_order("promotion.succeeded #1", "target.pinned"));
  EXPECT_THAT(world.at(production).pinned, HasSubstr("promoted release v2 by hand; the document wishes v1"));
  EXPECT_FALSE(world.at(production).promotion);  // not undone by the document
}

TEST(ByHand, APinEndsWhenGitAgrees) {
  auto world = World::running_v1(stage("production"));
  world.request(production, "v2");
  world.finish_all(production);
  EXPECT_THAT(world.push(target(production, release("v2"))),
              ElementsAre("configuration.accepted", "desired.changed v2", "target.unpinned"));
}

TEST(ByHand, APinEndsWithTheNextWish) {
  auto world = World::running_v1(stage("production"));
  world.request(production, "v2");
  world.finish_all(production);
  EXPECT_THAT(world.push(target(production, release("v3"))),
              happened_in_order("desired.changed v3", "target.unpinned", "promotion.planned #2 v3"));
}

TEST(ByHand, ReplacesAPromotionThatWaitsAndNoneThatRuns) {
  auto world = given_v2_waits();
  EXPECT_THAT(world.request(production, "v2"), Refused("brings release v2 already"));
  EXPECT_THAT(world.request(production, "v3"), happened_in_order("promotion.superseded #1", "promotion.planned #2 v3"));
  world.gate("lint", "v3");
  EXPECT_THAT(world.request(production, "v4"), Refused("is running"));
}

TEST(ByHand, IsEndedByANewerWishWhileItWaits) {
  auto world = World::running_v1(gated());
  world.request(production, "v2");
  EXPECT_THAT(world.push(target(production, release("v3"))),
              happened_in_order("desired.changed v3", "promotion.superseded #1", "promotion.planned #2 v3"));
}

TEST(ByHand, ANewerWishWhileItRunsIsPlannedAfterIt) {
  auto world = World::running_v1(stage("production"));
  world.request(production, "v2");
  world.push(target(production, release("v3")));
  EXPECT_THAT(world.finish(production), happened_in_order("promotion.succeeded #1", "promotion.planned #2 v3"));
  EXPECT_EQ(world.at(production).pinned, "");
}

TEST(ByHand, WhatRunsAlreadyOrLeadsNowhereIsRefused) {
  auto world = World::running_v1(stage("production"));
  EXPECT_THAT(world.request(production, "v1"), Contains("promotion.planned #1 v1")) << "it was only adopted";
  world.finish_all(production);
  EXPECT_THAT(world.request(production, "v1"), Refused("runs release v1 already"));
  EXPECT_THAT(world.request(staging, "v2"), Refused("no stage to 'staging'; it has: production"));
  EXPECT_THAT(world.request({"ghost", "production"}, "v2"), Refused("no service 'ghost'"));
  EXPECT_THAT(world.request({"gatewya", "production"}, "v2"), Refused("; the nearest is 'gateway'"));
  EXPECT_THAT(world.when(RequestPromotion{production, {"v9", {}, {}}, {}}, "person:alice"),
              Refused("is not registered"));
}

TEST(ByHand, AReleaseThatIsNotWellFormedIsRefused) {
  auto world = World::running_v1(stage("production"));
  const auto ask = [&](const Release& asked) {
    return world.when(RequestPromotion{production, asked, {}}, "person:alice");
  };
  EXPECT_THAT(ask({"../v9", release("v9").commit, {}}), Refused("not well-formed"));
  EXPECT_THAT(ask({"v9", "HEAD", {}}), Refused("not well-formed"));
  EXPECT_THAT(ask({"v9", {}, {{"image", "--privileged"}}}), Refused("not well-formed"));
}

TEST(ByHand, KeepsTheVariablesOfTheDocument) {
  auto world = World::running_v1(stage("production"));
  world.push(target(production, release("v1"), {{"replicas", "3"}}));
  world.finish_all(production);
  world.request(production, "v2");
  EXPECT_EQ(world.live(production).to.variables, (StringMap{{"replicas", "3"}}));
}

}  // namespace
}  // namespace headgate::test
