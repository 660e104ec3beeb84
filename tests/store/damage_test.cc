// The damage table: what can be damaged, what tells it, and what somebody who opens the log gets to see. Every row is
// also run without its detector, and must then fail: a row that passes without one proves nothing.
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <set>

#include "engine/base/digest.h"
#include "store/log_repair.h"
#include "store/snapshot_store.h"
#include "store/watermark.h"
#include "tests/store/damaged_log.h"
#include "tests/store/fault_filesystem.h"
#include "tests/torture.h"

namespace headgate::store {
namespace {

using Family = RocksDbStore::Family;

struct Row {
  const char* damage;
  const char* detector;
  const char* expected;  // stands in the outcome
  std::function<std::string(DamagedLog&)> observe;
  std::function<std::string(DamagedLog&)> without;  // the same with the detector off, or led astray
};

using Damage = std::function<void(DamagedLog&)>;

// A row of a check of ours.
Row checked(const char* damage, LogCheck check, const char* expected, const Damage& apply) {
  return {damage, name_of(check).data(), expected,
          [apply](DamagedLog& log) {
            apply(log);
            return log.outcome();
          },
          [apply, check](DamagedLog& log) {
            apply(log);
            return log.outcome(LogChecks::without(check));
          }};
}

// CRC-32C as RocksDB's log format masks it, over type and payload of a record.
std::uint32_t masked_crc(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  crc ^= 0xffffffff;
  return (crc >> 15 | crc << 17) + 0xa282ead8;
}

// Flips a bit in the record that holds `text`, and makes the record's checksum anew. A record: crc u32, length u16,
// type u8, payload; none of ours crosses a block of 32 KiB.
void flip_and_reseal(const std::filesystem::path& path, std::string_view text, bool reseal) {
  auto bytes = *read_file(path, 64 << 20);
  const auto target = bytes.rfind(text);
  ASSERT_NE(target, std::string::npos) << text;
  for (std::size_t at = 0; at + 7 <= bytes.size();) {
    const auto length = static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[at + 4])) |
                        static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[at + 5])) << 8;
    if (target >= at + 7 && target < at + 7 + length) {
      bytes[target] = static_cast<char>(bytes[target] ^ 4);
      const auto crc = masked_crc(std::string_view(bytes).substr(at + 6, length + 1));
      for (unsigned i = 0; i < 4 && reseal; ++i) bytes[at + i] = static_cast<char>(crc >> 8 * i & 0xff);
      write_plain(path, bytes);
      return;
    }
    at += 7 + length;
  }
  FAIL() << "no record holds " << text;
}

// What the database gives for a record when RocksDB checks no block: the flip is moved on until it shows.
std::string read_unchecked(DamagedLog& log) {
  const auto table = log.table("events");
  const auto whole = *read_file(table, 64 << 20);
  for (std::size_t at = 20; at < 2'000; ++at) {
    write_plain(table, whole);
    DamagedLog::flip(table, at);
    RocksDbStore::Options options{log.dir / "db"};
    options.read_only = true;
    const auto store = RocksDbStore::open(options);
    if (!store) continue;
    rocksdb::ReadOptions unchecked;
    unchecked.verify_checksums = false;
    std::string value;
    const auto status = (*store)->db().Get(unchecked, (*store)->family(Family::events), event_key(0), &value);
    if (status.ok() && value != DamagedLog::records()[0]) return "record 0, ALTERED";
  }
  return "the checksum was not needed";
}

void watermark_sector(DamagedLog& log, std::size_t sector, bool reseal) {
  auto bytes = *read_file(log.dir / "watermark", 8192);
  ASSERT_EQ(bytes.size(), 8192U);
  bytes[sector * 4096 + 17] = static_cast<char>(bytes[sector * 4096 + 17] ^ 1);  // of its size
  const auto seal = sha256(std::string_view(bytes).substr(sector * 4096, 56));
  if (reseal) bytes.replace(sector * 4096 + 56, seal.size(), as_bytes(seal));
  write_plain(log.dir / "watermark", bytes);
}
std::string both_sectors(DamagedLog& log, bool reseal) {
  for (const std::size_t sector : {0, 1}) watermark_sector(log, sector, reseal);
  return log.outcome();
}
void newest_sector(DamagedLog& log) {
  // Their sequences, at byte 8, are less than 256.
  const auto bytes = *read_file(log.dir / "watermark", 8192);
  const auto newest = static_cast<std::uint8_t>(bytes[8]) > static_cast<std::uint8_t>(bytes[4096 + 8]) ? 0U : 1U;
  watermark_sector(log, newest, false);
}
// The sector that would have told that records are missing is damaged as well: the other one says 600.
void newest_sector_and_its_records(DamagedLog& log) {
  const auto path = log.dir / "watermark";
  const Mark newest{kDamagedRecords, *(*log.open())->root(kDamagedRecords)};
  const Mark older{600, *(*log.open())->root(600)};
  std::filesystem::remove(path);
  auto file = WatermarkFile::create(path, older);
  ASSERT_TRUE(file && file->write(newest));
  newest_sector(log);
  std::filesystem::remove(log.file(".log"));
}

std::string snapshot(DamagedLog& log, bool reseal) {
  auto snapshots = SnapshotStore::open(log.dir / "snapshots");
  State state;
  state.next = 100;
  state.origin = "saved";
  if (!snapshots || !snapshots->save(state, *(*log.open())->root(100))) return "no snapshot was made";
  const auto path = log.dir / "snapshots" / "100.snap";
  auto bytes = *read_file(path, 1 << 20);
  const auto at = bytes.rfind("saved");
  bytes[at] = static_cast<char>(bytes[at] ^ 4);
  if (reseal) bytes.replace(80, 32, as_bytes(sha256(std::string_view(bytes).substr(112))));
  write_plain(path, bytes);
  const auto loaded = snapshots->load(kDamagedRecords);
  if (!loaded) return "passed over, " + log.outcome();
  return loaded->state == state ? "loaded, whole" : "loaded, ALTERED";
}

std::string signing_key(DamagedLog& log, bool astray) {
  const auto key = SigningKey::generate(kDamagedOrigin);
  const auto other = SigningKey::generate(kDamagedOrigin);
  const auto path = log.dir / "log.key";
  if (!key || !other || !(astray ? other : key)->save(path)) return "no key was made";
  if (!astray) DamagedLog::flip(path, read_file(path, 4096)->size() - 10);
  const auto loaded = SigningKey::load(path);
  if (!loaded) return "refused: " + loaded.error().message;
  return loaded->verifier() == key->verifier() ? "loaded, whole" : "loaded, ANOTHER KEY";
}

constexpr std::string_view record_605 = R"("specversion":"1.0","id":"605")";

std::string write_ahead_log(DamagedLog& log, bool reseal) {
  flip_and_reseal(log.file(".log"), record_605, reseal);
  return log.outcome();
}

// Opening for writing is refused, and what there is stays as it is.
std::string left_alone(DamagedLog& log, LogChecks checks) {
  const auto wal = log.file(".log");
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) - 1);
  const auto before = log.database();
  const auto opened = log.open(false, checks);
  return std::string(opened ? "opened" : "refused") + (log.database() == before ? ", left alone" : ", CHANGED");
}

std::string missing_table(DamagedLog& log, bool checks) {
  std::filesystem::remove(log.table("events"));
  if (checks) return log.outcome();
  RocksDbStore::Options options{log.dir / "db"};
  options.read_only = true;
  options.for_repair = true;  // paranoid_checks off
  const auto store = RocksDbStore::open(options);
  if (!store) return "refused: " + store.error().message;
  const auto record = (*store)->get(Family::events, event_key(0));
  return record && !*record ? "opened, record 0 GONE" : "opened";
}

std::string manifest(DamagedLog& log, bool reseal) {
  flip_and_reseal(log.file("MANIFEST"), "events", reseal);
  return log.outcome();
}

// The list of tables, cut off before it says anything: everything else is whole.
void empty_manifest(DamagedLog& log) {
  std::filesystem::resize_file(log.file("MANIFEST"), 0);
}

void twice(DamagedLog& log) {
  const auto path = log.file(".log");
  const auto bytes = *read_file(path, 64 << 20);
  write_plain(path, bytes + bytes);
}

// The last parts of the list, which say where the tables are: what is left is a list all the same.
void cut_manifest(DamagedLog& log) {
  const auto path = log.file("MANIFEST");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) * 3 / 4);
}

// What `headgate log repair` says and does.
std::string repaired(DamagedLog& log, const LogChecks& checks = LogChecks::all()) {
  const auto before = log.database();
  const auto repair = repair_log(log.dir.path(), {}, nullptr, checks);
  const auto outcome = repair ? log.outcome() : "refused: " + repair.error().message;
  return outcome + (log.database() == before ? "; left alone" : "; CHANGED");
}
Row repair_checked(const char* damage, LogCheck check, const char* expected, const Damage& apply) {
  return {damage, name_of(check).data(), expected,
          [apply](DamagedLog& log) {
            apply(log);
            return repaired(log);
          },
          [apply, check](DamagedLog& log) {
            apply(log);
            return repaired(log, LogChecks::without(check));
          }};
}

// RocksDB ends the process over it: in one of its own.
std::string write_ahead_log_twice(DamagedLog& log, LogChecks checks) {
  twice(log);
  if (checks.has(LogCheck::wal_sequences)) return log.outcome(checks);
  const auto child = ::fork();
  if (child == 0) {
    ::close(STDERR_FILENO);
    ::alarm(60);
    ::_exit(log.open(true, checks) ? 0 : 1);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return "no process";
  return WIFSIGNALED(status) ? "the process ended by signal " + std::to_string(WTERMSIG(status)) : "opened or refused";
}

// What is beside a log whose records are gone.
void without_records(DamagedLog& log) {
  for (const char* name : {"db", "watermark"}) std::filesystem::remove_all(log.dir / name);
  write_plain(log.dir / "checkpoint", "of what was there");
}

std::vector<Row> table() {
  const auto remove = [](const char* name) {
    return [name](DamagedLog& log) { std::filesystem::remove_all(log.dir / name); };
  };
  const auto truncate = [](const char* name, std::size_t by) {
    return [name, by](DamagedLog& log) {
      const auto path = log.file(name);
      std::filesystem::resize_file(path, std::filesystem::file_size(path) - by);
    };
  };
  return {
      checked("database gone", LogCheck::watermark_reached, "records 0 to 611 are missing", remove("db")),
      checked("database and watermark gone", LogCheck::nothing_left, "holds no records, but checkpoint of a log",
              without_records),
      checked("CURRENT gone", LogCheck::database_files, "CURRENT is missing", remove("db/CURRENT")),
      checked("CURRENT, bit flipped", LogCheck::database_files, "CURRENT is damaged",
              [](DamagedLog& log) { DamagedLog::flip(log.dir / "db" / "CURRENT", 12); }),
      checked("MANIFEST gone", LogCheck::database_files, "the file that it names is missing",
              [](DamagedLog& log) { std::filesystem::remove(log.file("MANIFEST")); }),
      {"MANIFEST, bit flipped", "RocksDB: record checksum", "checksum mismatch",
       [](DamagedLog& log) { return manifest(log, false); }, [](DamagedLog& log) { return manifest(log, true); }},
      checked("MANIFEST cut to nothing", LogCheck::database_files,
              "is damaged, which says what the files beside it are", empty_manifest),
      checked("MANIFEST truncated", LogCheck::format, "holds records but does not say its format: most likely",
              cut_manifest),
      {"WAL, batches twice", "wal_sequences", "batches stand in it twice",
       [](DamagedLog& log) { return write_ahead_log_twice(log, LogChecks::all()); },
       [](DamagedLog& log) { return write_ahead_log_twice(log, LogChecks::without(LogCheck::wal_sequences)); }},
      checked("WAL gone", LogCheck::watermark_reached, "records 600 to 611 are missing",
              [](DamagedLog& log) { std::filesystem::remove(log.file(".log")); }),
      checked("WAL truncated", LogCheck::watermark_reached, "records 610 to 611 are missing", truncate(".log", 1)),
      {"WAL, bit flipped", "RocksDB: record checksum", "read the write-ahead log",
       [](DamagedLog& log) { return write_ahead_log(log, false); },
       [](DamagedLog& log) { return write_ahead_log(log, true); }},
      checked("WAL, bit flipped under its checksum", LogCheck::watermark_root, "records or tiles were altered",
              [](DamagedLog& log) { flip_and_reseal(log.file(".log"), record_605, true); }),
      {"WAL truncated, opened for writing", "look_first", "refused, left alone",
       [](DamagedLog& log) { return left_alone(log, LogChecks::all()); },
       [](DamagedLog& log) { return left_alone(log, LogChecks::without(LogCheck::look_first)); }},
      {"SST gone", "RocksDB: consistency at open", "No such file",
       [](DamagedLog& log) { return missing_table(log, true); },
       [](DamagedLog& log) { return missing_table(log, false); }},
      repair_checked("SST of records, grown; repaired", LogCheck::kept_tables, "; left alone",
                     [](DamagedLog& log) { DamagedLog::grow(log.table("events")); }),
      repair_checked("SST of meta gone; repaired", LogCheck::format, "('meta') cannot be read",
                     [](DamagedLog& log) { std::filesystem::remove(log.table("meta")); }),
      {"SST, bit flipped in a record", "RocksDB: block checksum", "checksum mismatch",
       [](DamagedLog& log) {
         DamagedLog::flip(log.table("events"), 20);
         return log.outcome();
       },
       [](DamagedLog& log) { return read_unchecked(log); }},
      checked("record altered below a full tile", LogCheck::tiles, "tile 0/0 is not the one of its records",
              [](DamagedLog& log) { log.put(Family::events, event_key(100), DamagedLog::altered(100)); }),
      checked("record altered after the last full tile", LogCheck::watermark_root, "records or tiles were altered",
              [](DamagedLog& log) { log.put(Family::events, event_key(605), DamagedLog::altered(605)); }),
      {"tree tile gone", "read_tile", "tile 0/1 of the log's tree is",
       [](DamagedLog& log) {
         log.put(Family::tree, tile_key({0, 1}), "");
         return log.outcome();
       },
       [](DamagedLog& log) {
         log.put(Family::tree, tile_key({0, 1}), std::string(kTileBytes, '\0'));  // none, but of the right length
         return log.outcome();
       }},
      checked("tree tile altered", LogCheck::watermark_root, "records or tiles were altered",
              [](DamagedLog& log) {
                log.put(Family::tree, tile_key({0, 1}), std::string(kTileBytes, 'x'));
              }),
      checked("index entry too many", LogCheck::index, "the index does not say where",
              [](DamagedLog& log) { log.put(Family::index, std::string("\1\0\7nothing", 10) + event_key(3), ""); }),
      checked("index ahead of the log", LogCheck::index_position, "the index of the log",
              [](DamagedLog& log) { log.put(Family::meta, "index", "613"); }),
      {"snapshot, bit flipped", "its SHA-256", "passed over, 612 records, whole",
       [](DamagedLog& log) { return snapshot(log, false); }, [](DamagedLog& log) { return snapshot(log, true); }},
      checked("watermark gone", LogCheck::watermark_there, "watermark is missing", remove("watermark")),
      {"watermark, both sectors damaged", "their SHA-256", "both sectors of the watermark",
       [](DamagedLog& log) { return both_sectors(log, false); },
       [](DamagedLog& log) { return both_sectors(log, true); }},
      checked("watermark, newest sector damaged", LogCheck::watermark_sectors,
              "whole; told: one of the two sectors of the watermark", newest_sector),
      checked("watermark, newest sector damaged, records gone", LogCheck::watermark_sectors,
              "the other one says 600 records, and the log has no more", newest_sector_and_its_records),
      checked("watermark ahead of the log", LogCheck::watermark_reached, "are missing",
              [](DamagedLog& log) {
                auto file = WatermarkFile::open(log.dir / "watermark");
                ASSERT_TRUE(file && file->write({kDamagedRecords + 5, {}}));
              }),
      {"signing key, bit flipped", "its key id", "refused", [](DamagedLog& log) { return signing_key(log, false); },
       [](DamagedLog& log) { return signing_key(log, true); }},
  };
}

TEST(Damage, EveryClassHasItsDetector) {
  std::set<std::string> detectors;
  std::printf("%-46s %-30s %s\n", "damage", "detector", "outcome");
  for (const auto& row : table()) {
    SCOPED_TRACE(row.damage);
    detectors.insert(row.detector);
    std::string outcome;
    {
      DamagedLog log;
      outcome = row.observe(log);
      const auto path = log.dir.path().string();
      for (auto at = outcome.find(path); at != std::string::npos; at = outcome.find(path)) {
        outcome.replace(at, path.size(), "DIR");
      }
    }
    std::printf("%-46s %-30s %s\n", row.damage, row.detector, outcome.c_str());
    EXPECT_NE(outcome.find(row.expected), std::string::npos) << outcome;
    if (outcome.starts_with("refused: ") && row.detector != std::string_view("its key id")) {
      EXPECT_TRUE(outcome.find("headgate log repair") != std::string::npos ||
                  outcome.find("backup") != std::string::npos)
          << "it does not say what to do: " << outcome;
    }
    DamagedLog log;
    const auto undetected = row.without(log);
    EXPECT_EQ(undetected.find(row.expected), std::string::npos) << "its detector is not needed: " << undetected;
  }
  for (const auto name : EnumNames<LogCheck>::names) {
    EXPECT_TRUE(detectors.contains(std::string(name))) << name << " has no row";
  }
}

TEST(Damage, WhatIsNotOursIsRefusedAndLeftAlone) {
  const DamagedLog newer;
  newer.put(Family::meta, "format", "2");
  const auto before = newer.database();
  HEADGATE_EXPECT_ERROR(newer.open(false), ErrorCode::conflict);
  EXPECT_EQ(newer.database(), before);

  const TempDir foreign;
  write_plain(foreign / "db", "a file where a database should be");
  RocksDbLog::Options options{.dir = foreign.path(), .origin = kDamagedOrigin};
  EXPECT_FALSE(RocksDbLog::open(options).has_value());
  EXPECT_EQ(*read_file(foreign / "db", 100), "a file where a database should be");
}

// Whatever tells of a log that was there; and a directory of a first start that was cut off, which has none of it.
TEST(Damage, NoLogBeginsBesideWhatAnotherOneLeft) {
  for (const std::string left : {"checkpoint", "snapshots/12.snap", "people/k3v9q2.json", "people/tokens/a.json"}) {
    SCOPED_TRACE(left);
    const TempDir dir;
    std::filesystem::create_directories((dir / left).parent_path());
    write_plain(dir / left, "x");
    const auto opened = RocksDbLog::open({.dir = dir.path(), .origin = kDamagedOrigin});
    HEADGATE_EXPECT_ERROR(opened, ErrorCode::corrupt);
    EXPECT_NE(opened.error().message.find(left), std::string::npos) << opened.error().message;
    EXPECT_FALSE(std::filesystem::exists(dir / "db"));
  }
  const TempDir dir;
  for (const char* folder : {"people", "snapshots"}) std::filesystem::create_directories(dir / folder);
  write_plain(dir / "log.key", "x");
  HEADGATE_ASSERT_OK(RocksDbLog::open({.dir = dir.path(), .origin = kDamagedOrigin}));
  // One that has a database, but not a single record in it.
  std::filesystem::remove(dir / "watermark");
  write_plain(dir / "checkpoint", "x");
  HEADGATE_EXPECT_ERROR(RocksDbLog::open({.dir = dir.path(), .origin = kDamagedOrigin}), ErrorCode::corrupt);
}

TEST(Damage, AManifestThatIsOverwrittenOrCutIsNamed) {
  for (const std::uintmax_t keep : {std::uintmax_t{0}, std::uintmax_t{30}}) {
    for (const std::size_t zeros : {0, 4, 16}) {
      SCOPED_TRACE(std::to_string(keep) + " " + std::to_string(zeros));
      const DamagedLog log;
      const auto path = log.file("MANIFEST");
      auto bytes = *read_file(path, 64 << 20);
      if (zeros == 0) bytes.resize(keep);
      std::fill_n(bytes.begin(), std::min(zeros, bytes.size()), '\0');
      write_plain(path, bytes);
      const auto before = log.database();
      for (const bool read_only : {true, false}) {
        const auto opened = log.open(read_only);
        HEADGATE_EXPECT_ERROR(opened, ErrorCode::corrupt);
        EXPECT_NE(opened.error().message.find(path.filename().string() + " is damaged"), std::string::npos)
            << opened.error().message;
        EXPECT_NE(opened.error().message.find("headgate backup restore"), std::string::npos);
      }
      const auto repaired = repair_log(log.dir.path(), {});
      HEADGATE_EXPECT_ERROR(repaired, ErrorCode::corrupt);
      EXPECT_NE(repaired.error().message.find("headgate backup restore"), std::string::npos);
      EXPECT_EQ(log.database(), before);
    }
  }
}

// Wherever it is cut: it is named, or nothing is lost with what is gone.
TEST(Damage, AManifestCutAnywhereIsNamed) {
  const DamagedLog log;
  const auto path = log.file("MANIFEST");
  const auto bytes = *read_file(path, 64 << 20);
  std::size_t refused = 0;
  for (std::size_t keep = bytes.size() - 1; keep > 5 && !testing::Test::HasFailure(); keep -= 5) {
    SCOPED_TRACE("cut after byte " + std::to_string(keep));
    write_plain(path, bytes.substr(0, keep));
    const auto before = log.database();
    const auto outcome = log.outcome();
    if (outcome == "612 records, whole") continue;
    ++refused;
    EXPECT_TRUE(outcome.starts_with("refused: ")) << outcome;
    EXPECT_NE(outcome.find(path.string()), std::string::npos) << outcome;
    EXPECT_NE(outcome.find("headgate "), std::string::npos) << "it does not say what to do: " << outcome;
    HEADGATE_EXPECT_ERROR(log.open(false), ErrorCode::corrupt);
    const auto repaired = repair_log(log.dir.path(), {});
    HEADGATE_EXPECT_ERROR(repaired, ErrorCode::corrupt);
    EXPECT_NE(repaired.error().message.find(path.filename().string()), std::string::npos) << repaired.error().message;
    EXPECT_TRUE(repaired.error().message.ends_with(restore_advice())) << repaired.error().message;
    EXPECT_EQ(log.database(), before);
  }
  EXPECT_GT(refused, bytes.size() / 10) << "more than half of the cuts lose something";
}

TEST(Damage, BatchesThatStandTwiceInTheWriteAheadLogAreRefused) {
  const auto record_length = [](std::string_view bytes) {
    return 7U + static_cast<std::uint8_t>(bytes[4]) + 256U * static_cast<std::uint8_t>(bytes[5]);
  };
  for (const bool first : {true, false}) {
    const DamagedLog log;
    const auto path = log.file(".log");
    const auto bytes = *read_file(path, 64 << 20);
    std::size_t last = 0;
    for (std::size_t at = 0; at < bytes.size(); at += record_length(std::string_view(bytes).substr(at))) last = at;
    write_plain(path, first ? bytes.substr(0, record_length(bytes)) + bytes : bytes + bytes.substr(last));
    const auto before = log.database();
    for (const bool read_only : {true, false}) {
      const auto opened = log.open(read_only);
      HEADGATE_EXPECT_ERROR(opened, ErrorCode::corrupt);
      EXPECT_NE(opened.error().message.find(path.string()), std::string::npos) << opened.error().message;
    }
    HEADGATE_EXPECT_ERROR(repair_log(log.dir.path(), {}), ErrorCode::corrupt);
    EXPECT_EQ(log.database(), before);
  }
}

TEST(Damage, AFullDiskIsAnErrorOfTheOpening) {
  const auto faults = std::make_shared<FaultFileSystem>();
  for (const bool repair : {false, true}) {
    const DamagedLog log;
    faults->disk_full = true;
    RocksDbLog::Options options{.dir = log.dir.path(), .origin = kDamagedOrigin};
    options.file_system = faults;
    if (repair) {
      HEADGATE_EXPECT_ERROR(repair_log(log.dir.path(), {}, faults), ErrorCode::io);
    } else {
      HEADGATE_EXPECT_ERROR(RocksDbLog::open(options), ErrorCode::io);
    }
    faults->disk_full = false;
    HEADGATE_ASSERT_OK(RocksDbLog::open(options));
    EXPECT_FALSE(std::filesystem::exists(log.dir / "db" / "LOG")) << "RocksDB ends the process when it cannot write it";
  }
}

// A bit that flips on its way from the disk, under a log that is open: whoever reads gets what was written, or is told.
TEST(Damage, ABitThatFlipsWhileATableIsReadIsNeverBelieved) {
  std::mt19937_64 chance(torture_seed("flipped reads"));
  const auto faults = std::make_shared<FaultFileSystem>();
  const DamagedLog files;
  RocksDbLog::Options options{.dir = files.dir.path(), .origin = kDamagedOrigin};
  options.read_only = true;
  options.file_system = faults;
  std::size_t told = 0;
  std::size_t verified = 0;
  const auto flip_one = [&](std::uint64_t reads) {
    faults->flip_bit = chance();
    faults->flip_after = static_cast<std::int64_t>(chance() % reads);
  };
  for (std::size_t round = 0; round < torture_rounds(60) && !testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const auto log = RocksDbLog::open(options);  // with nothing in its cache
    HEADGATE_ASSERT_OK(log);
    if (round % 2 == 0) {
      flip_one(8);
      for (Position at = 0; at < kDamagedRecords; at += 20) {
        const auto read = (*log)->read(at, 20);
        if (read) {
          EXPECT_TRUE(std::ranges::equal(*read, std::span(DamagedLog::records()).subspan(at, read->size()), {},
                                         &StoredRecord::bytes))
              << "from record " << at;
        } else {
          EXPECT_EQ(read.error().code, ErrorCode::corrupt) << read.error().message;
          ++told;
        }
      }
    } else {
      flip_one(4);
      const auto found = (*log)->verify({});
      if (!found) {
        EXPECT_EQ(found.error().code, ErrorCode::corrupt) << found.error().message;
        ++verified;
      }
    }
    EXPECT_LT(faults->flip_after.load(), 0) << "nothing was flipped";
    faults->flip_after = -1;
  }
  std::printf("told to %zu reads, found by %zu verifications\n", told, verified);
  EXPECT_GT(told, 0U);
  EXPECT_GT(verified, 0U);
  EXPECT_EQ(files.outcome(), "612 records, whole");  // the disk has it right
}

// A query that meets a damaged block says what mends it.
TEST(Damage, AQueryOverADamagedIndexNamesTheRepair) {
  const DamagedLog log;
  DamagedLog::flip(log.table("index"), 20);
  const auto opened = log.open();
  HEADGATE_ASSERT_OK(opened);
  Result<EventPage> page;
  for (const char* service : {"gateway", "ledger", "web"}) {
    page = (*opened)->query({.filter = {.service = service}, .limit = 10'000});
    if (!page) break;
  }
  HEADGATE_EXPECT_ERROR(page, ErrorCode::corrupt);
  EXPECT_NE(page.error().message.find("headgate log repair"), std::string::npos) << page.error().message;
}

TEST(Damage, SizesOutOfOrderAreRefused) {
  const DamagedLog files;
  const auto log = files.open();
  HEADGATE_ASSERT_OK(log);
  HEADGATE_EXPECT_ERROR((*log)->root(kDamagedRecords + 1), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR((*log)->consistency_proof(400, 300), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR((*log)->consistency_proof(300, kDamagedRecords + 1), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR((*log)->inclusion_proof(300, 300), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR((*log)->inclusion_proof(0, UINT64_MAX), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR((*log)->leaf_hash(UINT64_MAX), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR((*log)->fold(0, UINT64_MAX, [](const auto&) {}), ErrorCode::invalid_input);
  EXPECT_TRUE((*log)->read(UINT64_MAX, 10)->empty());
}

TEST(Damage, WithoutDamageTheLogIsWhole) {
  const DamagedLog log;
  EXPECT_EQ(log.outcome(), "612 records, whole");
}

}  // namespace
}  // namespace headgate::store
