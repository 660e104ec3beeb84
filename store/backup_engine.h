// The databases of the backups: RocksDB's backup engine in a folder. Only backup*.cc include this.
#pragma once

#include <rocksdb/utilities/backup_engine.h>

#include <filesystem>
#include <memory>

#include "engine/domain/error.h"
#include "store/backup.h"
#include "store/rocksdb_store.h"

namespace headgate::store {

struct BackupEngineFiles {
  std::unique_ptr<rocksdb::Env> env;  // null: the operating system's
  rocksdb::BackupEngineOptions options;

  BackupEngineFiles(const std::filesystem::path& folder, const std::shared_ptr<rocksdb::FileSystem>& file_system);
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
                                           const std::shared_ptr<rocksdb::FileSystem>& file_system);
};

// The database of one backup, where it lies, for reading.
Result<std::unique_ptr<RocksDbStore>> open_backup(const rocksdb::BackupEngineReadOnlyBase& engine, std::uint64_t id);

// As fail_status, but a full disk is said in so many words.
std::unexpected<Error> fail_backup(std::string_view action, const rocksdb::Status& status);

}  // namespace headgate::store
