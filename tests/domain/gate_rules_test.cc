// What a gate may ask besides its status and bounds: an approval where a metric is out of bounds, an order, an age.
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Service with_gates(std::vector<Gate> gates, Stage s) {
  for (const auto& gate : gates) s.gates.push_back(gate.name);
  auto document = service({std::move(s)});
  document.gates = std::move(gates);
  return document;
}

Gate gate_named(const std::string& name) {
  Gate gate;
  gate.name = name;
  gate.line = 10;
  return gate;
}

// v1 runs, v2 is wished.
World given(const Service& document) {
  World world;
  world.push(
      {{access_policy(), environment("production"), document, target(production, release("v1"))}, {}, "person:frank"});
  world.observe(production, "v1");
  world.push(target(production, release("v2")), "person:frank");
  return world;
}

// ------------------------------------------------------------------------------------------------------- otherwise

Gate scan_that_asks() {
  auto scan = gate_named("scan");
  scan.metrics["high"] = {{}, Decimal{"0"}, Otherwise::approval};
  return scan;
}

Service asks_managers() {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  return with_gates({scan_that_asks()}, s);
}

Lines report(World& world, const std::string& high, GateStatus status = GateStatus::passed) {
  return world.gate("scan", "v2", status, {{"high", {high}}});
}

TEST(Otherwise, WithinBoundsTheUsualApprovalsAreEnough) {
  auto world = given(asks_managers());
  report(world, "0");
  EXPECT_THAT(world.approve(promotion(production, 1), "person:carol"),
              happened_in_order("approval.granted managers", "promotion.started #1"));
}

TEST(Otherwise, OutOfBoundsOnePersonMoreMustApprove) {
  auto world = given(asks_managers());
  EXPECT_THAT(report(world, "3"), ElementsAre("gate.reported scan", "step.succeeded gates", "step.started approval",
                                              "approval.requested #1", "step.waiting approval"));
  world.approve(promotion(production, 1), "person:carol");
  EXPECT_THAT(world.unmet(production), ElementsAre("one more approval of managers: 0 given; since metric high of gate "
                                                   "scan is 3, above the maximum of 0"));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.approve(promotion(production, 1), "person:dave"),
              happened_in_order("approval.granted managers", "step.succeeded approval", "promotion.started #1"));
}

TEST(Otherwise, TheConditionNamesItsRuleItsReportAndWhoCanMeetIt) {
  auto world = given(asks_managers());
  report(world, "3");
  const auto reported = world.state.services.at("gateway").gate(release("v2"), "scan")->position;
  for (const auto& condition : judge(world.state, world.live(production), world.now)) {
    if (condition.guard != "otherwise") continue;
    EXPECT_EQ(condition.file, "gateway.yaml");
    EXPECT_EQ(condition.line, 10U);
    EXPECT_THAT(condition.events, ElementsAre(reported));
    EXPECT_THAT(condition.remedy, HasSubstr("person:carol, person:dave, person:erin can give it"));
    return;
  }
  ADD_FAILURE() << "there is no such condition";
}

TEST(Otherwise, AFailedOrUnreadableReportIsNoExceptionButNoPass) {
  auto world = given(asks_managers());
  report(world, "3", GateStatus::failed);
  EXPECT_THAT(world.unmet(production), Contains(HasSubstr("gate scan: failed")));
  world.gate("scan", "v2");
  EXPECT_THAT(world.unmet(production), Contains(HasSubstr("metric high was not reported")));
}

TEST(Otherwise, ANewReasonVoidsWhatWasGivenWithoutIt) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  s.wait = 1h;
  auto world = given(with_gates({scan_that_asks()}, s));
  report(world, "0");
  world.approve(promotion(production, 1), "person:carol");
  EXPECT_THAT(report(world, "1"), ElementsAre("gate.reported scan", "approval.voided person:carol"));
  EXPECT_THAT(std::get<ApprovalVoided>(world.log.back().event).reason,
              HasSubstr("a new reason for approval: metric high of gate scan is 1, above the maximum of 0"));
  world.approve(promotion(production, 1), "person:carol");
  world.approve(promotion(production, 1), "person:dave");
  EXPECT_THAT(world.pass(2h), happened_in_order("timer.fired wait", "promotion.started #1"));
}

TEST(Otherwise, WhatGetsWorseIsANewReasonAndWhatStaysOrGetsBetterIsNone) {
  auto s = stage("production");
  s.approvals = {{"managers", 2, 35}};
  auto world = given(with_gates({scan_that_asks()}, s));
  report(world, "3");
  world.approve(promotion(production, 1), "person:carol");
  EXPECT_THAT(report(world, "3.0"), Not(Contains(HasSubstr("approval.voided"))));
  EXPECT_THAT(report(world, "2"), Not(Contains(HasSubstr("approval.voided"))));
  EXPECT_THAT(report(world, "0"), Not(Contains(HasSubstr("approval.voided"))));
  EXPECT_THAT(report(world, "4"), Contains("approval.voided person:carol"));
}

TEST(Otherwise, TheApprovalRecordsWhatItsGiverSaw) {
  auto world = given(asks_managers());
  report(world, "3");
  world.approve(promotion(production, 1), "person:carol");
  const auto& approvals = world.live(production).approvals;
  ASSERT_EQ(approvals.size(), 1U);
  EXPECT_THAT(approvals[0].exceptions, ElementsAre(testing::Pair("scan/high", Decimal{"3"})));
}

TEST(Otherwise, AnApprovalByWhoHasNotSeenTheReasonIsRefused) {
  auto world = given(asks_managers());
  report(world, "0");
  Approve approve{promotion(production, 1), world.live(production).plan_digest, {}, {}, world.state.next - 1};
  report(world, "3");
  EXPECT_THAT(world.when(approve, "person:carol"),
              Refused("it was reported that metric high of gate scan is 3, above the maximum of 0: look at it again"));
  EXPECT_EQ(world.error.code, ErrorCode::conflict);
  approve.seen = world.state.next - 1;
  EXPECT_THAT(world.when(approve, "person:carol"), Contains("approval.granted managers"));

  auto better = given(asks_managers());
  report(better, "3");
  approve.seen = better.state.next - 1;
  report(better, "0");
  EXPECT_THAT(better.when(approve, "person:carol"), Contains("promotion.started #1"));
}

TEST(Otherwise, BelongsToTheDigestSoThatAChangeOfItVoids) {
  auto world = given(asks_managers());
  report(world, "0");
  const auto before = world.live(production).plan_digest;
  auto changed = asks_managers();
  changed.gates[0].metrics["high"].otherwise.reset();
  EXPECT_THAT(world.push(changed), happened_in_order("promotion.superseded #1", "promotion.planned #2 v2"));
  EXPECT_NE(world.live(production).plan_digest, before);
}

TEST(Track, IsRecordedAndNeverInTheWay) {
  auto lint = gate_named("lint");
  lint.metrics["warnings"] = {};
  auto world = given(with_gates({lint}, stage("production")));
  EXPECT_THAT(world.gate("lint", "v2"), Contains("promotion.started #1")) << "not even when it is not measured";
  auto other = given(with_gates({lint}, stage("production")));
  EXPECT_THAT(other.gate("lint", "v2", GateStatus::passed, {{"warnings", {"4000"}}}), Contains("promotion.started #1"));
  EXPECT_EQ(other.state.services.at("gateway").gate(release("v2"), "lint")->metrics.at("warnings").text, "4000");
}

// ----------------------------------------------------------------------------------------------------------- after

Service images_after_lint() {
  auto images = gate_named("images");
  images.after = {"lint"};
  return with_gates({gate_named("lint"), images}, stage("production"));
}

TEST(After, CountsOnlyWhenReportedAfterTheyPassed) {
  auto world = given(images_after_lint());
  world.gate("images", "v2");
  world.gate("lint", "v2");
  EXPECT_THAT(world.unmet(production), ElementsAre("gate images was reported before these had passed: lint"));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.gate("images", "v2"), Contains("promotion.started #1"));
}

TEST(After, AFailedOneHasNotPassed) {
  auto world = given(images_after_lint());
  world.gate("lint", "v2", GateStatus::failed);
  world.gate("images", "v2");
  world.gate("lint", "v2");
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("before these had passed: lint")));
}

TEST(After, ALaterReportOfThemTakesNothingBack) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  auto images = gate_named("images");
  images.after = {"lint"};
  auto world = given(with_gates({gate_named("lint"), images}, s));
  world.gate("lint", "v2");
  world.gate("images", "v2");
  world.gate("lint", "v2");  // the nightly run
  EXPECT_THAT(world.approve(promotion(production, 1), "person:carol"), Contains("promotion.started #1"));
}

TEST(After, IsJudgedForEachCommitByItself) {
  auto world = given(images_after_lint());
  world.gate("lint", "v3");
  world.gate("images", "v2");
  world.gate("lint", "v2");
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("before these had passed: lint")));
}

TEST(After, WhatCameTooEarlyItselfDoesNotCountForTheNext) {
  auto images = gate_named("images");
  images.after = {"lint"};
  auto signing = gate_named("signing");
  signing.after = {"images"};
  auto world = given(with_gates({gate_named("lint"), images, signing}, stage("production")));
  world.gate("images", "v2");
  world.gate("lint", "v2");
  world.gate("signing", "v2");
  EXPECT_THAT(world.unmet(production),
              ElementsAre(HasSubstr("images was reported before"), HasSubstr("signing was reported before")));
  world.gate("images", "v2");
  EXPECT_THAT(world.gate("signing", "v2"), Contains("promotion.started #1"));
}

// What is retried keeps its plan: the order that it asks for is recorded although the policy asks for none any more.
TEST(After, OfAPlanThatIsRetriedUnderAnotherPolicyIsRecorded) {
  auto images = gate_named("images");
  images.after = {"lint"};
  auto s = stage("production");
  s.rollback_automatic = false;
  auto policy = with_gates({gate_named("lint"), images}, s);
  auto world = given(policy);
  for (const auto* gate : {"lint", "images"}) world.gate(gate, "v2");
  world.finish(production, Outcome::Kind::terminal, "no space");
  policy.gates.back().after.clear();
  world.push(policy);
  world.gate("images", "v2");
  world.when(RetryPromotion{promotion(production, 1), "there is space"}, "person:alice");
  EXPECT_THAT(world.unmet(production), ElementsAre("gate images was reported before these had passed: lint"));
  EXPECT_THAT(world.gate("images", "v2"), Contains("promotion.started #1"));
}

// ---------------------------------------------------------------------------------------------------------- maxAge

Service scan_of_the_last_day(Duration wait) {
  auto scan = gate_named("scan");
  scan.max_age = 24h;
  auto s = stage("production");
  s.wait = wait;
  return with_gates({scan}, s);
}

TEST(MaxAge, WhatIsOlderMustBeReportedAgain) {
  auto world = given(scan_of_the_last_day(48h));
  world.gate("scan", "v2");
  EXPECT_THAT(world.pass(72h), ElementsAre("timer.fired wait", "step.succeeded wait", "step.waiting deploy"));
  EXPECT_THAT(world.unmet(production), ElementsAre("the report of gate scan is older than 1d"));
  EXPECT_THAT(world.gate("scan", "v2"), Contains("promotion.started #1"));
}

TEST(MaxAge, RunsOutWhileTheGatesAreWaitedFor) {
  auto scan = gate_named("scan");
  scan.max_age = 24h;
  auto world = given(with_gates({scan, gate_named("lint")}, stage("production")));
  world.gate("scan", "v2");
  EXPECT_EQ(world.state.wakeups.size(), 1U) << "it is due when the report runs out";
  EXPECT_THAT(world.pass(24h), ElementsAre("step.waiting gates"));
  EXPECT_THAT(world.unmet(production), testing::UnorderedElementsAre("the report of gate scan is older than 1d",
                                                                     HasSubstr("gate lint is not reported")));
  EXPECT_THAT(world.pass(240h), IsEmpty());
}

TEST(MaxAge, IsElapsedTimeWhateverTheClockDoes) {
  auto world = given(scan_of_the_last_day(1h));
  world.gate("scan", "v2");
  world.clock_jumps(72h);
  EXPECT_THAT(world.pass(2h), Contains("promotion.started #1"));
  auto other = given(scan_of_the_last_day(30h));
  other.gate("scan", "v2");
  other.clock_jumps(-72h);
  EXPECT_THAT(other.pass(31h), Not(Contains("promotion.started #1")));
  EXPECT_THAT(other.unmet(production), ElementsAre(HasSubstr("older than 1d")));
}

TEST(MaxAge, OfAReportThatCameAfterTheClockWasSetBackRunsFromThen) {
  auto scan = scan_of_the_last_day(24h);
  for (const auto after_the_jump : {Duration(0), Duration(10h), Duration(50h), Duration(200h)}) {
    SCOPED_TRACE(format_duration(after_the_jump));
    auto world = given(scan);
    world.pass(3h);
    world.clock_jumps(-48h);
    world.pass(after_the_jump);
    world.gate("scan", "v2");
    world.pass(24h - 1us);
    auto at_its_end = world;
    at_its_end.pass(1us);
    EXPECT_THAT(at_its_end.unmet(production), ElementsAre(HasSubstr("older than 1d")));
    world.clock_jumps(-7h);  // once more, while the records have not been caught up with
    world.pass(1us);
    EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("older than 1d")));
    auto sooner = given(scan_of_the_last_day(24h - 1us));
    sooner.clock_jumps(-48h);
    sooner.pass(after_the_jump);
    sooner.gate("scan", "v2");
    EXPECT_THAT(sooner.pass(24h - 1us), Contains("promotion.started #1"));
  }
}

TEST(MaxAge, RunningOutIsNoWorseVerdictAndVoidsNoApproval) {
  auto scan = gate_named("scan");
  scan.max_age = 1h;
  auto s = stage("production");
  s.approvals = {{"managers", 2, 35}};
  auto world = given(with_gates({scan}, s));
  world.gate("scan", "v2");
  world.approve(promotion(production, 1), "person:carol");
  world.pass(2h);
  EXPECT_EQ(world.live(production).approvals.size(), 1U);
  world.gate("scan", "v2");
  EXPECT_THAT(world.approve(promotion(production, 1), "person:dave"), Contains("promotion.started #1"));
}

TEST(GateDigest, OfAGateWithoutTheNewRulesIsWhatItWas) {
  const auto plan = [](const Service& document) {
    auto world = given(document);
    return world.live(production).plan_digest;
  };
  auto aged = with_gates({gate_named("lint")}, stage("production"));
  const auto plain = plan(aged);
  aged.gates[0].max_age = 24h;
  EXPECT_NE(plan(aged), plain);
}

}  // namespace
}  // namespace headgate::test
