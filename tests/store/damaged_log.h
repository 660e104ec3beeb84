// A log of 612 records to be damaged: two full tiles, tables of every family, and twelve records that are still in the
// write-ahead log alone, as in a process that was killed. Made once, copied for each damage.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "store/codec.h"
#include "store/files.h"
#include "store/rocksdb_log.h"
#include "store/rocksdb_store.h"
#include "tests/store/log_events.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {

inline constexpr const char* kDamagedOrigin = "headgate.example.com";
inline constexpr Position kDamagedRecords = 612;

class DamagedLog {
 public:
  DamagedLog() {
    std::filesystem::copy(original().dir.path(), dir.path(),
                          std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  }

  TempDir dir;

  static const std::vector<std::string>& records() { return original().records; }
  static const std::vector<Recorded<Event>>& events() { return original().events; }

  Result<std::unique_ptr<RocksDbLog>> open(bool read_only = true, LogChecks checks = LogChecks::all()) const {
    RocksDbLog::Options options{.dir = dir.path(), .origin = kDamagedOrigin};
    options.read_only = read_only;
    options.checks = checks;
    return RocksDbLog::open(std::move(options));
  }
  // What somebody who opens the log, reads every record and verifies gets to see.
  std::string outcome(LogChecks checks = LogChecks::all()) const {
    const auto log = open(true, checks);
    if (!log) return "refused: " + log.error().message;
    const auto size = (*log)->size();
    const auto found = (*log)->read(0, size);
    if (!found) return "refused to read: " + found.error().message;
    if (const auto verified = (*log)->verify({}); !verified) return "refused by verify: " + verified.error().message;
    const bool same = found->size() <= records().size() &&
                      std::ranges::equal(*found, std::span(records()).first(found->size()), {}, &StoredRecord::bytes);
    const auto told = (*log)->notice().empty() ? std::string() : "; told: " + (*log)->notice();
    return std::to_string(size) + (same ? " records, whole" : " records, ALTERED") + told;
  }

  // The one file of the database whose name ends so; the newest, when there are several.
  std::filesystem::path file(std::string_view end) const {
    std::filesystem::path found;
    for (const auto& entry : std::filesystem::directory_iterator(dir / "db")) {
      const auto name = entry.path().filename().string();
      if (name.find(end) != std::string::npos && entry.file_size() > 0) found = std::max(found, entry.path());
    }
    EXPECT_FALSE(found.empty()) << end;
    return found;
  }
  // The table that holds a family's entries.
  std::filesystem::path table(const std::string& family) const {
    RocksDbStore::Options options{dir / "db"};
    options.read_only = true;
    const auto store = RocksDbStore::open(options);
    EXPECT_TRUE(store.has_value());
    std::vector<rocksdb::LiveFileMetaData> files;
    (*store)->db().GetLiveFilesMetaData(&files);
    for (const auto& one : files) {
      if (one.column_family_name == family) return dir / "db" / std::filesystem::path(one.name).filename();
    }
    ADD_FAILURE() << "no table of " << family;
    return {};
  }
  void put(RocksDbStore::Family family, const std::string& key, const std::string& value) const {
    const auto store = RocksDbStore::open({dir / "db"});
    ASSERT_TRUE((*store)->db().Put({}, (*store)->family(family), key, value).ok());
  }
  static void flip(const std::filesystem::path& path, std::size_t at) {
    auto bytes = *read_file(path, 64 << 20);
    ASSERT_LT(at, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    write_plain(path, bytes);
  }
  static void grow(const std::filesystem::path& path) { write_plain(path, *read_file(path, 64 << 20) + "garbage"); }
  // A record as somebody would forge it.
  static std::string altered(Position position) {
    auto record = events()[position];
    record.meta.actor = "person:forged";
    std::string text;
    encode(text, kDamagedOrigin, record);
    return text;
  }
  // Bytes of the database by file name, but for RocksDB's own notes.
  std::map<std::string, std::string> database() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(dir / "db")) {
      const auto name = entry.path().filename().string();
      if (name.ends_with(".sst") || name.ends_with(".log") || name.starts_with("MANIFEST") || name == "CURRENT") {
        files[name] = *read_file(entry.path(), 64 << 20);
      }
    }
    return files;
  }

 private:
  struct Original {
    TempDir dir;
    std::vector<std::string> records;
    std::vector<Recorded<Event>> events;

    Original() {
      std::mt19937_64 random(11);
      Timestamp time = kLogBegin;
      const TempDir live;
      RocksDbLog::Options options{.dir = live.path(), .origin = kDamagedOrigin};
      options.durability = Durability::strict;
      const auto append = [&](RocksDbLog& log, std::size_t count) {
        auto some = some_events(random, log.size(), time, count);
        time = some.back().meta.time;
        if (!log.append(log.size(), some)) throw std::runtime_error("append");
        for (auto& event : some) {
          encode(records.emplace_back(), kDamagedOrigin, event);
          events.push_back(std::move(event));
        }
      };
      {
        const auto log = RocksDbLog::open(options);
        append(**log, 600);
      }
      const auto log = RocksDbLog::open(options);  // what was in the write-ahead log goes into tables
      for (int i = 0; i < 6; ++i) append(**log, 2);
      std::filesystem::copy(
          live.path(), dir.path(),
          std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
    }
  };
  static const Original& original() {
    static const Original made;
    return made;
  }
};

}  // namespace headgate::store
