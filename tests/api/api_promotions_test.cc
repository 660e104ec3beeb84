// A promotion as its people meet it: asked for, explained, approved, ended, told.
#include <fmt/format.h>

#include <thread>

#include "tests/api/api_world.h"

namespace headgate::api::test {
namespace {

class ApiPromotions : public ::testing::Test {
 protected:
  // v1 is verified in staging and waits for two managers in production.
  std::string waiting_in_production() {
    world.release_to_staging("v1");
    auto id = world.promote("v1", "production", "the autumn release");
    EXPECT_TRUE(eventually([&] { return at(show(id), "/approval_requested") == "true"; }));
    return id;
  }
  Answer show(const std::string& id) { return world.call("GET", "/v1/promotions/" + id); }
  Answer act(const std::string& id, std::string_view verb, std::string_view who, std::string_view body,
             std::string_view headers = {}) {
    return world.call("POST", fmt::format("/v1/promotions/{}/{}", id, verb), who, body, headers);
  }
  static std::string approval(std::string_view digest) { return fmt::format(R"({{"plan_digest":"{}"}})", digest); }

  ApiWorld world;
};

TEST_F(ApiPromotions, IsAskedForAndShown) {
  world.release_to_staging("v1");
  const auto body =
      R"({"service":"gateway","environment":"production","release":{"version":"v1"},"reason":"the autumn release"})";
  const auto asked = world.call("POST", "/v1/promotions", "alice", body);
  ASSERT_EQ(asked.status, 201) << asked.body;
  EXPECT_EQ(asked.headers.at("location"), "/v1/promotions/gateway/production/1");
  EXPECT_EQ(at(asked, "/id"), "gateway/production/1");
  EXPECT_EQ(at(asked, "/phase"), "waiting");
  EXPECT_EQ(at(asked, "/to/version"), "v1");
  EXPECT_EQ(at(asked, "/steps/0"), "gates");
  EXPECT_EQ(at(asked, "/leaf_hash").size(), 64U);
  const auto position = at(asked, "/position");
  EXPECT_EQ(asked.headers.at("headgate-position"), position);

  const auto shown = world.call("GET", "/v1/promotions/gateway/production/1?min_position=" + position);
  EXPECT_EQ(at(shown, "/trigger"), "manual");
  EXPECT_EQ(at(shown, "/reason"), "the autumn release");
  EXPECT_EQ(at(shown, "/from"), "null");
  EXPECT_EQ(at(shown, "/to/artifacts/image"), "registry/gateway@v1");
  EXPECT_EQ(at(shown, "/steps/0/status"), "succeeded");
  EXPECT_EQ(at(shown, "/steps/1/kind"), "approval");
  EXPECT_EQ(at(shown, "/steps/1/definition/approvals/0/team"), "managers");
  EXPECT_EQ(at(shown, "/step"), at(shown, "/steps/1/name"));
  ASSERT_EQ(size_at(shown.body, "/unmet"), 1U) << shown.body;
  EXPECT_EQ(at(shown, "/unmet/0/guard"), "approvals");
  EXPECT_EQ(at(shown, "/unmet/0/file"), "world.yaml");
  EXPECT_EQ(at(shown, "/unmet/0/line"), "12");
  EXPECT_EQ(at(shown, "/ended"), "null");

  const auto target = world.call("GET", "/v1/targets/gateway/production");
  EXPECT_EQ(at(target, "/promotion/id"), "gateway/production/1");
  EXPECT_EQ(at(target, "/current"), "null");
  EXPECT_EQ(at(target, "/waiting_for/0/guard"), "approvals");
}

TEST_F(ApiPromotions, AStaleDigestIsAConflict) {
  const auto id = waiting_in_production();
  const auto stale = act(id, "approve", "carol", approval("sha256:" + std::string(64, '0')));
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(at(stale, "/errors/0/pointer"), "/plan_digest");
  EXPECT_EQ(at(stale, "/errors/0/expected"), world.plan_digest(id));
  EXPECT_TRUE(world.stored("approval.granted").empty());
}

TEST_F(ApiPromotions, AnApprovalMaySayWhatWasLookedAt) {
  const auto id = waiting_in_production();
  const auto looked_at = show(id).headers.at("headgate-position");
  const auto body = [&](const std::string& seen) {
    return fmt::format(R"({{"plan_digest":"{}","seen":{}}})", world.plan_digest(id), seen);
  };
  EXPECT_EQ(act(id, "approve", "carol", body("-1")).status, 400);
  EXPECT_EQ(act(id, "approve", "carol", body("\"now\"")).status, 400);
  EXPECT_EQ(act(id, "approve", "carol", body(looked_at)).status, 200);
}

TEST_F(ApiPromotions, TwoApproversAtOnceBothCount) {
  const auto id = waiting_in_production();
  const auto body = approval(world.plan_digest(id));
  Answer first;
  Answer second;
  std::thread other([&] { first = act(id, "approve", "carol", body); });
  second = act(id, "approve", "dave", body);
  other.join();
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(at(first, "/team"), "managers");
  EXPECT_NE(at(first, "/position"), at(second, "/position"));
  EXPECT_TRUE(world.reaches(id, "succeeded"));
  EXPECT_EQ(world.stored("approval.granted").size(), 2U);
  EXPECT_EQ(at(world.call("GET", "/v1/targets/gateway/production"), "/current/version"), "v1");
}

TEST_F(ApiPromotions, OnePersonCountsOnceAndOthersNotAtAll) {
  const auto id = waiting_in_production();
  const auto body = approval(world.plan_digest(id));
  EXPECT_EQ(act(id, "approve", "carol", body).status, 200);
  EXPECT_EQ(act(id, "approve", "carol", body).status, 409);
  EXPECT_EQ(act(id, "approve", "erin", body).status, 403);      // in the team, without the role
  EXPECT_EQ(act(id, "approve", "approver", body).status, 403);  // the role, but nobody's
  EXPECT_EQ(at(show(id), "/phase"), "waiting");
  EXPECT_EQ(at(show(id), "/approvals/0/approver/name"), "carol");
  EXPECT_EQ(at(show(id), "/approvals/0/claims"), "(nested)");
}

TEST_F(ApiPromotions, NobodyApprovesWhatTheyAskedFor) {
  world.release_to_staging("v1");
  const auto asked = world.call("POST", "/v1/promotions", "alice",
                                R"({"service":"gateway","environment":"production","release":{"version":"v1"}})");
  const auto refused = act(at(asked, "/id"), "approve", "alice", approval(at(asked, "/plan_digest")));
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(at(refused, "/detail").find("your own work"), std::string::npos);
}

TEST_F(ApiPromotions, RejectionEndsIt) {
  const auto id = waiting_in_production();
  const auto rejected = act(id, "reject", "dave", R"({"comment":"not on a Friday"})");
  EXPECT_EQ(rejected.status, 200) << rejected.body;
  EXPECT_EQ(at(rejected, "/events/1"), "promotion.rejected");
  const auto shown = show(id);
  EXPECT_EQ(at(shown, "/phase"), "rejected");
  EXPECT_EQ(at(shown, "/end_reason"), "rejected by dave: not on a Friday");
  EXPECT_EQ(act(id, "approve", "carol", approval("sha256:0")).status, 409);
}

TEST_F(ApiPromotions, CancelNeedsNoBody) {
  const auto id = waiting_in_production();
  EXPECT_EQ(act(id, "cancel", "operator", "").status, 200);
  EXPECT_EQ(at(show(id), "/phase"), "cancelled");
}

TEST_F(ApiPromotions, ADryRunTellsAndWritesNothing) {
  const auto id = waiting_in_production();
  const auto before = world.log.size();
  const auto answer = world.call("POST", "/v1/promotions/" + id + "/approve?dry_run=true", "carol",
                                 approval(world.plan_digest(id)), "Idempotency-Key: once\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(at(answer, "/dry_run"), "true");
  EXPECT_EQ(at(answer, "/events/0/type"), "approval.granted");
  EXPECT_EQ(at(answer, "/events/0/data/team"), "managers");
  EXPECT_EQ(at(answer, "/position"), "null");
  EXPECT_EQ(world.log.size(), before);
  // A refusal is a refusal all the same, and a mistyped flag does not become the real thing.
  EXPECT_EQ(world.call("POST", "/v1/promotions/" + id + "/approve?dry_run=true", "carol", approval("x")).status, 409);
  EXPECT_EQ(world.call("POST", "/v1/promotions/" + id + "/cancel?dryrun=true", "operator", "").status, 400);
  EXPECT_EQ(world.call("POST", "/v1/promotions/" + id + "/cancel?dry_run=yes", "operator", "").status, 400);
  EXPECT_EQ(world.log.size(), before);
}

TEST_F(ApiPromotions, ARepeatGetsTheFirstAnswer) {
  world.release_to_staging("v1");
  const std::string body = R"({"service":"gateway","environment":"production","release":{"version":"v1"}})";
  const std::string key = "Idempotency-Key: ci 4711\r\n";
  const auto first = world.call("POST", "/v1/promotions", "operator", body, key);
  ASSERT_EQ(first.status, 201);
  const auto again = world.call("POST", "/v1/promotions", "operator", body, key);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(at(again, "/repeated"), "true");
  for (const char* pointer : {"/id", "/plan_digest", "/position", "/leaf_hash", "/to/version"}) {
    EXPECT_EQ(at(again, pointer), at(first, pointer)) << pointer;
  }
  EXPECT_EQ(world.stored("promotion.planned").size(), 2U);  // staging's and this one

  const auto other = world.call("POST", "/v1/promotions", "operator",
                                R"({"service":"gateway","environment":"production","release":{"version":"v2"}})", key);
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(at(other, "/errors/0/pointer"), "Idempotency-Key");
  // Somebody else's key is another one.
  EXPECT_EQ(world.call("POST", "/v1/promotions", "alice", body, key).status, 409);
  for (const std::string& bad : {std::string(129, 'k'), std::string("k\xc3\xa4")}) {
    EXPECT_EQ(world.call("POST", "/v1/promotions", "operator", body, "Idempotency-Key: " + bad + "\r\n").status, 400);
  }
}

TEST_F(ApiPromotions, ExplainsWhatIsMetAndWhatIsNot) {
  const auto id = waiting_in_production();
  const auto now = world.call("GET", "/v1/promotions/" + id + "/explain", "viewer");
  EXPECT_EQ(now.status, 200);
  EXPECT_EQ(at(now, "/phase"), "waiting");
  EXPECT_EQ(at(now, "/unmet"), "1");
  EXPECT_EQ(at(now, "/met"), "3");  // not quarantined, gate passed, verified in staging
  EXPECT_EQ(at(now, "/text"), "release v1 for gateway/production waits at step approval: 1 condition unmet");
  EXPECT_EQ(at(now, "/conditions/1/guard"), "gates");
  EXPECT_EQ(at(now, "/conditions/1/met"), "true");
  const auto gate = at(now, "/conditions/1/events/0");
  EXPECT_EQ(at(world.call("GET", "/v1/events/" + gate), "/data/gate"), "unit-tests");

  // Ended, it is explained as it was just before its end.
  const auto body = approval(world.plan_digest(id));
  ASSERT_EQ(act(id, "approve", "carol", body).status, 200);
  ASSERT_EQ(act(id, "cancel", "operator", R"({"reason":"wrong day"})").status, 200);
  const auto then = world.call("GET", "/v1/promotions/" + id + "/explain", "admin");
  EXPECT_EQ(at(then, "/phase"), "cancelled");
  EXPECT_EQ(at(then, "/end_reason"), "cancelled by operator: wrong day");
  EXPECT_EQ(at(then, "/unmet"), "1");
  EXPECT_EQ(at(then, "/conditions/3/text"), "2 approvals of managers: 1 given by carol");
  EXPECT_EQ(at(then, "/as_of"), at(show(id), "/last_position"));
}

TEST_F(ApiPromotions, ExplainsOneThatWasRolledBackByWhatFailed) {
  world.release_to_staging("v1");
  world.call("POST", "/v1/releases", "reporter",
             R"({"service":"gateway","version":"v2","commit":")" + std::string(40, '2') + "\"}");
  world.report_gate("v2");
  world.executor.fail_next({Outcome::Kind::terminal, "no host", {}, {}});
  const auto id = world.promote("v2", "staging");
  ASSERT_TRUE(world.reaches(id, "rolledBack"));
  const auto why = world.call("GET", "/v1/promotions/" + id + "/explain");
  ASSERT_EQ(why.status, 200) << why.body;
  EXPECT_EQ(at(why, "/met"), "2");  // not quarantined, gate passed
  EXPECT_EQ(at(why, "/unmet"), "1");
  EXPECT_EQ(at(why, "/conditions/2/guard"), "step");
  EXPECT_EQ(at(why, "/conditions/2/text"), "step deploy failed: no host");
  EXPECT_EQ(at(why, "/conditions/2/file"), "world.yaml");
  EXPECT_EQ(at(why, "/conditions/2/line"), "1");
  const auto position = at(why, "/conditions/2/events/0");
  EXPECT_EQ(at(world.call("GET", "/v1/events/" + position), "/data/reason"), "no host");
  EXPECT_EQ(at(why, "/as_of"), position);
  const auto at_its_end = "/explain?at=" + at(show(id), "/last_position");
  EXPECT_EQ(at(world.call("GET", "/v1/promotions/" + id + at_its_end), "/conditions/2/text"),
            "step deploy failed: no host");
}

TEST_F(ApiPromotions, ExplainsOneThatSucceededByWhatLetItPass) {
  world.call("POST", "/v1/releases", "reporter",
             R"({"service":"gateway","version":"v1","commit":")" + std::string(40, '1') + "\"}");
  world.report_gate("v1");
  world.executor.hold(true);
  const auto id = world.promote("v1", "staging");
  ASSERT_TRUE(eventually([&] { return !world.stored("activity.started").empty(); }));
  const auto worse = R"({"service":"gateway","version":"v1","gate":"unit-tests","status":"failed"})";
  ASSERT_EQ(world.call("POST", "/v1/gates", "reporter", worse).status, 201);
  world.executor.hold(false);
  ASSERT_TRUE(world.reaches(id, "succeeded"));
  const auto why = world.call("GET", "/v1/promotions/" + id + "/explain");
  ASSERT_EQ(why.status, 200) << why.body;
  EXPECT_EQ(at(why, "/unmet"), "0");
  EXPECT_EQ(at(why, "/conditions/1/guard"), "gates");
  EXPECT_EQ(at(why, "/conditions/1/met"), "true");
}

TEST_F(ApiPromotions, TellsThatAnApprovalWasVoidedAndWhy) {
  const auto id = waiting_in_production();
  ASSERT_EQ(act(id, "approve", "carol", approval(world.plan_digest(id))).status, 200);
  const auto worse = R"({"service":"gateway","version":"v1","gate":"unit-tests","status":"failed"})";
  ASSERT_EQ(world.call("POST", "/v1/gates", "reporter", worse).status, 201);
  ASSERT_TRUE(eventually([&] { return !world.stored("approval.voided").empty(); }));

  // What the gates step was done with, it waits for again.
  ASSERT_TRUE(eventually([&] { return at(show(id), "/steps/0/status") == "started"; }));
  const auto turned = show(id);
  EXPECT_EQ(at(turned, "/steps/0/kind"), "gates");
  EXPECT_EQ(at(turned, "/steps/0/ended"), "null");
  EXPECT_EQ(at(turned, "/steps/0/unmet/0/text"), "gate unit-tests: failed, for version v1");
  world.report_gate("v1");
  ASSERT_TRUE(eventually([&] { return at(show(id), "/steps/0/status") == "succeeded"; }));

  const std::string why = "gate unit-tests: failed, for version v1";
  EXPECT_EQ(at(world.call("GET", "/v1/promotions/" + id + "/explain"), "/conditions/3/text"),
            "2 approvals of managers: 0 given; carol's was voided: " + why);
  const auto timeline = world.call("GET", "/v1/promotions/" + id + "/timeline");
  std::string detail;
  for (std::size_t i = 0; i < size_at(timeline.body, "/events"); ++i) {
    const auto row = fmt::format("/events/{}", i);
    if (at(timeline, row + "/type") == "approval.voided") detail = at(timeline, row + "/detail");
  }
  EXPECT_EQ(detail, "carol: " + why);
}

TEST_F(ApiPromotions, TheTimelineHoldsEveryEventOnce) {
  const auto id = waiting_in_production();
  ASSERT_EQ(act(id, "cancel", "operator", "").status, 200);
  std::vector<std::string> all;
  for (const auto& record : world.stored()) {
    if (at(record, "/correlation") == id) all.push_back(record);
  }
  ASSERT_GT(all.size(), 5U);
  std::vector<std::string> seen;
  std::string cursor;
  bool first = true;
  do {
    const auto page = world.call("GET", fmt::format("/v1/promotions/{}/timeline?limit=2{}", id, cursor));
    ASSERT_EQ(page.status, 200) << page.body;
    for (std::size_t i = 0; i < size_at(page.body, "/events"); ++i) {
      const auto row = fmt::format("/events/{}", i);
      EXPECT_EQ(at(page, row + "/since_previous_ms") == "null", first);
      first = false;
      seen.push_back(at(page, row + "/position"));
      const auto& record = all.at(seen.size() - 1);
      EXPECT_NE(page.body.find(record), std::string::npos);
      EXPECT_EQ(at(page, row + "/event/id"), seen.back());
    }
    const auto next = at(page, "/next");
    cursor = next == "null" ? "" : "&cursor=" + next;
  } while (!cursor.empty());
  EXPECT_EQ(seen.size(), all.size());
}

TEST_F(ApiPromotions, ListsLiveAndEndedNewestFirst) {
  const auto id = waiting_in_production();
  const auto ids = [&](const std::string& query) {
    std::vector<std::string> found;
    std::string cursor;
    do {
      const auto page = world.call("GET", "/v1/promotions?limit=1" + query + cursor);
      EXPECT_EQ(page.status, 200) << page.body;
      if (size_at(page.body, "/promotions") > 0) found.push_back(at(page, "/promotions/0/id"));
      const auto next = at(page, "/next");
      cursor = next == "null" ? "" : "&cursor=" + next;
    } while (!cursor.empty());
    return found;
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(ids(""), (List{"gateway/production/1", "gateway/staging/1"}));
  EXPECT_EQ(ids("&active=true"), (List{"gateway/production/1"}));
  EXPECT_EQ(ids("&active=false"), (List{"gateway/staging/1"}));
  EXPECT_EQ(ids("&phase=succeeded"), (List{"gateway/staging/1"}));
  EXPECT_EQ(ids("&phase=waiting"), (List{"gateway/production/1"}));
  EXPECT_EQ(ids("&phase=failed"), (List{}));
  EXPECT_EQ(ids("&environment=staging"), (List{"gateway/staging/1"}));
  EXPECT_EQ(ids("&service=billing"), (List{}));
  EXPECT_EQ(world.call("GET", "/v1/promotions?phase=done").status, 400);
}

TEST_F(ApiPromotions, AFailureIsShownWithItsReasonAndHistory) {
  world.release_to_staging("v1");
  world.call("POST", "/v1/releases", "reporter",
             R"({"service":"gateway","version":"v2","commit":")" + std::string(40, '2') + "\"}");
  world.report_gate("v2");
  world.executor.fail_next({Outcome::Kind::terminal, "exit status 3", {R"({"exit":3})"}, {}});
  const auto id = world.promote("v2", "staging");
  ASSERT_TRUE(world.reaches(id, "rolledBack"));
  const auto shown = show(id);
  EXPECT_EQ(at(shown, "/end_reason"), "deploy: exit status 3");
  EXPECT_EQ(at(shown, "/steps/1/evidence/exit"), "3");
  EXPECT_EQ(at(shown, "/steps/1/status"), "failed");
  EXPECT_EQ(at(shown, "/from/version"), "v1");

  const auto history = world.call("GET", "/v1/targets/gateway/staging/history?limit=2");
  EXPECT_EQ(at(history, "/events/0/type"), "dev.headgate.rollback.succeeded.v1");
  EXPECT_EQ(at(history, "/events/1/type"), "dev.headgate.rollback.started.v1");
  const auto rest = world.call("GET", "/v1/targets/gateway/staging/history?limit=500&cursor=" + at(history, "/next"));
  EXPECT_EQ(at(rest, "/next"), "null");
  EXPECT_EQ(rest.body.find("step."), std::string::npos);
  EXPECT_NE(rest.body.find("promotion.succeeded"), std::string::npos);

  // The state before the second one: v1 ran there.
  const auto planned = at(shown, "/planned_position");
  const auto then = world.call("GET", "/v1/targets/gateway/staging?at=" + planned);
  EXPECT_EQ(at(then, "/promotion/id"), id);
  EXPECT_EQ(at(then, "/current/version"), "v1");
}

TEST_F(ApiPromotions, ARepeatedRollbackGetsTheFirstAnswer) {
  world.release_to_staging("v1");
  world.release_to_staging("v2");
  const std::string body = R"({"environment":"staging","reason":"errors"})";
  const auto preview = world.call("POST", "/v1/rollbacks?dry_run=true", "operator", body);
  EXPECT_EQ(at(preview, "/rollbacks/0/id"), "gateway/staging/3");
  EXPECT_EQ(at(preview, "/rollbacks/0/steps/0"), "rollback-deploy");
  EXPECT_EQ(at(preview, "/skipped/0/target"), "billing/staging");

  const std::string key = "Idempotency-Key: noon\r\n";
  const auto first = world.call("POST", "/v1/rollbacks", "operator", body, key);
  ASSERT_EQ(first.status, 202) << first.body;
  EXPECT_EQ(size_at(first.body, "/rollbacks"), 1U);
  EXPECT_EQ(at(first, "/rollbacks/0/leaves/version"), "v2");
  EXPECT_EQ(at(first, "/rollbacks/0/to/version"), "v1");
  ASSERT_TRUE(world.reaches("gateway/staging/3", "succeeded"));
  world.release_to_staging("v3");

  const auto again = world.call("POST", "/v1/rollbacks", "operator", body, key);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(at(again, "/repeated"), "true");
  auto text = again.body;
  text.erase(text.find(R"("repeated":true,)"), std::string_view(R"("repeated":true,)").size());
  EXPECT_EQ(text, first.body);
  EXPECT_EQ(world.stored("rollback.requested").size(), 1U);
}

TEST_F(ApiPromotions, ADryRunOfARollbackSaysWhatRetiresAFirstRelease) {
  Environment staging;
  staging.name = "staging";
  staging.driver.deploy.command = {"/bin/deploy", "${release.version}"};
  staging.driver.observe.command = {"/bin/observe"};
  staging.driver.retire = headgate::Run{{"/bin/retire"}, {}};
  const std::string commit(40, 'd');
  ASSERT_TRUE(world.run(StageDocuments{commit, {{{"world.yaml", 1, std::string(40, 'e')}, staging}}, {}}).has_value());
  ASSERT_TRUE(world.run(AcceptConfiguration{"environments", commit}).has_value());
  world.release_to_staging("v1");
  world.release_to_staging("v2");
  const auto registered =
      world.call("POST", "/v1/releases", "reporter",
                 R"({"service":"billing","version":"v1","artifacts":{"image":"registry/billing@v1"}})");
  ASSERT_EQ(registered.status, 201) << registered.body;
  world.executor.hold(true);
  const auto asked = world.call("POST", "/v1/promotions", "operator",
                                R"({"service":"billing","environment":"staging","release":{"version":"v1"}})");
  ASSERT_EQ(asked.status, 201) << asked.body;
  ASSERT_TRUE(eventually([&] {
    return world.engine->read([](const State& state) {
      const auto* billing = state.find({"billing", "staging"});
      return billing->promotion && billing->promotion->deployed();
    });
  }));

  const auto preview =
      world.call("POST", "/v1/rollbacks?dry_run=true", "operator", R"({"environment":"staging","reason":"errors"})");
  EXPECT_EQ(at(preview, "/rollbacks/0/target"), "gateway/staging") << preview.body;
  EXPECT_EQ(at(preview, "/skipped/0/target"), "billing/staging");
  EXPECT_EQ(
      at(preview, "/skipped/0/reason"),
      "no other release was verified at billing/staging: release v1 is retired by headgate rollback --environment "
      "staging --service billing --reason TEXT, or by headgate cancel billing/staging/1");
}

TEST_F(ApiPromotions, UnknownOnesAreNotFound) {
  for (const char* path : {"gateway/staging/9", "gateway/nowhere/1", "gateway/staging/0", "gateway/staging/x",
                           "gateway/staging/99999999999999999999", "Gateway/staging/1"}) {
    for (const char* suffix : {"", "/explain", "/timeline"}) {
      EXPECT_EQ(world.call("GET", fmt::format("/v1/promotions/{}{}", path, suffix)).status, 404) << path << suffix;
    }
    EXPECT_EQ(act(path, "cancel", "admin", "").status, 404) << path;
  }
}

TEST_F(ApiPromotions, BadInputIsNamedFieldByField) {
  const auto answer =
      world.call("POST", "/v1/promotions", "operator", R"({"service":7,"release":{"vresion":"v1"},"expedite":7})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
  for (const char* pointer : {"/service", "/environment", "/release/version", "/release/vresion", "/expedite"}) {
    EXPECT_NE(answer.body.find(fmt::format("\"pointer\":\"{}\"", pointer)), std::string::npos) << answer.body;
  }
  EXPECT_EQ(world.call("POST", "/v1/promotions", "operator", "{").status, 400);
  for (const char* type : {"text/plain", "application/jsonl", "application/x-www-form-urlencoded"}) {
    const auto typed =
        world.call("POST", "/v1/promotions", "operator", "{}", fmt::format("Content-Type: {}\r\n", type));
    EXPECT_EQ(typed.status, 415) << type;
    EXPECT_EQ(at(typed, "/errors/0/found"), type);
  }
  EXPECT_EQ(world
                .call("POST", "/v1/promotions", "operator", R"({"service":"moon"})",
                      "Content-Type: Application/JSON ; charset=utf-8\r\n")
                .status,
            400);
  EXPECT_EQ(world.call("POST", "/v1/promotions?min_position=abc", "operator", "{}").status, 400);
  const auto unknown = world.call("POST", "/v1/promotions", "operator",
                                  R"({"service":"gateway","environment":"moon","release":{"version":"v1"}})");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_NE(at(unknown, "/detail").find("staging, production"), std::string::npos);
  const auto slip = world.call("POST", "/v1/promotions", "operator",
                               R"({"service":"gatewya","environment":"staging","release":{"version":"v1"}})");
  EXPECT_EQ(slip.status, 404);
  EXPECT_NE(at(slip, "/detail").find("the nearest is 'gateway'"), std::string::npos) << slip.body;
  const auto elsewhere =
      world.call("POST", "/v1/rollbacks", "operator", R"({"environment":"stagign","reason":"errors"})");
  EXPECT_EQ(elsewhere.status, 404);
  EXPECT_NE(at(elsewhere, "/detail").find("no environment 'stagign'"), std::string::npos) << elsewhere.body;
  EXPECT_NE(at(elsewhere, "/detail").find("the nearest is 'staging'"), std::string::npos) << elsewhere.body;
  for (const char* name : {"services", "group"}) {
    const auto body = fmt::format(R"({{"environment":"staging","{}":{},"reason":"errors"}})", name,
                                  std::string_view(name) == "group" ? "\"\"" : "[]");
    const auto none = world.call("POST", "/v1/rollbacks", "operator", body);
    EXPECT_EQ(none.status, 400) << none.body;
    EXPECT_EQ(at(none, "/errors/0/pointer"), fmt::format("/{}", name));
  }
  const auto dry =
      world.call("POST", "/v1/gates?dry_run=true", "reporter",
                 fmt::format(R"({{"service":"gateway","commit":"{}","gate":"unit-tests","status":"passed",)"
                             R"("metrics":{{"coverage":91.20}}}})",
                             std::string(40, 'a')));
  EXPECT_NE(dry.body.find(R"("metrics":{"coverage":"91.20"})"), std::string::npos) << "as its record: " << dry.body;
  const auto meaning = world.call("POST", "/v1/gates", "reporter",
                                  R"({"service":"gateway","commit":"abc","gate":"unit-tests","status":"passed"})");
  EXPECT_EQ(meaning.status, 422);
  EXPECT_EQ(at(meaning, "/errors/0/pointer"), "/commit");
}

}  // namespace
}  // namespace headgate::api::test
