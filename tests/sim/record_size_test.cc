// A record takes at most 65,535 bytes, and a log that refuses one ends the process: whatever comes in, no decision may
// make a larger one.
#include <gtest/gtest.h>

#include "store/codec.h"
#include "tests/domain/fixture.h"

namespace headgate::sim {
namespace {

using namespace test;  // NOLINT: the little world of the domain's tests
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string control(std::size_t size) {
  return std::string(size, '\x01');
}  // six bytes each in a record

void expect_all_fit(const World& world) {
  for (const auto& record : world.log) {
    std::string text;
    store::encode(text, "test.example.com", record);
    EXPECT_LE(text.size(), store::kMaxRecordBytes) << type_name(record.event);
    EXPECT_LE(text.size(), stored_size_bound(record.event) + 2'000)
        << type_name(record.event) << ", whose bound is wrong";
  }
}

TEST(RecordSize, TheLargestGateReportFits) {
  auto world = World::running_v1(stage("production"));
  ReportGate report{"gateway",     release("v1").commit, {}, "lint", GateStatus::passed, {},
                    control(2048), control(4096),        {}};
  for (int i = 10; i < 74; ++i) report.metrics[std::to_string(i) + std::string(61, 'm')] = {"1"};
  EXPECT_THAT(world.when(report), Contains("gate.reported lint"));
  expect_all_fit(world);
}

TEST(RecordSize, ALargeReleaseIsRefused) {
  auto world = World::running_v1(stage("production"));
  auto large = release("v2");
  for (int i = 0; i < 31; ++i) large.artifacts["a" + std::to_string(i)] = "r" + std::string(511, 'x');
  EXPECT_THAT(world.when(RegisterRelease{"gateway", large, {}, {}}), Refused("at most"));
  EXPECT_THAT(world.when(RequestPromotion{production, large, {}}, "person:alice"), Refused("at most"));
  auto odd = release("v3");
  odd.artifacts["image"] = "x" + control(500);
  EXPECT_THAT(world.when(RegisterRelease{"gateway", odd, {}, {}}), Refused("not well-formed"));
  expect_all_fit(world);
}

TEST(RecordSize, TheLargestWishesThatAreFollowedFit) {
  auto world = World::running_v1(stage("production"));
  for (const auto* version : {"v2", "v3", "v4"}) {
    auto wished = release(version);
    for (int i = 0; i < 10; ++i) wished.artifacts["a" + std::to_string(i)] = "r" + std::string(511, 'x');
    world.when(RegisterRelease{"gateway", wished, {}, {}});
    StringMap variables;
    for (int i = 0; i < 20; ++i) variables["v" + std::to_string(i)] = std::string(600, '"');
    world.push(target(production, {version, {}, {}}, variables));
    world.push(target(production, {version, {}, {}}, {{"text", std::string(10'000, 'x')}}));
    EXPECT_THAT(world.effects(), testing::SizeIs(1)) << world.idle(production);
    world.finish_all(production);
  }
  expect_all_fit(world);
}

TEST(RecordSize, AWishThatFitsNoRecordIsNotFollowedAndSaysSo) {
  auto world = World::running_v1(stage("production"));
  auto wished = release("v2");
  for (int i = 0; i < 12; ++i) wished.artifacts["a" + std::to_string(i)] = "r" + std::string(511, 'x');
  world.when(RegisterRelease{"gateway", wished, {}, {}});
  world.push(target(production, {"v2", {}, {}}, {{"text", std::string(15'000, 'x')}}));
  EXPECT_THAT(world.idle(production), HasSubstr("at most"));
  EXPECT_THAT(world.effects(), IsEmpty());
  expect_all_fit(world);
}

TEST(RecordSize, AStepThatFitsNoRecordIsNotPlannedAndSaysSo) {
  auto s = stage("production");
  Hook greedy = hook("greedy");
  for (int i = 0; i < 100; ++i) greedy.run.command.push_back("--text=${variables.text}");
  s.before = {greedy};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2"), {{"text", std::string(4'000, 'x')}}));
  EXPECT_FALSE(world.at(production).promotion);
  EXPECT_THAT(world.idle(production), HasSubstr("step greedy"));
  EXPECT_THAT(world.request(production, "v3"), Refused("step greedy"));
  world.push(target(production, release("v2"), {{"text", "short"}}));
  EXPECT_THAT(world.effects(), Contains("gateway/production/1/greedy#1"));
  expect_all_fit(world);
}

TEST(RecordSize, AWaitingPromotionWhoseNewPlanFitsNoRecordIsCancelled) {
  auto s = stage("production");
  s.gates = {"lint"};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2"), {{"text", std::string(4'000, 'x')}}));
  ASSERT_TRUE(world.at(production).promotion);
  Hook greedy = hook("greedy");
  for (int i = 0; i < 100; ++i) greedy.run.command.push_back("--text=${variables.text}");
  s.before = {greedy};
  EXPECT_THAT(world.push(service({s})), Contains("promotion.cancelled #1"));
  EXPECT_FALSE(world.at(production).promotion);
  expect_all_fit(world);
}

TEST(RecordSize, ConditionsOfManyGatesAreToldAsFarAsTheyFit) {
  auto s = stage("production");
  auto policy = service({});
  for (int i = 0; i < 400; ++i) {
    policy.gates.push_back({"gate-" + std::to_string(i), {}, 1, {}, {}});
    s.gates.push_back(policy.gates.back().name);
  }
  policy.stages = {s};
  World world;
  world.push(
      {{access_policy(), environment("production"), policy, target(production, release("v1"))}, {}, "person:frank"});
  world.observe(production, "");
  const auto& unmet = world.live(production).steps.front().unmet;
  EXPECT_GT(unmet.size(), 20U);
  EXPECT_THAT(unmet.back().text, HasSubstr("more"));
  for (int i = 0; i < 400; ++i) world.gate("gate-" + std::to_string(i), "v1");
  EXPECT_THAT(world.effects(), Contains("gateway/production/1/deploy#1"));
  expect_all_fit(world);
}

TEST(RecordSize, DiagnosticsOfControlCharactersAreLeftOutAndCounted) {
  World world;
  RejectConfiguration reject{"environments", commit_id(1), {}};
  for (int i = 0; i < 100; ++i)
    reject.diagnostics.push_back({"a.yaml", 1, 1, control(500), control(500), control(500)});
  EXPECT_THAT(world.when(reject, "engine"), Contains("configuration.rejected"));
  expect_all_fit(world);
}

TEST(RecordSize, AServiceOfMoreStepsThanOneCommandMayPlanIsRefused) {
  World world;
  auto s = stage("production");
  for (std::size_t i = 0; i < max_stage_steps; ++i) s.verify.push_back(health("check-" + std::to_string(i)));
  world.push({{access_policy(), environment("production"), service({s}), target(production, release("v1"))},
              {},
              "person:frank"});
  world.observe(production, "v1");
  ASSERT_NE(world.state.service("gateway"), nullptr);
  EXPECT_THAT(world.request(production, "v2"), Contains("activity.started deploy#1"));
  s.verify.push_back(health("one-more"));
  const StageDocuments staged{commit_id(9), {{{"gateway.yaml", 7, "b"}, service({s})}}, {}};
  EXPECT_THAT(world.when(staged, "engine"), Refused("gateway.yaml:30"));
  expect_all_fit(world);
}

}  // namespace
}  // namespace headgate::sim
