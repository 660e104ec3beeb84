// A file system below RocksDB that fails or lies when it is told to, and that forgets at a power cut what was never
// synced: only for tests.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>

namespace headgate::store {

// Files in memory alone.
inline std::shared_ptr<rocksdb::FileSystem> memory_filesystem() {
  const std::shared_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  return {env->GetFileSystem().get(), [env](rocksdb::FileSystem*) {}};  // lives in the environment
}

inline std::string file_bytes(rocksdb::FileSystem& files, const std::string& name) {
  std::string bytes;
  const auto status = rocksdb::ReadFileToString(&files, name, &bytes);
  if (!status.ok()) throw std::runtime_error(status.ToString());
  return bytes;
}

inline void put_file(rocksdb::FileSystem& files, const std::string& name, const std::string& bytes) {
  const auto status = rocksdb::WriteStringToFile(&files, bytes, name, true);
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultFileSystem(std::shared_ptr<rocksdb::FileSystem> below = rocksdb::FileSystem::Default())
      : FileSystemWrapper(std::move(below)) {}
  const char* Name() const override { return "FaultFileSystem"; }

  // So many syncs of write-ahead logs fail. Later ones succeed, but what the failed one should have kept is gone at a
  // power cut all the same: that is how kernels do it.
  std::atomic<int> fail_wal_syncs{0};
  std::atomic<bool> unreadable{false};       // every file that is read from end to end fails to open with EIO
  std::atomic<bool> disk_full{false};        // every write of whatever file fails with ENOSPC
  std::atomic<bool> disk_broken{false};      // every write of whatever file fails with EIO
  std::atomic<std::int64_t> torn_after{-1};  // once: a write to a write-ahead log stops after so many bytes, and fails
  std::atomic<std::int64_t> power_for{-1};   // after so many more changes of files nothing changes any more

  // Once: after so many more reads of tables, what the next one gives has a bit flipped: the one of this number, modulo
  // how many there are. On the disk it is right.
  std::atomic<std::int64_t> flip_after{-1};
  std::atomic<std::uint64_t> flip_bit{0};

  bool has_power() const { return power_for != 0; }

  // While no file is open: what was not synced is gone, but for a part of any length, and power is back.
  void lose_unsynced(std::mt19937_64& random) {
    for (auto& [name, file] : files_) {
      const auto safe = std::min(file.synced, file.lost);
      if (file.size > safe) {
        const auto kept = file.lost < file.size ? safe : safe + random() % (file.size - safe + 1);
        const auto bytes = file_bytes(*target(), name);
        put_file(*target(), name, bytes.substr(0, kept));
      }
    }
    files_.clear();
    power_for = -1;
    fail_wal_syncs = 0;
    torn_after = -1;
    disk_full = disk_broken = false;
  }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    if (!may_change()) return no_power();
    auto status = FileSystemWrapper::NewWritableFile(name, options, result, debug);
    if (!status.ok()) return status;
    const std::scoped_lock lock(mutex_);
    files_[name] = {};
    *result = std::make_unique<File>(*this, std::move(*result), name);
    return status;
  }
  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* debug) override {
    if (unreadable) return rocksdb::IOStatus::IOError("input/output error");
    return FileSystemWrapper::NewSequentialFile(name, options, result, debug);
  }
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewRandomAccessFile(name, options, result, debug);
    if (status.ok()) *result = std::make_unique<ReadFile>(*this, std::move(*result));  // tables alone are read so
    return status;
  }
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (!may_change()) return no_power();
    const std::scoped_lock lock(mutex_);
    files_.erase(name);
    return FileSystemWrapper::DeleteFile(name, options, debug);
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (!may_change()) return no_power();
    const std::scoped_lock lock(mutex_);
    if (auto moved = files_.extract(from); !moved.empty()) {
      moved.key() = to;
      files_.erase(to);
      files_.insert(std::move(moved));
    }
    return FileSystemWrapper::RenameFile(from, to, options, debug);
  }

 private:
  struct Tracked {
    std::uint64_t size = 0;
    std::uint64_t synced = 0;
    std::uint64_t lost = UINT64_MAX;  // from here on a failed sync left nothing
  };

  class File : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(FaultFileSystem& faults, std::unique_ptr<rocksdb::FSWritableFile> file, std::string name)
        : FSWritableFileOwnerWrapper(std::move(file)),
          faults_(faults),
          name_(std::move(name)),
          wal_(name_.ends_with(".log")) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (!faults_.may_change()) return no_power();
      if (faults_.disk_full) return rocksdb::IOStatus::NoSpace("no space left on device");
      if (faults_.disk_broken) return rocksdb::IOStatus::IOError("input/output error");
      if (const auto keep = faults_.torn_after.load(); wal_ && keep >= 0) {
        faults_.torn_after = -1;
        const auto length = std::min(data.size(), static_cast<std::size_t>(keep));
        static_cast<void>(FSWritableFileOwnerWrapper::Append({data.data(), length}, options, debug));
        faults_.grew(name_, length);
        return rocksdb::IOStatus::IOError("torn write");
      }
      auto status = FSWritableFileOwnerWrapper::Append(data, options, debug);
      if (status.ok()) faults_.grew(name_, data.size());
      return status;
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* debug) override {
      return Append(data, options, debug);
    }
    rocksdb::IOStatus Truncate(std::uint64_t size, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
      if (!faults_.may_change()) return no_power();
      faults_.cut(name_, size);
      return FSWritableFileOwnerWrapper::Truncate(size, options, debug);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      if (!faults_.may_change()) return no_power();
      if (refuse_sync()) return rocksdb::IOStatus::IOError("sync failed");
      auto status = FSWritableFileOwnerWrapper::Sync(options, debug);
      if (status.ok()) faults_.was_synced(name_, true);
      return status;
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      return Sync(options, debug);
    }

   private:
    bool refuse_sync() {
      if (!wal_ || faults_.fail_wal_syncs <= 0) return false;
      --faults_.fail_wal_syncs;
      faults_.was_synced(name_, false);
      return true;
    }

    FaultFileSystem& faults_;
    const std::string name_;
    const bool wal_;
  };

  class ReadFile : public rocksdb::FSRandomAccessFileOwnerWrapper {
   public:
    ReadFile(FaultFileSystem& faults, std::unique_ptr<rocksdb::FSRandomAccessFile> file)
        : FSRandomAccessFileOwnerWrapper(std::move(file)), faults_(faults) {}

    rocksdb::IOStatus Read(std::uint64_t offset, std::size_t size, const rocksdb::IOOptions& options,
                           rocksdb::Slice* result, char* scratch, rocksdb::IODebugContext* debug) const override {
      auto status = FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, debug);
      if (!status.ok() || result->empty() || !faults_.flips_this()) return status;
      if (result->data() != scratch) std::copy_n(result->data(), result->size(), scratch);
      *result = {scratch, result->size()};
      const auto bit = faults_.flip_bit % (result->size() * 8);
      scratch[bit / 8] = static_cast<char>(scratch[bit / 8] ^ 1 << bit % 8);
      return status;
    }
    rocksdb::IOStatus MultiRead(rocksdb::FSReadRequest* requests, std::size_t count, const rocksdb::IOOptions& options,
                                rocksdb::IODebugContext* debug) override {
      return FSRandomAccessFile::MultiRead(requests, count, options, debug);  // one Read after the other
    }

   private:
    FaultFileSystem& faults_;
  };

  bool flips_this() {
    auto left = flip_after.load();
    while (left >= 0 && !flip_after.compare_exchange_weak(left, left - 1)) {
    }
    return left == 0;
  }
  static rocksdb::IOStatus no_power() { return rocksdb::IOStatus::IOError("no power"); }
  bool may_change() {
    auto left = power_for.load();
    while (left > 0 && !power_for.compare_exchange_weak(left, left - 1)) {
    }
    return left != 0;
  }
  void grew(const std::string& name, std::uint64_t by) {
    const std::scoped_lock lock(mutex_);
    files_[name].size += by;
  }
  void cut(const std::string& name, std::uint64_t size) {
    const std::scoped_lock lock(mutex_);
    auto& file = files_[name];
    file.size = size;
    file.synced = std::min(file.synced, size);
  }
  void was_synced(const std::string& name, bool kept) {
    const std::scoped_lock lock(mutex_);
    auto& file = files_[name];
    if (!kept && file.lost == UINT64_MAX) file.lost = file.synced;
    if (kept) file.synced = file.size;
  }

  std::mutex mutex_;
  std::map<std::string, Tracked> files_;  // written since the last power cut
};

}  // namespace headgate::store
