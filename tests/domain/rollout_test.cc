// From the first effect to the end: hooks, deployment, verification, the way back, quarantine.
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = Outcome::Kind;

const PromotionId first = promotion(production, 1);

Stage verified() {
  auto s = stage("production");
  s.verify = {health("smoke"), health("deep")};
  return s;
}

// v1 runs, v2 is wished and being deployed.
World given_v2_is_deploying(const Stage& s = verified(), bool can_retire = false) {
  auto world = World::running_v1(s, can_retire);
  world.push(target(production, release("v2")));
  return world;
}
World given_v2_is_verified(const Stage& s = verified()) {
  auto world = given_v2_is_deploying(s);
  world.finish(production);
  return world;
}

TEST(Rollout, TakesItsStepsInTheirOrderAndOneAtATime) {
  auto s = verified();
  s.before = {hook("backup"), hook("migrate")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.steps(production), ElementsAre("backup", "migrate", "deploy", "smoke", "deep", "rollback-deploy",
                                                   "rollback-smoke", "rollback-deep"));
  for (const auto* step : {"backup", "migrate", "deploy", "smoke", "deep"}) {
    EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/" + std::string(step) + "#1"));
    world.finish(production);
  }
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_EQ(world.at(production).verified.back().release.version, "v2");
}

TEST(Rollout, AHookThatFailsEndsItBeforeAnythingWasDeployed) {
  auto s = verified();
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.finish(production, Kind::unhealthy, "no space"),
              ElementsAre("activity.failed backup", "step.failed backup", "promotion.failed #1"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_EQ(world.at(production).held, "");
  EXPECT_EQ(world.state.quarantine("gateway", release("v2")), nullptr);
  EXPECT_THAT(world.idle(production), HasSubstr("did not succeed"));
}

TEST(Rollout, AFailedVerificationRollsBackQuarantinesAndPins) {
  auto world = given_v2_is_verified();
  world.finish(production);
  EXPECT_THAT(
      world.finish(production, Kind::unhealthy, "p95 4 s"),
      ElementsAre("activity.failed deep", "step.failed deep", "release.quarantined v2", "rollback.started to v1",
                  "incident.opened", "step.started rollback-deploy", "activity.started rollback-deploy#1"));
  EXPECT_EQ(world.effect(production).step.deploys->release.version, "v1");
  world.finish(production);
  world.finish(production);
  EXPECT_THAT(world.finish(production), ElementsAre("activity.succeeded rollback-deep", "step.succeeded rollback-deep",
                                                    "rollback.succeeded #1", "incident.resolved", "target.pinned"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_THAT(world.at(production).pinned, HasSubstr("rolled back: deep: p95 4 s"));
  EXPECT_FALSE(world.at(production).promotion);
}

TEST(Rollout, TheStepsOfARollbackAreToldOfTheReleaseThatComesBack) {
  auto world = given_v2_is_verified();
  EXPECT_EQ(world.effect(production).to.release.version, "v2");
  EXPECT_EQ(world.effect(production).from->release.version, "v1");
  world.finish(production, Kind::unhealthy);
  for (const auto* step : {"rollback-deploy", "rollback-smoke", "rollback-deep"}) {
    EXPECT_EQ(world.effect(production).id.step, step);
    EXPECT_EQ(world.effect(production).to.release.version, "v1");
    EXPECT_EQ(world.effect(production).from->release.version, "v2");
    world.finish(production);
  }
}

TEST(Rollout, ABrokenDriverRollsBackWithoutQuarantine) {
  for (const auto kind : {Kind::terminal, Kind::unhealthy}) {  // a driver is no check, whatever it says
    auto world = given_v2_is_deploying();
    EXPECT_THAT(world.finish(production, kind, "exit 1"),
                ElementsAre("activity.failed deploy", "step.failed deploy", "rollback.started to v1", "incident.opened",
                            "step.started rollback-deploy", "activity.started rollback-deploy#1"));
    world.finish_all(production);
    EXPECT_EQ(world.state.quarantine("gateway", release("v2")), nullptr);
  }
}

TEST(Rollout, ACheckThatCouldNotBeCarriedOutIsNoEvidenceAgainstTheRelease) {
  auto world = given_v2_is_verified();
  EXPECT_THAT(world.finish(production, Kind::terminal, "no such script"),
              happened_in_order("step.failed smoke", "rollback.started to v1"));
  EXPECT_EQ(world.state.quarantine("gateway", release("v2")), nullptr);
}

TEST(Rollout, TheStageMaySwitchQuarantineOff) {
  auto s = verified();
  s.rollback_quarantine = false;
  auto world = given_v2_is_verified(s);
  EXPECT_THAT(world.finish(production, Kind::unhealthy), Not(Contains("release.quarantined v2")));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Rollout, TheStageMaySwitchTheAutomaticRollbackOff) {
  auto s = verified();
  s.rollback_automatic = false;
  auto world = given_v2_is_verified(s);
  EXPECT_THAT(world.finish(production, Kind::unhealthy, "500"),
              ElementsAre("activity.failed smoke", "step.failed smoke", "release.quarantined v2", "promotion.failed #1",
                          "incident.opened"));
  EXPECT_THAT(world.at(production).held, HasSubstr("failed after it had begun to deploy"));
  EXPECT_THAT(world.push(target(production, release("v3"))),
              ElementsAre("configuration.accepted", "release.registered v3", "desired.changed v3"));
}

TEST(Rollout, AChangeOfVariablesAloneNeverQuarantinesWhatRanBefore) {
  auto world = World::running_v1(verified());
  world.push(target(production, release("v1"), {{"replicas", "9"}}));
  world.finish(production);
  EXPECT_THAT(world.finish(production, Kind::unhealthy, "out of memory"),
              ElementsAre("activity.failed smoke", "step.failed smoke", "rollback.started to v1", "incident.opened",
                          "step.started rollback-deploy", "activity.started rollback-deploy#1"));
  EXPECT_THAT(world.effect(production).step.deploys->variables, IsEmpty());
  world.finish_all(production);
  EXPECT_EQ(world.state.quarantine("gateway", release("v1")), nullptr);
  EXPECT_FALSE(world.at(production).pinned.empty());
}

// ------------------------------------------------------------------------------------------------------ the way back

World given_first_promotion(bool can_retire) {
  World world;
  world.push({{access_policy(), environment("production", can_retire), service({verified()}),
               target(production, release("v1"))},
              {},
              "person:frank"});
  world.observe(production, "");
  world.finish(production);
  return world;
}

TEST(WayBack, WithoutAnEarlierReleaseTheCandidateIsRetired) {
  auto world = given_first_promotion(true);
  EXPECT_THAT(
      world.finish(production, Kind::unhealthy, "500"),
      happened_in_order("release.quarantined v1", "rollback.started to nothing", "activity.started rollback-retire#1"));
  EXPECT_THAT(world.finish(production), happened_in_order("rollback.succeeded #1", "target.pinned"));
  EXPECT_EQ(world.running(production), "nothing");
  EXPECT_THAT(world.observe(production, ""), IsEmpty());
}

TEST(WayBack, WithoutOneThePromotionFailsAndTheTargetIsHeld) {
  auto world = given_first_promotion(false);
  EXPECT_THAT(world.finish(production, Kind::unhealthy, "500"),
              happened_in_order("release.quarantined v1", "promotion.failed #1"));
  EXPECT_THAT(world.at(production).held, HasSubstr("there is no way back"));
}

TEST(WayBack, IsTheNewestVerifiedReleaseThatIsNotQuarantined) {
  auto world = World::running_v1(verified());
  for (const auto* version : {"v2", "v3"}) {
    world.push(target(production, release(version)));
    world.finish_all(production);
  }
  world.when(QuarantineRelease{{"gateway", "v3"}, "CVE"}, "person:alice");
  world.push(target(production, release("v4")));
  world.finish(production);
  EXPECT_THAT(world.finish(production, Kind::unhealthy), Contains("rollback.started to v2"));
}

TEST(WayBack, ThatIsQuarantinedBeforeTheFirstEffectIsPlannedAnew) {
  auto s = verified();
  s.approvals = {{"managers", 1, 35}};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.approve(first, "person:carol");
  world.finish_all(production);
  world.push(target(production, release("v3")));
  const auto second = promotion(production, 2);
  ASSERT_EQ(world.live(production).find("rollback-deploy")->step->deploys->release.version, "v2");
  EXPECT_THAT(world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice"),
              happened_in_order("release.quarantined v2", "promotion.superseded #2", "promotion.planned #3 v3"));
  EXPECT_EQ(world.live(production).find("rollback-deploy")->step->deploys->release.version, "v1");
  EXPECT_THAT(world.approve(second, "person:carol"), Refused("has ended"));
}

TEST(WayBack, ThatIsQuarantinedMeanwhileIsNotDeployed) {
  auto world = given_v2_is_verified();
  world.when(QuarantineRelease{{"gateway", "v1"}, "CVE"}, "person:alice");
  EXPECT_THAT(world.finish(production, Kind::unhealthy, "500"),
              happened_in_order("release.quarantined v2", "rollback.started to v1", "rollback.failed #1"));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.at(production).held, HasSubstr("quarantined"));
}

TEST(WayBack, IsNeverAnotherVersionOfTheCandidateItself) {
  auto world = World::running_v1(verified());
  auto retagged = release("v1");
  world.push(target(production, release("v2")));
  world.finish_all(production);
  world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice");
  retagged.version = "v1-again";
  world.push(target(production, retagged));
  // v2 is quarantined, and v1 is the very candidate that would have failed: there is no way back.
  EXPECT_THAT(world.steps(production), ElementsAre("deploy", "smoke", "deep"));
}

TEST(WayBack, ARollbackThatFailsHoldsTheTargetForAPerson) {
  auto world = given_v2_is_verified();
  world.finish(production, Kind::unhealthy, "500");
  EXPECT_THAT(world.finish(production, Kind::terminal, "no host"),
              ElementsAre("activity.failed rollback-deploy", "step.failed rollback-deploy", "rollback.failed #1",
                          "freeze.set", "incident.noted"));
  EXPECT_THAT(world.at(production).held, HasSubstr("rollback of gateway/production/1 failed"));
  EXPECT_THAT(world.push(target(production, release("v3"))), Not(Contains("promotion.planned #2 v3")));
  EXPECT_THAT(world.idle(production), HasSubstr("held"));
}

TEST(WayBack, AHeldTargetIsFreedByAPromotionThatSucceeds) {
  auto world = given_v2_is_verified();
  world.finish(production, Kind::unhealthy, "500");
  world.finish(production, Kind::terminal, "no host");
  world.when(ResolveIncident{"1", "there is a host again"}, "person:alice");
  world.push(target(production, release("v3")));
  EXPECT_THAT(world.request(production, "v3"), Contains("activity.started deploy#1"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v3");
  EXPECT_EQ(world.at(production).held, "");
  EXPECT_EQ(world.at(production).pinned, "");
}

TEST(WayBack, AHeldTargetStaysHeldWhenTheNextPromotionComesToNothing) {
  auto s = verified();
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production);
  world.finish(production);
  world.finish(production, Kind::unhealthy, "500");
  world.finish(production, Kind::terminal, "no host");
  world.when(ResolveIncident{"1", "there is a host again"}, "person:alice");
  world.push(target(production, release("v3")));
  world.request(production, "v4");
  EXPECT_THAT(world.finish(production, Kind::terminal, "backup failed"), Not(Contains("promotion.planned #3 v3")));
  EXPECT_THAT(world.idle(production), HasSubstr("held"));
}

TEST(WayBack, AHeldTargetIsFreedByAdoption) {
  auto world = given_v2_is_verified();
  world.finish(production, Kind::unhealthy, "500");
  world.finish(production, Kind::terminal, "no host");
  world.observe(production, "v1");
  EXPECT_THAT(world.when(AdoptTarget{production, "looked at it"}, "person:alice"), Contains("target.adopted v1"));
  EXPECT_EQ(world.at(production).held, "");
}

// ------------------------------------------------------------------------------------------------------------- cancel

TEST(Cancel, WhileItWaitsEndsItAndItIsNotPlannedAgain) {
  auto s = verified();
  s.gates = {"lint"};
  auto world = given_v2_is_deploying(s);
  EXPECT_THAT(world.cancel(first), ElementsAre("promotion.cancelled #1"));
  EXPECT_THAT(world.gate("lint", "v2"), ElementsAre("gate.reported lint"));
  EXPECT_THAT(world.cancel(first), Refused("has ended"));
}

TEST(Cancel, DuringAHookFencesItAndDeploysNothing) {
  auto s = verified();
  s.before = {hook("backup")};
  auto world = given_v2_is_deploying(s);
  const auto running = world.effect(production);
  EXPECT_THAT(world.cancel(first), ElementsAre("activity.fenced backup#1", "promotion.cancelled #1"));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.when(CompleteActivity{running.id, 1, {}}, "engine"), ElementsAre("activity.fenced backup#1"));
}

TEST(Cancel, OnceItDeployedRollsBackAndPinsButDoesNotQuarantine) {
  auto world = given_v2_is_verified();
  EXPECT_THAT(world.cancel(first), ElementsAre("activity.fenced smoke#1", "rollback.started to v1",
                                               "step.started rollback-deploy", "activity.started rollback-deploy#1"));
  EXPECT_FALSE(world.live(production).rollback_automatic);
  EXPECT_THAT(world.cancel(first), Refused("rolling back already"));
  EXPECT_THAT(world.finish_all(production), Contains("target.pinned"));
  EXPECT_EQ(world.state.quarantine("gateway", release("v2")), nullptr);
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Cancel, BetweenTwoAttemptsFencesTheNextOne) {
  auto world = given_v2_is_deploying();
  world.finish(production, Kind::retryable);
  EXPECT_THAT(world.cancel(first), Contains("activity.fenced deploy#1"));
  EXPECT_THAT(world.pass(1h), IsEmpty());
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/rollback-deploy#1"));
}

TEST(Cancel, BetweenTwoAttemptsOfAHookFencesTheNextOneToo) {
  auto s = stage("production");
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Kind::retryable);
  EXPECT_THAT(world.cancel(first), ElementsAre("activity.fenced backup#1", "promotion.cancelled #1"));
  EXPECT_THAT(world.pass(1h), IsEmpty());
}

TEST(Cancel, WithoutAWayBackHoldsTheTarget) {
  auto world = given_first_promotion(false);
  EXPECT_THAT(world.cancel(first), happened_in_order("activity.fenced smoke#1", "promotion.failed #1"));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_FALSE(world.at(production).held.empty());
}

// --------------------------------------------------------------------------------------------------------- quarantine

World given_two_environments() {
  World world;
  world.push({{access_policy(), environment("staging"), environment("production"),
               service({stage("staging"), stage("production")}), target(staging, release("v1")),
               target(production, release("v1"))},
              {},
              "person:frank"});
  world.observe(staging, "v1");
  world.observe(production, "v1");
  return world;
}

TEST(Quarantine, BarsTheReleaseInEveryEnvironment) {
  auto world = given_two_environments();
  world.when(RegisterRelease{"gateway", release("v2"), {}, {}});
  EXPECT_THAT(world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice"),
              ElementsAre("release.quarantined v2"));
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.unmet(production), ElementsAre("release v2 is quarantined: CVE"));
  EXPECT_THAT(world.request(staging, "v2"), Refused("is quarantined: CVE"));
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(Quarantine, BarsOtherVersionsOfTheSameCandidateAndNoNewerRelease) {
  auto world = given_two_environments();
  world.when(RegisterRelease{"gateway", release("v2"), {}, {}});
  world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice");
  auto tagged = release("v2");
  tagged.version = "v2-final";
  world.push(target(production, tagged));
  EXPECT_THAT(world.unmet(production), ElementsAre("release v2-final is quarantined: CVE"));
  EXPECT_THAT(world.push(target(production, release("v3"))), Contains("activity.started deploy#1"));
}

TEST(Quarantine, IsLiftedByAPerson) {
  auto world = given_two_environments();
  world.when(RegisterRelease{"gateway", release("v2"), {}, {}});
  world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice");
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.when(ReinstateRelease{{"gateway", "v2"}, "false alarm"}, "person:alice"),
              happened_in_order("release.reinstated v2", "promotion.started #1", "activity.started deploy#1"));
  EXPECT_THAT(world.when(ReinstateRelease{{"gateway", "v2"}, {}}, "person:alice"), Refused("is not quarantined"));
}

TEST(Quarantine, IsLiftedByTheNameOfAnyVersionOfTheCandidate) {
  auto world = given_two_environments();
  auto tagged = release("v2");
  tagged.version = "v2-final";
  world.when(RegisterRelease{"gateway", release("v2"), {}, {}});
  world.when(RegisterRelease{"gateway", tagged, {}, {}});
  world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice");
  EXPECT_THAT(world.when(ReinstateRelease{{"gateway", "v2-final"}, "false alarm"}, "person:alice"),
              ElementsAre("release.reinstated v2"));
  EXPECT_EQ(world.state.quarantine("gateway", tagged), nullptr);
}

TEST(Quarantine, ThatComesWhileItWaitsStopsIt) {
  auto world = given_two_environments();
  auto s = stage("production");
  s.wait = 1h;
  world.push(service({stage("staging"), s}));
  world.push(target(production, release("v2")));
  world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice");
  EXPECT_THAT(world.pass(2h), ElementsAre("timer.fired wait", "step.succeeded wait", "step.waiting deploy"));
}

TEST(Quarantine, ThatComesDuringTheHooksStopsItBeforeTheDeployment) {
  auto s = verified();
  s.before = {hook("backup")};
  auto world = given_v2_is_deploying(s);
  world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice");
  EXPECT_THAT(world.finish(production), ElementsAre("activity.succeeded backup", "step.succeeded backup",
                                                    "step.failed deploy", "promotion.failed #1"));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_EQ(world.at(production).held, "");
}

TEST(Quarantine, ThatComesBetweenTwoAttemptsStopsTheNextOne) {
  auto world = given_v2_is_deploying();
  world.finish(production, Kind::retryable, "slow");
  world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice");
  EXPECT_THAT(world.pass(10s),
              happened_in_order("step.failed deploy", "rollback.started to v1", "activity.started rollback-deploy#1"));
}

TEST(Quarantine, NeedsAReasonAndAReleaseThatIsKnown) {
  auto world = given_two_environments();
  EXPECT_THAT(world.when(QuarantineRelease{{"gateway", "v1"}, {}}, "person:alice"), Refused("needs a reason"));
  EXPECT_THAT(world.when(QuarantineRelease{{"gateway", "v9"}, "x"}, "person:alice"), Refused("not registered"));
  world.when(QuarantineRelease{{"gateway", "v1"}, "x"}, "person:alice");
  EXPECT_THAT(world.when(QuarantineRelease{{"gateway", "v1"}, "x"}, "person:alice"), IsEmpty());
}

TEST(Quarantine, IsNotForgottenHoweverManyFollow) {
  auto world = given_two_environments();
  world.when(RegisterRelease{"gateway", release("bad"), {}, {}});
  world.when(QuarantineRelease{{"gateway", "bad"}, "CVE"}, "person:alice");
  Recorded<Event> more;
  for (int i = 0; i < 2000; ++i) {
    const auto version = "x" + std::to_string(i);
    more.meta.position = world.state.next;
    more.event = ReleaseQuarantined{{"gateway", version}, release(version).commit, {}, "x"};
    evolve(world.state, more);
  }
  EXPECT_NE(world.state.quarantine("gateway", release("bad")), nullptr);
}

}  // namespace
}  // namespace headgate::test
