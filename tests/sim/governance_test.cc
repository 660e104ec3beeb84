// The oracle of governance objects when an approval is taken out of a log that it had nothing against.
#include <gtest/gtest.h>

#include "tests/domain/fixture.h"
#include "tests/sim/governance_oracle.h"

namespace headgate::sim {
namespace {

using namespace test;  // NOLINT: the tests' own words

std::vector<std::string> objections(const World& world, const std::vector<ApprovalRule>& governance, std::size_t after,
                                    const std::string& left_out) {
  GovernanceOracle oracle;
  for (const auto& record : world.log) {
    if (record.meta.position == after) oracle.ask_for(governance);
    if (record.meta.actor == left_out && std::holds_alternative<ConfigurationApproved>(record.event)) continue;
    oracle.see(record);
  }
  return oracle.take_violations();
}

TEST(GovernanceOracle, MissesAnApprovalOfAChangeOfThePolicy) {
  auto world = World::running_v1(stage("production"));
  const auto after = world.log.size();
  world.governance = {{"managers", 2, 7}};
  auto s = stage("production");
  s.wait = std::chrono::minutes(1);
  world.push(service({s}), "person:frank");
  world.approve_configuration("person:carol");
  world.approve_configuration("person:dave");
  EXPECT_TRUE(objections(world, world.governance, after, {}).empty());
  EXPECT_EQ(objections(world, world.governance, after, "person:carol").size(), 1U);
}

TEST(GovernanceOracle, MissesTheApprovalOfAMassRemoval) {
  auto world = World::running_v1(stage("production"));
  world.push(
      {{environment("staging"), service({stage("production"), stage("staging")}), target(staging, release("v1"))}});
  world.push(
      {{}, {{DocumentKind::target, "gateway.production"}, {DocumentKind::target, "gateway.staging"}}, "person:frank"});
  world.approve_configuration("person:alice");
  ASSERT_TRUE(world.at(production).orphaned);
  EXPECT_TRUE(objections(world, {}, 0, {}).empty());
  EXPECT_EQ(objections(world, {}, 0, "person:alice").size(), 1U);
}

}  // namespace
}  // namespace headgate::sim
