// What `headgate log repair` mends, and what it leaves alone.
#include "store/log_repair.h"

#include <gtest/gtest.h>

#include "store/log_import.h"
#include "store/snapshot_store.h"
#include "tests/store/damaged_log.h"
#include "tests/store/fault_filesystem.h"
#include "tests/torture.h"

namespace headgate::store {
namespace {

using Family = RocksDbStore::Family;

constexpr const char* kWhole = "612 records, whole";

void expect_mended(const DamagedLog& log, std::uint64_t damaged_tiles) {
  ASSERT_NE(log.outcome(), kWhole) << "there was nothing to mend";
  const auto repair = repair_log(log.dir.path(), {});
  HEADGATE_ASSERT_OK(repair);
  EXPECT_EQ(repair->records, kDamagedRecords);
  EXPECT_EQ(repair->tiles, 2U);
  EXPECT_EQ(repair->damaged_tiles, damaged_tiles);
  EXPECT_EQ(log.outcome(), kWhole);
  // It goes on where it was.
  const auto again = log.open(false);
  HEADGATE_ASSERT_OK(again);
  EXPECT_EQ(*(*again)->root(kDamagedRecords), repair->root);
  EventQuery query{.filter = {.service = "ledger"}, .limit = 10'000};
  const auto page = (*again)->query(query);
  HEADGATE_ASSERT_OK(page);
  const auto expected = std::ranges::count_if(
      DamagedLog::records(), [](const auto& text) { return text.find(R"("service":"ledger")") != std::string::npos; });
  EXPECT_EQ(page->records.size(), static_cast<std::size_t>(expected));
}

void expect_refused(const DamagedLog& log, const std::string& message) {
  const auto before = log.database();
  const auto repair = repair_log(log.dir.path(), {});
  ASSERT_FALSE(repair.has_value());
  EXPECT_EQ(repair.error().code, ErrorCode::corrupt);
  EXPECT_NE(repair.error().message.find(message), std::string::npos) << repair.error().message;
  EXPECT_NE(repair.error().message.find("backup"), std::string::npos) << repair.error().message;
  EXPECT_EQ(log.database(), before) << "a refused repair changed something";
}

TEST(LogRepair, ATileThatWasAlteredOrIsGone) {
  for (const std::string tile : {"", "short", "whole but wrong"}) {
    SCOPED_TRACE(tile);
    const DamagedLog log;
    auto bytes = tile;
    if (tile.starts_with("whole")) bytes.resize(kTileBytes);
    log.put(Family::tree, tile_key({0, 1}), bytes);
    expect_mended(log, 1);
  }
}

TEST(LogRepair, AnIndexThatLiesOrClaimsTooMuch) {
  {
    const DamagedLog log;
    log.put(Family::index, std::string("\1\0\7nothing", 10) + event_key(3), "");
    expect_mended(log, 0);
  }
  const DamagedLog log;
  log.put(Family::meta, "index", "613");
  expect_mended(log, 0);
}

TEST(LogRepair, TablesThatHaveGrown) {
  for (const std::string family : {"tree", "index"}) {
    SCOPED_TRACE(family);
    const DamagedLog log;
    DamagedLog::grow(log.table(family));
    expect_mended(log, 0);
  }
  for (const std::string family : {"events", "meta"}) {
    SCOPED_TRACE(family);
    const DamagedLog log;
    DamagedLog::grow(log.table(family));
    expect_refused(log, "Sst file size mismatch");
  }
}

TEST(LogRepair, TablesOfTreeAndIndexThatAreDamagedOrMissing) {
  for (const std::string family : {"tree", "index"}) {
    SCOPED_TRACE(family);
    const DamagedLog flipped;
    DamagedLog::flip(flipped.table(family), 20);
    expect_mended(flipped, family == "tree" ? 1 : 0);  // a tile is a block
    const DamagedLog missing;
    std::filesystem::remove(missing.table(family));
    expect_mended(missing, family == "tree" ? 2 : 0);
  }
}

// A repair, cut off at changes of files here and there: the next one ends it.
TEST(LogRepair, ARepairThatIsCutOffIsDoneAgain) {
  std::mt19937_64 chance(torture_seed("repairs"));
  bool whole = false;
  for (std::int64_t changes = 0; !whole && !testing::Test::HasFailure();
       changes += 1 + static_cast<std::int64_t>(chance() % 20)) {
    SCOPED_TRACE("power for " + std::to_string(changes) + " changes");
    ASSERT_LT(changes, 1'000);
    const DamagedLog log;
    log.put(Family::tree, tile_key({0, 1}), "short");
    const auto files = std::make_shared<FaultFileSystem>();
    files->power_for = changes;
    whole = repair_log(log.dir.path(), {}, files).has_value() && files->has_power();
    files->lose_unsynced(chance);
    const auto repair = repair_log(log.dir.path(), {});
    HEADGATE_ASSERT_OK(repair);
    EXPECT_EQ(repair->records, kDamagedRecords);
    ASSERT_EQ(log.outcome(), kWhole);
  }
}

TEST(LogRepair, SnapshotsThatAreDamagedAreDropped) {
  const DamagedLog log;
  auto snapshots = SnapshotStore::open(log.dir / "snapshots");
  HEADGATE_ASSERT_OK(snapshots);
  State state;
  for (const Position position : {100, 200, 300}) {
    state.next = position;
    const auto root = (*log.open())->root(position == 200 ? 100 : position);  // that of 200 is of another history
    HEADGATE_ASSERT_OK(snapshots->save(state, *root));
  }
  DamagedLog::flip(log.dir / "snapshots" / "300.snap", 130);
  const auto repair = repair_log(log.dir.path(), {});
  HEADGATE_ASSERT_OK(repair);
  EXPECT_EQ(repair->dropped_snapshots, (std::vector<std::string>{"300.snap", "200.snap"}));
  EXPECT_EQ(snapshots->positions(), std::vector<Position>{100});
}

// The last batch of what was answered, before its mark: flipped in the write-ahead log alone.
struct FlippedLastBatch : DamagedLog {
  std::filesystem::path wal = file(".log");
  std::string bytes;  // of it, damaged

  FlippedLastBatch() {
    const Mark mark{610, *(*open())->root(610)};
    std::filesystem::remove(dir / "watermark");
    EXPECT_TRUE(WatermarkFile::create(dir / "watermark", mark).has_value());
    flip(wal, read_file(wal, 64 << 20)->rfind(R"("specversion":"1.0","id":"611")"));
    bytes = *read_file(wal, 64 << 20);
  }
};

TEST(LogRepair, WhatStandsBehindADamagedWriteAheadLogIsDroppedAndTold) {
  const FlippedLastBatch log;
  const auto before = log.database();
  const auto opened = log.open(false);
  HEADGATE_EXPECT_ERROR(opened, ErrorCode::corrupt);
  EXPECT_NE(opened.error().message.find("headgate log repair"), std::string::npos) << opened.error().message;
  EXPECT_EQ(log.database(), before);
  const auto repair = repair_log(log.dir.path(), {});
  HEADGATE_ASSERT_OK(repair);
  EXPECT_NE(repair->found.find("cannot read the write-ahead log"), std::string::npos) << repair->found;
  EXPECT_EQ(repair->records, 610U);
  const auto copy = log.dir / "damaged" / log.wal.filename();
  EXPECT_EQ(repair->damaged_wal, std::vector<std::string>{copy.string()});
  EXPECT_EQ(*read_file(copy, 64 << 20), log.bytes);
  EXPECT_EQ(log.outcome(), "610 records, whole");
  // It is dropped: there is nothing to tell any more.
  const auto again = repair_log(log.dir.path(), {});
  HEADGATE_ASSERT_OK(again);
  EXPECT_TRUE(again->damaged_wal.empty());
}

TEST(LogRepair, WhatARepairDroppedThatWasCutOffTheNextOneTells) {
  const FlippedLastBatch log;
  HEADGATE_ASSERT_OK(repair_log(log.dir.path(), {}));
  // As a repair leaves it that was killed after the write-ahead log was dropped.
  const auto copy = (log.dir / "damaged" / log.wal.filename()).string();
  HEADGATE_ASSERT_OK(write_file_durably(log.dir / "damaged" / "untold", copy + "\n", 0600));
  const auto next = repair_log(log.dir.path(), {});
  HEADGATE_ASSERT_OK(next);
  EXPECT_EQ(next->damaged_wal, std::vector<std::string>{copy});
  const auto last = repair_log(log.dir.path(), {});
  HEADGATE_ASSERT_OK(last);
  EXPECT_TRUE(last->damaged_wal.empty());
}

TEST(LogRepair, WithoutRoomForACopyADamagedWriteAheadLogStays) {
  const FlippedLastBatch log;
  const auto before = log.database();
  write_plain(log.dir / "damaged", "a file where the copies go");
  EXPECT_FALSE(repair_log(log.dir.path(), {}).has_value());
  EXPECT_EQ(log.database(), before);
}

TEST(LogRepair, DamageOfTheWriteAheadLogBeforeTheWatermarkIsRefused) {
  const DamagedLog log;
  DamagedLog::flip(log.file(".log"), read_file(log.file(".log"), 64 << 20)->rfind(R"("specversion":"1.0","id":"605")"));
  expect_refused(log, "records 604 to 611 are missing");
  EXPECT_FALSE(std::filesystem::exists(log.dir / "damaged"));
}

// What is left of tree and index is said, and a second run ends it.
TEST(LogRepair, AFailureHalfwaySaysWhatMayBeGone) {
  const DamagedLog log;
  const auto files = std::make_shared<FaultFileSystem>();
  files->disk_full = true;
  const auto repair = repair_log(log.dir.path(), {}, files);
  HEADGATE_EXPECT_ERROR(repair, ErrorCode::io);
  EXPECT_NE(repair.error().message.find("tree and index may be dropped"), std::string::npos) << repair.error().message;
  HEADGATE_ASSERT_OK(repair_log(log.dir.path(), {}));
  EXPECT_EQ(log.outcome(), kWhole);
}

TEST(LogRepair, ItMayBeRepeated) {
  const DamagedLog log;
  HEADGATE_ASSERT_OK(repair_log(log.dir.path(), {}));
  const auto again = repair_log(log.dir.path(), {});
  HEADGATE_ASSERT_OK(again);
  EXPECT_EQ(again->damaged_tiles, 0U);
  EXPECT_EQ(log.outcome(), kWhole);
}

TEST(LogRepair, WhatAnInterruptedRepairLeftIsNotBelieved) {
  const DamagedLog log;
  // Its first step: the index counts for nothing, its blocks are still there.
  log.put(Family::meta, "index", "0");
  log.put(Family::index, std::string("\1\0\7nothing", 10) + event_key(3), "");
  {
    const auto opened = log.open(false);
    HEADGATE_ASSERT_OK(opened);
    HEADGATE_ASSERT_OK((*opened)->close());
  }
  EXPECT_EQ(log.outcome(), kWhole);
}

TEST(LogRepair, RecordsAreNeverMended) {
  {
    const DamagedLog log;
    log.put(Family::events, event_key(100), DamagedLog::altered(100));
    expect_refused(log, "record 100 is not the one that the tree was built over");
  }
  {
    const DamagedLog log;
    log.put(Family::events, event_key(7), "{}");
    expect_refused(log, "record 7");
  }
}

TEST(LogRepair, ARecordOfAnotherSourceIsNamed) {
  const DamagedLog log;
  Recorded<Event> record;
  record.meta.position = kDamagedRecords;
  record.meta.time = DamagedLog::events().back().meta.time;
  record.event = EngineStarted{"1"};
  std::string bytes;
  encode(bytes, "stranger.example.com", record);
  {
    const auto import = LogImport::open(log.dir.path(), {});
    HEADGATE_ASSERT_OK(import);
    HEADGATE_ASSERT_OK((*import)->append(std::string_view(bytes)));
    HEADGATE_ASSERT_OK((*import)->finish());
  }
  expect_refused(log, "record 612 is of the source stranger.example.com/log");
}

TEST(LogRepair, RecordsThatAreMissingAreNamed) {
  {
    const DamagedLog log;
    {
      const auto store = RocksDbStore::open({log.dir / "db"});
      ASSERT_TRUE((*store)->db().Delete({}, (*store)->family(Family::events), event_key(300)).ok());
    }
    expect_refused(log, "record 300 of the log is missing");
  }
  {
    const DamagedLog log;
    std::filesystem::remove(log.table("events"));
    expect_refused(log, "");
  }
  {
    const DamagedLog log;
    std::filesystem::remove(log.file(".log"));
    expect_refused(log, "records 600 to 611 are missing");
  }
  {
    const DamagedLog log;
    DamagedLog::flip(log.table("events"), 20);
    expect_refused(log, "cannot read record 0 of the log");
  }
}

// Whether the damaged sector was the newer one nobody knows: whoever runs the repair takes the other one's word.
TEST(LogRepair, ADamagedSectorOfTheWatermarkOfALogThatEndsThere) {
  const DamagedLog log;
  const auto path = log.dir / "watermark";
  const Mark mark{kDamagedRecords, *(*log.open())->root(kDamagedRecords)};
  std::filesystem::remove(path);
  HEADGATE_ASSERT_OK(WatermarkFile::create(path, mark));
  DamagedLog::flip(path, 4096 + 17);
  EXPECT_NE(log.outcome().find("one of the two sectors of the watermark"), std::string::npos) << log.outcome();
  expect_mended(log, 0);
  EXPECT_FALSE(WatermarkFile::open(path)->other_sector_damaged());
}

// The records are whole there, and nothing says so: what is damaged is named.
TEST(LogRepair, ADamagedTableOfTheLogsOwnNameIsNamed) {
  const DamagedLog log;
  DamagedLog::flip(log.table("meta"), 5);
  expect_refused(log, "the table that says what log this is ('meta') cannot be read");
  const DamagedLog gone;
  std::filesystem::remove(gone.table("meta"));
  expect_refused(gone, "the table that says what log this is ('meta') cannot be read");
}

TEST(LogRepair, WithoutAWatermarkNothingIsKnown) {
  const DamagedLog log;
  std::filesystem::remove(log.dir / "watermark");
  expect_refused(log, "watermark is missing");
  const TempDir empty;
  HEADGATE_EXPECT_ERROR(repair_log(empty.path(), {}), ErrorCode::not_found);
}

}  // namespace
}  // namespace headgate::store
