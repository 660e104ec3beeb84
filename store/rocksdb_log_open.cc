// How a log is opened and how it is verified: what must agree with what.
#include <fmt/core.h>
#include <rocksdb/write_batch.h>

#include <algorithm>

#include "store/event_index.h"
#include "store/files.h"
#include "store/rocksdb_log.h"
#include "store/rocksdb_store.h"
#include "store/sha256.h"

namespace headgate::store {
namespace {

using Family = RocksDbStore::Family;

constexpr Position kProgressRecords = 8'192;

}  // namespace

Result<std::unique_ptr<RocksDbLog>> RocksDbLog::open(Options options) {
  auto log = std::unique_ptr<RocksDbLog>(new RocksDbLog(std::move(options)));
  HEADGATE_TRY_VOID(log->load());
  return log;
}

rocksdb::DB& RocksDbLog::database() const {
  return store_->db();
}

Result<void> RocksDbLog::load() {
  if (std::filesystem::exists(options_.dir / kUnfinishedRestore)) {
    return fail(ErrorCode::conflict, fmt::format("a restore into {} did not come to its end: empty that directory and "
                                                 "restore again",
                                                 options_.dir.string()));
  }
  if (!options_.read_only) {
    std::error_code error;
    std::filesystem::create_directories(options_.dir, error);
    if (error) return fail_io("make", options_.dir, error.value());
    HEADGATE_TRY_VOID(make_dir_durably(options_.dir / "db", 0700));
  }
  RocksDbStore::Options store_options{options_.dir / "db", options_.read_only, options_.file_system};
  HEADGATE_TRY(store_, RocksDbStore::open(store_options));
  if (store_->is_new()) {
    if (options_.read_only)
      return fail(ErrorCode::not_found, fmt::format("there is no log in {}", options_.dir.string()));
    if (options_.origin.empty()) return fail(ErrorCode::invalid_input, "a new log needs an origin");
    HEADGATE_TRY_VOID(store_->put_meta({{"format", std::to_string(kFormatVersion)}, {"origin", options_.origin}}));
  }
  HEADGATE_TRY(const auto origin, store_->get(Family::meta, "origin"));
  if (!origin)
    return fail(ErrorCode::corrupt, fmt::format("the log in {} does not say its origin", options_.dir.string()));
  if (!options_.origin.empty() && options_.origin != *origin) {
    return fail(ErrorCode::conflict, fmt::format("the log in {} has the origin '{}', '{}' was expected",
                                                 options_.dir.string(), *origin, options_.origin));
  }
  origin_ = *origin;

  HEADGATE_TRY(const auto size, store_->count_records());
  if (size > 0) {
    HEADGATE_TRY(const auto last, read_one(size - 1));
    HEADGATE_TRY(latest_, time_of(last));
  }
  HEADGATE_TRY(next_tree_, MerkleTree::restore(size, *this, [this](Position position) -> Result<Hash> {
                 HEADGATE_TRY(const auto record, read_one(position));
                 return store::leaf_hash(record);
               }));
  tree_ = next_tree_;
  size_.store(size);
  HEADGATE_TRY_VOID(check_watermark());
  return catch_up_index();
}

Result<void> RocksDbLog::check_watermark() {
  const auto path = options_.dir / "watermark";
  auto file = WatermarkFile::open(path);
  if (!file && file.error().code == ErrorCode::not_found) {
    if (size() > 0) {
      return fail(ErrorCode::corrupt,
                  fmt::format("{} is missing: nothing tells how many records the log must hold beside the {} it has",
                              path.string(), size()));
    }
    if (options_.read_only) {
      mark_at_open_ = Mark{0, tree_.root()};
      return {};
    }
    file = WatermarkFile::create(path, Mark{0, tree_.root()});
  }
  if (!file) return std::unexpected(std::move(file).error());
  mark_at_open_ = file->mark();
  const auto& mark = mark_at_open_;
  if (mark.size > size()) {
    return fail(ErrorCode::corrupt,
                fmt::format("the log in {} ends before record {}, but {} records were durable: records {} to {} are "
                            "missing; restore a backup that holds them",
                            options_.dir.string(), size(), mark.size, size(), mark.size - 1));
  }
  HEADGATE_TRY(const auto root_then, this->root(mark.size));
  if (root_then != mark.root) {
    return fail(
        ErrorCode::corrupt,
        fmt::format("the first {} records of the log in {} have the root {}, but {} was durable: records or tiles "
                    "were altered; restore a backup",
                    mark.size, options_.dir.string(), hex(root_then), hex(mark.root)));
  }
  if (options_.read_only) return {};
  watermark_ = std::make_unique<WatermarkFollower>(std::move(*file));
  watermark_->follow(size(), tree_.root());
  return {};
}

Result<void> RocksDbLog::catch_up_index() {
  HEADGATE_TRY(const auto written, store_->get_number("index"));
  if (written > size()) {
    return fail(ErrorCode::corrupt, fmt::format("the index of the log in {} covers {} records, the log has {}",
                                                options_.dir.string(), written, size()));
  }
  index_ = std::make_unique<EventIndex>(
      *store_, written, EventIndex::Options{options_.read_only, std::max<std::size_t>(1, options_.index_flush_events)});
  EventIndex::Packed packed;
  return fold(written, size(), [&](const Recorded<Event>& record) {
    packed.bytes.clear();
    packed.count = 0;
    packed.add(record);
    index_->feed(packed);
  });
}

namespace {

// Compares what the records give with what is stored, one record after the other.
class Verification {
 public:
  Verification(const RocksDbStore& store, Mark mark) : store_(store), mark_(mark) {}

  Result<void> next(Position position, std::string_view bytes) {
    HEADGATE_TRY_VOID(decode_at(position, bytes, record_));
    const auto& meta = record_.meta;
    if (meta.time < latest_) {
      return fail(ErrorCode::corrupt, fmt::format("record {} is of {}, earlier than the one before it, of {}", position,
                                                  format_timestamp(meta.time), format_timestamp(latest_)));
    }
    latest_ = meta.time;
    verified_.bytes += bytes.size();
    HEADGATE_TRY_VOID(check_mark());
    Result<void> tiles;
    tree_.append(store::leaf_hash(bytes), [&](TileId id, const TileHashes& hashes) {
      if (tiles) tiles = check_tile(id, hashes);
    });
    return tiles;
  }

  Result<RocksDbLog::Verified> end(const Hash& root) {
    HEADGATE_TRY_VOID(check_mark());
    verified_.records = tree_.size();
    verified_.root = tree_.root();
    if (verified_.root != root) {
      return fail(ErrorCode::corrupt, fmt::format("the {} records of the log have the root {}, it gives out {}",
                                                  tree_.size(), hex(verified_.root), hex(root)));
    }
    return verified_;
  }

 private:
  Result<void> check_mark() {
    if (tree_.size() != mark_.size) return {};
    if (const auto root = tree_.root(); root != mark_.root) {
      return fail(ErrorCode::corrupt, fmt::format("the first {} records have the root {}, the watermark says {}",
                                                  mark_.size, hex(root), hex(mark_.root)));
    }
    return {};
  }

  Result<void> check_tile(TileId id, const TileHashes& hashes) {
    HEADGATE_TRY(const auto stored, store_.get(Family::tree, tile_key(id)));
    ++verified_.tiles;
    if (!stored) return fail(ErrorCode::corrupt, fmt::format("tile {}/{} is missing", id.level, id.number));
    if (*stored != std::string_view(reinterpret_cast<const char*>(hashes.data()), kTileBytes)) {
      return fail(ErrorCode::corrupt, fmt::format("tile {}/{} is not the one of its records", id.level, id.number));
    }
    return {};
  }

  const RocksDbStore& store_;
  const Mark mark_;
  MerkleTree tree_;
  Timestamp latest_ = Timestamp::min();
  Recorded<Event> record_;
  RocksDbLog::Verified verified_;
};

}  // namespace

Result<RocksDbLog::Verified> RocksDbLog::verify(const std::function<void(Position, Position)>& progress) const {
  const auto mark = this->mark();  // before the tree: it is never ahead of it
  const auto now = tree();
  Verification verification(*store_, mark);
  HEADGATE_TRY_VOID(scan(0, now.size(), [&](Position position, std::string_view bytes) -> Result<void> {
    if (progress && position % kProgressRecords == 0) progress(position, now.size());
    return verification.next(position, bytes);
  }));
  if (progress) progress(now.size(), now.size());
  return verification.end(now.root());
}

}  // namespace headgate::store
