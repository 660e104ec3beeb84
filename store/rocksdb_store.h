// The database below the log: its column families, keys and options, and what its errors mean to us.
//
//   events  position, u64 big-endian                      record bytes
//   tree    level u8 | tile number, u64 big-endian        256 hashes of a full tile
//   index   see event_index.h
//   meta    "format", "origin", "index"                   decimal number, text, decimal position
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/names.h"
#include "store/log_checks.h"
#include "store/merkle_tree.h"

namespace headgate::store {

inline constexpr std::uint64_t kFormatVersion = 1;

void append_big_endian(std::string& out, std::uint64_t number);
std::uint64_t big_endian(std::string_view bytes);  // HEADGATE_CHECK: 8 bytes

std::string event_key(Position position);
std::string tile_key(TileId id);

// corrupt or io, with what was being done and RocksDB's own words.
std::unexpected<Error> fail_status(std::string_view action, const rocksdb::Status& status);

class RocksDbStore {
 public:
  enum class Family : std::uint8_t { events, tree, index, meta };

  struct Options {
    std::filesystem::path dir;  // of the database itself
    bool read_only = false;
    std::shared_ptr<rocksdb::FileSystem> file_system{};  // null: the operating system's
    bool for_repair = false;                             // opens although some of its tables are damaged or missing
    LogChecks checks{};
  };

  // False where nothing was ever written. A database without the file that says what belongs to it is corrupt: opened
  // for writing, it would be taken for an empty one and cleared. So is one whose MANIFEST, which lists what belongs to
  // it, is damaged or does not list what there is.
  static Result<bool> exists(const Options& options);

  // The families that the database lacks. `meta` is made last: without it the making of the database was cut off.
  // Without `tree` or `index` alone, a repair was cut off that was making them anew. An existing database; refuses one
  // that is not Headgate's or of a newer format (conflict).
  static Result<std::vector<Family>> missing_families(const Options& options);

  // Opens the database or makes an empty one. Refuses: a folder that another process has open (unavailable), a database
  // that is not Headgate's or of a newer format (conflict), a damaged one (corrupt), none where it is only to be read
  // (not_found).
  static Result<std::unique_ptr<RocksDbStore>> open(const Options& options);
  // Of an existing database, strictly and without changing anything: the write-ahead logs alone, and the tables of
  // records and of `meta` alone, which nothing can be computed from. corrupt when they are damaged.
  static Result<void> check_wal(const Options& options);
  static Result<void> check_kept_tables(const Options& options);
  ~RocksDbStore();
  RocksDbStore(const RocksDbStore&) = delete;
  RocksDbStore& operator=(const RocksDbStore&) = delete;

  // True when it held nothing at all when it was opened: not even its format's number.
  bool is_new() const { return is_new_; }
  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* family(Family family) const { return handles_[static_cast<std::size_t>(family)]; }

  // nullopt when there is no such key.
  Result<std::optional<std::string>> get(Family family, std::string_view key) const;
  // Gives each record from `from` on, before `to` or up to the last one, to `visit`, whose Error ends it. corrupt when
  // one is missing in between; the Error of a record that cannot be read names it.
  Result<void> scan(Position from, std::optional<Position> to,
                    const std::function<Result<void>(Position, std::string_view)>& visit) const;
  // A full tile: TileReader::read_tile of whoever has a store.
  Result<void> read_tile(TileId id, TileHashes& out) const;
  // A position or number in `meta`; 0 when it is not there.
  Result<std::uint64_t> get_number(std::string_view name) const;
  // Synced.
  Result<void> put_meta(const std::vector<std::pair<std::string, std::string>>& entries);
  // Removes every entry.
  Result<void> clear(Family family);
  // The same without reading what is there, which may be damaged. Durable on return.
  Result<void> make_anew(Family family);
  // Reads every table from its file and compares its checksums, past what is cached in memory. corrupt names the first
  // one that is damaged; unavailable soon after a `stop`.
  Result<void> verify_tables(const std::stop_token& stop) const;
  // Everything that was written is in tables on return.
  Result<void> flush();
  // One more than the last record's position.
  Result<Position> count_records() const;

 private:
  RocksDbStore() = default;
  Result<void> check_format();

  std::unique_ptr<rocksdb::Env> env_;  // before db_: outlives it
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  bool is_new_ = false;
};

}  // namespace headgate::store
