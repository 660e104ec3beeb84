// How releases come to a stage by themselves, in what order, and how many at once.
#include "engine/domain/flow.h"

#include <algorithm>
#include <random>

#include "tests/domain/fixture.h"
#include "tests/torture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
using Kind = Outcome::Kind;

StageTrigger on_branch(const std::string& branch) {
  StageTrigger trigger;
  trigger.kind = Trigger::branch;
  trigger.branch = branch;
  trigger.line = 33;
  return trigger;
}
StageTrigger on_tag(const std::string& pattern) {
  StageTrigger trigger;
  trigger.kind = Trigger::tag;
  trigger.tag = pattern;
  return trigger;
}
StageTrigger after(const std::string& environment, Duration soak = {}) {
  StageTrigger trigger;
  trigger.kind = Trigger::after;
  trigger.after = environment;
  trigger.soak = soak;
  return trigger;
}
StageTrigger at_times(const std::string& cron) {
  StageTrigger trigger;
  trigger.kind = Trigger::schedule;
  trigger.schedule = cron;
  return trigger;
}

Stage triggered(const std::string& name, StageTrigger trigger) {
  auto s = stage(name);
  s.triggers = {std::move(trigger)};
  return s;
}
Stage gated(Stage s) {
  s.gates = {"lint"};
  return s;
}

// A service of a watched source, nothing running anywhere.
World watched(std::vector<Stage> stages, bool seen = true) {
  World world;
  Push push;
  push.documents.emplace_back(access_policy());
  for (const auto& s : stages) push.documents.emplace_back(environment(s.environment));
  auto policy = service(stages);
  policy.source = ServiceSource{"monorepo", {"gateway/**"}, 5};
  push.documents.emplace_back(policy);
  world.push(push);
  for (const auto& s : stages) {
    if (seen) world.observe({"gateway", s.environment}, "");
  }
  return world;
}

std::string hash(std::uint64_t n) {
  return commit_id(n).substr(30) + commit_id(0xabc).substr(10);
}
SourceObserved pushed(std::uint64_t commit, const std::string& branch = "main", std::uint64_t tree = 0) {
  return {{"gateway"},
          hash(commit),
          "monorepo",
          branch,
          {},
          hash(commit),
          "sha256:tree-" + std::to_string(tree ? tree : commit)};
}
SourceObserved tagged(std::uint64_t commit, const std::string& tag) {
  return {{"gateway"}, hash(commit), "monorepo", {}, tag, hash(commit), "sha256:tree-" + std::to_string(commit)};
}
std::string version(std::uint64_t n) {
  return hash(n).substr(0, 12);
}
Lines observe_source(World& world, SourceObserved observed) {
  return world.when(ObserveSource{{std::move(observed)}}, "engine");
}
Lines lint_passes(World& world, std::uint64_t commit) {
  ReportGate report;
  report.service = "gateway";
  report.commit = hash(commit);
  report.gate = "lint";
  return world.when(report);
}
Lines registered(World& world, std::uint64_t commit, const std::string& as) {
  return world.when(RegisterRelease{"gateway", {as, hash(commit), {{"image", "r@sha256:" + as}}}, {}, {}});
}

// Whose work the live promotion brings: nobody's who could approve it.
void attributed(World& world, const TargetId& id) {
  const auto& p = world.live(id);
  const auto from = p.from ? p.from->release.commit : std::string();
  world.when(RecordAuthors{{p.id, "monorepo", from, p.to.release.commit, true, 1, {"person:bob"}}}, "engine");
}

// ------------------------------------------------------------------------------------------------------------ branch

TEST(BranchTrigger, PromotesACommitOfTheBranch) {
  auto world = watched({triggered("staging", on_branch("main"))});
  EXPECT_THAT(observe_source(world, pushed(1)),
              happened_in_order("source.observed", "release.registered " + version(1), "trigger.fired",
                                "promotion.planned #1 " + version(1), "promotion.started #1"));
  EXPECT_EQ(world.live(staging).trigger, Trigger::branch);
  world.finish_all(staging);
  EXPECT_EQ(world.running(staging), version(1));
}

TEST(BranchTrigger, LeavesToTheDocumentWhatThatWishesBeforeTheFirstSight) {
  auto world = watched({triggered("staging", on_branch("main"))}, false);
  world.push(target(staging, {"v1", hash(1), {}}));
  observe_source(world, pushed(1));
  world.observe(staging, "");
  EXPECT_EQ(world.live(staging).to.release.version, "v1");
  EXPECT_EQ(world.live(staging).trigger, Trigger::desired);
}

TEST(BranchTrigger, OfATargetThatIsHeldIsNotWhatItWaitsFor) {
  auto s = triggered("staging", on_branch("main"));
  s.rollback_automatic = false;
  auto world = watched({s});
  observe_source(world, pushed(1));
  world.finish(staging, Kind::terminal, "no space");
  EXPECT_THAT(world.idle(staging), HasSubstr("held: gateway/staging/1 failed"));
}

TEST(BranchTrigger, SaysThatWhatTheBranchStandsAtIsQuarantined) {
  auto world = watched({triggered("staging", on_branch("main"))});
  registered(world, 1, "v1");
  world.when(QuarantineRelease{{"gateway", "v1"}, "CVE"}, "person:alice");
  observe_source(world, pushed(1));
  const auto why = explain_triggers(world.state, staging).front();
  EXPECT_THAT(why.text, HasSubstr("is release v1, which is quarantined: CVE"));
  EXPECT_THAT(why.remedy, HasSubstr("headgate reinstate gateway v1"));
}

TEST(BranchTrigger, LooksAtNoOtherBranch) {
  auto world = watched({triggered("staging", on_branch("main"))});
  EXPECT_THAT(observe_source(world, pushed(1, "develop")), ElementsAre("source.observed"));
}

TEST(BranchTrigger, DoesNotFireAgainForTheSameCommit) {
  auto world = watched({triggered("staging", on_branch("main"))});
  observe_source(world, pushed(1));
  world.finish_all(staging);
  EXPECT_THAT(observe_source(world, pushed(1)), IsEmpty());
}

TEST(BranchTrigger, WaitsForARegistrationWhereReleasesHaveArtifacts) {
  auto world = watched({triggered("staging", on_branch("main"))});
  registered(world, 9, "v0");
  EXPECT_THAT(observe_source(world, pushed(1)), ElementsAre("source.observed"));
  EXPECT_THAT(world.state.find(staging)->promotion, testing::Eq(std::nullopt));
  EXPECT_THAT(explain_triggers(world.state, staging).front().text, HasSubstr("none is registered"));
  EXPECT_EQ(explain_triggers(world.state, staging).front().line, 33U);
  EXPECT_THAT(registered(world, 1, "v1"),
              happened_in_order("release.registered v1", "trigger.fired", "promotion.planned #1 v1"));
}

TEST(BranchTrigger, TakesTheNewestCommitAlone) {
  auto world = watched({triggered("staging", on_branch("main"))});
  registered(world, 9, "v0");
  observe_source(world, pushed(1));
  observe_source(world, pushed(2));
  EXPECT_THAT(registered(world, 1, "v1"), ElementsAre("release.registered v1"));
  EXPECT_THAT(registered(world, 2, "v2"), happened_in_order("trigger.fired", "promotion.planned #1 v2"));
}

TEST(BranchTrigger, FollowsTheBranchBackWhenItsHistoryIsRewritten) {
  auto world = watched({triggered("staging", on_branch("main"))});
  for (std::uint64_t commit : {1, 2}) {
    observe_source(world, pushed(commit));
    world.finish_all(staging);
  }
  EXPECT_THAT(observe_source(world, pushed(1)),
              happened_in_order("trigger.fired", "promotion.planned #3 " + version(1)));
}

// The branch is reset, or its newest commit takes the one before back.
TEST(BranchTrigger, GoingBackToWhatRunsEndsOneThatStillWaits) {
  for (const auto& back : {pushed(1), pushed(3, "main", 1)}) {
    auto world = watched({gated(triggered("staging", on_branch("main")))});
    observe_source(world, pushed(1));
    lint_passes(world, 1);
    world.finish_all(staging);
    observe_source(world, pushed(2));
    ASSERT_EQ(world.live(staging).to.release.version, version(2));
    EXPECT_THAT(observe_source(world, back),
                happened_in_order("trigger.fired", "promotion.superseded #2", "trigger.dropped"));
    lint_passes(world, 2);
    EXPECT_FALSE(world.at(staging).promotion);
    EXPECT_EQ(world.running(staging), version(1));
  }
}

TEST(BranchTrigger, GoingBackComesAfterOneWhoseEffectsHaveBegun) {
  auto world = watched({triggered("staging", on_branch("main"))});
  observe_source(world, pushed(1));
  world.finish_all(staging);
  observe_source(world, pushed(2));
  EXPECT_THAT(observe_source(world, pushed(3, "main", 1)), Not(Contains("promotion.superseded #2")));
  EXPECT_THAT(world.finish(staging), happened_in_order("promotion.succeeded #2", "promotion.planned #3 " + version(1)))
      << "by the release that holds the same";
}

TEST(BranchTrigger, ComingBackToWhatIsUnderWayTakesTheWishBetweenAway) {
  auto world = watched({triggered("staging", on_branch("main"))});
  for (std::uint64_t commit : {1, 2, 1}) observe_source(world, pushed(commit));
  EXPECT_THAT(world.finish(staging), happened_in_order("promotion.succeeded #1", "trigger.dropped"));
  EXPECT_FALSE(world.at(staging).promotion);
}

TEST(BranchTrigger, GoingBackToWhatRunsEndsWhatFailed) {
  auto s = triggered("staging", on_branch("main"));
  s.before = {hook("migrate")};
  auto world = watched({s});
  observe_source(world, pushed(1));
  world.finish_all(staging);
  observe_source(world, pushed(2));
  world.finish(staging, Kind::terminal, "no connection");
  observe_source(world, pushed(1));
  auto policy = *world.state.service("gateway");
  policy.stages.front().before = {hook("migrate2")};
  EXPECT_THAT(world.push(policy), Not(Contains(HasSubstr("promotion.planned"))));
}

TEST(BranchTrigger, GoingBackWhileItIsRolledBackEndsWhatFailed) {
  auto world = watched({triggered("staging", on_branch("main"))});
  observe_source(world, pushed(1));
  world.finish_all(staging);
  observe_source(world, pushed(2));
  world.finish(staging, Kind::terminal, "no space");
  ASSERT_EQ(world.live(staging).phase, Phase::rolling_back);
  observe_source(world, pushed(1));
  EXPECT_THAT(world.finish_all(staging), happened_in_order("rollback.succeeded #2", "trigger.dropped"));
  auto policy = *world.state.service("gateway");
  policy.stages.front().before = {hook("migrate")};
  EXPECT_THAT(world.push(policy), Not(Contains(HasSubstr("promotion.planned"))));
}

TEST(BranchTrigger, DoesNotFireForWhatIsTheSameUnderThePaths) {
  auto world = watched({triggered("staging", on_branch("main"))});
  observe_source(world, pushed(1, "main", 7));
  world.finish_all(staging);
  EXPECT_THAT(observe_source(world, pushed(2, "main", 7)), Not(Contains(HasSubstr("promotion.planned"))));
  EXPECT_EQ(world.running(staging), version(1));
}

TEST(BranchTrigger, ADocumentThatWishesSomethingElseIsAWishAllTheSame) {
  auto world = watched({triggered("staging", on_branch("main"))});
  observe_source(world, pushed(1));
  world.finish_all(staging);
  EXPECT_THAT(world.push(target(staging, {"v7", hash(7), {}})),
              happened_in_order("desired.changed v7", "promotion.planned #2 v7"));
}

TEST(BranchTrigger, AHeldTargetKeepsTheWishUntilAPersonActs) {
  auto world = watched({triggered("staging", on_branch("main"))});
  world.observe(staging, "somebody-elses");
  EXPECT_THAT(observe_source(world, pushed(1)), Not(Contains(HasSubstr("promotion.planned"))));
  EXPECT_THAT(explain_triggers(world.state, staging).front().text, HasSubstr("which Headgate did not bring"));
  EXPECT_THAT(world.when(AdoptTarget{staging, "known"}, "person:alice"),
              happened_in_order("target.adopted somebody-elses", "promotion.planned #1 " + version(1)));
}

void staging_goes_back(World& world) {
  RollBack back;
  back.targets = {staging};
  back.to = "previous";
  back.reason = "slow";
  world.when(back, "person:alice");
  world.finish_all(staging);
}

TEST(BranchTrigger, DoesNotBringBackWhatWasLeftByHand) {
  auto world = watched({triggered("staging", on_branch("main"))});
  for (std::uint64_t commit : {1, 2}) {
    observe_source(world, pushed(commit));
    world.finish_all(staging);
  }
  staging_goes_back(world);
  EXPECT_EQ(world.running(staging), version(1));
  EXPECT_FALSE(world.at(staging).promotion);
  EXPECT_THAT(observe_source(world, pushed(3)), Contains("promotion.planned #4 " + version(3)));
}

TEST(BranchTrigger, WhatWaitsWhenItsStageGoesIsPlannedWhenItIsBack) {
  auto world = watched({gated(triggered("staging", on_branch("main")))});
  observe_source(world, pushed(1));
  const auto policy = *world.state.service("gateway");
  auto without = policy;
  without.stages = {stage("production")};
  EXPECT_THAT(world.push(without), Contains("promotion.cancelled #1"));
  EXPECT_THAT(world.push(policy), Contains("promotion.planned #2 " + version(1)));
}

TEST(BranchTrigger, WhatWasDroppedForAQuarantineIsNamedOnceThatIsLifted) {
  auto world = watched({triggered("staging", on_branch("main"))});
  for (std::uint64_t commit : {1, 2}) observe_source(world, pushed(commit));
  world.when(QuarantineRelease{{"gateway", version(2)}, "CVE?"}, "person:alice");
  EXPECT_THAT(world.finish(staging), happened_in_order("promotion.succeeded #1", "trigger.dropped"));
  world.when(ReinstateRelease{{"gateway", version(2)}, "it was nothing"}, "person:alice");
  const auto why = explain_triggers(world.state, staging).front();
  EXPECT_THAT(why.text, HasSubstr("was dealt with, and dropped: quarantined: CVE?"));
  EXPECT_THAT(why.remedy, HasSubstr("headgate promote gateway --to staging --release " + version(2)));
}

// A person went back from v8, so that its document is not followed: what the branch wishes does not come after it.
TEST(BranchTrigger, ADocumentThatIsNotFollowedTakesNoWishAway) {
  auto world = watched({triggered("staging", on_branch("main"))});
  for (std::uint64_t n : {7, 8}) {
    world.push(target(staging, {"v" + std::to_string(n), hash(n), {}}));
    world.finish_all(staging);
  }
  world.when(RollBack{{staging}, "previous", "errors", "all"}, "person:alice");
  world.finish_all(staging);
  for (std::uint64_t commit : {1, 2}) observe_source(world, pushed(commit));
  world.push(target(staging, {"v8", hash(8), {}}, {{"replicas", "5"}}));
  EXPECT_THAT(world.finish(staging), happened_in_order("promotion.succeeded #4", "promotion.planned #5 " + version(2)));
}

// In eu runs the commit already, in us nothing; in sa runs something else.
TEST(BranchTrigger, OfLocationsAtFirstSightGoesWhereNothingRunsAndWaitsWhereSomethingElseDoes) {
  for (const std::string last : {"us", "sa"}) {
    World world;
    auto place = environment("staging");
    place.locations = {{"eu", 1, false, {}, 20}, {last, 1, false, {}, 21}};
    auto policy = service({triggered("staging", on_branch("main"))});
    policy.source = ServiceSource{"monorepo", {"gateway/**"}, 5};
    world.push({{access_policy(), place, policy}, {}});
    const auto see = [&](const std::string& location, const std::string& seen) {
      world.when(RecordObservation{staging, {seen, {}}, world.state.next, location}, "engine");
    };
    see("eu", version(1));
    see(last, last == "us" ? "" : "v0");
    const auto happened = observe_source(world, pushed(1));
    if (last == "us") {
      EXPECT_THAT(happened, Contains("promotion.planned #1 " + version(1)));
    } else {
      EXPECT_FALSE(world.at(staging).promotion);
      EXPECT_THAT(world.idle(staging), HasSubstr("location sa runs v0, which Headgate did not bring there"));
    }
  }
}

// --------------------------------------------------------------------------------------------------------------- tag

TEST(TagTrigger, PromotesATagThatFits) {
  auto world = watched({triggered("production", on_tag("v*.*.*"))});
  EXPECT_THAT(observe_source(world, tagged(1, "nightly")), ElementsAre("source.observed"));
  EXPECT_THAT(observe_source(world, tagged(1, "v1.0.0")),
              happened_in_order("release.registered v1.0.0", "trigger.fired", "promotion.planned #1 v1.0.0"));
}

TEST(TagTrigger, ATagOfWhatIsVerifiedInStagingIsHealthyThere) {
  auto to_production = triggered("production", on_tag("v*"));
  to_production.healthy = {"staging"};
  auto world = watched({triggered("staging", on_branch("main")), to_production});
  observe_source(world, pushed(1));
  EXPECT_THAT(observe_source(world, tagged(1, "v1.0.0")), Contains("step.waiting gates"));
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("is not verified in staging")));
  world.finish_all(staging);
  EXPECT_EQ(world.live(production).phase, Phase::running) << "the branch build vouches for the tag put on it";
}

TEST(TagTrigger, ATagThatMovesIsAConflictAndPromotesNothing) {
  auto world = watched({triggered("production", on_tag("v*"))});
  observe_source(world, tagged(1, "v1.0.0"));
  world.finish_all(production);
  EXPECT_THAT(observe_source(world, tagged(2, "v1.0.0")), ElementsAre("source.observed"));
  world.when(RegisterRelease{"gateway", {"build-2", hash(2), {}}, {}, {}});
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_EQ(world.running(production), "v1.0.0");
}

// ------------------------------------------------------------------------------------------------ whose variables

TEST(TagTrigger, ThatBringsVariablesOfTheDocumentBringsTheirAuthorsWork) {
  auto s = triggered("production", on_tag("v*"));
  s.approvals = {{"managers", 1, 35}};
  auto world = watched({s});
  observe_source(world, tagged(1, "v1.0.0"));
  attributed(world, production);
  world.approve(promotion(production, 1), "person:dave");
  world.finish_all(production);
  world.push(target(production, {"v1.0.0", hash(1), {}}, {{"replicas", "30"}}), "person:carol");
  EXPECT_THAT(world.approve(promotion(production, 2), "person:carol"), Refused("your own work"));
  EXPECT_THAT(observe_source(world, tagged(2, "v2.0.0")),
              happened_in_order("promotion.superseded #2", "promotion.planned #3 v2.0.0"));
  EXPECT_THAT(world.live(production).to.variables, ElementsAre(testing::Pair("replicas", "30")));
  attributed(world, production);
  EXPECT_THAT(world.approve(promotion(production, 3), "person:carol"), Refused("your own work"));
  EXPECT_THAT(world.approve(promotion(production, 3), "person:dave"), Contains("promotion.started #3"));
  world.finish_all(production);
  observe_source(world, tagged(3, "v3.0.0"));
  attributed(world, production);
  EXPECT_THAT(world.approve(promotion(production, 4), "person:carol"), Contains("promotion.started #4"))
      << "by now her variables run";
}

TEST(RequestedPromotion, ThatBringsVariablesOfTheDocumentBringsTheirAuthorsWork) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  auto world = World::running_v1(s);
  world.push(target(production, {"v9", {}, {}}, {{"replicas", "30"}}), "person:carol");  // v9 is not registered yet
  EXPECT_FALSE(world.at(production).promotion);
  world.request(production, "v2");
  EXPECT_THAT(world.live(production).to.variables, ElementsAre(testing::Pair("replicas", "30")));
  EXPECT_THAT(world.approve(promotion(production, 1), "person:carol"), Refused("your own work"));
  EXPECT_THAT(world.approve(promotion(production, 1), "person:dave"), Contains("promotion.started #1"));
}

// -------------------------------------------------------------------------------------------------------------- gates

TEST(SourceGates, AReportForACommitWithTheSameTreesCounts) {
  auto world = watched({gated(triggered("staging", on_branch("main")))});
  lint_passes(world, 5);  // of a pull request
  EXPECT_THAT(observe_source(world, pushed(6, "main", 5)), Contains("step.waiting gates"));
  SourceObserved compared{{"gateway"}, hash(5), "monorepo", {}, {}, hash(5), "sha256:tree-5"};
  EXPECT_THAT(observe_source(world, compared), happened_in_order("step.succeeded gates", "promotion.started #1"));
}

TEST(SourceGates, AReportForACommitWithOtherTreesDoesNot) {
  auto world = watched({gated(triggered("staging", on_branch("main")))});
  observe_source(world, pushed(6));
  lint_passes(world, 5);
  SourceObserved compared{{"gateway"}, hash(5), "monorepo", {}, {}, hash(5), "sha256:tree-5"};
  observe_source(world, compared);
  EXPECT_EQ(world.live(staging).phase, Phase::waiting);
}

TEST(SourceGates, TheLatestReportAmongEqualTreesCounts) {
  auto world = watched({gated(triggered("staging", on_branch("main")))});
  observe_source(world, pushed(6, "main", 5));
  observe_source(world, {{"gateway"}, hash(5), "monorepo", {}, {}, hash(5), "sha256:tree-5"});
  ReportGate failed;
  failed.service = "gateway";
  failed.commit = hash(6);
  failed.gate = "lint";
  failed.status = GateStatus::failed;
  world.when(failed);
  EXPECT_EQ(world.live(staging).phase, Phase::waiting);
  lint_passes(world, 5);
  EXPECT_EQ(world.live(staging).phase, Phase::running);
}

// -------------------------------------------------------------------------------------------------------------- after

World staged(Duration soak) {
  auto world = watched({triggered("staging", on_branch("main")), triggered("production", after("staging", soak))});
  observe_source(world, pushed(1));
  world.finish_all(staging);
  return world;
}

TEST(AfterTrigger, PromotesWhatWasVerifiedThereOnceItHasSoaked) {
  auto world = staged(1h);
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_THAT(world.pass(59min), IsEmpty());
  EXPECT_THAT(world.pass(1min), happened_in_order("trigger.fired", "promotion.planned #1 " + version(1)));
}

TEST(AfterTrigger, AClockThatJumpsDoesNotShortenTheSoak) {
  auto world = staged(1h);
  world.clock_jumps(3h);
  EXPECT_FALSE(world.at(production).promotion);
  world.pass(59min);
  EXPECT_FALSE(world.at(production).promotion);
  world.pass(1min);
  EXPECT_TRUE(world.at(production).promotion);
}

TEST(AfterTrigger, ASoakThatBeginsAfterTheClockWasSetBackTakesNoLonger) {
  for (const auto after_the_jump : {Duration(0), Duration(30min), Duration(90min)}) {
    auto world = watched({triggered("staging", on_branch("main")), triggered("production", after("staging", 20min))});
    world.clock_jumps(-1h);
    world.pass(after_the_jump);
    observe_source(world, pushed(1));
    world.finish_all(staging);
    world.pass(20min - 1ms);
    EXPECT_FALSE(world.at(production).promotion);
    world.pass(1ms);
    EXPECT_TRUE(world.at(production).promotion);
    EXPECT_TRUE(std::ranges::is_sorted(world.log, {}, [](const auto& record) { return record.meta.time; }));
  }
}

TEST(AfterTrigger, ANewerReleaseThereBeginsItsOwnSoak) {
  auto world = staged(1h);
  world.pass(30min);
  observe_source(world, pushed(2));
  world.finish_all(staging);
  world.pass(31min);
  EXPECT_FALSE(world.at(production).promotion);
  world.pass(29min);
  EXPECT_EQ(world.live(production).to.release.version, version(2));
}

TEST(AfterTrigger, WhatCameBackThereSoaksAnew) {
  auto world = staged(1h);
  world.pass(30min);
  observe_source(world, pushed(2));
  world.cancel(promotion(staging, 2));
  world.finish_all(staging);
  ASSERT_EQ(world.running(staging), version(1));
  EXPECT_THAT(world.pass(59min), IsEmpty());
  EXPECT_THAT(world.pass(1min), happened_in_order("trigger.fired", "promotion.planned #1 " + version(1)));
}

TEST(AfterTrigger, DriftThereHoldsIt) {
  auto world = staged(1h);
  world.push(reporting("staging"));
  world.observe(staging, "something-else");
  world.pass(2h);
  EXPECT_FALSE(world.at(production).promotion);
  world.observe(staging, version(1));
  EXPECT_TRUE(world.at(production).promotion) << "it has soaked by now";
}

TEST(AfterTrigger, WhatWasAdoptedThereIsNotVerified) {
  auto world = watched({stage("staging"), triggered("production", after("staging", 1h))});
  world.observe(staging, "v9");
  EXPECT_THAT(world.push(target(staging, {"v9", hash(9), {}})), Contains("target.adopted v9"));
  world.pass(2h);
  EXPECT_FALSE(world.at(production).promotion);
  const auto why = explain_triggers(world.state, production).front();
  EXPECT_THAT(why.text, HasSubstr("release v9 was adopted in staging, and is not verified there"));
  EXPECT_THAT(why.remedy, HasSubstr("headgate promote gateway --to staging --release v9"));
  world.when(RequestPromotion{staging, {"v9", {}, {}}, {}}, "person:alice");
  world.finish_all(staging);
  EXPECT_THAT(world.pass(1h), happened_in_order("trigger.fired", "promotion.planned #1 v9"));
}

// What waits for its approval here is what staging has left.
TEST(AfterTrigger, AWayBackThereEndsWhatStillWaitsHere) {
  auto to_production = triggered("production", after("staging"));
  to_production.approvals = {{"managers", 1, 35}};
  auto world = watched({triggered("staging", on_branch("main")), to_production});
  observe_source(world, pushed(1));
  world.finish_all(staging);
  attributed(world, production);
  world.approve(promotion(production, 1), "person:dave");
  world.finish_all(production);
  observe_source(world, pushed(2));
  world.finish_all(staging);
  ASSERT_EQ(world.live(production).to.release.version, version(2));
  staging_goes_back(world);
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_EQ(world.running(production), version(1));
}

// git revert: the branch stands at what an earlier release holds, which no release of its own is registered for.
TEST(AfterTrigger, ARevertIsTheNewestWishHereToo) {
  auto world = watched({triggered("staging", on_branch("main")), triggered("production", after("staging"))});
  const auto reaches_production = [&](const SourceObserved& commit) {
    observe_source(world, commit);
    world.finish_all(staging);
    ASSERT_TRUE(world.at(production).promotion) << commit.commit;
    world.finish_all(production);
  };
  reaches_production(pushed(1));
  reaches_production(pushed(2));
  reaches_production(pushed(3, "main", 1));
  EXPECT_EQ(world.running(staging), version(1));
  EXPECT_EQ(world.running(production), version(1));
  reaches_production(pushed(4, "main", 2));
  EXPECT_EQ(world.running(production), version(2)) << "the revert is reverted";
  staging_goes_back(world);
  EXPECT_EQ(world.running(staging), version(1));
  EXPECT_FALSE(world.at(production).promotion) << "a way back there is none here";
  EXPECT_EQ(world.running(production), version(2));
}

TEST(AfterTrigger, SaysWhatHoldsItThere) {
  auto world = staged(1h);
  const auto why = [&] { return explain_triggers(world.state, production).front().text; };
  world.push(reporting("staging"));
  world.observe(staging, "something-else");
  EXPECT_THAT(why(), HasSubstr("in staging, where it has drifted"));
  world.when(QuarantineRelease{{"gateway", version(1)}, "bad"}, "person:alice");
  EXPECT_THAT(why(), HasSubstr("in staging, and is quarantined: bad"));
}

TEST(AfterTrigger, AQuarantineThereHoldsIt) {
  auto world = staged(1h);
  world.when(QuarantineRelease{{"gateway", version(1)}, "bad"}, "person:alice");
  world.pass(2h);
  EXPECT_FALSE(world.at(production).promotion);
}

// ----------------------------------------------------------------------------------------------------------- schedule

TEST(ScheduleTrigger, PromotesTheNewestReleaseWhenTheTimeHasCome) {
  auto world = watched({triggered("production", at_times("0 6 * * *"))});
  world.when(RegisterRelease{"gateway", {"v1", hash(1), {}}, {}, {}});
  const auto six = world.now + 5h;
  world.when(ExpandSchedule{{production, "0 6 * * *", world.now + 240h, {six, six + 24h}}}, "engine");
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_THAT(world.pass(5h), happened_in_order("trigger.fired", "promotion.planned #1 v1"));
  world.finish_all(production);
  EXPECT_THAT(world.pass(24h), Not(Contains(HasSubstr("promotion.planned")))) << "it runs already";
}

// What the first stage runs is what runs here, and no wish to leave what is on its way.
TEST(ScheduleTrigger, TakesNothingBackThatAnotherTriggerWishes) {
  auto nightly = triggered("production", on_branch("main"));
  nightly.triggers.push_back(at_times("0 6 * * *"));
  nightly.healthy = {"staging"};
  auto world = watched({gated(triggered("staging", on_branch("main"))), nightly});
  observe_source(world, pushed(1));
  lint_passes(world, 1);
  world.finish_all(staging);
  world.finish_all(production);
  ASSERT_EQ(world.running(production), version(1));
  observe_source(world, pushed(2));
  ASSERT_EQ(world.live(production).to.release.version, version(2));
  world.when(ExpandSchedule{{production, "0 6 * * *", world.now + 240h, {world.now + 1h}}}, "engine");
  EXPECT_THAT(world.pass(1h), Contains("trigger.fired"));
  EXPECT_EQ(world.live(production).to.release.version, version(2));
}

TEST(ScheduleTrigger, IsDroppedWhenTheStageHasAnotherOneByNow) {
  auto world = watched({triggered("production", at_times("0 6 * * *"))});
  EXPECT_THAT(world.when(ExpandSchedule{{production, "0 7 * * *", world.now + 24h, {world.now + 1h}}}, "engine"),
              IsEmpty());
}

// ------------------------------------------------------------------------------------------------------- newest, queue

TEST(Newest, ReplacesOneThatStillWaits) {
  auto world = watched({gated(triggered("staging", on_branch("main")))});
  observe_source(world, pushed(1));
  EXPECT_THAT(observe_source(world, pushed(2)),
              happened_in_order("trigger.fired", "promotion.superseded #1", "promotion.planned #2 " + version(2)));
}

TEST(Newest, IsPromotedAfterOneWhoseEffectsHaveBegunAndNothingBetween) {
  auto world = watched({triggered("staging", on_branch("main"))});
  observe_source(world, pushed(1));
  observe_source(world, pushed(2));
  observe_source(world, pushed(3));
  EXPECT_EQ(world.live(staging).to.release.version, version(1)) << "never two at once on a target";
  EXPECT_THAT(world.finish(staging), happened_in_order("promotion.succeeded #1", "promotion.planned #2 " + version(3)));
}

Stage in_order() {
  auto s = gated(triggered("staging", on_branch("main")));
  s.supersede = Supersede::queue;
  return s;
}

TEST(Queue, KeepsOrder) {
  auto world = watched({in_order()});
  for (std::uint64_t commit : {1, 2, 3}) observe_source(world, pushed(commit));
  std::vector<std::string> order;
  for (std::uint64_t commit : {1, 2, 3}) {
    EXPECT_EQ(world.live(staging).to.release.version, version(commit));
    lint_passes(world, commit);
    world.finish_all(staging);
    EXPECT_EQ(world.running(staging), version(commit));
  }
  EXPECT_FALSE(world.at(staging).promotion);
}

TEST(Queue, KeepsTheWayBackInOrderToo) {
  auto world = watched({in_order()});
  observe_source(world, pushed(1));
  lint_passes(world, 1);
  world.finish_all(staging);
  for (const auto& next : {pushed(2), pushed(3, "main", 1)}) observe_source(world, next);
  lint_passes(world, 2);
  world.finish_all(staging);
  EXPECT_EQ(world.at(staging).last_number, 3U);
  EXPECT_EQ(world.running(staging), version(1));
}

TEST(Queue, KeepsTheOrderOfTargetDocuments) {
  auto s = stage("production");
  s.gates = {"lint"};
  s.supersede = Supersede::queue;
  auto world = World::running_v1(s);
  for (const char* version : {"v2", "v3", "v4"}) world.push(target(production, release(version)));
  for (const char* version : {"v2", "v3", "v4"}) {
    EXPECT_EQ(world.live(production).to.release.version, version);
    world.gate("lint", version);
    world.finish_all(production);
    EXPECT_EQ(world.running(production), version);
    EXPECT_EQ(world.at(production).pinned, "") << "the next one has its turn";
  }
}

TEST(Queue, LeavesOutWhatWasQuarantinedMeanwhile) {
  auto world = watched({in_order()});
  for (std::uint64_t commit : {1, 2, 3}) observe_source(world, pushed(commit));
  world.when(QuarantineRelease{{"gateway", version(2)}, "bad"}, "person:alice");
  lint_passes(world, 1);
  world.finish_all(staging);
  EXPECT_EQ(world.live(staging).to.release.version, version(3));
}

TEST(Queue, LosesNoneWhenTheFirstIsPlannedAnewAndWishedAgainBehindTheOthers) {
  auto world = watched({in_order()});
  for (std::uint64_t commit : {1, 2, 1}) observe_source(world, pushed(commit));
  auto policy = *world.state.service("gateway");
  policy.stages.front().wait = 2h;
  EXPECT_THAT(world.push(policy), happened_in_order("promotion.superseded #1", "promotion.planned #2 " + version(1)));
  for (std::uint64_t commit : {1, 2, 1}) {
    lint_passes(world, commit);
    world.pass(2h);
    world.finish_all(staging);
    EXPECT_EQ(world.running(staging), version(commit));
  }
  EXPECT_FALSE(world.at(staging).promotion);
}

TEST(Queue, LosesNoneWhereTheFirstCameStraightFromItsDocument) {
  auto s = stage("production");
  s.gates = {"lint"};
  s.supersede = Supersede::queue;
  auto world = World::running_v1(s);
  for (const char* version : {"v2", "v3", "v2"}) world.push(target(production, release(version)));
  s.wait = 2h;
  EXPECT_THAT(world.push(service({s})), Contains("promotion.planned #2 v2"));
  for (const char* version : {"v2", "v3", "v2"}) {
    world.gate("lint", version);
    world.pass(2h);
    world.finish_all(production);
    EXPECT_EQ(world.running(production), version);
  }
}

TEST(Queue, WhoWishedWhatWaitsInLineIsInsideAlsoWhenTheirsComesAfterWhatTheDocumentWishes) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  s.supersede = Supersede::queue;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")), "person:frank");
  world.push(target(production, release("v3")), "person:erin");
  world.push(target(production, release("v2")), "person:frank");
  world.approve(promotion(production, 1), "person:dave");
  world.finish_all(production);
  ASSERT_EQ(world.live(production).to.release.version, "v3");
  EXPECT_THAT(world.approve(promotion(production, 2), "person:erin"), Refused("your own work"));
}

// v2 by carol has its turn, v3 by dave and v4 by bob wait in line.
World three_wait_for_managers() {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  s.supersede = Supersede::queue;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")), "person:carol");
  world.push(target(production, release("v3")), "person:dave");
  world.push(target(production, release("v4")), "person:bob");
  return world;
}

TEST(Queue, BarsNobodyWhoseWorkRunsAlreadyOrComesLater) {
  auto world = three_wait_for_managers();
  EXPECT_THAT(world.approve(promotion(production, 1), "person:carol"), Refused("your own work"));
  EXPECT_THAT(world.approve(promotion(production, 1), "person:dave"), Contains("promotion.started #1"));
  world.finish_all(production);
  ASSERT_EQ(world.live(production).to.release.version, "v3");
  EXPECT_THAT(world.approve(promotion(production, 2), "person:dave"), Refused("your own work"));
  EXPECT_THAT(world.approve(promotion(production, 2), "person:carol"), Contains("promotion.started #2"));
  world.finish_all(production);
  EXPECT_THAT(world.live(production).people, ElementsAre("person:bob"));
}

TEST(Queue, BarsWhoIsBehindWhatDidNotComeToRun) {
  auto world = three_wait_for_managers();
  EXPECT_THAT(world.cancel(promotion(production, 1)), Contains("promotion.planned #2 v3"));
  EXPECT_THAT(world.approve(promotion(production, 2), "person:carol"), Refused("your own work"));
  EXPECT_THAT(world.approve(promotion(production, 2), "person:dave"), Refused("your own work"));
  EXPECT_THAT(world.approve(promotion(production, 2), "person:erin"), Contains("promotion.started #2"));
  world.finish_all(production);
  EXPECT_THAT(world.live(production).people, ElementsAre("person:bob")) << "both run now";
}

TEST(Queue, BarsWhoIsBehindWhatWasDropped) {
  auto world = three_wait_for_managers();
  world.when(QuarantineRelease{{"gateway", "v3"}, "bad"}, "person:alice");
  world.approve(promotion(production, 1), "person:dave");
  world.finish_all(production);
  ASSERT_EQ(world.live(production).to.release.version, "v4");
  EXPECT_THAT(world.approve(promotion(production, 2), "person:dave"), Refused("your own work"));
  EXPECT_THAT(world.approve(promotion(production, 2), "person:carol"), Contains("promotion.started #2"));
}

TEST(Queue, BarsWhoIsBehindWhatWasTheLastInLineAndWasDropped) {
  auto world = three_wait_for_managers();
  for (const char* version : {"v3", "v4"}) {
    world.when(QuarantineRelease{{"gateway", version}, "bad"}, "person:alice");
  }
  world.approve(promotion(production, 1), "person:erin");
  world.finish_all(production);
  ASSERT_EQ(world.live(production).to.release.version, "v4") << "the document wishes it yet";
  EXPECT_THAT(world.live(production).people, UnorderedElementsAre("person:dave", "person:bob"));
}

TEST(Queue, BarsWhoIsBehindWhatARollbackTookBack) {
  auto world = three_wait_for_managers();
  world.approve(promotion(production, 1), "person:dave");
  world.finish_all(production);
  RollBack back;
  back.targets = {production};
  back.to = "previous";
  back.reason = "bad";
  EXPECT_THAT(world.when(back, "person:alice"), Contains("rollback.started to v1"));
  world.finish_all(production);
  ASSERT_EQ(world.running(production), "v1");
  ASSERT_EQ(world.live(production).to.release.version, "v4");
  EXPECT_THAT(world.live(production).people, UnorderedElementsAre("person:carol", "person:dave", "person:bob"));
}

TEST(Queue, BarsNobodyWhoseWorkRunsOnceMore) {
  auto world = three_wait_for_managers();
  for (std::uint64_t n = 1; n <= 3; ++n) {
    world.approve(promotion(production, n), n == 1 ? "person:dave" : "person:carol");
    world.finish_all(production);
  }
  ASSERT_EQ(world.running(production), "v4");
  RollBack back;
  back.targets = {production};
  back.to = "v3";
  back.reason = "bad";
  world.when(back, "person:alice");
  world.finish_all(production);
  ASSERT_EQ(world.running(production), "v3");
  world.push(target(production, release("v5")), "person:erin");
  EXPECT_THAT(world.live(production).people, UnorderedElementsAre("person:bob", "person:erin")) << "v4 is left";
  back.to = "v4";
  world.when(back, "person:alice");
  world.finish_all(production);
  ASSERT_EQ(world.running(production), "v4");
  world.push(target(production, release("v6")), "person:frank");
  EXPECT_THAT(world.live(production).people, UnorderedElementsAre("person:erin", "person:frank"));
}

TEST(Queue, BarsWhoIsBehindWhatCameWhileOrderWasNotKept) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  s.supersede = Supersede::queue;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")), "person:carol");
  world.approve(promotion(production, 1), "person:dave");
  world.finish_all(production);
  s.supersede = Supersede::newest;
  world.push(service({s}));
  world.push(target(production, release("v3")), "person:dave");
  world.approve(promotion(production, 2), "person:carol");
  world.finish_all(production);
  ASSERT_EQ(world.running(production), "v3");
  s.supersede = Supersede::queue;
  world.push(service({s}));
  RollBack back;
  back.targets = {production};
  back.to = "v2";
  back.reason = "bad";
  world.when(back, "person:alice");
  world.finish_all(production);
  ASSERT_EQ(world.running(production), "v2");
  world.push(target(production, release("v4")), "person:bob");
  EXPECT_THAT(world.live(production).people, UnorderedElementsAre("person:dave", "person:bob"));
}

TEST(Queue, AsksForNobodyMoreForAStrangerWhoseWorkRunsAlready) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  s.unknown_authors = UnknownAuthorsRule{UnknownAuthors::extra_approval, 37};
  s.supersede = Supersede::queue;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")), "person:stranger");
  world.push(target(production, release("v3")), "person:bob");
  EXPECT_THAT(world.approve(promotion(production, 1), "person:carol"), Not(Contains("promotion.started #1")));
  EXPECT_THAT(world.approve(promotion(production, 1), "person:dave"), Contains("promotion.started #1"));
  world.finish_all(production);
  EXPECT_THAT(world.approve(promotion(production, 2), "person:carol"), Contains("promotion.started #2"));
}

TEST(Queue, RefusesAPromotionByHandThatWouldJumpIt) {
  auto world = watched({in_order()});
  observe_source(world, pushed(1));
  world.when(RegisterRelease{"gateway", {"v9", hash(9), {}}, {}, {}});
  RequestPromotion ask{staging, {"v9", {}, {}}, "now"};
  EXPECT_THAT(world.when(ask, "person:alice"), Refused("keeps order"));
}

// ------------------------------------------------------------------------------------------------------ once and again

TEST(FailedTrigger, IsNotTriedAgainUntilSomethingThatBearsOnItChanges) {
  auto world = watched({triggered("staging", on_branch("main"))});
  observe_source(world, pushed(1));
  world.finish_all(staging);
  auto s = triggered("staging", on_branch("main"));
  s.before = {hook("migrate")};
  auto policy = service({s});
  policy.source = ServiceSource{"monorepo", {"gateway/**"}, 5};
  world.push(policy);
  observe_source(world, pushed(2));
  world.finish(staging, Kind::terminal, "no connection");
  EXPECT_FALSE(world.at(staging).promotion);
  lint_passes(world, 2);
  world.push(policy);
  EXPECT_FALSE(world.at(staging).promotion);
  policy.stages.front().before = {hook("migrate2")};
  EXPECT_THAT(world.push(policy), Contains("promotion.planned #3 " + version(2)));
}

// ------------------------------------------------------------------------------------------------------------ retired

Target to_retire() {
  auto wish = target(staging, {version(1), hash(1), {}});
  wish.on_delete = OnDelete::retire;
  return wish;
}
const Push removal{{}, {{DocumentKind::target, "gateway.staging"}}};

TEST(Retired, IsBroughtBackByNoTriggerUntilItsDocumentIsBack) {
  auto world = watched({triggered("staging", on_branch("main"))});
  world.push(environment("staging", true));
  observe_source(world, pushed(1));
  world.finish_all(staging);
  world.push(to_retire());
  world.push(removal);
  EXPECT_THAT(world.finish_all(staging), Contains("target.retired"));
  EXPECT_THAT(observe_source(world, pushed(2)), ElementsAre("source.observed"));
  EXPECT_THAT(world.idle(staging), HasSubstr("its Target document has gone, and nothing runs there"));
  EXPECT_THAT(world.when(RequestPromotion{staging, {version(1), {}, {}}, {}}, "person:alice"), Refused("has gone"));
  EXPECT_THAT(world.push(to_retire()), Contains(HasSubstr("promotion.planned #3")));
}

TEST(Retired, ForgetsWhatWaitedForItsTurn) {
  auto world = watched({in_order()});
  world.push(environment("staging", true));
  observe_source(world, pushed(1));
  lint_passes(world, 1);
  world.finish_all(staging);
  world.push(to_retire());
  for (std::uint64_t commit : {2, 3}) observe_source(world, pushed(commit));
  EXPECT_THAT(world.push(removal), happened_in_order("promotion.cancelled #2", "activity.started retire#1"));
  EXPECT_THAT(world.finish_all(staging), Contains("target.retired"));
  EXPECT_FALSE(world.at(staging).promotion);
  EXPECT_EQ(world.running(staging), "nothing");
}

// -------------------------------------------------------------------------------------------------------- concurrency

Push two_services(std::optional<std::uint32_t> of_environment, std::optional<std::uint32_t> of_stage,
                  std::vector<Dependency> depends_on = {}) {
  Push push;
  push.documents.emplace_back(access_policy());
  auto place = environment("production");
  if (of_environment) place.max_concurrent = ConcurrencyRule{*of_environment, 8};
  push.documents.emplace_back(place);
  for (const char* name : {"agent", "gateway"}) {
    auto s = stage("production");
    if (of_stage) s.max_concurrent = ConcurrencyRule{*of_stage, 44};
    auto policy = service({s});
    policy.name = name;
    if (policy.name == "agent") policy.depends_on = depends_on;
    push.documents.emplace_back(policy);
    push.documents.emplace_back(target({name, "production"}, release("v1")));
  }
  return push;
}
const TargetId agent{"agent", "production"};

// Both run v1.
World both_run(Push push) {
  World world;
  world.push(push);
  world.observe(agent, "v1");
  world.observe(production, "v1");
  return world;
}
Lines wish_both(World& world, const std::string& version) {
  return world.push({{target(agent, release(version)), target(production, release(version))}});
}

TEST(Concurrency, OfAnEnvironmentHoldsWhoComesLaterAndSaysWhoHasThePlace) {
  auto world = both_run(two_services(1, {}));
  wish_both(world, "v2");
  EXPECT_EQ(world.live(agent).phase, Phase::running);
  EXPECT_EQ(world.live(production).phase, Phase::waiting);
  const auto& waiting = world.live(production).current()->unmet;
  ASSERT_THAT(waiting, testing::SizeIs(1));
  EXPECT_EQ(waiting[0].guard, "concurrency");
  EXPECT_EQ(waiting[0].line, 8U);
  EXPECT_THAT(waiting[0].text, HasSubstr("the place is held by agent/production/1"));
  EXPECT_THAT(world.finish_all(agent), happened_in_order("promotion.succeeded #1", "promotion.started #1"));
}

TEST(Concurrency, OfAStageHoldsItsOwnPromotion) {
  auto world = both_run(two_services({}, 1));
  wish_both(world, "v2");
  EXPECT_EQ(world.live(production).phase, Phase::waiting);
  world.cancel(promotion(agent, 1));
  world.finish_all(agent);
  EXPECT_EQ(world.live(production).phase, Phase::running);
}

TEST(Concurrency, IsNoneWithoutARule) {
  auto world = both_run(two_services({}, {}));
  wish_both(world, "v2");
  EXPECT_EQ(world.live(agent).phase, Phase::running);
  EXPECT_EQ(world.live(production).phase, Phase::running);
}

TEST(DependsOn, PromotesAfterTheOtherWhenBothAreUnderWay) {
  auto world = both_run(two_services({}, {}, {{"gateway", 6}}));
  wish_both(world, "v2");
  EXPECT_EQ(world.live(production).phase, Phase::running);
  ASSERT_TRUE(world.at(agent).promotion);
  EXPECT_EQ(world.live(agent).phase, Phase::waiting);
  EXPECT_THAT(world.live(agent).current()->unmet.front().text, HasSubstr("gateway/production/1 is under way"));
  world.finish_all(production);
  EXPECT_EQ(world.live(agent).phase, Phase::running);
}

TEST(DependsOn, IsCitedWhereItStandsWhenItsLineHasMoved) {
  auto world = both_run(two_services({}, {}, {{"gateway", 6}}));
  wish_both(world, "v2");
  auto policy = *world.state.service("agent");
  policy.depends_on.front().line = 16;
  world.push({{policy}, {}, "person:alice", {}, 10});
  ASSERT_TRUE(world.at(agent).promotion);
  const auto condition = judge_depends_on(world.state, world.live(agent), world.now).front();
  EXPECT_EQ(condition.line, 16U);
  EXPECT_EQ(condition.commit, world.state.configuration.commit);
  EXPECT_NE(condition.commit, world.live(agent).rules.commit);
}

// One commit brings both into a new environment, and the one that depends on the other is seen first.
TEST(DependsOn, HoldsTheFirstPromotionAsWell) {
  World world;
  world.push(two_services({}, {}, {{"gateway", 6}}));
  world.observe(agent, "");
  EXPECT_EQ(world.live(agent).phase, Phase::waiting);
  EXPECT_THAT(world.unmet(agent), ElementsAre(HasSubstr("after gateway, which will be promoted in production")));
  world.observe(production, "");
  EXPECT_EQ(world.live(production).phase, Phase::running);
  EXPECT_EQ(world.live(agent).phase, Phase::waiting);
  world.finish_all(production);
  EXPECT_EQ(world.live(agent).phase, Phase::running);
}

TEST(DependsOn, AndMaxConcurrentLookAtWhatIsFinishedUnderAnOldNameFirst) {
  for (const bool limited : {false, true}) {
    auto before = two_services({}, {}, {});
    auto world = both_run(before);
    world.push(target(production, release("v2")));
    EXPECT_EQ(world.live(production).phase, Phase::running);
    auto push = two_services(limited ? std::optional(1U) : std::nullopt, {}, {{"gateway", 6}});
    push.removed = {{DocumentKind::environment, "production"},
                    {DocumentKind::target, "agent.production"},
                    {DocumentKind::target, "gateway.production"}};
    for (auto& document : push.documents) {
      if (auto* place = std::get_if<Environment>(&document)) {
        place->name = "live";
        place->formerly = "production";
      } else if (auto* policy = std::get_if<Service>(&document)) {
        policy->stages.front().environment = "live";
        if (limited) policy->depends_on.clear();
      } else if (auto* wish = std::get_if<Target>(&document)) {
        *wish = target({wish->id.service, "live"}, release("v2"));
      }
    }
    world.push(push);
    const TargetId live_agent{"agent", "live"};
    ASSERT_TRUE(world.at(live_agent).promotion) << limited;
    EXPECT_EQ(world.live(live_agent).phase, Phase::waiting) << limited;
    EXPECT_THAT(world.unmet(live_agent), Contains(HasSubstr("gateway/production/1"))) << limited;
    world.finish_all(production);
    EXPECT_EQ(world.live(live_agent).phase, Phase::running) << limited;
  }
}

TEST(DependsOn, HoldsTheFirstPromotionNoLongerThanUntilTheOtherIsSeenToStay) {
  for (const auto* runs : {"v1", "somebody-elses"}) {
    World world;
    world.push(two_services({}, {}, {{"gateway", 6}}));
    world.observe(agent, "");
    ASSERT_EQ(world.live(agent).phase, Phase::waiting);
    world.observe(production, runs);
    EXPECT_EQ(world.live(agent).phase, Phase::running) << runs;
  }
}

TEST(DependsOn, DoesNotHoldItWhenTheOtherStays) {
  auto world = both_run(two_services({}, {}, {{"gateway", 6}}));
  world.push(target(agent, release("v2")));
  EXPECT_EQ(world.live(agent).phase, Phase::running);
}

TEST(DependsOn, DoesNotWaitForAWishThatWaitsForAPerson) {
  auto push = two_services({}, {}, {{"gateway", 6}});
  for (auto& document : push.documents) {
    auto* policy = std::get_if<Service>(&document);
    if (!policy || policy->name != "gateway") continue;
    policy->source = ServiceSource{"monorepo", {"gateway/**"}, 5};
    policy->stages.front().triggers = {on_branch("main")};
  }
  push.documents.pop_back();  // the branch alone wishes something of the gateway
  World world;
  world.push(push);
  world.observe(agent, "v1");
  world.observe(production, "somebody-elses");
  observe_source(world, pushed(1));
  ASSERT_FALSE(world.at(production).flow->wishes.empty());
  world.push(target(agent, release("v2")));
  EXPECT_EQ(world.live(agent).phase, Phase::running);
}

// ------------------------------------------------------------------------------------------------------------- healthy

// What production gets is to be verified in staging.
World healthy_first() {
  auto to_production = stage("production");
  to_production.healthy = {"staging"};
  return watched({stage("staging"), to_production});
}

TEST(Healthy, WhatWasAdoptedThereIsVerifiedOnceItIsPromotedThere) {
  auto world = healthy_first();
  world.observe(staging, "v9");
  world.push(target(staging, {"v9", hash(9), {}}));
  world.push(target(production, {"v9", hash(9), {}}));
  EXPECT_THAT(world.unmet(production), ElementsAre("release v9 was adopted in staging, and is not verified there"));
  const RequestPromotion ask{staging, {"v9", {}, {}}, {}};
  EXPECT_THAT(world.when(ask, "person:alice"), Contains("activity.started deploy#1"));
  world.finish_all(staging);
  EXPECT_EQ(world.live(production).phase, Phase::running);
  EXPECT_THAT(world.when(ask, "person:alice"), Refused("runs release v9 already"));
}

TEST(Healthy, WhatWasAdoptedThereIsNotVerifiedByComingBack) {
  auto world = healthy_first();
  world.observe(staging, "v9");
  world.push(target(staging, {"v9", hash(9), {}}));
  world.push(target(staging, {"v10", hash(10), {}}));
  world.finish(staging, Kind::terminal, "no space");
  world.finish_all(staging);
  ASSERT_EQ(world.running(staging), "v9");
  world.push(target(production, {"v9", hash(9), {}}));
  EXPECT_THAT(world.unmet(production), Contains("release v9 was adopted in staging, and is not verified there"));
}

TEST(Healthy, WhatWasVerifiedThereStaysSoWhenItIsAdopted) {
  auto world = healthy_first();
  for (std::uint64_t n : {1, 2}) {
    world.push(target(staging, {"v" + std::to_string(n), hash(n), {}}));
    world.finish_all(staging);
  }
  world.push(reporting("staging"));
  world.observe(staging, "v1");
  EXPECT_THAT(world.when(AdoptTarget{staging, "it was put back"}, "person:alice"), Contains("target.adopted v1"));
  world.push(target(production, {"v1", hash(1), {}}));
  EXPECT_EQ(world.live(production).phase, Phase::running);
}

TEST(Healthy, AnOpenIncidentThereHoldsIt) {
  auto world = healthy_first();
  world.push(target(staging, {"v1", hash(1), {}}));
  world.finish_all(staging);
  IncidentOpened opened;
  opened.id = "1";
  opened.target = staging;
  opened.reason = "slow";
  std::set<TargetId> touched;
  Recorded<Event> recorded;
  recorded.meta.position = world.state.next;
  recorded.meta.time = world.now;
  recorded.event = opened;
  auto state = world.state;
  evolve(state, recorded, &touched);
  EXPECT_TRUE(touched.contains(production));
  Promotion p;
  p.id = promotion(production, 1);
  p.to.release = {"v1", hash(1), {}};
  auto& gates = p.steps.emplace_back().step.change();
  gates.kind = StepKind::gates;
  gates.healthy = {"staging"};
  const auto unmet = [&](const State& of) {
    Lines texts;
    for (const auto& condition : judge(of, p, world.now)) {
      if (condition.guard == "healthy" && !condition.met) texts.push_back(condition.text);
    }
    return texts;
  };
  EXPECT_THAT(unmet(world.state), IsEmpty());
  EXPECT_THAT(unmet(state), ElementsAre(HasSubstr("an incident of gateway/staging is open")));
}

// ---------------------------------------------------------------------------------------------------- nothing changed

// Whatever a commit does that leaves every document what it was: nothing is planned, and no gate counts as passed.
TEST(NothingChanged, PlansNothingAndPassesNoGate) {
  std::mt19937_64 random(torture_seed("nothing changed"));
  auto gated_stage = stage("production");
  gated_stage.gates = {"lint", "scan"};
  auto world = World::running_v1(gated_stage);
  world.push(target(production, release("v2")));
  const auto number = world.live(production).id.number;
  const auto digest = world.live(production).plan_digest;
  std::vector<Document> documents{service({gated_stage}), environment("production"), access_policy(),
                                  target(production, release("v2"))};
  for (int round = 0; round < 200; ++round) {
    Push push;
    auto shuffled = documents;
    std::ranges::shuffle(shuffled, random);
    shuffled.resize(random() % (documents.size() + 1));  // of a commit that touches other files: none
    push.documents = shuffled;
    push.moved_by = static_cast<std::uint32_t>(random() % 50);  // a comment above them
    const auto lines = world.push(push);
    EXPECT_THAT(lines, Not(Contains(HasSubstr("promotion."))));
    EXPECT_THAT(lines, Not(Contains(HasSubstr("step.succeeded"))));
    EXPECT_THAT(lines, Not(Contains(HasSubstr("desired.changed"))));
    ASSERT_EQ(world.live(production).id.number, number);
    ASSERT_EQ(world.live(production).plan_digest, digest);
    ASSERT_EQ(world.live(production).phase, Phase::waiting);
  }
  world.gate("lint", "v2");
  EXPECT_EQ(world.live(production).phase, Phase::waiting);
  world.gate("scan", "v2", GateStatus::passed, {{"critical", Decimal{"0"}}});
  EXPECT_EQ(world.live(production).phase, Phase::running);
}

TEST(Variables, AChangeOfThemAloneIsAPromotion) {
  auto world = World::running_v1(stage("production"));
  EXPECT_THAT(world.push(target(production, release("v1"), {{"replicas", "3"}})),
              happened_in_order("desired.changed v1", "promotion.planned #1 v1"));
}

}  // namespace
}  // namespace headgate::test
