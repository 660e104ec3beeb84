// Gates that Headgate runs itself: by a schedule for what is deployed, without one when a promotion waits for them.
#include "engine/domain/gate_runs.h"

#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using Kind = Outcome::Kind;

const TargetId place = gates_of("gateway");

// The gate scan is run by Headgate, and production asks for it.
Service with_run(std::string schedule = {}, std::optional<Duration> max_age = {}) {
  auto s = stage("production");
  s.gates = {"scan"};
  auto policy = service({stage("staging"), s});
  policy.gates[1].run = script({"hooks/scan.sh", "${release.artifacts.image}"});
  policy.gates[1].metrics.clear();
  policy.gates[1].schedule = std::move(schedule);
  policy.gates[1].max_age = max_age;
  return policy;
}

// v1 runs everywhere.
World given(const Service& policy) {
  World world;
  world.push({{access_policy(), environment("staging"), environment("production"), policy,
               target(staging, release("v1")), target(production, release("v1"))},
              {},
              "person:frank"});
  world.observe(staging, "v1");
  world.observe(production, "v1");
  return world;
}

Lines wish_v2(World& world) {
  return world.push(target(production, release("v2")), "person:frank");
}

Lines outcome(World& world, Outcome outcome) {
  const auto activity = world.effect(place);
  return world.when(CompleteActivity{activity.id, activity.attempt, std::move(outcome)}, "engine");
}

const GateReported& reported(const World& world) {
  for (auto at = world.log.rbegin(); at != world.log.rend(); ++at) {
    if (const auto* event = std::get_if<GateReported>(&at->event)) return *event;
  }
  throw std::logic_error("no report");
}

std::string first_remedy(const World& world) {
  for (const auto& condition : judge(world.state, world.live(production), world.now)) {
    if (!condition.met) return condition.remedy;
  }
  return {};
}

// As the reconciler would, every night at two for ten days.
Lines expand(World& world) {
  GateScheduled expanded{{"gateway"}, "scan", "0 2 * * *", world.now + 240h, {}};
  for (int day = 1; day < 10; ++day) {
    expanded.times.push_back(std::chrono::floor<std::chrono::days>(world.now) + 24h * day + 2h);
  }
  return world.when(ExpandGateSchedule{expanded}, "engine");
}

// --------------------------------------------------------------------------------------------------------- at need

TEST(GateRuns, BeginWhenAPromotionWaitsForTheReport) {
  auto world = given(with_run());
  EXPECT_THAT(world.effects(), IsEmpty()) << "nobody asks for it";
  EXPECT_THAT(wish_v2(world), Contains("gate.started scan v2#1"));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/@gates/1/scan#1"));
  const auto activity = world.effect(place);
  EXPECT_EQ(activity.gate, "scan");
  EXPECT_EQ(activity.to.release, release("v2"));
  EXPECT_THAT(activity.step.run->command, ElementsAre("hooks/scan.sh", release("v2").artifacts.at("image")));
  EXPECT_THAT(world.unmet(production), Contains(HasSubstr("; Headgate runs it")));
}

TEST(GateRuns, APassIsAReportWithEvidenceAndThePromotionGoesOn) {
  auto world = given(with_run());
  wish_v2(world);
  Outcome passed;
  passed.evidence.text = R"({"metrics":{"critical":0}})";
  passed.metrics = {{"critical", {"0"}}};
  passed.output = "sha256:00";
  EXPECT_THAT(outcome(world, passed), happened_in_order("gate.reported scan", "promotion.started #1"));
  const auto& report = reported(world);
  EXPECT_EQ(report.status, GateStatus::passed);
  EXPECT_EQ(report.commit, release("v2").commit);
  EXPECT_EQ(report.run, 1U);
  EXPECT_EQ(report.evidence->text, R"({"metrics":{"critical":0}})");
  EXPECT_EQ(report.metrics.at("critical").text, "0");
  EXPECT_EQ(report.report, "sha256:00");
  EXPECT_FALSE(world.state.services.at("gateway").runs.active);
}

TEST(GateRuns, AFailureIsAVerdictAndIsNotRunAgain) {
  auto world = given(with_run());
  wish_v2(world);
  EXPECT_THAT(outcome(world, {Kind::unhealthy, "exit 1: 3 critical", {}, {}}),
              ElementsAre("gate.reported scan", "step.waiting gates"));
  EXPECT_EQ(reported(world).status, GateStatus::failed);
  EXPECT_EQ(reported(world).summary, "exit 1: 3 critical");
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("gate scan: failed")));
  EXPECT_THAT(world.pass(100h), IsEmpty());
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(GateRuns, WhatTellsNothingIsTriedAgainAndThenAnError) {
  auto world = given(with_run());
  wish_v2(world);
  for (std::uint32_t attempt = 1; attempt < max_attempts; ++attempt) {
    EXPECT_THAT(outcome(world, {Kind::retryable, "exit 75", {}, {}}),
                Contains("gate.retried scan#" + std::to_string(attempt + 1)));
    EXPECT_THAT(world.effects(), IsEmpty());
    EXPECT_THAT(world.pass(10min), Contains("gate.started scan v2#" + std::to_string(attempt + 1)));
  }
  EXPECT_THAT(outcome(world, {Kind::retryable, "exit 75", {}, {}}), Contains("gate.reported scan"));
  EXPECT_EQ(reported(world).status, GateStatus::error);
  EXPECT_EQ(reported(world).summary, "exit 75 (given up after 6 attempts)");
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("could not be judged (error)")));
  EXPECT_THAT(world.pass(100h), Not(Contains(HasSubstr("gate.started"))));
}

TEST(GateRuns, AnErrorIsRunAgainForTheNextPromotion) {
  auto world = given(with_run());
  wish_v2(world);
  EXPECT_THAT(outcome(world, {Kind::terminal, "not allowed", {}, {}}), Contains("gate.reported scan"));
  EXPECT_EQ(reported(world).status, GateStatus::error);
  world.cancel(promotion(production, 1));
  EXPECT_THAT(world.request(production, "v2"), Contains("gate.started scan v2#1"));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/@gates/2/scan#1"));
}

TEST(GateRuns, AnErrorSaysHowToHaveItRunAgain) {
  auto world = given(with_run());
  wish_v2(world);
  outcome(world, {Kind::terminal, "killed by signal 9", {}, {}});
  EXPECT_THAT(first_remedy(world),
              HasSubstr("headgate cancel gateway/production/1, then headgate promote gateway --to production "
                        "--release v2; or report it: headgate gate report --service gateway"));
  world.gate("scan", "v2", GateStatus::failed);
  EXPECT_THAT(first_remedy(world), HasSubstr("mend what it found"));
}

TEST(GateRuns, AnErrorOfAGateThatHeadgateDoesNotRunIsReportedAgain) {
  auto policy = with_run();
  policy.gates[1].run.reset();
  auto world = given(policy);
  wish_v2(world);
  world.gate("scan", "v2", GateStatus::error);
  EXPECT_THAT(first_remedy(world), StartsWith("run it again and report it: headgate gate report --service gateway"));
}

TEST(GateRuns, AReportFromOutsideIsAsGood) {
  auto world = given(with_run());
  world.when(RegisterRelease{"gateway", release("v2"), {}, {}});
  world.gate("scan", "v2");
  EXPECT_THAT(wish_v2(world), Not(Contains(HasSubstr("gate.started"))));
}

TEST(GateRuns, ComeAfterWhatTheyComeAfter) {
  auto policy = with_run();
  policy.gates[1].after = {"lint"};
  auto world = given(policy);
  EXPECT_THAT(wish_v2(world), Not(Contains(HasSubstr("gate.started"))));
  EXPECT_THAT(world.gate("lint", "v2"), Contains("gate.started scan v2#1"));
  EXPECT_THAT(outcome(world, {}), Contains("promotion.started #1"));
  EXPECT_THAT(reported(world).after, ElementsAre("lint"));
}

TEST(GateRuns, BeginAgainOnceAReportIsTooOld) {
  auto policy = with_run({}, 24h);
  policy.stages[1].wait = 48h;
  auto world = given(policy);
  wish_v2(world);
  outcome(world, {});
  const auto later = world.pass(48h);
  EXPECT_THAT(later, Contains("gate.started scan v2#1"));
  EXPECT_THAT(outcome(world, {}), Contains("promotion.started #1"));
}

TEST(GateRuns, OfOneServiceComeOneAfterTheOther) {
  auto policy = with_run();
  policy.stages[0].gates = {"scan"};
  auto world = given(policy);
  world.push({{target(staging, release("v3")), target(production, release("v2"))}, {}, "person:frank"});
  EXPECT_THAT(world.effects(), ElementsAre("gateway/@gates/1/scan#1"));
  EXPECT_THAT(outcome(world, {}), Contains(HasSubstr("gate.started scan")));
  EXPECT_THAT(world.effects(), Contains("gateway/@gates/2/scan#1"));
  EXPECT_NE(world.effect(place).to.release, release("v1"));
}

TEST(GateRuns, TwoTargetsThatWaitForOneReleaseAreServedByOneRun) {
  auto policy = with_run();
  policy.stages[0].gates = {"scan"};
  auto world = given(policy);
  world.push({{target(staging, release("v2")), target(production, release("v2"))}, {}, "person:frank"});
  EXPECT_THAT(outcome(world, {}), Not(Contains(HasSubstr("gate.started"))));
}

TEST(GateRuns, StandStillWhileEffectsArePaused) {
  auto world = given(with_run());
  world.when(PauseEffects{"an incident"}, "person:alice");
  EXPECT_THAT(wish_v2(world), Not(Contains(HasSubstr("gate.started"))));
  EXPECT_THAT(world.when(ResumeEffects{"over"}, "person:alice"), Contains("gate.started scan v2#1"));
  outcome(world, {Kind::retryable, "exit 75", {}, {}});
  world.when(PauseEffects{"another"}, "person:alice");
  EXPECT_THAT(world.pass(1h), IsEmpty());
  EXPECT_THAT(world.when(ResumeEffects{"over"}, "person:alice"), Contains("gate.started scan v2#2"));
}

TEST(GateRuns, AnOutcomeOfAnotherAttemptIsNone) {
  auto world = given(with_run());
  wish_v2(world);
  const auto first = world.effect(place);
  outcome(world, {Kind::retryable, "exit 75", {}, {}});
  EXPECT_THAT(world.when(CompleteActivity{first.id, 1, {}}, "engine"), IsEmpty());
  world.pass(10min);
  EXPECT_THAT(world.when(CompleteActivity{first.id, 1, {}}, "engine"), IsEmpty());
  EXPECT_THAT(outcome(world, {}), Contains("gate.reported scan"));
  EXPECT_THAT(world.when(CompleteActivity{first.id, 2, {}}, "engine"), IsEmpty());
  EXPECT_THAT(world.when(CompleteActivity{{{place, 9}, "scan"}, 1, {}}, "engine"), Refused("no activity"));
}

TEST(GateRuns, AreNoPartOfThePlan) {
  auto world = given(with_run());
  wish_v2(world);
  auto changed = with_run();
  changed.gates[1].run->blob = commit_id(99);
  EXPECT_THAT(world.push(changed, "person:frank"), Not(Contains(HasSubstr("promotion."))));
  EXPECT_NE(world.effect(place).step.run->blob, commit_id(99)) << "what has begun goes on as it began";
}

// ----------------------------------------------------------------------------------------------------- by a schedule

TEST(ScheduledGates, RunForEachReleaseThatIsDeployedWhenTheyComeDue) {
  auto world = given(with_run("0 2 * * *"));
  world.push(target(staging, release("v2")), "person:frank");
  world.finish_all(staging);
  EXPECT_THAT(expand(world), ElementsAre("gate.scheduled"));
  EXPECT_THAT(world.pass(17h - 1ms), IsEmpty());
  EXPECT_THAT(world.pass(1ms), ElementsAre("gate.due scan of 2", "gate.started scan v1#1"));
  EXPECT_THAT(outcome(world, {}), ElementsAre("gate.reported scan", "gate.started scan v2#1"));
  EXPECT_THAT(outcome(world, {}), ElementsAre("gate.reported scan"));
  EXPECT_EQ(reported(world).commit, release("v2").commit);
  EXPECT_THAT(world.pass(24h), ElementsAre("gate.due scan of 2", "gate.started scan v1#1"));
}

TEST(ScheduledGates, AreNotRunForWhatIsNotDeployed) {
  auto world = given(with_run("0 2 * * *"));
  expand(world);
  EXPECT_THAT(wish_v2(world), Not(Contains(HasSubstr("gate.started"))));
  EXPECT_THAT(world.unmet(production),
              ElementsAre(HasSubstr("for what is deployed, by its schedule 0 2 * * *, next at 2026-11-21T02:00")));
}

TEST(ScheduledGates, OneReleaseIsRunOnceHoweverManyTargetsRunIt) {
  auto world = given(with_run("0 2 * * *"));
  expand(world);
  EXPECT_THAT(world.pass(24h), ElementsAre("gate.due scan of 1", "gate.started scan v1#1"));
}

TEST(ScheduledGates, OfSeveralTimesThatWereMissedTheLastCounts) {
  auto world = given(with_run("0 2 * * *"));
  expand(world);
  world.now += 72h;  // nobody looked
  EXPECT_THAT(world.pass(1s), ElementsAre("gate.due scan of 1", "gate.started scan v1#1"));
  const auto& due = std::get<GateDue>(world.log.at(world.log.size() - 2).event);
  EXPECT_EQ(format_timestamp(due.due), "2026-11-23T02:00:00.000000Z");
  outcome(world, {});
  EXPECT_THAT(world.pass(1h), IsEmpty());
}

TEST(ScheduledGates, WithNothingDeployedNothingIsRun) {
  World world;
  world.push({{access_policy(), environment("staging"), environment("production"), with_run("0 2 * * *")},
              {},
              "person:frank"});
  expand(world);
  EXPECT_THAT(world.pass(24h), ElementsAre("gate.due scan of 0"));
}

TEST(ScheduledGates, AnExpansionOfAnotherScheduleIsDropped) {
  auto world = given(with_run("0 3 * * *"));
  EXPECT_THAT(expand(world), IsEmpty());
}

TEST(ScheduledGates, GoWithTheirRun) {
  auto world = given(with_run("0 2 * * *"));
  expand(world);
  auto without = with_run();
  without.gates[1].run.reset();
  world.push(without, "person:frank");
  EXPECT_THAT(world.pass(48h), IsEmpty());
}

TEST(ScheduledGates, AreExpandedFurtherWithoutLosingATimeThatHasCome) {
  auto world = given(with_run("0 2 * * *"));
  expand(world);
  world.now += 24h;  // two o'clock has passed, and nobody looked
  EXPECT_THAT(expand(world), ElementsAre("gate.scheduled", "gate.due scan of 1", "gate.started scan v1#1"));
}

}  // namespace
}  // namespace headgate::test
