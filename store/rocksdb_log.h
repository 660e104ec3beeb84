// The log on disk. A data directory holds, of the log:
//
//   db/         records, tiles of the Merkle tree, index (rocksdb_store.h)
//   watermark   how far the log is known to be durable (watermark.h)
//   checkpoint  the signed one of the last clean stop, where there is a key; nothing reads it but people
//
// An append is one synced write of records and of the tiles that they filled. Then the tree and the index in memory
// follow, readers see the records, and the watermark is handed on. The watermark may lag by one batch: an append
// returns once the mark of the batch before it is durable (with Durability::strict, its own).
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/ports/event_log.h"
#include "store/batch.h"
#include "store/checkpoint.h"
#include "store/log_checks.h"
#include "store/merkle_tree.h"
#include "store/rocksdb_store.h"
#include "store/watermark.h"

namespace rocksdb {
class DB;
class FileSystem;
class WriteBatch;
}  // namespace rocksdb

namespace headgate::store {

class EventIndex;

// In a data directory: what a restore has not finished yet. A log is not opened beside it.
inline constexpr const char* kUnfinishedRestore = "restoring";

enum class Durability : std::uint8_t { batch, strict };

class RocksDbLog final : public EventLog, private TileReader {
 public:
  struct Options {
    std::filesystem::path dir;  // the data directory, which the caller has locked (DataLock)
    std::string origin{};       // of a new log; an old one must have it, unless it is empty
    Durability durability = Durability::batch;
    bool read_only = false;                                      // writes nothing at all; append is refused
    std::optional<SigningKey> key = std::nullopt;                // for checkpoints
    std::shared_ptr<rocksdb::FileSystem> file_system = nullptr;  // null: the operating system's
    std::size_t index_flush_events = 32'768;
    LogChecks checks = LogChecks::all();
    std::function<std::chrono::steady_clock::time_point()> steady = std::chrono::steady_clock::now;
  };

  // Makes an empty log where there is none. Refuses a log that holds less than its watermark or another root, or of
  // which a part is damaged (corrupt, naming it and what to do; nothing was changed), a foreign or newer format
  // (conflict), another origin (invalid_input), a log that another process has open (unavailable), no log when it is
  // only to be read (not_found).
  static Result<std::unique_ptr<RocksDbLog>> open(Options options);
  ~RocksDbLog() override;

  Result<void> stage(Position expected, std::span<const Recorded<Event>> events) override;
  std::unique_ptr<StagedRecords> seal() override;
  Result<Appended> commit(std::unique_ptr<StagedRecords> batch) override;
  Position size() const override { return size_.load(std::memory_order_acquire); }
  Result<std::vector<StoredRecord>> read(Position from, std::size_t limit) const override;
  Result<void> fold(Position from, Position to,
                    const std::function<void(const Recorded<Event>&)>& visit) const override;
  Result<EventPage> query(const EventQuery& query) const override;
  Result<Hash> leaf_hash(Position position) const override;
  Result<Hash> root(Position size) const override;
  Result<Position> position_at(Timestamp time) const override;

  const std::string& origin() const { return origin_; }
  Mark mark() const;  // how far the watermark has come
  // Blocks until it has come to `size`, for `time` at most; false when it has not, or when a stop came first.
  bool wait_for_mark(std::uint64_t size, Duration time, std::stop_token stop = {}) const;
  // What was damaged when the log was opened and did not stand in the way, for whoever runs it; mostly empty.
  const std::string& notice() const { return notice_; }
  Result<std::vector<Hash>> inclusion_proof(Position index, std::uint64_t size) const;
  Result<std::vector<Hash>> consistency_proof(std::uint64_t from, std::uint64_t size) const;
  // The first `width` hashes of a tile, 1 to 256; not_found while the tree has fewer.
  Result<std::vector<Hash>> tile(TileId id, std::size_t width) const;

  // For checkpoints from now on, where the log was opened without a key. Before anybody asks for one.
  void use_key(SigningKey key) { options_.key = std::move(key); }
  // The newest signed checkpoint: of a size that the watermark has reached, and signed anew at most once a second.
  // unavailable without a key.
  Result<std::string> checkpoint() const;
  // The same without regard to the second: at a clean stop, and for tests.
  Result<std::string> sign_checkpoint_now() const;
  // When the newest one was signed, for whomever; nothing before the first.
  std::optional<std::chrono::steady_clock::time_point> signed_at() const;

  struct Verified {
    Position records = 0;
    std::uint64_t bytes = 0;
    std::uint64_t tiles = 0;
    Hash root{};
  };
  // Computes everything anew from the records up to size(): dense positions, times that never go back, each record's
  // envelope readable, each stored tile, the root at the watermark and at the end, the index. The first thing that
  // differs is an Error (corrupt) that names it. `progress(done, all)` is called now and then; unavailable soon after a
  // `stop`.
  Result<Verified> verify(const std::function<void(Position, Position)>& progress, std::stop_token stop = {}) const;
  // Before that, where the log has been open for a while: whether the tables on disk are still what is cached of them.
  Result<void> verify_tables(const std::stop_token& stop) const;

  // For the backup engine, which reads it beside the writer.
  rocksdb::DB& database() const;

  // Writes index and mark and gives the files back; the destructor does the same without telling of a failure.
  Result<void> close();

 private:
  explicit RocksDbLog(Options options);
  Result<void> load();
  Result<void> expect_nothing() const;       // where there is no log
  Result<void> expect_nothing_left() const;  // ... nor a watermark
  Result<void> load_database(RocksDbStore::Options database, bool read_only);
  Result<void> restore_tree();
  Result<void> check_watermark(bool read_only);
  Result<void> check_sectors(const WatermarkFile& file);
  Result<void> check_index_position();
  Result<void> catch_up_index();
  Result<void> read_tile(TileId id, TileHashes& out) const override;
  Result<std::string> read_one(Position position) const;
  Result<Timestamp> time_at(Position position) const;
  void remember(Position milestone, Timestamp time) const;
  Result<std::vector<StoredRecord>> read_all(const std::vector<Position>& positions) const;
  MerkleTree tree() const;
  Result<std::string> sign_newest() const;
  std::unexpected<Error> fail_for_good(Error error);

  Options options_;
  std::string origin_;
  std::unique_ptr<RocksDbStore> store_;
  std::unique_ptr<EventIndex> index_;
  std::unique_ptr<WatermarkFollower> watermark_;  // none when read only
  Mark mark_at_open_;
  std::string notice_;

  // Of the staging thread.
  struct Pending;
  std::unique_ptr<Pending> open_;
  MerkleTree next_tree_;  // of all that is in the log and staged
  Timestamp latest_ = Timestamp::min();

  mutable std::mutex failure_mutex_;
  std::optional<Error> failure_;  // the outcome of a commit is unknown: nothing more is accepted
  std::optional<Error> failure() const;

  std::atomic<Position> size_{0};
  mutable std::mutex tree_mutex_;
  MerkleTree tree_;  // of what readers see

  mutable std::mutex milestones_mutex_;
  mutable std::vector<Timestamp>
      milestones_;  // times of every 256th record that was written or asked for since the open

  mutable std::mutex checkpoint_mutex_;
  mutable std::string checkpoint_;
  mutable std::uint64_t checkpoint_size_ = 0;
  mutable std::chrono::steady_clock::time_point signed_at_{};
};

}  // namespace headgate::store
