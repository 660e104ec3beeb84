// Whatever a crash or a disk does to the write-ahead log: the outcome is an exact prefix that covers the watermark, or
// a refusal that names the damage. The database is in memory, so that every byte can have its turn.
#include <gtest/gtest.h>

#include <set>

#include "store/codec.h"
#include "store/files.h"
#include "store/rocksdb_log.h"
#include "store/watermark.h"
#include "tests/store/fault_filesystem.h"
#include "tests/store/log_events.h"
#include "tests/store/temp_dir.h"
#include "tests/torture.h"

namespace headgate::store {
namespace {

constexpr const char* kOrigin = "headgate.example.com";

class Crash : public ::testing::Test {
 protected:
  RocksDbLog::Options options(std::shared_ptr<rocksdb::FileSystem> files, bool read_only) const {
    RocksDbLog::Options made{.dir = dir_.path(), .origin = kOrigin};
    made.read_only = read_only;
    made.file_system = std::move(files);
    return made;
  }
  // Appends so many events in one batch and remembers their bytes, whether it succeeds or not.
  Result<Appended> append(RocksDbLog& log, std::size_t count) {
    auto events = some_events(random_, log.size(), time_, count);
    for (auto& event : events) {
      if (short_) event.event = EngineStarted{"1"};
    }
    time_ = events.back().meta.time;
    records_.resize(log.size());
    for (const auto& event : events) encode(records_.emplace_back(), kOrigin, event);
    boundaries_.insert(records_.size());
    return log.append(log.size(), events);
  }
  std::string watermark() const { return *read_file(dir_ / "watermark", 1 << 20); }

  // Opens what is left and judges it. How many records there are; nullopt when it was refused, as it may be.
  std::optional<Position> judge(const std::shared_ptr<rocksdb::FileSystem>& files, Position marked, bool read_only) {
    const auto log = RocksDbLog::open(options(files, read_only));
    if (!log) {
      EXPECT_EQ(log.error().code, ErrorCode::corrupt) << log.error().message;
      EXPECT_TRUE(log.error().message.find("restore a backup") != std::string::npos ||
                  log.error().message.find("headgate log repair") != std::string::npos)
          << log.error().message;
      return std::nullopt;
    }
    expect_prefix(**log, marked);
    return (*log)->size();
  }
  // What judge() has found to be a log of so many records goes on: opened for writing, it holds them, takes more, and
  // is whole afterwards. On a copy.
  void go_on(rocksdb::FileSystem& files, Position size) {
    const auto copy = copy_of(files, (dir_ / "db").string());
    const auto records = records_;
    const auto boundaries = boundaries_;
    const auto random = random_;
    const auto time = time_;
    {
      const auto log = RocksDbLog::open(options(copy, false));
      HEADGATE_ASSERT_OK(log);
      ASSERT_EQ((*log)->size(), size);
      ASSERT_NO_FATAL_FAILURE(expect_prefix(**log, size));
      for (const std::size_t count : {2, 1}) HEADGATE_ASSERT_OK(append(**log, count));
      HEADGATE_ASSERT_OK((*log)->close());
    }
    const auto log = RocksDbLog::open(options(copy, true));
    HEADGATE_ASSERT_OK(log);
    ASSERT_EQ((*log)->size(), size + 3);
    ASSERT_NO_FATAL_FAILURE(expect_prefix(**log, size + 3));
    HEADGATE_ASSERT_OK((*log)->verify({}));
    records_ = records;
    boundaries_ = boundaries;
    random_ = random;
    time_ = time;
  }
  void expect_prefix(const RocksDbLog& log, Position marked) {
    const auto size = log.size();
    ASSERT_GE(size, marked);
    ASSERT_LE(size, records_.size());
    EXPECT_TRUE(boundaries_.contains(size)) << "part of a batch: " << size;
    const auto found = log.read(0, size);
    HEADGATE_ASSERT_OK(found);
    ASSERT_EQ(found->size(), size);
    for (Position at = 0; at < size; ++at) ASSERT_EQ((*found)[at].bytes, records_[at]) << at;
  }
  static std::shared_ptr<rocksdb::FileSystem> copy_of(rocksdb::FileSystem& files, const std::string& database) {
    auto copy = memory_filesystem();
    std::vector<std::string> names;
    const auto listed = files.GetChildren(database, {}, &names, nullptr);
    if (!listed.ok() || !copy->CreateDirIfMissing(database, {}, nullptr).ok()) throw std::runtime_error("no copy");
    for (const auto& name : names) {
      if (name != "LOCK") put_file(*copy, database + "/" + name, file_bytes(files, database + "/" + name));
    }
    return copy;
  }
  static std::string live_wal(rocksdb::FileSystem& files, const std::string& database) {
    std::vector<std::string> names;
    const auto listed = files.GetChildren(database, {}, &names, nullptr);
    if (!listed.ok()) throw std::runtime_error(listed.ToString());
    std::string wal;
    for (const auto& name : names) {
      if (name.ends_with(".log")) wal = std::max(wal, database + "/" + name);
    }
    return wal;
  }

  TempDir dir_;
  std::mt19937_64 random_{5};
  Timestamp time_ = kLogBegin;
  std::vector<std::string> records_;
  std::set<Position> boundaries_{0};
  bool short_ = false;  // only the shortest events
};

TEST_F(Crash, ADozenEventsTruncatedAndFlippedAtEveryByte) {
  short_ = true;
  const auto files = memory_filesystem();
  std::string half;  // the watermark of the first six
  std::string bytes;
  std::string wal;
  {
    auto log = RocksDbLog::open(options(files, false));
    HEADGATE_ASSERT_OK(log);
    for (const std::size_t count : {1, 2, 3}) HEADGATE_ASSERT_OK(append(**log, count));
    HEADGATE_ASSERT_OK(append(**log, 1));  // now the six before it are marked
    half = watermark();
    for (const std::size_t count : {2, 2, 1}) HEADGATE_ASSERT_OK(append(**log, count));
    // Not closed yet: the files are those of a running process.
    wal = live_wal(*files, (dir_ / "db").string());
    bytes = file_bytes(*files, wal);
    HEADGATE_ASSERT_OK((*log)->close());
  }
  ASSERT_EQ(records_.size(), 12U);
  const auto whole = watermark();
  const auto marked_in_half = [&] {
    write_plain(dir_ / "watermark", half);
    return WatermarkFile::open(dir_ / "watermark")->mark().size;
  }();
  ASSERT_GE(marked_in_half, 6U);
  ASSERT_LT(marked_in_half, 12U);

  std::size_t refused = 0;
  std::size_t gone_on = 0;
  std::set<Position> sizes;
  const auto examine = [&](const std::string& damaged, std::size_t at) {
    put_file(*files, wal, damaged);
    write_plain(dir_ / "watermark", half);
    if (const auto size = judge(files, marked_in_half, true)) {
      sizes.insert(*size);
      if (at % 31 == 0) {
        go_on(*files, *size);
        ++gone_on;
      }
    } else {
      ++refused;
    }
    if (at % 8 != 0) return;
    write_plain(dir_ / "watermark", whole);
    EXPECT_EQ(judge(files, 12, true), std::nullopt) << "less than was marked went unnoticed";
  };
  for (std::size_t at = 0; at < bytes.size() && !HasFailure(); ++at) {
    SCOPED_TRACE("byte " + std::to_string(at));
    examine(bytes.substr(0, at), at);
    auto flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 1 << at % 8);
    examine(flipped, at);
  }
  std::printf("%zu bytes: %zu refused, prefixes of %zu sizes\n", bytes.size(), refused, sizes.size());
  EXPECT_GT(refused, bytes.size() / 2);
  EXPECT_GE(sizes.size(), 3U);
  EXPECT_GT(gone_on, 0U);
  put_file(*files, wal, bytes);
  write_plain(dir_ / "watermark", whole);
  EXPECT_EQ(judge(files, 12, true), Position{12});
}

TEST_F(Crash, ThousandsOfEventsDamagedHereAndThere) {
  std::mt19937_64 chance(torture_seed("damaged write-ahead log"));
  const auto files = memory_filesystem();
  std::string half;
  std::string bytes;
  std::string wal;
  {
    auto log = RocksDbLog::open(options(files, false));
    HEADGATE_ASSERT_OK(log);
    while ((*log)->size() < 3'000) {
      HEADGATE_ASSERT_OK(append(**log, 1 + chance() % 40));
      if (half.empty() && (*log)->size() > 1'500) half = watermark();
    }
    wal = live_wal(*files, (dir_ / "db").string());
    bytes = file_bytes(*files, wal);
    HEADGATE_ASSERT_OK((*log)->close());
  }
  write_plain(dir_ / "watermark", half);
  const auto marked = WatermarkFile::open(dir_ / "watermark")->mark().size;
  for (std::size_t round = 0; round < torture_rounds(40) && !HasFailure(); ++round) {
    const auto at = chance() % bytes.size();
    SCOPED_TRACE("round " + std::to_string(round) + ", byte " + std::to_string(at));
    auto damaged = bytes;
    if (round % 2 == 0) {
      damaged.resize(at);
    } else {
      damaged[at] = static_cast<char>(damaged[at] ^ 1 << chance() % 8);
    }
    put_file(*files, wal, damaged);
    write_plain(dir_ / "watermark", half);
    const auto size = judge(files, marked, true);
    if (size && round % 5 == 0) go_on(*files, *size);
  }
}

// A first start, cut off at each change of a file: the next start makes the log.
TEST_F(Crash, TheMakingOfALogIsCutOffAnywhere) {
  std::mt19937_64 chance(torture_seed("first starts"));
  bool whole = false;
  for (std::int64_t changes = 0; !whole && !HasFailure(); ++changes) {
    SCOPED_TRACE("power for " + std::to_string(changes) + " changes");
    ASSERT_LT(changes, 1'000);
    const auto files = std::make_shared<FaultFileSystem>(memory_filesystem());
    std::filesystem::remove(dir_ / "watermark");
    files->power_for = changes;
    whole = RocksDbLog::open(options(files, false)).has_value() && files->has_power();
    files->lose_unsynced(chance);
    const auto log = RocksDbLog::open(options(files, false));
    HEADGATE_ASSERT_OK(log);
    EXPECT_EQ((*log)->size(), 0U);
    records_.clear();
    HEADGATE_ASSERT_OK(append(**log, 3));
  }
}

TEST_F(Crash, PowerCutsAndFailingDisksLoseNothingAcknowledged) {
  std::mt19937_64 chance(torture_seed("power cuts"));
  const auto files = std::make_shared<FaultFileSystem>(memory_filesystem());
  Position acknowledged = 0;
  std::size_t cuts = 0;
  for (std::size_t round = 0; round < torture_rounds(25) && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const auto fault = chance() % 5;
    if (fault == 0) files->power_for = static_cast<std::int64_t>(chance() % 60);  // in the middle of opening, too
    auto log = RocksDbLog::open(options(files, false));
    ASSERT_TRUE(log || !files->has_power()) << log.error().message;
    if (log) {
      const auto size = (*log)->size();
      ASSERT_NO_FATAL_FAILURE(expect_prefix(**log, acknowledged));
      records_.resize(size);
      const auto until = size + chance() % 400;
      while (true) {
        if ((*log)->size() >= until) {
          const auto some = static_cast<std::int64_t>(chance() % 3'000);
          if (fault <= 1 && files->power_for < 0) files->power_for = some % 4;
          if (fault == 2) files->torn_after = some;
          if (fault == 3) files->fail_wal_syncs = 1;
          if (fault == 4) (chance() % 2 == 0 ? files->disk_full : files->disk_broken) = true;
        }
        const auto appended = append(**log, 1 + chance() % 12);
        if (!appended) break;
        acknowledged = appended->next;
      }
      ++cuts;
      // Whatever comes next is refused: what the disk holds is unknown.
      const auto more = some_events(chance, (*log)->size(), time_, 1);
      EXPECT_FALSE((*log)->append((*log)->size(), more).has_value());
    }
    files->power_for = 0;
    if (log) log->reset();
    files->lose_unsynced(chance);
  }
  EXPECT_GT(cuts, 0U);
  const auto log = RocksDbLog::open(options(files, false));
  HEADGATE_ASSERT_OK(log);
  ASSERT_NO_FATAL_FAILURE(expect_prefix(**log, acknowledged));
  HEADGATE_ASSERT_OK((*log)->verify({}));
}

}  // namespace
}  // namespace headgate::store
