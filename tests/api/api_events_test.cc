// The log over HTTP: pages, formats, the live stream, moments.
#include <fmt/format.h>

#include "tests/api/api_world.h"

namespace headgate::api::test {
namespace {

class ApiEvents : public ::testing::Test {
 protected:
  std::vector<std::string> pages(const std::string& query, const std::string& headers = {}) {
    std::vector<std::string> bodies;
    std::string cursor;
    do {
      auto answer = world.call("GET", "/v1/events?" + query + cursor, "admin", {}, headers);
      EXPECT_EQ(answer.status, 200) << answer.body;
      std::string next = headers.empty() ? at(answer, "/next") : answer.headers["headgate-next"];
      if (next == "null") next.clear();
      cursor = next.empty() ? "" : "&cursor=" + next;
      bodies.push_back(std::move(answer.body));
    } while (!cursor.empty() && bodies.size() < 1'000);
    return bodies;
  }
  std::vector<std::string> ids(const std::string& query) {
    std::vector<std::string> found;
    for (const auto& body : pages(query)) {
      for (std::size_t i = 0; i < size_at(body, "/events"); ++i) {
        found.push_back(at(body, fmt::format("/events/{}/id", i)));
      }
    }
    return found;
  }

  ApiWorld world;
};

constexpr auto as_lines = "Accept: application/x-ndjson\r\n";

TEST_F(ApiEvents, CursorPagesShowEveryEventOnce) {
  world.release_to_staging("v1");
  std::vector<std::string> all;
  for (const auto& record : world.stored()) all.push_back(at(record, "/id"));
  EXPECT_EQ(ids("limit=7"), all);
  std::ranges::reverse(all);
  EXPECT_EQ(ids("limit=7&order=desc"), all);
}

TEST_F(ApiEvents, FiltersHoldTogether) {
  world.release_to_staging("v1");
  std::vector<std::string> expected;
  for (const auto& record : world.stored()) {
    if (at(record, "/environment") == "staging" && at(record, "/type").find("step.") != std::string::npos) {
      expected.push_back(at(record, "/id"));
    }
  }
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(ids("type=step.*&environment=staging&service=gateway&limit=2"), expected);
  EXPECT_EQ(ids("type=dev.headgate.step.*&environment=staging"), expected);
  EXPECT_EQ(ids("type=step.*&environment=production"), std::vector<std::string>{});
  EXPECT_EQ(ids("correlation=gateway/staging/1&type=promotion.succeeded").size(), 1U);
  EXPECT_EQ(ids("actor=" + *world.people->token_id("reporter")).size(), 2U);  // a release and a gate
  EXPECT_EQ(ids("from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00Z").size(), 0U);
  EXPECT_EQ(ids("after=3&limit=500").front(), "4");
}

TEST_F(ApiEvents, ATypeThatNoEventHasIsRefusedWithTheNearest) {
  for (const char* path : {"/v1/events?", "/v1/events/stream?"}) {
    const auto refused = world.call("GET", std::string(path) + "type=approval.grantd");
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(at(refused, "/errors/0/pointer"), "type");
    EXPECT_EQ(at(refused, "/errors/0/expected"), "'approval.granted'");
  }
  EXPECT_EQ(world.call("GET", "/v1/events?type=nope").status, 400);
  EXPECT_EQ(world.call("GET", "/v1/events?type=nope.*").status, 400);
  EXPECT_EQ(world.call("GET", "/v1/events?type=rollback.*").status, 200) << "known, and none is there";
  EXPECT_EQ(world.call("GET", "/v1/events?type=dev.headgate.gate.reported.v1").status, 200);
}

TEST_F(ApiEvents, AnActorIsNamedAsTimelinesDo) {
  world.release_to_staging("v1");
  const std::string quarantine = R"({"service":"gateway","version":"v1","reason":"leaks memory"})";
  ASSERT_EQ(world.call("POST", "/v1/quarantine", "alice", quarantine).status, 201);
  const auto of_alice = ids("actor=" + world.person["alice"]);
  EXPECT_FALSE(of_alice.empty());
  EXPECT_EQ(ids("actor=alice"), of_alice);
  EXPECT_EQ(ids("actor=reporter").size(), 2U) << "a token that is nobody's";
  EXPECT_FALSE(ids("actor=engine").empty());
  for (const char* path : {"/v1/events?", "/v1/events/stream?", "/v1/evidence?"}) {
    const auto refused = world.call("GET", std::string(path) + "actor=alicia", "auditor");
    EXPECT_EQ(refused.status, 400) << path;
    EXPECT_EQ(at(refused, "/errors/0/pointer"), "actor");
  }
  EXPECT_EQ(world.call("GET", "/v1/events?actor=alice", "viewer").status, 400) << "who sees no names";
}

TEST_F(ApiEvents, TwoOfOneNameAreToldApartById) {
  ASSERT_TRUE(world.people->person_by_email("alice", "another@example.com").has_value());
  const auto refused = world.call("GET", "/v1/events?actor=alice");
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(at(refused, "/errors/0/expected").find(world.person["alice"]), std::string::npos) << refused.body;
}

TEST_F(ApiEvents, RecordsAreTheStoredBytes) {
  world.release_to_staging("v1");
  const auto records = world.stored();
  std::string all;
  for (const auto& record : records) all += record + "\n";
  const auto whole = world.call("GET", "/v1/events", "auditor", {}, as_lines);
  EXPECT_EQ(whole.status, 200);
  EXPECT_TRUE(whole.whole);
  EXPECT_EQ(whole.headers.at("content-type"), "application/x-ndjson");
  EXPECT_EQ(whole.body, all);

  std::string paged;
  for (const auto& body : pages("limit=5", as_lines)) paged += body;
  EXPECT_EQ(paged, all + world.stored("audit.exported").front() + "\n");
  std::size_t rows = 0;
  for (const auto& body : pages("limit=5", "Accept: text/csv\r\n")) {
    rows += static_cast<std::size_t>(std::ranges::count(body, '\n')) - 1;  // each page has the header
  }
  EXPECT_EQ(rows, records.size() + 1);

  const auto json = world.call("GET", "/v1/events?limit=3").body;
  EXPECT_TRUE(json.starts_with("{\"events\":[" + records[0] + "," + records[1] + "," + records[2] + "]")) << json;
  EXPECT_EQ(world.call("GET", "/v1/events/2").body, records[2]);
}

TEST_F(ApiEvents, AWholeExportIsARecordBeforeItsBytesLeave) {
  world.release_to_staging("v1");
  const auto size = world.log.size();
  const auto gates = world.stored("gate.reported").size();
  ASSERT_GT(gates, 0U);
  const auto all = world.call("GET", "/v1/events", "auditor", {}, as_lines);
  EXPECT_EQ(all.headers.at("headgate-position"), std::to_string(size - 1)) << "its own record is not among them";
  const auto some = world.call("GET", "/v1/events?type=gate.*&service=gateway&after=0&order=desc", "auditor", {},
                               "Accept: text/csv\r\n");
  EXPECT_EQ(some.body, "position,time,type,subject,actor,service,environment,correlation,cause,data\r\n");
  const auto csv = world.call("GET", "/v1/events?type=gate.*&service=gateway", "auditor", {}, "Accept: text/csv\r\n");
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(csv.body, '\n')), gates + 1);

  const auto exported = world.stored("audit.exported");
  ASSERT_EQ(exported.size(), 3U);
  EXPECT_EQ(at(exported[0], "/id"), std::to_string(size));
  EXPECT_EQ(at(exported[0], "/actor"), *world.people->token_id("auditor"));
  EXPECT_EQ(at(exported[0], "/data/kind"), "records");
  EXPECT_EQ(at(exported[0], "/data/filter"), "(absent)");
  EXPECT_EQ(at(exported[0], "/data/records"), std::to_string(std::ranges::count(all.body, '\n')));
  EXPECT_EQ(at(exported[0], "/data/size"), std::to_string(size));
  EXPECT_EQ(at(exported[1], "/data/filter"), "type=gate.*&service=gateway&after=0");
  EXPECT_EQ(at(exported[1], "/data/records"), "0");
  EXPECT_EQ(at(exported[2], "/data/kind"), "records");
  EXPECT_EQ(at(exported[2], "/data/filter"), "type=gate.*&service=gateway");
  EXPECT_EQ(at(exported[2], "/data/records"), std::to_string(gates));
}

TEST(ApiExport, IsCountedInTimeOrNotTaken) {
  ApiWorld world({.export_counting = Duration::zero()});
  const auto slow = world.call("GET", "/v1/events?type=gate.*", "auditor", {}, as_lines);
  EXPECT_EQ(slow.status, 504);
  EXPECT_NE(slow.body.find("narrow the filter"), std::string::npos) << slow.body;
  EXPECT_TRUE(world.stored("audit.exported").empty());
  // Times alone are counted without reading.
  const auto records = world.stored();
  const auto from = at(records[2], "/time");
  const auto to = at(records[records.size() - 2], "/time");
  for (const auto& query : {"from=" + from, "to=" + to, "from=" + from + "&to=" + to + "&after=3",
                            "from=" + from + "&after=7&order=desc", std::string("after=5")}) {
    const auto found = world.call("GET", "/v1/events?" + query, "auditor", {}, as_lines);
    EXPECT_EQ(found.status, 200) << query;
    EXPECT_EQ(at(world.stored("audit.exported").back(), "/data/records"),
              std::to_string(std::ranges::count(found.body, '\n')))
        << query;
  }
}

TEST_F(ApiEvents, NeitherPagesNorRefusalsNorHeadsAreExports) {
  EXPECT_EQ(world.call("GET", "/v1/events?limit=5", "auditor", {}, as_lines).status, 200);
  EXPECT_EQ(world.call("GET", "/v1/events", "auditor").status, 200);
  EXPECT_EQ(world.call("HEAD", "/v1/events", "auditor", {}, as_lines).status, 200);
  EXPECT_EQ(world.call("GET", "/v1/events", "viewer", {}, as_lines).status, 403);
  EXPECT_EQ(world.call("GET", "/v1/events?order=up", "auditor", {}, as_lines).status, 400);
  EXPECT_TRUE(world.stored("audit.exported").empty());
}

TEST_F(ApiEvents, WholeExportsAreForAuditors) {
  EXPECT_EQ(world.call("GET", "/v1/events", "viewer", {}, as_lines).status, 403);
  EXPECT_EQ(world.call("GET", "/v1/events?limit=5", "viewer", {}, as_lines).status, 200);
  EXPECT_EQ(world.call("GET", "/v1/events", "viewer", {}, "Accept: text/html\r\n").status, 406);
}

TEST_F(ApiEvents, CsvHasOneLineARecord) {
  const auto csv = world.call("GET", "/v1/events?type=log.created", "auditor", {}, "Accept: text/csv\r\n").body;
  const auto record = world.stored().front();
  EXPECT_EQ(csv, fmt::format("position,time,type,subject,actor,service,environment,correlation,cause,data\r\n"
                             "0,{},log.created,,engine,,,,,\"{{\"\"origin\"\":\"\"test.example.com\"\"}}\"\r\n",
                             at(record, "/time")));
}

TEST_F(ApiEvents, BadQueriesAreNamed) {
  for (const char* query : {"limit=0", "limit=501", "limit=x", "order=up", "from=yesterday", "cursor=xyz", "tpye=a",
                            "limit=1&limit=2", "after=-1", "cursor=ZXZlbnRzOng", "cursor=dGFyZ2V0czphL2I"}) {
    const auto answer = world.call("GET", fmt::format("/v1/events?{}", query));
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_GE(size_at(answer.body, "/errors"), 1U) << answer.body;
  }
  EXPECT_EQ(at(world.call("GET", "/v1/events?corelation=a"), "/errors/0/expected"), "'correlation'");
  EXPECT_EQ(world.call("GET", "/v1/events/999999").status, 404);
  EXPECT_EQ(world.call("GET", "/v1/events/abc").status, 404);
}

TEST_F(ApiEvents, AProofComesFromTheLog) {
  const auto proof = world.call("GET", "/v1/events/2/proof");
  EXPECT_EQ(proof.status, 200);
  EXPECT_TRUE(proof.body.starts_with("c2sp.org/tlog-proof@v1\nindex 2\n"));
  EXPECT_EQ(world.call("GET", "/v1/events/999999/proof").status, 404);
}

// ------------------------------------------------------------------------------------------------------------- stream

std::string id_line(const std::string& record) {
  return "id: " + at(record, "/id") + "\ndata: " + record + "\n\n";
}

TEST_F(ApiEvents, TheStreamTellsWhatHappensAndResumes) {
  RawClient live(world.endpoint());
  ASSERT_TRUE(live.send(ApiWorld::request("GET", "/v1/events/stream?type=gate.*", "viewer")));
  const auto head = live.read_until("retry: 1000\n\n");
  ASSERT_NE(head.find("text/event-stream"), std::string::npos) << head;
  world.call("POST", "/v1/releases", "reporter", R"({"service":"gateway","version":"v1"})");
  world.report_gate("v1");
  const auto first = world.stored("gate.reported").at(0);
  EXPECT_NE(live.read_until("\n\n").find("id: " + at(first, "/id") + "\ndata: " + first), std::string::npos);
  world.report_gate("v1");
  const auto second = world.stored("gate.reported").at(1);
  EXPECT_NE(live.read_until("\n\n").find(second), std::string::npos);

  // Who comes back with the first one's id gets the second one, whatever happened meanwhile.
  RawClient again(world.endpoint());
  ASSERT_TRUE(again.send(ApiWorld::request("GET", "/v1/events/stream?type=gate.*", "viewer", {},
                                           "Last-Event-ID: " + at(first, "/id") + "\r\n")));
  const auto resumed = again.read_until(second + "\n\n");
  EXPECT_NE(resumed.find("data: " + second), std::string::npos);
  EXPECT_EQ(resumed.find(first), std::string::npos);
}

TEST_F(ApiEvents, TheStreamCatchesUpOverManyTurns) {
  world.call("POST", "/v1/releases", "reporter", R"({"service":"gateway","version":"v1"})");
  for (int i = 0; i < 600; ++i) {
    ReportGate report;
    report.service = "gateway";
    report.version = "v1";
    report.gate = "unit-tests";
    report.summary = std::to_string(i);
    ASSERT_TRUE(world.run(report).has_value());
  }
  const auto records = world.stored();
  RawClient client(world.endpoint());
  ASSERT_TRUE(client.send(ApiWorld::request("GET", "/v1/events/stream?after=0", "admin")));
  for (std::size_t i = 1; i < records.size(); ++i) {
    const auto event = client.read_until("\n\n");
    if (i == 1) {  // the header and the greeting come first
      if (event.find("data: ") == std::string::npos) client.read_until("\n\n");
      continue;
    }
    ASSERT_NE(event.find(id_line(records[i])), std::string::npos) << i << ": " << event;
  }
}

TEST_F(ApiEvents, TheStreamEndsWithItsToken) {
  RawClient client(world.endpoint());
  ASSERT_TRUE(client.send(ApiWorld::request("GET", "/v1/events/stream", "viewer")));
  ASSERT_FALSE(client.read_until("retry: 1000\n\n").empty());
  ASSERT_EQ(world.call("DELETE", "/v1/tokens/" + *world.people->token_id("viewer")).status, 200);
  world.call("POST", "/v1/releases", "reporter", R"({"service":"gateway","version":"v1"})");
  const auto rest = client.read_until("0\r\n\r\n");
  EXPECT_FALSE(rest.empty());
  EXPECT_EQ(rest.find("release.registered"), std::string::npos);
}

TEST_F(ApiEvents, StreamsRefuseWhatTheyCannotDo) {
  EXPECT_EQ(world.call("GET", "/v1/events/stream?to=2030-01-01T00:00:00Z").status, 400);
  EXPECT_EQ(world.call("GET", "/v1/events/stream?order=desc").status, 400);
  EXPECT_EQ(world.call("GET", "/v1/events/stream", "admin", {}, "Last-Event-ID: x\r\n").status, 400);
  // Of another log, or one that has lost its end: nothing is passed over in silence.
  EXPECT_EQ(world.call("GET", "/v1/events/stream", "admin", {}, "Last-Event-ID: 99999\r\n").status, 409);
  EXPECT_EQ(world.call("GET", "/v1/events/stream?after=99999").status, 409);
}

TEST(ApiEventLimits, StreamsAreCounted) {
  ApiWorld world({.max_streams = 1});
  {
    RawClient client(world.endpoint());
    ASSERT_TRUE(client.send(ApiWorld::request("GET", "/v1/events/stream", "viewer")));
    ASSERT_FALSE(client.read_until("retry: 1000\n\n").empty());
    EXPECT_EQ(world.call("GET", "/v1/events/stream", "viewer").status, 503);
  }
  // The place is free again once the server has noticed.
  EXPECT_TRUE(eventually([&] {
    RawClient client(world.endpoint());
    EXPECT_TRUE(client.send(ApiWorld::request("GET", "/v1/events/stream", "viewer")));
    return client.read_until("\r\n").find("200") != std::string::npos;
  }));
}

// ------------------------------------------------------------------------------------------------------------ moments

TEST_F(ApiEvents, ReadsWaitForAPosition) {
  const auto end = world.log.size();
  RawClient waiting(world.endpoint());
  const auto path = fmt::format("/v1/targets?min_position={}", end);
  ASSERT_TRUE(waiting.send(ApiWorld::request("GET", path, "viewer")));
  ASSERT_EQ(world.call("POST", "/v1/releases", "reporter", R"({"service":"gateway","version":"v1"})").status, 201);
  const auto answer = waiting.read_answer();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 200);
  EXPECT_GE(std::stoull(answer->headers.at("headgate-position")), end);
  EXPECT_EQ(world.call("GET", "/v1/targets?min_position=soon").status, 400);
}

TEST(ApiEventLimits, AWaitForAPositionEnds) {
  ApiWorld world({.min_position_wait = std::chrono::milliseconds(20)});
  const auto answer = world.call("GET", fmt::format("/v1/targets?min_position={}", world.log.size() + 100));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.at("retry-after"), "1");
}

TEST_F(ApiEvents, TheStateAtAMomentIsThatOfThen) {
  world.release_to_staging("v1");
  const auto planned = at(world.call("GET", "/v1/promotions/gateway/staging/1"), "/planned_position");
  const auto then = world.call("GET", "/v1/state?at=" + planned);
  EXPECT_EQ(then.status, 200) << then.body;
  EXPECT_EQ(at(then, "/position"), planned);
  EXPECT_EQ(at(then, "/active_promotions"), "1");
  EXPECT_EQ(then.headers.at("headgate-position"), planned);
  const auto now = world.call("GET", "/v1/state?limit=1");
  EXPECT_EQ(at(now, "/active_promotions"), "0");
  EXPECT_EQ(at(now, "/targets/0/target"), "billing/staging");
  // The pages of a moment stay with it.
  world.release_to_staging("v2");
  const auto next = world.call("GET", "/v1/state?limit=5&cursor=" + at(now, "/next"));
  EXPECT_EQ(at(next, "/position"), at(now, "/position"));
  EXPECT_EQ(at(next, "/targets/1/current/version"), "v1");
  EXPECT_EQ(at(next, "/next"), "null");

  // By time: with everything up to and at that microsecond.
  const auto time = at(world.stored().at(std::stoul(planned)), "/time");
  EXPECT_EQ(at(world.call("GET", "/v1/state?at=" + time), "/active_promotions"), "1");
  EXPECT_EQ(world.call("GET", "/v1/state?at=1999-01-01T00:00:00Z").status, 404);
  EXPECT_EQ(world.call("GET", "/v1/state?at=2999-01-01T00:00:00Z").status, 404);
  EXPECT_EQ(world.call("GET", "/v1/state?at=noon").status, 400);
  EXPECT_EQ(world.call("GET", fmt::format("/v1/state?at={}", world.log.size())).status, 404);
  EXPECT_EQ(world.call("GET", "/v1/state?at=3&cursor=" + at(now, "/next")).status, 400);
}

}  // namespace
}  // namespace headgate::api::test
