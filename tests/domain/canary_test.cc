// Canaries: weights, pauses under measurement, and the way back.
#include "engine/domain/rollback.h"
#include "tests/domain/strategies.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = Outcome::Kind;

const PromotionId second = promotion(production, 2);

Stage two_pauses() {
  return canary({weight(5), pause(3min), weight(50), pause(3min), weight(100)});
}

const Measured bad{Decimal{"0.2"}, Decimal{"100"}, Decimal{"0.01"}};
const Measured few{Decimal{"0.0"}, Decimal{"49"}, Decimal{"0.01"}};

Lines next_measurement(World& world, const Measured& seen, Kind kind = Kind::succeeded) {
  for (int i = 0; i < 100 && !measuring(world); ++i) world.pass(world.state.wakeups.begin()->first - world.now);
  return measure(world, seen, kind);
}

TEST(Canary, PlansWeightsPausesAndBothWays) {
  const auto world = given_v2(two_pauses());
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_EQ(world.at(production).stable_slot, "blue");
  EXPECT_THAT(world.steps(production),
              ElementsAre("shift-0", "deploy", "shift-5", "pause-1", "shift-50", "pause-2", "shift-100", "smoke",
                          "retire-old", "rollback-shift", "rollback-smoke", "rollback-retire"));
  const auto& p = world.live(production);
  EXPECT_EQ(p.find("deploy")->step->slot, "green");
  EXPECT_EQ(p.find("retire-old")->step->slot, "blue");
  EXPECT_EQ(p.find("rollback-shift")->step->slot, "blue");
  EXPECT_EQ(p.find("rollback-shift")->step->weight, 100U);
  EXPECT_EQ(p.find("rollback-retire")->step->slot, "green");
  const auto& metric = p.find("pause-1")->step->metrics.at(0);
  EXPECT_EQ(metric.query, "errors{slot=\"green\"}");
  EXPECT_EQ(metric.baseline->query, "errors{slot=\"blue\"}");
  EXPECT_EQ(p.find("pause-1")->step->prometheus, "http://127.0.0.1:9090");
}

TEST(Canary, BringsTrafficStepByStepAndChangesTheSlots) {
  auto world = given_v2(two_pauses());
  const auto began = world.now;
  EXPECT_THAT(roll(world),
              happened_in_order("activity.started deploy#1", "activity.started shift-5#1", "step.started pause-1",
                                "measurement.taken pause-1", "measurement.taken pause-1", "measurement.taken pause-1",
                                "step.succeeded pause-1", "activity.started shift-50#1", "step.succeeded pause-2",
                                "activity.started shift-100#1", "activity.started smoke#1",
                                "activity.started retire-old#1", "promotion.succeeded #2"));
  EXPECT_EQ(world.now - began, 6min);
  EXPECT_THAT(weights(world), ElementsAre("green 0", "green 5", "green 50", "green 100"));
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_EQ(world.at(production).stable_slot, "green");

  world.push(target(production, release("v3")));
  EXPECT_EQ(world.live(production).find("deploy")->step->slot, "blue");
}

TEST(Canary, WithoutAStableSlotAllTrafficGoesToTheCandidateAndThresholdsHold) {
  World world;
  world.push({{access_policy(), slotted(), measured_service(two_pauses()), target(production, release("v1"))}, {}});
  world.observe(production, "");
  EXPECT_THAT(world.steps(production),
              ElementsAre("deploy", "shift-100", "pause-1", "pause-2", "smoke", "rollback-retire"));
  EXPECT_FALSE(world.live(production).find("pause-1")->step->metrics.at(0).baseline);
  roll(world, "pause-1");
  EXPECT_THAT(
      next_measurement(world, {Decimal{"0.06"}, Decimal{"100"}, {}}),
      happened_in_order("release.quarantined v1", "rollback.started to nothing", "activity.started rollback-retire#1"));
  roll(world);
  EXPECT_EQ(world.running(production), "nothing");
  EXPECT_EQ(world.at(production).stable_slot, "");
}

TEST(Canary, APauseAfterTheLastWeightKeepsTheOldSlotForTheWayBack) {
  auto metric = error_rate();
  metric.baseline.reset();
  auto world = given_v2(canary({weight(50), weight(100), pause(3min)}), {metric});
  EXPECT_THAT(world.steps(production),
              ElementsAre("shift-0", "deploy", "shift-50", "shift-100", "pause-1", "smoke", "retire-old",
                          "rollback-shift", "rollback-smoke", "rollback-retire"));
  roll(world, "pause-1");
  EXPECT_EQ(weights(world).back(), "green 100");
  EXPECT_THAT(next_measurement(world, bad),
              happened_in_order("step.failed pause-1", "rollback.started to v1", "activity.started rollback-shift#1"));
  roll(world);
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Canary, ABreachInAnyPauseTakesTrafficBackFirstThenTheProcesses) {
  for (const std::string name : {"pause-1", "pause-2"}) {
    auto world = given_v2(two_pauses());
    roll(world, name);
    EXPECT_THAT(next_measurement(world, bad),
                happened_in_order("measurement.taken " + name, "step.failed " + name, "release.quarantined v2",
                                  "rollback.started to v1", "step.started rollback-shift",
                                  "activity.started rollback-shift#1"));
    EXPECT_EQ(world.effect(production).to.release.version, "v1");
    EXPECT_THAT(roll(world), happened_in_order("activity.started rollback-smoke#1",
                                               "activity.started rollback-retire#1", "rollback.succeeded #2"));
    EXPECT_EQ(weights(world).back(), "blue 100");
    EXPECT_EQ(world.running(production), "v1");
    EXPECT_EQ(world.at(production).stable_slot, "blue");
  }
}

TEST(Canary, AFailedStepRollsBackWithoutQuarantine) {
  for (const std::string step : {"deploy", "shift-5", "shift-50", "shift-100"}) {
    auto world = given_v2(two_pauses());
    roll(world, step);
    EXPECT_THAT(
        world.finish(production, Kind::terminal, "exit 1"),
        happened_in_order("step.failed " + step, "rollback.started to v1", "activity.started rollback-shift#1"));
    roll(world);
    EXPECT_EQ(world.running(production), "v1");
    EXPECT_EQ(world.state.quarantine("gateway", release("v2")), nullptr);
  }
}

TEST(Canary, BeforeTheDeploymentNothingNeedsAWayBack) {
  auto world = given_v2(two_pauses());
  EXPECT_THAT(world.finish(production, Kind::terminal, "exit 1"),
              happened_in_order("step.failed shift-0", "promotion.failed #2"));
  EXPECT_EQ(world.at(production).held, "");
}

TEST(Canary, WhatCannotBeRetiredInTheEndUndoesNothing) {
  auto world = given_v2(two_pauses());
  roll(world, "retire-old");
  EXPECT_THAT(world.finish(production, Kind::terminal, "exit 1"),
              happened_in_order("step.failed retire-old", "promotion.succeeded #2"));
  EXPECT_EQ(world.at(production).stable_slot, "green");
}

const RollBack by_hand{{production}, "previous", "it is slow", "all"};
const Lines anew{"rollback-deploy", "rollback-shift", "rollback-smoke", "rollback-retire"};

TEST(Canary, OnceWhatRanBeforeIsGoingTheWayBackBringsItAnew) {
  for (const bool between_attempts : {false, true}) {
    auto world = given_v2(two_pauses());
    roll(world, "retire-old");
    if (between_attempts) world.finish(production, Kind::retryable, "slow");
    const auto way = rollback_way(world.state, production, "previous");
    const auto plan = rollback_plan(world.state, promotion(production, 3), *way, false, &test_digest);
    Lines shown;
    for (const auto& step : plan->steps) shown.push_back(step.name);
    EXPECT_EQ(shown, anew);
    EXPECT_THAT(world.when(by_hand, "person:alice"),
                happened_in_order("activity.fenced retire-old#1", "promotion.succeeded #2", "promotion.planned #3 v1",
                                  "rollback.started to v1", "activity.started rollback-deploy#1"));
    EXPECT_EQ(world.steps(production), anew);
    EXPECT_EQ(world.effect(production).step.slot, "blue");
    roll(world);
    EXPECT_EQ(world.running(production), "v1");
    EXPECT_EQ(world.at(production).stable_slot, "blue");
  }
}

TEST(Canary, OnceWhatRanBeforeIsGoingItIsTooLateToCancel) {
  auto world = given_v2(two_pauses());
  roll(world, "retire-old");
  EXPECT_THAT(world.cancel(second), Refused("headgate rollback --environment production --service gateway"));
  EXPECT_EQ(world.effect(production).id.step, "retire-old");
}

TEST(Canary, OnceWhatRanBeforeIsGoingAMonitorHasItBroughtAnewToo) {
  auto world = given_v1(two_pauses());
  auto watched = slotted();
  Monitor monitor;
  monitor.name = "api";
  monitor.services = {"gateway"};
  monitor.check = health("api");
  monitor.every = 1min;
  monitor.on_failure = OnMonitorFailure::rollback;
  watched.monitors = {monitor};
  world.push({{watched, target(production, release("v2"))}});
  roll(world, "retire-old");
  EXPECT_THAT(world.when(ReportMonitor{{"production", "api"}, false, 1, world.now, "500"}, "engine"),
              happened_in_order("release.quarantined v2", "rollback.requested #3", "promotion.succeeded #2",
                                "rollback.started to v1", "activity.started rollback-deploy#1"));
  EXPECT_EQ(world.steps(production), anew);
  roll(world);
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Canary, WhatCannotBeRetiredInTheEndUndoesNoWayBackEither) {
  auto world = given_v2(two_pauses());
  roll(world);
  world.when(by_hand, "person:alice");
  roll(world, "rollback-retire");
  EXPECT_THAT(world.finish(production, Kind::terminal, "exit 1"),
              happened_in_order("step.failed rollback-retire", "rollback.succeeded #3", "incident.resolved"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_EQ(world.at(production).stable_slot, "blue");
}

TEST(Canary, WhatIsAdoptedAfterAFailedWayBackTakesItsSlot) {
  for (const auto& [seen, slot, other] : {std::tuple{"v2", "green", "blue"}, std::tuple{"v1", "blue", "green"}}) {
    auto world = given_v2(two_pauses());
    roll(world, "smoke");
    world.finish(production, Kind::unhealthy, "500");
    EXPECT_THAT(world.finish(production, Kind::terminal, "exit 1"), Contains("rollback.failed #2"));
    world.observe(production, seen);
    EXPECT_THAT(world.when(AdoptTarget{production, "it serves"}, "person:alice"),
                Contains("target.adopted " + std::string(seen)));
    EXPECT_EQ(world.at(production).stable_slot, slot);
    world.when(ResolveIncident{"1", "the balancer was away"}, "person:alice");
    world.push(target(production, release("v3")));
    EXPECT_EQ(world.effect(production).id.step, "shift-0");
    EXPECT_EQ(world.effect(production).step.slot, other) << "traffic stays with what was adopted";
  }
}

TEST(Canary, WhatIsAdoptedAfterAFailureLeftToAPersonTakesItsSlot) {
  auto s = two_pauses();
  s.rollback_automatic = false;
  auto world = given_v2(s);
  roll(world, "smoke");
  world.finish(production, Kind::unhealthy, "500");
  world.observe(production, "v2");
  world.when(AdoptTarget{production, "the check is wrong"}, "person:alice");
  EXPECT_EQ(world.at(production).stable_slot, "green");
}

TEST(Canary, WhatIsAdoptedAfterAFailedRollbackByHandTakesItsSlot) {
  for (const std::string failing : {"rollback-deploy", "rollback-smoke"}) {
    auto world = given_v2(two_pauses());
    roll(world);
    world.when(by_hand, "person:alice");
    roll(world, failing);
    EXPECT_THAT(world.finish(production, Kind::terminal, "exit 1"), Contains("rollback.failed #3"));
    const bool shifted = failing == "rollback-smoke";
    world.observe(production, shifted ? "v1" : "v2");
    world.when(AdoptTarget{production, "it serves"}, "person:alice");
    EXPECT_EQ(world.running(production), shifted ? "v1" : "v2");
    EXPECT_EQ(world.at(production).stable_slot, shifted ? "blue" : "green");
  }
}

TEST(Canary, TheFirstReleaseThatFailsAndIsAdoptedKeepsItsSlot) {
  World world;
  world.push({{access_policy(), slotted(), measured_service(two_pauses()), target(production, release("v1"))}, {}});
  world.observe(production, "");
  roll(world, "smoke");
  world.finish(production, Kind::unhealthy, "500");
  EXPECT_THAT(world.finish(production, Kind::terminal, "exit 1"), Contains("rollback.failed #1"));
  world.observe(production, "v1");
  world.when(AdoptTarget{production, "the check is wrong"}, "person:alice");
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_EQ(world.at(production).stable_slot, "blue");
}

TEST(Canary, WhatNobodyKnowsTheSlotOfIsNotAdopted) {
  auto world = given_v2(two_pauses());
  roll(world, "smoke");
  world.finish(production, Kind::unhealthy, "500");
  world.finish(production, Kind::terminal, "exit 1");
  world.observe(production, "v9");
  EXPECT_THAT(world.when(AdoptTarget{production, "it serves"}, "person:alice"),
              Refused("release v9 tells nobody which of them has the traffic"));
  EXPECT_EQ(world.error.code, ErrorCode::conflict);
}

TEST(Canary, WhatWasLeftHalfDoneTakesItsSlotAfterAnotherTryThatChangedNothing) {
  auto world = given_v2(two_pauses());
  roll(world, "smoke");
  world.finish(production, Kind::unhealthy, "500");
  world.finish(production, Kind::terminal, "exit 1");
  world.request(production, "v3");
  ASSERT_THAT(world.cancel(promotion(production, 3)), Contains("promotion.cancelled #3"));
  world.observe(production, "v9");
  EXPECT_THAT(world.when(AdoptTarget{production, "it serves"}, "person:alice"),
              Refused("release v9 tells nobody which of them has the traffic: headgate promote"));
  world.observe(production, "v2");
  EXPECT_THAT(world.when(AdoptTarget{production, "it serves"}, "person:alice"), Contains("target.adopted v2"));
  EXPECT_EQ(world.at(production).stable_slot, "green");
}

TEST(Canary, TrafficGoesBackToWhatNeverLeftAlthoughItIsQuarantined) {
  auto world = given_v2(two_pauses());
  roll(world, "pause-2");
  world.when(QuarantineRelease{{"gateway", "v1"}, "CVE-2026-1"}, "person:alice");
  EXPECT_THAT(next_measurement(world, bad),
              happened_in_order("rollback.started to v1", "activity.started rollback-shift#1"));
  EXPECT_THAT(roll(world), happened_in_order("rollback.succeeded #2", "incident.noted"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_THAT(open_incident(world.state, production)->second.next,
              HasSubstr("release v1 is verified here, but quarantined (CVE-2026-1): headgate promote another release"));
}

TEST(Canary, ByHandTooTrafficGoesBackToWhatNeverLeftAlthoughItIsQuarantined) {
  for (const bool another : {false, true}) {
    auto world = given_v2(two_pauses());
    const std::string stable = another ? "v2" : "v1";
    if (another) {
      roll(world);
      world.push(target(production, release("v3")));
    }
    roll(world, "pause-2");
    world.when(QuarantineRelease{{"gateway", stable}, "CVE-2026-1"}, "person:alice");
    EXPECT_THAT(world.when(by_hand, "person:alice"),
                happened_in_order("rollback.started to " + stable, "activity.started rollback-shift#1"));
    EXPECT_EQ(world.effect(production).step.slot, another ? "green" : "blue");
    EXPECT_THAT(world.steps(production), ElementsAre("rollback-shift", "rollback-smoke", "rollback-retire"));
    roll(world);
    EXPECT_EQ(world.running(production), stable);
    EXPECT_THAT(open_incident(world.state, production)->second.next, HasSubstr("but quarantined (CVE-2026-1)"));
  }
}

TEST(Canary, AnotherReleaseIsNeverDeployedOverWhatHasTraffic) {
  for (const bool held : {false, true}) {
    auto s = two_pauses();
    s.rollback_automatic = !held;
    auto world = given_v2(s);
    roll(world);
    world.push(target(production, release("v3")));
    roll(world, "pause-2");
    if (held) next_measurement(world, bad);
    const RollBack to_v1{{production}, "v1", "both are slow", "all"};
    EXPECT_THAT(world.when(to_v1, "person:alice"),
                Refused("over release v2 at gateway/production, which has traffic beside release v3: take back what is "
                        "being rolled out first: headgate rollback --environment production --service gateway"));
    EXPECT_EQ(world.error.code, ErrorCode::conflict);
    EXPECT_THAT(world.when(by_hand, "person:alice"), Contains("activity.started rollback-shift#1"));
    EXPECT_THAT(world.when(to_v1, "person:alice"), Refused("wait for gateway/production/4"));
    roll(world);
    EXPECT_EQ(world.running(production), "v2");
    EXPECT_THAT(world.when(to_v1, "person:alice"), Contains("rollback.started to v1"));
    EXPECT_EQ(world.steps(production), anew);
    EXPECT_EQ(world.effect(production).step.slot, "blue");
    roll(world);
    EXPECT_EQ(world.running(production), "v1");
  }
}

TEST(Canary, AMeasurementEndsByItselfAndIsNotTriedAgain) {
  auto world = given_v2(two_pauses());
  roll(world, "pause-1");
  for (int i = 0; i < 100 && !measuring(world); ++i) world.pass(world.state.wakeups.begin()->first - world.now);
  EXPECT_THAT(world.when(RetryPromotion{second, "it hangs"}, "person:alice"), Refused("no attempt of a step runs"));
}

TEST(Canary, APauseThatIsTriedAgainCountsItsLimitsAnew) {
  auto metric = error_rate();
  metric.consecutive_error_limit = 0;
  auto s = two_pauses();
  s.rollback_automatic = false;
  auto world = given_v2(s, {metric});
  roll(world, "pause-1");
  EXPECT_THAT(next_measurement(world, {}, Kind::retryable),
              happened_in_order("step.failed pause-1", "promotion.failed #2"));
  auto frozen = world;
  EXPECT_THAT(world.when(RetryPromotion{second, "Prometheus is back"}, "person:alice"),
              ElementsAre("promotion.retried #2", "promotion.started #2", "step.started pause-1", "timer.set pause-1",
                          "step.waiting pause-1"));
  const auto began = world.now;
  roll(world, "shift-50");
  EXPECT_EQ(world.now - began, 3min);
  roll(world);
  EXPECT_EQ(world.running(production), "v2");

  frozen.pass(1h);
  frozen.when(SetFreeze{"production", {}, "the audit", {}}, "person:alice");
  EXPECT_THAT(frozen.when(RetryPromotion{second, "Prometheus is back"}, "person:alice"),
              ElementsAre("promotion.retried #2", "step.waiting pause-1"));
  EXPECT_THAT(frozen.pass(1h), IsEmpty());
  EXPECT_THAT(frozen.when(LiftFreeze{"1", "over"}, "person:alice"), Contains("step.started pause-1"));
}

TEST(Canary, FailureLimitCountsFailuresOverAllPauses) {
  auto metric = error_rate();
  metric.failure_limit = 1;
  auto world = given_v2(two_pauses(), {metric});
  roll(world, "pause-1");
  EXPECT_THAT(next_measurement(world, bad), Not(Contains("step.failed pause-1")));
  roll(world, "pause-2");
  EXPECT_THAT(next_measurement(world, bad), happened_in_order("step.failed pause-2", "rollback.started to v1"));
}

TEST(Canary, InconclusiveMeasurementsBeyondTheirLimitWaitForAPerson) {
  auto metric = error_rate();
  metric.inconclusive_limit = 1;
  auto world = given_v2(two_pauses(), {metric});
  roll(world, "pause-1");
  next_measurement(world, few);
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("pause-1 of 3m runs until")));
  next_measurement(world, few);
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("49 samples, minSamples is 50")));
  for (int i = 0; i < 5; ++i) next_measurement(world, good());
  EXPECT_EQ(world.live(production).current()->step->name, "pause-1");
  EXPECT_THAT(world.when(ResumePause{second, "looks fine"}, "person:alice"),
              happened_in_order("pause.resumed pause-1", "step.succeeded pause-1", "activity.started shift-50#1"));
  roll(world);
  EXPECT_EQ(world.running(production), "v2");
}

TEST(Canary, WhoResumesAMeasuredPauseDoesNotShortenIt) {
  auto metric = error_rate();
  metric.inconclusive_limit = 0;
  auto world = given_v2(two_pauses(), {metric});
  roll(world, "pause-1");
  const auto began = world.now;
  next_measurement(world, few);
  EXPECT_THAT(world.when(ResumePause{second, "looks fine"}, "person:alice"),
              happened_in_order("pause.resumed pause-1"));
  EXPECT_EQ(world.live(production).current()->step->name, "pause-1");
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("pause-1 of 3m runs until")));
  roll(world, "shift-50");
  EXPECT_EQ(world.now - began, 3min) << "what was not measured is forgiven";
}

TEST(Canary, WhatIsNotMeasuredAfterAResumeIsAskedForAgain) {
  auto metric = error_rate();
  metric.inconclusive_limit = 0;
  auto world = given_v2(two_pauses(), {metric});
  roll(world, "pause-1");
  const auto began = world.now;
  const ResumePause resume{second, "looks fine"};
  for (int i = 0; i < 2; ++i) {
    next_measurement(world, few);
    EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("49 samples, minSamples is 50")));
    world.when(resume, "person:alice");
    EXPECT_THAT(world.when(resume, "person:alice"), Refused("is resumed already"));
  }
  for (int i = 0; i < 3; ++i) next_measurement(world, {}, Kind::retryable);
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("until its measurements cover 3m: error-rate")));
  roll(world, "shift-50");
  EXPECT_EQ(world.now - began, 7min) << "two were forgiven, and the gap is made up for";
}

TEST(Canary, ErrorsInARowBeyondTheirLimitRollBackWithoutEvidence) {
  auto metric = error_rate();
  metric.consecutive_error_limit = 1;
  auto world = given_v2(two_pauses(), {metric});
  roll(world, "pause-1");
  next_measurement(world, {}, Kind::retryable);
  next_measurement(world, good());
  next_measurement(world, {}, Kind::retryable);
  EXPECT_EQ(world.live(production).current()->step->name, "pause-1");
  EXPECT_THAT(next_measurement(world, {}, Kind::retryable),
              happened_in_order("step.failed pause-1", "rollback.started to v1"));
  EXPECT_EQ(world.state.quarantine("gateway", release("v2")), nullptr);
}

TEST(Canary, OneMeasurementMayBeMissedTwoMayNot) {
  for (const int missed : {1, 2}) {
    auto world = given_v2(two_pauses());
    roll(world, "pause-1");
    const auto began = world.now;
    for (int i = 0; i < missed; ++i) next_measurement(world, {}, Kind::retryable);
    roll(world, "shift-50");
    EXPECT_EQ(world.now - began, missed == 1 ? 3min : 6min) << missed;
  }
}

TEST(Canary, TimeInWhichHeadgateWasDownDoesNotCount) {
  auto world = given_v2(two_pauses());
  roll(world, "pause-1");
  next_measurement(world, good());
  world.now += 1h;
  world.pass(0s);
  EXPECT_EQ(world.live(production).current()->step->name, "pause-1");
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("until its measurements cover 3m: error-rate")));
  const auto back = world.now;
  roll(world, "shift-50");
  EXPECT_EQ(world.now - back, 2min);
}

TEST(Canary, AWallClockThatJumpsNeitherShortensNorStretchesAPause) {
  for (const Duration jump : {Duration(1h), Duration(-1h)}) {
    auto world = given_v2(two_pauses());
    roll(world, "pause-1");
    next_measurement(world, good());
    world.clock_jumps(jump);
    EXPECT_EQ(world.live(production).current()->step->name, "pause-1");
    const auto now = world.now;
    roll(world, "shift-50");
    EXPECT_EQ(world.now - now, 2min);
  }
}

TEST(Canary, WhileEffectsArePausedNothingIsMeasuredOrShifted) {
  auto world = given_v2(two_pauses());
  roll(world, "pause-1");
  world.when(PauseEffects{"maintenance"}, "person:alice");
  world.pass(10min);
  EXPECT_FALSE(measuring(world));
  world.when(ResumeEffects{"done"}, "person:alice");
  EXPECT_TRUE(measuring(world));
  roll(world, "shift-50");
  EXPECT_THAT(weights(world), ElementsAre("green 0", "green 5", "green 50"));
}

TEST(Canary, APauseWithoutDurationWaitsForAPersonUnderMeasurement) {
  World world;
  world.push({{access_policy(), slotted(), measured_service(canary({pause(), pause(1min), weight(100)})),
               target(production, release("v1"))},
              {}});
  world.observe(production, "");
  for (const auto* step : {"deploy", "shift-100"}) {
    EXPECT_EQ(world.effect(production).id.step, step);
    world.finish(production);
  }
  for (int i = 0; i < 10; ++i) next_measurement(world, good());
  EXPECT_THAT(world.unmet(production), ElementsAre("pause-1 waits for a person: the pause has no duration"));
  EXPECT_THAT(world.when(ResumePause{promotion(production, 1), {}}, "person:alice"),
              happened_in_order("pause.resumed pause-1", "step.succeeded pause-1", "step.started pause-2"));
}

TEST(Canary, ResumeIsForWhatWaitsForAPerson) {
  auto world = given_v2(two_pauses());
  EXPECT_THAT(world.when(ResumePause{second, {}}, "person:alice"), Refused("does not pause now"));
  EXPECT_THAT(world.when(ResumePause{promotion(production, 9), {}}, "person:alice"), Refused("no promotion"));
  roll(world, "pause-1");
  EXPECT_THAT(world.when(ResumePause{second, {}}, "person:alice"), Refused("ends by itself"));
}

TEST(Canary, AFreezeInTheMiddleHoldsTheNextShiftAndNoWayBack) {
  auto world = given_v2(two_pauses());
  roll(world, "pause-1");
  world.when(SetFreeze{"production", {}, "incident", {}}, "person:alice");
  for (int i = 0; i < 3; ++i) next_measurement(world, good());
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_EQ(world.live(production).current()->step->name, "shift-50");
  EXPECT_THAT(world.live(production).current()->unmet.at(0).text, HasSubstr("is frozen"));
  auto cancelled = world;
  cancelled.cancel(second);
  EXPECT_EQ(cancelled.effect(production).id.step, "rollback-shift");
  world.when(LiftFreeze{"1", "over"}, "person:alice");
  EXPECT_EQ(world.effect(production).id.step, "shift-50");
}

TEST(Canary, QuarantineElsewhereStopsTheNextShift) {
  auto world = given_v2(two_pauses());
  roll(world, "pause-1");
  world.when(QuarantineRelease{{"gateway", "v2"}, "leaks memory"}, "person:alice");
  roll(world);
  EXPECT_THAT(weights(world), ElementsAre("green 0", "green 5", "blue 100"));
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Canary, CancellingFencesTheMeasurementAndTakesTrafficBack) {
  auto world = given_v2(two_pauses());
  roll(world, "pause-1");
  world.pass(1min);
  ASSERT_TRUE(measuring(world));
  const auto late = world.effect(production);
  EXPECT_THAT(world.cancel(second), happened_in_order("activity.fenced pause-1#1", "rollback.started to v1",
                                                      "activity.started rollback-shift#1"));
  EXPECT_THAT(world.when(CompleteActivity{late.id, late.attempt, {}}, "engine"),
              ElementsAre("activity.fenced pause-1#1"));
  roll(world);
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Canary, ANewerWishIsPlannedOnceTheRolloutHasEnded) {
  auto world = given_v2(two_pauses());
  roll(world, "pause-1");
  world.push(target(production, release("v3")));
  roll(world);
  EXPECT_EQ(world.running(production), "v3");
  int live = 0;
  for (const auto& record : world.log) {
    if (std::holds_alternative<PromotionPlanned>(record.event)) {
      EXPECT_EQ(++live, 1) << line_of(record.event);
    } else if (std::holds_alternative<PromotionSucceeded>(record.event) ||
               std::holds_alternative<PromotionSuperseded>(record.event) ||
               std::holds_alternative<RollbackSucceeded>(record.event)) {
      --live;
    }
  }
}

TEST(Canary, ARollbackThatFailsLeavesTheTargetToAPerson) {
  auto world = given_v2(two_pauses());
  roll(world, "pause-2");
  next_measurement(world, bad);
  EXPECT_THAT(world.finish(production, Kind::terminal, "exit 1"),
              happened_in_order("step.failed rollback-shift", "rollback.failed #2"));
  EXPECT_NE(world.at(production).held, "");
}

TEST(Canary, AValueNeverEndsTheTextOfAQueryThatItStandsIn) {
  struct Row {
    const char* value;
    const char* in_query;
  };
  for (const auto& [value, in_query] :
       {Row{"eu", "eu"}, Row{"a\"} or vector(0)", "a\\x22} or vector(0)"}, Row{"a'b", "a\\x27b"}, Row{"a\\", "a\\\\"},
        Row{"a\\\"b", "a\\\\\\x22b"}, Row{"a`b", "a`b"}, Row{"#", "#"}, Row{"{{}}", "{{}}"}}) {
    auto metric = error_rate();
    metric.query = "errors{a=\"${variables.region}\",b='${variables.region}'}";
    metric.min_samples->query = metric.query;
    auto world = given_v1(two_pauses(), {metric});
    for (const char* version : {"v2", "v3"}) {  // the second one against a baseline of such a value
      world.push(target(production, release(version), {{"region", value}}));
      if (version == std::string_view("v2")) roll(world);
    }
    const std::string text = in_query;
    const auto expected = "errors{a=\"" + text + "\",b='" + text + "'}";
    const auto& planned = world.live(production).find("pause-1")->step->metrics.at(0);
    EXPECT_EQ(planned.query, expected);
    EXPECT_EQ(planned.min_samples->query, expected);
    EXPECT_EQ(planned.baseline->query, expected);
  }
}

TEST(Canary, WeightsAndQueriesAreInTheDigestAndLinesAreNot) {
  const auto digest = [](const Stage& s, const Metric& metric) {
    return given_v2(s, {metric}).live(production).plan_digest;
  };
  const auto base = digest(two_pauses(), error_rate());
  auto moved = two_pauses();
  for (auto& step : moved.strategy->canary->steps) step.line += 7;
  EXPECT_EQ(digest(moved, error_rate()), base);
  EXPECT_NE(digest(canary({weight(6), pause(3min), weight(50), pause(3min), weight(100)}), error_rate()), base);
  EXPECT_NE(digest(canary({weight(5), pause(4min), weight(50), pause(3min), weight(100)}), error_rate()), base);
  auto laxer = error_rate();
  laxer.max = Decimal{"0.06"};
  EXPECT_NE(digest(two_pauses(), laxer), base);
}

TEST(Canary, AnExpeditedPromotionPausesNoLongerThanItsStageSays) {
  auto s = two_pauses();
  s.expedite = Expedite{Duration(1min), {}};
  auto world = given_v1(s);
  RequestPromotion request{production, release("v2"), "security fix"};
  request.expedite = true;
  world.when(request, "person:alice");
  const auto began = world.now;
  roll(world);
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_EQ(world.now - began, 2min);
}

TEST(Canary, AfterAFailureLeftToAPersonTheSlotIsTakenOutOfTrafficFirst) {
  auto s = two_pauses();
  s.rollback_automatic = false;
  auto world = given_v2(s);
  roll(world, "pause-2");
  next_measurement(world, bad);
  EXPECT_NE(world.at(production).held, "");
  world.request(production, "v3");
  EXPECT_EQ(world.effect(production).id.step, "shift-0");
  EXPECT_EQ(world.effect(production).step.slot, "green");
  EXPECT_EQ(world.effect(production).step.weight, 0U);
}

}  // namespace
}  // namespace headgate::test
