// Who may do what, over a real socket.
#include <fmt/format.h>

#include <set>

#include "tests/api/api_world.h"

namespace headgate::api::test {
namespace {

// The roles of the interfaces' table, said once more: a route that asks for less or more is a finding.
const std::map<std::string, std::string> table{
    {"GET /healthz", "none"},
    {"GET /readyz", "none"},
    {"GET /metrics", "none"},  // the tests' peers are on loopback
    {"GET /checkpoint", "none"},
    {"GET /tile/{path*}", "none"},
    {"GET /tile/entries/{path*}", "auditor"},
    {"GET /v1/log/keys", "viewer"},
    {"GET /openapi.json", "viewer"},
    {"GET /v1/services", "viewer"},
    {"GET /v1/services/{service}", "viewer"},
    {"GET /v1/environments", "viewer"},
    {"GET /v1/environments/{environment}", "viewer"},
    {"GET /v1/configuration", "viewer"},
    {"GET /v1/repositories", "viewer"},
    {"POST /v1/repositories/{name}/sync", "operator"},
    {"GET /v1/targets", "viewer"},
    {"GET /v1/targets/{service}/{environment}", "viewer"},
    {"GET /v1/targets/{service}/{environment}/history", "viewer"},
    {"POST /v1/targets/{service}/{environment}/adopt", "operator"},
    {"GET /v1/state", "viewer"},
    {"GET /v1/releases/{service}", "viewer"},
    {"GET /v1/releases/{service}/{version}", "viewer"},
    {"POST /v1/releases", "reporter"},
    {"POST /v1/gates", "reporter"},
    {"POST /v1/quarantine", "operator"},
    {"DELETE /v1/quarantine/{service}/{version}", "operator"},
    {"PUT /v1/blobs/{digest}", "reporter"},
    {"GET /v1/blobs/{digest}", "auditor"},
    {"POST /v1/promotions", "operator"},
    {"GET /v1/promotions", "viewer"},
    {"GET /v1/promotions/{service}/{environment}/{n}", "viewer"},
    {"POST /v1/promotions/{service}/{environment}/{n}/approve", "approver"},
    {"POST /v1/promotions/{service}/{environment}/{n}/reject", "approver"},
    {"POST /v1/promotions/{service}/{environment}/{n}/cancel", "operator"},
    {"POST /v1/promotions/{service}/{environment}/{n}/override", "breakGlass"},
    {"POST /v1/promotions/{service}/{environment}/{n}/resume", "operator"},
    {"POST /v1/promotions/{service}/{environment}/{n}/retry", "operator"},
    {"POST /v1/promotions/{service}/{environment}/{n}/expedite", "operator"},
    {"GET /v1/promotions/{service}/{environment}/{n}/postmortem", "viewer"},
    {"POST /v1/configuration/{digest}/approve",
     "viewer"},  // by what is proposed: a team, an operator, an administrator
    {"POST /v1/configuration/{digest}/reject", "viewer"},
    {"POST /v1/rollbacks", "operator"},
    {"GET /v1/incidents", "viewer"},
    {"POST /v1/incidents/{id}/note", "operator"},
    {"POST /v1/incidents/{id}/resolve", "operator"},
    {"GET /v1/freezes", "viewer"},
    {"POST /v1/freezes", "operator"},
    {"DELETE /v1/freezes/{id}", "operator"},
    {"GET /v1/promotions/{service}/{environment}/{n}/explain", "viewer"},
    {"GET /v1/promotions/{service}/{environment}/{n}/timeline", "viewer"},
    {"GET /v1/events", "viewer"},
    {"GET /v1/events/stream", "viewer"},
    {"GET /v1/events/{position}", "viewer"},
    {"GET /v1/events/{position}/proof", "viewer"},
    {"GET /v1/evidence", "auditor"},
    {"GET /v1/tokens", "auditor"},
    {"POST /v1/tokens", "admin"},
    {"DELETE /v1/tokens/{id}", "admin"},
    {"GET /v1/people", "auditor"},
    {"GET /v1/people/{id}", "auditor"},
    {"DELETE /v1/people/{id}", "admin"},
    {"GET /v1/backups", "viewer"},
    {"POST /v1/backups", "admin"},
    {"POST /v1/effects/pause", "admin"},
    {"POST /v1/effects/resume", "admin"},
};

bool allows(const std::string& asked, const std::string& held) {
  if (asked == "none") return true;
  if (held == "nothing" || held.empty()) return false;
  return asked == held || asked == "viewer" || held == "admin";
}

// What a grant for one environment does not reach: it has no environment, or concerns all that the service has.
const std::set<std::string> beyond_one_environment{
    "GET /v1/events/{position}",  // of the first one, which is the engine's own
    "GET /v1/events/{position}/proof",
    "GET /tile/entries/{path*}",
    "GET /v1/evidence",
    "POST /v1/quarantine",
    "DELETE /v1/quarantine/{service}/{version}",
    "GET /v1/blobs/{digest}",
    "GET /v1/tokens",
    "POST /v1/tokens",
    "DELETE /v1/tokens/{id}",
    "GET /v1/people",
    "GET /v1/people/{id}",
    "DELETE /v1/people/{id}",
    "GET /v1/backups",
    "POST /v1/backups",
    "POST /v1/effects/pause",
    "POST /v1/effects/resume",
};

// With dry_run, so that no row of the table changes what the next one meets.
std::string sample_path(const std::string& method, std::string pattern, const std::string& environment = "staging") {
  const std::map<std::string, std::string> values{{"{service}", "gateway"},
                                                  {"{environment}", environment},
                                                  {"{version}", "v1"},
                                                  {"{n}", "1"},
                                                  {"{position}", "0"},
                                                  {"{id}", "token:none"},
                                                  {"{name}", "environments"},
                                                  {"{path*}", "0/000.p/3"},
                                                  {"{digest}", "sha256:" + std::string(64, '0')}};
  for (const auto& [name, value] : values) {
    if (const auto found = pattern.find(name); found != std::string::npos) pattern.replace(found, name.size(), value);
  }
  return method == "GET" ? pattern : pattern + "?dry_run=true";
}

// Well-formed, so that only a role can be missing.
std::string sample_body(const std::string& route) {
  if (route == "POST /v1/releases") return R"({"service":"gateway","version":"v9"})";
  if (route == "POST /v1/gates") {
    return R"({"service":"gateway","version":"v1","gate":"unit-tests","status":"passed"})";
  }
  if (route == "POST /v1/quarantine") return R"({"service":"gateway","version":"v1","reason":"a test"})";
  if (route == "POST /v1/freezes") return R"({"environment":"staging","reason":"a test"})";
  if (route == "POST /v1/rollbacks") return R"({"environment":"staging","reason":"a test"})";
  if (route.ends_with("/note")) return R"({"note":"a test"})";
  if (route.ends_with("/incidents/{id}/resolve")) return R"({"review":"a test"})";
  if (route.starts_with("POST /v1/configuration/") || route.ends_with("/resume")) return "{}";
  if (route.ends_with("/retry") || route.ends_with("/expedite")) return R"({"reason":"a test"})";
  if (route.ends_with("/override")) return R"({"reason":"a test"})";
  if (route.starts_with("POST /v1/effects/")) return R"({"reason":"a test"})";
  if (route == "POST /v1/promotions") {
    return R"({"service":"gateway","environment":"staging","release":{"version":"v1"}})";
  }
  if (route.ends_with("/approve")) return R"({"plan_digest":"sha256:0"})";
  if (route == "POST /v1/tokens") return R"({"name":"another"})";
  return route.starts_with("GET") ? "" : "{}";
}

// A stream's answer has no end: its first line tells enough.
std::string status_of(const ApiWorld& world, const std::string& request) {
  RawClient client(world.endpoint());
  EXPECT_TRUE(client.send(request));
  return client.read_until("\r\n").substr(9, 3);
}

void expect_answer(const std::string& route, const std::string& held, const std::string& status, bool allowed) {
  if (route.ends_with("/approve") || route.ends_with("/reject")) {
    // A role alone approves nothing: the promotion has ended, which only those hear that may ask.
    EXPECT_EQ(status, allowed ? "409" : "403") << route << " as " << held;
  } else {
    EXPECT_EQ(status != "403" && status != "401", allowed) << route << " as '" << held << "': " << status;
  }
}

TEST(ApiAccess, EveryRouteAsksForTheRoleOfTheTable) {
  ApiWorld world;
  world.release_to_staging("v1");
  std::set<std::string> known;
  for (const auto& [method, pattern] : world.routes) {
    const auto route = method + " " + pattern;
    known.insert(route);
    ASSERT_TRUE(table.contains(route)) << route;
    const auto& asked = table.at(route);
    for (const std::string held :
         {"", "nothing", "viewer", "auditor", "reporter", "approver", "operator", "breakGlass", "admin"}) {
      const auto status =
          status_of(world, ApiWorld::request(method, sample_path(method, pattern), held, sample_body(route)));
      if (held.empty() && asked != "none") {
        EXPECT_EQ(status, "401") << route;
      } else {
        expect_answer(route, held, status, allows(asked, held));
      }
    }
  }
  for (const auto& [route, role] : table) EXPECT_TRUE(known.contains(route)) << route << " is not registered";
  for (const auto& route : beyond_one_environment) EXPECT_TRUE(known.contains(route)) << route << " is not registered";
}

// The roles again, each granted for staging alone.
TEST(ApiAccess, AGrantForOneEnvironmentReachesThatOneOnly) {
  ApiWorld world;
  world.release_to_staging("v1");
  auto policy = *world.engine->read([](const State& state) { return std::optional(*state.access()); });
  std::vector<std::string> roles;
  for (const auto role :
       {Role::viewer, Role::auditor, Role::reporter, Role::approver, Role::operator_, Role::break_glass, Role::admin}) {
    roles.emplace_back(name_of(role));
    const auto name = "staging-" + roles.back();
    world.make_token(name, {});
    policy.grants.push_back({{}, {}, *world.people->token_id(name), role, {"staging"}, {"*"}});
  }
  const std::string commit(40, 'd');
  ASSERT_TRUE(world.run(StageDocuments{commit, {{{"access.yaml", 1, "b"}, policy}}, {}}));
  ASSERT_TRUE(world.run(AcceptConfiguration{"environments", commit}));

  for (const auto& [method, pattern] : world.routes) {
    const auto route = method + " " + pattern;
    const auto& asked = table.at(route);
    const auto body = sample_body(route);
    auto elsewhere = body;
    if (const auto at = elsewhere.find("staging"); at != std::string::npos) elsewhere.replace(at, 7, "production");
    const bool has_environment = pattern.find("{environment}") != std::string::npos || elsewhere != body;
    for (const auto& held : roles) {
      const auto who = "staging-" + held;
      const auto here = status_of(world, ApiWorld::request(method, sample_path(method, pattern), who, body));
      expect_answer(route, who, here, allows(asked, held) && !beyond_one_environment.contains(route));
      if (!has_environment) continue;
      const auto path = sample_path(method, pattern, "production");
      EXPECT_EQ(status_of(world, ApiWorld::request(method, path, who, elsewhere)), "403") << route << " as " << who;
    }
  }
}

// Paths, diagnostics and proposals tell of every service.
TEST(ApiAccess, WhatHasNoPlaceIsForThoseWhoLookEverywhere) {
  ApiWorld world;
  auto policy = *world.engine->read([](const State& state) { return std::optional(*state.access()); });
  world.make_token("staging-viewer", {});
  policy.grants.push_back({{}, {}, *world.people->token_id("staging-viewer"), Role::viewer, {"staging"}, {"*"}});
  const std::string commit(40, 'd');
  ASSERT_TRUE(world.run(StageDocuments{commit, {{{"access.yaml", 1, "b"}, policy}}, {}}));
  ASSERT_TRUE(world.run(AcceptConfiguration{"environments", commit}));
  ASSERT_TRUE(world.run(RejectConfiguration{
      "environments", std::string(40, 'e'), {{"services/secret.yaml", 1, 1, "unknown field 'internal'", {}, {}}}}));
  for (const std::string path : {"/v1/configuration", "/v1/state", "/v1/repositories"}) {
    const auto all = world.call("GET", path, "viewer");
    const auto some = world.call("GET", path, "staging-viewer");
    EXPECT_EQ(all.status, 200) << path;
    EXPECT_EQ(some.status, 200) << path;
    const auto tells = [](const std::string& body) {
      return body.find("secret.yaml") != std::string::npos || body.find("\"branch\":") != std::string::npos;
    };
    EXPECT_TRUE(tells(all.body)) << path << all.body;
    EXPECT_FALSE(tells(some.body)) << path << some.body;
  }
}

TEST(ApiAccess, BreakGlassTakesThePlaceOfOperatorInARollback) {
  ApiWorld world;
  world.release_to_staging("v1");
  world.release_to_staging("v2");
  const auto status = [&](const char* who, const char* break_glass) {
    const auto body = fmt::format(
        R"({{"environment":"staging","services":["gateway"],"reason":"errors","break_glass":{}}})", break_glass);
    return world.call("POST", "/v1/rollbacks?dry_run=true", who, body).status;
  };
  EXPECT_EQ(status("breakGlass", "true"), 200);
  EXPECT_EQ(status("breakGlass", "false"), 403);
  EXPECT_EQ(status("operator", "true"), 403);
  EXPECT_EQ(status("operator", "false"), 200);
  EXPECT_EQ(status("viewer", "true"), 403);
  EXPECT_EQ(status("admin", "true"), 200);
}

TEST(ApiAccess, ARefusalNamesWhatIsMissing) {
  ApiWorld world;
  auto answer = world.call("GET", "/v1/targets", "");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.headers["www-authenticate"], "Bearer realm=\"headgate\"");
  EXPECT_EQ(answer.headers["content-type"], "application/problem+json");
  EXPECT_EQ(at(answer, "/type"), "/problems/unauthenticated");
  EXPECT_NE(at(answer, "/detail").find("Authorization: Bearer"), std::string::npos);

  answer = world.call("POST", "/v1/promotions", "viewer", "{}");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(at(answer, "/detail"), "this needs an operator role");
  answer = world.call("POST", "/v1/targets/gateway/staging/adopt", "carol", "{}");
  EXPECT_EQ(at(answer, "/detail"), "this needs an operator role for gateway/staging");

  for (const std::string header : {"Basic YTpi", "Bearer", "Bearer hg_short", "Bearer  ", "hg_x"}) {
    EXPECT_EQ(world.call("GET", "/v1/targets", "", "", "Authorization: " + header + "\r\n").status, 401) << header;
  }
  const auto twice = fmt::format("Authorization: Bearer {}\r\n", token_for("admin"));
  EXPECT_EQ(world.call("GET", "/v1/targets", "admin", "", twice).status, 401);
  EXPECT_EQ(world.call("GET", "/v1/targets", "", "", "authorization: bearer " + token_for("admin") + "\r\n").status,
            200);
}

TEST(ApiAccess, ATokenDoesNotCountForAGrantThatRequiresClaims) {
  ApiWorld world;
  const auto answer =
      world.call("POST", "/v1/promotions/gateway/production/1/override", "dave", R"({"reason":"the fix"})");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(at(answer, "/detail"),
            "this needs a breakGlass role for gateway/production: your role breakGlass asks for amr: mfa; this sign-in "
            "has none");
}

TEST(ApiAccess, ExpiredAndRevokedTokensAreNobody) {
  ApiWorld world;
  world.make_token("late", {Role::admin}, world.clock.now() - std::chrono::seconds(1));
  EXPECT_EQ(world.call("GET", "/v1/targets", "late").status, 401);
  EXPECT_EQ(world.call("GET", "/v1/targets", "viewer").status, 200);
  const auto id = *world.people->token_id("viewer");
  EXPECT_EQ(world.call("DELETE", "/v1/tokens/" + id).status, 200);
  EXPECT_EQ(world.call("GET", "/v1/targets", "viewer").status, 401);
  EXPECT_EQ(world.call("DELETE", "/v1/tokens/" + id).status, 404);
}

TEST(ApiAccess, ViewersSeeTheirServicesAndEnvironments) {
  ApiWorld world;
  world.release_to_staging("v1");
  const auto all = world.call("GET", "/v1/targets", "viewer");
  EXPECT_EQ(size_at(all.body, "/targets"), 3U);
  const auto own = world.call("GET", "/v1/targets", "frank");
  ASSERT_EQ(size_at(own.body, "/targets"), 1U) << own.body;
  EXPECT_EQ(at(own, "/targets/0/target"), "billing/staging");
  EXPECT_EQ(size_at(world.call("GET", "/v1/services", "frank").body, "/services"), 1U);
  EXPECT_EQ(size_at(world.call("GET", "/v1/promotions", "frank").body, "/promotions"), 0U);
  EXPECT_EQ(size_at(world.call("GET", "/v1/state", "frank").body, "/targets"), 1U);
  EXPECT_EQ(world.call("GET", "/v1/services/gateway", "frank").status, 403);
  EXPECT_EQ(world.call("GET", "/v1/promotions/gateway/staging/1", "frank").status, 403);
  EXPECT_EQ(world.call("GET", "/v1/services/billing", "frank").status, 200);

  // Nothing of gateway, nothing general, and nothing about tokens.
  const auto events = world.call("GET", "/v1/events?limit=500", "frank");
  EXPECT_EQ(size_at(events.body, "/events"), 0U) << events.body;
  EXPECT_EQ(world.call("GET", "/v1/events/0", "frank").status, 403);
  const auto seen = world.call("GET", "/v1/events?limit=500", "viewer").body;
  EXPECT_NE(seen.find("promotion.planned"), std::string::npos);
  EXPECT_EQ(seen.find("token.created"), std::string::npos);
  EXPECT_NE(world.call("GET", "/v1/events?limit=500", "auditor").body.find("token.created"), std::string::npos);
}

TEST(ApiAccess, AReleaseShowsThePlacesThatItsViewerMaySee) {
  ApiWorld world;
  world.release_to_staging("v1");
  world.promote("v1", "production");
  for (const std::string path : {"/v1/releases/gateway/v1", "/v1/releases/gateway"}) {
    const std::string row = path.ends_with("v1") ? "" : "/releases/0";
    const auto all = world.call("GET", path, "viewer");
    EXPECT_EQ(size_at(all.body, row + "/targets"), 2U) << all.body;
    const auto own = world.call("GET", path, "carol");  // an approver in production
    ASSERT_EQ(size_at(own.body, row + "/targets"), 1U) << own.body;
    EXPECT_EQ(at(own, row + "/targets/0/environment"), "production");
    EXPECT_EQ(at(own, row + "/targets/0/promotion"), "gateway/production/1");
  }
}

TEST(ApiAccess, RolesReachAsFarAsTheirGrants) {
  ApiWorld world;
  world.release_to_staging("v1");
  const std::string body = R"({"service":"gateway","environment":"staging","release":{"version":"v1"}})";
  EXPECT_EQ(world.call("POST", "/v1/promotions", "carol", body).status, 403);
  // carol approves in production only.
  const std::string approve = R"({"plan_digest":"sha256:0"})";
  EXPECT_EQ(world.call("POST", "/v1/promotions/gateway/staging/1/approve", "carol", approve).status, 403);
  EXPECT_EQ(world.call("POST", "/v1/promotions/gateway/production/1/approve", "carol", approve).status, 404);
}

TEST(ApiAccess, NamesAreForThoseWhoMaySeeThem) {
  ApiWorld world;
  world.release_to_staging("v1");
  const auto body = R"({"service":"gateway","environment":"production","release":{"version":"v1"}})";
  ASSERT_EQ(world.call("POST", "/v1/promotions", "alice", body).status, 201);
  const std::string path = "/v1/promotions/gateway/production/1";
  const auto seen = world.call("GET", path, "auditor");
  EXPECT_EQ(at(seen, "/people/0/id"), world.person["alice"]);
  EXPECT_EQ(at(seen, "/people/0/name"), "alice");
  EXPECT_NE(seen.body.find("carol, dave can give them"), std::string::npos) << seen.body;
  const auto hidden = world.call("GET", path, "viewer");
  EXPECT_EQ(at(hidden, "/people/0/id"), world.person["alice"]);
  EXPECT_EQ(at(hidden, "/people/0/name"), "(absent)");
  EXPECT_EQ(hidden.body.find("carol"), std::string::npos);
}

TEST(ApiAccess, RefusalsBecomeOneEventAReasonRouteAndWindow) {
  ApiWorld world;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(world.call("GET", "/v1/state", "").status, 401);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(world.call("GET", "/v1/targets", "").status, 401);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(world.call("GET", "/v1/people", "viewer").status, 403);
  const auto total = [&](std::string_view reason, std::string_view route) {
    int count = 0;
    for (const auto& record : world.stored("access.denied")) {
      if (at(record, "/data/reason") != reason || at(record, "/data/route") != route) continue;
      count += std::stoi(at(record, "/data/count"));
    }
    return count;
  };
  ASSERT_TRUE(eventually([&] {
    return total("unauthenticated", "/v1/state") == 5 && total("unauthenticated", "/v1/targets") == 2 &&
           total("forbidden", "/v1/people") == 3;
  }));
  const auto denied = world.stored("access.denied");
  EXPECT_LT(denied.size(), 10U);
  for (const auto& record : denied) {
    // Who may not is known, who came with nothing is not.
    EXPECT_EQ(at(record, "/actor") == "engine", at(record, "/data/reason") == "unauthenticated") << record;
  }
}

TEST(ApiAccess, WhatIsCountedIsNotLostAtTheEnd) {
  ApiWorld world({.denial_window = std::chrono::hours(1)});
  EXPECT_EQ(world.call("GET", "/v1/state", "").status, 401);
  world.server->stop(std::chrono::milliseconds(0));
  world.api->stop();
  world.engine->stop(Duration::zero());
  EXPECT_EQ(world.stored("access.denied").size(), 1U);
}

// The header alone, of a body that never comes.
std::optional<Answer> ask_without_body(ApiWorld& world, std::string_view line, std::string_view who,
                                       std::string_view headers = {}) {
  RawClient client(world.endpoint());
  const auto token = who.empty() ? std::string() : fmt::format("Authorization: Bearer {}\r\n", token_for(who));
  client.send(
      fmt::format("{} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n{}{}Content-Length: 500000\r\n\r\n",
                  line, token, headers));
  auto answer = client.read_answer();
  if (answer && answer->status != 100) {
    EXPECT_EQ(answer->headers.at("connection"), "close");
    EXPECT_TRUE(client.at_end());
  }
  return answer;
}

TEST(ApiAccess, WhoMayNotIsRefusedBeforeTheBodyIsRead) {
  ApiWorld world;
  const auto blob = "PUT /v1/blobs/sha256:" + std::string(64, 'a');
  for (const std::string& line : {std::string("POST /v1/gates"), blob, std::string("DELETE /v1/tokens/token:abc")}) {
    SCOPED_TRACE(line);
    const auto nobody = ask_without_body(world, line, "");
    ASSERT_TRUE(nobody);
    EXPECT_EQ(nobody->status, 401);
    const auto unknown = ask_without_body(world, line, "a stranger");
    ASSERT_TRUE(unknown);
    EXPECT_EQ(unknown->status, 401);
    const auto viewer = ask_without_body(world, line, "viewer", "Expect: 100-continue\r\n");
    ASSERT_TRUE(viewer);
    EXPECT_EQ(viewer->status, 403);
    const auto admin = ask_without_body(world, line, "admin", "Expect: 100-continue\r\n");
    ASSERT_TRUE(admin);
    EXPECT_EQ(admin->status, 100) << "whoever may is asked for the body";
  }
  EXPECT_TRUE(eventually([&] {
    int denied = 0;
    for (const auto& record : world.stored("access.denied")) denied += std::stoi(at(record, "/data/count"));
    return denied == 9;
  }));
}

TEST(ApiAccess, ATokenThatIsRevokedWhileTheBodyComesIsGoodForNothing) {
  ApiWorld world;
  RawClient client(world.endpoint());
  const std::string body = R"({"service":"gateway","version":"v1","gate":"unit-tests","status":"passed"})";
  client.send(
      fmt::format("POST /v1/gates HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nAuthorization: "
                  "Bearer {}\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
                  token_for("reporter"), body.size()));
  ASSERT_EQ(client.read_answer()->status, 100);
  ASSERT_TRUE(world.run(RevokeToken{*world.people->token_id("reporter")}).has_value());
  client.send(body);
  const auto answer = client.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 401);
  EXPECT_TRUE(world.stored("gate.reported").empty());
}

}  // namespace
}  // namespace headgate::api::test
