// Monitors: what a failure means, what it does not, slas, and how long a service was away while it was deployed.
#include "engine/domain/monitors.h"

#include "engine/domain/rollback.h"
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = Outcome::Kind;

const MonitorId api{"production", "api"};

Stage verified() {
  auto s = stage("production");
  s.verify = {health("smoke")};
  return s;
}

Monitor monitor(OnMonitorFailure on_failure, std::vector<std::string> services = {"gateway"}) {
  Monitor m;
  m.name = "api";
  m.check = health("api");
  m.services = std::move(services);
  m.every = 1min;
  m.failure_limit = 3;
  m.on_failure = on_failure;
  return m;
}

Environment watched(Monitor m) {
  auto e = environment("production");
  e.monitors = {std::move(m)};
  return e;
}

void bring(World& world, const std::string& version) {
  world.push(target(production, release(version)));
  world.finish_all(production);
  world.pass(1h);
}

// v1 was adopted, v2 promoted.
World given_v2_runs(Monitor m, const Stage& s = verified()) {
  auto world = World::running_v1(s);
  world.push(watched(std::move(m)));
  bring(world, "v2");
  return world;
}

// Three looks in a row, one a minute.
Lines fails(World& world) {
  const auto since = world.now;
  world.pass(2min);
  return world.when(ReportMonitor{api, false, 3, since, "status 500, expected 200"}, "engine");
}

Lines passes(World& world) {
  return world.when(ReportMonitor{api, true}, "engine");
}

template <class E>
const E& last(const World& world) {
  for (auto at = world.log.rbegin(); at != world.log.rend(); ++at) {
    if (const auto* event = std::get_if<E>(&at->event)) return *event;
  }
  throw std::logic_error("no such event");
}

// ------------------------------------------------------------------------------------------------------- an incident

TEST(Monitors, AFailureOpensAnIncidentOnce) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::incident));
  EXPECT_THAT(fails(world), ElementsAre("monitor.failed", "incident.opened"));
  const auto& failed = last<MonitorFailed>(world);
  EXPECT_EQ(failed.failures, 3U);
  EXPECT_EQ(failed.since, world.now - 2min);
  EXPECT_THAT(failed.incidents, ElementsAre("1"));
  const auto& incident = last<IncidentOpened>(world);
  EXPECT_EQ(incident.target, production);
  EXPECT_EQ(incident.release, "v2");
  EXPECT_THAT(incident.reason, HasSubstr("monitor api fails: status 500"));
  EXPECT_THAT(fails(world), IsEmpty()) << "it is known";
  EXPECT_EQ(world.running(production), "v2");
}

TEST(Monitors, FewerFailuresThanTheLimitAreNone) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::incident));
  EXPECT_THAT(world.when(ReportMonitor{api, false, 2, world.now, "no"}, "engine"), IsEmpty());
  EXPECT_THAT(passes(world), IsEmpty());
}

TEST(Monitors, ARecoveryIsNotedInTheIncident) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::incident));
  fails(world);
  world.pass(10min);
  EXPECT_THAT(passes(world), ElementsAre("monitor.recovered", "incident.noted"));
  EXPECT_EQ(last<MonitorRecovered>(world).failed_for, 12min);
  EXPECT_THAT(last<IncidentNoted>(world).note, HasSubstr("passes again, after 12m"));
  EXPECT_THAT(last<IncidentNoted>(world).next, HasSubstr("headgate incident resolve 1"));
  EXPECT_THAT(fails(world), ElementsAre("monitor.failed", "incident.noted")) << "the incident is still open";
}

TEST(Monitors, ARollbackByHandLeavesTheIncidentOfOneThatStillFails) {
  auto s = verified();
  s.rollback_automatic = false;
  auto world = given_v2_runs(monitor(OnMonitorFailure::incident), s);
  world.push(target(production, release("v3")));
  ASSERT_THAT(world.finish(production, Kind::terminal, "no space"), Contains("incident.opened"));
  ASSERT_THAT(fails(world), ElementsAre("monitor.failed", "incident.noted"));
  auto mended = world;
  for (auto* w : {&world, &mended}) {
    if (w == &mended) passes(*w);
    w->when(RollBack{{production}, "previous", "back", "all"}, "person:alice");
    w->finish_all(production);
    ASSERT_EQ(w->at(production).held, "");
    EXPECT_EQ(has_open_incident(w->state, production), w == &world);
  }
}

TEST(Monitors, ARecoveryOfAResolvedIncidentNotesNothing) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::incident));
  fails(world);
  world.when(ResolveIncident{"1", "the network"}, "person:alice");
  EXPECT_THAT(passes(world), ElementsAre("monitor.recovered"));
}

TEST(Monitors, OneOfNoServiceOpensAnIncidentOfItsEnvironment) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::incident, {}));
  EXPECT_THAT(fails(world), ElementsAre("monitor.failed", "incident.opened"));
  EXPECT_EQ(last<IncidentOpened>(world).target, (TargetId{"", "production"}));
  EXPECT_EQ(address_of(world.log.back().event).subject, "production");
  EXPECT_EQ(world.at(production).open_incidents, 0U) << "no release is suspected";
  passes(world);
  EXPECT_THAT(fails(world), ElementsAre("monitor.failed", "incident.noted"));
  EXPECT_THAT(world.when(ResolveIncident{"1", "renewed"}, "person:alice"), ElementsAre("incident.resolved"));
  EXPECT_THAT(world.state.incidents, IsEmpty());
}

TEST(Monitors, AnOpenIncidentOfAMonitorMakesTheReleaseUnhealthyThere) {
  auto production_stage = stage("production");
  production_stage.healthy = {"staging"};
  auto place = environment("staging");
  place.monitors = {monitor(OnMonitorFailure::incident)};
  World world;
  world.push({{access_policy(), place, environment("production"), service({stage("staging"), production_stage}),
               target(staging, release("v1")), target(production, release("v0"))}});
  world.observe(staging, "");
  world.finish_all(staging);
  world.observe(production, "v0");
  world.when(ReportMonitor{{"staging", "api"}, false, 3, world.now, "no"}, "engine");
  world.push(target(production, release("v1")));
  EXPECT_THAT(world.unmet(production), Contains(HasSubstr("an incident of gateway/staging is open")));
}

TEST(Monitors, MaintenanceSilencesThem) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
  auto place = watched(monitor(OnMonitorFailure::rollback));
  place.maintenance = {{"database", world.now, world.now + 1h, 8}};
  world.push(place);
  EXPECT_TRUE(is_silent(place, world.now));
  EXPECT_THAT(fails(world), IsEmpty());
  world.pass(1h);
  EXPECT_FALSE(is_silent(place, world.now));
  EXPECT_THAT(fails(world), Contains("monitor.failed"));
}

TEST(Monitors, OneThatIsGoneTellsNothingAndIsForgotten) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::incident));
  fails(world);
  EXPECT_TRUE(world.state.monitors.contains(api));
  world.push(environment("production"));
  EXPECT_FALSE(world.state.monitors.contains(api));
  EXPECT_THAT(fails(world), IsEmpty());
}

// --------------------------------------------------------------------------------------------------------- a rollback

TEST(Monitors, AFailureTakesBackWhatAPromotionBroughtAndQuarantinesIt) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
  EXPECT_THAT(fails(world),
              ElementsAre("monitor.failed", "release.quarantined v2", "rollback.requested #2", "incident.opened",
                          "promotion.planned #2 v1", "rollback.started to v1", "incident.noted",
                          "step.started rollback-deploy", "activity.started rollback-deploy#1"));
  EXPECT_TRUE(last<RollbackStarted>(world).automatic);
  EXPECT_THAT(last<RollbackStarted>(world).reason, HasSubstr("monitor api fails: status 500"));
  EXPECT_THAT(world.live(production).people, IsEmpty());
  EXPECT_THAT(world.finish_all(production), Contains("rollback.succeeded #2"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_THAT(world.at(production).pinned, HasSubstr("monitor api fails"));
  EXPECT_EQ(world.state.incidents.size(), 1U) << "a person looks at it: the monitor may still fail";
}

TEST(Monitors, AWishThatHasFailedIsNotTriedAgainAfterARollback) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
  auto s = verified();
  s.before = {hook("backup")};
  world.push({{service({s}), target(production, release("v3"))}});
  EXPECT_THAT(world.finish(production, Kind::terminal, "no space"), Contains("promotion.failed #2"));
  fails(world);
  EXPECT_THAT(world.finish_all(production), happened_in_order("rollback.succeeded #3", "target.pinned"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_FALSE(world.at(production).promotion);
}

TEST(Monitors, WhatStillFailsAfterARollbackIsNotRolledBackAgain) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
  fails(world);
  world.finish_all(production);
  world.pass(1h);
  EXPECT_THAT(fails(world), IsEmpty()) << "it is the same failure";
  passes(world);
  EXPECT_THAT(fails(world), ElementsAre("monitor.failed", "incident.noted"))
      << "nothing was promoted since: what came back is not to blame";
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Monitors, TheNextReleaseMayBeRolledBackAgain) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
  fails(world);
  world.finish_all(production);
  passes(world);
  bring(world, "v3");
  EXPECT_EQ(world.running(production), "v3");
  EXPECT_THAT(fails(world), happened_in_order("release.quarantined v3", "rollback.started to v1"));
}

TEST(Monitors, WhatWasAdoptedIsLeftThere) {
  auto world = World::running_v1(verified());
  world.push(watched(monitor(OnMonitorFailure::rollback)));
  world.pass(1h);
  EXPECT_THAT(fails(world), ElementsAre("monitor.failed", "incident.opened"));
  EXPECT_THAT(last<IncidentOpened>(world).reason, HasSubstr("no promotion brought what runs"));
  EXPECT_EQ(world.state.quarantine("gateway", release("v1")), nullptr);
}

TEST(Monitors, WithoutAnotherReleaseNothingIsTakenAway) {
  World world;
  world.push({{access_policy(), watched(monitor(OnMonitorFailure::rollback)), service({verified()}),
               target(production, release("v1"))}});
  world.observe(production, "");
  world.finish_all(production);
  world.pass(1h);
  EXPECT_THAT(fails(world), ElementsAre("monitor.failed", "incident.opened"));
  EXPECT_THAT(last<IncidentOpened>(world).reason, HasSubstr("no other release was verified"));
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Monitors, AFailureFromBeforeTheReleaseIsNoEvidenceAgainstIt) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
  const auto since = world.now;
  world.pass(1min);
  bring(world, "v3");
  EXPECT_THAT(world.when(ReportMonitor{api, false, 70, since, "no"}, "engine"),
              ElementsAre("monitor.failed", "incident.opened"));
  EXPECT_THAT(last<IncidentOpened>(world).reason, HasSubstr("before release v3 was there"));
  EXPECT_EQ(world.running(production), "v3");
}

TEST(Monitors, AClockThatStepsChangesNothingOfThat) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
  world.clock_jumps(-48h);
  world.pass(1h);
  EXPECT_THAT(fails(world), Contains("rollback.requested #2"));
}

TEST(Monitors, APromotionUnderWayTakesItsOwnWayBack) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
  world.push(target(production, release("v3")));
  world.pass(1min);
  EXPECT_THAT(fails(world), ElementsAre("monitor.failed", "release.quarantined v3", "incident.opened",
                                        "activity.fenced deploy#1", "rollback.started to v2", "incident.noted",
                                        "step.started rollback-deploy", "activity.started rollback-deploy#1"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_FALSE(world.at(production).promotion);
}

TEST(Monitors, APromotionThatBeganAfterTheFailureIsNotItsCause) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
  const auto since = world.now;
  world.pass(1min);
  world.push(target(production, release("v3")));
  EXPECT_THAT(world.when(ReportMonitor{api, false, 3, since, "no"}, "engine"),
              ElementsAre("monitor.failed", "incident.opened"));
  EXPECT_THAT(last<IncidentOpened>(world).reason, HasSubstr("before gateway/production/2 began"));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v3");
}

TEST(Monitors, APromotionThatWaitsGivesWay) {
  auto s = verified();
  s.approvals = {{"managers", 1, 35}};
  auto world = World::running_v1(s);
  world.push(watched(monitor(OnMonitorFailure::rollback)));
  world.push(target(production, release("v2")));
  world.approve(promotion(production, 1), "person:carol");
  world.finish_all(production);
  world.pass(1h);
  world.push(target(production, release("v3")), "person:bob");
  EXPECT_THAT(fails(world), happened_in_order("release.quarantined v2", "rollback.requested #3",
                                              "promotion.superseded #2", "rollback.started to v1"));
}

TEST(Monitors, WhereItGoesBackAlreadyASecondMonitorTellsOnly) {
  auto both = watched(monitor(OnMonitorFailure::rollback));
  both.monitors.push_back(both.monitors.front());
  both.monitors.back().name = "page";
  auto world = World::running_v1(verified());
  world.push(both);
  bring(world, "v2");
  const auto since = world.now;
  fails(world);
  EXPECT_THAT(world.when(ReportMonitor{{"production", "page"}, false, 3, since, "no"}, "engine"),
              ElementsAre("monitor.failed", "incident.noted"));
  EXPECT_THAT(last<MonitorFailed>(world).incidents, ElementsAre("1"));
}

TEST(Monitors, AStageThatLeavesRollbacksToAPersonIsLeftToOne) {
  auto s = verified();
  s.rollback_automatic = false;
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback), s);
  EXPECT_THAT(fails(world), ElementsAre("monitor.failed", "incident.opened"));
  EXPECT_THAT(last<IncidentOpened>(world).next, HasSubstr("headgate rollback --environment production"));
  world.push(target(production, release("v3")));
  world.pass(1min);
  passes(world);
  EXPECT_THAT(fails(world), ElementsAre("monitor.failed", "incident.noted"));
  EXPECT_EQ(world.live(production).phase, Phase::running);
}

TEST(Monitors, AStageWithoutQuarantineBarsTheReleaseFromTriggersAlone) {
  auto s = verified();
  s.rollback_quarantine = false;
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback), s);
  EXPECT_THAT(fails(world), Not(Contains("release.quarantined v2")));
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v1");
  world.plan_by_trigger(production, "v2", Trigger::tag);
  EXPECT_THAT(world.unmet(production), Contains(HasSubstr("by a monitor")));
}

TEST(Monitors, NothingGoesBackAcrossWhatCannotBeUndone) {
  auto s = verified();
  s.before = {hook("migrate")};
  s.before.front().irreversible = true;
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback), s);
  EXPECT_THAT(fails(world), ElementsAre("monitor.failed", "incident.opened"));
  EXPECT_THAT(last<IncidentOpened>(world).next, HasSubstr("--break-glass"));
  EXPECT_EQ(world.running(production), "v2");
}

TEST(Monitors, OfTheSameReleaseWithOtherVariablesTheVariablesAreToBlame) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
  world.push(target(production, release("v2"), {{"replicas", "9"}}));
  world.finish_all(production);
  world.pass(1h);
  EXPECT_THAT(fails(world), happened_in_order("monitor.failed", "rollback.requested #3", "rollback.started to v2"));
  EXPECT_EQ(world.state.quarantine("gateway", release("v2")), nullptr);
}

TEST(Monitors, AClockThatJumpsHidesNoFailureAfterAPromotionBegan) {
  for (const Duration jump : {Duration(2h), Duration(-2h)}) {
    auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
    world.push(target(production, release("v3")));
    world.clock_jumps(jump);
    world.pass(1min);
    EXPECT_THAT(fails(world), happened_in_order("monitor.failed", "rollback.started to v2"));
  }
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
  const auto since = world.now + 2h;  // as it is called after the jump
  world.pass(1min);
  world.push(target(production, release("v3")));
  world.clock_jumps(2h);
  EXPECT_THAT(world.when(ReportMonitor{api, false, 3, since, "status 500"}, "engine"),
              ElementsAre("monitor.failed", "incident.opened"));
}

TEST(Monitors, WhileEffectsArePausedTheRollbackWaits) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::rollback));
  world.when(PauseEffects{"look"}, "person:alice");
  fails(world);
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.when(ResumeEffects{"go"}, "person:alice"), Contains("activity.started rollback-deploy#1"));
}

// --------------------------------------------------------------------------------------------------------------- slas

Monitor promising() {
  auto m = monitor(OnMonitorFailure::incident);
  m.sla = Sla{24h, Decimal{"99.5"}, {{95, 2s, 21}}, 20};
  return m;
}

Lines hour(World& world, std::uint64_t checks, std::uint64_t failures, std::vector<LatencyBucket> latency) {
  const auto began = std::chrono::floor<std::chrono::hours>(world.now);
  world.pass(1h);
  return world.when(SummarizeMonitor{{{"production"}, "api", began, checks, failures, std::move(latency), {}}},
                    "engine");
}

TEST(Slas, AViolationIsToldOnceUntilItIsMetAgain) {
  auto world = given_v2_runs(promising());
  EXPECT_THAT(hour(world, 100, 0, {{1'000, 100}}), ElementsAre("monitor.summarized"));
  EXPECT_THAT(hour(world, 100, 1, {{1'000, 100}}), ElementsAre("monitor.summarized")) << "199 of 200 are 99.5 %";
  EXPECT_THAT(hour(world, 100, 1, {{1'000, 100}}), ElementsAre("monitor.summarized", "sla.violated"));
  const auto& violated = last<SlaViolated>(world);
  EXPECT_EQ(violated.goal, "availability");
  EXPECT_EQ(violated.promised, "99.5 % of the looks pass");
  EXPECT_EQ(violated.checks, 300U);
  EXPECT_EQ(violated.missed, 2U);
  EXPECT_THAT(hour(world, 50, 1, {}), ElementsAre("monitor.summarized"));
  EXPECT_THAT(hour(world, 900, 0, {}), ElementsAre("monitor.summarized")) << "met again";
  EXPECT_THAT(last<MonitorSummarized>(world).violates, IsEmpty());
  EXPECT_THAT(hour(world, 100, 90, {}), ElementsAre("monitor.summarized", "sla.violated"));
}

TEST(Slas, LooksAtItsWindowAlone) {
  auto world = given_v2_runs(promising());
  EXPECT_THAT(hour(world, 10, 10, {}), Contains("sla.violated"));
  world.pass(23h);
  EXPECT_THAT(hour(world, 10, 0, {}), ElementsAre("monitor.summarized"));
  EXPECT_EQ(world.state.monitors.at(api).hours.size(), 1U);
  EXPECT_THAT(world.state.monitors.at(api).violated, IsEmpty());
}

TEST(Slas, LatenciesAreJudgedByTheirBuckets) {
  auto world = given_v2_runs(promising());
  EXPECT_THAT(hour(world, 100, 0, {{1'000, 90}, {2'000, 5}, {5'000, 5}}), ElementsAre("monitor.summarized"));
  EXPECT_THAT(hour(world, 100, 0, {{1'000, 94}, {5'000, 6}}), ElementsAre("monitor.summarized", "sla.violated"));
  EXPECT_EQ(last<SlaViolated>(world).goal, "p95");
  EXPECT_EQ(last<SlaViolated>(world).missed, 11U);
}

TEST(Slas, AMonitorWithoutOneIsSummarizedAndNothingIsKept) {
  auto world = given_v2_runs(monitor(OnMonitorFailure::incident));
  EXPECT_THAT(hour(world, 10, 10, {}), ElementsAre("monitor.summarized"));
  EXPECT_THAT(world.state.monitors, IsEmpty());
  EXPECT_THAT(hour(world, 0, 0, {}), IsEmpty());
}

// ----------------------------------------------------------------------------------------------------------- downtime

Stage measured(Duration max) {
  auto s = verified();
  s.downtime = Downtime{"smoke", 1s, max, 90};
  return s;
}

Lines deployed_with(World& world, ProbeResult seen) {
  world.push(target(production, release("v2")));
  const auto activity = world.effect(production);
  Outcome outcome;
  outcome.downtime = seen;
  return world.when(CompleteActivity{activity.id, activity.attempt, outcome}, "engine");
}

TEST(Downtime, IsMeasuredBesideTheDeployment) {
  auto world = World::running_v1(measured(30s));
  world.push(target(production, release("v2")));
  const auto probe = world.effect(production).probe;
  ASSERT_TRUE(probe);
  EXPECT_EQ(probe->check.http->url, "http://gateway.example.com/smoke") << "as the plan has it";
  EXPECT_EQ(probe->check.attempts, 1U);
  EXPECT_EQ(probe->max, 30s);
  world.finish(production);
  EXPECT_FALSE(world.effect(production).probe) << "the check itself needs none";
}

TEST(Downtime, ThatIsLongerThanAllowedIsRecordedAndNoReasonToGoBack) {
  auto world = World::running_v1(measured(30s));
  EXPECT_THAT(deployed_with(world, {100, 31, 31s + 400us}),
              happened_in_order("activity.succeeded deploy", "downtime.measured deploy", "step.succeeded deploy"));
  const auto& downtime = last<DowntimeMeasured>(world);
  EXPECT_EQ(downtime.longest, 31s) << "whole milliseconds";
  EXPECT_TRUE(downtime.exceeded);
  EXPECT_EQ(world.live(production).downtime->longest, 31s);
  EXPECT_EQ(world.live(production).downtime->step, "deploy");
  world.finish_all(production);
  EXPECT_EQ(world.running(production), "v2");
}

TEST(Downtime, WithinWhatIsAllowedIsRecordedAsWell) {
  auto world = World::running_v1(measured(30s));
  deployed_with(world, {100, 30, 30s});
  EXPECT_FALSE(last<DowntimeMeasured>(world).exceeded);
}

TEST(Downtime, NobodyAskedNothingIsRecorded) {
  auto world = World::running_v1(measured(30s));
  EXPECT_THAT(deployed_with(world, {}), Not(Contains("downtime.measured deploy")));
}

TEST(Downtime, IsNoPartOfThePlan) {
  auto world = World::running_v1(measured(30s));
  auto s = measured(1s);
  s.approvals = {{"managers", 1, 35}};
  world.push(service({s}));
  world.push(target(production, release("v2")));
  const auto digest = world.live(production).plan_digest;
  s.downtime->max = 2s;
  world.push(service({s}));
  EXPECT_EQ(world.live(production).plan_digest, digest);
  EXPECT_EQ(world.live(production).id.number, 1U);
}

}  // namespace
}  // namespace headgate::test
