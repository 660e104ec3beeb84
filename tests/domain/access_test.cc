// Tokens, people, roles.
#include "engine/domain/governance.h"
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

TEST(Tokens, TheLastThatLetsAnAdministratorInIsNotRevoked) {
  auto world = given_tokens();
  EXPECT_THAT(world.when(RevokeToken{"token:admin"}, "token:admin"),
              Refused("no other token lets an administrator in"));
  EXPECT_EQ(world.error.code, ErrorCode::conflict);
  world.when(CreateToken{"token:brief", "sha256:d", {Role::admin}, world.now + 1h}, "token:admin");
  auto late = world;
  late.pass(1h);
  EXPECT_THAT(late.when(RevokeToken{"token:admin"}, "token:admin"), Refused("no other token"));  // it has expired
  EXPECT_THAT(late.when(RevokeToken{"token:brief"}, "token:admin"), ElementsAre("token.revoked"));
  EXPECT_THAT(world.when(RevokeToken{"token:admin"}, "token:admin"), Refused("no other token"));  // for as long
  world.when(CreateToken{"token:next", "sha256:e", {Role::admin}, {}}, "token:admin");
  EXPECT_THAT(world.when(RevokeToken{"token:admin"}, "token:admin"), ElementsAre("token.revoked"));
}

TEST(Tokens, AGrantLetsAnAdministratorInAsWell) {
  for (const auto* person : {"person:alice", "person:bob"}) {  // bob holds no token
    auto world = given_tokens();
    auto policy = access_policy();
    Grant grant;
    grant.person = person;
    grant.role = Role::admin;
    policy.grants.push_back(grant);
    world.push(policy, "person:frank");
    const auto lines = world.when(RevokeToken{"token:admin"}, "token:admin");
    if (std::string_view(person) == "person:alice") {
      EXPECT_THAT(lines, ElementsAre("token.revoked"));
    } else {
      EXPECT_THAT(lines, Refused("no other token"));
    }
  }
}

TEST(Tokens, AGrantThatTakesAClaimLetsNoTokenIn) {
  auto world = given_tokens();
  auto policy = access_policy();
  Grant grant;
  grant.person = "person:alice";
  grant.role = Role::admin;
  grant.require_claims = {{"amr", "mfa"}};
  policy.grants.push_back(grant);
  world.push(policy, "person:frank");
  EXPECT_THAT(world.when(RevokeToken{"token:admin"}, "token:admin"), Refused("no other token"));
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
      EXPECT_EQ(may(world.state, {id, {}}, asked, Reach::of("gateway", "production")), expected)
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
    Reach reach;
    bool allowed;
  };
  for (const auto& row : std::vector<Row>{
           {bob, Role::operator_, Reach::of("gateway", "staging"), true},
           {bob, Role::operator_, Reach::of("search", "staging"), true},
           {bob, Role::operator_, Reach::of("gateway", "production"), false},
           {bob, Role::operator_, Reach::of("billing", "staging"), false},
           {bob, Role::operator_, Reach::of_service("gateway"), true},
           {bob, Role::operator_, Reach::of_service("billing"), false},
           {bob, Role::operator_, Reach::of_environment("staging"), true},
           {bob, Role::operator_, Reach::of_environment("production"), false},
           {bob, Role::operator_, Reach::somewhere(), true},
           {bob, Role::operator_, Reach::everywhere(), false},
           {bob, Role::operator_, Reach::of("", ""), false},
           {bob, Role::operator_, Reach::of("gateway", ""), false},
           {bob, Role::viewer, Reach::of("gateway", "staging"), true},
           {bob, Role::approver, Reach::of("gateway", "staging"), false},
           {ci, Role::reporter, Reach::of("gateway", "production"), true},
           {ci, Role::reporter, Reach::of("search", "production"), false},
           {ci, Role::reporter, Reach::of_service("gateway"), true},
           {ci, Role::reporter, Reach::everywhere(), false},
           {dave, Role::auditor, Reach::of("gateway", "production"), true},
           {dave, Role::auditor, Reach::everywhere(), true},
           {dave, Role::operator_, Reach::of("gateway", "staging"), false},
           {stranger, Role::viewer, Reach::somewhere(), false},
           {{"token:x", "person:zoe"}, Role::viewer, Reach::somewhere(), false},
       }) {
    EXPECT_EQ(may(world.state, row.who, row.role, row.reach), row.allowed)
        << row.who.actor() << " " << name_of(row.role) << " " << row.reach.service().name << "/"
        << row.reach.environment().name;
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

// --------------------------------------------------------------------------------------------------- requireClaims

const Claims mfa{{"amr", {"pwd", "mfa"}}};

// As access_policy, but the managers approve with a second factor alone.
AccessPolicy with_second_factor() {
  auto policy = access_policy();
  policy.grants[0].require_claims = {{"amr", "mfa"}};
  return policy;
}

World given_v2_waits_for_managers(const AccessPolicy& policy) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  World world;
  world.push(
      {{policy, environment("production"), service({s}), target(production, release("v1"))}, {}, "person:frank"});
  world.observe(production, "v1");
  world.push(target(production, release("v2")), "person:frank");
  return world;
}

TEST(RequireClaims, AGrantWithThemCountsOnlyForWhoHasThem) {
  auto policy = access_policy();
  policy.grants = {{"managers", {}, {}, Role::operator_, {"*"}, {"*"}, {{"amr", "mfa"}, {"acr", "high"}}}};
  World world;
  world.push(policy, "person:frank");
  const auto allowed = [&](const Claims& claims) {
    return may(world.state, {"token:carol", "person:carol", claims}, Role::operator_,
               Reach::of("gateway", "production"));
  };
  EXPECT_FALSE(allowed({}));
  EXPECT_FALSE(allowed(mfa));
  EXPECT_FALSE(allowed({{"amr", {"mfa"}}, {"acr", {"low"}}}));
  EXPECT_TRUE(allowed({{"amr", {"mfa"}}, {"acr", {"low", "high"}}}));
  const Principal carol{"token:carol", "person:carol", {{"amr", {"pwd"}}}};
  EXPECT_EQ(missing_claims(world.state, carol, Role::operator_, Reach::of("gateway", "production")),
            "managers' role operator asks for acr: high, amr: mfa; this sign-in has amr: pwd");
  const Principal alice{"token:alice", "person:alice"};
  EXPECT_EQ(missing_claims(world.state, alice, Role::operator_, Reach::of("gateway", "production")), "")
      << "it is not hers";
}

TEST(RequireClaims, ATokenApprovesNothingThatAsksForThem) {
  auto world = given_v2_waits_for_managers(with_second_factor());
  const auto id = promotion(production, 1);
  EXPECT_THAT(world.approve(id, "person:dave"),
              Refused("managers' role approver asks for amr: mfa; this sign-in has none"));
  EXPECT_EQ(world.error.code, ErrorCode::forbidden);
  EXPECT_THAT(world.when(Reject{id, "no"}, "person:dave"), Refused("asks for amr: mfa; this sign-in has none"));
  EXPECT_THAT(judge(world.state, world.live(production), world.now),
              testing::Contains(
                  testing::Field(&Condition::remedy, testing::HasSubstr("person:dave (signed in with amr: mfa)"))));
}

TEST(RequireClaims, TheApprovalSaysWhichItWasGivenWith) {
  auto world = given_v2_waits_for_managers(with_second_factor());
  world.claims = {{"amr", {"mfa"}}, {"email", {"dave@example.com"}}};
  EXPECT_THAT(world.approve(promotion(production, 1), "person:dave"),
              happened_in_order("approval.granted managers", "promotion.started #1"));
  StringMap recorded;
  for (const auto& record : world.log) {
    if (const auto* granted = std::get_if<ApprovalGranted>(&record.event)) recorded = granted->claims;
  }
  EXPECT_EQ(recorded, (StringMap{{"amr", "mfa"}})) << "and nothing that nobody asked for";
}

TEST(RequireClaims, AnotherGrantWithoutThemIsEnough) {
  auto world = given_v2_waits_for_managers(with_second_factor());
  EXPECT_THAT(world.approve(promotion(production, 1), "person:carol"),  // by the team platform
              happened_in_order("approval.granted managers", "promotion.started #1"));
}

TEST(RequireClaims, ApprovalsOfAConfigurationAskForThemToo) {
  auto world = given_v2_waits_for_managers(with_second_factor());
  world.governance = {{"managers", 1, 7}};
  world.push(environment("production", true), "person:frank");
  EXPECT_THAT(world.approve_configuration("person:dave"), Refused("asks for amr: mfa; this sign-in has none"));
  EXPECT_THAT(judge_proposal(world.state, *world.state.configuration.proposal).front().remedy,
              testing::HasSubstr("person:dave"));
  world.claims = mfa;
  EXPECT_THAT(world.approve_configuration("person:dave"), testing::Contains("configuration.accepted"));
}

}  // namespace
}  // namespace headgate::test
