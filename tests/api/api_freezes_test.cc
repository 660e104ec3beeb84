// Freezes and overrides over HTTP.
#include <fmt/format.h>

#include "tests/api/api_world.h"

namespace headgate::api::test {
namespace {

class ApiFreezes : public ::testing::Test {
 protected:
  Answer freeze(std::string_view who, std::string_view body) { return world.call("POST", "/v1/freezes", who, body); }
  ApiWorld world;
};

TEST_F(ApiFreezes, AreSetListedAndLifted) {
  const auto set = freeze("alice", R"({"environment":"staging","reason":"the audit","until":"2999-01-01T00:00:00Z"})");
  ASSERT_EQ(set.status, 201) << set.body;
  const auto id = at(set, "/id");
  auto list = world.call("GET", "/v1/freezes");
  ASSERT_EQ(size_at(list.body, "/freezes"), 1U) << list.body;
  EXPECT_EQ(at(list, "/freezes/0/id"), id);
  EXPECT_EQ(at(list, "/freezes/0/environment"), "staging");
  EXPECT_EQ(at(list, "/freezes/0/reason"), "the audit");
  EXPECT_EQ(at(list, "/freezes/0/until"), "2999-01-01T00:00:00.000000Z");
  EXPECT_EQ(at(list, "/next"), "null");
  EXPECT_EQ(world.call("DELETE", "/v1/freezes/" + id, "carol").status, 403);
  EXPECT_EQ(world.call("DELETE", "/v1/freezes/" + id + "?reason=over", "alice").status, 200);
  EXPECT_EQ(world.call("DELETE", "/v1/freezes/" + id, "alice").status, 404);
  list = world.call("GET", "/v1/freezes");
  EXPECT_EQ(size_at(list.body, "/freezes"), 0U);
}

TEST_F(ApiFreezes, WhatIsWrongWithOneIsSaid) {
  EXPECT_EQ(freeze("carol", R"({"environment":"staging","reason":"x"})").status, 403);
  EXPECT_EQ(freeze("alice", R"({"environment":"staging"})").status, 400);
  EXPECT_EQ(freeze("alice", R"({"environment":"nowhere","reason":"x"})").status, 404);
  const auto answer = freeze("alice", R"({"environment":"staging","reason":"x","until":"tomorrow"})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(at(answer, "/errors/0/pointer"), "/until");
}

TEST_F(ApiFreezes, HoldAPromotionThatOnlyBreakGlassLetsPass) {
  ASSERT_EQ(freeze("alice", R"({"environment":"staging","services":["gateway"],"reason":"the audit"})").status, 201);
  ASSERT_EQ(world
                .call("POST", "/v1/releases", "reporter",
                      R"({"service":"gateway","version":"v1","artifacts":{"image":"registry/gateway@v1"}})")
                .status,
            201);
  world.report_gate("v1");
  const auto id = world.promote("v1", "staging");
  const auto shown = world.call("GET", "/v1/promotions/" + id);
  EXPECT_EQ(at(shown, "/phase"), "waiting");
  EXPECT_EQ(at(shown, "/unmet/0/guard"), "freezes") << shown.body;
  EXPECT_EQ(at(shown, "/unmet/0/due"), "null");
  const auto path = fmt::format("/v1/promotions/{}/override", id);
  EXPECT_EQ(world.call("POST", path, "alice", R"({"reason":"it burns"})").status, 403);
  EXPECT_EQ(world.call("POST", path, "breakGlass", "{}").status, 400);
  const auto passed = world.call("POST", path, "breakGlass", R"({"reason":"it burns"})");
  ASSERT_EQ(passed.status, 200) << passed.body;
  EXPECT_EQ(at(passed, "/events/0"), "freeze.overridden");
  EXPECT_TRUE(world.reaches(id, "succeeded"));
  EXPECT_EQ(world.stored("freeze.overridden").size(), 1U);
}

}  // namespace
}  // namespace headgate::api::test
