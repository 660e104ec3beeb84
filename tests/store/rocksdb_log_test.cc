// What the log on disk promises beside the contract: it comes back, or says why not.
#include "store/rocksdb_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <thread>

#include "engine/base/digest.h"
#include "store/event_filter.h"
#include "store/rocksdb_store.h"
#include "tests/store/fault_filesystem.h"
#include "tests/store/log_events.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

using ::testing::HasSubstr;
using Family = RocksDbStore::Family;

constexpr const char* kOrigin = "headgate.example.com";

class RocksDbLogTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<RocksDbLog>> try_open(bool read_only = false) {
    auto options = options_;
    options.dir = dir_.path();
    options.read_only = read_only;
    return RocksDbLog::open(std::move(options));
  }
  std::unique_ptr<RocksDbLog> open(bool read_only = false) {
    auto log = try_open(read_only);
    if (!log) throw std::runtime_error(log.error().message);
    return std::move(*log);
  }
  Result<Appended> append(RocksDbLog& log, std::size_t count) {
    const auto events = some_events(random_, log.size(), time_, count);
    time_ = events.back().meta.time;
    auto appended = log.append(log.size(), events);
    if (appended) std::ranges::copy(events, std::back_inserter(all_));
    return appended;
  }
  // The database itself, while no log is open.
  std::unique_ptr<RocksDbStore> database() {
    auto store = RocksDbStore::open({dir_ / "db"});
    if (!store) throw std::runtime_error(store.error().message);
    return std::move(*store);
  }
  void put(Family family, const std::string& key, const std::string& value) {
    const auto store = database();
    ASSERT_TRUE(store->db().Put({}, store->family(family), key, value).ok());
  }
  void expect_refused(ErrorCode code, const std::string& message, bool read_only = false) {
    const auto log = try_open(read_only);
    ASSERT_FALSE(log.has_value());
    EXPECT_EQ(log.error().code, code) << log.error().message;
    EXPECT_THAT(log.error().message, HasSubstr(message));
  }
  void expect_verify_refused(const std::string& message) {
    const auto verified = open(true)->verify({});
    ASSERT_FALSE(verified.has_value());
    EXPECT_EQ(verified.error().code, ErrorCode::corrupt);
    EXPECT_THAT(verified.error().message, HasSubstr(message));
  }

  TempDir dir_;
  RocksDbLog::Options options_{.dir = {}, .origin = kOrigin};
  std::mt19937_64 random_{3};
  Timestamp time_ = kLogBegin;
  std::vector<Recorded<Event>> all_;
};

TEST_F(RocksDbLogTest, ComesBackAsItWas) {
  Hash root;
  options_.index_flush_events = 100;
  {
    const auto log = open();
    for (int i = 0; i < 40; ++i) HEADGATE_ASSERT_OK(append(*log, 33));
    root = *log->root(log->size());
    HEADGATE_ASSERT_OK(log->close());
  }
  for (const bool read_only : {false, true, false}) {
    const auto log = open(read_only);
    ASSERT_EQ(log->size(), 1'320U);
    EXPECT_EQ(*log->root(log->size()), root);
    std::vector<Recorded<Event>> folded;
    HEADGATE_ASSERT_OK(log->fold(0, log->size(), [&](const auto& record) { folded.push_back(record); }));
    EXPECT_TRUE(folded == all_);
    EventQuery query{.filter = {.type = "rollback.*", .service = "ledger"}, .limit = 10'000};
    std::vector<Position> expected;
    for (const auto& record : all_) {
      if (matches(query.filter, record)) expected.push_back(record.meta.position);
    }
    std::vector<Position> found;
    const auto page = log->query(query);
    HEADGATE_ASSERT_OK(page);
    for (const auto& record : page->records) found.push_back(record.position);
    EXPECT_EQ(found, expected);
    HEADGATE_ASSERT_OK(log->verify({}));
  }
  const auto log = open();
  HEADGATE_ASSERT_OK(append(*log, 1));
  EXPECT_EQ(log->size(), 1'321U);
}

TEST_F(RocksDbLogTest, ReadingChangesNothing) {
  { HEADGATE_ASSERT_OK(append(*open(), 5)); }
  const auto log = open(true);
  const auto events = some_events(random_, 5, time_, 1);
  HEADGATE_EXPECT_ERROR(log->append(5, events), ErrorCode::conflict);
  EXPECT_EQ(log->size(), 5U);
  EXPECT_EQ(log->mark().size, 5U);
  EXPECT_EQ(log->query({})->records.size(), 5U);
}

TEST_F(RocksDbLogTest, NothingToReadIsNotFound) {
  expect_refused(ErrorCode::not_found, "there is no log", true);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "watermark"));
}

TEST_F(RocksDbLogTest, ASecondOneIsRefused) {
  const auto log = open();
  expect_refused(ErrorCode::unavailable, "lock");
}

TEST_F(RocksDbLogTest, AnotherOriginOrFormatIsRefused) {
  { HEADGATE_ASSERT_OK(append(*open(), 5)); }
  options_.origin = "other.example.com";
  expect_refused(ErrorCode::invalid_input, "has the origin 'headgate.example.com', 'other.example.com' was expected");
  options_.origin = "";
  EXPECT_EQ(open()->origin(), kOrigin);
  {
    const auto store = database();
    HEADGATE_ASSERT_OK(store->put_meta({{"format", "2"}}));
  }
  expect_refused(ErrorCode::conflict, "is of format 2, this version of Headgate reads format 1");
  expect_refused(ErrorCode::conflict, "is of format 2", true);
}

TEST_F(RocksDbLogTest, AForeignDatabaseIsRefusedAndLeftAlone) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  std::filesystem::create_directory(dir_ / "db");
  {
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    ASSERT_TRUE(rocksdb::DB::Open(options, dir_ / "db", {{rocksdb::kDefaultColumnFamilyName, {}}, {"theirs", {}}},
                                  &handles, &db)
                    .ok());
    for (auto* handle : handles) ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
    delete db;
  }
  expect_refused(ErrorCode::conflict, "not a log of Headgate");
  std::vector<std::string> families;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, dir_ / "db", &families).ok());
  EXPECT_THAT(families, ::testing::UnorderedElementsAre("default", "theirs"));
}

TEST_F(RocksDbLogTest, ALogThatLostRecordsIsRefused) {
  { HEADGATE_ASSERT_OK(append(*open(), 300)); }
  std::filesystem::remove_all(dir_ / "db");
  expect_refused(ErrorCode::corrupt, "300 records were durable: records 0 to 299 are missing");
}

TEST_F(RocksDbLogTest, ALogWithoutItsWatermarkIsRefused) {
  { HEADGATE_ASSERT_OK(append(*open(), 3)); }
  std::filesystem::remove(dir_ / "watermark");
  expect_refused(ErrorCode::corrupt, "watermark is missing");
}

TEST_F(RocksDbLogTest, AnAlteredRecordShowsAtOpenOrInVerify) {
  { HEADGATE_ASSERT_OK(append(*open(), 600)); }
  std::string text;
  const auto altered = [&](Position position) {
    auto record = all_[position];
    record.meta.actor = "person:forged";
    text.clear();
    encode(text, kOrigin, record);
    return text;
  };
  // Of the unfinished tile: its hash is computed at open.
  std::string original;
  encode(original, kOrigin, all_[599]);
  put(Family::events, event_key(599), altered(599));
  expect_refused(ErrorCode::corrupt, "records or tiles were altered");
  put(Family::events, event_key(599), original);
  // Below a stored tile: verify reads every record.
  put(Family::events, event_key(100), altered(100));
  expect_verify_refused("tile 0/0 is not the one of its records");
}

TEST_F(RocksDbLogTest, VerifyNamesWhatIsWrong) {
  {
    const auto log = open();
    HEADGATE_ASSERT_OK(append(*log, 600));
    std::vector<Position> told;
    const auto verified = log->verify([&](Position done, Position all) {
      EXPECT_EQ(all, 600U);
      told.push_back(done);
    });
    HEADGATE_ASSERT_OK(verified);
    EXPECT_EQ(verified->records, 600U);
    EXPECT_EQ(verified->tiles, 2U);
    EXPECT_EQ(verified->root, *log->root(600));
    EXPECT_GT(verified->bytes, 600U * 200U);
    EXPECT_THAT(told, ::testing::ElementsAre(0, 600));
  }
  const auto original = database()->get(Family::events, event_key(7));
  put(Family::events, event_key(7), "{}");
  expect_verify_refused("record 7: a record cannot be read");
  auto late = all_[7];
  late.meta.time = kLogBegin - Duration(1);
  std::string text;
  encode(text, kOrigin, late);
  put(Family::events, event_key(7), text);
  expect_verify_refused("record 7 is of");
  text.clear();
  encode(text, kOrigin, all_[8]);
  put(Family::events, event_key(7), text);
  expect_verify_refused("record 7 says that it is record 8");
  {
    const auto store = database();
    ASSERT_TRUE(store->db().Delete({}, store->family(Family::events), event_key(7)).ok());
  }
  expect_verify_refused("record 7 of the log is missing");
  put(Family::events, event_key(7), **original);
  HEADGATE_ASSERT_OK(open()->verify({}));
  const auto tile = **database()->get(Family::tree, tile_key({0, 1}));
  auto damaged = tile;
  damaged[100] = static_cast<char>(damaged[100] ^ 1);
  put(Family::tree, tile_key({0, 1}), damaged);
  expect_refused(ErrorCode::corrupt, "records or tiles were altered");
  put(Family::tree, tile_key({0, 1}), "short");
  expect_refused(ErrorCode::corrupt, "tile 0/1 of the log's tree is damaged");
}

TEST_F(RocksDbLogTest, TheWatermarkLagsByOneBatchAtMost) {
  const auto log = open();
  for (int i = 0; i < 50; ++i) {
    const auto before = log->size();
    HEADGATE_ASSERT_OK(append(*log, 3));
    const auto mark = log->mark();
    ASSERT_GE(mark.size, before);
    ASSERT_EQ(mark.root, *log->root(mark.size));
  }
}

TEST_F(RocksDbLogTest, AStrictAnswerWaitsForTheWatermark) {
  options_.durability = Durability::strict;
  const auto log = open();
  for (int i = 0; i < 20; ++i) {
    HEADGATE_ASSERT_OK(append(*log, 2));
    ASSERT_EQ(log->mark().size, log->size());
  }
}

TEST_F(RocksDbLogTest, ProofsLeadFromRecordsToTheCheckpoint) {
  auto key = SigningKey::generate(kOrigin);
  HEADGATE_ASSERT_OK(key);
  options_.key = *key;
  const auto log = open();
  HEADGATE_ASSERT_OK(append(*log, 1'000));
  const auto early = open_checkpoint(*log->checkpoint(), key->verifier());
  HEADGATE_ASSERT_OK(early);
  HEADGATE_ASSERT_OK(append(*log, 70'000));
  HEADGATE_ASSERT_OK(append(*log, 1));  // now the batch before is marked
  const auto note = log->sign_checkpoint_now();
  HEADGATE_ASSERT_OK(note);
  const auto checkpoint = open_checkpoint(*note, key->verifier());
  HEADGATE_ASSERT_OK(checkpoint);
  ASSERT_GE(checkpoint->size, 71'000U);
  for (const Position index : {Position{0}, Position{255}, Position{256}, Position{65'536}, checkpoint->size - 1}) {
    TlogProof proof{index, *log->inclusion_proof(index, checkpoint->size), *note};
    HEADGATE_ASSERT_OK(verify_tlog_proof(proof, log->read(index, 1)->at(0).bytes, key->verifier()));
  }
  HEADGATE_ASSERT_OK(verify_consistency(early->size, checkpoint->size, early->root, checkpoint->root,
                                        *log->consistency_proof(early->size, checkpoint->size)));
  HEADGATE_EXPECT_ERROR(log->inclusion_proof(71'001, 71'001), ErrorCode::invalid_input);

  // Tiles, whole and begun.
  EXPECT_EQ(log->tile({0, 3}, 256)->at(5), *log->leaf_hash(3 * 256 + 5));
  EXPECT_EQ(log->tile({0, 277}, 71'001 % 256)->back(), *log->leaf_hash(71'000));
  EXPECT_EQ(log->tile({2, 0}, 1)->size(), 1U);
  HEADGATE_EXPECT_ERROR(log->tile({0, 277}, 71'001 % 256 + 1), ErrorCode::not_found);
  HEADGATE_EXPECT_ERROR(log->tile({0, 278}, 1), ErrorCode::not_found);
  HEADGATE_EXPECT_ERROR(log->tile({2, 0}, 2), ErrorCode::not_found);
  HEADGATE_EXPECT_ERROR(log->tile({0, 0}, 0), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR(log->tile({8, 0}, 1), ErrorCode::invalid_input);
}

TEST_F(RocksDbLogTest, CheckpointsAreSignedOnceASecondAndWhenItStops) {
  auto key = SigningKey::generate(kOrigin);
  HEADGATE_ASSERT_OK(key);
  HEADGATE_EXPECT_ERROR(open()->checkpoint(), ErrorCode::unavailable);
  options_.key = *key;
  auto now = std::chrono::steady_clock::time_point(std::chrono::hours(1));
  options_.steady = [&now] { return now; };
  options_.durability = Durability::strict;  // a checkpoint reaches as far as the watermark
  const auto log = open();
  const auto first = log->checkpoint();
  HEADGATE_ASSERT_OK(append(*log, 3));
  now += std::chrono::milliseconds(999);
  EXPECT_EQ(*log->checkpoint(), *first);
  now += std::chrono::milliseconds(1);
  const auto second = log->checkpoint();
  EXPECT_NE(*second, *first);
  HEADGATE_ASSERT_OK(append(*log, 3));
  EXPECT_EQ(*log->checkpoint(), *second);
  EXPECT_NE(*log->sign_checkpoint_now(), *second);
  HEADGATE_ASSERT_OK(log->close());
  const auto last = open_checkpoint(*read_file(dir_ / "checkpoint", 10'000), key->verifier());
  HEADGATE_ASSERT_OK(last);
  EXPECT_EQ(last->size, 6U);
}

TEST_F(RocksDbLogTest, AFailedSyncEndsItUntilItIsOpenedAgain) {
  const auto faults = std::make_shared<FaultFileSystem>();
  options_.file_system = faults;
  Position acknowledged = 0;
  {
    const auto log = open();
    HEADGATE_ASSERT_OK(append(*log, 10));
    acknowledged = log->size();
    faults->fail_wal_syncs = 1;
    const auto failed = append(*log, 5);
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().code, ErrorCode::io);
    EXPECT_THAT(failed.error().message, HasSubstr("sync failed"));
    EXPECT_EQ(log->size(), acknowledged);
    // The disk is well again, but what it holds is unknown.
    HEADGATE_EXPECT_ERROR(append(*log, 1), ErrorCode::io);
  }
  const auto log = open();
  EXPECT_TRUE(log->size() == acknowledged || log->size() == acknowledged + 5) << log->size();
  HEADGATE_ASSERT_OK(log->verify({}));
  const auto events = some_events(random_, log->size(), time_ + std::chrono::hours(1), 1);
  HEADGATE_ASSERT_OK(log->append(log->size(), events));
}

TEST_F(RocksDbLogTest, AFullDiskLosesNothingAcknowledged) {
  const auto faults = std::make_shared<FaultFileSystem>();
  options_.file_system = faults;
  {
    const auto log = open();
    HEADGATE_ASSERT_OK(append(*log, 300));
    faults->disk_full = true;
    const auto failed = append(*log, 5);
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().code, ErrorCode::io);
    EXPECT_THAT(failed.error().message, HasSubstr("o space left"));
    EXPECT_EQ(log->read(0, 1'000)->size(), 300U);
  }
  EXPECT_FALSE(try_open().has_value()) << "a log that cannot be written was opened for writing";
  faults->disk_full = false;
  const auto log = open();
  EXPECT_EQ(log->size(), 300U);
  HEADGATE_ASSERT_OK(log->verify({}));
}

TEST_F(RocksDbLogTest, ATornWriteLeavesAWholePrefix) {
  const auto faults = std::make_shared<FaultFileSystem>();
  options_.file_system = faults;
  for (const std::int64_t torn : {0, 1, 6, 7, 100, 1'000, 2'000, 3'000}) {
    Position acknowledged = 0;
    {
      const auto log = open();
      HEADGATE_ASSERT_OK(append(*log, 2));
      acknowledged = log->size();
      faults->torn_after = torn;
      HEADGATE_EXPECT_ERROR(append(*log, 12), ErrorCode::io);
    }
    const auto log = open();
    ASSERT_EQ(log->size(), acknowledged) << torn;
    HEADGATE_ASSERT_OK(log->verify({}));
    time_ += std::chrono::hours(1);
  }
}

// A database as it was copied from a running one, whose write-ahead log then loses bytes or has them flipped.
class DamagedWal : public RocksDbLogTest {
 protected:
  void SetUp() override {
    const auto log = open();
    for (int i = 0; i < 6; ++i) HEADGATE_ASSERT_OK(append(*log, 2));
    HEADGATE_ASSERT_OK(log->close());
    early_mark_ = *read_file(dir_ / "watermark", 1 << 20);
    early_ = 12;
    const auto again = open();
    for (int i = 0; i < 6; ++i) HEADGATE_ASSERT_OK(append(*again, 2));
    // Not closed yet: the files are those of a running process.
    std::filesystem::copy(dir_.path(), copy_.path(),
                          std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
    for (const auto& entry : std::filesystem::directory_iterator(copy_ / "db")) {
      if (entry.path().extension() == ".log" && entry.file_size() > 0) wal_ = entry.path();
    }
    ASSERT_FALSE(wal_.empty());
    bytes_ = *read_file(wal_, 1 << 20);
    ASSERT_GT(bytes_.size(), 2'000U);
  }
  // How many records the log in the copy has; nullopt when it is refused, which must be for a reason it names.
  std::optional<Position> outcome() {
    const auto log = RocksDbLog::open({.dir = copy_.path(), .origin = kOrigin, .read_only = true});
    if (!log) {
      EXPECT_THAT(log.error().code, ::testing::AnyOf(ErrorCode::corrupt, ErrorCode::io)) << log.error().message;
      EXPECT_FALSE(log.error().message.empty());
      return std::nullopt;
    }
    const auto size = (*log)->size();
    EXPECT_TRUE((*log)->verify({}).has_value());
    Position at = 0;
    EXPECT_TRUE((*log)->fold(0, size, [&](const auto& record) { EXPECT_TRUE(record == all_[at++]); }).has_value());
    return size;
  }

  TempDir copy_;
  std::filesystem::path wal_;
  std::string bytes_;
  std::string early_mark_;
  Position early_ = 0;
};

TEST_F(DamagedWal, TruncatedItIsAPrefixThatCoversTheWatermarkOrRefused) {
  ASSERT_EQ(outcome(), Position{24});
  std::set<Position> sizes;
  for (std::size_t length = 0; length < bytes_.size(); length += length + 40 < bytes_.size() ? 37 : 1) {
    std::filesystem::resize_file(wal_, length);
    // All that was acknowledged and marked is missing something: refused, whatever is left.
    write_plain(copy_ / "watermark", *read_file(dir_ / "watermark", 1 << 20));
    ASSERT_EQ(outcome(), std::nullopt) << length;
    // Only half of it was marked: what is left must be at least that.
    write_plain(copy_ / "watermark", early_mark_);
    if (const auto size = outcome()) {
      ASSERT_GE(*size, early_) << length;
      sizes.insert(*size);
    }
    write_plain(wal_, bytes_);
  }
  // Batches are kept whole.
  for (const auto size : sizes) EXPECT_EQ(size % 2, 0U);
  EXPECT_GE(sizes.size(), 5U);
}

TEST_F(DamagedWal, WithFlippedBytesItIsAPrefixThatCoversTheWatermarkOrRefused) {
  std::size_t refused = 0;
  std::size_t rounds = 0;
  for (std::size_t at = 0; at < bytes_.size(); at += 31, ++rounds) {
    auto flipped = bytes_;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    write_plain(wal_, flipped);
    const auto& mark = rounds % 2 == 0 ? early_mark_ : *read_file(dir_ / "watermark", 1 << 20);
    write_plain(copy_ / "watermark", mark);
    if (const auto size = outcome()) {
      ASSERT_GE(*size, rounds % 2 == 0 ? early_ : 24U) << at;
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, rounds / 2);
}

}  // namespace
}  // namespace headgate::store
