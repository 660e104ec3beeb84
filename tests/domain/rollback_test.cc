// Going back by hand, what bars the way, what happens when it fails, and how it is taken up again.
#include "engine/domain/rollback.h"

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
const PromotionId second = promotion(production, 2);

Stage verified() {
  auto s = stage("production");
  s.verify = {health("smoke")};
  return s;
}

void bring(World& world, const std::string& version) {
  world.push(target(production, release(version)));
  world.finish_all(production);
}

World given_v2_runs(const Stage& s = verified()) {
  auto world = World::running_v1(s);
  bring(world, "v2");
  return world;
}

RollBack back_to(const std::string& version = "previous") {
  RollBack c;
  c.targets = {production};
  c.to = version;
  c.reason = "errors since noon";
  c.scope = "services of production";
  return c;
}

Lines roll_back(World& world, const std::string& version = "previous") {
  return world.when(back_to(version), "person:alice");
}

template <class E>
std::vector<Recorded<Event>> all_of(const World& world) {
  std::vector<Recorded<Event>> found;
  for (const auto& record : world.log) {
    if (std::holds_alternative<E>(record.event)) found.push_back(record);
  }
  return found;
}

TEST(RollbackByHand, IsAPromotionOfItsOwn) {
  auto world = given_v2_runs();
  EXPECT_THAT(roll_back(world),
              ElementsAre("rollback.requested #2", "promotion.planned #2 v1", "rollback.started to v1",
                          "incident.opened", "step.started rollback-deploy", "activity.started rollback-deploy#1"));
  EXPECT_EQ(world.live(production).trigger, Trigger::rollback);
  EXPECT_THAT(world.steps(production), ElementsAre("rollback-deploy", "rollback-smoke"));
  EXPECT_EQ(world.effect(production).to.release.version, "v1");
  EXPECT_EQ(world.effect(production).from->release.version, "v2");
  world.finish(production);
  EXPECT_THAT(world.finish(production),
              ElementsAre("activity.succeeded rollback-smoke", "step.succeeded rollback-smoke", "rollback.succeeded #2",
                          "incident.resolved", "target.pinned"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_THAT(world.at(production).pinned, HasSubstr("errors since noon"));
  EXPECT_EQ(world.state.quarantine("gateway", release("v2")), nullptr);  // a person's word is no evidence
}

TEST(RollbackByHand, AsksForNobodyAndPassesGatesFreezesAndWindows) {
  auto world = given_v2_runs();
  auto s = verified();
  s.gates = {"lint"};
  s.approvals = {{"managers", 2, 35}};
  s.wait = 1h;
  auto place = environment("production");
  Window deny;
  deny.kind = WindowKind::deny;
  deny.from = world.now - 1h;
  deny.to = world.now + 100h;
  place.windows = {deny};
  world.push({{service({s}), place}});
  world.when(SetFreeze{"production", {}, "the audit", {}}, "person:alice");
  EXPECT_THAT(roll_back(world), Contains("activity.started rollback-deploy#1"));
  EXPECT_THAT(explain_live(world.state, world.live(production), world.now), IsEmpty());  // nothing holds it
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v1");
}

TEST(RollbackByHand, IsHeldByAPauseOfEffectsAlone) {
  auto world = given_v2_runs();
  world.when(SetFreeze{"production", {}, "the audit", {}}, "person:alice");
  roll_back(world);
  world.when(PauseEffects{"the disk is being replaced"}, "person:alice");
  const auto conditions = explain_live(world.state, world.live(production), world.now);
  ASSERT_EQ(conditions.size(), 1U);
  EXPECT_EQ(conditions[0].guard, "effects");
  EXPECT_FALSE(conditions[0].met);
}

TEST(RollbackByHand, IsRefusedWhereTheDocumentOfTheTargetHasGone) {
  auto world = given_v2_runs();
  world.push({{}, {{DocumentKind::target, "gateway.production"}}});
  EXPECT_THAT(roll_back(world),
              Refused("the Target document of gateway/production has gone: put it back, then roll back"));
  EXPECT_EQ(world.error.code, ErrorCode::conflict);
  EXPECT_THAT(world.effects(), IsEmpty());
  world.push(target(production, release("v2")));
  EXPECT_THAT(roll_back(world), Contains("rollback.requested #2"));
}

TEST(RollbackByHand, NamesTheCallerInOneEventATarget) {
  auto world = given_v2_runs();
  roll_back(world);
  const auto asked = all_of<RollbackRequested>(world);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].meta.actor, "person:alice");
  const auto& e = std::get<RollbackRequested>(asked[0].event);
  EXPECT_EQ(e.promotion, second);
  EXPECT_EQ(e.leaves.release.version, "v2");
  EXPECT_EQ(e.to->release.version, "v1");
  EXPECT_EQ(e.scope, "services of production");
}

TEST(RollbackByHand, NeedsAReasonAndATarget) {
  auto world = given_v2_runs();
  auto c = back_to();
  c.reason.clear();
  EXPECT_THAT(world.when(c, "person:alice"), Refused("needs a reason"));
  c = back_to();
  c.targets.clear();
  EXPECT_THAT(world.when(c, "person:alice"), Refused("nothing would be rolled back"));
}

TEST(RollbackByHand, FencesWhatIsInFlightBeforeItBegins) {
  auto world = World::running_v1(verified());
  world.push(target(production, release("v2")));
  const auto in_flight = world.effect(production);
  EXPECT_THAT(roll_back(world),
              ElementsAre("rollback.requested #2", "activity.fenced deploy#1", "promotion.cancelled #1",
                          "promotion.planned #2 v1", "rollback.started to v1", "incident.opened",
                          "step.started rollback-deploy", "activity.started rollback-deploy#1"));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/2/rollback-deploy#1"));
  // What the fenced attempt says now counts for nothing.
  EXPECT_THAT(world.when(CompleteActivity{in_flight.id, 1, {}}, "engine"), ElementsAre("activity.fenced deploy#1"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v1");
}

TEST(RollbackByHand, EndsAPromotionThatWaitsAndItsWish) {
  auto s = verified();
  auto world = given_v2_runs(s);
  s.wait = 1h;
  world.push(service({s}));
  world.push(target(production, release("v3")));
  EXPECT_THAT(roll_back(world), happened_in_order("promotion.superseded #2", "rollback.started to v1"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_THAT(world.at(production).pinned, HasSubstr("errors since noon"));
  EXPECT_THAT(world.push(target(production, release("v4"))), Contains("promotion.planned #4 v4"));
}

TEST(RollbackByHand, AWishThatComesSinceStands) {
  auto world = given_v2_runs();
  roll_back(world);
  world.push(target(production, release("v3")));
  EXPECT_THAT(world.finish_all(production),
              happened_in_order("rollback.succeeded #2", "promotion.planned #3 v3", "promotion.succeeded #3"));
  EXPECT_EQ(world.at(production).pinned, "");
}

TEST(RollbackByHand, IsNotUndoneByWhatTheDocumentHasWishedAllAlong) {
  auto world = given_v2_runs();
  world.request(production, "v4");
  world.finish(production, Kind::terminal, "no space");
  world.finish(production, Kind::terminal, "no host");
  ASSERT_THAT(world.at(production).held, HasSubstr("the rollback of gateway/production/2 failed"));
  roll_back(world, "v1");
  EXPECT_THAT(world.finish_all(production), happened_in_order("rollback.succeeded #3", "target.pinned"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_THAT(world.at(production).pinned, HasSubstr("gateway/production/3 rolled back: errors since noon"));
}

TEST(RollbackByHand, PinsForItsOwnReason) {
  auto world = given_v2_runs();
  world.request(production, "v3");
  world.finish_all(production);
  ASSERT_THAT(world.at(production).pinned, HasSubstr("by hand"));
  roll_back(world, "v1");
  world.finish_all(production);
  EXPECT_THAT(world.at(production).pinned, HasSubstr("gateway/production/3 rolled back: errors since noon"));
}

TEST(RollbackByHand, IsNotBegunTwice) {
  auto world = given_v2_runs();
  roll_back(world);
  EXPECT_THAT(roll_back(world), Refused("rolls back already"));
}

TEST(RollbackByHand, IsWaitedForAndNotCancelled) {
  auto world = given_v2_runs();
  roll_back(world);
  EXPECT_THAT(world.request(production, "v3"),
              Refused("gateway/production/2 is rollingBack: wait for it (headgate wait), it cannot be cancelled"));
  EXPECT_THAT(world.cancel(second), Refused("is rolling back already; where a step of it hangs: headgate retry "
                                            "gateway/production/2"));
}

TEST(RollbackByHand, GoesToAnotherVersionWhileOneIsUnderWay) {
  auto world = given_v2_runs();
  bring(world, "v3");
  roll_back(world);
  EXPECT_THAT(roll_back(world, "v1"), happened_in_order("activity.fenced rollback-deploy#1", "promotion.cancelled #3",
                                                        "promotion.planned #4 v1", "rollback.started to v1"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v1");
}

TEST(RollbackByHand, GoesOnlyToWhatWasVerifiedThere) {
  auto world = given_v2_runs();
  world.when(RegisterRelease{"gateway", release("v0"), {}, {}});
  EXPECT_THAT(roll_back(world, "v0"), Refused("was not verified at gateway/production"));
  EXPECT_THAT(roll_back(world, "v0"), Refused("known there: v1"));
  EXPECT_THAT(roll_back(world, "v2"), Refused("runs release v2 already"));
  world.when(QuarantineRelease{{"gateway", "v1"}, "CVE"}, "person:alice");
  EXPECT_THAT(roll_back(world, "v1"), Refused("is quarantined: CVE"));
}

TEST(RollbackByHand, WithoutAVerifiedReleaseRetiresAndLeavesAnIncidentOpen) {
  World world;
  world.push(
      {{access_policy(), environment("production", true), service({verified()}), target(production, release("v1"))}});
  world.observe(production, "");
  world.finish(production);
  EXPECT_THAT(roll_back(world), happened_in_order("rollback.started to nothing", "incident.opened",
                                                  "activity.started rollback-retire#1"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "nothing");
  EXPECT_TRUE(has_open_incident(world.state, production));
}

TEST(RollbackByHand, NeverTakesAwayAVerifiedReleaseThatRuns) {
  auto world = World::running_v1(verified(), true);
  world.push(target(production, release("v2")));
  world.finish(production);
  world.finish(production, Kind::unhealthy, "500");
  world.finish_all(production);
  ASSERT_EQ(world.running(production), "v1");
  EXPECT_THAT(roll_back(world),
              Refused("release v1 at gateway/production, which runs and was adopted, not verified: no "
                      "other release was verified there; another one is promoted"));
  EXPECT_EQ(world.error.code, ErrorCode::conflict);
  EXPECT_THAT(world.error.fields,
              ElementsAre(FieldError{"/to", "previous", "another release that was verified there"}));
  EXPECT_THAT(world.effects(), IsEmpty());
  world.request(production, "v3");
  EXPECT_THAT(roll_back(world), Contains("rollback.started to v1")) << "what is being rolled out is left";
}

TEST(RollbackByHand, SaysThatWhatRunsIsVerifiedOnlyWhereItIs) {
  auto world = World::running_v1(verified());
  EXPECT_THAT(roll_back(world), Refused("which runs and was adopted, not verified: "));
  world.request(production, "v1");
  world.finish_all(production);
  EXPECT_THAT(roll_back(world), Refused("which runs and is verified: "));
}

TEST(RollbackByHand, OfMoreThanNamedServicesSaysWhatRetiresAFirstRelease) {
  World world;
  world.push(
      {{access_policy(), environment("production", true), service({verified()}), target(production, release("v1"))}});
  world.observe(production, "");
  world.finish(production);
  auto c = back_to();
  c.named = false;
  EXPECT_THAT(world.when(c, "person:alice"),
              Refused("no other release was verified at gateway/production: release v1 is retired by headgate rollback "
                      "--environment production --service gateway --reason TEXT, or by headgate cancel "
                      "gateway/production/1"));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/smoke#1"));
}

TEST(RollbackByHand, OfMoreThanNamedServicesPromisesNoRetirementThatNoCommandDoes) {
  World world;
  world.push({{access_policy(), environment("production"), service({verified()}), target(production, release("v1"))}});
  world.observe(production, "");
  world.finish(production);
  auto c = back_to();
  c.named = false;
  EXPECT_THAT(world.when(c, "person:alice"), Refused("the driver has no retire command"));
}

// Adopted, then brought there anew so that it is verified: that takes nothing away when it fails.
TEST(Rollout, OfWhatRunsAlreadyNeverTakesItAway) {
  auto world = World::running_v1(verified(), true);
  world.request(production, "v1");
  ASSERT_THAT(world.steps(production), Not(Contains("rollback-retire")));
  world.finish(production);
  world.finish(production, Kind::unhealthy, "no answer");
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_THAT(world.at(production).held, HasSubstr("failed after it had begun to deploy"));
}

TEST(RollbackByHand, DoesNotTakeAwayWhatRunsWhereAnotherReleaseCanBeNamed) {
  auto world = World::running_v1(verified(), true);
  bring(world, "v2");
  bring(world, "v3");
  for (const auto* back : {"v2", "v1"}) {
    roll_back(world);
    world.finish_all(production);
    ASSERT_EQ(world.running(production), back);
  }
  EXPECT_THAT(roll_back(world), Refused("with --to: v2, v3"));
  EXPECT_EQ(world.error.code, ErrorCode::conflict);
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(roll_back(world, "v3"), Contains("rollback.started to v3"));
}

TEST(RollbackByHand, OfAllLeavesOutWhatHasNoWayBack) {
  auto world = given_v2_runs();
  world.push({{environment("staging"), service({stage("staging"), verified()}), target(staging, release("v1"))}});
  world.observe(staging, "v1");
  auto c = back_to();
  c.targets = {production, staging};
  EXPECT_THAT(world.when(c, "person:alice"), Refused("no way leads further back"));
  c.named = false;
  EXPECT_THAT(world.when(c, "person:alice"), Contains("rollback.requested #2"));
  EXPECT_FALSE(world.at(staging).promotion);
}

TEST(Incident, SaysThatAReleaseIsVerifiedHereOnceOneIs) {
  auto s = verified();
  s.rollback_automatic = false;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Kind::terminal, "no space");
  EXPECT_THAT(open_incident(world.state, production)->second.next, HasSubstr("headgate retry"));
  world.request(production, "v3");
  EXPECT_THAT(world.finish_all(production), happened_in_order("promotion.succeeded #2", "incident.noted"));
  EXPECT_EQ(open_incident(world.state, production)->second.next,
            "release v3 is verified here: headgate incident resolve 1 --review TEXT");
}

TEST(Incident, NamesNoRetryOnceAnotherReleaseIsTried) {
  auto s = verified();
  s.rollback_automatic = false;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Kind::terminal, "no space");
  world.request(production, "v3");
  const auto next = [&] { return open_incident(world.state, production)->second.next; };
  EXPECT_THAT(next(), AllOf(HasSubstr("headgate wait gateway/production/2"), Not(HasSubstr("retry"))));
  world.cancel(second);
  EXPECT_THAT(world.finish_all(production), happened_in_order("rollback.succeeded #2", "incident.noted"));
  EXPECT_EQ(next(), "release v1 is verified here: headgate incident resolve 1 --review TEXT");
}

TEST(RetriedRollback, IsStillForTheReasonThatItBeganFor) {
  auto world = World::running_v1(verified());
  world.push(target(production, release("v2")));
  world.finish(production);
  world.finish(production, Kind::unhealthy, "500");
  world.finish(production, Kind::terminal, "no route");
  world.when(RetryPromotion{first, "mended"}, "person:alice");
  EXPECT_THAT(world.finish_all(production), Contains("target.pinned"));
  EXPECT_THAT(world.at(production).pinned, HasSubstr("rolled back: smoke: 500"));
}

// ------------------------------------------------------------------------------------------------------ left by hand

TEST(LeftByHand, IsBarredUntilSomebodyWishesIt) {
  auto world = given_v2_runs();
  roll_back(world);
  world.finish_all(production);
  EXPECT_TRUE(is_barred(world.state, production, release("v2")));
  Promotion automatic;
  automatic.id = promotion(production, 3);
  automatic.trigger = Trigger::tag;
  automatic.to = {release("v2"), {}};
  EXPECT_THAT(judge_barred(world.state, automatic, world.now).front().text, HasSubstr("taken back by a person"));
  automatic.trigger = Trigger::manual;
  EXPECT_THAT(judge_barred(world.state, automatic, world.now), IsEmpty());
  EXPECT_THAT(world.request(production, "v2"), Contains("promotion.planned #3 v2"));
  EXPECT_FALSE(is_barred(world.state, production, release("v2")));
}

TEST(LeftByHand, OtherVariablesAreNoWishForIt) {
  auto world = given_v2_runs();
  roll_back(world);
  world.finish_all(production);
  const auto lines = world.push(target(production, release("v2"), {{"replicas", "5"}}));
  EXPECT_THAT(lines, Contains("target.pinned"));
  EXPECT_THAT(lines, Not(Contains("target.unpinned")));
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_THAT(world.idle(production), HasSubstr("headgate promote brings it back"));
  EXPECT_TRUE(is_barred(world.state, production, release("v2")));
  EXPECT_THAT(world.push(target(production, release("v2"), {{"replicas", "6"}})), Not(Contains("target.pinned")));
  EXPECT_EQ(world.running(production), "v1");
  auto promoted = world;
  EXPECT_THAT(promoted.request(production, "v2"), Contains("promotion.planned #3 v2"));
  promoted.finish_all(production);
  EXPECT_EQ(promoted.running(production), "v2");
  EXPECT_EQ(promoted.at(production).pinned, "");
  EXPECT_THAT(world.push(target(production, release("v3"))),
              happened_in_order("target.unpinned", "promotion.planned #3 v3"));
}

TEST(LeftByHand, OtherVariablesOfItDoNotEndThePromotionOfAnotherRelease) {
  auto world = given_v2_runs();
  roll_back(world);
  world.finish_all(production);
  auto s = verified();
  s.wait = 5min;
  world.push(service({s}));
  world.request(production, "v3");
  EXPECT_THAT(world.push(target(production, release("v2"), {{"replicas", "5"}})),
              Not(Contains("promotion.superseded #3")));
  world.pass(5min);
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v3");
}

TEST(LeftByHand, OtherVariablesAreNoWishForItWhileItIsLeftEither) {
  auto world = given_v2_runs();
  roll_back(world);
  world.push(target(production, release("v2"), {{"replicas", "5"}}));
  EXPECT_THAT(world.finish_all(production), Contains("target.pinned"));
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_EQ(world.running(production), "v1");
}

TEST(LeftByHand, OtherVariablesOfWhatCameBackAreAWish) {
  auto world = World::running_v1(verified());
  world.push(target(production, release("v1"), {{"replicas", "5"}}));
  world.finish_all(production);
  roll_back(world);
  world.finish_all(production);
  EXPECT_THAT(world.push(target(production, release("v1"), {{"replicas", "4"}})), Contains("target.unpinned"));
  world.finish_all(production);
  EXPECT_EQ(world.at(production).current->variables.at("replicas"), "4");
}

TEST(LeftByHand, IsWishedAgainByTheDocument) {
  auto world = given_v2_runs();
  roll_back(world);
  world.finish_all(production);
  bring(world, "v3");
  EXPECT_TRUE(is_barred(world.state, production, release("v2")));
  bring(world, "v2");
  EXPECT_FALSE(is_barred(world.state, production, release("v2")));
  EXPECT_EQ(world.running(production), "v2");
}

TEST(LeftByHand, PreviousDoesNotGoThereAgain) {
  auto world = given_v2_runs();
  bring(world, "v3");
  roll_back(world);
  world.finish_all(production);
  ASSERT_EQ(world.running(production), "v2");
  roll_back(world);
  EXPECT_EQ(world.effect(production).to.release.version, "v1");
}

TEST(LeftByHand, IsReachedByRollingTheRollbackBackByName) {
  auto world = given_v2_runs();
  roll_back(world);
  world.finish_all(production);
  EXPECT_THAT(roll_back(world, "v2"), Contains("promotion.planned #3 v2"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_FALSE(is_barred(world.state, production, release("v2")));
  EXPECT_TRUE(is_barred(world.state, production, release("v1")));
  EXPECT_EQ(world.at(production).pinned, "");
}

// ------------------------------------------------------------------------------------------------------ irreversible

Stage migrating() {
  auto s = verified();
  s.before = {hook("migrate")};
  s.before[0].irreversible = true;
  return s;
}

TEST(Irreversible, IsNotCrossedByItself) {
  auto world = World::running_v1(migrating());
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.steps(production), ElementsAre("migrate", "deploy", "smoke"));
  world.finish(production);
  world.finish(production);
  EXPECT_THAT(world.finish(production, Kind::unhealthy, "500"),
              ElementsAre("activity.failed smoke", "step.failed smoke", "release.quarantined v2", "promotion.failed #1",
                          "incident.opened"));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.at(production).held, HasSubstr("migrate cannot be undone"));
  EXPECT_THAT(open_incident(world.state, production)->second.next, HasSubstr("--break-glass"));
}

TEST(Irreversible, WhatIsQuarantinedIsLiftedBeforeItIsTriedAgain) {
  auto world = World::running_v1(migrating());
  world.push(target(production, release("v2")));
  world.finish(production);
  world.finish(production);
  EXPECT_THAT(world.finish(production, Kind::unhealthy, "500"), Contains("release.quarantined v2"));
  const auto lift = "headgate reinstate gateway v2 --reason TEXT";
  EXPECT_THAT(open_incident(world.state, production)->second.next,
              AllOf(HasSubstr(lift), HasSubstr("headgate promote another release")));
  EXPECT_THAT(world.when(RetryPromotion{first, "mended"}, "person:alice"), Refused(lift));
  world.when(ReinstateRelease{{"gateway", "v2"}, "the check was wrong"}, "person:alice");
  EXPECT_THAT(world.when(RetryPromotion{first, "mended"}, "person:alice"), Contains("promotion.retried #1"));
}

TEST(Irreversible, TakesBreakGlassAndSaysSo) {
  auto world = World::running_v1(migrating());
  bring(world, "v2");
  EXPECT_THAT(roll_back(world), Refused("takes the role breakGlass"));
  EXPECT_EQ(world.error.code, ErrorCode::forbidden);
  auto c = back_to();
  c.break_glass = true;
  EXPECT_THAT(world.when(c, "person:alice"), happened_in_order("rollback.requested #2", "breakglass.used #2"));
  EXPECT_EQ(world.effect(production).to.release.version, "v1");
}

TEST(Irreversible, IsNotAskedForWhereNothingLiesBetween) {
  auto world = World::running_v1(migrating());
  bring(world, "v2");
  world.push(service({verified()}));
  bring(world, "v3");
  EXPECT_THAT(roll_back(world), Contains("rollback.started to v2"));
  world.finish_all(production);
  EXPECT_THAT(roll_back(world), Refused("takes the role breakGlass"));  // v1 lies behind the migration
}

TEST(Irreversible, BarsTheAutomaticWayBackAndCancellation) {
  auto world = World::running_v1(migrating());
  bring(world, "v2");
  world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice");
  world.push(service({verified()}));
  world.push(target(production, release("v3")));
  // v2 is quarantined, v1 lies behind the migration.
  EXPECT_THAT(world.steps(production), ElementsAre("deploy", "smoke"));
  auto other = World::running_v1(migrating());
  other.push(target(production, release("v2")));
  other.finish(production);
  EXPECT_THAT(other.cancel(first), Refused("cannot be undone"));
}

TEST(Irreversible, ThatHasBegunIsNotCancelledBeforeAnythingIsDeployedEither) {
  auto world = World::running_v1(migrating());
  world.push(target(production, release("v2")));
  ASSERT_EQ(world.effect(production).id.step, "migrate");
  EXPECT_THAT(world.cancel(first), Refused("step migrate of gateway/production/1 cannot be undone and has begun"));
  EXPECT_THAT(world.finish(production), Contains("activity.started deploy#1"));
}

TEST(Irreversible, ThatFailsLeavesTheTargetToAPerson) {
  auto world = World::running_v1(migrating());
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.finish(production, Kind::terminal, "half of it"),
              ElementsAre("activity.failed migrate", "step.failed migrate", "promotion.failed #1", "incident.opened"));
  EXPECT_FALSE(world.at(production).held.empty());
}

TEST(Irreversible, ThatFailsBeforeAnythingIsDeployedBringsBackWhatRuns) {
  auto world = World::running_v1(migrating());
  bring(world, "v2");
  world.push(target(production, release("v3")));
  world.finish(production, Kind::terminal, "half of it");
  EXPECT_THAT(roll_back(world), Refused("takes the role breakGlass"));
  auto c = back_to();
  c.break_glass = true;
  EXPECT_THAT(world.when(c, "person:alice"), Contains("rollback.started to v2"));
  EXPECT_FALSE(is_barred(world.state, production, release("v2")));
  EXPECT_THAT(world.finish(production, Kind::terminal, "no host"), Contains("rollback.failed #3"));
  EXPECT_THAT(world.when(c, "person:alice"), Contains("rollback.started to v2")) << "as before it failed";
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_FALSE(world.at(production).promotion) << "v3 is not tried again by itself";
  EXPECT_FALSE(world.at(production).pinned.empty());
}

TEST(Irreversible, ThatHasFailedIsGoneBackFromWithBreakGlassWhateverWasTriedSince) {
  auto world = World::running_v1(migrating());
  world.push(target(production, release("v2")));
  world.finish(production, Kind::terminal, "half of it");
  world.request(production, "v3");
  EXPECT_THAT(open_incident(world.state, production)->second.next, HasSubstr("--break-glass"));
}

// ------------------------------------------------------------------------------------------------------ restore point

Stage with_backup() {
  auto s = verified();
  s.before = {hook("backup")};
  s.before[0].keeps = "before-it";
  s.restore = Restore{"before-it", script({"hooks/restore.sh"}), 80};
  return s;
}

World given_v2_runs_with_backup() {
  auto world = World::running_v1(with_backup());
  world.push(target(production, release("v2")));
  world.when(CompleteActivity{world.effect(production).id, 1, {Kind::succeeded, {}, {R"({"dump":"d-17"})"}, {}}},
             "engine");
  return world;
}

TEST(RestorePoint, IsPutBackBeforeTheEarlierReleaseComes) {
  auto world = given_v2_runs_with_backup();
  world.finish(production);
  world.finish(production, Kind::unhealthy, "500");
  EXPECT_EQ(world.effect(production).id.step, "rollback-restore");
  EXPECT_EQ(world.effect(production).restore_point.text, R"({"dump":"d-17"})");
  world.finish(production);
  EXPECT_EQ(world.effect(production).id.step, "rollback-deploy");
}

TEST(RestorePoint, IsKeptForARollbackByHand) {
  auto world = given_v2_runs_with_backup();
  world.finish_all(production);
  auto c = back_to();
  c.restore = true;
  world.when(c, "person:alice");
  EXPECT_THAT(world.steps(production), ElementsAre("rollback-restore", "rollback-deploy", "rollback-smoke"));
  EXPECT_EQ(world.effect(production).restore_point.text, R"({"dump":"d-17"})");
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v1");
}

TEST(RestorePoint, FromBeforeAMigrationThatFailedIsKeptAlthoughNothingWasDeployed) {
  auto s = with_backup();
  s.before.push_back(hook("migrate"));
  s.before[1].irreversible = true;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.when(CompleteActivity{world.effect(production).id, 1, {Kind::succeeded, {}, {R"({"dump":"d-17"})"}, {}}},
             "engine");
  world.finish(production, Kind::terminal, "half of it");
  auto c = back_to();
  c.restore = c.break_glass = true;
  EXPECT_THAT(world.when(c, "person:alice"), Contains("rollback.started to v1"));
  EXPECT_THAT(world.steps(production), ElementsAre("rollback-restore", "rollback-deploy", "rollback-smoke"));
  EXPECT_EQ(world.effect(production).restore_point.text, R"({"dump":"d-17"})");
}

TEST(RestorePoint, IsLeftAloneUnlessItIsAskedFor) {
  auto world = given_v2_runs_with_backup();
  world.finish_all(production);
  roll_back(world);
  EXPECT_THAT(world.steps(production), ElementsAre("rollback-deploy", "rollback-smoke"));
}

TEST(RestorePoint, OfAnotherReleaseIsNotUsed) {
  auto world = given_v2_runs_with_backup();
  world.finish_all(production);
  bring(world, "v3");
  auto c = back_to("v1");
  c.restore = true;
  EXPECT_THAT(world.when(c, "person:alice"), Refused("no restore point before-it of release v1 is kept"));
}

// --------------------------------------------------------------------------------------------------- a rollback fails

World given_a_failed_rollback() {
  auto world = given_v2_runs();
  roll_back(world);
  world.finish(production, Kind::terminal, "no host");
  return world;
}

TEST(FailedRollback, FreezesTheTargetAndNamesTheNextStep) {
  auto world = given_v2_runs();
  roll_back(world);
  EXPECT_THAT(world.finish(production, Kind::terminal, "no host"),
              ElementsAre("activity.failed rollback-deploy", "step.failed rollback-deploy", "rollback.failed #2",
                          "freeze.set", "incident.noted"));
  const auto* incident = open_incident(world.state, production);
  ASSERT_NE(incident, nullptr);
  EXPECT_THAT(incident->second.next, HasSubstr("headgate retry gateway/production/2"));
  const auto conditions = explain_idle(world.state, production);
  EXPECT_THAT(conditions.front().remedy, HasSubstr("headgate retry gateway/production/2"));
  ASSERT_EQ(world.state.freezes.size(), 1U);
  EXPECT_THAT(world.state.freezes.begin()->second.services, ElementsAre("gateway"));
  world.request(production, "v3");
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.unmet(production), Contains(HasSubstr("frozen")));
}

TEST(FailedRollback, IsTakenUpAgainWhereItFailed) {
  auto world = given_a_failed_rollback();
  EXPECT_THAT(
      world.when(RetryPromotion{second, "the host is back"}, "person:alice"),
      ElementsAre("promotion.retried #2", "step.started rollback-deploy", "activity.started rollback-deploy#2"));
  world.finish(production);
  EXPECT_THAT(world.finish(production),
              happened_in_order("rollback.succeeded #2", "freeze.lifted", "incident.resolved"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_EQ(world.at(production).held, "");
  EXPECT_TRUE(world.state.freezes.empty());
  EXPECT_FALSE(has_open_incident(world.state, production));
}

TEST(FailedRollback, OfAFirstReleaseIsResolvedOnceTheRetryHasRetiredIt) {
  World world;
  world.push(
      {{access_policy(), environment("production", true), service({verified()}), target(production, release("v1"))}});
  world.observe(production, "");
  world.finish(production);
  world.finish(production, Kind::unhealthy, "500");
  EXPECT_THAT(world.finish(production, Kind::terminal, "no host"),
              happened_in_order("rollback.failed #1", "freeze.set"));
  world.when(RetryPromotion{first, "the host is back"}, "person:alice");
  EXPECT_THAT(world.finish(production),
              happened_in_order("rollback.succeeded #1", "freeze.lifted", "incident.resolved"));
  EXPECT_EQ(world.running(production), "nothing");
  EXPECT_TRUE(world.state.freezes.empty());
  EXPECT_FALSE(has_open_incident(world.state, production));
}

TEST(FailedRollback, IsMendedByARollbackByHandToAnotherRelease) {
  auto world = given_v2_runs();
  world.push(target(production, release("v3")));
  world.finish(production);
  world.finish(production, Kind::unhealthy, "500");
  EXPECT_THAT(world.finish(production, Kind::terminal, "no host"),
              happened_in_order("rollback.failed #2", "freeze.set", "incident.noted"));
  EXPECT_THAT(roll_back(world, "v1"), happened_in_order("rollback.started to v1", "incident.noted"));
  EXPECT_THAT(world.finish_all(production),
              happened_in_order("rollback.succeeded #3", "freeze.lifted", "incident.resolved"));
  EXPECT_FALSE(has_open_incident(world.state, production));
  EXPECT_TRUE(world.state.freezes.empty());
}

TEST(FailedRollback, IsResolvedByAPersonWithAReview) {
  auto world = given_a_failed_rollback();
  const auto id = open_incident(world.state, production)->first;
  EXPECT_THAT(world.when(NoteIncident{id, "on it"}, "person:bob"), ElementsAre("incident.noted"));
  EXPECT_EQ(world.state.incidents.at(id).acknowledged_by, "person:bob");
  EXPECT_THAT(world.when(ResolveIncident{id, {}}, "person:bob"), Refused("with its review"));
  EXPECT_THAT(world.when(ResolveIncident{id, "the disk was full"}, "person:bob"),
              ElementsAre("freeze.lifted", "incident.resolved"));
  EXPECT_THAT(world.when(ResolveIncident{id, "again"}, "person:bob"), Refused("is open"));
  world.observe(production, "v1");
  EXPECT_THAT(world.when(AdoptTarget{production, "looked at it"}, "person:alice"), Contains("target.adopted v1"));
  EXPECT_EQ(world.at(production).held, "");
}

TEST(FailedRollback, OfAnAutomaticOneIsTheSame) {
  auto world = World::running_v1(verified());
  world.push(target(production, release("v2")));
  world.finish(production);
  world.finish(production, Kind::unhealthy, "500");
  EXPECT_THAT(world.finish(production, Kind::terminal, "no host"),
              happened_in_order("rollback.failed #1", "freeze.set", "incident.noted"));
  EXPECT_THAT(world.when(RetryPromotion{first, {}}, "person:alice"), Contains("activity.started rollback-deploy#2"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_NE(world.state.quarantine("gateway", release("v2")), nullptr);
}

TEST(FailedRollback, MayGoToAnotherVersionInstead) {
  auto world = given_v2_runs();
  bring(world, "v3");
  roll_back(world);
  world.finish(production, Kind::terminal, "no host");
  EXPECT_THAT(roll_back(world, "v1"), Contains("rollback.started to v1"));
  EXPECT_EQ(world.live(production).from->release.version, "v3");
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v1");
}

// -------------------------------------------------------------------------------------------------------------- retry

TEST(Retry, BeginsTheFailedStepAgainAfterEverythingIsJudgedOnceMore) {
  auto s = verified();
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Kind::terminal, "no space");
  world.when(SetFreeze{"production", {}, "the audit", {}}, "person:alice");
  EXPECT_THAT(world.when(RetryPromotion{first, "there is space"}, "person:alice"),
              ElementsAre("promotion.retried #1", "step.waiting backup"));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.when(LiftFreeze{"1", "over"}, "person:alice"),
              ElementsAre("freeze.lifted", "promotion.started #1", "step.started backup", "activity.started backup#2"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v2");
}

World given_v2_is_half_deployed_and_waits_to_be_retried() {
  auto s = verified();
  s.rollback_automatic = false;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Kind::terminal, "no space");
  world.when(SetFreeze{"production", {}, "the audit", {}}, "person:alice");
  EXPECT_THAT(world.when(RetryPromotion{first, "there is space"}, "person:alice"),
              ElementsAre("promotion.retried #1", "step.waiting deploy"));
  return world;
}

TEST(Retry, OfWhatHasDeployedGivesWayToNothing) {
  auto world = given_v2_is_half_deployed_and_waits_to_be_retried();
  EXPECT_THAT(world.push(target(production, release("v3"))), Not(Contains("promotion.superseded #1")));
  EXPECT_THAT(world.request(production, "v4"), Refused("gateway/production/1 has begun, and waits to go on"));
  EXPECT_THAT(world.when(Reject{first, "no"}, "person:carol"), Refused("too late to reject"));
  auto s = verified();
  s.verify.push_back(health("deep"));
  EXPECT_THAT(world.push(service({s})), Not(Contains("promotion.superseded #1")));
  EXPECT_THAT(world.when(LiftFreeze{"1", "over"}, "person:alice"), Contains("activity.started deploy#2"));
  EXPECT_THAT(world.finish_all(production), happened_in_order("promotion.succeeded #1", "promotion.planned #2 v3"));
  EXPECT_EQ(world.running(production), "v3");
}

TEST(Retry, DeploysNothingWhereTheDocumentHasGone) {
  auto s = verified();
  s.rollback_automatic = false;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Kind::terminal, "no space");
  world.push({{}, {{DocumentKind::target, "gateway.production"}}});
  EXPECT_THAT(world.when(RetryPromotion{first, "there is space"}, "person:alice"), Refused("document"));
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(Held, WhatWasLeftHalfDoneIsGoneBackFromWhateverWasTriedSince) {
  auto s = verified();
  s.rollback_automatic = false;
  for (const bool waits : {false, true}) {
    auto world = World::running_v1(s, true);
    world.push(target(production, release("v2")));
    world.finish(production, Kind::terminal, "no space");
    world.when(SetFreeze{"production", {}, "look first", {}}, "person:alice");
    world.request(production, "v3");
    if (!waits) world.cancel(second);
    ASSERT_EQ(world.at(production).promotion.has_value(), waits);
    EXPECT_THAT(world.when(RetryPromotion{first, {}}, "person:alice"), Refused("is not the last one"));
    EXPECT_THAT(roll_back(world), Contains("rollback.started to v1"));
    EXPECT_EQ(world.live(production).from->release.version, "v2");
    EXPECT_TRUE(is_barred(world.state, production, release("v2")));
    world.finish_all(production);
    EXPECT_EQ(world.running(production), "v1");
    EXPECT_EQ(world.at(production).held, "");
  }
}

TEST(Retry, OfWhatHasDeployedGoesBackWhenItIsCancelled) {
  auto world = given_v2_is_half_deployed_and_waits_to_be_retried();
  EXPECT_THAT(world.cancel(first), happened_in_order("rollback.started to v1", "activity.started rollback-deploy#1"));
}

TEST(Retry, GivesAsManyAttemptsAsBefore) {
  auto s = verified();
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Kind::terminal, "no space");
  world.when(RetryPromotion{first, {}}, "person:alice");
  EXPECT_THAT(world.finish(production, Kind::retryable, "slow"), Contains("activity.retried backup"));
  for (std::uint32_t n = 1; n < max_attempts; ++n) {
    world.pass(1min);
    world.finish(production, Kind::retryable, "slow");
  }
  EXPECT_FALSE(world.at(production).promotion);
}

TEST(Retry, IsOnlyForTheLastOneThatFailed) {
  auto world = given_v2_runs();
  EXPECT_THAT(world.when(RetryPromotion{first, {}}, "person:alice"), Refused("did not fail"));
  EXPECT_THAT(world.when(RetryPromotion{promotion(production, 9), {}}, "person:alice"), Refused("no promotion"));
  world.when(SetFreeze{"production", {}, "the audit", {}}, "person:alice");
  world.request(production, "v3");
  EXPECT_THAT(world.when(RetryPromotion{second, {}}, "person:alice"), Refused("is under way, and no attempt"));
}

TEST(Retry, EndsTheAttemptOfARollbackThatHangsAndBeginsTheNextOne) {
  auto world = given_v2_runs();
  roll_back(world);
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/2/rollback-deploy#1"));
  EXPECT_THAT(world.when(RetryPromotion{second, "it hangs"}, "person:alice"),
              ElementsAre("activity.fenced rollback-deploy#1", "activity.retried rollback-deploy"));
  const auto fenced = all_of<ActivityFenced>(world);
  ASSERT_EQ(fenced.size(), 1U);
  EXPECT_EQ(std::get<ActivityFenced>(fenced[0].event).reason, "retried by person:alice: it hangs");
  EXPECT_EQ(fenced[0].meta.actor, "person:alice");
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.pass(2s), ElementsAre("activity.started rollback-deploy#2"));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/2/rollback-deploy#2"));
  EXPECT_THAT(world.finish_all(production), Contains("rollback.succeeded #2"));
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Retry, OfWhatHangsAskedTwiceBeginsOneAttempt) {
  auto world = given_v2_runs();
  roll_back(world);
  const RetryPromotion again{second, "it hangs"};
  world.when(again, "person:alice");
  EXPECT_THAT(world.when(again, "person:alice"), IsEmpty());
  EXPECT_THAT(world.pass(1h), ElementsAre("activity.started rollback-deploy#2"));
  EXPECT_THAT(world.when(again, "person:alice"),
              ElementsAre("activity.fenced rollback-deploy#2", "activity.retried rollback-deploy"))
      << "that one hangs as well";
  EXPECT_THAT(world.pass(2s), ElementsAre("activity.started rollback-deploy#3"));
}

TEST(Retry, WhatComesLateOfTheAttemptThatItEndedIsRecordedAndIgnored) {
  auto world = given_v2_runs();
  roll_back(world);
  const auto hung = world.effect(production);
  world.when(RetryPromotion{second, "it hangs"}, "person:alice");
  const CompleteActivity late{hung.id, 1, {}};
  EXPECT_THAT(world.when(late, "engine"), ElementsAre("activity.fenced rollback-deploy#1"));
  EXPECT_THAT(world.pass(2s), ElementsAre("activity.started rollback-deploy#2"));
  EXPECT_THAT(world.when(late, "engine"), ElementsAre("activity.fenced rollback-deploy#1"));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/2/rollback-deploy#2"));
  EXPECT_THAT(world.finish(production, Kind::terminal, "no host"), Contains("rollback.failed #2"));
}

TEST(Retry, EndsAnAttemptThatCannotBeCancelledAnyMore) {
  auto world = World::running_v1(migrating());
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.cancel(first), Refused("cannot be undone"));
  EXPECT_THAT(world.when(RetryPromotion{first, {}}, "person:alice"),
              ElementsAre("activity.fenced migrate#1", "activity.retried migrate"));
  world.when(SetFreeze{"production", {}, "look first", {}}, "person:alice");
  EXPECT_THAT(world.pass(2s), ElementsAre("step.waiting migrate"));
  EXPECT_THAT(world.when(LiftFreeze{"1", "over"}, "person:alice"), Contains("activity.started migrate#2"));
}

TEST(Retry, OfAnAttemptThatHangsWaitsWhileEffectsArePaused) {
  auto world = given_v2_runs();
  roll_back(world);
  world.when(PauseEffects{"let me look"}, "person:alice");
  EXPECT_THAT(world.when(RetryPromotion{second, "it hangs"}, "person:alice"),
              ElementsAre("activity.fenced rollback-deploy#1", "activity.retried rollback-deploy"));
  EXPECT_THAT(world.pass(1h), IsEmpty());
  EXPECT_THAT(world.when(ResumeEffects{"looked"}, "person:alice"), Contains("activity.started rollback-deploy#2"));
}

TEST(Retry, OfWhatHungGivesAsManyAttemptsAsBefore) {
  auto s = verified();
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  for (std::uint32_t n = 1; n < max_attempts; ++n) {
    world.finish(production, Kind::retryable, "slow");
    world.pass(1min);
  }
  world.when(RetryPromotion{first, "it hangs"}, "person:alice");
  world.pass(2s);
  EXPECT_THAT(world.finish(production, Kind::retryable, "slow"), Contains("activity.retried backup"));
}

TEST(Retry, OfWhatHungIsPossibleAfterTheReleaseWasBarred) {
  auto s = verified();
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.request(production, "v2");
  world.when(RetryPromotion{first, "it hangs"}, "person:alice");
  world.when(QuarantineRelease{{"gateway", "v2"}, "bad"}, "person:alice");
  world.pass(2s);
  ASSERT_FALSE(world.at(production).promotion);
  world.when(ReinstateRelease{{"gateway", "v2"}, "a mistake"}, "person:alice");
  EXPECT_THAT(world.when(RetryPromotion{first, {}}, "person:alice"), Contains("activity.started backup#2"));
}

TEST(Retry, OfWhatIsCancelledBeforeItBeginsLeavesAFencedStep) {
  auto world = World::running_v1(verified());
  world.push(target(production, release("v2")));
  world.when(RetryPromotion{first, "it hangs"}, "person:alice");
  EXPECT_THAT(world.cancel(first), Contains("rollback.started to v1"));
  EXPECT_EQ(world.live(production).find("deploy")->activity, ActivityStatus::fenced);
}

TEST(Retry, IsRefusedWithWhatCameOfIt) {
  const RetryPromotion again{first, {}};
  auto s = verified();
  auto rolled_back = World::running_v1(s);
  rolled_back.push(target(production, release("v2")));
  rolled_back.finish(production);
  rolled_back.finish(production, Kind::unhealthy, "500");
  rolled_back.finish_all(production);
  EXPECT_THAT(rolled_back.when(again, "person:alice"),
              Refused("promotion gateway/production/1 was rolled back: smoke: 500, and only one that failed"));
  bring(rolled_back, "v3");
  EXPECT_THAT(rolled_back.when(again, "person:alice"),
              Refused("is not the last one of its target: gateway/production/2 came after it"));

  s.approvals = {{"managers", 1, 35}};
  auto rejected = World::running_v1(s);
  rejected.push(target(production, release("v2")));
  rejected.when(Reject{first, "not on a Friday"}, "person:carol");
  EXPECT_THAT(rejected.when(again, "person:alice"), Refused("was rejected: rejected by person:carol: not on a Friday"));
}

TEST(Retry, DoesNotBringWhatIsQuarantined) {
  auto s = verified();
  s.rollback_automatic = false;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production);
  EXPECT_THAT(world.finish(production, Kind::unhealthy, "500"),
              happened_in_order("promotion.failed #1", "incident.opened"));
  EXPECT_THAT(world.when(RetryPromotion{first, {}}, "person:alice"), Refused("is quarantined"));
}

TEST(Retry, OfABegunDeploymentWaitsForAFreeze) {
  auto world = World::running_v1(verified());
  world.push(target(production, release("v2")));
  world.finish(production, Kind::retryable, "slow");
  world.when(SetFreeze{"production", {}, "the audit", {}}, "person:alice");
  EXPECT_THAT(world.pass(1h), ElementsAre("step.waiting deploy"));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.when(LiftFreeze{"1", "over"}, "person:alice"), Contains("activity.started deploy#2"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v2");
}

// ----------------------------------------------------------------------------------------------------------- expedite

Stage waiting() {
  auto s = verified();
  s.gates = {"lint"};
  s.approvals = {{"managers", 1, 35}};
  s.wait = 30min;
  s.expedite = Expedite{{}, 5min, 90};
  return s;
}

TEST(Expedite, ShortensTheWaitAndNothingElse) {
  auto world = World::running_v1(waiting());
  RequestPromotion c{production, release("v2"), "CVE-2026-1"};
  c.expedite = true;
  EXPECT_THAT(world.when(c, "person:alice"),
              happened_in_order("promotion.planned #1 v2", "promotion.expedited #1", "step.started gates"));
  EXPECT_THAT(world.steps(production),
              ElementsAre("gates", "approval", "wait", "deploy", "smoke", "rollback-deploy", "rollback-smoke"));
  EXPECT_EQ(world.live(production).find("wait")->step->wait, Duration(5min));
  EXPECT_EQ(world.live(production).expedited, "CVE-2026-1");
  EXPECT_THAT(world.effects(), IsEmpty());
  world.gate("lint", "v2");
  world.approve(first, "person:carol");
  EXPECT_THAT(world.unmet(production), Contains(HasSubstr("an expedited wait of 5m")));
  EXPECT_THAT(world.pass(5min), Contains("activity.started deploy#1"));
}

TEST(Expedite, OfOneThatWaitsIsAnotherPlanWithAnotherDigest) {
  auto world = World::running_v1(waiting());
  world.push(target(production, release("v2")));
  world.gate("lint", "v2");
  world.approve(first, "person:carol");
  const auto digest = world.live(production).plan_digest;
  EXPECT_THAT(world.when(ExpeditePromotion{first, "CVE-2026-1"}, "person:bob"),
              happened_in_order("approval.voided person:carol", "promotion.superseded #1", "promotion.planned #2 v2",
                                "promotion.expedited #2", "approval.requested #2"));
  EXPECT_NE(world.live(production).plan_digest, digest);
  EXPECT_THAT(world.when(ExpeditePromotion{second, "again"}, "person:bob"), IsEmpty());
}

TEST(Expedite, NeedsAReasonAndAPolicyThatHasIt) {
  auto world = World::running_v1(waiting());
  RequestPromotion c{production, release("v2"), {}};
  c.expedite = true;
  EXPECT_THAT(world.when(c, "person:alice"), Refused("needs a reason"));
  auto s = waiting();
  s.expedite.reset();
  world.push(service({s}));
  c.reason = "CVE-2026-1";
  EXPECT_THAT(world.when(c, "person:alice"), Refused("has no 'expedite'"));
}

TEST(Expedite, StaysWhenThePlanChangesWithThePolicy) {
  auto world = World::running_v1(waiting());
  RequestPromotion c{production, release("v2"), "CVE-2026-1"};
  c.expedite = true;
  world.when(c, "person:alice");
  auto s = waiting();
  s.verify.push_back(health("deep"));
  EXPECT_THAT(world.push(service({s})), happened_in_order("promotion.superseded #1", "promotion.expedited #2"));
  EXPECT_EQ(world.live(production).find("wait")->step->wait, Duration(5min));
}

TEST(Expedite, EndsWithThePolicyThatHadIt) {
  auto s = waiting();
  auto world = World::running_v1(s);
  auto c = RequestPromotion{production, release("v2"), "CVE-2026-1"};
  c.expedite = true;
  world.when(c, "person:alice");
  s.expedite.reset();
  const auto lines = world.push(service({s}));
  EXPECT_THAT(lines, happened_in_order("promotion.superseded #1", "promotion.planned #2 v2"));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("promotion.expedited"))));
  EXPECT_EQ(world.live(production).expedited, "");
}

// -------------------------------------------------------------------------------------------------------- break glass

TEST(BreakGlass, LeavesAnEventAtEveryUse) {
  auto world = World::running_v1(verified());
  world.when(SetFreeze{"production", {}, "the audit", {}}, "person:alice");
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.when(OverrideProtection{first, "it burns"}, "person:dave"),
              happened_in_order("freeze.overridden #1", "breakglass.used #1"));
  const auto used = all_of<BreakGlassUsed>(world);
  ASSERT_EQ(used.size(), 1U);
  EXPECT_EQ(used[0].meta.actor, "person:dave");
  EXPECT_EQ(std::get<BreakGlassUsed>(used[0].event).reason, "it burns");
}

TEST(BreakGlass, LeavesAnEventWhereItOnlyStandsInForTheRoleOperator) {
  auto world = World::running_v1(verified());
  bring(world, "v2");
  auto c = back_to();
  c.break_glass = true;
  EXPECT_THAT(world.when(c, "person:dave"), happened_in_order("rollback.requested #2", "breakglass.used #2"));
  const auto used = all_of<BreakGlassUsed>(world);
  ASSERT_EQ(used.size(), 1U);
  EXPECT_EQ(std::get<BreakGlassUsed>(used[0].event).passed, "no irreversible step");
}

}  // namespace
}  // namespace headgate::test
