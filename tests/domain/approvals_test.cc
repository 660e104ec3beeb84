// Approvals: N of a team, never by whose work is inside, bound to the plan's digest, for a while.
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Stage approved_by_two() {
  auto s = stage("production");
  s.gates = {"lint"};
  s.approvals = {{"managers", 2, 35}};
  return s;
}

// v2 is wished by alice, its gate passed, two managers are asked.
World given_v2_is_asked_for(Stage s = approved_by_two(), const std::string& author = "person:alice") {
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")), author);
  world.gate("lint", "v2");
  return world;
}
const PromotionId first = promotion(production, 1);

TEST(Approvals, AreAskedForOnceTheGatesPassed) {
  auto world = World::running_v1(approved_by_two());
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.approve(first, "person:carol"), Refused("not asked for yet"));
  EXPECT_THAT(world.gate("lint", "v2"),
              ElementsAre("gate.reported lint", "step.succeeded gates", "step.started approval",
                          "approval.requested #1", "step.waiting approval"));
}

TEST(Approvals, AsManyAsTheRuleCountsStartTheFirstEffect) {
  auto world = given_v2_is_asked_for();
  EXPECT_THAT(world.approve(first, "person:carol"), ElementsAre("approval.granted managers", "step.waiting approval"));
  EXPECT_THAT(world.approve(first, "person:dave"),
              ElementsAre("approval.granted managers", "step.succeeded approval", "promotion.started #1",
                          "step.started deploy", "activity.started deploy#1"));
}

TEST(Approvals, OnePersonCountsOnce) {
  auto world = given_v2_is_asked_for();
  world.approve(first, "person:carol");
  EXPECT_THAT(world.approve(first, "person:carol"), Refused("one person counts once"));
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(Approvals, TwoIdentitiesThatTurnOutToBeOnePersonCountOnce) {
  auto s = approved_by_two();
  s.wait = 1h;
  auto world = given_v2_is_asked_for(s);
  world.approve(first, "person:carol");
  EXPECT_THAT(world.approve(first, "person:dave"), Contains("step.succeeded approval"));
  auto policy = access_policy();
  policy.people[2].also = {"person:dave"};
  world.push(policy, "person:frank");
  EXPECT_THAT(world.pass(2h), Not(Contains("promotion.started #1")));
  EXPECT_THAT(world.unmet(production), ElementsAre("2 approvals of managers: 1 given by person:carol"));
  EXPECT_THAT(world.approve(first, "person:erin"), Contains("promotion.started #1"));
}

TEST(Approvals, OneServesEachRequirementWhoseTeamItsGiverIsIn) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}, {"platform", 1, 36}};
  auto world = given_v2_is_asked_for(s);
  EXPECT_THAT(world.approve(first, "person:carol"),
              happened_in_order("approval.granted managers", "promotion.started #1"));
  const auto granted =
      std::ranges::find_if(world.log, [](const auto& r) { return std::holds_alternative<ApprovalGranted>(r.event); });
  EXPECT_THAT(std::get<ApprovalGranted>(granted->event).also, ElementsAre("platform"));
}

TEST(Approvals, ThatSpeakForOneTeamServeItAlone) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}, {"platform", 1, 36}};
  auto world = given_v2_is_asked_for(s);
  EXPECT_THAT(world.approve(first, "person:carol", "platform"),
              ElementsAre("approval.granted platform", "step.waiting approval"));
  EXPECT_THAT(world.approve(first, "person:carol", "managers"), Refused("one person counts once"));
  EXPECT_THAT(world.unmet(production), ElementsAre("1 approval of managers: 0 given"));
  EXPECT_THAT(world.approve(first, "person:dave"), Contains("promotion.started #1"));
}

TEST(Approvals, AreEachCountedOnceInARequirementThatWantsSeveral) {
  auto s = stage("production");
  s.approvals = {{"managers", 2, 35}, {"platform", 1, 36}};
  auto world = given_v2_is_asked_for(s);
  world.approve(first, "person:carol");
  EXPECT_THAT(world.unmet(production), ElementsAre("2 approvals of managers: 1 given by person:carol"));
  EXPECT_THAT(world.approve(first, "person:erin"), Contains("promotion.started #1"));
}

TEST(Approvals, StayWhenTheirGiverLeavesTheTeam) {
  auto world = given_v2_is_asked_for();
  world.approve(first, "person:carol");
  auto policy = access_policy();
  std::erase(policy.teams[0].members, "person:carol");
  world.push(policy);
  EXPECT_THAT(world.approve(first, "person:dave"), Contains("promotion.started #1"));
}

TEST(Approvals, OneMoreMustComeFromSomebodyWhomNoRequirementNeeds) {
  auto s = stage("production");
  s.gates = {"scan"};
  s.approvals = {{"managers", 1, 35}, {"platform", 1, 36}};
  auto asks = service({s});
  asks.gates[1].metrics["critical"].otherwise = Otherwise::approval;
  const auto given = [&] {
    auto world = World::running_v1(s);
    world.push(asks);
    world.push(target(production, release("v2")), "person:frank");
    world.gate("scan", "v2", GateStatus::passed, {{"critical", {"2"}}});
    return world;
  };
  // carol serves both: whoever comes besides is one more, in either order.
  for (const auto& order : {Lines{"person:carol", "person:dave"}, Lines{"person:dave", "person:carol"}}) {
    auto world = given();
    EXPECT_THAT(world.approve(first, order[0]), Not(Contains("promotion.started #1")));
    EXPECT_THAT(world.approve(first, order[1]), Contains("promotion.started #1")) << order[0];
  }
  // dave and bob are needed both; a third one is more.
  auto world = given();
  world.approve(first, "person:dave");
  EXPECT_THAT(world.approve(first, "person:bob"), Not(Contains("promotion.started #1")));
  EXPECT_THAT(world.approve(first, "person:erin"), Contains("promotion.started #1"));
}

TEST(Approvals, AreVoidedWhenTheReleaseIsQuarantined) {
  auto world = given_v2_is_asked_for();
  world.approve(first, "person:carol");
  EXPECT_THAT(world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice"),
              Contains("approval.voided person:carol"));
  EXPECT_THAT(world.approve(first, "person:dave"), Refused("cannot be approved now"));
  world.when(ReinstateRelease{{"gateway", "v2"}, "a false alarm"}, "person:alice");
  EXPECT_THAT(world.unmet(production),
              ElementsAre("2 approvals of managers: 0 given; person:carol's was voided: release "
                          "v2 is quarantined: CVE"));
}

TEST(Approvals, AreVoidedWhenAGateIsReportedOutOfItsOrder) {
  auto s = approved_by_two();
  s.gates = {"unit-tests", "lint"};
  auto ordered = service({s});
  ordered.gates[2].after = {"unit-tests"};
  auto world = World::running_v1(s);
  world.push(ordered);
  world.push(target(production, release("v2")));
  world.gates_pass("v2");
  world.approve(first, "person:carol");
  world.gate("unit-tests", "v2", GateStatus::failed);
  world.gate("lint", "v2");
  world.gate("unit-tests", "v2", GateStatus::passed, {{"coverage", {"95"}}});
  EXPECT_THAT(world.live(production).approvals, IsEmpty());
}

TEST(Approvals, OfAPersonWithSeveralIdsCountOnceAndBarTheirWork) {
  auto policy = access_policy();
  policy.people[2].also = {"person:carol-at-home"};
  auto world = World::running_v1(approved_by_two());
  world.push(policy, "person:frank");
  world.push(target(production, release("v2")), "person:carol-at-home");
  world.gate("lint", "v2");
  EXPECT_THAT(world.approve(first, "person:carol"), Refused("your own work"));
  EXPECT_THAT(world.approve(first, "person:dave"), Contains("approval.granted managers"));

  // Known to be one only after both had approved: nobody counts twice, and nobody slips through as somebody else.
  auto apart = access_policy();
  apart.teams[0].members.push_back("person:carol-at-home");
  auto two = World::running_v1(approved_by_two());
  two.push(apart, "person:frank");
  two.push(target(production, release("v2")), "person:carol-at-home");
  two.gate("lint", "v2");
  two.approve(first, "person:carol");
  EXPECT_THAT(two.push(policy, "person:frank"), Contains("approval.voided person:carol"));
}

TEST(Approvals, NobodyApprovesWhatTheyAskedForByATokenThatWasNobodysThen) {
  auto world = World::running_v1(approved_by_two());
  world.request(production, "v2", "token:laptop");
  world.gate("lint", "v2");
  auto policy = access_policy();
  policy.people[2].tokens = {"token:laptop"};
  world.push(policy, "person:frank");
  EXPECT_THAT(world.approve(first, "person:carol"), Refused("your own work"));
  EXPECT_THAT(world.approve(first, "person:dave"), Contains("approval.granted managers"));
}

TEST(Approvals, GoToTheTeamThatStillNeedsSomebodyOrTheOneNamed) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}, {"platform", 1, 36}};
  auto world = given_v2_is_asked_for(s);
  world.approve(first, "person:dave");
  EXPECT_THAT(world.approve(first, "person:carol"), Contains("approval.granted platform"));
  auto named = given_v2_is_asked_for(s);
  EXPECT_THAT(named.approve(first, "person:carol", "platform"), Contains("approval.granted platform"));
  EXPECT_THAT(named.approve(first, "person:bob", "managers"), Refused("not a member"));
}

TEST(Approvals, OnlyMembersWithTheRoleCanGiveThem) {
  auto world = given_v2_is_asked_for();
  EXPECT_THAT(world.approve(first, "person:bob"), Refused("managers"));
  EXPECT_THAT(world.approve(first, "person:nobody"), Refused("not a member"));
  EXPECT_THAT(world.approve(first, "token:ci"), Refused("only a person can approve"));
  auto policy = access_policy();
  policy.grants = {{"managers", {}, {}, Role::approver, {"staging"}, {"*"}},
                   {"managers", {}, {}, Role::admin, {"*"}, {"*"}}};
  world.push(policy);
  EXPECT_THAT(world.approve(first, "person:dave"), Refused("not a member with the approver role in production"));
}

TEST(Approvals, NobodyApprovesTheirOwnWork) {
  struct Row {
    const char* who;
    Push push;
  };
  const Document wish = target(production, release("v2"));
  for (const auto& [who, push] : {Row{"author", {{wish}, {}, "person:carol", {}, 0}},
                                  Row{"co-author", {{wish}, {}, "person:alice", {"person:bob", "person:carol"}, 0}}}) {
    auto world = World::running_v1(approved_by_two());
    world.push(push);
    world.gate("lint", "v2");
    EXPECT_THAT(world.approve(first, "person:carol"), Refused("your own work")) << who;
    EXPECT_THAT(world.approve(first, "person:dave"), Contains("approval.granted managers")) << who;
  }
}

TEST(Approvals, WhoWritesTheSameWishInOtherWordsAsksForItToo) {
  auto world = World::running_v1(approved_by_two());
  world.push(target(production, release("v2")));
  world.gate("lint", "v2");
  EXPECT_THAT(world.approve(first, "person:dave"), Contains("approval.granted managers"));
  Release by_version;
  by_version.version = "v2";
  for (const auto* author : {"person:carol", "person:dave"}) {
    auto respelled = target(production, by_version);
    respelled.suspend = author == std::string("person:carol");
    world.push(respelled, author);
  }
  EXPECT_EQ(world.live(production).id, first) << "the wish is the same";
  EXPECT_TRUE(world.live(production).approvals.empty()) << "dave's is void";
  EXPECT_THAT(world.approve(first, "person:carol"), Refused("your own work"));
  EXPECT_THAT(world.approve(first, "person:erin"), Contains("approval.granted managers"));
}

TEST(Approvals, NobodyApprovesWhatTheyCommittedForSomebodyElse) {
  auto world = World::running_v1(approved_by_two());
  CommitObserved commit;
  commit.repository = "environments";
  commit.branch = "main";
  commit.sha = commit_id(77);
  commit.author = "person:alice";
  commit.committer = "person:carol";
  world.when(ObserveCommits{"environments", "main", {}, {commit}}, "engine");
  world.push(target(production, release("v2")));
  world.gate("lint", "v2");
  EXPECT_THAT(world.approve(first, "person:carol"), Refused("your own work"));
}

TEST(Approvals, NobodyApprovesWhatCameWithMoreCommitsThanAreRecorded) {
  auto world = World::running_v1(approved_by_two());
  CommitObserved commit;
  commit.repository = "environments";
  commit.branch = "main";
  commit.sha = commit_id(77);
  commit.author = "person:alice";
  commit.committer = "person:alice";
  commit.co_authors = {std::string(anybody)};
  world.when(ObserveCommits{"environments", "main", {}, {commit}}, "engine");
  world.push(target(production, release("v2")));
  world.gate("lint", "v2");
  for (const auto* person : {"person:carol", "person:dave", "person:erin"}) {
    EXPECT_THAT(world.approve(first, person), Refused("your own work"));
  }
}

TEST(Approvals, NobodyApprovesWhatTheyAskedForByHand) {
  auto world = World::running_v1(approved_by_two());
  world.request(production, "v2", "person:carol");
  world.gate("lint", "v2");
  EXPECT_THAT(world.approve(first, "person:carol"), Refused("you asked for it"));
}

TEST(Approvals, WorkOfWishesThatWereNeverFulfilledStaysInside) {
  auto world = World::running_v1(approved_by_two());
  world.push(target(production, release("v2")), "person:carol");
  world.push(target(production, release("v3")), "person:alice");
  world.gate("lint", "v3");
  EXPECT_THAT(world.approve(promotion(production, 2), "person:carol"), Refused("your own work"));
}

TEST(Approvals, WhoBringsAWishBackIsInside) {
  auto world = given_v2_is_asked_for();
  world.push(target(production, {"v3", {}, {}}), "person:bob");  // not registered: it cannot be followed
  world.push(target(production, release("v2")), "person:carol");
  EXPECT_THAT(world.approve(promotion(production, 2), "person:carol"), Refused("your own work"));
}

// With the same commit the stage stops to keep order: what waits is what carol wishes.
TEST(Approvals, WhoWishesOnceMoreWhatWaitsInOrderIsInside) {
  auto s = approved_by_two();
  s.supersede = Supersede::queue;
  auto world = given_v2_is_asked_for(s);
  world.push(target(production, release("v3")), "person:alice");
  s.supersede = Supersede::newest;
  world.push({{service({s}), target(production, release("v2"))}, {}, "person:carol"});
  ASSERT_EQ(world.live(production).to.release.version, "v2");
  EXPECT_THAT(world.approve(world.live(production).id, "person:carol"), Refused("your own work"));
  EXPECT_THAT(world.approve(world.live(production).id, "person:dave"), Contains("approval.granted managers"));
}

TEST(Approvals, WorkThatWasPromotedIsInsideNoMore) {
  auto world = given_v2_is_asked_for(approved_by_two(), "person:carol");
  world.approve(first, "person:dave");
  world.approve(first, "person:erin");
  world.finish_all(production);
  ASSERT_EQ(world.running(production), "v2");
  world.push(target(production, release("v3")), "person:alice");
  world.gate("lint", "v3");
  EXPECT_THAT(world.approve(promotion(production, 2), "person:carol"), Contains("approval.granted managers"));
}

TEST(Approvals, SelfApprovalIsPossibleWhereTheStageAllowsIt) {
  auto s = approved_by_two();
  s.self_approval = true;
  auto world = given_v2_is_asked_for(s, "person:carol");
  EXPECT_THAT(world.approve(first, "person:carol"), Contains("approval.granted managers"));
}

TEST(Approvals, OfAnotherPlanAreRefused) {
  auto world = given_v2_is_asked_for();
  EXPECT_THAT(world.when(Approve{first, "sha256:stale", {}, {}}, "person:carol"), Refused("look at it again"));
  EXPECT_EQ(world.error.code, ErrorCode::conflict);
  EXPECT_THAT(world.when(Approve{first, {}, {}, {}}, "person:carol"), Refused("look at it again"));
}

TEST(Approvals, OfWhatHasEndedOrBegunOrNeverWasAreRefused) {
  auto world = given_v2_is_asked_for();
  EXPECT_THAT(world.approve(promotion(production, 9), "person:carol"), Refused("no promotion gateway/production/9"));
  EXPECT_THAT(world.approve(promotion(staging, 1), "person:carol"), Refused("no promotion"));
  world.approve(first, "person:carol");
  world.approve(first, "person:dave");
  EXPECT_THAT(world.approve(first, "person:erin"), Refused("too late"));
  world.finish_all(production);
  EXPECT_THAT(world.approve(first, "person:erin"), Refused("has ended"));
}

TEST(Approvals, RecordTheEvidenceThatTheirGiverSaw) {
  auto world = given_v2_is_asked_for();
  const auto report = world.state.services.at("gateway").gates.begin()->second.position;
  world.approve(first, "person:carol");
  const auto granted =
      std::ranges::find_if(world.log, [](const auto& r) { return std::holds_alternative<ApprovalGranted>(r.event); });
  EXPECT_EQ(std::get<ApprovalGranted>(granted->event).evidence, std::vector<Position>{report});
  EXPECT_EQ(std::get<ApprovalGranted>(granted->event).plan_digest, world.live(production).plan_digest);
}

TEST(Approvals, ExpireAndAreAskedForAgain) {
  auto world = given_v2_is_asked_for();
  world.approve(first, "person:carol");
  EXPECT_THAT(world.pass(23h), IsEmpty());
  EXPECT_THAT(world.pass(1h), ElementsAre("approval.expired person:carol", "step.waiting approval"));
  EXPECT_THAT(world.unmet(production), ElementsAre("2 approvals of managers: 0 given; person:carol's expired"));
  EXPECT_THAT(world.approve(first, "person:dave"), Not(Contains("promotion.started #1")));
  EXPECT_THAT(world.approve(first, "person:carol"), Contains("promotion.started #1"));
}

TEST(Approvals, ThatExpireDuringTheWaitDoNotStartTheFirstEffect) {
  auto s = approved_by_two();
  s.wait = 30h;
  auto world = given_v2_is_asked_for(s);
  world.approve(first, "person:carol");
  world.approve(first, "person:dave");
  EXPECT_THAT(world.pass(40h),
              AllOf(happened_in_order("approval.expired person:carol", "step.succeeded wait", "step.waiting deploy"),
                    Not(Contains("promotion.started #1"))));
  world.approve(first, "person:carol");
  EXPECT_THAT(world.approve(first, "person:erin"), Contains("promotion.started #1"));
}

TEST(Approvals, AreVoidedWhenARequiredGateTurnsBad) {
  auto world = given_v2_is_asked_for();
  world.approve(first, "person:carol");
  EXPECT_THAT(world.gate("lint", "v2", GateStatus::failed),
              ElementsAre("gate.reported lint", "approval.voided person:carol", "step.waiting approval"));
  EXPECT_THAT(world.approve(first, "person:dave"), Refused("gate lint"));  // nobody approves past a gate that fails
  EXPECT_THAT(world.gate("lint", "v2"), ElementsAre("gate.reported lint"));
  world.approve(first, "person:dave");
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.approve(first, "person:carol"), Contains("promotion.started #1"));
}

TEST(Approvals, StayWhenAGateIsReportedAgainAsGood) {
  auto world = given_v2_is_asked_for();
  world.approve(first, "person:carol");
  EXPECT_THAT(world.gate("lint", "v2"), ElementsAre("gate.reported lint"));
  EXPECT_THAT(world.gate("scan", "v2", GateStatus::failed), ElementsAre("gate.reported scan"));  // not required here
  EXPECT_EQ(world.live(production).approvals.size(), 1U);
}

TEST(Approvals, AreVoidedWhenThePolicyChangesThePlan) {
  auto world = given_v2_is_asked_for();
  world.approve(first, "person:carol");
  auto changed = approved_by_two();
  changed.before = {hook("backup")};
  EXPECT_THAT(world.push(service({changed})),
              happened_in_order("approval.voided person:carol", "promotion.superseded #1", "promotion.planned #2 v2",
                                "step.succeeded gates", "approval.requested #2"));
  EXPECT_THAT(world.live(production).approvals, IsEmpty());
  EXPECT_THAT(world.live(production).people, Contains("person:alice"));
}

TEST(Approvals, AreVoidedWhenAScriptOfThePlanChanges) {
  auto s = approved_by_two();
  s.before = {hook("backup")};
  auto world = given_v2_is_asked_for(s);
  world.approve(first, "person:carol");
  s.before[0].run.blob = commit_id(4711);
  EXPECT_THAT(world.push(service({s})), Contains("approval.voided person:carol"));
}

TEST(Approvals, StayWhenNothingInThePlanChanges) {
  auto world = given_v2_is_asked_for();
  world.approve(first, "person:carol");
  // The same documents further down in their files, in another order.
  auto moved = approved_by_two();
  moved.line += 5;
  moved.requires_line += 5;
  moved.approvals[0].line += 5;
  moved.wait_line += 5;
  EXPECT_THAT(world.push({{target(production, release("v2")), service({moved})}, {}, "person:bob", {}, 5}),
              ElementsAre("configuration.accepted"));
  // A document that has nothing to do with it, and another stage of the same service.
  EXPECT_THAT(world.push(environment("elsewhere")), ElementsAre("configuration.accepted"));
  EXPECT_THAT(world.push(service({approved_by_two(), stage("elsewhere")})), ElementsAre("configuration.accepted"));
  // Who is in a team.
  auto policy = access_policy();
  policy.teams[0].members.push_back("person:bob");
  EXPECT_THAT(world.push(policy), testing::Each(Not(testing::StartsWith("approval."))));
  EXPECT_EQ(world.live(production).approvals.size(), 1U);
  EXPECT_THAT(world.approve(first, "person:dave"), Contains("promotion.started #1"));
}

TEST(Approvals, AreVoidedWithTheirPromotionByANewerWish) {
  auto world = given_v2_is_asked_for();
  world.approve(first, "person:carol");
  world.gate("lint", "v3");
  EXPECT_THAT(world.push(target(production, release("v3"))),
              happened_in_order("desired.changed v3", "promotion.superseded #1", "promotion.planned #2 v3",
                                "approval.requested #2"));
  EXPECT_THAT(world.live(production).approvals, IsEmpty());
}

TEST(Approvals, ARejectionEndsThePromotionAndItIsNotPlannedAgain) {
  auto world = given_v2_is_asked_for();
  EXPECT_THAT(world.when(Reject{first, "not on a Friday"}, "person:bob"), Refused("you cannot give it"));
  EXPECT_THAT(world.when(Reject{first, "not on a Friday"}, "person:carol"),
              ElementsAre("approval.rejected #1", "promotion.rejected #1"));
  EXPECT_THAT(world.idle(production), HasSubstr("did not succeed"));
  EXPECT_THAT(world.push(environment("production")), ElementsAre("configuration.accepted"));
}

TEST(Approvals, APromotionThatNeedsNoneCannotBeApprovedOrRejected) {
  auto s = stage("production");
  s.gates = {"lint"};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.approve(first, "person:carol"), Refused("needs no approval"));
  EXPECT_THAT(world.when(Reject{first, {}}, "person:carol"), Refused("cancel it instead"));
}

TEST(Approvals, TheRemedyNamesWhoCanGiveThem) {
  auto world = given_v2_is_asked_for(approved_by_two(), "person:carol");
  world.approve(first, "person:dave");
  for (const auto& condition : judge(world.state, world.live(production), world.now)) {
    if (condition.guard != "approvals") continue;
    EXPECT_EQ(condition.text, "2 approvals of managers: 1 given by person:dave");
    EXPECT_EQ(condition.remedy, "person:erin can give the other: headgate approve gateway/production/1");
  }
}

TEST(Approvals, AQuarantineStopsAlsoBetweenTheHooks) {
  auto s = stage("production");
  s.before = {hook("backup"), hook("migrate")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice");
  EXPECT_THAT(world.finish(production),
              AllOf(Contains("promotion.failed #1"), Not(Contains("activity.started migrate#1"))));
}

TEST(Approvals, TheRemedySaysWhyNobodyCanGiveThem) {
  auto s = stage("production");
  s.approvals = {{"managers", 3, 35}};
  auto world = given_v2_is_asked_for(s, "person:carol");
  auto policy = access_policy();
  policy.teams[0].members.push_back("person:bob");
  policy.grants[0] = {{}, "person:erin", {}, Role::approver, {"*"}, {"*"}};
  policy.grants[1] = {{}, "person:carol", {}, Role::approver, {"*"}, {"*"}};
  world.push(policy, "person:frank");
  for (const auto& condition : judge(world.state, world.live(production), world.now)) {
    if (condition.guard != "approvals") continue;
    EXPECT_EQ(condition.remedy,
              "person:erin can give them: headgate approve gateway/production/1; nobody else of managers can give "
              "them, for the work of person:carol is inside or they asked for it, and person:dave, person:bob lack the "
              "approver role in production: let somebody else join, or change the stage's protection");
  }
}

}  // namespace
}  // namespace headgate::test
