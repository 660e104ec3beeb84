// metadata.formerly: what is known under the old name is known under the new one.
#include "engine/domain/renames.h"
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const TargetId live{"gateway", "live"};
const TargetId edge{"edge", "production"};

const DocumentKey old_target{DocumentKind::target, "gateway.production"};

// production is called live from here on.
Push renamed_environment(const Release& wished, const Stage& s = stage("live")) {
  auto place = environment("live");
  place.formerly = "production";
  return {{place, service({s}), target(live, wished)}, {{DocumentKind::environment, "production"}, old_target}};
}
// gateway is called edge.
Push renamed_service(const Release& wished, const Stage& s = stage("production")) {
  auto renamed = service({s});
  renamed.name = "edge";
  renamed.formerly = "gateway";
  return {{renamed, target(edge, wished)}, {{DocumentKind::service, "gateway"}, old_target}};
}

TEST(Rename, ARenamedEnvironmentPlansNothing) {
  auto world = World::running_v1(stage("production"));
  EXPECT_THAT(world.push(renamed_environment(release("v1"))),
              ElementsAre("configuration.accepted", "target.renamed gateway/production -> gateway/live"));
  EXPECT_EQ(world.running(live), "v1");
  EXPECT_EQ(world.at(live).verified.size(), 1U);
  EXPECT_EQ(world.running(production), "nothing");
  EXPECT_FALSE(world.at(production).orphaned);
  EXPECT_THAT(world.pass(48h), IsEmpty());
}

TEST(Rename, ARenamedServiceTakesItsReleasesAndQuarantineAlong) {
  auto world = World::running_v1(stage("production"));
  world.when(RegisterRelease{"gateway", release("v2"), {}, {}});
  world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice");
  world.push(renamed_service(release("v1")));
  EXPECT_EQ(world.running(edge), "v1");
  EXPECT_TRUE(world.state.release({"edge", "v2"}));
  EXPECT_THAT(world.request(edge, "v2"), Refused("is quarantined"));
}

// Only its numbers are kept; whoever asks for it is told where it went.
TEST(Rename, TheOldNameIsLeftBehind) {
  auto world = World::running_v1(stage("production"));
  world.push(renamed_service(release("v1")));
  EXPECT_TRUE(is_left_behind(world.state, production, world.at(production)));
  EXPECT_FALSE(is_left_behind(world.state, edge, world.at(edge)));
  EXPECT_EQ(called_since(world.state, production), edge);
  EXPECT_EQ(called_since(world.state, edge), std::nullopt);
  EXPECT_EQ(world.idle(production), "it is called edge/production now");
  EXPECT_THAT(world.request(production, "v2"), Refused("gateway/production is called edge/production now"));
  EXPECT_THAT(world.request({"gateway", "prod"}, "v2"), Refused("no service 'gateway' in the configuration in force"));
  EXPECT_THAT(world.error.message, Not(HasSubstr("nearest")));
  EXPECT_THAT(world.when(RollBack{{production}, "previous", "slow", "all"}, "person:alice"),
              Refused("gateway/production is called edge/production now"));

  auto again = renamed_service(release("v1"));
  auto& renamed = std::get<Service>(again.documents.front());
  renamed.name = "front";
  renamed.formerly = "edge";
  const TargetId front{"front", "production"};
  world.push({{renamed, target(front, release("v1"))},
              {{DocumentKind::service, "edge"}, {DocumentKind::target, "edge.production"}}});
  EXPECT_EQ(called_since(world.state, edge), front);
}

TEST(Rename, ATargetThatIsBeingRenamedIsNotLeftBehind) {
  auto world = World::running_v1(stage("production"));
  world.push(target(production, release("v2")));
  world.push(renamed_environment(release("v2")));
  EXPECT_FALSE(is_left_behind(world.state, production, world.at(production)));
  EXPECT_THAT(world.when(RollBack{{live}, "previous", "slow", "all"}, "person:alice"),
              Refused("was called gateway/production, where something is under way"));
  world.finish(production);
  EXPECT_EQ(called_since(world.state, production), live);
}

TEST(Rename, ANewWishOfTheSameCommitIsPlannedFromWhatRuns) {
  auto world = World::running_v1(stage("production"));
  EXPECT_THAT(world.push(renamed_service(release("v2"))),
              happened_in_order("target.renamed gateway/production -> edge/production", "desired.changed v2",
                                "promotion.planned #1 v2"));
  EXPECT_EQ(world.live(edge).from->release.version, "v1");
  EXPECT_THAT(world.steps(edge), Contains("rollback-deploy"));
}

TEST(Rename, APromotionThatWaitsEndsAsSuperseded) {
  auto s = stage("production");
  s.wait = 1h;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  auto next = stage("live");
  next.wait = 1h;
  EXPECT_THAT(world.push(renamed_environment(release("v2"), next)),
              happened_in_order("configuration.accepted", "promotion.superseded #1",
                                "target.renamed gateway/production -> gateway/live", "promotion.planned #2 v2"));
}

TEST(Rename, APromotionThatRunsEndsFirst) {
  auto world = World::running_v1(stage("production"));
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.push(renamed_environment(release("v2"))), ElementsAre("configuration.accepted"));
  EXPECT_THAT(world.idle(live), HasSubstr("it was called gateway/production"));
  EXPECT_THAT(world.request(live, "v3"), Refused("was called gateway/production"));
  EXPECT_THAT(world.when(AdoptTarget{live, {}}, "person:alice"), Refused("was called gateway/production"));
  EXPECT_THAT(world.finish(production),
              happened_in_order("promotion.succeeded #1", "target.renamed gateway/production -> gateway/live"));
  EXPECT_EQ(world.running(live), "v2");
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(Rename, WhatIsQuarantinedMeanwhileIsSoUnderBothNames) {
  auto s = stage("production");
  s.verify = {health("smoke")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.push(renamed_service(release("v2"), s));
  world.finish(production);
  EXPECT_THAT(world.finish(production, Outcome::Kind::unhealthy, "500"), Contains("release.quarantined v2"));
  world.finish_all(production);
  EXPECT_TRUE(world.state.quarantine("edge", release("v2")));
  EXPECT_EQ(world.running(edge), "v1");
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(Rename, WhatWasReinstatedIsSoAfterEveryLaterCommit) {
  auto world = World::running_v1(stage("production"));
  world.when(RegisterRelease{"gateway", release("v2"), {}, {}});
  world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice");
  auto push = renamed_service(release("v1"));
  world.push(push);
  world.when(ReinstateRelease{{"edge", "v2"}, "it was nothing"}, "person:alice");
  auto& renamed = std::get<Service>(push.documents.front());
  renamed.group = "web";
  world.push(renamed);
  EXPECT_FALSE(world.state.quarantine("edge", release("v2")));
}

// The renaming is said with a later commit, when something was wished under the new name already.
TEST(Rename, WhoseWishWaitsUnderTheNewNameStaysInside) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  auto world = World::running_v1(s);
  auto push = renamed_service(release("v2"), s);
  auto& renamed = std::get<Service>(push.documents.front());
  renamed.formerly.clear();
  push.author = "person:carol";
  world.push(push);
  renamed.formerly = "gateway";
  EXPECT_THAT(world.push(renamed, "person:frank"),
              happened_in_order("target.renamed gateway/production -> edge/production", "promotion.planned #1 v2"));
  EXPECT_THAT(world.approve(promotion(edge, 1), "person:carol"), Refused("your own work"));
}

TEST(Rename, TwiceBeforeTheEndItSkipsTheNameInBetween) {
  auto world = World::running_v1(stage("production"));
  world.push(target(production, release("v2")));
  world.push(renamed_environment(release("v2")));
  auto place = environment("main");
  place.formerly = "live";
  const TargetId last{"gateway", "main"};
  world.push({{place, service({stage("main")}), target(last, release("v2"))},
              {{DocumentKind::environment, "live"}, {DocumentKind::target, "gateway.live"}}});
  EXPECT_THAT(world.finish(production), Contains("target.renamed gateway/production -> gateway/main"));
  EXPECT_EQ(world.running(last), "v2");
}

TEST(Rename, FreezesHoldUnderTheNewName) {
  auto world = World::running_v1(stage("production"));
  world.when(SetFreeze{"production", {"gateway"}, "audit", {}}, "person:alice");
  world.push(renamed_environment(release("v2")));
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.unmet(live), Contains(HasSubstr("environment live is frozen")));
}

TEST(Rename, AFreezeThatIsLiftedUnderTheNewNameWakesWhatIsUnderWayUnderTheOld) {
  auto s = stage("production");
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  auto after = s;
  after.environment = "live";
  world.push(renamed_environment(release("v2"), after));
  world.when(SetFreeze{"live", {}, "audit", {}}, "person:alice");
  world.finish(production);
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.when(LiftFreeze{"1", "over"}, "person:alice"), Contains("activity.started deploy#1"));
}

TEST(Rename, WhatIsQuarantinedUnderTheNewNameIsHeldUnderTheOldOne) {
  auto s = stage("production");
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.push(renamed_service(release("v2"), s));
  EXPECT_THAT(world.when(QuarantineRelease{{"edge", "v2"}, "it leaks"}, "person:alice"),
              Contains("release.quarantined v2"));
  EXPECT_THAT(world.finish(production),
              AllOf(Contains("promotion.failed #1"), Not(Contains("activity.started deploy#1"))));
  EXPECT_EQ(world.running(edge), "v1");
}

TEST(Rename, PinsAreCarried) {
  auto world = World::running_v1(stage("production"));
  world.request(production, "v2");
  world.finish_all(production);
  ASSERT_FALSE(world.at(production).pinned.empty());
  world.push(renamed_environment(release("v1")));
  EXPECT_EQ(world.running(live), "v2");
  EXPECT_FALSE(world.at(live).pinned.empty());
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(Rename, ATargetMovesToAnotherEnvironmentByItsOwnDocument) {
  auto world = World::running_v1(stage("production"));
  auto moved = target(live, release("v1"));
  moved.formerly = production;
  EXPECT_THAT(world.push({{environment("live"), service({stage("production"), stage("live")}), moved}, {old_target}}),
              Contains("target.renamed gateway/production -> gateway/live"));
  EXPECT_EQ(world.running(live), "v1");
}

TEST(Rename, AnUnknownOldNameChangesNothing) {
  auto world = World::running_v1(stage("production"));
  auto place = environment("production");
  place.formerly = "never";
  EXPECT_THAT(world.push(place), ElementsAre("configuration.accepted"));
  EXPECT_EQ(world.running(production), "v1");
}

TEST(Rename, NumbersOfTheOldNameAreNeverUsedAgain) {
  auto world = World::running_v1(stage("production"));
  world.push(target(production, release("v2")));
  world.finish_all(production);
  world.push(renamed_environment(release("v2")));
  world.push(
      {{environment("production"), service({stage("live"), stage("production")}), target(production, release("v2"))}});
  EXPECT_THAT(world.observe(production, ""), Contains("promotion.planned #2 v2"));
}

// --------------------------------------------------------------------------------------- what is open or under way

TEST(Rename, AnOpenIncidentIsResolvedUnderTheNewName) {
  auto s = stage("production");
  s.rollback_automatic = false;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Outcome::Kind::terminal, "no room");
  ASSERT_EQ(world.at(production).open_incidents, 1U);
  world.push(renamed_environment(release("v2")));
  EXPECT_EQ(world.at(live).open_incidents, 1U);
  EXPECT_EQ(world.at(production).open_incidents, 0U);
  world.when(ResolveIncident{"1", "there is room"}, "person:alice");
  EXPECT_THAT(world.state.incidents, IsEmpty());
  EXPECT_EQ(world.at(live).open_incidents, 0U);
}

TEST(Rename, WhatWasLeftHalfDoneIsGoneBackFromUnderTheNewName) {
  auto s = stage("production");
  s.rollback_automatic = false;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Outcome::Kind::terminal, "no room");
  world.push(renamed_environment(release("v2")));
  ASSERT_FALSE(world.at(live).held.empty());
  EXPECT_THAT(world.when(RollBack{{live}, "previous", "as the incident says", "all"}, "person:alice"),
              Contains("rollback.started to v1"));
  EXPECT_EQ(world.live(live).from->release.version, "v2");
}

TEST(Rename, TheWayBackStaysWhatItWasAfterAnIrreversibleStep) {
  auto migrating = stage("production");
  migrating.before = {{"migrate", script({"hooks/migrate.sh"}), 60, {}, true}};
  auto world = World::running_v1(stage("production"));
  world.push(target(production, release("v2")));
  world.finish_all(production);
  world.push(service({migrating}));
  world.push(target(production, release("v3")));
  world.finish_all(production);
  world.push(renamed_environment(release("v3")));
  for (const char* version : {"v4", "v5"}) {
    world.push(target(live, release(version)));
    world.finish_all(live);
  }
  EXPECT_EQ(world.running(live), "v5");
  RollBack back;
  back.targets = {live};
  back.to = "previous";
  back.reason = "slow";
  EXPECT_THAT(world.when(back, "person:alice"), Contains("rollback.started to v4"));
}

TEST(Rename, TriggersOfTheOldNameFireUnderTheNewOneOnceWhatIsUnderWayHasEnded) {
  const auto after_staging = [](const std::string& environment) {
    auto s = stage(environment);
    StageTrigger trigger;
    trigger.kind = Trigger::after;
    trigger.after = "staging";
    trigger.soak = 1h;
    s.triggers = {trigger};
    return s;
  };
  World world;
  world.push({{access_policy(), environment("staging"), environment("production"),
               service({stage("staging"), after_staging("production")}), target(staging, release("v1")),
               target(production, release("v1"))},
              {},
              "person:frank"});
  world.observe(staging, "v1");
  world.observe(production, "v1");
  world.pass(2h);
  world.push(target(production, release("v2")));
  ASSERT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
  world.push(target(staging, release("v3")));
  world.finish_all(staging);

  // The old stage stays, and comes to be due while its target is renamed and something is under way there.
  auto moved = target(live, release("v2"));
  moved.formerly = production;
  world.push(
      {{environment("live"), service({stage("staging"), after_staging("production"), after_staging("live")}), moved},
       {old_target}});
  EXPECT_THAT(world.pass(2h), IsEmpty());
  EXPECT_THAT(world.finish(production),
              happened_in_order("promotion.succeeded #1", "target.renamed gateway/production -> gateway/live",
                                "trigger.fired", "promotion.planned #2 v3"));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/live/2/deploy#1"));
}

TEST(Rename, TheNameInBetweenHasItsTriggersAgain) {
  const auto nightly = [](const std::string& environment) {
    auto s = stage(environment);
    StageTrigger trigger;
    trigger.kind = Trigger::schedule;
    trigger.schedule = "0 3 * * *";
    s.triggers = {trigger};
    return s;
  };
  auto world = World::running_v1(stage("production"));
  world.push(target(production, release("v2")));
  auto push = renamed_environment(release("v2"), nightly("live"));
  world.push(push);
  ScheduleExpanded expanded{live, "0 3 * * *", world.now + 48h, {world.now + 2h}};
  world.when(ExpandSchedule{expanded}, "engine");
  EXPECT_TRUE(world.at(live).flow);
  EXPECT_THAT(world.state.flow_wakeups, IsEmpty());
  auto place = environment("main");
  place.formerly = "live";
  const TargetId last{"gateway", "main"};
  world.push({{place, service({nightly("live"), stage("main")}), target(last, release("v2"))},
              {{DocumentKind::environment, "live"}, {DocumentKind::target, "gateway.live"}}});
  EXPECT_THAT(world.state.flow_wakeups, ElementsAre(testing::Pair(world.now + 2h, live)));
}

// Of a promotion that waits, and in its turn.
TEST(Rename, WhatATriggerWishesIsWishedUnderTheNewName) {
  const auto nightly = [](const std::string& environment) {
    auto s = stage(environment);
    StageTrigger trigger;
    trigger.kind = Trigger::schedule;
    trigger.schedule = "0 3 * * *";
    s.triggers = {trigger};
    s.wait = 48h;
    s.supersede = Supersede::queue;
    return s;
  };
  auto world = World::running_v1(nightly("production"));
  ScheduleExpanded times{production, "0 3 * * *", world.now + 48h, {world.now + 1h, world.now + 2h}};
  world.when(ExpandSchedule{times}, "engine");
  for (const char* version : {"v2", "v3"}) {
    world.when(RegisterRelease{"gateway", release(version), {}, {}});
    world.pass(1h);
  }
  ASSERT_EQ(world.live(production).to.release.version, "v2");
  EXPECT_THAT(world.push(renamed_environment(release("v1"), nightly("live"))),
              happened_in_order("promotion.superseded #1", "target.renamed gateway/production -> gateway/live",
                                "promotion.planned #2 v2"));
  EXPECT_EQ(world.live(live).trigger, Trigger::schedule);
  world.pass(48h);
  world.finish(live);
  EXPECT_EQ(world.live(live).to.release.version, "v3");
}

// v2 is on its way to gateway/production: its hook runs, its deploy is to come.
World given_a_hook_runs(bool fails_later = false) {
  auto s = stage("production");
  s.before = {hook("backup")};
  if (fails_later) s.verify = {health("smoke")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  EXPECT_EQ(world.effect(production).id.step, "backup");
  return world;
}

TEST(Rename, ClosedWindowsOfTheNewNameHoldWhatIsUnderWay) {
  auto world = given_a_hook_runs();
  auto push = renamed_environment(release("v2"));
  auto& place = std::get<Environment>(push.documents.front());
  place.windows = {Window{WindowKind::allow, {}, "0 9 * * 1-5", 8h, "UTC", {}, {}, 12}};
  place.overrun = false;
  world.push(push);
  world.finish(production);
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.live(production).current()->unmet.front().text, HasSubstr("environment live"));
  world.when(OverrideProtection{promotion(production, 1), "agreed"}, "person:alice");
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
}

TEST(Rename, AFreezeOfTheNewNameIsOverriddenForWhatIsUnderWay) {
  auto world = given_a_hook_runs();
  world.push(renamed_environment(release("v2")));
  world.when(SetFreeze{"live", {}, "audit", {}}, "person:alice");
  world.finish(production);
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.when(OverrideProtection{promotion(production, 1), "agreed"}, "person:alice"),
              happened_in_order("freeze.overridden #1", "activity.started deploy#1"));
}

TEST(Rename, ARollbackThatFailsMeanwhileFreezesTheTargetUnderItsNewName) {
  auto world = given_a_hook_runs(true);
  world.push(renamed_environment(release("v2")));
  world.finish(production);
  world.finish(production);
  world.finish(production, Outcome::Kind::unhealthy, "500");
  EXPECT_THAT(world.finish(production, Outcome::Kind::terminal, "no room"), Contains("rollback.failed #1"));
  ASSERT_EQ(world.state.freezes.size(), 1U);
  EXPECT_TRUE(world.state.freezes.begin()->second.covers(live));
}

}  // namespace
}  // namespace headgate::test
