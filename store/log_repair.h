// Mends what can be computed from the records: the tiles of the tree, the index, the snapshots. The records themselves
// are read and never written. A log whose records are not whole is refused: only a copy of them helps.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/names.h"
#include "store/log_checks.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace headgate::store {

// Copies of damaged write-ahead logs, below the data directory.
inline constexpr const char* kDamagedFolder = "damaged";

struct LogRepair {
  std::string found{};   // why the database did not open as it was; empty when it did
  Position records = 0;  // read, before and after, and found the same
  // Copies of the write-ahead logs, when they were damaged: what stood in them behind the last one of `records` is no
  // longer in the log. It came after all that was known to be durable, but may have been answered.
  std::vector<std::string> damaged_wal;
  Hash root{};                                 // of the records
  std::uint64_t tiles = 0;                     // written
  std::uint64_t damaged_tiles = 0;             // of those: were missing, unreadable or other than the records'
  std::vector<std::string> dropped_snapshots;  // file names
};

// The data directory must be stopped and locked (DataLock). corrupt, naming the first record that is damaged or
// missing, before anything was changed; not_found without a log. May be repeated after it was interrupted. An Error
// that comes later, once tree or index may be gone, says so. `progress(done, all)` is called now and then.
// `file_system`: of the database; null: the operating system's.
Result<LogRepair> repair_log(const std::filesystem::path& data, const std::function<void(Position, Position)>& progress,
                             const std::shared_ptr<rocksdb::FileSystem>& file_system = nullptr,
                             const LogChecks& checks = LogChecks::all());

}  // namespace headgate::store
