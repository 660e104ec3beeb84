// A file system below RocksDB that fails when it is told to: only for tests.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>

namespace headgate::store {

class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  FaultFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultFileSystem"; }

  std::atomic<int> fail_wal_syncs{0};        // so many syncs of write-ahead logs fail
  std::atomic<bool> disk_full{false};        // every write of whatever file fails with ENOSPC
  std::atomic<std::int64_t> torn_after{-1};  // once: a write to a write-ahead log stops after so many bytes, and fails

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewWritableFile(name, options, result, debug);
    if (status.ok()) *result = std::make_unique<File>(*this, std::move(*result), name.ends_with(".log"));
    return status;
  }

 private:
  class File : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(FaultFileSystem& faults, std::unique_ptr<rocksdb::FSWritableFile> file, bool wal)
        : FSWritableFileOwnerWrapper(std::move(file)), faults_(faults), wal_(wal) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (faults_.disk_full) return rocksdb::IOStatus::NoSpace("no space left on device");
      if (const auto keep = faults_.torn_after.load(); wal_ && keep >= 0) {
        faults_.torn_after = -1;
        const auto length = std::min(data.size(), static_cast<std::size_t>(keep));
        static_cast<void>(FSWritableFileOwnerWrapper::Append({data.data(), length}, options, debug));
        return rocksdb::IOStatus::IOError("torn write");
      }
      return FSWritableFileOwnerWrapper::Append(data, options, debug);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* debug) override {
      return Append(data, options, debug);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      if (refuse_sync()) return rocksdb::IOStatus::IOError("sync failed");
      return FSWritableFileOwnerWrapper::Sync(options, debug);
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      if (refuse_sync()) return rocksdb::IOStatus::IOError("sync failed");
      return FSWritableFileOwnerWrapper::Fsync(options, debug);
    }

   private:
    bool refuse_sync() {
      if (!wal_ || faults_.fail_wal_syncs <= 0) return false;
      --faults_.fail_wal_syncs;
      return true;
    }

    FaultFileSystem& faults_;
    bool wal_;
  };
};

}  // namespace headgate::store
