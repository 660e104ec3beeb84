// Forgetting a person over HTTP: the fact first, then the directory, and what a crash between them leaves.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "api/erasure.h"
#include "tests/api/api_world.h"

namespace headgate::api::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

bool any_file_holds(const std::filesystem::path& folder, std::string_view text) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (bytes.find(text) != std::string::npos) return true;
  }
  return false;
}

// A commit's author, known by an address.
std::string author(ApiWorld& world) {
  return *world.people->person_by_email("Grace Example", "grace@example.com");
}

AccessPolicy policy_of(ApiWorld& world) {
  return *world.engine->read([](const State& state) { return std::optional(*state.access()); });
}

void accept(ApiWorld& world, char commit, const AccessPolicy& policy) {
  const std::string sha(40, commit);
  ASSERT_TRUE(world.run(StageDocuments{sha, {{{"access.yaml", 1, "b"}, policy}}, {}}));
  ASSERT_TRUE(world.run(AcceptConfiguration{"environments", sha}));
}

void leave_policy(ApiWorld& world, const std::string& id) {
  auto policy = policy_of(world);
  std::erase_if(policy.people, [&](const Person& person) { return person.id == id; });
  for (auto& team : policy.teams) std::erase(team.members, id);
  std::erase_if(policy.grants, [&](const Grant& grant) { return grant.person == id; });
  accept(world, 'd', policy);
}

// A policy once gave alice the one token that lets an administrator in; the one in force does not name her any more.
std::string alice_had_the_last_admin(ApiWorld& world) {
  const auto alice = world.person["alice"];
  auto policy = policy_of(world);
  for (auto& person : policy.people) {
    if (person.id == alice) person.tokens.push_back(*world.people->token_id("admin"));
  }
  accept(world, 'e', policy);
  leave_policy(world, alice);
  return alice;
}

TEST(ApiPeople, ErasesAPersonAndSaysWhere) {
  ApiWorld world;
  const auto id = author(world);
  EXPECT_EQ(at(world.call("GET", "/v1/people/" + id), "/emails/0"), "grace@example.com");
  EXPECT_EQ(at(world.call("DELETE", "/v1/people/" + id + "?dry_run=true"), "/dry_run"), "true");
  EXPECT_TRUE(world.stored("person.erased").empty());
  const auto erased = world.call("DELETE", "/v1/people/" + id);
  EXPECT_EQ(erased.status, 200) << erased.body;
  const auto records = world.stored("person.erased");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_THAT(records[0], HasSubstr("\"subject\":\"" + id + "\""));
  EXPECT_THAT(records[0], HasSubstr("\"id\":\"" + at(erased, "/position") + "\""));
  EXPECT_EQ(world.call("GET", "/v1/people/" + id).status, 404);
  EXPECT_FALSE(any_file_holds(world.dir.path(), "grace@example.com"));
  EXPECT_FALSE(any_file_holds(world.dir.path(), "Grace Example"));
  // Once more: the same answer, no second fact.
  const auto again = world.call("DELETE", "/v1/people/" + id);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(at(again, "/position"), at(erased, "/position"));
  EXPECT_EQ(at(again, "/leaf_hash"), at(erased, "/leaf_hash"));
  EXPECT_EQ(at(again, "/changed"), "false");
  EXPECT_EQ(world.stored("person.erased").size(), 1U);
}

TEST(ApiPeople, IsForAdminsAndAuditorsAndKnowsWhomItKnows) {
  ApiWorld world;
  const auto id = author(world);
  EXPECT_EQ(world.call("DELETE", "/v1/people/" + id, "auditor").status, 403);
  EXPECT_EQ(world.call("GET", "/v1/people/" + id, "auditor").status, 200);
  EXPECT_EQ(world.call("GET", "/v1/people/" + id, "operator").status, 403);
  EXPECT_EQ(world.call("DELETE", "/v1/people/person:0000000000").status, 404);
  EXPECT_EQ(world.call("DELETE", "/v1/people/" + *world.people->token_id("auditor")).status, 404);
  EXPECT_EQ(world.call("GET", "/v1/people/" + id).status, 200);
}

TEST(ApiPeople, APersonOfTheAccessPolicyIsTakenOutOfItFirst) {
  ApiWorld world;
  const auto refused = world.call("DELETE", "/v1/people/" + world.person["alice"]);
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("AccessPolicy"));
  EXPECT_TRUE(world.stored("person.erased").empty());
  EXPECT_TRUE(world.people->find(world.person["alice"]));
}

TEST(ApiPeople, WhatACrashInterruptedIsFinished) {
  ApiWorld world;
  const auto id = author(world);
  const auto other = *world.people->person_by_email("Other", "other@example.com");
  ASSERT_TRUE(world.run(ErasePerson{id}));  // and the process ends here
  EXPECT_TRUE(world.people->find(id));
  const auto resumed = Eraser(*world.engine, *world.engine, world.log, *world.people, world.clock).resume();
  EXPECT_THAT(resumed, IsEmpty());
  EXPECT_FALSE(world.people->find(id));
  EXPECT_TRUE(world.people->find(other));
  EXPECT_FALSE(any_file_holds(world.dir.path(), "grace@example.com"));
}

// The tokens that the policy gave to a person bear their name as well.
TEST(ApiPeople, TheirTokensEndAndLoseTheirNames) {
  ApiWorld world;
  const auto alice = world.person["alice"];
  const auto token = *world.people->token_id("alice");
  ASSERT_EQ(world.call("GET", "/v1/services", "alice").status, 200);
  ASSERT_TRUE(world.run(ErasePerson{alice}));
  leave_policy(world, alice);
  const auto resumed = Eraser(*world.engine, *world.engine, world.log, *world.people, world.clock).resume();
  EXPECT_THAT(resumed, IsEmpty());
  EXPECT_EQ(world.call("GET", "/v1/services", "alice").status, 401);
  EXPECT_FALSE(world.people->token_name(token));
  EXPECT_FALSE(any_file_holds(world.dir.path(), "alice"));
  EXPECT_TRUE(world.people->find(world.person["carol"]));
}

TEST(ApiPeople, WhoHoldsTheLastTokenOfAnAdministratorIsNotErased) {
  ApiWorld world;
  const auto alice = alice_had_the_last_admin(world);
  for (const char* query : {"?dry_run=true", ""}) {
    const auto refused = world.call("DELETE", "/v1/people/" + alice + query);
    EXPECT_EQ(refused.status, 409);
    EXPECT_THAT(refused.body, HasSubstr("no other lets an administrator in"));
  }
  EXPECT_TRUE(world.stored("person.erased").empty());
  EXPECT_TRUE(world.people->find(alice));
  world.make_token("boss", {Role::admin});
  EXPECT_EQ(world.call("DELETE", "/v1/people/" + alice).status, 200);
  EXPECT_FALSE(world.people->find(alice));
  EXPECT_EQ(world.call("GET", "/v1/tokens").status, 401) << "the token ended with her";
  EXPECT_EQ(world.call("GET", "/v1/tokens", "boss").status, 200);
}

TEST(ApiPeople, AnErasureThatIsLeftOverTakesNobodyTheLastWayIn) {
  ApiWorld world;
  const auto token = *world.people->token_id("admin");
  const auto alice = alice_had_the_last_admin(world);
  ASSERT_TRUE(world.run(ErasePerson{alice}));  // and the process ends here
  Eraser eraser(*world.engine, *world.engine, world.log, *world.people, world.clock);
  EXPECT_THAT(eraser.resume(), ElementsAre(HasSubstr(token + " stays valid")));
  EXPECT_FALSE(world.people->find(alice));
  EXPECT_FALSE(world.people->token_name(token));
  EXPECT_EQ(world.call("GET", "/v1/tokens").status, 200);
  EXPECT_THAT(eraser.resume(), IsEmpty());
}

TEST(ApiBlobs, AnExpiredOneIsGone) {
  ApiWorld world;
  const auto digest = world.blobs->put("output", "text/plain")->digest;
  EXPECT_EQ(world.call("GET", "/v1/blobs/" + digest).status, 200);
  const auto text = digest.substr(7);
  std::filesystem::remove(world.dir / "blobs" / text.substr(0, 2) / text.substr(2));
  EXPECT_EQ(world.call("GET", "/v1/blobs/" + digest).status, 404);
  std::filesystem::create_directories(world.dir / "blobs-named" / text.substr(0, 2));
  std::ofstream(world.dir / "blobs-named" / text.substr(0, 2) / text.substr(2))
      << R"({"environments":{},"services":{},"expired":"2026-11-20T14:55:01.000000Z"})";
  const auto gone = world.call("GET", "/v1/blobs/" + digest);
  EXPECT_EQ(gone.status, 410);
  EXPECT_THAT(gone.body, HasSubstr("expired at 2026-11-20T14:55:01.000000Z"));
}

}  // namespace
}  // namespace headgate::api::test
