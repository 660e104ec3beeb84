// A target is observed before anything is planned for it; drift is noticed and told once.
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

World given_v2_is_wished_and_nothing_is_known() {
  World world;
  world.push(
      {{access_policy(), environment("production"), service({stage("production")}), target(production, release("v2"))},
       {},
       "person:frank"});
  return world;
}

TEST(FirstSight, NothingIsPlannedBeforeTheTargetWasObserved) {
  auto world = given_v2_is_wished_and_nothing_is_known();
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_THAT(world.idle(production), HasSubstr("not observed yet"));
}

TEST(FirstSight, WhereNothingRunsItIsAFirstPromotion) {
  auto world = given_v2_is_wished_and_nothing_is_known();
  EXPECT_THAT(world.observe(production, ""),
              ElementsAre("target.observed nothing", "promotion.planned #1 v2", "promotion.started #1",
                          "step.started deploy", "activity.started deploy#1"));
  EXPECT_FALSE(world.live(production).from);
}

TEST(FirstSight, WhatRunsTheDesiredReleaseIsAdopted) {
  auto world = given_v2_is_wished_and_nothing_is_known();
  EXPECT_THAT(world.observe(production, "v2"), ElementsAre("target.observed v2", "target.adopted v2"));
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(FirstSight, TheSameVersionWithOtherArtifactsIsSomethingElse) {
  auto world = given_v2_is_wished_and_nothing_is_known();
  world.when(RecordObservation{production, {"v2", {{"image", "registry.example.com/gateway@sha256:other"}}}}, "engine");
  EXPECT_FALSE(world.at(production).current);
  EXPECT_FALSE(world.at(production).promotion);
}

TEST(FirstSight, SomethingElseWaitsForAPerson) {
  auto world = given_v2_is_wished_and_nothing_is_known();
  EXPECT_THAT(world.observe(production, "v1"), ElementsAre("target.observed v1"));
  EXPECT_THAT(world.idle(production), HasSubstr("it runs v1, which Headgate did not bring there"));
  EXPECT_THAT(world.pass(48h), IsEmpty());
}

TEST(FirstSight, APersonPromotesOverIt) {
  auto world = given_v2_is_wished_and_nothing_is_known();
  world.observe(production, "v1");
  EXPECT_THAT(world.request(production, "v2"), Contains("activity.started deploy#1"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v2");
}

TEST(FirstSight, APersonAdoptsItAndTheWishIsPromotedFromThere) {
  auto world = given_v2_is_wished_and_nothing_is_known();
  world.observe(production, "v1");
  EXPECT_THAT(world.when(AdoptTarget{production, "it is what we run"}, "person:alice"),
              happened_in_order("target.adopted v1", "promotion.planned #1 v2", "activity.started deploy#1"));
  EXPECT_EQ(world.live(production).from->release.version, "v1");
  EXPECT_THAT(world.steps(production), ElementsAre("deploy", "rollback-deploy"));
}

TEST(FirstSight, AnObservationThatTellsNothingNewWritesNothing) {
  auto world = given_v2_is_wished_and_nothing_is_known();
  world.observe(production, "v1");
  EXPECT_THAT(world.observe(production, "v1"), IsEmpty());
  EXPECT_THAT(world.observe({"ghost", "production"}, "v1"), IsEmpty());
}

TEST(Adopt, WhatIsNotThereOrUnderWayCannotBeAdopted) {
  auto world = given_v2_is_wished_and_nothing_is_known();
  const auto adopt = [&] { return world.when(AdoptTarget{production, {}}, "person:alice"); };
  EXPECT_THAT(adopt(), Refused("has not been observed yet"));
  EXPECT_THAT(world.when(AdoptTarget{staging, {}}, "person:alice"), Refused("no target gateway/staging"));
  world.observe(production, "");
  EXPECT_THAT(adopt(), Refused("is under way"));
  world.finish(production, Outcome::Kind::terminal);
  EXPECT_EQ(world.running(production), "nothing");
  world.observe(production, "");
  EXPECT_THAT(adopt(), Refused("nothing runs at"));
}

TEST(Adopt, WhatNoReleaseMayBeCalledIsNotAdopted) {
  auto world = given_v2_is_wished_and_nothing_is_known();
  Observation seen;
  seen.version = "v1";
  seen.artifacts = {{"image", "--volume=/:/host"}};
  world.when(RecordObservation{production, seen}, "engine");
  EXPECT_THAT(world.when(AdoptTarget{production, "it is what we run"}, "person:alice"), Refused("not well-formed"));
}

TEST(Adopt, AgainChangesNothing) {
  auto world = World::running_v1(stage("production"));
  EXPECT_THAT(world.when(AdoptTarget{production, {}}, "person:alice"), IsEmpty());
}

// The driver of a target that was retired after its release had failed still reports the release: no adoption may make
// it a verified one.
TEST(Adopt, DoesNotHappenByItselfOnAPinnedTarget) {
  auto s = stage("production");
  s.verify = {health("smoke")};
  World world;
  world.push({{access_policy(), environment("production", true), service({s}), target(production, release("v2"))},
              {},
              "person:frank"});
  world.observe(production, "");
  world.finish(production);
  world.finish(production, Outcome::Kind::unhealthy, "500");
  world.finish_all(production);
  ASSERT_EQ(world.running(production), "nothing");
  ASSERT_FALSE(world.at(production).pinned.empty());
  EXPECT_THAT(world.observe(production, "v2"), ElementsAre("target.observed v2"));
  EXPECT_THAT(world.at(production).verified, IsEmpty());
}

TEST(Adopt, OfWhatADriftBroughtKeepsItThoughTheDocumentWishesAnother) {
  auto world = World::running_v1(stage("production"));
  world.push(reporting("production"));
  world.observe(production, "v1-hotfix");
  EXPECT_THAT(world.when(AdoptTarget{production, "the hotfix stays"}, "person:alice"),
              ElementsAre("target.adopted v1-hotfix", "target.pinned"));
  EXPECT_EQ(world.at(production).pinned, "release v1-hotfix was adopted: the hotfix stays; the document wishes v1");
  EXPECT_THAT(world.push(target(production, release("v2"))),
              happened_in_order("target.unpinned", "promotion.planned #1 v2"));
}

TEST(Adopt, BringsNothingBackThatWasRolledBack) {
  auto s = stage("production");
  s.verify = {health("smoke")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish_all(production);
  world.when(RollBack{{production}, "previous", "it eats data", "all"}, "person:alice");
  world.finish(production, Outcome::Kind::terminal, "no host");
  ASSERT_FALSE(world.at(production).held.empty());
  world.observe(production, "v1");
  EXPECT_THAT(world.when(AdoptTarget{production, "v1 is back"}, "person:alice"),
              ElementsAre("target.adopted v1", "target.pinned"));
  world.when(ResolveIncident{"1", "v2 was bad"}, "person:alice");
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_FALSE(world.at(production).promotion);
}

TEST(Drift, IsToldOnceAndItsEndToo) {
  auto world = World::running_v1(stage("production"));
  world.push(reporting("production"));
  EXPECT_THAT(world.observe(production, "v0"), ElementsAre("target.observed v0", "drift.detected"));
  EXPECT_THAT(world.observe(production, "v0"), IsEmpty());
  EXPECT_THAT(world.observe(production, ""), ElementsAre("target.observed nothing"));
  EXPECT_THAT(world.observe(production, "v1"), ElementsAre("target.observed v1", "drift.resolved"));
}

TEST(Drift, WhatWasAskedBeforeTheTargetChangedProvesNothing) {
  auto world = World::running_v1(stage("production"));
  world.push(reporting("production"));
  const auto before = world.at(production).current_at;
  EXPECT_THAT(world.when(RecordObservation{production, {"v0", {}}, before}), IsEmpty());
  EXPECT_FALSE(world.at(production).drifted);
  EXPECT_THAT(world.when(RecordObservation{production, {"v0", {}}, before + 1}),
              ElementsAre("target.observed v0", "drift.detected"));
}

TEST(Drift, WhatIsSeenDuringAPromotionProvesNothing) {
  auto world = World::running_v1(stage("production"));
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.observe(production, "v2"), IsEmpty());
  world.finish_all(production);
  EXPECT_FALSE(world.at(production).drifted);
}

TEST(Drift, IsOverWhenAPromotionSucceeds) {
  auto world = World::running_v1(stage("production"));
  world.push(reporting("production"));
  world.observe(production, "v0");
  world.push(target(production, release("v2")));
  world.finish_all(production);
  EXPECT_FALSE(world.at(production).drifted);
  EXPECT_THAT(world.observe(production, "v2"), IsEmpty());
}

}  // namespace
}  // namespace headgate::test
