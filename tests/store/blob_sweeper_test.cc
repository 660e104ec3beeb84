// Blobs expire by the retention of the environments whose events name them, in virtual time.
#include "store/blob_sweeper.h"

#include <gtest/gtest.h>

#include <fstream>

#include "engine/base/digest.h"
#include "store/memory_log.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

using std::chrono::days;
using std::chrono::hours;

const Timestamp kBegin = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20);

struct FixedState final : StateView {
  State state;
  void with_state(const std::function<void(const State&)>& read) const override { read(state); }
};

class BlobSweeperTest : public ::testing::Test {
 protected:
  BlobSweeperTest() { open(); }

  void open() {
    blobs = *BlobStore::open(dir / "blobs");
    sweeper.emplace(*blobs, log, view, limits);
  }
  void environment(const std::string& name, std::optional<Duration> retention) {
    Environment environment;
    environment.name = name;
    environment.blob_retention = retention;
    view.state.environments[name].document = environment;
  }
  void service(const std::string& name, const std::vector<std::string>& environments) {
    Service service;
    service.name = name;
    for (const auto& at : environments) {
      service.stages.emplace_back();
      service.stages.back().environment = at;
    }
    view.state.services[name].document.emplace().document = service;
  }
  std::string put(const std::string& bytes, Timestamp at) {
    const auto digest = blobs->put(bytes, "text/plain")->digest;
    set_time(digest, at);
    return digest;
  }
  std::filesystem::path file_of(const std::string& digest) const {
    return dir / "blobs" / digest.substr(7, 2) / digest.substr(9);
  }
  void set_time(const std::string& digest, Timestamp at) const {
    std::filesystem::last_write_time(file_of(digest), std::chrono::file_clock::from_sys(at));
  }
  void append(Event event, Timestamp at) {
    Recorded<Event> record;
    record.meta.position = log.size();
    record.meta.time = at;
    record.meta.actor = "engine";
    record.event = std::move(event);
    HEADGATE_ASSERT_OK(log.append(log.size(), {&record, 1}));
  }
  void fail_activity(const std::string& target_environment, const std::string& output, Timestamp at) {
    ActivityFailed failed;
    failed.id = {{{"gateway", target_environment}, 1}, "deploy"};
    failed.output = output;
    append(failed, at);
  }
  void report(const std::string& of, const std::string& blob, Timestamp at) {
    append(GateReported{{of}, "9f", "", "scan", GateStatus::passed, {}, "", "", blob, {}}, at);
  }
  BlobSweeper::Swept sweep(Timestamp now) {
    auto swept = sweeper->sweep(now);
    if (!swept) throw std::runtime_error(swept.error().message);
    return *swept;
  }
  bool there(const std::string& digest) const { return blobs->get(digest).has_value(); }

  const TempDir dir;
  MemoryLog log{"test.example.com"};
  FixedState view;
  BlobSweeper::Limits limits;
  std::unique_ptr<BlobStore> blobs;
  std::optional<BlobSweeper> sweeper;
};

TEST_F(BlobSweeperTest, ABlobGoesWhenTheRetentionOfItsEnvironmentHasPassed) {
  environment("staging", days(7));
  environment("production", std::nullopt);
  const auto gone = put("gone", kBegin);
  const auto kept = put("kept", kBegin);
  fail_activity("staging", gone, kBegin);
  fail_activity("production", kept, kBegin);
  EXPECT_EQ(sweep(kBegin + days(7) - hours(1)).expired, 0U);
  EXPECT_FALSE(blobs->expired(gone));
  const auto now = kBegin + days(7);
  const auto swept = sweep(now);
  EXPECT_TRUE(swept.caught_up);
  EXPECT_EQ(swept.looked_at, 2U);
  EXPECT_EQ(swept.expired, 1U);
  EXPECT_EQ(blobs->get(gone).error().code, ErrorCode::not_found);
  EXPECT_EQ(blobs->expired(gone), now);
  EXPECT_TRUE(there(kept));
  EXPECT_FALSE(blobs->expired(kept));
  EXPECT_FALSE(blobs->expired("sha256:" + std::string(64, '0')));  // never stored
  EXPECT_EQ(sweep(now + days(3650)).expired, 0U);
}

TEST_F(BlobSweeperTest, EveryEventThatNamesItMustBePast) {
  environment("staging", days(7));
  environment("production", days(30));
  const auto shared = put("the same output", kBegin);
  fail_activity("staging", shared, kBegin);
  fail_activity("production", shared, kBegin + days(1));
  fail_activity("staging", shared, kBegin + days(28));
  EXPECT_EQ(sweep(kBegin + days(31)).expired, 0U);  // staging named it again
  EXPECT_EQ(sweep(kBegin + days(35) - hours(1)).expired, 0U);
  EXPECT_EQ(sweep(kBegin + days(35)).expired, 1U);
}

TEST_F(BlobSweeperTest, AReportStaysAsLongAsTheLongestStage) {
  environment("staging", days(7));
  environment("production", days(30));
  environment("archive", std::nullopt);
  service("gateway", {"staging", "production"});
  service("ledger", {"staging", "archive"});
  const auto gateway = put("gateway", kBegin);
  const auto ledger = put("ledger", kBegin);
  const auto unknown = put("unknown", kBegin);
  report("gateway", gateway, kBegin);
  report("ledger", ledger, kBegin);
  report("a-service-that-went", unknown, kBegin);
  EXPECT_EQ(sweep(kBegin + days(30) - hours(1)).expired, 0U);
  EXPECT_EQ(sweep(kBegin + days(30)).expired, 1U);
  EXPECT_FALSE(there(gateway));
  EXPECT_EQ(sweep(kBegin + days(3650)).expired, 0U);
  EXPECT_TRUE(there(ledger));
  EXPECT_TRUE(there(unknown));
}

TEST_F(BlobSweeperTest, WhatNoEventNamesStaysAsLongAsTheLongestEnvironment) {
  const auto orphan = put("nobody reported it", kBegin);
  EXPECT_EQ(sweep(kBegin + days(3650)).expired, 0U);  // no environment at all
  environment("staging", days(7));
  environment("production", days(30));
  EXPECT_EQ(sweep(kBegin + days(30) - hours(1)).expired, 0U);
  EXPECT_EQ(sweep(kBegin + days(30)).expired, 1U);
  EXPECT_FALSE(there(orphan));
}

TEST_F(BlobSweeperTest, WhatWasStoredAgainStaysForADayAndThenByItsEvents) {
  environment("staging", days(7));
  const auto blob = put("output", kBegin);
  fail_activity("staging", blob, kBegin);
  const auto later = kBegin + days(10);
  put("output", later);  // somebody is about to name it
  EXPECT_EQ(sweep(later + hours(23)).expired, 0U);
  fail_activity("staging", blob, later + hours(23));
  EXPECT_EQ(sweep(later + days(2)).expired, 0U);
  EXPECT_EQ(sweep(later + days(9)).expired, 1U);
  EXPECT_TRUE(blobs->expired(blob));
  EXPECT_EQ(blobs->put("output", "")->digest, blob);
  EXPECT_TRUE(there(blob));
  EXPECT_FALSE(blobs->expired(blob));
}

TEST_F(BlobSweeperTest, StoringTheSameBytesMovesTheirTime) {
  const Timestamp long_ago = std::chrono::sys_days(std::chrono::year(2001) / 1 / 1);  // by the host's clock, too
  const auto blob = put("output", long_ago);
  const auto digest = *parse_digest(blob);
  EXPECT_EQ(*blobs->stored_at(digest), long_ago);
  HEADGATE_ASSERT_OK(blobs->put("output", ""));
  EXPECT_GT(*blobs->stored_at(digest), long_ago);
  EXPECT_FALSE(*blobs->remove(digest, long_ago));  // it was stored again since the look
  EXPECT_TRUE(there(blob));
}

TEST_F(BlobSweeperTest, EachSweepDoesABoundedPartAndARestartGoesOn) {
  limits = {.namings = 500, .files = 1};
  open();
  environment("staging", days(7));
  std::vector<std::string> all;
  for (int i = 0; i < 1'200; ++i) {
    if (i % 60 == 0) all.push_back(put("output " + std::to_string(i), kBegin));
    fail_activity("staging", all.back(), kBegin);
  }
  const auto now = kBegin + days(8);
  EXPECT_FALSE(sweep(now).caught_up);
  open();
  EXPECT_FALSE(sweep(now).caught_up);
  std::size_t expired = 0;
  for (int i = 0; i < 256 && expired < all.size(); ++i) {
    open();
    const auto swept = sweep(now);
    EXPECT_TRUE(swept.caught_up);
    EXPECT_LE(swept.looked_at, 4U);  // a folder at a time
    expired += swept.expired;
  }
  EXPECT_EQ(expired, all.size());
}

TEST_F(BlobSweeperTest, ALostFolderOfNamesIsMadeAnew) {
  environment("production", std::nullopt);
  environment("staging", days(1));
  const auto kept = put("kept", kBegin);
  fail_activity("production", kept, kBegin);
  sweep(kBegin);
  std::filesystem::remove_all(dir / "blobs-named");
  open();
  EXPECT_EQ(sweep(kBegin + days(3650)).expired, 0U);
  EXPECT_TRUE(there(kept));
}

TEST_F(BlobSweeperTest, ADamagedNameKeepsItsBlobAndIsNamed) {
  environment("staging", days(1));
  const auto blob = put("kept", kBegin);
  const auto other = put("other", kBegin);
  fail_activity("staging", blob, kBegin);
  fail_activity("staging", other, kBegin);
  sweep(kBegin);
  const auto path = dir / "blobs-named" / blob.substr(7, 2) / blob.substr(9);
  std::ofstream(path) << "{";
  const auto swept = sweep(kBegin + days(2));
  ASSERT_EQ(swept.problems.size(), 1U);
  EXPECT_NE(swept.problems[0].message.find(path.string()), std::string::npos);
  EXPECT_TRUE(there(blob));
  EXPECT_FALSE(there(other));
}

}  // namespace
}  // namespace headgate::store
