// Backups, the mirror and what a restore writes: consistent under load, found out when damaged, never in each other's
// way.
#include "store/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "engine/base/digest.h"
#include "engine/base/tile_path.h"
#include "store/blob_store.h"
#include "store/codec.h"
#include "store/file_list.h"
#include "store/files.h"
#include "store/log_import.h"
#include "store/mirror.h"
#include "store/rocksdb_log.h"
#include "store/source_check.h"
#include "tests/store/fault_filesystem.h"
#include "tests/store/log_events.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr const char* kOrigin = "headgate.example.com";
constexpr Timestamp kNow = kLogBegin + std::chrono::hours(1);

class BackupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    HEADGATE_ASSERT_OK(make_dir_durably(data_, 0700));
    auto key = SigningKey::generate(kOrigin);
    HEADGATE_ASSERT_OK(key);
    key_ = *key;
    HEADGATE_ASSERT_OK(key_->save(data_ / "log.key"));
    blobs_ = BlobStore::open(data_ / "blobs").value();
    open();
    HEADGATE_ASSERT_OK(make_dir_durably(data_ / "people", 0700));
    write_plain(data_ / "people" / "k3v9q2.json", R"({"name":"Ada"})");
    append(700);
    open();  // its watermark covers them all
  }
  void open() {
    log_.reset();
    auto log = RocksDbLog::open({.dir = data_, .origin = kOrigin, .key = key_});
    HEADGATE_ASSERT_OK(log);
    log_ = std::move(*log);
  }
  void append(std::size_t count) {
    const auto events = some_events(random_, log_->size(), time_, count);
    time_ = events.back().meta.time;
    HEADGATE_ASSERT_OK(log_->append(log_->size(), events));
  }
  BackupSource source() { return {*log_, data_, data_ / "log.key"}; }
  Backups::RootAt root_at() {
    return [this](std::uint64_t size) { return log_->root(size); };
  }
  // Some bytes in the middle of a file, changed.
  static void damage(const fs::path& file) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(fs::file_size(file) / 2);
    stream.seekg(middle);
    const auto byte = static_cast<char>(stream.get() ^ 0x40);
    stream.seekp(middle);
    stream.put(byte);
    ASSERT_TRUE(stream.good()) << file;
  }
  // Any file of the databases of the backups that records are in.
  fs::path database_file() {
    const auto names = files_below(backups_.folder() / "engine").value();
    for (const auto& name : names) {
      if (name.ends_with(".log") || name.ends_with(".sst")) return backups_.folder() / "engine" / name;
    }
    throw std::runtime_error("no database file");
  }

  TempDir dir_;
  const fs::path data_ = dir_ / "data";
  Backups backups_{dir_ / "backups"};
  std::mt19937_64 random_{11};
  Timestamp time_ = kLogBegin;
  std::optional<SigningKey> key_;
  std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<RocksDbLog> log_;
};

TEST_F(BackupTest, HoldsEverythingAndGivesItBack) {
  const auto blob = blobs_->put("output of a command", "text/plain");
  HEADGATE_ASSERT_OK(blob);
  const auto made = backups_.create(source(), kNow);
  HEADGATE_ASSERT_OK(made);
  EXPECT_EQ(made->size, 700);
  EXPECT_EQ(made->root, log_->root(700).value());
  EXPECT_FALSE(made->verified);
  const auto verified = backups_.verify(made->id, root_at(), kNow);
  HEADGATE_ASSERT_OK(verified);
  EXPECT_EQ(verified->verified, kNow);
  append(50);  // the backup stays what it is

  const auto target = dir_ / "restored";
  HEADGATE_ASSERT_OK(make_dir_durably(target, 0700));
  HEADGATE_ASSERT_OK(backups_.restore(made->id, target));
  const auto restored = RocksDbLog::open({.dir = target, .read_only = true});
  HEADGATE_ASSERT_OK(restored);
  const auto whole = (*restored)->verify({});
  HEADGATE_ASSERT_OK(whole);
  EXPECT_EQ(whole->records, 700);
  EXPECT_EQ(whole->root, made->root);
  EXPECT_EQ((*restored)->mark(), (Mark{700, made->root}));
  EXPECT_EQ(read_file(target / "people" / "k3v9q2.json", 1'000).value(), R"({"name":"Ada"})");
  EXPECT_EQ(SigningKey::load(target / "log.key").value().verifier(), key_->verifier());
  EXPECT_EQ(BlobStore::open(target / "blobs").value()->get(blob->digest).value(), "output of a command");
  struct stat status {};
  ASSERT_EQ(::stat((backups_.folder() / "sets" / "1" / "log.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat(backups_.folder().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST_F(BackupTest, IsAPrefixOfTheLogThatItsWatermarkCoversWhileOthersWrite) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) append(7);
  });
  for (int i = 0; i < 4; ++i) {
    const auto made = backups_.create(source(), kNow);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    if (!made) break;
    EXPECT_LE(made->size, log_->mark().size);
    const auto verified = backups_.verify(made->id, root_at(), kNow);
    EXPECT_TRUE(verified.has_value()) << verified.error().message;
  }
  stop = true;
  writer.join();
  const auto all = backups_.list().value();
  ASSERT_EQ(all.size(), 4);
  EXPECT_LT(all.front().size, all.back().size);
}

TEST_F(BackupTest, DamageIsFoundAndNothingOfItCounts) {
  for (const char* victim : {"database", "people/k3v9q2.json", "log.key", "watermark", "blob", "SHA256SUMS"}) {
    SCOPED_TRACE(victim);
    fs::remove_all(backups_.folder());
    HEADGATE_ASSERT_OK(blobs_->put("some output", "text/plain"));
    const auto made = backups_.create(source(), kNow);
    HEADGATE_ASSERT_OK(made);
    HEADGATE_ASSERT_OK(backups_.verify(made->id, root_at(), kNow));
    const std::string name = victim;
    damage(name == "database" ? database_file()
           : name == "blob"   ? backups_.folder() / "blobs" / files_below(backups_.folder() / "blobs").value().at(0)
                              : backups_.folder() / "sets" / std::to_string(made->id) / name);
    HEADGATE_EXPECT_ERROR(backups_.verify(made->id, root_at(), kNow), ErrorCode::corrupt);
    const auto all = backups_.list().value();
    ASSERT_EQ(all.size(), 1);
    EXPECT_FALSE(all[0].failure.empty());
    EXPECT_FALSE(all[0].verified);
    EXPECT_EQ(Backups::newest_good(all, false), nullptr);
  }
}

TEST_F(BackupTest, AFolderMayBeNamedFromWhereOneIs) {
  const auto relative = fs::relative(backups_.folder());
  ASSERT_TRUE(relative.is_relative());
  const auto made = Backups(relative).create(source(), kNow);
  HEADGATE_ASSERT_OK(made);
  HEADGATE_ASSERT_OK(Backups(relative).verify(made->id, root_at(), kNow));
  EXPECT_EQ(backups_.list().value().at(0).failure, "");
  const auto target = dir_ / "restored";
  HEADGATE_ASSERT_OK(make_dir_durably(target, 0700));
  HEADGATE_ASSERT_OK(Backups(relative).restore(made->id, target));
}

TEST_F(BackupTest, ALineThatIsGoneFromTheListIsMissed) {
  HEADGATE_ASSERT_OK(blobs_->put("some output", "text/plain"));
  const auto made = backups_.create(source(), kNow);
  HEADGATE_ASSERT_OK(made);
  const auto set = backups_.folder() / "sets" / std::to_string(made->id);
  const auto list = read_file(set / "SHA256SUMS", 10'000).value();
  const auto info = read_file(set / "backup.json", 10'000).value();
  const auto digest = info.find(",\"list\"");
  ASSERT_NE(digest, std::string::npos);
  const auto of_an_earlier_version = info.substr(0, digest) + "}\n";
  const auto without_blob = list.substr(0, list.find("  ../../blobs") - 64);
  const auto without_person = list.substr(0, list.find("  people/") - 64);
  const auto target = dir_ / "restored";
  for (const auto& description : {info, of_an_earlier_version}) {
    for (const auto& shorter : {std::string(), without_blob, without_person}) {
      SCOPED_TRACE(description + shorter);
      write_plain(set / "backup.json", description);
      write_plain(set / "SHA256SUMS", shorter);
      HEADGATE_EXPECT_ERROR(backups_.verify(made->id, root_at(), kNow), ErrorCode::corrupt);
      fs::remove_all(target);
      HEADGATE_ASSERT_OK(make_dir_durably(target, 0700));
      HEADGATE_EXPECT_ERROR(backups_.restore(made->id, target), ErrorCode::corrupt);
    }
  }
  // What an earlier version wrote whole is good, and has its digest from then on.
  write_plain(set / "backup.json", of_an_earlier_version);
  write_plain(set / "SHA256SUMS", list);
  HEADGATE_ASSERT_OK(backups_.verify(made->id, root_at(), kNow));
  EXPECT_EQ(backups_.list().value().at(0).list, made->list);
}

TEST_F(BackupTest, WhileAListIsDamagedNoBlobGoes) {
  const auto old = kNow - std::chrono::hours(48);
  HEADGATE_ASSERT_OK(blobs_->put("some output", "text/plain"));
  for (const auto when : {old, kNow, kNow}) {
    const auto made = backups_.create(source(), when);
    HEADGATE_ASSERT_OK(made);
    HEADGATE_ASSERT_OK(backups_.verify(made->id, root_at(), kNow));
    fs::remove_all(data_ / "blobs");  // the first one alone holds them
  }
  fs::remove(backups_.folder() / "sets" / "2" / "SHA256SUMS");
  EXPECT_EQ(backups_.prune(kNow).value(), 1);
  EXPECT_FALSE(files_below(backups_.folder() / "blobs").value().empty());
  EXPECT_EQ(backups_.prune(kNow + std::chrono::hours(1)).value(), 1);
  EXPECT_TRUE(files_below(backups_.folder() / "blobs").value().empty());
}

TEST_F(BackupTest, DamagedBlobsAreLeftOutAndPeopleWhenThatIsAskedFor) {
  const auto whole = blobs_->put("an output", "text/plain");
  HEADGATE_ASSERT_OK(blobs_->put("another output", "text/plain"));
  const auto made = backups_.create(source(), kNow);
  HEADGATE_ASSERT_OK(made);
  std::vector<std::string> damaged;
  const auto names = files_below(backups_.folder() / "blobs").value();
  for (const auto& name : names) {
    if (whole->digest.ends_with(name.substr(3))) continue;
    damage(backups_.folder() / "blobs" / name);
    damaged.push_back("blobs/" + name);
  }
  ASSERT_FALSE(damaged.empty());
  const auto target = dir_ / "restored";
  HEADGATE_ASSERT_OK(make_dir_durably(target, 0700));
  const auto restored = backups_.restore(made->id, target);
  HEADGATE_ASSERT_OK(restored);
  EXPECT_EQ(restored->left_out, damaged);
  for (const auto& name : damaged) EXPECT_FALSE(fs::exists(target / name));
  EXPECT_EQ(BlobStore::open(target / "blobs").value()->get(whole->digest).value(), "an output");

  damage(backups_.folder() / "sets" / "1" / "people" / "k3v9q2.json");
  fs::remove_all(target);
  HEADGATE_ASSERT_OK(make_dir_durably(target, 0700));
  const auto refused = backups_.restore(made->id, target);
  HEADGATE_EXPECT_ERROR(refused, ErrorCode::corrupt);
  EXPECT_THAT(refused.error().message, HasSubstr("--without-damaged-people"));
  fs::remove_all(target);
  HEADGATE_ASSERT_OK(make_dir_durably(target, 0700));
  const auto without = backups_.restore(made->id, target, true);
  HEADGATE_ASSERT_OK(without);
  EXPECT_THAT(without->left_out, ::testing::Contains("people/k3v9q2.json"));
  EXPECT_EQ(without->left_out.size(), damaged.size() + 1);
  EXPECT_FALSE(fs::exists(target / "people" / "k3v9q2.json"));
  HEADGATE_ASSERT_OK(RocksDbLog::open({.dir = target, .read_only = true}));
}

TEST_F(BackupTest, ABackupIsNotBlamedForWhatIsOutsideIt) {
  auto faults = std::make_shared<FaultFileSystem>();
  Backups backups(backups_.folder(), faults);
  const auto made = backups.create(source(), kNow);
  HEADGATE_ASSERT_OK(made);
  HEADGATE_ASSERT_OK(backups.verify(made->id, root_at(), kNow));
  const auto other = [](std::uint64_t) -> Result<Hash> { return sha256(std::string_view("another")); };
  HEADGATE_EXPECT_ERROR(backups.verify(made->id, other, kNow), ErrorCode::conflict);
  const auto damaged_log = [](std::uint64_t) -> Result<Hash> { return fail(ErrorCode::corrupt, "the log is damaged"); };
  HEADGATE_EXPECT_ERROR(backups.verify(made->id, damaged_log, kNow), ErrorCode::corrupt);
  faults->unreadable = true;
  HEADGATE_EXPECT_ERROR(backups.verify(made->id, root_at(), kNow), ErrorCode::io);
  faults->unreadable = false;
  std::stop_source stop;
  stop.request_stop();
  HEADGATE_EXPECT_ERROR(backups.verify(made->id, root_at(), kNow, stop.get_token()), ErrorCode::unavailable);
  const auto all = backups.list().value();
  ASSERT_EQ(all.size(), 1);
  EXPECT_EQ(all[0].failure, "");
  EXPECT_EQ(all[0].verified, kNow);
}

TEST_F(BackupTest, TimesThatGoBackAreDamage) {
  log_.reset();
  {
    auto import = LogImport::open(data_, {});
    HEADGATE_ASSERT_OK(import);
    Recorded<Event> record;
    record.meta.position = 700;
    record.meta.time = kLogBegin;
    record.event = EngineStarted{"1"};
    HEADGATE_ASSERT_OK((*import)->append(record));
    HEADGATE_ASSERT_OK((*import)->finish());
  }
  open();
  const auto made = backups_.create(source(), kNow);
  HEADGATE_ASSERT_OK(made);
  const auto verified = backups_.verify(made->id, root_at(), kNow);
  HEADGATE_EXPECT_ERROR(verified, ErrorCode::corrupt);
  EXPECT_THAT(verified.error().message, HasSubstr("record 700 is of"));
}

TEST_F(BackupTest, ADamagedDescriptionHidesNoOtherBackup) {
  const auto old = kNow - std::chrono::hours(48);
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 2; ++i) {
    const auto made = backups_.create(source(), old);
    HEADGATE_ASSERT_OK(made);
    HEADGATE_ASSERT_OK(backups_.verify(made->id, root_at(), kNow));
    ids.push_back(made->id);
  }
  const auto description = backups_.folder() / "sets" / std::to_string(ids[1]) / "backup.json";
  write_plain(description, std::string(100, '\0'));
  const auto all = backups_.list().value();
  ASSERT_EQ(all.size(), 2);
  EXPECT_EQ(all[1].id, ids[1]);
  EXPECT_EQ(all[1].failure, "its description is damaged");
  EXPECT_EQ(Backups::newest_good(all, false)->id, ids[0]);
  const auto target = dir_ / "restored";
  HEADGATE_ASSERT_OK(make_dir_durably(target, 0700));
  HEADGATE_ASSERT_OK(backups_.restore(ids[0], target));
  HEADGATE_EXPECT_ERROR(backups_.restore(ids[1], target), ErrorCode::corrupt);
  HEADGATE_EXPECT_ERROR(backups_.restore(99, target), ErrorCode::not_found);
  // It goes when its time has come.
  EXPECT_EQ(backups_.prune(all[1].time).value(), 0);
  EXPECT_EQ(backups_.prune(all[1].time + std::chrono::seconds(1)).value(), 1);
  EXPECT_EQ(backups_.list().value().size(), 1);
}

TEST_F(BackupTest, NothingIsLeftOfOneThatWasStopped) {
  const auto first = backups_.create(source(), kNow);
  HEADGATE_ASSERT_OK(first);
  append(10);
  std::stop_source stop;
  stop.request_stop();
  HEADGATE_EXPECT_ERROR(backups_.create(source(), kNow, stop.get_token()), ErrorCode::unavailable);
  EXPECT_EQ(backups_.list().value().size(), 1);
  HEADGATE_ASSERT_OK(backups_.verify(first->id, root_at(), kNow));
  HEADGATE_ASSERT_OK(backups_.create(source(), kNow));
}

TEST_F(BackupTest, RetentionKeepsTheNewestGoodOne) {
  const auto old = kNow - std::chrono::hours(48);
  std::vector<std::uint64_t> ids;
  HEADGATE_ASSERT_OK(blobs_->put("some output", "text/plain"));
  for (int i = 0; i < 3; ++i) {
    const auto made = backups_.create(source(), old + std::chrono::hours(i));
    HEADGATE_ASSERT_OK(made);
    ids.push_back(made->id);
    if (i < 2) HEADGATE_ASSERT_OK(backups_.verify(made->id, root_at(), kNow));
    append(10);
  }
  // The third is newer and was never verified: the second stays.
  EXPECT_EQ(backups_.prune(kNow).value(), 2);
  const auto all = backups_.list().value();
  ASSERT_EQ(all.size(), 1);
  EXPECT_EQ(all[0].id, ids[1]);
  HEADGATE_ASSERT_OK(backups_.verify(ids[1], root_at(), kNow));  // its blob is still there
  EXPECT_EQ(backups_.prune(kNow).value(), 0);
}

TEST_F(BackupTest, AFullDiskIsSaidAndLeavesTheOldOnes) {
  const auto first = backups_.create(source(), kNow);
  HEADGATE_ASSERT_OK(first);
  auto faults = std::make_shared<FaultFileSystem>();
  Backups full(backups_.folder(), faults);
  faults->disk_full = true;
  append(10);
  const auto failed = full.create(source(), kNow);
  ASSERT_FALSE(failed.has_value());
  EXPECT_THAT(failed.error().message, HasSubstr("disk is full"));
  faults->disk_full = false;
  EXPECT_EQ(backups_.list().value().size(), 1);
  HEADGATE_ASSERT_OK(backups_.verify(first->id, root_at(), kNow));
  HEADGATE_ASSERT_OK(full.create(source(), kNow));
}

TEST_F(BackupTest, WhatACrashLeftIsSweptAndNeverListed) {
  const auto first = backups_.create(source(), kNow);
  HEADGATE_ASSERT_OK(first);
  const auto second = backups_.create(source(), kNow);
  HEADGATE_ASSERT_OK(second);
  fs::remove(backups_.folder() / "sets" / std::to_string(second->id) / "backup.json");
  EXPECT_EQ(backups_.list().value().size(), 1);
  const auto third = backups_.create(source(), kNow);
  HEADGATE_ASSERT_OK(third);
  const auto all = backups_.list().value();
  ASSERT_EQ(all.size(), 2);
  HEADGATE_ASSERT_OK(backups_.verify(first->id, root_at(), kNow));
  HEADGATE_ASSERT_OK(backups_.verify(third->id, root_at(), kNow));
}

// ------------------------------------------------------------------------------------------------------------- mirror

TEST_F(BackupTest, AMirrorFollowsAndGivesTheLogBack) {
  const auto folder = dir_ / "mirror";
  const auto uploaded = blobs_->put("before the mirror", "text/plain");
  {
    auto mirror = Mirror::open(folder, *log_, data_ / "blobs");
    HEADGATE_ASSERT_OK(mirror);
    HEADGATE_ASSERT_OK(log_->sign_checkpoint_now());
    HEADGATE_ASSERT_OK((*mirror)->advance());
    HEADGATE_ASSERT_OK((*mirror)->advance());
    EXPECT_GE((*mirror)->size(), 1U);
  }
  for (const std::size_t more : {1U, 67U, 256U, 500U}) {  // over the ends of tiles, resumed each time
    append(more);
    open();  // the watermark of everything
    HEADGATE_ASSERT_OK(log_->sign_checkpoint_now());
    auto mirror = Mirror::open(folder, *log_, data_ / "blobs");
    HEADGATE_ASSERT_OK(mirror);
    HEADGATE_ASSERT_OK((*mirror)->advance());
    EXPECT_EQ((*mirror)->size(), log_->mark().size);
  }
  const auto size = log_->mark().size;
  const auto target = dir_ / "restored";
  HEADGATE_ASSERT_OK(make_dir_durably(target, 0700));
  const auto mirrored = restore_from_mirror(folder, target);
  HEADGATE_ASSERT_OK(mirrored);
  EXPECT_EQ(mirrored->checkpoint.size, size);
  const auto restored = RocksDbLog::open({.dir = target, .read_only = true});
  HEADGATE_ASSERT_OK(restored);
  HEADGATE_ASSERT_OK((*restored)->verify({}));
  EXPECT_EQ((*restored)->root(size).value(), log_->root(size).value());
  EXPECT_EQ(BlobStore::open(target / "blobs").value()->get(uploaded->digest).value(), "before the mirror");
  // No partial tile is left beside a full one.
  const auto names = files_below(folder / "tile").value();
  for (const auto& name : names) {
    const auto partial = name.find(".p/");
    if (partial == std::string::npos) continue;
    EXPECT_FALSE(fs::exists(folder / "tile" / name.substr(0, partial))) << name;
  }
}

TEST_F(BackupTest, AMirrorServesItsOlderCheckpointsUntilTheirTilesAreFull) {
  const auto folder = dir_ / "mirror";
  const auto grow = [&](std::size_t more) {
    if (more > 0) append(more);
    open();
    HEADGATE_ASSERT_OK(log_->sign_checkpoint_now());
    auto mirror = Mirror::open(folder, *log_, data_ / "blobs");
    HEADGATE_ASSERT_OK(mirror);
    HEADGATE_ASSERT_OK((*mirror)->advance());
  };
  const auto partials = [&](const std::string& tile) { return fs::exists(folder / (tile + ".p")); };
  for (const std::size_t more : {0U, 10U, 20U}) grow(more);  // 700, 710, 730: 188, 198, 218 of the third tile
  for (const unsigned width : {188U, 198U, 218U}) {
    EXPECT_TRUE(fs::exists(folder / entries_path({0, 2, width})));
    EXPECT_TRUE(fs::exists(folder / tile_path({0, 2, width})));
  }
  grow(38);  // full
  EXPECT_FALSE(partials(entries_path({0, 2})));
  EXPECT_FALSE(partials(tile_path({0, 2})));
  EXPECT_TRUE(partials(tile_path({1, 0})));
}

TEST_F(BackupTest, AMirrorThatIsStoppedGoesOnWhereItWas) {
  const auto folder = dir_ / "mirror";
  open();  // 700 records: two whole bundles, and a third
  HEADGATE_ASSERT_OK(log_->sign_checkpoint_now());
  std::stop_source stopped;
  stopped.request_stop();
  {
    auto mirror = Mirror::open(folder, *log_, data_ / "blobs");
    HEADGATE_ASSERT_OK(mirror);
    HEADGATE_EXPECT_ERROR((*mirror)->advance(stopped.get_token()), ErrorCode::unavailable);
    EXPECT_FALSE(fs::exists(folder / "checkpoint"));
    fs::create_directories(folder / entries_path({0, 1}));  // nothing can be written there
    EXPECT_FALSE((*mirror)->advance().has_value());
    EXPECT_EQ((*mirror)->size(), 0U);
    fs::remove_all(folder / entries_path({0, 1}));
    fs::remove(folder / entries_path({0, 0}));
    HEADGATE_ASSERT_OK((*mirror)->advance());
    EXPECT_EQ((*mirror)->size(), log_->mark().size);
    EXPECT_FALSE(fs::exists(folder / entries_path({0, 0}))) << "the same round goes over it once more";
  }
}

TEST_F(BackupTest, AMirrorDoesNotWriteWhatAnInterruptedRoundHasLeft) {
  const auto folder = dir_ / "mirror";
  open();
  HEADGATE_ASSERT_OK(log_->sign_checkpoint_now());
  const auto mirror_once = [&] {
    auto mirror = Mirror::open(folder, *log_, data_ / "blobs");
    HEADGATE_ASSERT_OK(mirror);
    HEADGATE_ASSERT_OK((*mirror)->advance());
  };
  mirror_once();
  const auto written = fs::last_write_time(folder / entries_path({0, 1}));
  write_plain(folder / entries_path({0, 0}), "half of");
  fs::remove(folder / "checkpoint");  // as if it had been killed before
  mirror_once();
  EXPECT_EQ(fs::last_write_time(folder / entries_path({0, 1})), written);
  HEADGATE_ASSERT_OK(make_dir_durably(dir_ / "restored", 0700));
  HEADGATE_ASSERT_OK(restore_from_mirror(folder, dir_ / "restored"));
}

TEST_F(BackupTest, AFolderThatCannotBeLookedAtIsAnError) {
  const auto loop = dir_ / "loop";
  fs::create_directory_symlink(loop, loop);
  open();
  HEADGATE_EXPECT_ERROR(Mirror::open(loop, *log_, data_ / "blobs"), ErrorCode::io);
  HEADGATE_EXPECT_ERROR(Mirror::open(loop / "mirror", *log_, data_ / "blobs"), ErrorCode::io);
  HEADGATE_EXPECT_ERROR(Backups(loop / "backups").list(), ErrorCode::io);
  HEADGATE_EXPECT_ERROR(files_below(loop), ErrorCode::io);
}

TEST_F(BackupTest, AMirrorOfAnotherHistoryIsLeftAlone) {
  const auto folder = dir_ / "mirror";
  open();
  HEADGATE_ASSERT_OK(log_->sign_checkpoint_now());
  {
    auto mirror = Mirror::open(folder, *log_, data_ / "blobs");
    HEADGATE_ASSERT_OK(mirror);
    HEADGATE_ASSERT_OK((*mirror)->advance());
  }
  const auto before = read_file(folder / "checkpoint", 10'000).value();
  auto other = RocksDbLog::open({.dir = dir_ / "other", .origin = kOrigin, .key = key_});
  HEADGATE_ASSERT_OK(other);
  const auto shorter = Mirror::open(folder, **other, data_ / "blobs");
  HEADGATE_EXPECT_ERROR(shorter, ErrorCode::conflict);
  std::mt19937_64 random(99);
  HEADGATE_ASSERT_OK((*other)->append(0, some_events(random, 0, kLogBegin, 900)));
  const auto differs = Mirror::open(folder, **other, data_ / "blobs");
  ASSERT_FALSE(differs.has_value());
  EXPECT_EQ(differs.error().code, ErrorCode::conflict);
  EXPECT_THAT(differs.error().message, HasSubstr("history"));
  EXPECT_EQ(read_file(folder / "checkpoint", 10'000).value(), before);
}

TEST_F(BackupTest, DamagedBlobsOfAMirrorAreLeftOut) {
  const auto folder = dir_ / "mirror";
  HEADGATE_ASSERT_OK(blobs_->put("an output", "text/plain"));
  open();
  HEADGATE_ASSERT_OK(log_->sign_checkpoint_now());
  {
    auto mirror = Mirror::open(folder, *log_, data_ / "blobs");
    HEADGATE_ASSERT_OK(mirror);
    HEADGATE_ASSERT_OK((*mirror)->advance());
  }
  const auto names = files_below(folder / "blobs").value();
  std::vector<std::string> damaged;
  for (const auto& name : names) {
    damage(folder / "blobs" / name);
    damaged.push_back("blobs/" + name);
  }
  const auto target = dir_ / "restored";
  HEADGATE_ASSERT_OK(make_dir_durably(target, 0700));
  const auto restored = restore_from_mirror(folder, target);
  HEADGATE_ASSERT_OK(restored);
  EXPECT_EQ(restored->left_out, damaged);
  EXPECT_TRUE(files_below(target / "blobs").value().empty());

  write_plain(folder / "checkpoint", "nothing of the kind");
  const auto refused = restore_from_mirror(folder, target);
  HEADGATE_EXPECT_ERROR(refused, ErrorCode::corrupt);
  EXPECT_THAT(refused.error().message, HasSubstr("mirror/checkpoint is damaged"));
}

TEST_F(BackupTest, ADamagedMirrorIsRefused) {
  const auto folder = dir_ / "mirror";
  open();
  HEADGATE_ASSERT_OK(log_->sign_checkpoint_now());
  {
    auto mirror = Mirror::open(folder, *log_, data_ / "blobs");
    HEADGATE_ASSERT_OK(mirror);
    HEADGATE_ASSERT_OK((*mirror)->advance());
  }
  damage(folder / entries_path({0, 1}));
  HEADGATE_ASSERT_OK(make_dir_durably(dir_ / "restored", 0700));
  HEADGATE_EXPECT_ERROR(restore_from_mirror(folder, dir_ / "restored"), ErrorCode::corrupt);
  damage(folder / tile_path({0, 0}));
  HEADGATE_EXPECT_ERROR(Mirror::open(folder, *log_, data_ / "blobs"), ErrorCode::corrupt);

  std::filesystem::remove(folder / entries_path({0, 1}));
  HEADGATE_ASSERT_OK(make_dir_durably(dir_ / "again", 0700));
  const auto refused = restore_from_mirror(folder, dir_ / "again");
  HEADGATE_EXPECT_ERROR(refused, ErrorCode::corrupt);
  EXPECT_THAT(refused.error().message, HasSubstr(entries_path({0, 1}) + " is missing, which holds records 256 to 511"));
  EXPECT_THAT(refused.error().message, HasSubstr("headgate backup restore --from"));
}

TEST(FileList, PathsThatLeadElsewhereAreRefused) {
  const auto line = [](const std::string& path) { return std::string(64, 'a').append("  " + path + "\n"); };
  EXPECT_EQ(parse_file_list(line("people/x.json") + line("../../blobs/ab/cd")).value().size(), 2);
  for (const char* path : {"/etc/passwd", "../secret", "../../../secret", "people/../../../x", ""}) {
    HEADGATE_EXPECT_ERROR(parse_file_list(line(path)), ErrorCode::corrupt);
  }
  HEADGATE_EXPECT_ERROR(parse_file_list("abc"), ErrorCode::corrupt);
}

// ------------------------------------------------------------------------------------------------------------ origins

class Origins : public BackupTest {
 protected:
  // Goes on with a second log.created, and `after` more records of its origin.
  void begin_anew(const std::string& origin) {
    const auto size = log_->size();
    log_.reset();
    auto import = LogImport::open(data_, {});
    HEADGATE_ASSERT_OK(import);
    Recorded<Event> created;
    created.meta.position = size;
    created.meta.time = time_;
    created.event = LogCreated{origin, "k", PreviousLog{kOrigin, size + 3, "sha256:" + std::string(64, '0')}};
    HEADGATE_ASSERT_OK((*import)->append(created));
    const auto mark = (*import)->finish();
    HEADGATE_ASSERT_OK(mark);
    EXPECT_EQ(mark->size, size + 1);
  }
};

TEST_F(Origins, TheNewOneCountsFromItsRecordOn) {
  begin_anew("second.example.com");
  HEADGATE_EXPECT_ERROR(RocksDbLog::open({.dir = data_, .origin = kOrigin}), ErrorCode::invalid_input);
  auto log = RocksDbLog::open({.dir = data_, .origin = "second.example.com"});
  HEADGATE_ASSERT_OK(log);
  log_ = std::move(*log);
  append(300);
  HEADGATE_ASSERT_OK(log_->verify({}));
  EXPECT_THAT(log_->read(699, 1).value().at(0).bytes, HasSubstr(R"("source":"headgate.example.com/log")"));
  EXPECT_THAT(log_->read(700, 1).value().at(0).bytes, HasSubstr(R"("source":"second.example.com/log")"));
  EXPECT_THAT(log_->read(999, 1).value().at(0).bytes, HasSubstr(R"("source":"second.example.com/log")"));
  const auto made = backups_.create(source(), kNow);
  HEADGATE_ASSERT_OK(made);
  EXPECT_EQ(made->origin, "second.example.com");
  HEADGATE_ASSERT_OK(backups_.verify(made->id, root_at(), kNow));
}

TEST_F(Origins, ARecordOfAnotherSourceIsRefused) {
  log_.reset();
  {
    auto import = LogImport::open(data_, {});
    HEADGATE_ASSERT_OK(import);
    Recorded<Event> record;
    record.meta.position = 700;
    record.meta.time = time_;
    record.event = EngineStarted{"1"};
    std::string bytes;
    encode(bytes, "stranger.example.com", record);
    HEADGATE_ASSERT_OK((*import)->append(std::string_view(bytes)));
    HEADGATE_ASSERT_OK((*import)->finish());
  }
  open();
  const auto verified = log_->verify({});
  ASSERT_FALSE(verified.has_value());
  EXPECT_EQ(verified.error().code, ErrorCode::corrupt);
  EXPECT_THAT(verified.error().message, HasSubstr("record 700 is of the source stranger.example.com/log"));
}

}  // namespace
}  // namespace headgate::store
