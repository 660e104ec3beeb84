// What each guard says when it holds a promotion: what is not met, the rule, the events that bear on it, and what would
// make it true. A guard that says less fails wherever the little world meets it (fixture.cc), and one that never holds
// anything fails in tests/sim/mutation_test.cc.
#include "tests/domain/explain_check.h"
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

struct Row {
  const char* guard;
  World (*given)();
  std::string text;
  std::string remedy;
  std::string file;  // of the rule; empty: it was set by hand
  std::uint32_t line = 0;
  const char* event = "";  // type of the newest event that bears on it
};

// v2 is wished where v1 runs, as `change` makes the documents.
World wished(Stage s, auto change) {
  World world;
  auto policy = service({std::move(s)});
  auto place = environment("production");
  change(policy, place);
  world.push({{access_policy(), place, policy, target(production, release("v1"))}, {}, "person:frank"});
  world.observe(production, "v1");
  world.push(target(production, release("v2")), "person:frank");
  return world;
}
World wished(Stage s) {
  return wished(std::move(s), [](Service&, Environment&) {});
}
Stage with_gate(const char* name) {
  auto s = stage("production");
  s.gates = {name};
  return s;
}
Stage approved_by(std::vector<ApprovalRule> rules) {
  auto s = stage("production");
  s.approvals = std::move(rules);
  return s;
}

const std::vector<Row>& rows() {
  static const std::string v2 = release("v2").commit.substr(0, 12);
  static const std::vector<Row> all{
      {"suspend",
       [] {
         auto s = stage("production");
         s.wait = 1h;
         auto world = wished(s);
         auto document = target(production, release("v2"));
         document.suspend = true;
         world.push(document);
         return world;
       },
       "target gateway/production is suspended", "set suspend: false in its document", "gateway.production.yaml", 1},
      {"quarantine",
       [] {
         auto s = stage("production");
         s.wait = 1h;
         auto world = wished(s);
         world.when(QuarantineRelease{{"gateway", "v2"}, "CVE-1"}, "person:alice");
         return world;
       },
       "release v2 is quarantined: CVE-1",
       "promote another release, or lift it: headgate reinstate gateway v2 --reason TEXT", "", 0,
       "release.quarantined"},
      {"gates", [] { return wished(with_gate("lint")); }, "gate lint is not reported for commit " + v2,
       "report it: headgate gate report --service gateway --commit " + release("v2").commit +
           " --gate lint --status passed",
       "gateway.yaml", 14},
      {"gates",
       [] {
         auto world = wished(with_gate("scan"));
         world.gate("scan", "v2", GateStatus::passed, {{"critical", {"2"}}});
         return world;
       },
       "gate scan: metric critical is 2, above the maximum of 0, for commit " + v2,
       "mend what it found and report it again, or promote another release", "gateway.yaml", 12, "gate.reported"},
      {"maxAge",
       [] {
         auto s = with_gate("lint");
         s.wait = 48h;
         auto world = wished(s, [](Service& policy, Environment&) { policy.gates[2].max_age = 24h; });
         world.gate("lint", "v2");
         world.pass(30h);
         return world;
       },
       "the report of gate lint is older than 1d",
       "run it again and report it: headgate gate report --service gateway --commit " + release("v2").commit +
           " --gate lint --status passed",
       "gateway.yaml", 14, "gate.reported"},
      {"after",
       [] {
         auto s = stage("production");
         s.gates = {"unit-tests", "lint"};
         auto world = wished(s, [](Service& policy, Environment&) { policy.gates[2].after = {"unit-tests"}; });
         world.gate("lint", "v2");
         world.gate("unit-tests", "v2", GateStatus::passed, {{"coverage", {"95"}}});
         return world;
       },
       "gate lint was reported before these had passed: unit-tests",
       "once they have passed, report it again: headgate gate report --service gateway --commit " +
           release("v2").commit + " --gate lint --status passed",
       "gateway.yaml", 14, "gate.reported"},
      {"healthy",
       [] {
         auto s = stage("production");
         s.healthy = {"staging"};
         return wished(s);
       },
       "release v2 is not verified in staging",
       "promote it there first: headgate promote gateway --to staging --release v2", "gateway.yaml", 31},
      {"signedCommit",
       [] {
         auto s = stage("production");
         s.signed_commit = SignedCommitRule{33};
         auto world = wished(s);
         world.when(RecordSignature{{"environments",
                                     release("v2").commit,
                                     SignatureVerdict::unsigned_,
                                     {},
                                     {},
                                     "the commit is not signed"}},
                    "engine");
         return world;
       },
       "commit " + v2 + " has no good signature: the commit is not signed",
       "sign a new commit (git commit -S) with a key of the AccessPolicy, and release that one", "gateway.yaml", 33,
       "commit.verified"},
      {"unknownAuthors",
       [] {
         auto s = stage("production");
         s.unknown_authors = UnknownAuthorsRule{UnknownAuthors::refuse, 37};
         return wished(s);
       },
       "the AccessPolicy does not know person:frank, whose work is inside",
       "name them in the AccessPolicy, or release something without their work", "gateway.yaml", 37,
       "promotion.planned"},
      {"authors",
       [] {
         auto world = wished(approved_by({{"managers", 1, 35}}));
         const auto& p = world.live(production);
         world.when(RecordAuthors{{p.id, "environments", {}, p.to.release.commit, true, 1, {"person:frank"}}},
                    "engine");
         world.push(target(production, release("v3")));
         return world;
       },
       "whose work commit " + release("v3").commit.substr(0, 12) + " brings is not known yet",
       "wait: the watched repository is being looked through", "gateway.yaml", 35, "promotion.planned"},
      {"approvals",
       [] {
         auto world = wished(approved_by({{"managers", 2, 35}}));
         world.approve(promotion(production, 1), "person:carol");
         return world;
       },
       "2 approvals of managers: 1 given by person:carol",
       "person:dave, person:erin can give the other: headgate approve gateway/production/1", "gateway.yaml", 35,
       "approval.granted"},
      {"otherwise",
       [] {
         auto s = with_gate("scan");
         s.approvals = {{"managers", 1, 35}};
         auto world = wished(s, [](Service& policy, Environment&) {
           policy.gates[1].metrics["critical"].otherwise = Otherwise::approval;
         });
         world.gate("scan", "v2", GateStatus::passed, {{"critical", {"2"}}});
         world.approve(promotion(production, 1), "person:carol");
         return world;
       },
       "one more approval of managers: 0 given; since metric critical of gate scan is 2, above the maximum of 0",
       "person:dave, person:erin can give it: headgate approve gateway/production/1; or mend it and report it again",
       "gateway.yaml", 12, "gate.reported"},
      {"extraApproval",
       [] {
         auto s = approved_by({{"managers", 1, 35}});
         s.unknown_authors = UnknownAuthorsRule{UnknownAuthors::extra_approval, 37};
         auto world = wished(s);
         world.approve(promotion(production, 1), "person:carol");
         return world;
       },
       "one more approval of managers: 0 given; since the AccessPolicy does not know person:frank, whose work is "
       "inside",
       "person:dave, person:erin can give it: headgate approve gateway/production/1; or name them in the AccessPolicy",
       "gateway.yaml", 37, "promotion.planned"},
      {"wait",
       [] {
         auto s = stage("production");
         s.wait = 30min;
         return wished(s);
       },
       "a wait of 30m runs until 2026-11-20T09:30:00.000000Z", "wait", "gateway.yaml", 40, "timer.set"},
      {"effects",
       [] {
         World world;
         world.when(PauseEffects{"an incident"}, "person:alice");
         world.push({{access_policy(), environment("production"), service({stage("production")}),
                      target(production, release("v1"))},
                     {},
                     "person:frank"});
         world.observe(production, "v1");
         world.push(target(production, release("v2")));
         return world;
       },
       "effects are paused: an incident", "look at what differs, then headgate effects resume --reason TEXT", "", 0,
       "effects.paused"},
      {"windows",
       [] {
         std::vector<Window> windows(1);
         windows[0].kind = WindowKind::deny;
         windows[0].name = "year-end";
         windows[0].line = 9;
         auto world = wished(stage("production"), [&](Service&, Environment& place) { place.windows = windows; });
         world.when(
             ExpandWindows{
                 windows,
                 {{"production"}, world.now - 1h, world.now + 24h, "2024a", {{0, world.now - 1h, world.now + 2h}}}},
             "engine");
         return world;
       },
       "environment production: closed by the deny window year-end; it opens at 2026-11-20T11:00:00.000000Z",
       "wait, or with the role breakGlass: headgate override gateway/production/1 --reason TEXT", "production.yaml", 9,
       "window.expanded"},
      {"maintenance",
       [] {
         return wished(stage("production"), [](Service&, Environment& place) {
           const Timestamp begin{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20}};
           place.maintenance = {{"database-upgrade", begin, begin + 12h, 8}};
         });
       },
       "environment production: maintenance database-upgrade until 2026-11-20T12:00:00.000000Z",
       "wait, or with the role breakGlass: headgate override gateway/production/1 --reason TEXT", "production.yaml", 8},
      {"freezes",
       [] {
         World world;
         world.push({{access_policy(), environment("production"), service({stage("production")}),
                      target(production, release("v1"))},
                     {},
                     "person:frank"});
         world.observe(production, "v1");
         world.when(SetFreeze{"production", {}, "the audit", {}}, "person:alice");
         world.push(target(production, release("v2")));
         return world;
       },
       "environment production is frozen by person:alice (freeze 1): the audit",
       "lift it: headgate unfreeze 1, or with the role breakGlass: headgate override gateway/production/1 --reason "
       "TEXT",
       "", 0, "freeze.set"},
  };
  return all;
}

TEST(Explain, SaysWhatIsNotMetByWhichRuleAndWhatWouldMeetIt) {
  for (const auto& row : rows()) {
    const auto world = row.given();
    ASSERT_TRUE(world.at(production).promotion) << row.guard;
    bool found = false;
    for (const auto& c : judge(world.state, world.live(production), world.now)) {
      if (c.guard != row.guard || c.met) continue;
      found = true;
      EXPECT_EQ(c.text, row.text) << row.guard;
      EXPECT_EQ(c.remedy, row.remedy) << row.guard;
      EXPECT_EQ(c.file, row.file) << row.guard;
      EXPECT_EQ(c.line, row.line) << row.guard;
      EXPECT_EQ(c.commit.empty(), row.file.empty()) << row.guard;
      const auto type = c.events.empty() ? std::string_view() : type_name(world.log.at(c.events.back()).event);
      EXPECT_EQ(type, row.event) << row.guard;
    }
    EXPECT_TRUE(found) << row.guard << " has nothing against it";
  }
}

TEST(Explain, IsWhatTheLogSaysTheStepWaitsFor) {
  for (const auto& row : rows()) {
    const auto world = row.given();
    const auto* step = world.live(production).current();
    ASSERT_TRUE(step) << row.guard;
    for (const auto& written : step->unmet) {
      const auto now = judge(world.state, world.live(production), world.now);
      EXPECT_TRUE(std::ranges::find(now, written) != now.end()) << row.guard << ": " << written.text;
    }
  }
}

TEST(Explain, OfAnEarlierMomentIsWhatWasTrueThen) {
  auto world = wished(approved_by({{"managers", 2, 35}}));
  world.approve(promotion(production, 1), "person:carol");
  world.approve(promotion(production, 1), "person:dave");
  for (std::size_t given = 0; given < 2; ++given) {
    State then;
    std::size_t seen = 0;
    for (const auto& record : world.log) {
      evolve(then, record);
      if (std::holds_alternative<ApprovalGranted>(record.event)) ++seen;
      if (seen == given && std::holds_alternative<ApprovalRequested>(record.event)) break;
      if (seen == given && given > 0) break;
    }
    const auto* p = then.live(promotion(production, 1));
    ASSERT_TRUE(p);
    for (const auto& c : judge(then, *p, then.last_time)) {
      if (c.guard != "approvals") continue;
      EXPECT_EQ(c.text, "2 approvals of managers: " + std::to_string(given) + " given" +
                            (given == 0 ? "" : " by person:carol"));
    }
  }
}

// The conditions of this guard.
std::vector<Condition> said_by(const char* guard, std::vector<Condition> conditions) {
  std::erase_if(conditions, [&](const Condition& c) { return c.guard != guard; });
  return conditions;
}

// The positions of the events of this type.
template <class E>
std::vector<Position> positions_of(const World& world) {
  std::vector<Position> all;
  for (const auto& record : world.log) {
    if (std::holds_alternative<E>(record.event)) all.push_back(record.meta.position);
  }
  return all;
}

State state_before(const World& world, Position position) {
  State then;
  for (const auto& record : world.log) {
    if (record.meta.position == position) break;
    evolve(then, record);
  }
  return then;
}

TEST(Explain, TellsOfApprovalsThatWereVoidedUntilTheyAreGivenAgain) {
  auto s = with_gate("lint");
  s.approvals = {{"managers", 2, 35}};
  s.wait = 30min;
  auto world = wished(s);
  const auto id = promotion(production, 1);
  world.gate("lint", "v2");
  world.approve(id, "person:carol");
  world.approve(id, "person:dave");
  ASSERT_EQ(world.live(production).current()->step->kind, StepKind::wait);
  world.gate("lint", "v2", GateStatus::failed);
  world.gate("lint", "v2");

  const auto why = " voided: gate lint: failed, for commit " + release("v2").commit.substr(0, 12);
  const auto both = "2 approvals of managers: 0 given; person:carol's and person:dave's were" + why;
  const auto now = said_by("approvals", judge(world.state, world.live(production), world.now));
  ASSERT_EQ(now.size(), 1U);
  EXPECT_EQ(now[0].text, both);
  EXPECT_EQ(now[0].events, positions_of<ApprovalVoided>(world));
  EXPECT_EQ(now[0].remedy,
            "person:carol, person:dave, person:erin can give them: headgate approve gateway/production/1");

  world.pass(30min);  // the log says the same of the step that waits for them
  const auto& unmet = world.live(production).current()->unmet;
  ASSERT_EQ(unmet.size(), 1U);
  EXPECT_EQ(unmet[0].text, both);

  world.approve(id, "person:carol");
  EXPECT_EQ(world.unmet(production),
            Lines{"2 approvals of managers: 1 given by person:carol; person:dave's was" + why});
}

TEST(Explain, OfASupersededPromotionTellsWhatBecameOfItsApprovals) {
  auto s = approved_by({{"managers", 2, 35}});
  auto world = wished(s);
  world.approve(promotion(production, 1), "person:carol");
  s.before = {hook("backup")};
  world.push(service({s}));
  const auto ended = positions_of<PromotionSuperseded>(world);
  ASSERT_EQ(ended.size(), 1U);
  const auto then = state_before(world, ended[0]);
  const auto* p = then.live(promotion(production, 1));
  ASSERT_TRUE(p);
  const auto said = said_by("approvals", explain_live(then, *p, then.last_time));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].text,
            "2 approvals of managers: 0 given; person:carol's was voided: the plan changed with the configuration at "
            "commit " +
                world.state.configuration.commit);
}

TEST(Explain, OfAFailureNamesTheStepAndTheIncidentWithItsNextStep) {
  auto s = stage("production");
  s.verify = {health("smoke")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish_all(production);
  world.push(target(production, release("v3")));
  const auto id = promotion(production, 2);
  world.finish(production);
  world.finish(production, Outcome::Kind::unhealthy, "500");
  ASSERT_TRUE(world.state.live(id));
  ASSERT_EQ(world.live(production).phase, Phase::rolling_back);

  // Before the check failed nothing spoke against the release: its quarantine came of it.
  const auto turned = turning_point_of(world.live(production));
  ASSERT_TRUE(turned);
  ASSERT_EQ(positions_of<ActivityFailed>(world), std::vector<Position>{turned->position});
  const auto then = state_before(world, turned->position);
  ASSERT_TRUE(then.live(id));
  for (const auto& c : explain_live(then, *then.live(id), then.last_time)) EXPECT_TRUE(c.met) << c.text;

  const auto on_its_way_back = explain_failure(then, world.state, world.live(production));
  ASSERT_EQ(on_its_way_back.size(), 2U);
  EXPECT_EQ(on_its_way_back[0].guard, "step");
  EXPECT_EQ(on_its_way_back[0].text, "step smoke failed: 500");
  EXPECT_EQ(on_its_way_back[0].remedy, "see incident 1");
  EXPECT_EQ(on_its_way_back[0].file, "gateway.yaml");
  EXPECT_EQ(on_its_way_back[0].line, 70U);
  EXPECT_FALSE(on_its_way_back[0].commit.empty());
  EXPECT_EQ(on_its_way_back[0].events, std::vector<Position>{turned->position});
  EXPECT_EQ(on_its_way_back[1].guard, "incident");
  EXPECT_EQ(on_its_way_back[1].text, "incident 1 is open: smoke: 500");
  EXPECT_EQ(on_its_way_back[1].remedy, "wait for the way back: headgate wait gateway/production/2");
  EXPECT_EQ(on_its_way_back[1].events, positions_of<IncidentOpened>(world));

  world.finish(production, Outcome::Kind::terminal, "no host");
  const auto& failed = world.at(production).back.failed;
  ASSERT_TRUE(failed);
  EXPECT_EQ(turning_point_of(*failed)->position, turned->position);
  const auto ended = explain_failure(then, world.state, *failed);
  ASSERT_EQ(ended.size(), 3U);
  EXPECT_EQ(ended[0].text, "step smoke failed: 500");
  EXPECT_EQ(ended[1].text, "step rollback-deploy failed: no host");
  EXPECT_EQ(ended[1].file, "production.yaml");
  EXPECT_EQ(ended[1].line, 1U);
  EXPECT_EQ(ended[1].events, std::vector<Position>{positions_of<ActivityFailed>(world).back()});
  EXPECT_EQ(ended[2].text,
            "incident 1 is open: smoke: 500; freeze 1 of environment production lasts until it is resolved");
  EXPECT_THAT(ended[2].remedy, testing::HasSubstr("headgate retry gateway/production/2"));
  EXPECT_EQ(ended[2].events.back(), positions_of<FreezeSet>(world).back());
}

TEST(Explain, OfAWayBackWithoutAFailureIsOfTheMomentBeforeItBegan) {
  auto world = World::running_v1(stage("production"));
  world.push(target(production, release("v2")));
  EXPECT_FALSE(turning_point_of(world.live(production)));
  world.cancel(promotion(production, 1));
  ASSERT_EQ(world.live(production).phase, Phase::rolling_back);
  const auto turned = turning_point_of(world.live(production));
  ASSERT_TRUE(turned);
  EXPECT_EQ(positions_of<RollbackStarted>(world), std::vector<Position>{turned->position});
  EXPECT_TRUE(explain_failure(world.state, world.state, world.live(production)).empty());
}

TEST(Explain, OfAFailureBeforeAnythingWasDeployedNamesTheRetry) {
  auto s = stage("production");
  s.before = {hook("backup")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.finish(production, Outcome::Kind::terminal, "no space");
  const auto& failed = world.at(production).back.failed;
  ASSERT_TRUE(failed);
  const auto why = explain_failure(world.state, world.state, *failed);
  ASSERT_EQ(why.size(), 1U);
  EXPECT_EQ(why[0].text, "step backup failed: no space");
  EXPECT_EQ(why[0].line, 60U);
  EXPECT_EQ(why[0].remedy,
            "mend the cause and headgate retry gateway/production/1 --reason TEXT, or promote another release");
}

}  // namespace
}  // namespace headgate::test
