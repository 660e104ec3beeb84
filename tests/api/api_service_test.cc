// The rest of the surface: health, the contract, metrics, blobs, tokens, releases, repositories.
#include <fmt/format.h>

#include <future>
#include <set>

#include "api/openapi.h"
#include "api/secrets.h"
#include "engine/base/digest.h"
#include "tests/api/api_world.h"

namespace headgate::api::test {
namespace {

class ApiService : public ::testing::Test {
 protected:
  ApiWorld world;
};

TEST_F(ApiService, TheContractHoldsEveryRouteAndNoOther) {
  std::set<std::string> registered;
  for (auto [method, pattern] : world.routes) {
    if (const auto star = pattern.find("*}"); star != std::string::npos) pattern.erase(star, 1);
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
    registered.insert(method + " " + pattern);
  }
  std::set<std::string> written;
  const auto contract = parse_json(openapi_text());
  ASSERT_TRUE(contract.has_value()) << contract.error().message;
  for (const auto& [path, operations] : *contract->find("paths")->object()) {
    for (const auto& [method, operation] : *operations.object()) {
      written.insert(method + " " + path);
      EXPECT_NE(operation.find("responses"), nullptr) << path;
    }
  }
  EXPECT_EQ(written, registered);
  const auto* blob = contract->find("paths")->find("/v1/blobs/{digest}");
  EXPECT_NE(blob->find("get")->find("responses")->find("410"), nullptr);
  const auto served = world.call("GET", "/openapi.json", "viewer");
  EXPECT_EQ(served.body, openapi_text());
  EXPECT_EQ(world.call("GET", "/openapi.json", "").status, 401);
}

// Every field that a schema requires is in the answer, and none that it does not know.
void expect_fits(const JsonValue& contract, const JsonValue& schema, const JsonValue& value, const std::string& where) {
  if (const auto* ref = schema.find("$ref")) {
    const auto name = ref->string()->substr(std::string_view("#/components/schemas/").size());
    return expect_fits(contract, *contract.find("components")->find("schemas")->find(name), value, where);
  }
  if (const auto* either = schema.find("oneOf")) {
    if (value.is_null()) return;
    return expect_fits(contract, (*either->array())[0], value, where);
  }
  if (const auto* items = schema.find("items"); items != nullptr && value.array() != nullptr) {
    for (const auto& item : *value.array()) expect_fits(contract, *items, item, where + "[]");
  }
  const auto* properties = schema.find("properties");
  if (properties == nullptr) return;
  ASSERT_NE(value.object(), nullptr) << where;
  if (const auto* required = schema.find("required")) {
    for (const auto& name : *required->array()) {
      EXPECT_NE(value.find(*name.string()), nullptr) << where << "/" << *name.string() << " is missing";
    }
  }
  const auto* open = schema.find("additionalProperties");
  for (const auto& [name, member] : *value.object()) {
    const auto* known = properties->find(name);
    if (known != nullptr) {
      expect_fits(contract, *known, member, where + "/" + name);
    } else {
      EXPECT_EQ(open, nullptr) << where << "/" << name << " is not in the contract";
    }
  }
}

TEST_F(ApiService, AnswersFitTheContract) {
  world.release_to_staging("v1");
  world.promote("v1", "production");
  const auto contract = parse_json(openapi_text());
  ASSERT_TRUE(contract.has_value());
  const std::map<std::string, std::string> samples{{"{service}", "gateway"}, {"{environment}", "staging"},
                                                   {"{version}", "v1"},      {"{n}", "1"},
                                                   {"{position}", "3"},      {"{id}", world.person["alice"]}};
  int checked = 0;
  for (const auto& [pattern, operations] : *contract->find("paths")->object()) {
    const auto* operation = operations.find("get");
    if (operation == nullptr || pattern == "/v1/events/stream" || pattern == "/v1/blobs/{digest}") continue;
    const auto* content = operation->find("responses")->find("200")->find("content");
    const auto* json = content->find("application/json");
    if (json == nullptr) continue;
    auto path = pattern;
    for (const auto& [name, value] : samples) {
      if (const auto found = path.find(name); found != std::string::npos) path.replace(found, name.size(), value);
    }
    const auto answer = world.call("GET", path);
    ASSERT_EQ(answer.status, 200) << path << ": " << answer.body;
    const auto body = parse_json(answer.body);
    ASSERT_TRUE(body.has_value()) << path;
    expect_fits(*contract, *json->find("schema"), *body, path);
    ++checked;
  }
  EXPECT_GT(checked, 20);
  const auto live = parse_json(world.call("GET", "/v1/promotions/gateway/production/1").body);
  expect_fits(*contract, *contract->find("components")->find("schemas")->find("Promotion"), *live, "live");
}

TEST_F(ApiService, HealthAndReadiness) {
  EXPECT_EQ(world.call("GET", "/healthz", "").status, 200);
  EXPECT_EQ(world.call("GET", "/readyz", "").status, 200);
  EXPECT_EQ(world.call("HEAD", "/readyz", "").status, 200);
  {
    const std::scoped_lock lock(world.not_ready_mutex);
    world.not_ready = "the server is stopping";
  }
  const auto answer = world.call("GET", "/readyz", "");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(at(answer, "/detail"), "the server is stopping");
  EXPECT_EQ(world.call("GET", "/healthz", "").status, 200);
}

TEST_F(ApiService, EveryAnswerSaysWhichPositionItSaw) {
  for (const char* path : {"/v1/targets", "/healthz", "/v1/nothing", "/v1/services/none", "/v1/people"}) {
    const auto answer = world.call("GET", path);
    ASSERT_TRUE(answer.headers.contains("headgate-position")) << path;
    EXPECT_LT(std::stoull(answer.headers.at("headgate-position")), world.log.size());
  }
  EXPECT_TRUE(world.call("GET", "/v1/targets", "").headers.contains("headgate-position"));
}

TEST_F(ApiService, MetricsTellWhatOthersKnow) {
  world.metrics.add_gauges([] {
    const auto gauge = [](double value, const char* environment) {
      return Metrics::Gauge{"headgate_unobserved_targets", "Help.", value, {{"environment", environment}}};
    };
    return std::vector{gauge(2, "production"), gauge(0, "staging"), Metrics::Gauge{"headgate_log_whole", "Help.", 1}};
  });
  const auto page = world.call("GET", "/metrics", "").body;
  EXPECT_NE(page.find("# TYPE headgate_unobserved_targets gauge\n"
                      "headgate_unobserved_targets{environment=\"production\"} 2\n"
                      "headgate_unobserved_targets{environment=\"staging\"} 0\n"),
            std::string::npos)
      << page;
  EXPECT_NE(page.find("\nheadgate_log_whole 1\n"), std::string::npos);
}

TEST_F(ApiService, MetricsCountWhatHappened) {
  world.release_to_staging("v1");
  world.call("GET", "/v1/targets", "");
  const auto page = world.call("GET", "/metrics", "").body;
  const auto has = [&](const std::string& line) { return page.find("\n" + line + "\n") != std::string::npos; };
  EXPECT_TRUE(has(R"(headgate_events_total{type="promotion.planned"} 1)")) << page;
  EXPECT_TRUE(has(R"(headgate_events_total{type="rollback.failed"} 0)"));
  EXPECT_TRUE(has(R"(headgate_promotions_total{service="gateway",environment="staging",outcome="succeeded"} 1)") ||
              has(R"(headgate_promotions_total{environment="staging",outcome="succeeded",service="gateway"} 1)"));
  EXPECT_TRUE(has("headgate_promotion_duration_seconds_count 1"));
  EXPECT_TRUE(has(R"(headgate_access_denied_total{reason="unauthenticated"} 1)"));
  EXPECT_TRUE(has(R"(headgate_promotions_active{environment="staging",phase="waiting"} 0)"));
  EXPECT_TRUE(has(R"(headgate_drifted_targets{environment="production"} 0)"));
  EXPECT_NE(page.find("headgate_commands_total{command=\"report_gate\",outcome=\"accepted\"} 1"), std::string::npos);
  EXPECT_NE(page.find("headgate_activity_seconds_count{kind=\"deploy\",outcome=\"succeeded\"} 1"), std::string::npos);
  EXPECT_NE(page.find("headgate_http_requests_total{"), std::string::npos);
  EXPECT_NE(page.find("route=\"/v1/promotions/{service}/{environment}/{n}\""), std::string::npos);
  EXPECT_NE(page.find(fmt::format("\nheadgate_log_position ")), std::string::npos);
  for (const char* name :
       {"headgate_append_seconds_count", "headgate_append_batch_events_count", "headgate_command_queue_depth",
        "headgate_approvals_waiting", "headgate_http_request_seconds_bucket", "headgate_checkpoint_age_seconds",
        "headgate_snapshot_position", "headgate_push_to_plan_seconds_count"}) {
    EXPECT_NE(page.find(name), std::string::npos) << name;
  }
  world.promote("v1", "production");
  ASSERT_TRUE(eventually(
      [&] { return at(world.call("GET", "/v1/promotions/gateway/production/1"), "/approval_requested") == "true"; }));
  EXPECT_NE(world.call("GET", "/metrics", "").body.find("headgate_approvals_waiting{environment=\"production\"} 1"),
            std::string::npos);
}

TEST_F(ApiService, MetricsCountRollbacksAndUsesOfBreakGlass) {
  const auto count = [](const std::vector<Event>& events) {
    std::vector<Recorded<Event>> records;
    for (const auto& event : events) records.emplace_back().event = event;
    return records;
  };
  Metrics metrics;
  const PromotionId id{{"gateway", "production"}, 7};
  const BreakGlassUsed used{id, "rollback", "the irreversible step migrate", "errors"};
  metrics.batch_appended(count({RollbackStarted{id, "the check failed", true, {}}, used}), Duration{1});
  metrics.batch_appended(count({RollbackStarted{id, "errors", false, {}}, used}), Duration{1});
  const auto page = metrics.page(*world.engine, {}, world.clock.now());
  for (const char* line : {R"(headgate_rollbacks_total{environment="production",trigger="automatic"} 1)",
                           R"(headgate_rollbacks_total{environment="production",trigger="manual"} 1)",
                           R"(headgate_break_glass_total{action="rollback",environment="production"} 2)"}) {
    EXPECT_NE(page.find(std::string("\n") + line + "\n"), std::string::npos) << line << "\n" << page;
  }
}

TEST_F(ApiService, ARollbackByHandThatCameTrueHasSucceeded) {
  world.release_to_staging("v1");
  world.release_to_staging("v2");
  ASSERT_EQ(world.call("POST", "/v1/rollbacks", "operator", R"({"environment":"staging","reason":"errors"})").status,
            202);
  ASSERT_TRUE(world.reaches("gateway/staging/3", "succeeded"));
  const auto count = [&](const std::string& outcome) {
    const auto page = world.call("GET", "/metrics", "").body;
    const auto at = page.find("\nheadgate_promotions_total{");
    const auto label = page.find("outcome=\"" + outcome + "\"", at);
    return label == std::string::npos ? std::string("none") : page.substr(page.find("} ", label) + 2, 1);
  };
  EXPECT_EQ(count("succeeded"), "3");
  EXPECT_EQ(count("rolledBack"), "none");

  // One that fails and goes back by itself has not.
  world.call("POST", "/v1/releases", "reporter", R"({"service":"gateway","version":"v3"})");
  world.report_gate("v3");
  world.executor.fail_next({Outcome::Kind::terminal, "exit status 3", {}, {}});
  ASSERT_TRUE(world.reaches(world.promote("v3", "staging"), "rolledBack"));
  EXPECT_EQ(count("rolledBack"), "1");
  EXPECT_EQ(count("succeeded"), "3");
}

TEST_F(ApiService, ARollbackByHandFromBeforeTheStartIsKnown) {
  world.release_to_staging("v1");
  world.release_to_staging("v2");
  world.executor.hold(true);
  ASSERT_EQ(world.call("POST", "/v1/rollbacks", "operator", R"({"environment":"staging","reason":"errors"})").status,
            202);
  ASSERT_TRUE(world.reaches("gateway/staging/3", "rollingBack"));
  Metrics later;
  world.engine->read([&](const State& state) { later.started(state); });
  Recorded<Event> ended;
  ended.event = RollbackSucceeded{PromotionId{{"gateway", "staging"}, 3}};
  later.batch_appended(std::span(&ended, 1), Duration{1});
  const auto page = later.page(*world.engine, {}, world.clock.now());
  EXPECT_NE(page.find("outcome=\"succeeded\""), std::string::npos) << page;
  EXPECT_EQ(page.find("outcome=\"rolledBack\""), std::string::npos);
}

TEST_F(ApiService, AnApprovalThatIsAskedForInTheMiddleWaitsAsWell) {
  const std::string commit(40, 'd');
  CommitObserved observed;
  observed.repository = "environments";
  observed.branch = "main";
  observed.sha = commit;
  observed.author = observed.committer = world.person["frank"];
  ASSERT_TRUE(world.run(ObserveCommits{"environments", "main", {}, {observed}}).has_value());
  StageDocuments documents;
  documents.commit = commit;
  world.engine->read([&](const State& state) {
    auto gateway = *state.service("gateway");
    BlueGreen rules;
    rules.approve_switch = true;
    gateway.stages[0].strategy = Strategy{{}, rules, {}};
    gateway.stages[0].approvals = {{"managers", 1, 12}};
    auto staging = state.environments.at("staging").document;
    staging.driver.retire.emplace().command = {"/bin/retire"};
    staging.shift.emplace().command = {"/bin/shift"};
    for (const auto& document : {Document(gateway), Document(staging)}) {
      documents.accepted.push_back({{"world.yaml", 1, std::string(40, 'b')}, document});
    }
  });
  ASSERT_TRUE(world.run(documents).has_value());
  ASSERT_TRUE(world.run(AcceptConfiguration{"environments", commit}).has_value());
  world.call("POST", "/v1/releases", "reporter", R"({"service":"gateway","version":"v1"})");
  world.report_gate("v1");
  const auto id = world.promote("v1", "staging");
  const auto waiting = [&] {
    return world.call("GET", "/metrics", "").body.find("\nheadgate_approvals_waiting{environment=\"staging\"} 1\n") !=
           std::string::npos;
  };
  EXPECT_TRUE(eventually(waiting));
  const auto approved = world.call("POST", "/v1/promotions/" + id + "/approve", "dave",
                                   fmt::format(R"({{"plan_digest":"{}"}})", world.plan_digest(id)));
  ASSERT_EQ(approved.status, 200) << approved.body;
  ASSERT_TRUE(eventually([&] { return at(world.call("GET", "/v1/promotions/" + id), "/step") == "approve-switch"; }));
  EXPECT_EQ(at(world.call("GET", "/v1/promotions/" + id), "/phase"), "running");
  EXPECT_TRUE(waiting());
}

TEST_F(ApiService, ListsOfAFewRowsComeInPagesAsWell) {
  auto page = world.call("GET", "/v1/repositories?limit=1");
  EXPECT_EQ(at(page, "/repositories/0/name"), "environments");
  EXPECT_EQ(size_at(page.body, "/repositories"), 1U);
  page = world.call("GET", "/v1/repositories?limit=1&cursor=" + at(page, "/next"));
  EXPECT_EQ(at(page, "/repositories/0/name"), "monorepo");
  EXPECT_EQ(at(page, "/next"), "null");
  page = world.call("GET", "/v1/backups?limit=2", "viewer");
  EXPECT_EQ(at(page, "/backups/1/id"), "5");
  EXPECT_EQ(at(page, "/last_id"), "6");
  page = world.call("GET", "/v1/backups?limit=2&cursor=" + at(page, "/next"));
  EXPECT_EQ(size_at(page.body, "/backups"), 1U);
  EXPECT_EQ(at(page, "/backups/0/id"), "6");
  EXPECT_EQ(at(page, "/next"), "null");
  EXPECT_EQ(world.call("GET", "/v1/backups?limit=0").status, 400);
  EXPECT_EQ(
      world.call("GET", "/v1/backups?cursor=" + at(world.call("GET", "/v1/repositories?limit=1"), "/next")).status,
      400);
}

TEST_F(ApiService, ABackupIsBegunOnceForAKey) {
  const auto dry = world.call("POST", "/v1/backups?dry_run=true", "admin", "{}");
  EXPECT_EQ(dry.status, 200);
  EXPECT_EQ(at(dry, "/dry_run"), "true");
  EXPECT_EQ(at(dry, "/started"), "false");
  EXPECT_TRUE(world.backups.begun.empty());

  const std::string key = "Idempotency-Key: nightly\r\n";
  const auto first = world.call("POST", "/v1/backups", "admin", R"({"verify":5})", key);
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(first.body, R"({"started":true,"run":4})");
  const auto again = world.call("POST", "/v1/backups", "admin", R"({"verify":5})", key);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.body, R"({"started":true,"run":4,"repeated":true})");
  EXPECT_EQ(world.backups.begun.size(), 1U);
  EXPECT_EQ(world.call("POST", "/v1/backups", "admin", R"({"verify":6})", key).status, 422);
  EXPECT_EQ(world.call("POST", "/v1/backups", "admin", "{}", "Idempotency-Key: \r\n").status, 400);

  // What was refused may be asked for again under the same key.
  const std::string other = "Idempotency-Key: weekly\r\n";
  EXPECT_EQ(world.call("POST", "/v1/backups", "admin", "{}", other).status, 409);
  EXPECT_EQ(world.call("POST", "/v1/backups?dry_run=true", "admin", "{}").status, 409);
  {
    const std::scoped_lock lock(world.backups.mutex);
    world.backups.told.running = false;
  }
  EXPECT_EQ(world.call("POST", "/v1/backups", "admin", "{}", other).status, 202);
}

// What a key stands for is known although no record holds it: the repeat of a pause that was one already must not pause
// what somebody has resumed since.
TEST_F(ApiService, ARequestThatChangedNothingIsRepeatedAsSuch) {
  const std::string key = "Idempotency-Key: move\r\n";
  const std::string body = R"({"reason":"the data centre moves"})";
  ASSERT_EQ(world.call("POST", "/v1/effects/pause", "admin", body).status, 200);
  const auto first = world.call("POST", "/v1/effects/pause", "admin", body, key);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(at(first, "/changed"), "false");
  EXPECT_EQ(at(first, "/repeated"), "(absent)");
  ASSERT_EQ(world.call("POST", "/v1/effects/resume", "admin", R"({"reason":"moved"})").status, 200);
  const auto again = world.call("POST", "/v1/effects/pause", "admin", body, key);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(at(again, "/changed"), "false");
  EXPECT_EQ(at(again, "/repeated"), "true");
  EXPECT_EQ(at(again, "/position"), "null");
  EXPECT_EQ(world.stored("effects.paused").size(), 1U);
  EXPECT_EQ(world.call("POST", "/v1/effects/pause", "admin", R"({"reason":"again"})", key).status, 422);
  // Somebody else's key is another one.
  world.make_token("other", {Role::admin});
  EXPECT_EQ(at(world.call("POST", "/v1/effects/pause", "other", body, key), "/changed"), "true");
}

TEST_F(ApiService, MetricsNeedATokenFromElsewhere) {
  Router router;
  world.api->add_routes(router);
  const auto ask = [&](bool loopback, std::string_view who, const char* by_proxy = nullptr,
                       const char* host = "localhost:8420") {
    const auto match = router.match("GET", {"metrics"});
    Request request;
    request.method = "GET";
    request.target = request.path = "/metrics";
    request.route = match.route->pattern;
    request.is_loopback = loopback;
    request.headers.add("Host", host);
    if (!who.empty()) request.headers.add("Authorization", "Bearer " + token_for(who));
    if (by_proxy != nullptr) request.headers.add(by_proxy, "for=192.0.2.7");
    std::promise<int> status;
    match.route->handler(std::move(request),
                         Reply([&](const Response& response) { status.set_value(response.status); }));
    return status.get_future().get();
  };
  EXPECT_EQ(ask(true, ""), 200);
  EXPECT_EQ(ask(false, ""), 401);
  EXPECT_EQ(ask(false, "nothing"), 403);
  EXPECT_EQ(ask(false, "viewer"), 200);
  EXPECT_EQ(ask(false, "frank"), 403) << "they tell of all services";
  for (const char* host : {"127.0.0.1", "127.0.0.2:8420", "[::1]:8420", "localhost"}) {
    EXPECT_EQ(ask(true, "", nullptr, host), 200) << host;
  }
  for (const char* host : {"headgate.example.com", "localhost.example.com", "[::2]", "192.0.2.1:8420", "[", ""}) {
    EXPECT_EQ(ask(true, "", nullptr, host), 401) << host << ": it is somebody else who calls it so";
  }
  for (const char* header : {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"}) {
    EXPECT_EQ(ask(true, "", header), 401) << header << ": it is a proxy that is on this host";
    EXPECT_EQ(ask(true, "viewer", header), 200) << header;
  }
}

TEST_F(ApiService, CheckpointAndTilesArePublic) {
  const auto checkpoint = world.call("GET", "/checkpoint", "");
  EXPECT_TRUE(checkpoint.body.starts_with("test.example.com\n3\n"));
  EXPECT_EQ(checkpoint.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(checkpoint.headers.at("cache-control"), "no-store");
  const auto tile = world.call("GET", "/tile/0/000.p/3", "");
  EXPECT_EQ(tile.status, 200);
  EXPECT_EQ(tile.body.size(), 96U);
  EXPECT_NE(tile.headers.at("cache-control").find("immutable"), std::string::npos);
  for (const char* path : {"/tile/1/000", "/tile/0/001", "/tile/63/000"}) {
    const auto missing = world.call("GET", path, "");
    EXPECT_EQ(missing.status, 404) << path;
    EXPECT_EQ(missing.headers.at("content-type"), "application/problem+json");
  }
  for (const char* path : {"/tile/0/1", "/tile/0", "/tile/0/000.p/0", "/tile/0/000.p/256", "/tile/0/000.p/257",
                           "/tile/0/x000/001", "/tile/00/000", "/tile/0/000.p/03", "/tile/64/000"}) {
    EXPECT_EQ(world.call("GET", path, "").status, 400) << path;
  }
  world.proofs.signed_yet = false;
  EXPECT_EQ(world.call("GET", "/checkpoint", "").status, 503);
}

TEST_F(ApiService, EntryBundlesAreTheRecordsBehindTheirLengths) {
  const auto stored = world.stored();
  const auto bundle = world.call("GET", "/tile/entries/000.p/9", "auditor");
  ASSERT_EQ(bundle.status, 200);
  EXPECT_EQ(bundle.headers.at("content-type"), "application/octet-stream");
  EXPECT_EQ(bundle.headers.at("cache-control"), "private, max-age=31536000, immutable");
  std::string expected;
  for (std::size_t i = 0; i < 9; ++i) {
    expected += static_cast<char>(stored[i].size() >> 8);
    expected += static_cast<char>(stored[i].size() & 0xff);
    expected += stored[i];
  }
  EXPECT_EQ(bundle.body, expected);
  for (const char* path :
       {"/tile/entries/000", "/tile/entries/001.p/1", "/tile/entries/x018/x446/x744/x073/x709/x551/615"}) {
    EXPECT_EQ(world.call("GET", path, "auditor").status, 404) << path;
  }
  for (const char* path : {"/tile/entries/0", "/tile/entries/000.p/0", "/tile/entries/0/000"}) {
    EXPECT_EQ(world.call("GET", path, "auditor").status, 400) << path;
  }
  EXPECT_EQ(world.call("GET", "/tile/entries/000.p/9", "viewer").status, 403);
  EXPECT_EQ(world.call("GET", "/tile/entries/000.p/9", "").status, 401);
}

TEST_F(ApiService, KeysOfTheLogSayFromWhereTheyHold) {
  ASSERT_TRUE(world.run(RotateKey{"test.example.com+00000000+AA"}));
  const auto position = std::to_string(world.log.size() - 1);
  const auto keys = world.call("GET", "/v1/log/keys", "viewer");
  ASSERT_EQ(keys.status, 200) << keys.body;
  EXPECT_EQ(size_at(keys.body, "/keys"), 2U);
  EXPECT_EQ(at(keys, "/keys/0/from"), "0");
  EXPECT_EQ(at(keys, "/keys/0/until"), position);
  EXPECT_EQ(at(keys, "/keys/1/from"), position);
  EXPECT_EQ(at(keys, "/keys/1/verifier_key"), "test.example.com+00000000+AA");
  EXPECT_EQ(at(keys, "/keys/1/until"), "null");
}

TEST_F(ApiService, BlobsAreWhatTheirDigestSays) {
  const std::string bytes("report\0with a zero", 18);
  const auto path = "/v1/blobs/" + sha256_digest(bytes);
  const auto type = "Content-Type: text/plain\r\n";
  EXPECT_EQ(world.call("PUT", path + "?dry_run=true", "reporter", bytes, type).status, 200);
  EXPECT_EQ(world.call("GET", path, "auditor").status, 404);
  const auto put = world.call("PUT", path, "reporter", bytes, type);
  EXPECT_EQ(put.status, 201) << put.body;
  EXPECT_EQ(at(put, "/size"), "18");
  EXPECT_EQ(at(put, "/media_type"), "text/plain");
  const auto got = world.call("GET", path, "auditor");
  EXPECT_EQ(got.body, bytes);
  EXPECT_EQ(got.headers.at("content-disposition"), "attachment");
  EXPECT_EQ(world.call("GET", path, "viewer").status, 403);

  const auto wrong = world.call("PUT", path, "reporter", "other", type);
  EXPECT_EQ(wrong.status, 400);
  EXPECT_NE(at(wrong, "/errors/0/expected").find(sha256_digest("other")), std::string::npos);
  EXPECT_EQ(world.call("PUT", "/v1/blobs/md5:1", "reporter", "x").status, 400);

  // A gate may only name what is there.
  world.call("POST", "/v1/releases", "reporter", R"({"service":"gateway","version":"v1"})");
  const auto gate = [&](const std::string& digest) {
    return world.call(
        "POST", "/v1/gates", "reporter",
        fmt::format(R"({{"service":"gateway","version":"v1","gate":"unit-tests","status":"passed","report":"{}"}})",
                    digest));
  };
  EXPECT_EQ(gate(sha256_digest(bytes)).status, 201);
  EXPECT_EQ(gate(sha256_digest("missing")).status, 400);
  EXPECT_EQ(gate("nonsense").status, 400);
}

TEST(ApiLimits, ABodyTooLargeIsRefused) {
  ApiWorld world({}, {.body_bytes = 1'000});
  const auto answer = world.call("POST", "/v1/gates", "reporter", std::string(1'001, ' '));
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
  // A blob has a limit of its own.
  const std::string bytes(5'000, 'b');
  EXPECT_EQ(world.call("PUT", "/v1/blobs/" + sha256_digest(bytes), "reporter", bytes).status, 201);
}

TEST_F(ApiService, ATokenIsShownOnce) {
  const std::string body = R"({"name":"ci","roles":["reporter"],"expires":"2099-01-01T00:00:00Z"})";
  const std::string key = "Idempotency-Key: make ci\r\n";
  const auto dry = world.call("POST", "/v1/tokens?dry_run=true", "admin", body);
  EXPECT_EQ(dry.status, 200);
  EXPECT_EQ(at(dry, "/events/0/type"), "token.created");
  const auto made = world.call("POST", "/v1/tokens", "admin", body, key);
  ASSERT_EQ(made.status, 201) << made.body;
  const auto text = at(made, "/token");
  EXPECT_TRUE(is_token(text)) << text;
  const auto header = "Authorization: Bearer " + text + "\r\n";
  EXPECT_EQ(world.call("GET", "/v1/targets", "", {}, header).status, 200);
  EXPECT_EQ(world.call("GET", "/v1/tokens", "", {}, header).status, 403);

  const auto again = world.call("POST", "/v1/tokens", "admin", body, key);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(at(again, "/token"), "null");
  EXPECT_EQ(at(again, "/id"), at(made, "/id"));
  EXPECT_NE(at(again, "/note"), "(absent)");
  EXPECT_EQ(world.call("POST", "/v1/tokens", "admin", body).status, 409);  // the name is taken
  for (const auto& record : world.stored()) EXPECT_EQ(record.find(text), std::string::npos);

  const auto list = world.call("GET", "/v1/tokens?limit=500").body;
  EXPECT_NE(list.find("\"name\":\"ci\",\"roles\":[\"reporter\"]"), std::string::npos) << list;
  EXPECT_EQ(list.find("sha256"), std::string::npos);
  EXPECT_EQ(world.call("DELETE", "/v1/tokens/" + at(made, "/id")).status, 200);
  EXPECT_EQ(world.call("GET", "/v1/targets", "", {}, header).status, 401);

  for (const char* bad : {R"({"roles":[]})", R"({"name":"x","roles":["king"]})", R"({"name":"x","expires":"soon"})",
                          R"({"name":"x","expires":"2001-01-01T00:00:00Z"})", R"({"name":"a\nb"})", R"({"name":""})",
                          R"({"name":" "})", R"({"name":"the build"})"}) {
    EXPECT_EQ(world.call("POST", "/v1/tokens", "admin", bad).status, 400) << bad;
  }
}

TEST_F(ApiService, PeopleComeInPages) {
  std::set<std::string> seen;
  std::string cursor;
  do {
    const auto page = world.call("GET", "/v1/people?limit=2" + cursor);
    ASSERT_EQ(page.status, 200);
    for (std::size_t i = 0; i < size_at(page.body, "/people"); ++i) {
      EXPECT_TRUE(seen.insert(at(page, fmt::format("/people/{}/name", i))).second);
    }
    const auto next = at(page, "/next");
    cursor = next == "null" ? "" : "&cursor=" + next;
  } while (!cursor.empty());
  EXPECT_EQ(seen, (std::set<std::string>{"alice", "carol", "dave", "erin", "frank"}));
}

TEST_F(ApiService, ReleasesShowTheirGatesAndPlaces) {
  world.release_to_staging("v1");
  const auto register_v2 = [&] {
    return world.call(
        "POST", "/v1/releases", "reporter",
        R"({"service":"gateway","version":"v2","artifacts":{"image":"registry/gateway@v2"},"branch":"main"})");
  };
  const auto made = register_v2();
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.headers.at("location"), "/v1/releases/gateway/v2");
  const auto same = register_v2();
  EXPECT_EQ(same.status, 200);
  EXPECT_EQ(at(same, "/changed"), "false");
  EXPECT_EQ(at(same, "/position"), "null");
  EXPECT_EQ(world
                .call("POST", "/v1/releases", "reporter",
                      R"({"service":"gateway","version":"v2","artifacts":{"image":"other"}})")
                .status,
            409);

  const auto list = world.call("GET", "/v1/releases/gateway?limit=1");
  EXPECT_EQ(at(list, "/releases/0/version"), "v2");
  EXPECT_EQ(at(list, "/releases/0/gates/0/status"), "missing");
  const auto rest = world.call("GET", "/v1/releases/gateway?cursor=" + at(list, "/next"));
  EXPECT_EQ(at(rest, "/releases/0/version"), "v1");
  EXPECT_EQ(at(rest, "/next"), "null");
  const auto v1 = world.call("GET", "/v1/releases/gateway/v1");
  EXPECT_EQ(at(v1, "/gates/0/status"), "passed");
  EXPECT_EQ(at(v1, "/targets/0/environment"), "staging");
  EXPECT_EQ(at(v1, "/targets/0/current"), "true");
  EXPECT_EQ(world.call("GET", "/v1/releases/gateway/v3").status, 404);
  EXPECT_EQ(world.call("GET", "/v1/releases/nobody").status, 404);
}

TEST_F(ApiService, QuarantineIsSetAndLifted) {
  world.release_to_staging("v1");
  const auto set =
      world.call("POST", "/v1/quarantine", "alice", R"({"service":"gateway","version":"v1","reason":"leaks memory"})");
  EXPECT_EQ(set.status, 201) << set.body;
  EXPECT_EQ(at(world.call("GET", "/v1/releases/gateway/v1"), "/quarantine/reason"), "leaks memory");
  EXPECT_EQ(world
                .call("POST", "/v1/promotions", "operator",
                      R"({"service":"gateway","environment":"production","release":{"version":"v1"}})")
                .status,
            409);
  EXPECT_EQ(world.call("DELETE", "/v1/quarantine/gateway/v1?reason=mended", "carol").status, 403);
  EXPECT_EQ(world.call("DELETE", "/v1/quarantine/gateway/v1?reason=mended", "alice").status, 200);
  EXPECT_EQ(at(world.stored("release.reinstated").at(0), "/data/reason"), "mended");
  EXPECT_EQ(world.call("DELETE", "/v1/quarantine/gateway/v1", "alice").status, 404);
  EXPECT_EQ(at(world.call("GET", "/v1/releases/gateway/v1"), "/quarantine"), "null");
}

TEST_F(ApiService, TargetsAreAdopted) {
  EXPECT_EQ(world.call("POST", "/v1/targets/gateway/staging/adopt", "operator").status, 409);  // not observed yet
  ASSERT_TRUE(world.run(RecordObservation{{"gateway", "staging"}, {"v0", {}}}).has_value());
  const auto adopted =
      world.call("POST", "/v1/targets/gateway/staging/adopt", "operator", R"({"reason":"it was here"})");
  EXPECT_EQ(adopted.status, 200) << adopted.body;
  EXPECT_EQ(at(adopted, "/current/version"), "v0");
  EXPECT_EQ(at(world.call("GET", "/v1/targets/gateway/staging"), "/current/version"), "v0");
}

TEST_F(ApiService, ConfigurationAndRepositories) {
  const auto configuration = world.call("GET", "/v1/configuration", "viewer");
  EXPECT_EQ(at(configuration, "/commit"), std::string(40, 'c'));
  EXPECT_EQ(at(configuration, "/rejected"), "null");
  EXPECT_EQ(at(configuration, "/access"), "(absent)");
  EXPECT_EQ(at(world.call("GET", "/v1/configuration", "auditor"), "/access/teams/0/members/1/name"), "carol");
  const std::string bad(40, 'd');
  ASSERT_TRUE(world.run(RejectConfiguration{"environments", bad, {{"a.yaml", 3, 5, "unknown field", "gtaes", "gates"}}})
                  .has_value());
  const auto rejected = world.call("GET", "/v1/configuration", "viewer");
  EXPECT_EQ(at(rejected, "/rejected/commit"), bad);
  EXPECT_EQ(at(rejected, "/rejected/diagnostics/0/line"), "3");

  EXPECT_EQ(at(world.call("GET", "/v1/repositories", "viewer"), "/repositories/0/name"), "environments");
  EXPECT_EQ(world.call("POST", "/v1/repositories/environments/sync?dry_run=true", "operator").status, 200);
  EXPECT_TRUE(world.repositories.synced.empty());
  EXPECT_EQ(world.call("POST", "/v1/repositories/environments/sync", "operator").status, 202);
  EXPECT_EQ(world.repositories.synced.size(), 1U);
  EXPECT_EQ(world.call("POST", "/v1/repositories/other/sync", "operator").status, 404);
  EXPECT_EQ(at(world.call("GET", "/v1/environments/staging"), "/document/driver/deploy/command/0"), "/bin/deploy");
}

TEST_F(ApiService, AnEnvironmentShowsItsMonitors) {
  EXPECT_EQ(size_at(world.call("GET", "/v1/environments/staging").body, "/monitors"), 0U);
  Environment place = world.engine->read([](const State& state) { return state.environments.at("staging").document; });
  Monitor certificate;
  certificate.name = "certificate";
  certificate.check.name = "certificate";
  certificate.check.tls = TlsCheck{"api.example.com", 443, {}};
  certificate.every = std::chrono::hours(12);
  certificate.sla = Sla{std::chrono::hours(24), Decimal{"99.5"}, {}, 9};
  place.monitors = {certificate};
  const std::string commit(40, 'e');
  ASSERT_TRUE(world.run(StageDocuments{commit, {{{"environments/staging.yaml", 1, "blob"}, place}}, {}}).has_value());
  ASSERT_TRUE(world.run(AcceptConfiguration{"environments", commit, {}, {}}).has_value());
  const MonitorId id{"staging", "certificate"};
  const auto hour = std::chrono::floor<std::chrono::hours>(world.clock.now());
  ASSERT_TRUE(world.run(SummarizeMonitor{{{"staging"}, "certificate", hour, 10, 1, {}, {}}}).has_value());
  ASSERT_TRUE(world.run(ReportMonitor{id, false, 1, hour, "it expires in 3 days"}).has_value());

  const auto shown = world.call("GET", "/v1/environments/staging");
  EXPECT_EQ(at(shown, "/failing_monitors/0"), "certificate");
  EXPECT_EQ(at(shown, "/silent"), "false");
  EXPECT_EQ(at(shown, "/monitors/0/reason"), "it expires in 3 days");
  EXPECT_EQ(at(shown, "/monitors/0/incidents/0"), "1");
  EXPECT_EQ(at(shown, "/monitors/0/sla/0/goal"), "availability");
  EXPECT_EQ(at(shown, "/monitors/0/sla/0/met"), "false");
  EXPECT_EQ(at(world.call("GET", "/v1/environments"), "/environments/1/failing_monitors/0"), "certificate");
  const auto incidents = world.call("GET", "/v1/incidents");
  EXPECT_EQ(at(incidents, "/incidents/0/target"), "staging");
  EXPECT_NE(world.call("GET", "/metrics", "").body.find("\nheadgate_monitors_failing{environment=\"staging\"} 1\n"),
            std::string::npos);
  ASSERT_TRUE(world.run(ReportMonitor{id, true}).has_value());
  EXPECT_EQ(size_at(world.call("GET", "/v1/environments/staging").body, "/failing_monitors"), 0U);
}

TEST_F(ApiService, AnOldNameIsNoTargetAnyMore) {
  auto billing = world.engine->read([](const State& state) { return *state.service("billing"); });
  billing.name = "invoices";
  billing.formerly = "billing";
  const std::string commit(40, 'e');
  ASSERT_TRUE(world
                  .run(StageDocuments{
                      commit, {{{"services/invoices.yaml", 1, "blob"}, billing}}, {{DocumentKind::service, "billing"}}})
                  .has_value());
  ASSERT_TRUE(world.run(AcceptConfiguration{"environments", commit, {}, {}}).has_value());
  for (const char* path : {"/v1/targets", "/v1/state"}) {
    const auto list = world.call("GET", path);
    EXPECT_EQ(size_at(list.body, "/targets"), 3U) << path;
    EXPECT_EQ(list.body.find("billing/staging"), std::string::npos) << path;
  }
  const auto old = world.call("GET", "/v1/targets/billing/staging");
  EXPECT_EQ(old.status, 404);
  EXPECT_NE(old.body.find("billing/staging is called invoices/staging now"), std::string::npos) << old.body;
}

TEST_F(ApiService, ATargetSaysWhetherItIsStillObserved) {
  world.last_look = [](const TargetId& id, const std::string& location) {
    EXPECT_EQ(location, "");
    Look look{parse_timestamp("2026-11-20T14:55:01Z").value(), {}};
    if (id.service == "billing") look.error = "hooks/observe.sh ended with 1";
    return look;
  };
  const auto broken = world.call("GET", "/v1/targets/billing/staging");
  EXPECT_EQ(at(broken, "/observation_error"), "hooks/observe.sh ended with 1");
  EXPECT_EQ(at(broken, "/observed_at"), "2026-11-20T14:55:01.000000Z");
  const auto list = world.call("GET", "/v1/targets");
  EXPECT_EQ(at(list, "/targets/0/observation_error"), "hooks/observe.sh ended with 1");
  EXPECT_EQ(at(list, "/targets/1/observation_error"), "null");
  const auto then = world.call("GET", fmt::format("/v1/targets/billing/staging?at={}", world.log.size() - 1));
  EXPECT_EQ(at(then, "/observed_at"), "null") << "of now, not of then";
}

TEST_F(ApiService, TargetListsFilterAndPage) {
  std::vector<std::string> seen;
  std::string cursor;
  do {
    const auto page = world.call("GET", "/v1/targets?limit=2" + cursor);
    for (std::size_t i = 0; i < size_at(page.body, "/targets"); ++i) {
      seen.push_back(at(page, fmt::format("/targets/{}/target", i)));
    }
    const auto next = at(page, "/next");
    cursor = next == "null" ? "" : "&cursor=" + next;
  } while (!cursor.empty());
  EXPECT_EQ(seen, (std::vector<std::string>{"billing/staging", "gateway/production", "gateway/staging"}));
  EXPECT_EQ(size_at(world.call("GET", "/v1/targets?service=gateway&environment=staging").body, "/targets"), 1U);
  EXPECT_EQ(size_at(world.call("GET", "/v1/targets?drift=true").body, "/targets"), 0U);
  EXPECT_EQ(world.call("GET", "/v1/targets?enviroment=staging").status, 400);
  EXPECT_EQ(world.call("GET", "/v1/targets/gateway/moon").status, 404);
  const auto waiting = world.call("GET", "/v1/targets/gateway/staging");
  EXPECT_EQ(at(waiting, "/waiting_for/0/guard"), "idle");
}

TEST_F(ApiService, AStoppedEngineAnswers503) {
  world.engine->stop(Duration::zero());
  const auto answer = world.call("POST", "/v1/releases", "reporter", R"({"service":"gateway","version":"v1"})");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.at("retry-after"), "1");
}

}  // namespace
}  // namespace headgate::api::test
