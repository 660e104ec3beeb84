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

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace headgate::store {

struct LogRepair {
  std::string found{};                         // why the database did not open as it was; empty when it did
  Position records = 0;                        // read, before and after, and found the same
  Hash root{};                                 // of all of them
  std::uint64_t tiles = 0;                     // written
  std::uint64_t damaged_tiles = 0;             // of those: were missing, unreadable or other than the records'
  std::vector<std::string> dropped_snapshots;  // file names
};

// The data directory must be stopped and locked (DataLock). corrupt, naming the first record that is damaged or
// missing, before anything was changed; not_found without a log. May be repeated after it was interrupted.
// `progress(done, all)` is called now and then. `file_system`: of the database; null: the operating system's.
Result<LogRepair> repair_log(const std::filesystem::path& data, const std::function<void(Position, Position)>& progress,
                             const std::shared_ptr<rocksdb::FileSystem>& file_system = nullptr);

}  // namespace headgate::store
