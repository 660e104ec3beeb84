// Gates: a named check of a release, reported from outside.
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Stage guarded() {
  auto s = stage("production");
  s.gates = {"unit-tests", "scan"};
  return s;
}

// v1 runs, v2 is wished, nothing is reported.
World given_v2_is_wished() {
  auto world = World::running_v1(guarded());
  world.push(target(production, release("v2")));
  return world;
}

TEST(Gates, APromotionWaitsForEachOfThemByName) {
  auto world = World::running_v1(guarded());
  EXPECT_THAT(
      world.push(target(production, release("v2"))),
      happened_in_order("desired.changed v2", "promotion.planned #1 v2", "step.started gates", "step.waiting gates"));
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("gate unit-tests is not reported for commit"),
                                                   HasSubstr("gate scan is not reported for commit")));
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(Gates, WhenTheLastOneItNeedsPassesTheFirstEffectBegins) {
  auto world = given_v2_is_wished();
  EXPECT_THAT(world.gate("unit-tests", "v2", GateStatus::passed, {{"coverage", {"90"}}}),
              ElementsAre("gate.reported unit-tests", "step.waiting gates"));
  EXPECT_THAT(world.gate("scan", "v2", GateStatus::passed, {{"critical", {"0"}}}),
              ElementsAre("gate.reported scan", "step.succeeded gates", "promotion.started #1", "step.started deploy",
                          "activity.started deploy#1"));
}

TEST(Gates, ThatTheStageDoesNotRequireDoNotMatter) {
  auto world = given_v2_is_wished();
  EXPECT_THAT(world.gate("lint", "v2", GateStatus::failed), ElementsAre("gate.reported lint"));
  world.gates_pass("v2");
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
}

TEST(Gates, ThresholdsAreComparedExactly) {
  struct Row {
    const char* coverage;
    const char* critical;
    bool passes;
  };
  for (const auto& row : {
           Row{"90", "0", true},
           Row{"90.0000000000000000001", "0", true},
           Row{"89.9999999999999999999", "0", false},
           Row{"9e1", "0.0", true},
           Row{"9", "0", false},
           Row{"100", "1e-9", false},
           Row{"91", "-0", true},
       }) {
    auto world = given_v2_is_wished();
    world.gate("unit-tests", "v2", GateStatus::passed, {{"coverage", {row.coverage}}});
    world.gate("scan", "v2", GateStatus::passed, {{"critical", {row.critical}}});
    EXPECT_EQ(!world.effects().empty(), row.passes) << row.coverage << " " << row.critical;
  }
}

TEST(Gates, AMetricThatWasNotReportedDoesNotPass) {
  auto world = given_v2_is_wished();
  world.gate("unit-tests", "v2");
  world.gate("scan", "v2", GateStatus::passed, {{"high", {"0"}}});
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("metric coverage was not reported"),
                                                   HasSubstr("metric critical was not reported")));
}

TEST(Gates, TheLatestReportWinsInBothDirections) {
  auto world = given_v2_is_wished();
  world.gate("unit-tests", "v2", GateStatus::failed, {{"coverage", {"95"}}});
  world.gate("unit-tests", "v2", GateStatus::passed, {{"coverage", {"95"}}});
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("gate scan")));
  world.gate("unit-tests", "v2", GateStatus::failed);
  world.gate("scan", "v2", GateStatus::passed, {{"critical", {"0"}}});
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("gate unit-tests: failed")));
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(Gates, AnErrorIsNotAFailureAndDoesNotPass) {
  auto world = given_v2_is_wished();
  world.gates_pass("v3");
  world.gate("unit-tests", "v2", GateStatus::error, {{"coverage", {"95"}}});
  world.gate("scan", "v2", GateStatus::failed);
  EXPECT_THAT(world.unmet(production),
              ElementsAre(HasSubstr("could not be judged (error)"), HasSubstr("scan: failed")));
}

TEST(Gates, AGateThatTurnsBadAfterItsStepIsSeenBeforeTheFirstEffect) {
  auto s = guarded();
  s.wait = 10min;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.gates_pass("v2");
  world.gate("scan", "v2", GateStatus::passed, {{"critical", {"3"}}});
  EXPECT_THAT(world.pass(20min), ElementsAre("timer.fired wait", "step.succeeded wait", "step.waiting deploy"));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.gate("scan", "v2", GateStatus::passed, {{"critical", {"0"}}}),
              happened_in_order("gate.reported scan", "promotion.started #1", "activity.started deploy#1"));
}

TEST(Gates, OneReportedByVersionCountsForTheReleasesCommit) {
  auto world = given_v2_is_wished();
  world.gates_pass("v2");
  world.finish_all(production);
  world.push(target(production, release("v3")));  // registered with its commit by the wish
  ReportGate report;
  report.service = "gateway";
  report.version = "v3";
  report.gate = "lint";
  ASSERT_THAT(world.when(report), ElementsAre("gate.reported lint"));
  const auto& reported = std::get<GateReported>(world.log.back().event);
  EXPECT_EQ(reported.commit, release("v3").commit);
  EXPECT_EQ(reported.version, "");
}

TEST(Gates, AReleaseWithoutACommitIsReportedByItsVersion) {
  auto world = World::running_v1(guarded());
  const Release no_commit{"nightly-1", {}, {{"image", "registry.example.com/gateway@sha256:n1"}}};
  world.push(target(production, no_commit));
  for (const auto* name : {"unit-tests", "scan"}) {
    ReportGate report;
    report.service = "gateway";
    report.version = "nightly-1";
    report.gate = name;
    report.metrics = {{"coverage", {"99"}}, {"critical", {"0"}}};
    world.when(report);
  }
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
}

// A version may look like a commit. It must not borrow the gates of that commit.
TEST(Gates, AVersionThatReadsLikeAnotherCommitDoesNotBorrowItsGates) {
  auto world = World::running_v1(guarded());
  world.gates_pass("v2");
  const Release disguised{release("v2").commit, release("v666").commit, {}};
  world.push(target(production, disguised));
  EXPECT_THAT(world.effects(), IsEmpty());
  const Release without_commit{release("v2").commit, {}, {{"image", "registry.example.com/gateway@sha256:x"}}};
  world.push(target(production, without_commit));
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(Gates, OfAnotherCommitDoNotCount) {
  auto world = given_v2_is_wished();
  world.gates_pass("v1");
  world.gates_pass("v3");
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(Gates, TwoVersionsOfOneCommitShareTheReports) {
  auto world = World::running_v1(guarded());
  world.gates_pass("v2");
  auto tagged = release("v2");
  tagged.version = "v2-final";
  world.push(target(production, tagged));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
}

TEST(Gates, ReportsThatMakeNoSenseAreRefused) {
  auto world = World::running_v1(guarded());
  ReportGate report{"gateway", release("v1").commit, {}, "lint", GateStatus::passed, {}, {}, {}, {}};
  const auto with = [&](auto change) {
    auto changed = report;
    change(changed);
    return world.when(changed);
  };
  EXPECT_THAT(with([](auto& r) { r.service = "gatewya"; }), Refused("no service 'gatewya'"));
  EXPECT_THAT(with([](auto& r) { r.gate = "lnit"; }), Refused("no gate 'lnit'"));
  EXPECT_EQ(world.error.fields.at(0).expected, "one of: lint, scan, unit-tests");
  EXPECT_THAT(with([](auto& r) { r.commit = ""; }), Refused("a commit or for a version"));
  EXPECT_THAT(with([](auto& r) { r.version = "v1"; }), Refused("a commit or for a version"));
  EXPECT_THAT(with([](auto& r) { r.commit = "9f3c1a"; }), Refused("not a full id"));
  EXPECT_THAT(with([](auto& r) {
                r.commit = "";
                r.version = "v77";
              }),
              Refused("not registered"));
  EXPECT_THAT(with([](auto& r) { r.metrics["coverage"] = {"91,2"}; }), Refused("not a number"));
  for (const auto& name : {std::string(), std::string(" "), std::string("line coverage"), std::string(64, 'x')}) {
    EXPECT_THAT(with([&](auto& r) { r.metrics[name] = {"91.2"}; }), Refused("wrong name of a metric")) << name;
    EXPECT_EQ(world.error.fields.at(0).pointer, "/metrics");
  }
  EXPECT_THAT(with([](auto& r) { r.summary.assign(5000, 'x'); }), Refused("too long"));
}

// ---------------------------------------------------------------------------------------------------------- healthy

World given_staging_before_production() {
  World world;
  auto last = stage("production");
  last.healthy = {"staging"};
  world.push({{access_policy(), environment("staging"), environment("production"), service({stage("staging"), last}),
               target(staging, release("v1")), target(production, release("v1"))},
              {},
              "person:frank"});
  world.observe(staging, "v1");
  world.observe(production, "v1");
  return world;
}

TEST(Healthy, TheSameReleaseMustBeVerifiedThere) {
  auto world = given_staging_before_production();
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.unmet(production), ElementsAre("release v2 is not verified in staging"));
  world.push(target(staging, release("v2")));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/staging/1/deploy#1"));
  EXPECT_THAT(world.finish(staging),
              happened_in_order("promotion.succeeded #1", "step.succeeded gates", "promotion.started #1"));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
}

TEST(Healthy, AnotherVersionOfTheSameCandidateVouches) {
  auto world = given_staging_before_production();
  auto build = release("v2");
  build.version = "main-42";
  world.push(target(staging, build));
  world.finish_all(staging);
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
}

TEST(Healthy, NotWhileItHasDriftedThere) {
  auto world = given_staging_before_production();
  world.push(reporting("staging"));
  world.push(target(staging, release("v2")));
  world.finish_all(staging);
  world.observe(staging, "v1");
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.unmet(production), ElementsAre("gateway/staging has drifted from release v2"));
  EXPECT_THAT(world.observe(staging, "v2"), happened_in_order("drift.resolved", "promotion.started #1"));
}

void open_incident_at(World& world, const TargetId& id) {
  Recorded<Event> recorded;
  recorded.meta.position = world.state.next;
  recorded.meta.time = world.now;
  recorded.event = IncidentOpened{id, {}, "1", "v2", "slow", {}, {}};
  evolve(world.state, recorded);
  world.log.push_back(std::move(recorded));
}

TEST(Healthy, AnOpenIncidentThereHoldsWhatWasVerifiedWhateverCameThereSince) {
  auto world = given_staging_before_production();
  world.push(target(staging, release("v2")));
  world.finish_all(staging);
  const auto verified = world.at(staging).current_at;
  open_incident_at(world, staging);
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.unmet(production), ElementsAre("an incident of gateway/staging is open"));
  world.push(target(staging, release("v3")));
  world.finish_all(staging);
  EXPECT_EQ(world.running(staging), "v3");
  EXPECT_THAT(world.unmet(production), ElementsAre("an incident of gateway/staging is open"));
  EXPECT_THAT(world.live(production).current()->unmet.front().events,
              ElementsAre(verified, world.state.incidents.at("1").position));
  EXPECT_THAT(world.when(ResolveIncident{"1", "a slow disk"}, "person:alice"), Contains("promotion.started #1"));
}

TEST(Healthy, DriftThereHoldsWhatWasVerifiedBefore) {
  auto world = given_staging_before_production();
  world.push(reporting("staging"));
  for (const auto* version : {"v2", "v3"}) {
    world.push(target(staging, release(version)));
    world.finish_all(staging);
  }
  world.observe(staging, "v1");
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.unmet(production), ElementsAre("gateway/staging has drifted from release v3"));
  EXPECT_THAT(world.observe(staging, "v3"), Contains("promotion.started #1"));
}

TEST(Healthy, AReleaseThatFailedThereIsNotVerified) {
  auto world = given_staging_before_production();
  world.push(target(staging, release("v2")));
  world.finish(staging, Outcome::Kind::terminal, "disk full");
  world.finish_all(staging);
  EXPECT_EQ(world.running(staging), "v1");
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.unmet(production), ElementsAre("release v2 is not verified in staging"));
}

}  // namespace
}  // namespace headgate::test
