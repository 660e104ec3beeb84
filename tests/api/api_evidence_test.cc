// GET /v1/evidence up to the door behind which the zip is made.
#include <fmt/format.h>

#include <future>

#include "tests/api/api_world.h"

namespace headgate::api::test {
namespace {

class ApiEvidence : public ::testing::Test {
 protected:
  void SetUp() override {
    world.evidence = [this](std::span<const StoredRecord> records, const StoredRecord& exported) {
      given.assign(records.begin(), records.end());
      export_record = exported;
      return Result<std::string>("a zip");
    };
  }

  ApiWorld world;
  std::vector<StoredRecord> given;
  StoredRecord export_record;
};

TEST_F(ApiEvidence, TheExportIsARecordBeforeTheBundleIsMade) {
  world.release_to_staging("v1");
  const auto size = world.log.size();
  auto answer = world.call(
      "GET", "/v1/evidence?type=dev.headgate.gate.*&service=gateway&from=2020-01-01T01:00:00%2B01:00", "auditor");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, "a zip");
  EXPECT_EQ(answer.headers["content-type"], "application/zip");
  EXPECT_EQ(answer.headers["content-disposition"], fmt::format("attachment; filename=\"evidence-{}.zip\"", size));
  const auto stored = world.stored();
  ASSERT_FALSE(given.empty());
  for (const auto& record : given) {
    EXPECT_EQ(record.bytes, stored[record.position]);
    EXPECT_EQ(at(record.bytes, "/type"), "dev.headgate.gate.reported.v2");
  }
  EXPECT_EQ(given.size(), world.stored("gate.reported").size());
  EXPECT_EQ(export_record.position, size);
  EXPECT_EQ(export_record.bytes, stored[size]);
  EXPECT_EQ(at(export_record.bytes, "/type"), "dev.headgate.audit.exported.v1");
  EXPECT_EQ(at(export_record.bytes, "/data/kind"), "evidence");
  EXPECT_EQ(at(export_record.bytes, "/data/filter"), "type=gate.*&service=gateway&from=2020-01-01T00:00:00.000000Z");
  EXPECT_EQ(at(export_record.bytes, "/data/records"), std::to_string(given.size()));
  EXPECT_EQ(at(export_record.bytes, "/data/size"), std::to_string(size));
}

TEST_F(ApiEvidence, AFilterIsWrittenSoThatItReadsBack) {
  ASSERT_EQ(world.call("GET", "/v1/evidence?correlation=a%26service%3Db%20%25%C3%A9", "auditor").status, 200);
  EXPECT_EQ(at(export_record.bytes, "/data/filter"), "correlation=a%26service%3Db%20%25%C3%A9");
  EXPECT_TRUE(given.empty());
}

TEST_F(ApiEvidence, ATypeAsItStandsInARecordIsTheTypeInAnyVersion) {
  world.release_to_staging("v1");
  const auto reports = world.stored("gate.reported").size();
  ASSERT_GT(reports, 0U);
  for (const auto* type : {"dev.headgate.gate.reported.v2", "gate.reported.v1", "gate.reported"}) {
    ASSERT_EQ(world.call("GET", fmt::format("/v1/evidence?type={}", type), "auditor").status, 200);
    EXPECT_EQ(given.size(), reports) << type;
    EXPECT_EQ(at(export_record.bytes, "/data/filter"), "type=gate.reported");
  }
}

TEST_F(ApiEvidence, WhoeverMaySeeAPartGetsNoBundleThatCallsItselfWhole) {
  world.release_to_staging("v1");
  const auto refused = world.call("GET", "/v1/evidence?service=billing", "erin");
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_NE(at(refused, "/detail").find("for every service and environment"), std::string::npos) << refused.body;
  EXPECT_TRUE(world.stored("audit.exported").empty());
  EXPECT_EQ(world.call("GET", "/v1/events?service=billing", "erin", {}, "Accept: application/x-ndjson\r\n").status,
            200);
}

TEST_F(ApiEvidence, TooManyRecordsAreRefusedBeforeAnythingIsRecorded) {
  std::promise<void> last;
  constexpr int reports = 10'001;
  for (int i = 0; i < reports; ++i) {
    Submission submission;
    submission.command = ReportGate{.service = "gateway",
                                    .commit = std::string(40, 'a'),
                                    .version = {},
                                    .gate = "unit-tests",
                                    .status = GateStatus::passed,
                                    .metrics = {},
                                    .url = {},
                                    .summary = {},
                                    .report = {}};
    const auto done = [&last, i](Result<Receipt> receipt) {
      EXPECT_TRUE(receipt.has_value()) << receipt.error().message;
      if (i == reports - 1) last.set_value();
    };
    while (!world.engine->submit(submission, done)) std::this_thread::yield();
  }
  last.get_future().wait();
  const auto refused = world.call("GET", "/v1/evidence?service=gateway", "auditor");
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_NE(at(refused, "/detail").find("more than 10000 records"), std::string::npos) << refused.body;
  EXPECT_NE(at(refused, "/detail").find("narrow the filter"), std::string::npos);
  EXPECT_TRUE(world.stored("audit.exported").empty());
  EXPECT_EQ(world.call("GET", "/v1/evidence?type=token.created", "auditor").status, 200);
}

TEST_F(ApiEvidence, OneIsMadeAtATime) {
  std::promise<void> begun, go_on;
  auto gate = go_on.get_future().share();
  world.evidence = [&begun, gate](auto, const auto&) -> Result<std::string> {
    begun.set_value();
    gate.wait();
    return "a zip";
  };
  auto first = std::async(std::launch::async, [this] { return world.call("GET", "/v1/evidence", "auditor"); });
  begun.get_future().wait();
  const auto second = world.call("GET", "/v1/evidence", "auditor");
  EXPECT_EQ(second.status, 503) << second.body;
  go_on.set_value();
  EXPECT_EQ(first.get().status, 200);
  world.evidence = [](auto, const auto&) -> Result<std::string> { return fail(ErrorCode::unavailable, "not yet"); };
  EXPECT_EQ(world.call("GET", "/v1/evidence", "auditor").status, 503);
  world.evidence = [](auto, const auto&) -> Result<std::string> { return "another"; };
  EXPECT_EQ(world.call("GET", "/v1/evidence", "auditor").body, "another");
}

}  // namespace
}  // namespace headgate::api::test
