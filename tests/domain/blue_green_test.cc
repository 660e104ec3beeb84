// Blue-green and rolling deployments.
#include "engine/domain/rollout.h"
#include "tests/domain/strategies.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Kind = Outcome::Kind;

const PromotionId second = promotion(production, 2);

Stage blue_green(bool approve_switch_too = false) {
  auto s = stage("production");
  BlueGreen rules;
  rules.line = 44;
  rules.approve_switch = approve_switch_too;
  rules.observe = 2min;
  rules.analysis = {"error-rate"};
  rules.keep_old = 1h;
  s.strategy = Strategy{{}, rules, {}};
  s.verify_preview = {health("preview")};
  s.verify = {health("smoke")};
  if (approve_switch_too) s.approvals = {{"managers", 1, 35}};
  return s;
}

TEST(BlueGreen, RetiresTheSlotThatRuns) {
  auto world = given_v2(blue_green());
  roll(world);
  ASSERT_EQ(world.at(production).stable_slot, "green");
  auto wish = target(production, release("v2"));
  wish.on_delete = OnDelete::retire;
  world.push(wish);
  world.push({{}, {DocumentKey{DocumentKind::target, "gateway.production"}}});
  EXPECT_EQ(world.effect(production).step.slot, "green");
}

TEST(BlueGreen, VerifiesSwitchesObservesKeepsAndRetires) {
  auto world = given_v2(blue_green());
  EXPECT_THAT(world.steps(production),
              ElementsAre("shift-0", "deploy", "preview", "switch", "observe", "smoke", "keep-old", "retire-old",
                          "rollback-shift", "rollback-smoke", "rollback-retire"));
  const auto began = world.now;
  roll(world);
  EXPECT_EQ(world.now - began, 62min);
  EXPECT_THAT(weights(world), ElementsAre("green 0", "green 100"));
  EXPECT_EQ(world.at(production).stable_slot, "green");
}

TEST(BlueGreen, AfterTheSwitchTheBaselineIsTheOldColourBeforeTheRollout) {
  auto world = given_v2(blue_green());
  roll(world, "observe");
  world.pass(1min);
  const auto activity = world.effect(production);
  ASSERT_TRUE(activity.measure && activity.measure->metric.baseline);
  EXPECT_EQ(activity.measure->metric.baseline->window, Duration(2min)) << "by then nothing asks the old one any more";
  EXPECT_EQ(activity.measure->metric.baseline->query, "errors{slot=\"blue\"}");
  EXPECT_EQ(activity.measure->rollout_began, *world.live(production).effects_began);
}

TEST(BlueGreen, AnExpeditedPromotionKeepsTheOldColourAsLong) {
  auto s = blue_green();
  s.expedite = Expedite{Duration(1min), {}};
  auto world = given_v1(s);
  RequestPromotion request{production, release("v2"), "security fix"};
  request.expedite = true;
  world.when(request, "person:alice");
  EXPECT_EQ(world.live(production).find("observe")->step->wait, Duration(1min));
  EXPECT_EQ(world.live(production).find("keep-old")->step->wait, Duration(1h));
}

TEST(BlueGreen, APreviewThatFailsNeverGetsTraffic) {
  auto world = given_v2(blue_green());
  roll(world, "preview");
  EXPECT_THAT(world.finish(production, Kind::unhealthy, "500"),
              happened_in_order("step.failed preview", "release.quarantined v2", "rollback.started to v1"));
  roll(world);
  EXPECT_THAT(weights(world), ElementsAre("green 0", "blue 100"));
  EXPECT_EQ(world.running(production), "v1");
}

TEST(BlueGreen, ABreachAfterTheSwitchTakesTrafficBackAtOnce) {
  auto world = given_v2(blue_green());
  roll(world, "observe");
  world.pass(1min);
  EXPECT_THAT(measure(world, {Decimal{"0.2"}, Decimal{"100"}, Decimal{"0.01"}}),
              happened_in_order("step.failed observe", "release.quarantined v2", "activity.started rollback-shift#1"));
  roll(world);
  EXPECT_THAT(weights(world), ElementsAre("green 0", "green 100", "blue 100"));
}

TEST(BlueGreen, WhileTheOldOneIsKeptTheWayBackIsInstant) {
  auto world = given_v2(blue_green());
  roll(world, "keep-old");
  world.pass(30min);
  EXPECT_THAT(world.cancel(second), happened_in_order("rollback.started to v1", "activity.started rollback-shift#1"));
  roll(world);
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_EQ(world.at(production).stable_slot, "blue");
}

TEST(BlueGreen, ANewerWishDoesNotWaitForTheOldOneThatIsKept) {
  auto world = given_v2(blue_green());
  roll(world, "keep-old");
  EXPECT_THAT(world.push(target(production, release("v3"))), happened_in_order("step.succeeded keep-old"));
  EXPECT_EQ(world.effect(production).id.step, "retire-old");
  world.finish(production);
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_EQ(world.live(production).to.release.version, "v3");
}

TEST(BlueGreen, WhatTheDocumentHasWishedAllAlongDoesNotEndTheTimeThatTheOldOneIsKept) {
  auto world = given_v1(blue_green());
  world.request(production, "v2");
  roll(world, "keep-old");
  EXPECT_EQ(world.live(production).current()->step->name, "keep-old");
  EXPECT_THAT(world.pass(59min), Not(Contains("step.succeeded keep-old")));
  EXPECT_THAT(world.pass(1min), Contains("step.succeeded keep-old"));
}

TEST(BlueGreen, WhatATriggerWishesMeanwhileDoesNotWaitForTheOldOneThatIsKept) {
  for (const auto supersede : {Supersede::newest, Supersede::queue}) {
    auto s = blue_green();
    s.supersede = supersede;
    StageTrigger on_main;
    on_main.kind = Trigger::branch;
    on_main.branch = "main";
    s.triggers = {on_main};
    auto policy = measured_service(s);
    policy.source = ServiceSource{"monorepo", {"gateway/**"}, 5};
    World world;
    world.push({{access_policy(), slotted(), policy, target(production, release("v1"))}, {}, "person:frank"});
    world.observe(production, "");
    roll(world);
    const auto push = [&](const std::string& version) {
      world.when(RegisterRelease{"gateway", release(version), "main", {}});
      const auto commit = release(version).commit;
      return world.when(ObserveSource{{{{"gateway"}, commit, "monorepo", "main", {}, commit, "sha256:" + version}}},
                        "engine");
    };
    push("v2");
    roll(world, "keep-old");
    EXPECT_EQ(world.live(production).to.release.version, "v2");
    EXPECT_THAT(world.pass(30min), Not(Contains("step.succeeded keep-old")));
    EXPECT_THAT(push("v3"), happened_in_order("step.succeeded keep-old"));
  }
}

World given_switch_is_to_be_approved() {
  World world;
  world.push({{access_policy(), slotted(), measured_service(blue_green(true)), target(production, release("v1"))},
              {},
              "person:frank"});
  world.observe(production, "");
  world.approve(promotion(production, 1), "person:carol");
  roll(world, "approve-switch");
  return world;
}

TEST(BlueGreen, TheSwitchTakesOnePersonMoreOnceThePreviewIsVerified) {
  auto world = given_switch_is_to_be_approved();
  EXPECT_THAT(world.effects(), testing::IsEmpty());
  EXPECT_THAT(world.live(production).current()->unmet.at(0).remedy, HasSubstr("person:dave"));
  EXPECT_THAT(world.live(production).current()->unmet.at(0).remedy, Not(HasSubstr("person:carol")));
  EXPECT_THAT(world.approve(promotion(production, 1), "person:carol"), Refused("already"));
  EXPECT_THAT(world.approve(promotion(production, 1), "person:bob"), Refused("not a member"));
  EXPECT_THAT(
      world.approve(promotion(production, 1), "person:dave"),
      happened_in_order("approval.granted managers", "step.succeeded approve-switch", "activity.started switch#1"));
  EXPECT_THAT(world.approve(promotion(production, 1), "person:erin"), Refused("too late"));
}

TEST(BlueGreen, WhoRejectsTheSwitchHasThePreviewTakenBack) {
  auto world = given_switch_is_to_be_approved();
  const Reject no{promotion(production, 1), "not on a Friday"};
  EXPECT_THAT(world.when(no, "person:bob"), Refused("you cannot give it"));
  EXPECT_THAT(world.when(no, "person:dave"),
              happened_in_order("rollback.started to nothing", "activity.started rollback-retire#1"));
  EXPECT_THAT(world.live(production).end_reason, HasSubstr("rejected by person:dave: not on a Friday"));
  roll(world);
  EXPECT_EQ(world.running(production), "nothing");
}

TEST(BlueGreen, WhoeverApprovedTheSwitchIsNamed) {
  auto world = given_switch_is_to_be_approved();
  world.approve(promotion(production, 1), "person:dave");
  const auto conditions = judge_approve_switch(world.state, world.live(production), world.now);
  ASSERT_EQ(conditions.size(), 1U);
  EXPECT_TRUE(conditions[0].met);
  EXPECT_EQ(conditions[0].text, "the switch is approved by person:dave");
  EXPECT_THAT(conditions[0].events, ElementsAre(world.live(production).approvals.at(1).position));
}

TEST(BlueGreen, AFreezeHoldsTheSwitch) {
  auto world = given_v2(blue_green());
  roll(world, "preview");
  world.when(SetFreeze{"production", {}, "incident", {}}, "person:alice");
  world.finish(production);
  EXPECT_EQ(world.live(production).current()->step->name, "switch");
  EXPECT_THAT(world.effects(), testing::IsEmpty());
  world.when(LiftFreeze{"1", "over"}, "person:alice");
  EXPECT_EQ(world.effect(production).id.step, "switch");
}

TEST(BlueGreen, ARollbackByHandAfterwardsComesBackInTheOtherSlot) {
  auto world = given_v2(blue_green());
  roll(world);
  world.when(RollBack{{production}, "previous", "it is slow", "all"}, "person:alice");
  EXPECT_THAT(world.steps(production),
              ElementsAre("rollback-deploy", "rollback-shift", "rollback-smoke", "rollback-retire"));
  EXPECT_EQ(world.effect(production).step.slot, "blue");
  roll(world);
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_EQ(world.at(production).stable_slot, "blue");
}

TEST(BlueGreen, ARollbackByHandInTheMiddleIsTrafficFirst) {
  auto world = given_v2(blue_green());
  roll(world, "observe");
  world.when(RollBack{{production}, "previous", "it is slow", "all"}, "person:alice");
  EXPECT_THAT(world.steps(production), ElementsAre("rollback-shift", "rollback-smoke", "rollback-retire"));
  EXPECT_EQ(world.effect(production).step.slot, "blue");
  roll(world);
  EXPECT_EQ(world.running(production), "v1");
  EXPECT_EQ(world.at(production).stable_slot, "blue");
}

Stage rolling() {
  auto s = stage("production");
  s.strategy = Strategy{{}, {}, Rolling{40, Duration(30s), 44}};
  s.verify = {health("smoke")};
  return s;
}

TEST(Rolling, ReplacesInBatchesWithPausesBetween) {
  auto world = World::running_v1(rolling());
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.steps(production), ElementsAre("deploy-40", "pause-1", "deploy-80", "pause-2", "deploy", "smoke",
                                                   "rollback-deploy", "rollback-smoke"));
  EXPECT_EQ(world.live(production).find("deploy-80")->step->weight, 80U);
  EXPECT_EQ(world.live(production).find("deploy")->step->weight, 100U);
  const auto began = world.now;
  roll(world);
  EXPECT_EQ(world.now - began, 1min);
  EXPECT_EQ(world.running(production), "v2");
  EXPECT_EQ(world.at(production).stable_slot, "");
}

TEST(Rolling, ABatchThatFailsBringsAllOfThemBack) {
  for (const std::string step : {"deploy-40", "deploy-80", "deploy"}) {
    auto world = World::running_v1(rolling());
    world.push(target(production, release("v2")));
    roll(world, step);
    EXPECT_THAT(
        world.finish(production, Kind::terminal, "exit 1"),
        happened_in_order("step.failed " + step, "rollback.started to v1", "activity.started rollback-deploy#1"));
    roll(world);
    EXPECT_EQ(world.running(production), "v1");
  }
}

}  // namespace
}  // namespace headgate::test
