// Windows, freezes, and passing them.
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The world begins on 2026-11-20 at 09:00 UTC.
Timestamp on(int day, Duration time) {
  return Timestamp(std::chrono::sys_days{std::chrono::year{2026} / 11 / day}) + time;
}

Window window(WindowKind kind, const std::string& name, std::uint32_t line) {
  Window w;
  w.kind = kind;
  w.name = name;
  w.schedule = "0 12 * * *";
  w.duration = 4h;
  w.time_zone = "UTC";
  w.line = line;
  return w;
}

// As the reconciler would: each window from noon for four hours on every day until `last`.
ExpandWindows expansion(const std::vector<Window>& windows, int last) {
  ExpandWindows command{windows, {{"production"}, on(19, 0h), on(last, 24h), "2024a", {}}};
  for (int day = 19; day <= last; ++day) {
    for (std::uint32_t i = 0; i < windows.size(); ++i) {
      command.expanded.intervals.push_back({i, on(day, 12h), on(day, 16h)});
    }
  }
  return command;
}

Environment with_windows(std::vector<Window> windows, std::optional<bool> overrun = {}) {
  auto document = environment("production");
  document.windows = std::move(windows);
  document.overrun = overrun;
  return document;
}

// v1 runs; `windows` are in force and expanded.
World given(const std::vector<Window>& windows, const Stage& s = stage("production"),
            std::optional<bool> overrun = {}) {
  World world;
  world.push({{access_policy(), with_windows(windows, overrun), service({s}), target(production, release("v1"))},
              {},
              "person:frank"});
  world.observe(production, "v1");
  if (!windows.empty()) world.when(expansion(windows, 24), "engine");
  return world;
}

Lines wish_v2(World& world) {
  return world.push(target(production, release("v2")), "person:frank");
}

const Condition& condition(const std::vector<Condition>& all, std::string_view guard) {
  for (const auto& c : all) {
    if (c.guard == guard) return c;
  }
  throw std::logic_error("no condition of " + std::string(guard));
}

// --------------------------------------------------------------------------------------------------------- windows

TEST(Windows, OutsideOfAnAllowWindowNothingBeginsUntilItOpens) {
  auto world = given({window(WindowKind::allow, "noon", 7)});
  EXPECT_THAT(wish_v2(world), Contains("step.waiting deploy"));
  EXPECT_THAT(world.unmet(production),
              ElementsAre("environment production: closed, outside of the allow window noon; it "
                          "opens at 2026-11-20T12:00:00.000000Z"));
  EXPECT_THAT(world.pass(2h + 59min), IsEmpty());
  EXPECT_THAT(world.pass(1min), happened_in_order("promotion.started #1", "activity.started deploy#1"));
}

TEST(Windows, ARefusalNamesTheWindowItsLineAndWhatWouldHelp) {
  auto world = given({window(WindowKind::allow, "noon", 7)});
  wish_v2(world);
  const auto all = judge(world.state, world.live(production), world.now);
  const auto& c = condition(all, "windows");
  EXPECT_EQ(c.file, "production.yaml");
  EXPECT_EQ(c.line, 7U);
  EXPECT_FALSE(c.commit.empty());
  EXPECT_EQ(c.due, on(20, 12h));
  EXPECT_THAT(c.remedy, HasSubstr("headgate override gateway/production/1"));
}

TEST(Windows, DenyWinsOverAllow) {
  auto world = given({window(WindowKind::allow, "noon", 7), window(WindowKind::deny, "year-end", 8)});
  wish_v2(world);
  EXPECT_THAT(world.pass(4h), Not(Contains("promotion.started #1")));
  EXPECT_THAT(world.unmet(production),
              ElementsAre(HasSubstr("closed by the deny window year-end; it opens no earlier than "
                                    "2026-11-25T00:00:00.000000Z")));
}

TEST(Windows, WithDenyWindowsAloneTheRestIsOpen) {
  auto world = given({window(WindowKind::deny, "noon", 7)});
  EXPECT_THAT(wish_v2(world), Contains("promotion.started #1"));
  auto later = given({window(WindowKind::deny, "noon", 7)});
  later.pass(4h);
  EXPECT_THAT(wish_v2(later), Not(Contains("promotion.started #1")));
  EXPECT_THAT(later.pass(3h), Contains("promotion.started #1"));
}

TEST(Windows, WhatIsNotWorkedOutCountsAsClosed) {
  World world;
  const std::vector<Window> windows{window(WindowKind::deny, "noon", 7)};
  world.push(
      {{access_policy(), with_windows(windows), service({stage("production")}), target(production, release("v1"))},
       {},
       "person:frank"});
  world.observe(production, "v1");
  wish_v2(world);
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("not worked out for this time yet")));
  EXPECT_THAT(world.when(expansion(windows, 24), "engine"),
              happened_in_order("window.expanded", "promotion.started #1"));
  world.finish_all(production);
  world.pass(24h * 10);  // beyond what is known
  world.push(target(production, release("v3")), "person:frank");
  EXPECT_THAT(world.effects(), IsEmpty());
}

TEST(Windows, AnExpansionOfOtherWindowsIsDropped) {
  auto world = given({window(WindowKind::allow, "noon", 7)});
  wish_v2(world);
  auto other = window(WindowKind::allow, "noon", 7);
  other.schedule = "0 9 * * *";
  EXPECT_THAT(world.when(expansion({other}, 24), "engine"), IsEmpty());
  world.push(with_windows({other}));
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("not worked out for this time yet")));
}

TEST(Windows, AWindowThatOnlyMovedInItsFileKeepsItsExpansion) {
  auto world = given({window(WindowKind::allow, "noon", 7)});
  wish_v2(world);
  world.push(with_windows({window(WindowKind::allow, "lunch", 9)}));
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("outside of the allow window lunch; it opens at")));
}

TEST(Windows, OneThatGoesOpensTheEnvironment) {
  auto world = given({window(WindowKind::allow, "noon", 7)});
  wish_v2(world);
  EXPECT_THAT(world.push(with_windows({})), Contains("promotion.started #1"));
}

TEST(Windows, ARollbackPassesAndWhatIsUnderWayFinishes) {
  auto world = given({window(WindowKind::allow, "noon", 7)}, [] {
    auto s = stage("production");
    s.before = {hook("migrate")};
    s.verify = {health("smoke")};
    return s;
  }());
  wish_v2(world);
  world.pass(3h);
  world.pass(5h);  // the window has closed
  EXPECT_THAT(world.finish(production), Contains("activity.started deploy#1"));
  world.finish(production);
  EXPECT_THAT(world.finish(production, Outcome::Kind::unhealthy, "500"),
              happened_in_order("rollback.started to v1", "activity.started rollback-deploy#1"));
}

TEST(Windows, WithoutOverrunTheNextChangeWaitsForTheWindow) {
  auto s = stage("production");
  s.before = {hook("migrate")};
  auto world = given({window(WindowKind::allow, "noon", 7)}, s, false);
  wish_v2(world);
  world.pass(3h);
  ASSERT_THAT(world.effects(), ElementsAre("gateway/production/1/migrate#1"));
  world.pass(5h);
  EXPECT_THAT(world.finish(production),
              ElementsAre("activity.succeeded migrate", "step.succeeded migrate", "step.waiting deploy"));
  EXPECT_THAT(world.pass(19h), happened_in_order("step.started deploy", "activity.started deploy#1"));
}

// --------------------------------------------------------------------------------------------------------- freezes

SetFreeze freeze(std::vector<std::string> services = {}, std::optional<Timestamp> until = {}) {
  return {"production", std::move(services), "the audit", until};
}

TEST(Freezes, HoldWhatWouldBeginUntilTheyAreLifted) {
  auto world = given({});
  EXPECT_THAT(world.when(freeze(), "person:alice"), ElementsAre("freeze.set"));
  wish_v2(world);
  EXPECT_THAT(world.unmet(production),
              ElementsAre("environment production is frozen by person:alice (freeze 1): the audit"));
  EXPECT_THAT(world.when(LiftFreeze{"1", "over"}, "person:alice"),
              happened_in_order("freeze.lifted", "promotion.started #1"));
  EXPECT_THAT(world.when(LiftFreeze{"1", "over"}, "person:alice"), Refused("no freeze '1' is in force"));
}

TEST(Freezes, EndByThemselvesWhenTheyAreDue) {
  auto world = given({});
  world.when(freeze({}, on(20, 18h)), "person:alice");
  wish_v2(world);
  EXPECT_THAT(world.pass(8h), IsEmpty());
  EXPECT_THAT(world.pass(1h), Contains("promotion.started #1"));
  EXPECT_THAT(world.when(freeze(), "person:alice"), ElementsAre("freeze.lifted", "freeze.set"));
  EXPECT_EQ(world.state.freezes.size(), 1U);
}

// The time of a record never goes back, that of the wall clock does: what has run out is told by the latter.
TEST(Freezes, OutliveAClockThatIsSetBack) {
  auto world = given({});
  world.when(freeze({}, on(20, 18h)), "person:alice");
  world.pass(24h);
  world.clock_jumps(-24h);
  world.when(freeze({"gateway"}), "person:alice");
  world.when(LiftFreeze{"2", {}}, "person:alice");
  wish_v2(world);
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("(freeze 1)")));
}

TEST(Freezes, OfOtherServicesOrEnvironmentsDoNotMatter) {
  auto world = given({});
  world.when(freeze({"gateway"}), "person:alice");
  EXPECT_TRUE(world.state.freezes.at("1").covers(production));
  EXPECT_FALSE(world.state.freezes.at("1").covers({"search", "production"}));
  EXPECT_FALSE(world.state.freezes.at("1").covers(staging));
  EXPECT_THAT(world.when(freeze({"serach"}), "person:alice"), Refused("no service 'serach'"));
}

TEST(Freezes, HoldTheNextChangeOfWhatIsUnderWayAndNoRollback) {
  auto s = stage("production");
  s.before = {hook("migrate")};
  auto world = given({}, s);
  wish_v2(world);
  world.when(freeze(), "person:alice");
  EXPECT_THAT(world.finish(production),
              ElementsAre("activity.succeeded migrate", "step.succeeded migrate", "step.waiting deploy"));
  EXPECT_THAT(world.when(LiftFreeze{"1", {}}, "person:alice"), Contains("activity.started deploy#1"));
  world.when(freeze(), "person:alice");
  EXPECT_THAT(world.finish(production, Outcome::Kind::terminal, "disk full"),
              Contains("activity.started rollback-deploy#1"));
}

TEST(Freezes, WhatMakesNoSenseIsRefused) {
  auto world = given({});
  EXPECT_THAT(world.when(SetFreeze{"production", {}, "", {}}, "person:alice"), Refused("needs a reason"));
  EXPECT_THAT(world.when(SetFreeze{"prodction", {}, "x", {}}, "person:alice"), Refused("no environment 'prodction'"));
  EXPECT_THAT(world.when(freeze({}, on(20, 8h)), "person:alice"), Refused("ended already"));
}

// ------------------------------------------------------------------------------------------------------ maintenance

World under_maintenance(Duration from, Duration to, const Stage& s = stage("production"),
                        std::optional<bool> overrun = {}) {
  World world;
  auto place = with_windows({}, overrun);
  place.maintenance = {{"database-upgrade", on(20, from), on(20, to), 8}};
  world.push({{access_policy(), place, service({s}), target(production, release("v1"))}, {}, "person:frank"});
  world.observe(production, "v1");
  return world;
}

TEST(MaintenanceOfAnEnvironment, PromotionsWaitWhileItIsOn) {
  auto world = under_maintenance(10h, 12h);
  world.pass(1h);
  EXPECT_THAT(wish_v2(world), Contains("step.waiting deploy"));
  EXPECT_THAT(world.unmet(production),
              ElementsAre("environment production: maintenance database-upgrade until 2026-11-20T12:00:00.000000Z"));
  EXPECT_THAT(world.pass(2h - 1ms), IsEmpty());
  EXPECT_THAT(world.pass(1ms), happened_in_order("promotion.started #1", "activity.started deploy#1"));
}

TEST(MaintenanceOfAnEnvironment, BeforeItAndAfterItNothingWaits) {
  auto before = under_maintenance(10h, 12h);
  EXPECT_THAT(wish_v2(before), Contains("promotion.started #1"));
  auto after = under_maintenance(10h, 12h);
  after.pass(3h);
  EXPECT_THAT(wish_v2(after), Contains("promotion.started #1"));
}

TEST(MaintenanceOfAnEnvironment, WhatIsUnderWayGoesOnUnlessOverrunIsFalse) {
  auto s = stage("production");
  s.before = {hook("migrate")};
  auto world = under_maintenance(10h, 12h, s);
  wish_v2(world);
  world.pass(1h);
  EXPECT_THAT(world.finish(production), Contains("activity.started deploy#1"));

  auto strict = under_maintenance(10h, 12h, s, false);
  wish_v2(strict);
  strict.pass(1h);
  EXPECT_THAT(strict.finish(production), Contains("step.waiting deploy"));
  EXPECT_THAT(strict.pass(2h), Contains("activity.started deploy#1"));
}

TEST(MaintenanceOfAnEnvironment, ARollbackPassesIt) {
  auto world = under_maintenance(10h, 12h, stage("production"), false);
  wish_v2(world);
  world.pass(1h);
  EXPECT_THAT(world.finish(production, Outcome::Kind::terminal, "disk full"),
              Contains("activity.started rollback-deploy#1"));
}

TEST(MaintenanceOfAnEnvironment, AnOverrideNamesItAndIsNotOfTheNextOne) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  s.approval_expiry = 72h;
  auto world = under_maintenance(8h, 12h, s);
  wish_v2(world);
  EXPECT_THAT(world.when(OverrideProtection{promotion(production, 1), "the fix"}, "person:dave"),
              ElementsAre("window.overridden #1", "breakglass.used #1"));
  const auto& passed = std::get<WindowOverridden>(world.log.at(world.log.size() - 2).event);
  EXPECT_EQ(passed.maintenance, "database-upgrade");
  EXPECT_EQ(passed.window, "maintenance database-upgrade until 2026-11-20T12:00:00.000000Z");
  EXPECT_EQ(passed.until, on(20, 12h));
  EXPECT_THAT(world.when(OverrideProtection{promotion(production, 1), "again"}, "person:dave"),
              Refused("neither a closed window"));
  auto place = environment("production");
  place.maintenance = {{"database-upgrade", on(20, 13h), on(20, 15h), 8}};  // once more, under the same name
  world.push(place);
  world.pass(5h);
  world.approve(promotion(production, 1), "person:carol");
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("until 2026-11-20T15:00")));
}

TEST(MaintenanceOfAnEnvironment, AnOverrideLetsThePromotionBegin) {
  auto world = under_maintenance(8h, 12h);
  wish_v2(world);
  EXPECT_THAT(world.when(OverrideProtection{promotion(production, 1), "the fix"}, "person:dave"),
              happened_in_order("window.overridden #1", "promotion.started #1"));
}

// -------------------------------------------------------------------------------------------------------- override

TEST(Override, LetsOnePromotionPassTheWindowUntilItWouldHaveOpened) {
  auto world = given({window(WindowKind::allow, "noon", 7)});
  wish_v2(world);
  const OverrideProtection command{promotion(production, 1), "the fix of the outage"};
  EXPECT_THAT(world.when(command, "person:dave"), happened_in_order("window.overridden #1", "promotion.started #1"));
  const auto& overridden = [&]() -> const WindowOverridden& {
    for (const auto& record : world.log) {
      if (const auto* event = std::get_if<WindowOverridden>(&record.event)) return *event;
    }
    throw std::logic_error("none");
  }();
  EXPECT_EQ(overridden.until, on(20, 12h));
  EXPECT_EQ(overridden.reason, "the fix of the outage");
  world.finish_all(production);
  world.push(target(production, release("v3")), "person:frank");
  EXPECT_THAT(world.effects(), IsEmpty()) << "of another promotion";
}

TEST(Override, OfOneClosureIsNotThatOfTheNext) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  s.approval_expiry = 72h;
  auto world = given({window(WindowKind::allow, "noon", 7)}, s);
  wish_v2(world);
  world.when(OverrideProtection{promotion(production, 1), "now"}, "person:dave");
  EXPECT_THAT(world.effects(), IsEmpty()) << "nobody has approved";
  world.pass(9h);  // the window was open meanwhile and has closed again
  world.approve(promotion(production, 1), "person:carol");
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("it opens at 2026-11-21T12:00")));
}

TEST(Override, OfAFreezeIsNotOfTheNextFreeze) {
  auto s = stage("production");
  s.wait = 1h;
  auto world = given({}, s);
  world.when(freeze(), "person:alice");
  wish_v2(world);
  world.when(OverrideProtection{promotion(production, 1), "now"}, "person:dave");
  world.when(freeze(), "person:alice");
  EXPECT_THAT(world.pass(2h), Not(Contains("promotion.started #1")));
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("(freeze 2)")));
  EXPECT_THAT(world.when(OverrideProtection{promotion(production, 1), "now"}, "person:dave"),
              happened_in_order("freeze.overridden #1", "promotion.started #1"));
}

TEST(Override, WithoutAReasonOrWithNothingInTheWayIsRefused) {
  auto s = stage("production");
  s.wait = 1h;
  auto world = given({}, s);
  wish_v2(world);
  EXPECT_THAT(world.when(OverrideProtection{promotion(production, 1), ""}, "person:dave"), Refused("needs a reason"));
  EXPECT_THAT(world.when(OverrideProtection{promotion(production, 1), "x"}, "person:dave"),
              Refused("neither a closed window nor a maintenance or freeze"));
  EXPECT_THAT(world.when(OverrideProtection{promotion(production, 9), "x"}, "person:dave"), Refused("no promotion"));
}

}  // namespace
}  // namespace headgate::test
