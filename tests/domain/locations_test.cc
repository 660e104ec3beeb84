// Environments of several places: waves, what follows a failure in one of them, and those on standby.
#include "engine/domain/locations.h"

#include "tests/domain/strategies.h"

namespace headgate::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = Outcome::Kind;

const PromotionId second = promotion(production, 2);

// eu before us, each with a check; ap on standby. us has a driver of its own.
Environment in_locations(Environment e = environment("production"), std::optional<OnLocationFailure> rule = {}) {
  e.driver.deploy = script({"hooks/deploy.sh", "${release.version}", "${location}"});
  auto of_us = e.driver;
  of_us.deploy = script({"hooks/deploy-us.sh", "${previous.version}"});
  e.locations = {{"us", 2, false, of_us, 21}, {"eu", 1, false, {}, 20}, {"ap", 0, true, {}, 22}};
  e.on_location_failure = rule;
  e.self_heal = SelfHealRule{false, 23};  // self_heal_test.cc mends
  return e;
}

Stage checked() {
  auto s = stage("production");
  s.verify = {health("smoke")};
  return s;
}

Lines observe_in(World& world, const std::string& location, const std::string& version) {
  const auto artifacts = version.empty() ? StringMap{} : release(version).artifacts;
  return world.when(RecordObservation{production, {version, artifacts}, world.state.next, location}, "engine");
}

std::string runs_in(const World& world, const std::string& location) {
  const auto& there = at_location(world.at(production), location);
  return there.current ? there.current->release.version : "nothing";
}

// v1 runs in eu and us, ap has nothing; v2 is wished and its promotion under way.
World given_v1_in_both(Environment e, const Stage& s = checked()) {
  World world;
  world.push({{access_policy(), std::move(e), measured_service(s), target(production, release("v1"))}, {}});
  for (const auto* location : {"us", "eu", "ap"}) observe_in(world, location, "");
  roll(world);
  EXPECT_EQ(world.running(production), "v1");
  return world;
}
World given_v2_in_waves(std::optional<OnLocationFailure> rule = {}, const Stage& s = checked()) {
  auto world = given_v1_in_both(in_locations(environment("production"), rule), s);
  world.push(target(production, release("v2")));
  return world;
}
World given_v2_in_slots(const Stage& s, std::optional<OnLocationFailure> rule = {}) {
  auto world = given_v1_in_both(in_locations(slotted(), rule), s);
  world.push(target(production, release("v2")));
  return world;
}

Lines fail(World& world, const std::string& step, Kind kind = Kind::unhealthy) {
  roll(world, step);
  EXPECT_EQ(world.effect(production).id.step, step);
  return world.finish(production, kind, "it is broken");
}

Lines request_in(World& world, const std::string& version, std::vector<std::string> locations) {
  return world.when(RequestPromotion{production, release(version), "on demand", false, std::move(locations)},
                    "person:alice");
}

const Incident& incident(const World& world) {
  HEADGATE_CHECK(!world.state.incidents.empty());
  return world.state.incidents.begin()->second;
}

// ----------------------------------------------------------------------------------------------------------- plans

TEST(Locations, APlanHoldsTheStepsOfEachLocationWaveByWaveAndTheWayBackNewestWaveFirst) {
  const auto world = given_v2_in_waves();
  EXPECT_THAT(world.steps(production),
              ElementsAre("deploy.eu", "smoke.eu", "deploy.us", "smoke.us", "rollback-deploy.us", "rollback-smoke.us",
                          "rollback-deploy.eu", "rollback-smoke.eu"));
  const auto& p = world.live(production);
  EXPECT_EQ(p.find("deploy.eu")->step->location, "eu");
  EXPECT_EQ(p.find("deploy.eu")->step->wave, 1U);
  EXPECT_EQ(p.find("smoke.us")->step->wave, 2U);
  EXPECT_THAT(p.find("deploy.eu")->step->run->command, ElementsAre("hooks/deploy.sh", "v2", "eu"));
  EXPECT_THAT(p.find("deploy.us")->step->run->command, ElementsAre("hooks/deploy-us.sh", "v1"));
  EXPECT_EQ(to_string(world.effect(production).id), "gateway/production/2/deploy.eu");
}

TEST(Locations, AWaveBeginsWhenTheOneBeforeIsVerified) {
  auto world = given_v2_in_waves();
  EXPECT_THAT(roll(world), happened_in_order("step.succeeded smoke.eu", "activity.started deploy.us#1",
                                             "step.succeeded smoke.us", "promotion.succeeded #2"));
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_EQ(runs_in(world, "eu"), "v2");
  EXPECT_EQ(runs_in(world, "us"), "v2");
  EXPECT_EQ(runs_in(world, "ap"), "nothing");
}

TEST(Locations, WhatRunsInALocationIsKnownBeforeThePromotionEnds) {
  auto world = given_v2_in_waves();
  roll(world, "smoke.us");
  EXPECT_EQ(runs_in(world, "eu"), "v2");
  EXPECT_EQ(runs_in(world, "us"), "v1");
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Locations, AnEnvironmentWithoutThemPlansAsBefore) {
  auto world = World::running_v1(checked());
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.steps(production), ElementsAre("deploy", "smoke", "rollback-deploy", "rollback-smoke"));
  roll(world);
  EXPECT_THAT(request_in(world, "v2", {"eu"}), Refused("has no locations"));
}

// --------------------------------------------------------------------------------------------------------- failures

TEST(Locations, RollbackAllTakesBackEveryLocationThatWasTouchedNewestWaveFirst) {
  auto world = given_v2_in_waves();
  EXPECT_THAT(fail(world, "smoke.us"),
              happened_in_order("step.failed smoke.us", "release.quarantined v2", "rollback.started to v1"));
  EXPECT_THAT(roll(world),
              happened_in_order("activity.started rollback-smoke.us#1", "activity.started rollback-deploy.eu#1",
                                "activity.started rollback-smoke.eu#1", "rollback.succeeded #2"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_EQ(runs_in(world, "eu"), "v1");
  EXPECT_EQ(runs_in(world, "us"), "v1");
  EXPECT_FALSE(world.at(production).pinned.empty());
}

TEST(Locations, RollbackAllLeavesAloneWhatWasNeverTouched) {
  auto world = given_v2_in_waves(OnLocationFailure::rollback_all);
  fail(world, "smoke.eu");
  const auto lines = roll(world);
  EXPECT_THAT(lines, Contains("rollback.succeeded #2"));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("/us"))));
}

TEST(Locations, RollbackLocationTakesBackOnlyTheOneThatFailedAndThePromotionFails) {
  auto world = given_v2_in_waves(OnLocationFailure::rollback_location);
  fail(world, "smoke.us");
  const auto lines = roll(world);
  EXPECT_THAT(lines, happened_in_order("step.succeeded rollback-smoke.us", "promotion.failed #2"));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("rollback-deploy.eu"))));
  EXPECT_EQ(runs_in(world, "eu"), "v2");
  EXPECT_EQ(runs_in(world, "us"), "v1");
  EXPECT_THAT(incident(world).reason, HasSubstr("location us: smoke.us: it is broken"));
  EXPECT_THAT(incident(world).notes, Contains(HasSubstr("stands in eu and does not run in us")));
}

TEST(Locations, AMixedTargetHasDriftedByLocationUntilANewWishBringsOneRelease) {
  auto world = given_v2_in_waves(OnLocationFailure::rollback_location);
  fail(world, "deploy.us", Kind::terminal);  // no evidence against the release
  roll(world);
  const auto& t = world.at(production);
  EXPECT_TRUE(t.drifted);
  EXPECT_TRUE(at_location(t, "us").drifted);
  EXPECT_FALSE(at_location(t, "eu").drifted);
  EXPECT_THAT(observe_in(world, "us", "v1"), IsEmpty());  // it is no news
  EXPECT_TRUE(t.held.empty());
  EXPECT_FALSE(t.promotion);
  EXPECT_THAT(world.idle(production), AllOf(HasSubstr("release v2 did not succeed"), HasSubstr("in us")));

  world.push(target(production, release("v3")));
  EXPECT_THAT(world.steps(production), Contains("deploy.eu"));
  roll(world);
  EXPECT_EQ(world.running(production), "v3");
  EXPECT_EQ(runs_in(world, "us"), "v3");
  EXPECT_FALSE(world.at(production).drifted);
}

TEST(Locations, AMixedTargetIsNotPromotedAgainByItselfButOnDemandWhereItIsMissing) {
  auto world = given_v2_in_waves(OnLocationFailure::rollback_location);
  fail(world, "deploy.us", Kind::terminal);
  roll(world);
  world.pass(24h);
  EXPECT_FALSE(world.at(production).promotion);
  world.request(production, "v2");
  EXPECT_THAT(world.steps(production), Not(Contains("deploy.eu")));  // runs it already
  roll(world);
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_FALSE(world.at(production).drifted);
}

TEST(Locations, AMixedTargetIsTriedAgainWhenThePolicyChanges) {
  auto world = given_v2_in_waves(OnLocationFailure::rollback_location);
  fail(world, "deploy.us", Kind::terminal);
  roll(world);
  world.push(target(staging, release("v1")));  // nothing that bears on it
  EXPECT_FALSE(world.at(production).promotion);
  auto s = checked();
  s.verify.push_back(health("deep"));
  world.push(measured_service(s));
  EXPECT_THAT(world.steps(production), ElementsAre("deploy.us", "smoke.us", "deep.us", "rollback-deploy.us",
                                                   "rollback-smoke.us", "rollback-deep.us"));
}

TEST(Locations, AMixedTargetIsNotTriedAgainWhenLinesMove) {
  auto world = given_v2_in_waves(OnLocationFailure::rollback_location);
  fail(world, "deploy.us", Kind::terminal);
  roll(world);
  auto s = checked();
  s.line += 3;
  s.verify.front().line += 3;
  const auto place = in_locations(environment("production"), OnLocationFailure::rollback_location);
  world.push({{measured_service(s), place}, {}, "person:alice", {}, 3});
  EXPECT_FALSE(world.at(production).promotion);
  world.push({{place}, {}, "person:alice", {}, 4});
  EXPECT_FALSE(world.at(production).promotion);
  s.verify.push_back(health("deep"));
  world.push(measured_service(s));
  EXPECT_TRUE(world.at(production).promotion);
}

TEST(Locations, WhatWasRejectedBeforeItDeployedIsNotPlannedAgainWhenLinesMove) {
  auto s = checked();
  s.approvals = {{"managers", 1, 35}};
  auto world = given_v1_in_both(in_locations());
  world.push(measured_service(s));
  world.push(target(production, release("v2")), "person:frank");
  world.when(Reject{second, "not now"}, "person:carol");
  s.line += 3;
  s.approvals.front().line += 3;
  world.push({{measured_service(s)}, {}, "person:alice", {}, 3});
  EXPECT_FALSE(world.at(production).promotion);
  s.approvals.front().count = 2;
  EXPECT_THAT(world.push(measured_service(s)), Contains("promotion.planned #3 v2"));
}

TEST(Locations, AMixedTargetGoesBackByHandWhereItDiffers) {
  auto world = given_v2_in_waves(OnLocationFailure::rollback_location);
  fail(world, "deploy.us", Kind::terminal);
  roll(world);
  RollBack by_hand;
  by_hand.targets = {production};
  by_hand.to = "previous";
  by_hand.reason = "eu as well";
  world.when(by_hand, "person:alice");
  EXPECT_THAT(world.steps(production), ElementsAre("rollback-deploy.eu", "rollback-smoke.eu"));
  roll(world);
  EXPECT_EQ(runs_in(world, "eu"), "v1");
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_FALSE(at_location(world.at(production), "us").missed);
}

TEST(Locations, WhatFailedToGoBackInOneLocationIsHeldNoLongerOnceItDid) {
  auto world = given_v2_in_waves(OnLocationFailure::rollback_location);
  fail(world, "deploy.us", Kind::terminal);
  world.finish(production, Kind::terminal, "no route");
  EXPECT_THAT(world.at(production).held, HasSubstr("the rollback of gateway/production/2 failed"));
  world.when(RetryPromotion{second, "mended"}, "person:alice");
  roll(world);
  EXPECT_EQ(world.at(production).held, "");
  EXPECT_EQ(runs_in(world, "eu"), "v2");
  EXPECT_EQ(runs_in(world, "us"), "v1");
  world.push(target(production, release("v3")));
  EXPECT_EQ(world.live(production).to.release.version, "v3");
}

TEST(Locations, WhatDifferedBeforeAPromotionDiffersAfterItsRollbackAndSaysSo) {
  auto world = given_v2_in_waves(OnLocationFailure::rollback_location);
  fail(world, "deploy.us", Kind::terminal);
  roll(world);
  world.push(target(production, release("v3")));
  roll(world, "deploy.us");
  world.cancel(promotion(production, 3));
  EXPECT_THAT(roll(world), happened_in_order("rollback.succeeded #3", "drift.detected"));
  EXPECT_EQ(runs_in(world, "eu"), "v2");
  EXPECT_EQ(runs_in(world, "us"), "v1");
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_TRUE(at_location(world.at(production), "eu").drifted);
  RollBack by_hand;
  by_hand.targets = {production};
  by_hand.to = "previous";
  by_hand.reason = "eu as well";
  world.when(by_hand, "person:alice");
  EXPECT_THAT(world.steps(production), ElementsAre("rollback-deploy.eu", "rollback-smoke.eu"));
  roll(world);
  EXPECT_EQ(runs_in(world, "eu"), "v1");
  EXPECT_FALSE(world.at(production).drifted);
}

TEST(Locations, HoldLeavesEverythingAsItIsForAPerson) {
  auto world = given_v2_in_waves(OnLocationFailure::hold);
  EXPECT_THAT(fail(world, "deploy.us", Kind::terminal), happened_in_order("promotion.failed #2"));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.at(production).held, HasSubstr("location us: deploy.us: it is broken"));
  EXPECT_THAT(incident(world).reason, HasSubstr("onLocationFailure: hold leaves every location as it is"));
  EXPECT_THAT(incident(world).next, AllOf(HasSubstr("headgate retry"), HasSubstr("headgate rollback")));
  EXPECT_EQ(runs_in(world, "eu"), "v2");
}

TEST(Locations, WhatIsHeldGoesOnWhereItStoodWhenItIsRetried) {
  auto world = given_v2_in_waves(OnLocationFailure::hold);
  fail(world, "deploy.us", Kind::terminal);
  EXPECT_THAT(world.when(RetryPromotion{second, "mended"}, "person:alice"),
              happened_in_order("promotion.retried #2", "activity.started deploy.us#2"));
  roll(world);
  EXPECT_EQ(world.running(production), "v2");
}

TEST(Locations, WhatIsHeldGoesBackByHandEverywhere) {
  auto world = given_v2_in_waves(OnLocationFailure::hold);
  fail(world, "deploy.us", Kind::terminal);
  RollBack by_hand;
  by_hand.targets = {production};
  by_hand.to = "previous";
  by_hand.reason = "enough";
  world.when(by_hand, "person:alice");
  EXPECT_THAT(world.steps(production),
              ElementsAre("rollback-deploy.us", "rollback-smoke.us", "rollback-deploy.eu", "rollback-smoke.eu"));
  roll(world);
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_EQ(runs_in(world, "eu"), "v1");
  EXPECT_TRUE(world.at(production).held.empty());
}

TEST(Locations, CancelTakesBackWhatWasTouchedWhateverTheRule) {
  auto world = given_v2_in_waves(OnLocationFailure::rollback_location);
  roll(world, "deploy.us");
  world.cancel(second);
  EXPECT_THAT(roll(world), happened_in_order("step.succeeded rollback-smoke.us", "step.succeeded rollback-smoke.eu",
                                             "rollback.succeeded #2"));
  EXPECT_EQ(runs_in(world, "eu"), "v1");
}

// ---------------------------------------------------------------------------------------------------------- standby

World given_v2_everywhere_but_ap() {
  auto s = checked();
  s.approvals = {{"managers", 1, 35}};
  auto world = given_v1_in_both(in_locations());
  world.push(measured_service(s));
  world.push(target(production, release("v2")), "person:frank");
  world.approve(second, "person:carol");
  roll(world);
  EXPECT_EQ(world.running(production), "v2");
  return world;
}

TEST(Locations, StandbyIsPromotedOnDemandThroughTheSameProtection) {
  auto world = given_v2_everywhere_but_ap();
  const auto since = world.at(production).current_since;
  EXPECT_THAT(request_in(world, "v2", {"ap"}), Contains("promotion.planned #3 v2"));
  EXPECT_THAT(world.steps(production), ElementsAre("approval", "deploy.ap", "smoke.ap"));
  EXPECT_THAT(world.effects(), IsEmpty());
  world.approve(promotion(production, 3), "person:carol");
  roll(world);
  EXPECT_EQ(runs_in(world, "ap"), "v2");
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_EQ(world.at(production).current_since, since);  // it soaks on
}

TEST(Locations, StandbyIsLeftAloneByWhatFollows) {
  auto world = given_v2_everywhere_but_ap();
  world.push(target(production, release("v3")), "person:frank");
  EXPECT_THAT(world.steps(production), Not(Contains(HasSubstr("/ap"))));
}

TEST(Locations, ALocationIsNamedOnlyForWhatIsVerifiedInTheOthers) {
  auto world = given_v2_everywhere_but_ap();
  EXPECT_THAT(request_in(world, "v3", {"ap"}), Refused("location us of gateway/production does not run release v3"));
  EXPECT_THAT(request_in(world, "v2", {"mars"}), Refused("has no location 'mars'"));
  EXPECT_THAT(request_in(world, "v2", {"ap", "ap"}), Refused("named twice"));
  EXPECT_THAT(request_in(world, "v2", {"eu"}), Refused("location eu of gateway/production runs release v2 already"));
  observe_in(world, "us", "v1");
  EXPECT_THAT(request_in(world, "v2", {"ap"}), Refused("location us of gateway/production has drifted"));
}

TEST(Locations, OnDemandWaitsWhileAnotherLocationHasDrifted) {
  auto world = given_v2_everywhere_but_ap();
  request_in(world, "v2", {"ap"});
  observe_in(world, "us", "v1");
  world.approve(promotion(production, 3), "person:carol");
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.unmet(production), Contains("location us has drifted from release v2"));
  observe_in(world, "us", "v2");
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/3/deploy.ap#1"));
}

TEST(Locations, WhatFailsOnStandbyGoesBackThereAlone) {
  auto world = given_v2_everywhere_but_ap();
  request_in(world, "v2", {"ap"});
  world.approve(promotion(production, 3), "person:carol");
  roll(world);
  world.push(target(production, release("v3")), "person:frank");
  world.approve(promotion(production, 4), "person:carol");
  roll(world);
  request_in(world, "v3", {"ap"});
  world.approve(promotion(production, 5), "person:carol");
  EXPECT_THAT(fail(world, "deploy.ap", Kind::terminal), Contains("rollback.started to v2"));
  EXPECT_THAT(roll(world), Contains("rollback.succeeded #5"));
  EXPECT_EQ(runs_in(world, "ap"), "v2");
  EXPECT_EQ(world.running(production), "v3");
  EXPECT_TRUE(world.at(production).pinned.empty());
}

TEST(Locations, ARollbackByHandTakesStandbyBackWhereItRunsWhatIsLeft) {
  auto world = given_v2_everywhere_but_ap();
  request_in(world, "v2", {"ap"});
  world.approve(promotion(production, 3), "person:carol");
  roll(world);
  RollBack by_hand;
  by_hand.targets = {production};
  by_hand.to = "previous";
  by_hand.reason = "everywhere";
  world.when(by_hand, "person:alice");
  EXPECT_THAT(world.steps(production), ElementsAre("rollback-deploy.ap", "rollback-smoke.ap", "rollback-deploy.us",
                                                   "rollback-smoke.us", "rollback-deploy.eu", "rollback-smoke.eu"));
  roll(world);
  EXPECT_EQ(runs_in(world, "ap"), "v1");
  EXPECT_EQ(world.running(production), "v1");
}

// ------------------------------------------------------------------------------------------------------- strategies

TEST(Locations, ACanaryRunsInEachLocationWithItsOwnSlotsAndMeasurements) {
  const auto s = canary({weight(50), pause(3min), weight(100)});
  auto world = given_v2_in_slots(s);
  EXPECT_THAT(world.steps(production),
              ElementsAre("shift-0.eu", "deploy.eu", "shift-50.eu", "pause-1.eu", "shift-100.eu", "smoke.eu",
                          "shift-0.us", "deploy.us", "shift-50.us", "pause-1.us", "shift-100.us", "smoke.us",
                          "retire-old.eu", "retire-old.us", "rollback-shift.us", "rollback-shift.eu",
                          "rollback-smoke.us", "rollback-retire.us", "rollback-smoke.eu", "rollback-retire.eu"));
  EXPECT_EQ(world.live(production).find("pause-1.us")->step->metrics.at(0).name, "error-rate.us");
  roll(world);
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_EQ(at_location(world.at(production), "eu").stable_slot, "green");
  EXPECT_EQ(at_location(world.at(production), "us").stable_slot, "green");
  world.push(target(production, release("v3")));
  EXPECT_EQ(world.live(production).find("deploy.us")->step->slot, "blue");
}

TEST(Locations, ABadMeasurementInTheSecondWaveBringsTrafficBackInBothAtOnce) {
  auto world = given_v2_in_slots(canary({weight(50), pause(3min), weight(100)}));
  roll(world, "pause-1.us");
  Lines lines;
  for (int i = 0; i < 100 && world.live(production).phase == Phase::running; ++i) {
    if (measuring(world)) {
      lines = measure(world, {Decimal{"0.2"}, Decimal{"100"}, Decimal{"0.01"}});
    } else {
      world.pass(world.state.wakeups.begin()->first - world.now);
    }
  }
  EXPECT_THAT(lines, happened_in_order("release.quarantined v2", "rollback.started to v1",
                                       "activity.started rollback-shift.us#1"));
  EXPECT_THAT(roll(world), happened_in_order("activity.started rollback-shift.eu#1",
                                             "activity.started rollback-smoke.us#1", "rollback.succeeded #2"));
  EXPECT_EQ(at_location(world.at(production), "eu").stable_slot, "blue");
  EXPECT_EQ(runs_in(world, "eu"), "v1");
}

TEST(Locations, OnceWhatRanBeforeHasGoneFromOneTheWayBackBringsItAnewInAll) {
  auto world = given_v2_in_slots(canary({weight(100)}, {}));
  roll(world, "retire-old.us");
  EXPECT_THAT(world.cancel(second), Refused("too late to cancel"));
  EXPECT_THAT(world.when(RollBack{{production}, "previous", "it is slow", "all"}, "person:alice"),
              happened_in_order("activity.fenced retire-old.us#1", "promotion.succeeded #2", "rollback.started to v1"));
  EXPECT_THAT(world.steps(production),
              ElementsAre("rollback-deploy.us", "rollback-shift.us", "rollback-smoke.us", "rollback-retire.us",
                          "rollback-deploy.eu", "rollback-shift.eu", "rollback-smoke.eu", "rollback-retire.eu"));
  roll(world);
  EXPECT_EQ(world.running(production), "v1");
  for (const auto* location : {"eu", "us"}) {
    EXPECT_EQ(runs_in(world, location), "v1");
    EXPECT_EQ(at_location(world.at(production), location).stable_slot, "blue");
  }
}

TEST(Locations, WhatCameBackInOneIsKnownAlthoughWhatWasLeftCannotBeRetiredThere) {
  auto world = given_v2_in_slots(canary({weight(100)}, {}));
  roll(world);
  world.when(RollBack{{production}, "previous", "it is slow", "all"}, "person:alice");
  roll(world, "rollback-retire.us");
  EXPECT_THAT(world.finish(production, Kind::terminal, "exit 1"), Contains("rollback.failed #3"));
  EXPECT_EQ(runs_in(world, "us"), "v1");
  EXPECT_EQ(at_location(world.at(production), "us").stable_slot, "blue");
  EXPECT_EQ(runs_in(world, "eu"), "v2");
  world.when(RetryPromotion{promotion(production, 3), "mended"}, "person:alice");
  roll(world, "rollback-retire.eu");
  EXPECT_THAT(world.finish(production, Kind::terminal, "exit 1"), Contains("rollback.succeeded #3"));
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Locations, TheEndOfWhatWasLeftInOneAndInTheOtherUndoesNoWayBack) {
  auto s = canary({weight(50), pause(3min), weight(100)});
  s.verify.clear();
  auto world = given_v2_in_slots(s);
  roll(world, "pause-1.us");
  world.cancel(second);
  roll(world, "rollback-retire.us");
  EXPECT_THAT(world.finish(production, Kind::terminal, "exit 1"),
              happened_in_order("step.failed rollback-retire.us", "rollback.succeeded #2"));
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Locations, WhatIsAdoptedAfterAFailedWayBackTakesItsSlotInEach) {
  for (const std::string failing : {"rollback-shift.us", "rollback-smoke.us"}) {
    auto world = given_v2_in_slots(canary({weight(100)}, {}));
    fail(world, "smoke.us");
    roll(world, failing);
    EXPECT_THAT(world.finish(production, Kind::terminal, "exit 1"), Contains("rollback.failed #2"));
    const bool shifted = failing == "rollback-smoke.us";
    for (const auto* location : {"eu", "us"}) observe_in(world, location, shifted ? "v1" : "v2");
    EXPECT_THAT(world.when(AdoptTarget{production, "it serves"}, "person:alice"),
                Contains(HasSubstr("target.adopted")));
    for (const auto* location : {"eu", "us"}) {
      EXPECT_EQ(runs_in(world, location), shifted ? "v1" : "v2");
      EXPECT_EQ(at_location(world.at(production), location).stable_slot, shifted ? "blue" : "green") << location;
    }
  }
}

TEST(Locations, OneLocationGoesBackAloneAndTheNextPromotionKnowsEachSlot) {
  auto world = given_v2_in_slots(canary({weight(100)}, {}), OnLocationFailure::rollback_location);
  fail(world, "deploy.us", Kind::terminal);
  EXPECT_THAT(roll(world), happened_in_order("step.succeeded rollback-retire.us", "promotion.failed #2"));
  EXPECT_EQ(at_location(world.at(production), "eu").stable_slot, "green");
  EXPECT_EQ(at_location(world.at(production), "us").stable_slot, "blue");
  world.push(target(production, release("v3")));
  const auto& p = world.live(production);
  EXPECT_EQ(p.find("deploy.eu")->step->slot, "blue");
  EXPECT_EQ(p.find("rollback-shift.eu")->step->deploys->release.version, "v2");
  EXPECT_EQ(p.find("deploy.us")->step->slot, "green");
  EXPECT_EQ(p.find("rollback-shift.us")->step->deploys->release.version, "v1");
}

TEST(Locations, BlueGreenKeepsWhatRanBeforeEverywhereUntilTheLastLocationIsVerified) {
  auto s = stage("production");
  s.verify = {health("smoke")};
  s.verify_preview = {health("preview")};
  s.approvals = {{"managers", 1, 35}};
  BlueGreen rules;
  rules.approve_switch = true;
  rules.keep_old = 1h;
  rules.line = 40;
  s.strategy = Strategy{{}, rules, {}};
  auto without = s;
  without.approvals.clear();
  without.strategy->blue_green->approve_switch = false;
  auto world = given_v1_in_both(in_locations(slotted()), without);
  world.push(measured_service(s));
  world.push(target(production, release("v2")), "person:frank");
  EXPECT_THAT(world.steps(production),
              ElementsAre("approval", "shift-0.eu", "deploy.eu", "preview.eu", "approve-switch", "switch.eu",
                          "smoke.eu", "shift-0.us", "deploy.us", "preview.us", "switch.us", "smoke.us", "keep-old",
                          "retire-old.eu", "retire-old.us", "rollback-shift.us", "rollback-shift.eu",
                          "rollback-smoke.us", "rollback-retire.us", "rollback-smoke.eu", "rollback-retire.eu"));
  world.approve(second, "person:carol");
  roll(world, "approve-switch");
  world.approve(second, "person:dave");
  roll(world);
  EXPECT_EQ(world.running(production), "v2");
}

// ---------------------------------------------------------------------------------------------- first sight, changes

TEST(Locations, NothingIsPlannedBeforeEveryLocationInAWaveWasObserved) {
  World world;
  world.push({{access_policy(), in_locations(), measured_service(checked()), target(production, release("v1"))}, {}});
  observe_in(world, "eu", "");
  EXPECT_THAT(world.idle(production), HasSubstr("location us was not observed yet"));
  EXPECT_THAT(observe_in(world, "us", ""), Contains("promotion.planned #1 v1"));
}

TEST(Locations, WhatRunsTheDesiredReleaseEverywhereIsAdopted) {
  World world;
  world.push({{access_policy(), in_locations(), measured_service(checked()), target(production, release("v1"))}, {}});
  observe_in(world, "eu", "v1");
  EXPECT_THAT(observe_in(world, "us", "v1"), Contains(HasSubstr("target.adopted")));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_EQ(runs_in(world, "us"), "v1");
}

TEST(Locations, WhatRunsSomethingElseInOneLocationWaitsForAPerson) {
  World world;
  world.push({{access_policy(), in_locations(), measured_service(checked()), target(production, release("v1"))}, {}});
  observe_in(world, "eu", "v1");
  observe_in(world, "us", "v0");
  EXPECT_THAT(world.idle(production), HasSubstr("location us runs v0, which Headgate did not bring there"));
  EXPECT_THAT(world.when(AdoptTarget{production, "take it"}, "person:alice"), Refused("do not run the same"));
}

TEST(Locations, ANewLocationGetsWhatTheOthersRun) {
  auto world = given_v1_in_both(in_locations());
  auto more = in_locations();
  more.locations.push_back({"sa", 3, false, {}, 23});
  world.push(more);
  EXPECT_THAT(world.idle(production), HasSubstr("location sa was not observed yet"));
  observe_in(world, "sa", "");
  EXPECT_THAT(world.steps(production), ElementsAre("deploy.sa", "smoke.sa"));
  roll(world);
  EXPECT_EQ(runs_in(world, "sa"), "v1");
  EXPECT_EQ(world.idle(production), "");
}

TEST(Locations, ALocationThatIsNoneAnyMoreIsForgotten) {
  auto world = given_v1_in_both(in_locations());
  auto fewer = in_locations();
  std::erase_if(fewer.locations, [](const Location& l) { return l.name == "us"; });
  world.push(fewer);
  EXPECT_FALSE(world.at(production).locations.contains("us"));
  EXPECT_THAT(observe_in(world, "us", "v9"), IsEmpty());
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.steps(production), Not(Contains("deploy.us")));
}

TEST(Locations, WhatIsSeenInALocationDriftsAloneAndComesRight) {
  auto world = given_v1_in_both(in_locations());
  EXPECT_THAT(observe_in(world, "us", "v0"), Contains(HasSubstr("drift.detected")));
  EXPECT_TRUE(world.at(production).drifted);
  EXPECT_FALSE(at_location(world.at(production), "eu").drifted);
  EXPECT_THAT(observe_in(world, "us", "v1"), Contains(HasSubstr("drift.resolved")));
  EXPECT_FALSE(world.at(production).drifted);
}

TEST(Locations, TheDriftOfOneThatIsNoneAnyMoreGoesWithIt) {
  World world;
  auto place = in_locations(environment("staging"));
  auto s = stage("production");
  s.healthy = {"staging"};
  const auto policy = service({stage("staging"), s});
  world.push({{access_policy(), place, environment("production"), policy, target(staging, release("v1"))}, {}});
  const auto see = [&](const std::string& location, const std::string& version) {
    const Observation seen{version, version.empty() ? StringMap{} : release(version).artifacts, {}};
    world.when(RecordObservation{staging, seen, world.state.next, location}, "engine");
  };
  for (const auto* location : {"us", "eu", "ap"}) see(location, "");
  world.finish_all(staging);
  see("us", "v0");
  world.observe(production, "");
  world.push(target(production, release("v1")));
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("has drifted")));
  std::erase_if(place.locations, [](const Location& l) { return l.name == "us"; });
  EXPECT_THAT(world.push(place), Contains("promotion.started #1"));
  EXPECT_FALSE(world.at(staging).drifted);
}

TEST(Locations, WhatTheOthersRunIsAdoptedOnceTheOneThatDiffersIsNoneAnyMore) {
  World world;
  auto place = in_locations();
  world.push({{access_policy(), place, service({checked()}), target(production, release("v1"))}, {}});
  observe_in(world, "us", "v8");
  observe_in(world, "eu", "v9");
  EXPECT_THAT(world.when(AdoptTarget{production, "as it is"}, "person:alice"), Refused("do not run the same"));
  std::erase_if(place.locations, [](const Location& l) { return l.name == "us"; });
  world.push(place);
  world.when(RegisterRelease{"gateway", release("v9"), {}, {}});
  EXPECT_THAT(world.when(AdoptTarget{production, "as it is"}, "person:alice"), Contains("target.adopted v9"));
}

TEST(Locations, ThePlanIsAnotherOneWhenALocationComesWhileItWaits) {
  auto s = checked();
  s.approvals = {{"managers", 1, 35}};
  auto world = given_v1_in_both(in_locations());
  world.push(measured_service(s));
  world.push(target(production, release("v2")), "person:frank");
  auto more = in_locations();
  more.locations.push_back({"sa", 1, false, {}, 23});
  EXPECT_THAT(world.push(more), happened_in_order("promotion.planned #3 v2"));
  EXPECT_THAT(world.steps(production),
              ElementsAre("approval", "deploy.eu", "smoke.eu", "deploy.sa", "smoke.sa", "deploy.us", "smoke.us",
                          "rollback-deploy.us", "rollback-smoke.us", "rollback-deploy.sa", "rollback-smoke.sa",
                          "rollback-deploy.eu", "rollback-smoke.eu"));
}

TEST(Locations, WhatIsDeletedIsRetiredInEveryLocationThatRunsIt) {
  auto world = given_v1_in_both(in_locations(environment("production", true)));
  auto document = target(production, release("v1"));
  document.on_delete = OnDelete::retire;
  world.push(document);
  world.push(Push{{}, {key_of(document)}});
  EXPECT_THAT(world.steps(production), ElementsAre("retire.us", "retire.eu"));
  roll(world);
  EXPECT_EQ(world.running(production), "nothing");
  EXPECT_EQ(runs_in(world, "eu"), "nothing");
}

TEST(Locations, TheCommandIsToldItsLocationByThePlanAlone) {
  auto world = given_v2_in_waves();
  const auto activity = world.effect(production);
  EXPECT_EQ(activity.step.location, "eu");
  EXPECT_EQ(activity.from->release.version, "v1");
}

}  // namespace
}  // namespace headgate::test
