#include "store/backup_engine.h"

#include <fmt/core.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <string>
#include <utility>

#include "engine/base/digest.h"
#include "store/blob_store.h"
#include "store/files.h"

namespace headgate::store {

namespace {

constexpr std::size_t kMaxListBytes = std::size_t{1} << 30;

// RocksDB's own verification of a backup cannot be stopped otherwise.
class StoppableFiles final : public rocksdb::FileSystemWrapper {
 public:
  StoppableFiles(const std::shared_ptr<rocksdb::FileSystem>& below, std::stop_token stop)
      : FileSystemWrapper(below), stop_(std::move(stop)) {}
  const char* Name() const override { return "StoppableFiles"; }
  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewSequentialFile(name, options, result, debug);
    if (status.ok()) *result = std::make_unique<File>(std::move(*result), stop_);
    return status;
  }

 private:
  class File final : public rocksdb::FSSequentialFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSSequentialFile> file, std::stop_token stop)
        : FSSequentialFileOwnerWrapper(std::move(file)), stop_(std::move(stop)) {}
    rocksdb::IOStatus Read(std::size_t length, const rocksdb::IOOptions& options, rocksdb::Slice* result, char* scratch,
                           rocksdb::IODebugContext* debug) override {
      if (stop_.stop_requested()) return rocksdb::IOStatus::Aborted("stopped");
      return FSSequentialFileOwnerWrapper::Read(length, options, result, scratch, debug);
    }

   private:
    const std::stop_token stop_;
  };

  const std::stop_token stop_;
};

std::unique_ptr<rocksdb::Env> env_over(std::shared_ptr<rocksdb::FileSystem> file_system, const std::stop_token& stop) {
  if (stop.stop_possible()) {
    const auto below = file_system ? file_system : rocksdb::FileSystem::Default();
    file_system = std::make_shared<StoppableFiles>(below, stop);
  }
  return file_system ? rocksdb::NewCompositeEnv(file_system) : nullptr;
}

// Whether nothing is missing from a list without a digest, as far as the description tells.
bool is_complete(const std::filesystem::path& set, const BackupInfo& info, const std::vector<ListedFile>& files,
                 const rocksdb::BackupEngineReadOnlyBase& engine) {
  const auto lists = [&](std::string_view path) {
    return std::ranges::find(files, path, &ListedFile::path) != files.end();
  };
  if (!lists("watermark") || (info.has_key && !lists("log.key"))) return false;
  rocksdb::BackupInfo stored;
  if (!engine.GetBackupInfo(static_cast<rocksdb::BackupID>(info.id), &stored).ok()) return true;  // told elsewhere
  auto bytes = std::uint64_t{stored.size};
  for (const auto& file : files) {
    std::error_code error;
    const auto size = std::filesystem::file_size(set / file.path, error);
    if (error) return true;  // the missing file is told by its name
    if (file.path != "watermark") bytes += size;
  }
  if (bytes == info.bytes) return true;
  // Or a file of another length is in the list: it is told by its name as well.
  return std::ranges::any_of(files, [&](const auto& file) {
    const auto text = read_file(set / file.path, BlobStore::kMaxBlobBytes);
    return !text || sha256(*text) != file.digest;
  });
}

}  // namespace

Result<std::vector<ListedFile>> read_list(const std::filesystem::path& set, const BackupInfo& info,
                                          const rocksdb::BackupEngineReadOnlyBase& engine) {
  const auto path = set / "SHA256SUMS";
  HEADGATE_TRY(const auto text, inside_backup(read_file(path, kMaxListBytes)));
  if (info.list && sha256(text) != *info.list) {
    return fail(ErrorCode::corrupt, fmt::format("{} was altered", path.string()));
  }
  auto files = parse_file_list(text);
  if (!files) return fail(files.error().code, fmt::format("{}: {}", path.string(), files.error().message));
  if (!info.list && !is_complete(set, info, *files, engine)) {
    return fail(ErrorCode::corrupt, fmt::format("{} was altered: lines are missing", path.string()));
  }
  return files;
}

std::unexpected<Error> fail_backup(std::string_view action, const rocksdb::Status& status) {
  if (status.IsNoSpace()) {
    return fail(ErrorCode::io, fmt::format("cannot {}: the disk is full ({}); make room or name another directory",
                                           action, status.ToString()));
  }
  return fail_status(action, status);
}

std::unexpected<Error> fail_stopped() {
  return fail(ErrorCode::unavailable, "it was stopped");
}

BackupEngineFiles::BackupEngineFiles(const std::filesystem::path& folder,
                                     std::shared_ptr<rocksdb::FileSystem> file_system, const std::stop_token& stop)
    : env(env_over(std::move(file_system), stop)), options((folder / "engine").string(), env.get()) {}

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
                                                        const std::shared_ptr<rocksdb::FileSystem>& file_system,
                                                        const std::stop_token& stop) {
  ReadOnlyBackupEngine opened{BackupEngineFiles(folder, file_system, stop)};
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
    return inside_backup<std::unique_ptr<RocksDbStore>>(
        fail_status(fmt::format("open the database of backup {}", id), status));
  }
  RocksDbStore::Options options{info.name_for_open, true, info.env_for_open->GetFileSystem()};
  return inside_backup(RocksDbStore::open(options));
}

}  // namespace headgate::store
