// Tokens, people, roles.
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

World given_tokens() {
  World world;
  world.push(access_policy(), "person:frank");
  world.when(CreateToken{"token:admin", "sha256:a", {Role::admin}, {}}, "engine");
  world.when(CreateToken{"token:alice", "sha256:b", {}, {}}, "engine");
  world.when(CreateToken{"token:short", "sha256:c", {Role::reporter}, world.now + 1h}, "engine");
  return world;
}

TEST(Tokens, AreKnownByTheirHashUntilTheyExpireOrAreRevoked) {
  auto world = given_tokens();
  EXPECT_FALSE(authenticate(world.state, "sha256:x", world.now));
  EXPECT_EQ(authenticate(world.state, "sha256:c", world.now)->actor(), "token:short");
  EXPECT_TRUE(authenticate(world.state, "sha256:c", world.now + 1h - 1us));
  EXPECT_FALSE(authenticate(world.state, "sha256:c", world.now + 1h));
  EXPECT_THAT(world.when(RevokeToken{"token:short"}, "token:admin"), ElementsAre("token.revoked"));
  EXPECT_FALSE(authenticate(world.state, "sha256:c", world.now));
  EXPECT_THAT(world.when(RevokeToken{"token:short"}, "token:admin"), Refused("no such token"));
}

TEST(Tokens, SpeakForThePersonWhoHoldsThem) {
  auto world = given_tokens();
  const auto alice = authenticate(world.state, "sha256:b", world.now);
  EXPECT_EQ(alice->person, "person:alice");
  EXPECT_EQ(alice->actor(), "person:alice");
}

TEST(Tokens, TwoOfOneNameCannotBe) {
  auto world = given_tokens();
  EXPECT_THAT(world.when(CreateToken{"token:admin", "sha256:z", {}, {}}, "token:admin"), Refused("exists"));
  EXPECT_EQ(world.error.code, ErrorCode::conflict);
}

TEST(Roles, ImplyWhatTheTableSays) {
  World world;
  struct Row {
    Role held;
    std::vector<Role> may;
  };
  const std::vector<Role> all{Role::viewer,    Role::auditor,     Role::reporter, Role::approver,
                              Role::operator_, Role::break_glass, Role::admin};
  for (const auto& [held, allowed] : std::vector<Row>{{Role::viewer, {Role::viewer}},
                                                      {Role::auditor, {Role::viewer, Role::auditor}},
                                                      {Role::reporter, {Role::viewer, Role::reporter}},
                                                      {Role::approver, {Role::viewer, Role::approver}},
                                                      {Role::operator_, {Role::viewer, Role::operator_}},
                                                      {Role::break_glass, {Role::viewer, Role::break_glass}},
                                                      {Role::admin, all}}) {
    const auto id = "token:" + std::string(name_of(held));
    world.when(CreateToken{id, "sha256:" + id, {held}, {}}, "engine");
    for (const auto asked : all) {
      const bool expected = std::ranges::find(allowed, asked) != allowed.end();
      EXPECT_EQ(may(world.state, {id, {}}, asked, "gateway", "production"), expected)
          << name_of(held) << " " << name_of(asked);
    }
  }
}

TEST(Grants, ReachTheirServicesAndEnvironmentsOnly) {
  World world;
  AccessPolicy policy = access_policy();
  policy.grants = {{"platform", {}, {}, Role::operator_, {"staging"}, {"gateway", "search"}},
                   {{}, {}, "token:ci", Role::reporter, {"*"}, {"gateway"}},
                   {{}, "person:dave", {}, Role::auditor, {}, {}}};
  world.push(policy);
  const Principal bob{"token:bob", "person:bob"};
  const Principal ci{"token:ci", {}};
  const Principal dave{"token:dave", "person:dave"};
  const Principal stranger{"token:stranger", {}};
  struct Row {
    Principal who;
    Role role;
    const char* service;
    const char* environment;
    bool allowed;
  };
  for (const auto& row : std::vector<Row>{
           {bob, Role::operator_, "gateway", "staging", true},
           {bob, Role::operator_, "search", "staging", true},
           {bob, Role::operator_, "gateway", "production", false},
           {bob, Role::operator_, "billing", "staging", false},
           {bob, Role::operator_, "", "", true},
           {bob, Role::viewer, "gateway", "staging", true},
           {bob, Role::approver, "gateway", "staging", false},
           {ci, Role::reporter, "gateway", "production", true},
           {ci, Role::reporter, "search", "production", false},
           {dave, Role::auditor, "gateway", "production", true},
           {dave, Role::operator_, "gateway", "staging", false},
           {stranger, Role::viewer, "", "", false},
           {{"token:x", "person:zoe"}, Role::viewer, "", "", false},
       }) {
    EXPECT_EQ(may(world.state, row.who, row.role, row.service, row.environment), row.allowed)
        << row.who.actor() << " " << name_of(row.role) << " " << row.service << "/" << row.environment;
  }
}

TEST(Approvers, AreMembersOfTheTeamWithTheRoleForTheTarget) {
  AccessPolicy policy = access_policy();
  policy.grants = {{{}, "person:carol", {}, Role::approver, {"production"}, {"*"}},
                   {"platform", {}, {}, Role::approver, {"staging"}, {"*"}},
                   {{}, "person:dave", {}, Role::admin, {"*"}, {"*"}}};
  EXPECT_THAT(approvers(policy, "managers", production),
              ElementsAre("person:carol"));                                          // admins approve as members only
  EXPECT_THAT(approvers(policy, "managers", staging), ElementsAre("person:carol"));  // by the team platform
  EXPECT_THAT(approvers(policy, "platform", staging), ElementsAre("person:alice", "person:bob", "person:carol"));
  EXPECT_THAT(approvers(policy, "ghosts", staging), IsEmpty());
}

TEST(Refusals, AreCountedEvents) {
  World world;
  EXPECT_THAT(world.when(RecordDenied{"unauthenticated", 17, "GET /v1/events"}, "engine"),
              ElementsAre("access.denied"));
  EXPECT_EQ(std::get<AccessDenied>(world.log.back().event).count, 17U);
}

}  // namespace
}  // namespace headgate::test
