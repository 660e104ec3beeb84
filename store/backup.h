// Backups of a data directory in a folder of their own:
//
//   engine/                     the databases: RocksDB's backup engine, which keeps a file that several hold once
//   blobs/<2>/<62>              blobs by their digest, once for all backups
//   sets/<id>/SHA256SUMS        every file below and every blob of this backup, as sha256sum writes it
//             watermark, log.key, people/…
//             backup.json       written last, with the digest of SHA256SUMS: what has none does not count, and goes
//                               with the next backup
//
// Folders are 0700, files 0600 (those of the engine as RocksDB makes them, behind the folder). A backup holds the first
// `size` records of the log, all of them durable there: it can never be ahead of the log that it was taken from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"
#include "store/file_list.h"

namespace rocksdb {
class FileSystem;
}

namespace headgate::store {

class RocksDbLog;

struct BackupInfo {
  std::uint64_t id = 0;
  Timestamp time;
  std::string origin;
  std::uint64_t size = 0;  // records
  Hash root{};
  std::uint64_t bytes = 0;  // of everything that a restore would write
  bool has_key = false;
  std::optional<Timestamp> verified{};  // when all of it was last read again
  std::string failure{};                // why it is not to be trusted; empty while it is
  std::optional<Hash> list{};           // digest of SHA256SUMS; none in backups of earlier versions
};

struct BackupSource {
  const RocksDbLog& log;
  std::filesystem::path data;  // its blobs and people
  std::filesystem::path key;   // of the checkpoints; need not exist
};

class Backups {
 public:
  // The root of the first `size` records of the log that a backup is compared with.
  using RootAt = std::function<Result<Hash>(std::uint64_t size)>;

  // `file_system`: below the backups' databases; null: the operating system's.
  explicit Backups(const std::filesystem::path& folder, std::shared_ptr<rocksdb::FileSystem> file_system = nullptr);

  const std::filesystem::path& folder() const { return folder_; }
  // All that came to their end, the oldest first; none when there is no folder. One whose description is damaged is
  // among them: its failure says so, its time is that of the file.
  Result<std::vector<BackupInfo>> list() const;
  // A new one, of a log that may be written to meanwhile. It is not verified yet. On an Error (unavailable when another
  // process writes to the folder, and soon after a `stop`) nothing is left of it, and the older ones are as they were.
  Result<BackupInfo> create(const BackupSource& source, Timestamp now, std::stop_token stop = {});
  // Reads every byte and every record again; the tree of the records, the stored tiles and the watermark must all
  // agree, or the Error is corrupt, names what differs and is written down as the backup's failure. Then `root_at`,
  // where it is given: conflict when the backup is of another history, which is no fault of its own. Any other Error
  // says that it could not be read now (unavailable: soon after a `stop`) and leaves it as it was.
  Result<BackupInfo> verify(std::uint64_t id, const RootAt& root_at, Timestamp now, std::stop_token stop = {});
  // Removes those from before `before`, but never the newest good one. Returns how many.
  Result<std::size_t> prune(Timestamp before);
  // Removes this one, good or not; one that is not there is no error.
  Result<void> discard(std::uint64_t id);
  // Writes what the backup holds into a data directory that exists and has none of it. Every byte is compared with its
  // checksum. Durable on return. not_found when there is no such backup; the others are not looked at. Damaged blobs,
  // which no record needs, are left out; files of people only when that is asked for, since names are lost with them.
  struct Restored {
    BackupInfo info;
    std::vector<std::string> left_out;  // paths as in a data directory
  };
  Result<Restored> restore(std::uint64_t id, const std::filesystem::path& data,
                           bool without_damaged_people = false) const;

  // The newest that is to be trusted; nullptr when there is none.
  static const BackupInfo* newest_good(const std::vector<BackupInfo>& all, bool must_be_verified);

 private:
  struct Engine;
  std::filesystem::path set_of(std::uint64_t id) const { return folder_ / "sets" / std::to_string(id); }
  Result<BackupInfo> read_info(std::uint64_t id) const;  // not_found: it did not come to its end
  Result<void> write_info(const BackupInfo& info) const;
  Result<BackupInfo> fill(const BackupSource& source, const Engine& engine, std::uint64_t id, Timestamp now,
                          const std::stop_token& stop);
  Result<void> verify_inside(BackupInfo& info, const std::stop_token& stop) const;
  Result<void> verify_files(const BackupInfo& info, const std::vector<ListedFile>& files,
                            const std::stop_token& stop) const;
  Result<void> remove(Engine& engine, std::uint64_t id);
  Result<void> sweep(Engine& engine);
  Result<void> sweep_blobs(const Engine& engine);

  std::filesystem::path folder_;
  std::shared_ptr<rocksdb::FileSystem> file_system_;
};

}  // namespace headgate::store
