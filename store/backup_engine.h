// The databases of the backups: RocksDB's backup engine in a folder. Only backup*.cc include this.
#pragma once

#include <rocksdb/utilities/backup_engine.h>

#include <filesystem>
#include <memory>
#include <stop_token>
#include <vector>

#include "engine/domain/error.h"
#include "store/backup.h"
#include "store/rocksdb_store.h"

namespace headgate::store {

struct BackupEngineFiles {
  std::unique_ptr<rocksdb::Env> env;  // null: the operating system's
  rocksdb::BackupEngineOptions options;

  // Whatever reads files from one end to the other fails after a `stop`.
  BackupEngineFiles(const std::filesystem::path& folder, std::shared_ptr<rocksdb::FileSystem> file_system,
                    const std::stop_token& stop = {});
};

// For writing: makes what is missing, and clears what a crash left of the engine's own.
struct Backups::Engine {
  BackupEngineFiles files;
  std::unique_ptr<rocksdb::BackupEngine> engine{};

  static Result<Engine> open(const std::filesystem::path& folder,
                             const std::shared_ptr<rocksdb::FileSystem>& file_system);
};

struct ReadOnlyBackupEngine {
  BackupEngineFiles files;
  std::unique_ptr<rocksdb::BackupEngineReadOnly> engine{};

  static Result<ReadOnlyBackupEngine> open(const std::filesystem::path& folder,
                                           const std::shared_ptr<rocksdb::FileSystem>& file_system,
                                           const std::stop_token& stop = {});
};

// The database of one backup, where it lies, for reading. corrupt where a part of it is damaged or missing.
Result<std::unique_ptr<RocksDbStore>> open_backup(const rocksdb::BackupEngineReadOnlyBase& engine, std::uint64_t id);

// The files that a backup lists beside its databases; corrupt where the list is not the one that was written. What an
// earlier version wrote has no digest of it: there the key, the watermark and the sum of the bytes must be those of the
// description.
Result<std::vector<ListedFile>> read_list(const std::filesystem::path& set, const BackupInfo& info,
                                          const rocksdb::BackupEngineReadOnlyBase& engine);

// As fail_status, but a full disk is said in so many words.
std::unexpected<Error> fail_backup(std::string_view action, const rocksdb::Status& status);
std::unexpected<Error> fail_stopped();
// Inside a backup what is missing or of another size than it can have is damaged.
template <class T>
Result<T> inside_backup(Result<T> result) {
  if (!result && (result.error().code == ErrorCode::not_found || result.error().code == ErrorCode::too_large)) {
    result.error().code = ErrorCode::corrupt;
  }
  return result;
}

}  // namespace headgate::store
