#include "store/backup_engine.h"

#include <fmt/core.h>

namespace headgate::store {

std::unexpected<Error> fail_backup(std::string_view action, const rocksdb::Status& status) {
  if (status.IsNoSpace()) {
    return fail(ErrorCode::io, fmt::format("cannot {}: the disk is full ({}); make room or name another directory",
                                           action, status.ToString()));
  }
  return fail_status(action, status);
}

BackupEngineFiles::BackupEngineFiles(const std::filesystem::path& folder,
                                     const std::shared_ptr<rocksdb::FileSystem>& file_system)
    : env(file_system ? rocksdb::NewCompositeEnv(file_system) : nullptr),
      options((folder / "engine").string(), env.get()) {}

Result<Backups::Engine> Backups::Engine::open(const std::filesystem::path& folder,
                                              const std::shared_ptr<rocksdb::FileSystem>& file_system) {
  Engine opened{BackupEngineFiles(folder, file_system)};
  rocksdb::BackupEngine* engine = nullptr;
  const auto status = rocksdb::BackupEngine::Open(opened.files.options, rocksdb::Env::Default(), &engine);
  if (!status.ok()) return fail_backup(fmt::format("open the backups in {}", folder.string()), status);
  opened.engine.reset(engine);
  return opened;
}

Result<ReadOnlyBackupEngine> ReadOnlyBackupEngine::open(const std::filesystem::path& folder,
                                                        const std::shared_ptr<rocksdb::FileSystem>& file_system) {
  ReadOnlyBackupEngine opened{BackupEngineFiles(folder, file_system)};
  rocksdb::BackupEngineReadOnly* engine = nullptr;
  const auto status = rocksdb::BackupEngineReadOnly::Open(opened.files.options, rocksdb::Env::Default(), &engine);
  if (!status.ok()) return fail_status(fmt::format("open the backups in {}", folder.string()), status);
  opened.engine.reset(engine);
  return opened;
}

Result<std::unique_ptr<RocksDbStore>> open_backup(const rocksdb::BackupEngineReadOnlyBase& engine, std::uint64_t id) {
  rocksdb::BackupInfo info;
  const auto number = static_cast<rocksdb::BackupID>(id);
  if (const auto status = engine.GetBackupInfo(number, &info, true); !status.ok()) {
    return fail(ErrorCode::corrupt, fmt::format("the database of backup {} is damaged: {}", id, status.ToString()));
  }
  RocksDbStore::Options options{info.name_for_open, true, info.env_for_open->GetFileSystem()};
  return RocksDbStore::open(options);
}

}  // namespace headgate::store
