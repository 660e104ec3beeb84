// Drift is mended by a promotion of what should run, under the whole policy, and stands back for whatever else is
// wished.
#include "engine/domain/self_heal.h"

#include "engine/domain/locations.h"
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

World given_v1_with(const Environment& place, StringMap variables, const Stage& s = stage("production")) {
  World world;
  world.push({{access_policy(), place, service({s}), target(production, release("v1"), std::move(variables))},
              {},
              "person:frank"});
  world.observe(production, "v1");
  return world;
}

Lines observe_with(World& world, const std::string& version, StringMap variables) {
  return world.when(RecordObservation{production, {version, release(version).artifacts, std::move(variables)}},
                    "engine");
}

Stage checked() {
  auto s = stage("production");
  s.verify = {health("smoke")};
  return s;
}

// ------------------------------------------------------------------------------------------------------------- mended

TEST(SelfHeal, DriftIsMendedByAPromotionOfWhatShouldRun) {
  auto world = World::running_v1(checked());
  EXPECT_THAT(world.observe(production, "v0"),
              happened_in_order("target.observed v0", "drift.detected", "promotion.planned #1 v1",
                                "promotion.started #1", "activity.started deploy#1"));
  EXPECT_EQ(world.live(production).trigger, Trigger::drift);
  EXPECT_EQ(world.live(production).asked_because, "drift: release v0 in place of release v1");
  EXPECT_THAT(world.live(production).people, IsEmpty());
  EXPECT_THAT(world.finish_all(production), Contains("promotion.succeeded #1"));
  EXPECT_FALSE(world.at(production).drifted);
  EXPECT_THAT(world.observe(production, "v1"), IsEmpty());
}

TEST(SelfHeal, WhatHasGoneIsBroughtBack) {
  auto world = World::running_v1(stage("production"));
  world.observe(production, "");
  EXPECT_EQ(world.live(production).asked_because, "drift: nothing in place of release v1");
}

TEST(SelfHeal, SwitchedOffItIsReportedOnlyAndSaysSo) {
  auto world = given_v1_with(reporting("production"), {});
  EXPECT_THAT(world.observe(production, "v0"), ElementsAre("target.observed v0", "drift.detected"));
  EXPECT_FALSE(world.at(production).promotion);
  const auto why = explain_idle(world.state, production);
  ASSERT_EQ(why.size(), 1U);
  EXPECT_EQ(why[0].text,
            "it has drifted: it runs release v0 in place of release v1; that is not mended: selfHeal is off in "
            "environment production");
  EXPECT_EQ(why[0].file, "production.yaml");
  EXPECT_EQ(why[0].line, 8U);
  EXPECT_THAT(why[0].remedy, HasSubstr("headgate promote gateway --to production --release v1"));
}

TEST(SelfHeal, APersonMendsItWhereItIsSwitchedOff) {
  auto world = given_v1_with(reporting("production"), {});
  world.request(production, "v1");
  world.finish_all(production);
  EXPECT_THAT(world.request(production, "v1"), Refused("runs release v1 already"));
  world.observe(production, "v0");
  EXPECT_THAT(world.request(production, "v1"), happened_in_order("promotion.planned #2 v1"));
  world.finish_all(production);
  EXPECT_FALSE(world.at(production).drifted);
}

TEST(SelfHeal, SwitchedOffWhileItWaitsItIsWithdrawn) {
  auto s = checked();
  s.approvals = {{"managers", 1, 35}};
  auto world = World::running_v1(s);
  world.observe(production, "v0");
  EXPECT_THAT(world.push(reporting("production")), Contains("promotion.superseded #1"));
  EXPECT_FALSE(world.at(production).promotion);
}

TEST(SelfHeal, SwitchedOnAgainItMendsWhatHasDriftedMeanwhile) {
  auto world = given_v1_with(reporting("production"), {});
  world.observe(production, "v0");
  EXPECT_THAT(world.push(environment("production")), happened_in_order("promotion.planned #1 v1"));
}

// --------------------------------------------------------------------------------------- nothing passes the policy by
// it

TEST(SelfHeal, AsksPeopleAgainWhereTheStageAsksThem) {
  auto s = checked();
  s.approvals = {{"managers", 1, 35}};
  auto world = World::running_v1(s);
  world.observe(production, "v0");
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.approve(promotion(production, 1), "person:carol"), Contains("promotion.started #1"));
}

TEST(SelfHeal, JudgesGatesAnew) {
  auto s = checked();
  auto world = World::running_v1(s);
  s.gates = {"lint"};
  world.push(service({s}));
  world.observe(production, "v0");
  EXPECT_THAT(world.unmet(production), Contains(HasSubstr("gate lint is not reported")));
  EXPECT_THAT(world.gate("lint", "v1"), Contains("promotion.started #1"));
}

TEST(SelfHeal, WaitsThroughAFreeze) {
  auto world = World::running_v1(checked());
  world.when(SetFreeze{"production", {}, "stock-taking", {}}, "person:alice");
  world.observe(production, "v0");
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.unmet(production), Contains(HasSubstr("frozen")));
  EXPECT_THAT(world.when(LiftFreeze{"1", {}}, "person:alice"), Contains("promotion.started #1"));
}

TEST(SelfHeal, BringsBackNothingQuarantined) {
  auto world = World::running_v1(checked());
  world.when(QuarantineRelease{{"gateway", "v1"}, "leaks"}, "person:alice");
  world.observe(production, "v0");
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.unmet(production), Contains("release v1 is quarantined: leaks"));
}

TEST(SelfHeal, StandsStillWhileEffectsArePaused) {
  auto world = World::running_v1(checked());
  world.when(PauseEffects{"restored"}, "person:alice");
  EXPECT_THAT(world.observe(production, "v0"), ElementsAre("target.observed v0", "drift.detected"));
  EXPECT_THAT(world.idle(production), HasSubstr("that is not mended: effects are paused: restored"));
  EXPECT_THAT(world.when(ResumeEffects{"looked at"}, "person:alice"), Contains("promotion.started #1"));
}

TEST(SelfHeal, WhileEffectsArePausedSomebodyMayAdoptWhatRuns) {
  auto world = World::running_v1(checked());
  world.when(PauseEffects{"restored"}, "person:alice");
  world.observe(production, "v2");
  EXPECT_THAT(world.when(AdoptTarget{production, "deployed after the backup"}, "person:alice"),
              Contains("target.adopted v2"));
}

// -------------------------------------------------------------------------------------------------- it fights with
// nobody

TEST(SelfHeal, EndsWhenTheDriftGoesByItself) {
  auto s = checked();
  s.approvals = {{"managers", 1, 35}};
  auto world = World::running_v1(s);
  world.observe(production, "v0");
  EXPECT_THAT(world.observe(production, "v1"), happened_in_order("drift.resolved", "promotion.superseded #1"));
  EXPECT_FALSE(world.at(production).promotion);
}

TEST(SelfHeal, GivesWayToANewerWish) {
  auto s = checked();
  s.approvals = {{"managers", 1, 35}};
  auto world = World::running_v1(s);
  world.observe(production, "v0");
  EXPECT_THAT(world.push(target(production, release("v2"))),
              happened_in_order("promotion.superseded #1", "promotion.planned #2 v2"));
  EXPECT_EQ(world.live(production).trigger, Trigger::desired);
}

TEST(SelfHeal, GivesWayToANewerWishWhereTheStageKeepsOrder) {
  auto s = checked();
  s.approvals = {{"managers", 1, 35}};
  s.supersede = Supersede::queue;
  auto world = World::running_v1(s);
  world.observe(production, "v0");
  EXPECT_THAT(world.push(target(production, release("v2"))),
              happened_in_order("promotion.superseded #1", "promotion.planned #2 v2"));
}

TEST(SelfHeal, LeavesAPinnedTargetAsItIs) {
  auto world = World::running_v1(checked());
  world.push(target(production, release("v2")));
  world.finish(production);
  world.finish(production, Outcome::Kind::unhealthy, "500");
  world.finish_all(production);
  ASSERT_EQ(world.running(production), "v1");
  ASSERT_FALSE(world.at(production).pinned.empty());
  EXPECT_THAT(world.observe(production, "v2"), ElementsAre("target.observed v2", "drift.detected"));
  EXPECT_THAT(world.idle(production), HasSubstr("pinned"));
}

TEST(SelfHeal, LeavesATargetAloneThatAPersonMustLookAt) {
  auto s = checked();
  s.rollback_automatic = false;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production);
  world.finish(production, Outcome::Kind::unhealthy, "500");
  ASSERT_FALSE(world.at(production).held.empty());
  EXPECT_THAT(world.observe(production, "v0"), Not(Contains(HasSubstr("promotion.planned"))));
}

TEST(SelfHeal, LeavesASuspendedTargetAsItIs) {
  auto world = World::running_v1(checked());
  auto document = target(production, release("v1"));
  document.suspend = true;
  world.push(document);
  EXPECT_THAT(world.observe(production, "v0"), ElementsAre("target.observed v0", "drift.detected"));
  document.suspend = false;
  EXPECT_THAT(world.push(document), happened_in_order("promotion.planned #1 v1"));
}

TEST(SelfHeal, DoesNotBringBackWhatIsNotWishedAnyMore) {
  auto s = checked();
  s.before = {hook("migrate")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Outcome::Kind::terminal, "no");  // before anything was deployed
  ASSERT_EQ(world.running(production), "v1");
  EXPECT_THAT(world.observe(production, "v0"), ElementsAre("target.observed v0", "drift.detected"));
}

TEST(SelfHeal, WaitsForNoDriftDuringAPromotion) {
  auto world = World::running_v1(checked());
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.observe(production, "v0"), IsEmpty());
}

TEST(SelfHeal, LeavesWhatADeletedDocumentLeftBehind) {
  auto world = World::running_v1(checked());
  world.push(Push{{}, {{DocumentKind::target, "gateway.production"}}});
  EXPECT_THAT(world.observe(production, "v0"), Not(Contains(HasSubstr("promotion.planned"))));
}

TEST(SelfHeal, ARollbackByHandGoesBefore) {
  auto world = World::running_v1(checked());
  world.push(target(production, release("v2")));
  world.finish_all(production);
  world.observe(production, "v0");
  ASSERT_EQ(world.live(production).trigger, Trigger::drift);
  RollBack back;
  back.targets = {production};
  back.to = "previous";
  back.reason = "bad";
  world.when(back, "person:alice");
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_FALSE(world.at(production).promotion);
}

// --------------------------------------------------------------------------------------------------------- when it
// fails

TEST(SelfHeal, AFailedMendingIsNotTriedAgainUntilSomethingChanges) {
  auto s = checked();
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.observe(production, "v0");
  EXPECT_THAT(world.finish(production, Outcome::Kind::terminal, "disk full"), Contains("promotion.failed #1"));
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_THAT(world.observe(production, ""), ElementsAre("target.observed nothing"));
  EXPECT_THAT(world.idle(production), HasSubstr("the last promotion that should mend it did not succeed"));
  s.before = {hook("copy")};
  EXPECT_THAT(world.push(service({s})), happened_in_order("promotion.planned #2 v1"));
}

TEST(SelfHeal, AfterAFailedMendingOtherDriftIsMended) {
  auto s = checked();
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.observe(production, "v0");
  world.finish(production, Outcome::Kind::terminal, "disk full");
  world.observe(production, "v1");
  EXPECT_THAT(world.observe(production, "v0"), happened_in_order("drift.detected", "promotion.planned #2 v1"));
}

TEST(SelfHeal, WhatAPersonCancelledIsNotTriedAgain) {
  auto s = checked();
  s.approvals = {{"managers", 1, 35}};
  auto world = World::running_v1(s);
  world.observe(production, "v0");
  EXPECT_THAT(world.cancel(promotion(production, 1)), ElementsAre("promotion.cancelled #1"));
}

TEST(SelfHeal, AMendingThatEndsBadlyBlamesTheReleaseForNothing) {
  auto world = World::running_v1(checked());
  world.observe(production, "v0");
  world.finish(production);
  EXPECT_THAT(world.finish(production, Outcome::Kind::unhealthy, "500"),
              Not(Contains(HasSubstr("release.quarantined"))));
  EXPECT_FALSE(world.at(production).held.empty()) << "a person looks at it";
}

TEST(SelfHeal, WhatDoesNotLastIsMendedThreeTimesInARow) {
  auto world = World::running_v1(checked());
  for (std::uint64_t n = 1; n <= max_mendings; ++n) {
    ASSERT_THAT(world.observe(production, "v0"), Contains("promotion.planned #" + std::to_string(n) + " v1"));
    world.finish_all(production);
    world.pass(1min);
  }
  EXPECT_THAT(world.observe(production, "v0"), ElementsAre("target.observed v0", "drift.detected"));
  EXPECT_THAT(world.idle(production), HasSubstr("it was mended 3 times in a row and drifted again"));
  world.request(production, "v1");
  world.finish_all(production);
  EXPECT_THAT(world.observe(production, "v0"), Contains(HasSubstr("promotion.planned")));
}

TEST(SelfHeal, WhatLastedForLongIsMendedAgain) {
  auto world = World::running_v1(checked());
  for (std::uint64_t n = 1; n <= 2 * max_mendings; ++n) {
    ASSERT_THAT(world.observe(production, "v0"), Contains("promotion.planned #" + std::to_string(n) + " v1"));
    world.finish_all(production);
    world.pass(2h);
  }
}

// -------------------------------------------------------------------------------------------------------------
// variables

TEST(SelfHeal, AVariableThatDiffersIsDrift) {
  auto world = given_v1_with(environment("production"), {{"replicas", "3"}, {"memory", "2Gi"}});
  EXPECT_THAT(observe_with(world, "v1", {{"replicas", "3"}, {"other", "x"}}), ElementsAre("target.observed v1"));
  EXPECT_THAT(observe_with(world, "v1", {{"replicas", "5"}}),
              happened_in_order("drift.detected", "promotion.planned #1 v1"));
  EXPECT_EQ(world.live(production).asked_because, "drift: release v1 with replicas=5 in place of release v1");
  EXPECT_EQ(world.effect(production).to.variables.at("replicas"), "3");
}

TEST(SelfHeal, TheDriftSaysWhichVariablesWereFound) {
  auto world = given_v1_with(reporting("production"), {{"replicas", "3"}});
  observe_with(world, "v1", {{"replicas", "5"}});
  const auto& drift = std::get<DriftDetected>(world.log.back().event);
  EXPECT_EQ(drift.variables, (StringMap{{"replicas", "5"}}));
}

TEST(SelfHeal, AVariableThatIsIgnoredIsNone) {
  auto place = environment("production");
  place.ignore_differences = {"replicas"};
  auto world = given_v1_with(place, {{"replicas", "3"}, {"memory", "2Gi"}});
  EXPECT_THAT(observe_with(world, "v1", {{"replicas", "7"}}), IsEmpty()) << "nor is it worth a record";
  EXPECT_THAT(observe_with(world, "v1", {{"replicas", "7"}, {"memory", "1Gi"}}), Contains("drift.detected"));
}

TEST(SelfHeal, WhatIsIgnoredFromNowOnIsNoDriftAnyMore) {
  auto place = reporting("production");
  auto world = given_v1_with(place, {{"replicas", "3"}});
  observe_with(world, "v1", {{"replicas", "7"}});
  place.ignore_differences = {"replicas"};
  world.push(place);
  EXPECT_THAT(observe_with(world, "v1", {{"replicas", "7"}}), Contains("drift.resolved"));
}

// -------------------------------------------------------------------------------------------------------------
// elsewhere

TEST(SelfHeal, MendsTheLocationAloneThatHasDrifted) {
  auto place = environment("production");
  place.locations = {{"eu", 1, false, {}, 20}, {"us", 2, false, {}, 21}, {"ap", 0, true, {}, 22}};
  World world;
  world.push({{access_policy(), place, service({checked()}), target(production, release("v1"))}, {}, "person:frank"});
  const auto observe_in = [&](const std::string& location, const std::string& version) {
    RecordObservation seen{production, {version, release(version).artifacts}};
    seen.location = location;
    return world.when(seen, "engine");
  };
  observe_in("eu", "v1");
  observe_in("us", "v1");
  ASSERT_EQ(world.running(production), "v1");
  EXPECT_THAT(observe_in("us", "v0"), happened_in_order("drift.detected", "promotion.planned #1 v1"));
  EXPECT_THAT(world.steps(production), Contains("deploy.us"));
  EXPECT_THAT(world.steps(production), Not(Contains("deploy.eu")));
  world.finish_all(production);
  EXPECT_FALSE(world.at(production).drifted);
  EXPECT_FALSE(world.at(production).promotion);
}

TEST(SelfHeal, MendingIsNoNewsToTheStagesThatComeAfter) {
  auto after = stage("production");
  StageTrigger trigger;
  trigger.kind = Trigger::after;
  trigger.after = "staging";
  after.triggers = {trigger};
  World world;
  world.push({{access_policy(), environment("staging"), environment("production"), service({stage("staging"), after}),
               target(staging, release("v1"))},
              {},
              "person:frank"});
  world.observe(production, "");
  world.observe(staging, "");
  world.finish_all(staging);
  ASSERT_EQ(world.live(production).to.release.version, "v1");
  world.cancel(world.live(production).id);
  world.finish_all(production);
  ASSERT_FALSE(world.at(production).promotion);
  world.observe(staging, "v0");
  EXPECT_THAT(world.finish_all(staging), Not(Contains("trigger.fired")));
}

TEST(SelfHeal, WhatATriggerBroughtIsMendedWithoutADocument) {
  auto s = checked();
  World world;
  world.push({{access_policy(), environment("production"), service({s})}, {}, "person:frank"});
  world.when(RegisterRelease{"gateway", release("v1"), {}, {}});
  world.observe(production, "");
  world.request(production, "v1");
  world.finish_all(production);
  ASSERT_EQ(world.running(production), "v1");
  EXPECT_THAT(world.observe(production, "v0"), Contains("promotion.planned #2 v1"));
  world.finish(production, Outcome::Kind::terminal, "no");
  EXPECT_FALSE(world.at(production).promotion);
}

}  // namespace
}  // namespace headgate::test
