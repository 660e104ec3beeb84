// Targets whose document goes: many at once wait for somebody, one is left alone or retired.
#include "engine/domain/governance.h"
#include "engine/domain/rollback.h"
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TargetId place(int n) {
  return {"gateway", "region-" + std::to_string(n)};
}
DocumentKey key(const TargetId& id) {
  return {DocumentKind::target, id.service + "." + id.environment};
}

World given_targets(int count) {
  World world;
  Push push{{access_policy()}};
  std::vector<Stage> stages;
  for (int n = 0; n < count; ++n) {
    stages.push_back(stage(place(n).environment));
    push.documents.emplace_back(environment(place(n).environment, true));
    push.documents.emplace_back(target(place(n), release("v1")));
  }
  push.documents.emplace_back(service(stages));
  world.push(push);
  for (int n = 0; n < count; ++n) world.observe(place(n), "v1");
  return world;
}

Push removal(int count, const std::string& author = "person:frank") {
  Push push{{}, {}, author};
  for (int n = 0; n < count; ++n) push.removed.push_back(key(place(n)));
  return push;
}

// ----------------------------------------------------------------------------------------------------- mass removal

TEST(MassRemoval, OneTargetOrATenthOfThemGoWithoutAnybody) {
  auto few = given_targets(3);
  EXPECT_THAT(few.push(removal(1)), Contains("configuration.accepted"));
  auto many = given_targets(20);
  EXPECT_THAT(many.push(removal(2)), Contains("configuration.accepted"));
}

TEST(MassRemoval, MoreThanATenthWaitsForAnOperator) {
  auto world = given_targets(20);
  EXPECT_THAT(world.push(removal(3)), ElementsAre("configuration.proposed"));
  EXPECT_EQ(describe_change(world.state.configuration.proposal->change),
            "removes 3 of 20 targets: gateway/region-0, gateway/region-1, gateway/region-2");
  EXPECT_TRUE(world.at(place(0)).document);
  EXPECT_FALSE(world.at(place(0)).orphaned);
  EXPECT_THAT(world.approve_configuration("person:carol"), Refused("an operator must approve"));
  EXPECT_THAT(world.approve_configuration("person:alice"),
              happened_in_order("configuration.approved ", "configuration.accepted", "target.orphaned"));
  EXPECT_TRUE(world.at(place(2)).orphaned);
  EXPECT_FALSE(world.at(place(3)).orphaned);
}

TEST(MassRemoval, NoOperatorApprovesTheirOwn) {
  auto world = given_targets(3);
  world.push(removal(2, "person:alice"));
  EXPECT_THAT(world.approve_configuration("person:alice"), Refused("your own work"));
}

TEST(MassRemoval, ATokenWithTheRoleIsAnOperatorToo) {
  auto world = given_targets(3);
  world.when(CreateToken{"token:root", "hash", {Role::admin}, {}}, "engine");
  world.push(removal(2));
  EXPECT_THAT(world.approve_configuration("token:root"), Contains("configuration.accepted"));
}

TEST(MassRemoval, ANewerPushThatRestoresThemNeedsNobody) {
  auto world = given_targets(3);
  world.push(removal(2));
  EXPECT_THAT(world.push({{target(place(0), release("v1")), target(place(1), release("v1"))}}),
              happened_in_order("configuration.superseded", "configuration.accepted"));
  EXPECT_FALSE(world.at(place(0)).orphaned);
}

TEST(MassRemoval, WithGovernanceItIsForOneOfItsTeams) {
  auto world = given_targets(3);
  world.governance = {{"managers", 2, 7}};
  EXPECT_THAT(world.push(removal(2)), ElementsAre("configuration.proposed"));
  EXPECT_THAT(world.approve_configuration("person:alice"), Refused("not a member"));
  EXPECT_THAT(world.approve_configuration("person:dave"), Contains("configuration.accepted"));
}

TEST(MassRemoval, TogetherWithAChangeOfThePolicyItTakesOnePersonMore) {
  auto world = given_targets(3);
  world.governance = {{"managers", 2, 7}};
  auto push = removal(2);
  push.documents.emplace_back(environment("region-9"));
  world.push(push);
  world.approve_configuration("person:carol");
  EXPECT_THAT(world.approve_configuration("person:dave"), Not(Contains("configuration.accepted")));
  EXPECT_THAT(world.approve_configuration("person:erin"), Contains("configuration.accepted"));
}

TEST(MassRemoval, ARenamedTargetIsNotRemoved) {
  auto world = given_targets(3);
  auto push = removal(2);
  for (int n = 0; n < 2; ++n) {
    auto moved = target({"gateway", "zone-" + std::to_string(n)}, release("v1"));
    moved.formerly = place(n);
    push.documents.emplace_back(moved);
  }
  EXPECT_THAT(world.push(push), Contains("configuration.accepted"));
}

// ----------------------------------------------------------------------------------------------------------- retain

TEST(Retain, TheTargetIsOrphanedAndNothingIsPromotedThere) {
  auto world = World::running_v1(stage("production"));
  EXPECT_THAT(world.push({{}, {key(production)}}), Contains("target.orphaned"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_THAT(world.request(production, "v2"), Refused("has gone"));
  EXPECT_THAT(world.idle(production), HasSubstr("left alone"));
}

TEST(Retain, APromotionByHandThatWaitsIsCancelled) {
  auto s = stage("production");
  s.wait = 1h;
  auto world = World::running_v1(s);
  world.request(production, "v2");
  EXPECT_THAT(world.push({{}, {key(production)}}), Contains("promotion.cancelled #1"));
}

TEST(Retain, ItComesBackWithItsDocumentAsItWas) {
  auto world = World::running_v1(stage("production"));
  world.push({{}, {key(production)}});
  const auto lines = world.push(target(production, release("v1")));
  EXPECT_THAT(lines, Not(Contains("promotion.planned #1 v1")));
  EXPECT_FALSE(world.at(production).orphaned);
  EXPECT_THAT(world.push(target(production, release("v2"))), Contains("promotion.planned #1 v2"));
}

// ----------------------------------------------------------------------------------------------------------- retire

World given_a_target_to_retire(Stage s = stage("production"), bool can_retire = true) {
  auto world = World::running_v1(s, can_retire);
  auto wish = target(production, release("v1"));
  wish.on_delete = OnDelete::retire;
  world.push(wish);
  return world;
}

TEST(Retire, TakesAwayWhatRunsAndThenTheTargetIsGone) {
  auto world = given_a_target_to_retire();
  EXPECT_THAT(world.push({{}, {key(production)}}),
              happened_in_order("configuration.accepted", "promotion.planned #1 v1", "promotion.started #1",
                                "step.started retire", "activity.started retire#1"));
  EXPECT_THAT(world.steps(production), ElementsAre("retire"));
  EXPECT_THAT(world.finish(production),
              happened_in_order("activity.succeeded retire", "promotion.succeeded #1", "target.retired"));
  EXPECT_EQ(world.running(production), "nothing");
  EXPECT_FALSE(world.at(production).desired);
  EXPECT_FALSE(world.at(production).retiring);
  EXPECT_THAT(world.pass(48h), IsEmpty());
}

TEST(Retire, WaitsForTheApprovalsAndTheWaitOfItsStage) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  s.wait = 10min;
  s.gates = {"lint"};
  auto world = given_a_target_to_retire(s);
  world.push({{}, {key(production)}, "person:carol"});
  EXPECT_THAT(world.steps(production), ElementsAre("approval", "wait", "retire"));
  EXPECT_THAT(world.approve(promotion(production, 1), "person:carol"), Refused("your own work"));
  world.approve(promotion(production, 1), "person:dave");
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.pass(10min), Contains("activity.started retire#1"));
}

TEST(Retire, WaitsForAFreeze) {
  auto world = given_a_target_to_retire();
  world.when(SetFreeze{"production", {}, "audit", {}}, "person:alice");
  world.push({{}, {key(production)}});
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.when(LiftFreeze{"1", "over"}, "person:alice"), Contains("activity.started retire#1"));
}

TEST(Retire, AQuarantinedReleaseIsTakenAwayAsWell) {
  auto world = given_a_target_to_retire();
  world.when(QuarantineRelease{{"gateway", "v1"}, "CVE"}, "person:alice");
  EXPECT_THAT(world.push({{}, {key(production)}}), Contains("activity.started retire#1"));
}

TEST(Retire, ADocumentThatComesBackEndsItWhileItWaits) {
  auto s = stage("production");
  s.wait = 10min;
  auto world = given_a_target_to_retire(s);
  world.push({{}, {key(production)}});
  EXPECT_THAT(world.push(target(production, release("v1"))), Contains("promotion.superseded #1"));
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_THAT(world.pass(1h), IsEmpty());
}

TEST(Retire, ADocumentThatComesBackTooLateIsAFirstPromotion) {
  auto world = given_a_target_to_retire();
  world.push({{}, {key(production)}});
  EXPECT_THAT(world.push(target(production, release("v1"))), Not(Contains("promotion.superseded #1")));
  EXPECT_THAT(world.finish(production),
              happened_in_order("promotion.succeeded #1", "promotion.planned #2 v1", "activity.started deploy#1"));
}

TEST(Retire, OneThatFailedIsNotTriedAgainByItself) {
  auto world = given_a_target_to_retire();
  world.push({{}, {key(production)}});
  EXPECT_THAT(world.finish(production, Outcome::Kind::terminal, "no"), Contains("promotion.failed #1"));
  EXPECT_THAT(world.pass(48h), IsEmpty());
  EXPECT_THAT(world.idle(production), HasSubstr("did not succeed"));
  auto again = target(production, release("v1"));
  again.on_delete = OnDelete::retire;
  world.push(again);
  EXPECT_THAT(world.push({{}, {key(production)}}), Contains("activity.started retire#1"));
}

TEST(Retire, ThatFailsOpensAnIncidentAndIsRetried) {
  auto world = given_a_target_to_retire();
  world.push({{}, {key(production)}});
  EXPECT_THAT(world.finish(production, Outcome::Kind::terminal, "no route"),
              happened_in_order("promotion.failed #1", "incident.opened"));
  EXPECT_THAT(open_incident(world.state, production)->second.next, HasSubstr("headgate retry gateway/production/1"));
  EXPECT_THAT(world.when(RetryPromotion{promotion(production, 1), "mended"}, "person:alice"),
              Contains("activity.started retire#2"));
}

TEST(Retire, AFirstReleaseThatWasLeftHalfDeployedIsTakenAwayAsWell) {
  auto s = stage("production");
  s.rollback_automatic = false;
  auto wish = target(production, release("v1"));
  wish.on_delete = OnDelete::retire;
  World world;
  world.push({{access_policy(), environment("production", true), service({s}), wish}});
  world.observe(production, "");
  world.finish(production, Outcome::Kind::terminal, "no space");
  ASSERT_FALSE(world.at(production).held.empty());
  EXPECT_THAT(world.push({{}, {key(production)}}),
              happened_in_order("promotion.planned #2 v1", "activity.started retire#1"));
  EXPECT_THAT(world.finish(production), happened_in_order("promotion.succeeded #2", "target.retired"));
}

TEST(Retire, IsNotExpedited) {
  auto s = stage("production");
  s.wait = 10min;
  s.expedite = Expedite{{}, Duration(1min)};
  auto world = given_a_target_to_retire(s);
  world.push({{}, {key(production)}});
  EXPECT_THAT(world.when(ExpeditePromotion{promotion(production, 1), "a hole"}, "person:alice"),
              Refused("only what is promoted is expedited"));
  EXPECT_THAT(world.pass(10min), Contains("activity.started retire#1"));
}

TEST(Retire, WithoutACommandItSaysSo) {
  auto world = given_a_target_to_retire(stage("production"), false);
  EXPECT_THAT(world.push({{}, {key(production)}}), Not(Contains("promotion.planned #1 v1")));
  EXPECT_THAT(world.idle(production), HasSubstr("has no retire command"));
  EXPECT_THAT(world.push(environment("production", true)), Contains("promotion.planned #1 v1"));
}

TEST(Retire, WhatIsUnderWayEndsBeforeIt) {
  auto world = given_a_target_to_retire();
  auto next = target(production, release("v2"));
  next.on_delete = OnDelete::retire;
  world.push(next);
  EXPECT_THAT(world.push({{}, {key(production)}}), Not(Contains("activity.started retire#1")));
  EXPECT_THAT(world.finish(production), happened_in_order("promotion.succeeded #1", "promotion.planned #2 v2"));
  world.finish(production);
  EXPECT_EQ(world.running(production), "nothing");
}

TEST(Retire, WhereNothingWasBroughtTheTargetJustGoes) {
  World world;
  auto wish = target(production, release("v2"));
  wish.on_delete = OnDelete::retire;
  world.push({{access_policy(), environment("production", true), service({stage("production")}), wish}});
  world.observe(production, "v1");
  EXPECT_THAT(world.push({{}, {key(production)}}), Contains("target.retired"));
  EXPECT_THAT(world.effects(), IsEmpty());
}

}  // namespace
}  // namespace headgate::test
