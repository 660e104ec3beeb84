// Texts from outside are cut where they fit no record. The record must say what the state says, byte for byte: no
// character may be cut in two, since half of one is no UTF-8 and is written as another character.
#include <gtest/gtest.h>

#include "engine/domain/record_size.h"
#include "store/codec.h"
#include "tests/domain/strategies.h"

namespace headgate::sim {
namespace {

using namespace test;  // NOLINT: the little world of the domain's tests
using testing::Contains;
using Kind = Outcome::Kind;

TEST(CutText, EndsWhereACharacterDoes) {
  EXPECT_EQ(cut_text("", 3), "");
  EXPECT_EQ(cut_text("abc", 3), "abc");
  EXPECT_EQ(cut_text("abcd", 3), "abc");
  EXPECT_EQ(cut_text("aé", 3), "aé");
  EXPECT_EQ(cut_text("aéb", 3), "aé");
  EXPECT_EQ(cut_text("aaéb", 3), "aa");
  EXPECT_EQ(cut_text("€€", 5), "€");
  EXPECT_EQ(cut_text("a🙂", 4), "a");
  EXPECT_EQ(cut_text("a🙂", 5), "a🙂");
  EXPECT_EQ(cut_text("🙂", 3), "");
  EXPECT_EQ(cut_text("\x82\xAC\x82\xAC", 2), "") << "no UTF-8, and without an end";
}

// Longer than every limit, of characters of three bytes; wherever it is cut, one of three of them is cut in two.
class TextsOfManyBytes : public testing::TestWithParam<std::size_t> {
 protected:
  std::string text() const { return std::string(GetParam(), 'x') + euros(3'000); }
  // What a person may write: that is refused beyond 4096 bytes, and cut where something stands before it.
  std::string reason() const { return std::string(GetParam(), 'x') + euros(1'364); }
  static std::string euros(std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += "€";
    return all;
  }

  // The record of each event holds what was decided.
  static void expect_all_read_back(const World& world) {
    for (const auto& record : world.log) {
      std::string stored;
      store::encode(stored, "test.example.com", record);
      const auto read = store::decode(stored);
      ASSERT_TRUE(read) << read.error().message;
      EXPECT_TRUE(*read == record) << type_name(record.event) << " reads otherwise than it was decided";
    }
  }
  static Lines complete(World& world, const TargetId& id, Kind kind, const std::string& why) {
    const auto activity = world.effect(id);
    return world.when(CompleteActivity{activity.id, activity.attempt, {kind, why, {}, {}}}, "engine");
  }
};
INSTANTIATE_TEST_SUITE_P(EachPlaceInACharacter, TextsOfManyBytes, testing::Values(0, 1, 2));

TEST_P(TextsOfManyBytes, OfWhatIsReportedFromOutside) {
  auto world = World::running_v1(stage("production"));
  EXPECT_THAT(world.when(ReportRepository{"environments", text()}, "engine"), Contains("repository.unreachable"));
  EXPECT_THAT(world.when(RecordDenied{"token", 1, "/" + text()}, "engine"), Contains("access.denied"));
  NotificationPolicy policy;
  policy.name = "default";
  policy.routes = {{{"*"}, {}, {"hook"}, 5}};
  policy.receivers = {{"hook", ReceiverKind::webhook, "https://example.com/", {}, {}, 7}};
  world.push(policy);
  const auto about = world.state.told.at("default/hook") + 1;
  EXPECT_THAT(world.when(RecordNotification{"default/hook", about, "promotion.failed", 3, text()}, "engine"),
              Contains("notification.failed"));
  expect_all_read_back(world);
}

TEST_P(TextsOfManyBytes, OfActivitiesAndTheWayBack) {
  auto s = stage("production");
  s.verify = {health("smoke")};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  complete(world, production, Kind::retryable, text());
  world.pass(1h);
  world.finish(production);
  EXPECT_THAT(complete(world, production, Kind::unhealthy, text()), Contains("rollback.started to v1"));
  EXPECT_THAT(complete(world, production, Kind::terminal, text()), Contains("rollback.failed #1"));
  expect_all_read_back(world);
}

TEST_P(TextsOfManyBytes, OfAFailureThatIsLeftToAPerson) {
  auto s = stage("production");
  s.rollback_automatic = false;
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  EXPECT_THAT(complete(world, production, Kind::terminal, text()), Contains("promotion.failed #1"));
  expect_all_read_back(world);
}

TEST_P(TextsOfManyBytes, OfAnExpeditedPromotion) {
  auto s = stage("production");
  s.approvals = {{"managers", 2, 30}};
  s.expedite = Expedite{{}, Duration(1min), 90};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.approve(promotion(production, 1), "person:carol");
  EXPECT_THAT(world.when(ExpeditePromotion{promotion(production, 1), reason()}, "person:alice"),
              Contains("approval.voided person:carol"));
  expect_all_read_back(world);
}

TEST_P(TextsOfManyBytes, OfAVerdictThatVoidsAnApproval) {
  auto s = stage("production");
  s.approvals = {{"managers", 2, 30}};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.approve(promotion(production, 1), "person:carol");
  EXPECT_THAT(world.when(QuarantineRelease{{"gateway", "v2"}, reason()}, "person:alice"),
              Contains("approval.voided person:carol"));
  expect_all_read_back(world);
}

TEST_P(TextsOfManyBytes, OfAWishThatIsDropped) {
  auto s = stage("production");
  StageTrigger trigger;
  trigger.kind = Trigger::branch;
  trigger.branch = "main";
  s.triggers = {trigger};
  auto policy = service({s});
  policy.source = ServiceSource{"monorepo", {"gateway/**"}, 5};
  World world;
  world.push({{access_policy(), environment("production"), policy}, {}, "person:frank"});
  // Nobody has looked what runs there, so that the wish waits.
  const SourceObserved observed{{"gateway"}, commit_id(7), "monorepo", "main", "", commit_id(7), "sha256:tree"};
  world.when(ObserveSource{{observed}}, "engine");
  const auto version = world.state.services.at("gateway").releases.begin()->first;
  EXPECT_THAT(world.when(QuarantineRelease{{"gateway", version}, reason()}, "person:alice"),
              Contains("trigger.dropped"));
  expect_all_read_back(world);
}

TEST_P(TextsOfManyBytes, OfAMonitor) {
  Monitor m;
  m.name = "api";
  m.check = health("api");
  m.services = {"gateway"};
  m.every = 1min;
  m.failure_limit = 1;
  m.on_failure = OnMonitorFailure::incident;
  auto watched = environment("production");
  watched.monitors = {m};
  auto world = World::running_v1(stage("production"));
  world.push(watched);
  EXPECT_THAT(world.when(ReportMonitor{{"production", "api"}, false, 1, world.now, text()}, "engine"),
              Contains("monitor.failed"));
  expect_all_read_back(world);
}

TEST_P(TextsOfManyBytes, OfTheRunOfAGate) {
  auto s = stage("production");
  s.gates = {"scan"};
  auto policy = service({s});
  policy.gates[1].run = script({"hooks/scan.sh"});
  policy.gates[1].metrics.clear();
  World world;
  world.push(
      {{access_policy(), environment("production"), policy, target(production, release("v1"))}, {}, "person:frank"});
  world.observe(production, "v1");
  world.push(target(production, release("v2")));
  const TargetId place{"gateway", "@gates"};
  EXPECT_THAT(complete(world, place, Kind::retryable, text()), Contains("gate.retried scan#2"));
  world.pass(1h);
  complete(world, place, Kind::terminal, text());
  expect_all_read_back(world);
}

TEST_P(TextsOfManyBytes, OfAMeasurement) {
  auto world = given_v2(canary({weight(5), pause(3min), weight(100)}));
  roll(world, "pause-1");
  while (!measuring(world)) world.pass(1min);
  EXPECT_THAT(complete(world, production, Kind::terminal, text()), Contains("measurement.taken pause-1"));
  expect_all_read_back(world);
}

TEST_P(TextsOfManyBytes, OfWhatBreakGlassPassed) {
  auto place = environment("production");
  World world;
  world.push({{access_policy(), place, service({stage("production")}), target(production, release("v1"))},
              {},
              "person:frank"});
  world.observe(production, "v1");
  for (int i = 0; i < 200; ++i) {
    place.maintenance.push_back(
        {std::string(GetParam(), 'x') + "€€€€€€€€€€" + std::to_string(i), world.now - 1h, world.now + 1h, 8});
  }
  world.push(place);
  world.push(target(production, release("v2")));
  EXPECT_THAT(world.when(OverrideProtection{promotion(production, 1), "it burns"}, "person:alice"),
              Contains("breakglass.used #1"));
  expect_all_read_back(world);
}

TEST_P(TextsOfManyBytes, OfASignatureThatDoesNotCount) {
  auto world = World::running_v1(stage("production"));
  auto s = stage("production");
  s.wait = 10min;
  const auto commit = commit_id(900);
  world.when(StageDocuments{commit, {{{"gateway.yaml", 1, commit}, service({s})}}, {}}, "engine");
  EXPECT_THAT(world.when(AcceptConfiguration{"environments", commit, {{"managers", 1, 7}}, {}, text()}, "engine"),
              Contains("configuration.rejected"));
  expect_all_read_back(world);
}

TEST(CutText, APersonsReasonIsRefusedInstead) {
  auto world = World::running_v1(stage("production"));
  const std::string too_long(4097, 'x');
  EXPECT_THAT(world.when(PauseEffects{too_long}, "person:alice"), Refused("a text is too long"));
  EXPECT_FALSE(world.state.effects_paused);
  world.when(PauseEffects{too_long.substr(1)}, "person:alice");
  EXPECT_EQ(world.state.effects_paused->reason.size(), 4096U);
  EXPECT_THAT(world.when(ResumeEffects{too_long}, "person:alice"), Refused("a text is too long"));
  EXPECT_TRUE(world.state.effects_paused);
}

}  // namespace
}  // namespace headgate::sim
