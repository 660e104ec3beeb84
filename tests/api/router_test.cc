#include "api/router.h"

#include <gtest/gtest.h>

namespace headgate::api {
namespace {

void nothing(Request, Reply) {}

Router events_router() {
  Router router;
  router.add("GET", "/", "none", nothing);
  router.add("GET", "/v1/events", "viewer", nothing);
  router.add("GET", "/v1/events/{position}", "viewer", nothing);
  router.add("GET", "/v1/events/stream", "viewer", nothing);
  router.add("GET", "/v1/events/{position}/proof", "viewer", nothing);
  router.add("GET", "/v1/targets/{service}/{environment}", "viewer", nothing);
  router.add("POST", "/v1/effects/{verb}", "admin", nothing);
  router.add("DELETE", "/v1/events/{position}", "admin", nothing);
  router.add("GET", "/tile/{path*}", "none", nothing);
  return router;
}

std::string pattern_of(const Router& router, std::string_view method, const std::vector<std::string>& path) {
  const RouteMatch match = router.match(method, path);
  return match.route == nullptr ? "" : match.route->pattern;
}

TEST(Router, LiteralsWinOverParameters) {
  const Router router = events_router();
  EXPECT_EQ(pattern_of(router, "GET", {}), "/");
  EXPECT_EQ(pattern_of(router, "GET", {"v1", "events"}), "/v1/events");
  EXPECT_EQ(pattern_of(router, "GET", {"v1", "events", "stream"}), "/v1/events/stream");
  EXPECT_EQ(pattern_of(router, "GET", {"v1", "events", "17"}), "/v1/events/{position}");
  // The literal has nothing deeper, the parameter does.
  EXPECT_EQ(pattern_of(router, "GET", {"v1", "events", "stream", "proof"}), "/v1/events/{position}/proof");
}

TEST(Router, GivesParametersByName) {
  const Router router = events_router();
  const RouteMatch match = router.match("GET", {"v1", "targets", "gateway", "production"});
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->access, "viewer");
  const std::vector<std::pair<std::string, std::string>> expected{{"service", "gateway"},
                                                                  {"environment", "production"}};
  EXPECT_EQ(match.parameters, expected);
  const RouteMatch after_backtracking = router.match("GET", {"v1", "events", "stream", "proof"});
  ASSERT_EQ(after_backtracking.parameters.size(), 1u);
  EXPECT_EQ(after_backtracking.parameters[0].second, "stream");
}

TEST(Router, TellsAnUnknownPathFromAnUnknownMethod) {
  const Router router = events_router();
  EXPECT_TRUE(router.match("GET", {"v2"}).allow.empty());
  EXPECT_TRUE(router.match("GET", {"v1"}).allow.empty());
  EXPECT_TRUE(router.match("GET", {"v1", "events", ""}).allow.empty());
  EXPECT_EQ(router.match("POST", {"v1", "events"}).allow, "GET, HEAD");
  EXPECT_EQ(router.match("GET", {"v1", "effects", "pause"}).allow, "POST");
  EXPECT_EQ(router.match("PUT", {"v1", "events", "7"}).allow, "DELETE, GET, HEAD");
  EXPECT_EQ(router.match("get", {"v1", "events"}).allow, "GET, HEAD");
}

TEST(Router, HeadIsAnsweredByGet) {
  const Router router = events_router();
  EXPECT_EQ(pattern_of(router, "HEAD", {"v1", "events"}), "/v1/events");
  EXPECT_EQ(pattern_of(router, "HEAD", {"v1", "effects", "pause"}), "");
}

TEST(Router, ATailTakesTheRestOfThePath) {
  const Router router = events_router();
  const RouteMatch match = router.match("GET", {"tile", "0", "x001", "234"});
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.parameters[0].second, "0/x001/234");
  EXPECT_EQ(pattern_of(router, "GET", {"tile"}), "");
  EXPECT_EQ(pattern_of(router, "GET", {"tile", "0", "", "1"}), "");
  EXPECT_EQ(pattern_of(router, "GET", {"tile", "a/b"}), "");
}

TEST(RouterDeathTest, MistakesInTheTableAreBugs) {
  Router router = events_router();
  EXPECT_DEATH(router.add("GET", "/v1/events", "viewer", nothing), "check failed");
  EXPECT_DEATH(router.add("GET", "/v1/events/{number}", "viewer", nothing), "check failed");
  EXPECT_DEATH(router.add("GET", "/open", "", nothing), "check failed");
  EXPECT_DEATH(router.add("GET", "/tile/{path*}/more", "none", nothing), "check failed");
}

}  // namespace
}  // namespace headgate::api
