// Each row of the table of guards is there for a reason: without it, some scenario deploys what the policy did not
// allow, and the oracle says so. A row that nobody misses is no guard.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>

#include "tests/domain/explain_check.h"
#include "tests/domain/fixture.h"
#include "tests/domain/strategies.h"
#include "tests/sim/flow_oracle.h"
#include "tests/sim/location_oracle.h"
#include "tests/sim/oracle.h"
#include "tests/sim/rollout_oracle.h"

namespace headgate::sim {
namespace {

using namespace test;  // NOLINT: the little world of the domain's tests

struct Scenario {
  const char* name;
  World (*play)(std::span<const Guard> guards);
};

World given(std::span<const Guard> guards, Stage last) {
  World world(guards);
  world.push({{access_policy(), environment("staging"), environment("production"),
               service({stage("staging"), std::move(last)}), target(staging, release("v1")),
               target(production, release("v1"))},
              {},
              "person:frank"});
  world.observe(staging, "v1");
  world.observe(production, "v1");
  return world;
}

// Production is as `change` makes it of the fixture's service and environment.
World given_documents(std::span<const Guard> guards, Stage last, auto change) {
  World world(guards);
  auto policy = service({std::move(last)});
  auto place = environment("production");
  change(policy, place);
  world.push({{access_policy(), place, policy, target(production, release("v1"))}, {}, "person:frank"});
  world.observe(production, "v1");
  return world;
}

// The first promotion by `s`, whose effects have succeeded until nothing is under way.
World given_rollout(std::span<const Guard> guards, const Stage& s) {
  World world(guards);
  world.push(
      {{access_policy(), slotted(), measured_service(s), target(production, release("v1"))}, {}, "person:frank"});
  world.observe(production, "");
  if (!s.approvals.empty()) world.approve(promotion(production, 1), "person:carol");
  for (int i = 0; i < 3 && pending_effect(world.state, production) && !measuring(world); ++i) world.finish(production);
  return world;
}

// Two services run v1 in production and are wished v2, the gateway first.
World given_two(std::span<const Guard> guards, std::vector<Dependency> depends_on, auto change) {
  World world(guards);
  auto place = environment("production");
  change(place);
  std::vector<Document> documents{access_policy(), place};
  for (const char* name : {"agent", "gateway"}) {
    auto policy = service({stage("production")});
    policy.name = name;
    if (policy.name == "agent") policy.depends_on = depends_on;
    documents.emplace_back(policy);
    documents.emplace_back(target({name, "production"}, release("v1")));
  }
  world.push({documents, {}, "person:frank"});
  for (const char* name : {"agent", "gateway"}) world.observe({name, "production"}, "v1");
  for (const char* name : {"gateway", "agent"}) world.push(target({name, "production"}, release("v2")));
  return world;
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {"a canary pauses under measurement",
       [](std::span<const Guard> guards) {
         return given_rollout(guards, canary({weight(5), pause(30min), weight(100)}));
       }},
      {"a canary waits for a person",
       [](std::span<const Guard> guards) {
         return given_rollout(guards, canary({pause(), weight(100)}));
       }},
      {"a preview is verified and its switch approved by nobody",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.strategy = Strategy{{}, BlueGreen{true, {}, {}, {}, 44}, {}};
         s.verify_preview = {health("preview")};
         s.approvals = {{"managers", 1, 35}};
         return given_rollout(guards, s);
       }},
      {"a suspended target is wished another release while a promotion waits",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.wait = 1h;
         auto world = given(guards, s);
         auto wish = target(production, release("v2"));
         world.push(wish);
         wish.suspend = true;
         world.push(wish);
         world.pass(2h);
         return world;
       }},
      {"a release is quarantined and wished",
       [](std::span<const Guard> guards) {
         auto world = given(guards, stage("production"));
         world.when(RegisterRelease{"gateway", release("v2"), {}, {}});
         world.when(QuarantineRelease{{"gateway", "v2"}, "CVE"}, "person:alice");
         world.push(target(production, release("v2")));
         return world;
       }},
      {"a gate was never reported",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.gates = {"lint"};
         auto world = given(guards, s);
         world.push(target(production, release("v2")));
         return world;
       }},
      {"a gate turns bad while the promotion waits",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.gates = {"scan"};
         s.wait = 1h;
         auto world = given(guards, s);
         world.push(target(production, release("v2")));
         world.gate("scan", "v2", GateStatus::passed, {{"critical", {"0"}}});
         world.gate("scan", "v2", GateStatus::passed, {{"critical", {"2"}}});
         world.pass(2h);
         return world;
       }},
      {"a release that staging never saw is wished in production",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.healthy = {"staging"};
         auto world = given(guards, s);
         world.push(target(production, release("v2")));
         return world;
       }},
      {"one of two approvals is given",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.approvals = {{"managers", 2, 35}};
         auto world = given(guards, s);
         world.push(target(production, release("v2")));
         world.approve(promotion(production, 1), "person:carol");
         return world;
       }},
      {"approvals expire during the wait",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.approvals = {{"managers", 1, 35}};
         s.wait = 48h;
         auto world = given(guards, s);
         world.push(target(production, release("v2")));
         world.approve(promotion(production, 1), "person:carol");
         world.pass(72h);
         return world;
       }},
      {"a wait has begun and nobody waits",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.wait = 30min;
         auto world = given(guards, s);
         world.push(target(production, release("v2")));
         world.clock_jumps(24h);
         return world;
       }},
      {"evidence grows old during the wait",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.gates = {"lint"};
         s.wait = 48h;
         auto world = given_documents(guards, s, [](Service& policy, Environment&) { policy.gates[2].max_age = 24h; });
         world.push(target(production, release("v2")));
         world.gate("lint", "v2");
         world.pass(72h);
         return world;
       }},
      {"a gate is reported before the one that it comes after",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.gates = {"unit-tests", "lint"};
         auto world =
             given_documents(guards, s, [](Service& policy, Environment&) { policy.gates[2].after = {"unit-tests"}; });
         world.push(target(production, release("v2")));
         world.gate("lint", "v2");
         world.gate("unit-tests", "v2", GateStatus::passed, {{"coverage", {"95"}}});
         return world;
       }},
      {"a metric out of bounds asks for one approval more",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.gates = {"scan"};
         s.approvals = {{"managers", 1, 35}};
         auto world = given_documents(guards, s, [](Service& policy, Environment&) {
           policy.gates[1].metrics["critical"].otherwise = Otherwise::approval;
         });
         world.push(target(production, release("v2")), "person:frank");
         world.gate("scan", "v2", GateStatus::passed, {{"critical", {"2"}}});
         world.approve(promotion(production, 1), "person:carol");
         return world;
       }},
      {"the commit is not signed",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.signed_commit = SignedCommitRule{33};
         auto world = given(guards, s);
         world.push(target(production, release("v2")));
         world.when(RecordSignature{{"environments",
                                     release("v2").commit,
                                     SignatureVerdict::unsigned_,
                                     {},
                                     {},
                                     "the commit is not signed"}},
                    "engine");
         return world;
       }},
      {"somebody unknown wrote in it, and that is refused",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.unknown_authors = UnknownAuthorsRule{UnknownAuthors::refuse, 37};
         auto world = given(guards, s);
         world.push(target(production, release("v2")), "person:stranger");
         return world;
       }},
      {"somebody unknown wrote in it, and that asks for one approval more",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.approvals = {{"managers", 1, 35}};
         s.unknown_authors = UnknownAuthorsRule{UnknownAuthors::extra_approval, 37};
         auto world = given(guards, s);
         world.push(target(production, release("v2")), "person:stranger");
         world.approve(promotion(production, 1), "person:carol");
         return world;
       }},
      {"an approval comes before it is known whose work it is",
       [](std::span<const Guard> guards) {
         auto s = stage("production");
         s.approvals = {{"managers", 1, 35}};
         auto world = given(guards, s);
         world.push(target(production, release("v2")));
         world.when(RecordAuthors{{promotion(production, 1),
                                   "environments",
                                   release("v1").commit,
                                   release("v2").commit,
                                   true,
                                   1,
                                   {"person:bob"}}},
                    "engine");
         world.approve(promotion(production, 1), "person:carol");
         world.finish_all(production);
         world.push(target(production, release("v3")));
         world.approve(promotion(production, 2), "person:carol");
         return world;
       }},
      {"a window is closed",
       [](std::span<const Guard> guards) {
         std::vector<Window> windows(1);
         windows[0].kind = WindowKind::deny;
         auto world = given_documents(guards, stage("production"),
                                      [&](Service&, Environment& place) { place.windows = windows; });
         world.when(
             ExpandWindows{
                 windows,
                 {{"production"}, world.now - 1h, world.now + 24h, "2024a", {{0, world.now - 1h, world.now + 2h}}}},
             "engine");
         world.push(target(production, release("v2")));
         return world;
       }},
      {"an environment is under maintenance",
       [](std::span<const Guard> guards) {
         auto world = given_documents(guards, stage("production"), [](Service&, Environment& place) {
           const Timestamp begin{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20}};
           place.maintenance = {{"upgrade", begin, begin + 24h, 8}};
         });
         world.push(target(production, release("v2")));
         return world;
       }},
      {"an environment is frozen",
       [](std::span<const Guard> guards) {
         auto world = given(guards, stage("production"));
         world.when(SetFreeze{"production", {}, "the audit", {}}, "person:alice");
         world.push(target(production, release("v2")));
         return world;
       }},
      {"a tag brings again what was rolled back by hand",
       [](std::span<const Guard> guards) {
         auto world = given(guards, stage("production"));
         world.push(target(production, release("v2")));
         world.finish_all(production);
         RollBack back;
         back.targets = {production};
         back.to = "previous";
         back.reason = "errors";
         world.when(back, "person:alice");
         world.finish_all(production);
         world.plan_by_trigger(production, "v2", Trigger::tag);
         return world;
       }},
      {"another promotion has the only place of the environment",
       [](std::span<const Guard> guards) {
         return given_two(guards, {}, [](Environment& place) { place.max_concurrent = ConcurrencyRule{1, 9}; });
       }},
      {"a service that it comes after is under way",
       [](std::span<const Guard> guards) {
         return given_two(guards, {{"gateway", 6}}, [](Environment&) {});
       }},
      {"a location has drifted when the one on standby is asked for",
       [](std::span<const Guard> guards) {
         World world(guards);
         auto place = environment("production");
         place.locations = {{"eu", 1, false, {}, 20}, {"ap", 0, true, {}, 21}};
         auto s = stage("production");
         s.approvals = {{"managers", 1, 35}};
         world.push({{access_policy(), place, service({s}), target(production, release("v1"))}, {}, "person:frank"});
         const auto see = [&](const std::string& version) {
           const auto artifacts = version.empty() ? StringMap{} : release(version).artifacts;
           world.when(RecordObservation{production, {version, artifacts}, world.state.next, "eu"}, "engine");
         };
         see("");
         world.approve(promotion(production, 1), "person:carol");
         world.finish_all(production);
         world.when(RequestPromotion{production, release("v1"), "on demand", false, {"ap"}}, "person:alice");
         see("v0");
         world.approve(promotion(production, 2), "person:carol");
         return world;
       }},
      {"effects are paused",
       [](std::span<const Guard> guards) {
         auto world = given(guards, stage("production"));
         world.when(PauseEffects{"an incident"}, "person:alice");
         world.push(target(production, release("v2")));
         return world;
       }},
  };
  return all;
}

// What the oracle objects to in a scenario; the time that really passed is what the world let pass.
std::vector<std::string> objections(const Scenario& scenario, std::span<const Guard> guards) {
  const auto world = scenario.play(guards);
  LocationOracle locations;
  Oracle oracle(locations);
  RolloutOracle rollouts(locations);
  FlowOracle flow(locations);
  Duration jumped{0};
  for (const auto& record : world.log) {
    if (const auto* step = std::get_if<ClockStepped>(&record.event)) jumped += step->delta;
    const auto elapsed = record.meta.time - world.log.front().meta.time - jumped;
    locations.see(record);
    oracle.see(record, elapsed);
    rollouts.see(record, elapsed);
    flow.see(record, elapsed);
  }
  auto all = oracle.take_violations();
  for (const auto& violations : {rollouts.take_violations(), flow.take_violations(), locations.take_violations()}) {
    all.insert(all.end(), violations.begin(), violations.end());
  }
  return all;
}

// A guard that holds a promotion says why, by which rule, and what would make it true; each one does in some scenario.
TEST(Guards, EachOneExplainsItself) {
  std::set<std::string> held;
  for (const auto& scenario : scenarios()) {
    const auto world = scenario.play(all_guards());
    for (const auto& record : world.log) {
      const auto* waiting = std::get_if<StepWaiting>(&record.event);
      if (!waiting) continue;
      for (const auto& condition : waiting->unmet) held.insert(condition.guard);
    }
    for (const auto& id : world.state.active) {
      for (const auto& guard : all_guards()) {
        for (const auto& condition : guard.judge(world.state, *world.state.targets.at(id).promotion, world.now)) {
          EXPECT_EQ(not_explained(guard, condition), "") << scenario.name;
          if (!condition.met) held.insert(condition.guard);
        }
      }
    }
  }
  for (const auto& guard : all_guards()) {
    EXPECT_TRUE(held.contains(std::string(guard.name))) << guard.name << " holds nothing in any scenario";
  }
}

TEST(Guards, EachOneIsMissedWhenItIsAway) {
  for (const auto& scenario : scenarios()) {
    EXPECT_TRUE(objections(scenario, all_guards()).empty())
        << scenario.name << ": " << objections(scenario, all_guards()).front();
  }
  for (const auto& away : all_guards()) {
    std::vector<Guard> rest;
    for (const auto& guard : all_guards()) {
      if (guard.name != away.name) rest.push_back(guard);
    }
    ASSERT_EQ(rest.size() + 1, all_guards().size()) << "two guards are called " << away.name;
    std::size_t missed = 0;
    for (const auto& scenario : scenarios()) {
      const auto found = objections(scenario, rest);
      if (found.empty()) continue;
      std::cout << "without " << away.name << ": " << scenario.name << "\n    " << found.front() << '\n';
      ++missed;
    }
    EXPECT_GT(missed, 0U) << "nobody misses the guard " << away.name;
  }
}

}  // namespace
}  // namespace headgate::sim
