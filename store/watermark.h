// How far the log is known to be durable, kept outside the database, because RocksDB cannot tell a torn tail of its
// live WAL from one that was synced and then lost. Two sectors of 4096 bytes that are overwritten in turn, so that a
// torn write always leaves the other one whole. A sector, integers little-endian:
//
//   0  "HGWMARK1"   8  sequence u64   16  size u64   24  root, 32 bytes   56  SHA-256 of bytes 0 to 55   88  zeros
//
// The sector of sequence s is s mod 2. The newest whole sector counts.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "engine/domain/error.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"
#include "store/files.h"

namespace headgate::store {

struct Mark {
  std::uint64_t size = 0;  // records that are durable
  Hash root{};             // of the tree of that size
  bool operator==(const Mark&) const = default;
};

class WatermarkFile {
 public:
  // A new file that holds `mark`. Durable on return; conflict when the file exists.
  static Result<WatermarkFile> create(const std::filesystem::path& path, const Mark& mark);
  // not_found when there is no file (on a log with records: it was removed), corrupt when neither sector is whole.
  // Read-only: nothing is written to it, and it may lie where nothing can be.
  static Result<WatermarkFile> open(const std::filesystem::path& path, bool read_only = false);

  const Mark& mark() const { return mark_; }
  // True when the other sector was torn or damaged: it may have held a newer mark. After a crash it may be so, at other
  // times a disk is failing.
  bool other_sector_damaged() const { return other_sector_damaged_; }
  // Overwrites the older sector. Durable on return; after an Error nothing is known and no further write is accepted.
  Result<void> write(const Mark& mark);

 private:
  WatermarkFile(std::filesystem::path path, UniqueFd fd, std::uint64_t sequence, const Mark& mark, bool damaged)
      : path_(std::move(path)), fd_(std::move(fd)), sequence_(sequence), mark_(mark), other_sector_damaged_(damaged) {}

  std::filesystem::path path_;
  UniqueFd fd_;
  std::uint64_t sequence_ = 0;
  Mark mark_;
  bool other_sector_damaged_ = false;
  bool failed_ = false;
};

// Writes marks on a thread of its own, always the newest one: marks that are handed over while a sync runs are one
// write. A mark is written as soon as it is handed over, while the log gathers its next batch and begins to sync that.
// Thread-safe. The first failure is final; every later wait returns it.
class WatermarkFollower {
 public:
  explicit WatermarkFollower(WatermarkFile file);
  WatermarkFollower(const WatermarkFollower&) = delete;
  WatermarkFollower& operator=(const WatermarkFollower&) = delete;
  ~WatermarkFollower();  // writes what was handed over, then ends the thread

  // Hands over a mark without waiting. HEADGATE_CHECK: sizes never go back.
  void follow(std::uint64_t size, const Hash& root);
  // Blocks until a mark of at least `size` is durable. HEADGATE_CHECK: such a mark was handed over.
  Result<void> wait_until(std::uint64_t size);
  // Likewise, for a mark that may be handed over yet; for `time` at most. False: it is not durable by then, or not by
  // the time that writing failed or a stop was asked for.
  bool wait_for(std::uint64_t size, Duration time, std::stop_token stop);
  Mark durable() const;

 private:
  void run();

  mutable std::mutex mutex_;
  std::condition_variable wake_;  // of the thread
  std::condition_variable_any progress_;
  WatermarkFile file_;  // of the thread alone
  Mark newest_;         // handed over
  Mark durable_;
  std::optional<Error> failure_;
  bool stopping_ = false;
  std::thread thread_;  // last: starts when everything else is there
};

}  // namespace headgate::store
