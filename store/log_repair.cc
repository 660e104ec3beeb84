#include "store/log_repair.h"

#include <fmt/ranges.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "engine/base/digest.h"
#include "store/files.h"
#include "store/record_chain.h"
#include "store/rocksdb_log.h"
#include "store/rocksdb_store.h"
#include "store/snapshot_store.h"
#include "store/watermark.h"

namespace headgate::store {
namespace {

using Family = RocksDbStore::Family;
using Progress = std::function<void(Position, Position)>;

constexpr Position kProgressRecords = 8'192;
constexpr const char* kUntold = "untold";  // beside the copies: their names, until the repair has come to its end
constexpr std::size_t kMaxUntoldBytes = 1 << 20;

std::unexpected<Error> fail_records(std::string_view what) {
  return fail(ErrorCode::corrupt, fmt::format("{}; nothing was changed: records cannot be computed from anything{}",
                                              what, restore_advice()));
}

// Of what is as little to be computed as records are.
std::unexpected<Error> fail_kept(std::string message) {
  const auto advice = restore_advice();
  if (message.ends_with(advice)) message.resize(message.size() - advice.size());
  return fail(ErrorCode::corrupt,
              fmt::format("{}; nothing was changed: it cannot be computed from the rest{}", message, advice));
}

// Of a repair that had begun to change something.
std::unexpected<Error> fail_halfway(Error error, const LogRepair& repair) {
  auto& message = error.message;
  message += "; the repair did not come to its end: tree and index may be dropped, records were not touched";
  for (const auto& copy : repair.damaged_wal) message += ", of the damaged write-ahead log there is " + copy;
  message += "; run it again";
  if (error.code == ErrorCode::corrupt) message += ", and restore a backup where it fails once more";
  return std::unexpected(std::move(error));
}

bool is_stored(const RocksDbStore& store, TileId id, const TileHashes& hashes) {
  const auto stored = store.get(Family::tree, tile_key(id));
  return stored && *stored == bytes_of(hashes);
}

// Every record from the first on, in order and readable; says which one is not. `mark`: the root of the tree of that
// size must be this one, and there must be so many.
class RecordReader {
 public:
  RecordReader(const RocksDbStore& store, Mark mark) : store_(store), mark_(mark) {}

  Result<MerkleTree> read(const Progress& progress, const RecordChain::OnTile& on_tile) {
    Result<void> tiles;  // what on_tile says is not about the records
    const auto take_tile = [&](TileId id, const TileHashes& hashes) {
      if (id.level == 0 && !first_other_) find_other(id, hashes);
      tiles = on_tile(id, hashes);
      return tiles;
    };
    const auto before_record = [&] {
      const auto done = chain_.tree().size();
      if (progress && done % kProgressRecords == 0) progress(done, std::max(done, mark_.size));
      return check_mark();
    };
    const auto read = chain_records(store_, chain_, take_tile, before_record);
    if (!tiles) return std::unexpected(std::move(tiles).error());
    if (!read) return fail_records(read.error().message);
    const auto& tree = chain_.tree();
    if (tree.size() < mark_.size) {
      return fail_records(fmt::format("records {} to {} are missing, which were durable", tree.size(), mark_.size - 1));
    }
    if (const auto marked = check_mark(); !marked) return fail_records(marked.error().message);
    return tree;
  }

 private:
  // Which record differs from what the tree was built over: for the refusal, should the root differ.
  void find_other(TileId id, const TileHashes& hashes) {
    const auto stored = store_.get(Family::tree, tile_key(id));
    if (!stored || !*stored || (*stored)->size() != kTileBytes) return;
    for (std::size_t i = 0; i < kTileWidth; ++i) {
      if (std::string_view(**stored).substr(i * sizeof(Hash), sizeof(Hash)) == as_bytes(hashes[i])) continue;
      first_other_ = id.number * kTileWidth + i;
      return;
    }
  }

  Result<void> check_mark() {
    const auto& tree = chain_.tree();
    if (tree.size() != mark_.size || tree.root() == mark_.root) return {};
    const auto which = first_other_
                           ? fmt::format("record {} is not the one that the tree was built over", *first_other_)
                           : fmt::format("one of the last {} of them", mark_.size % kTileWidth);
    return fail(ErrorCode::corrupt,
                fmt::format("the first {} records are not those that were durable (root {}, expected {}): {}",
                            mark_.size, hex(tree.root()), hex(mark_.root), which));
  }

  const RocksDbStore& store_;
  const Mark mark_;
  RecordChain chain_;
  std::optional<Position> first_other_;
};

Result<WatermarkFile> watermark_of(const std::filesystem::path& data) {
  auto file = WatermarkFile::open(data / "watermark");
  if (file) return file;
  if (file.error().code != ErrorCode::not_found) {
    return fail(file.error().code, file.error().message + "; put back the watermark of a backup");
  }
  return fail(ErrorCode::corrupt,
              fmt::format("{} is missing: nothing tells how many records the log must hold; put back the watermark of "
                          "a backup",
                          (data / "watermark").string()));
}

Result<void> rebuild_tree(const RocksDbStore& store, Mark mark) {
  const auto write = [&](TileId id, const TileHashes& hashes) -> Result<void> {
    const rocksdb::Slice bytes(bytes_of(hashes));
    const auto status = store.db().Put({}, store.family(Family::tree), tile_key(id), bytes);
    if (!status.ok()) return fail_status("write a tile of the tree", status);
    return {};
  };
  HEADGATE_TRY_VOID(RecordReader(store, mark).read({}, write));
  return {};
}

// Opening for writing drops what stands behind the damage of a write-ahead log, and the file with it: a copy of it
// stays, durable before that. All of them, since RocksDB does not say which one is damaged.
Result<void> keep_damaged_wal(const std::filesystem::path& data, const RocksDbStore::Options& options,
                              LogRepair& repair) {
  const auto whole = RocksDbStore::check_wal(options);
  if (whole) return {};
  if (whole.error().code != ErrorCode::corrupt) return whole;
  repair.found = whole.error().message;
  const auto own = options.file_system ? rocksdb::NewCompositeEnv(options.file_system) : nullptr;
  auto* env = own ? own.get() : rocksdb::Env::Default();
  std::vector<std::string> names;
  if (const auto status = env->GetChildren(options.dir.string(), &names); !status.ok()) {
    return fail_status(fmt::format("list {}", options.dir.string()), status);
  }
  std::ranges::sort(names);
  for (const auto& name : names) {
    if (!name.ends_with(".log")) continue;
    const auto path = options.dir / name;
    std::string bytes;
    if (const auto status = rocksdb::ReadFileToString(env, path.string(), &bytes); !status.ok()) {
      return fail_status(fmt::format("read {}", path.string()), status);
    }
    if (bytes.empty()) continue;
    HEADGATE_TRY_VOID(make_dir_durably(data / kDamagedFolder, 0700));
    const auto copy = data / kDamagedFolder / name;
    HEADGATE_TRY_VOID(write_file_durably(copy, bytes, 0600));
    auto& copies = repair.damaged_wal;
    if (std::ranges::find(copies, copy.string()) == copies.end()) copies.push_back(copy.string());
  }
  return write_file_durably(data / kDamagedFolder / kUntold, fmt::format("{}\n", fmt::join(repair.damaged_wal, "\n")),
                            0600);
}

// What a repair has dropped that was cut off before it could say so.
Result<void> recall_damaged_wal(const std::filesystem::path& data, LogRepair& repair) {
  const auto names = read_file(data / kDamagedFolder / kUntold, kMaxUntoldBytes);
  if (!names && names.error().code == ErrorCode::not_found) return {};
  if (!names) return std::unexpected(names.error());
  std::istringstream lines(*names);
  for (std::string line; std::getline(lines, line);) repair.damaged_wal.push_back(line);
  return {};
}

Result<void> forget_damaged_wal(const std::filesystem::path& data) {
  const auto folder = data / kDamagedFolder;
  std::error_code error;
  const bool removed = std::filesystem::remove(folder / kUntold, error);
  if (error) {
    return fail(ErrorCode::io, fmt::format("cannot remove {}: {}", (folder / kUntold).string(), error.message()));
  }
  return removed ? fsync_dir(folder) : Result<void>();
}

// A family that was being made anew when an earlier repair was cut off. Writing is right: that repair had found the
// records whole.
Result<void> go_on_with_cut_off_repair(const std::filesystem::path& data, RocksDbStore::Options options,
                                       LogRepair& repair) {
  HEADGATE_TRY(const auto missing, RocksDbStore::missing_families(options));
  const auto derived = [](Family family) { return family == Family::tree || family == Family::index; };
  if (missing.empty() || !std::ranges::all_of(missing, derived)) return {};
  HEADGATE_TRY_VOID(keep_damaged_wal(data, options, repair));
  options.read_only = false;
  HEADGATE_TRY(const auto store, RocksDbStore::open(options));
  return {};
}

// The number that says how far the index goes is taken back first: a repair that is interrupted leaves no index that is
// believed. The log fills it again when it is opened.
Result<void> drop_derived(RocksDbStore& store) {
  HEADGATE_TRY_VOID(store.put_meta({{"index", "0"}}));
  HEADGATE_TRY_VOID(store.make_anew(Family::index));
  return store.make_anew(Family::tree);
}

// Snapshots of another version are passed over anyway and stay.
Result<std::vector<std::string>> drop_snapshots(const std::filesystem::path& data, const RocksDbLog& log) {
  const auto folder = data / "snapshots";
  std::vector<std::string> dropped;
  if (std::error_code error; !std::filesystem::exists(folder, error)) return dropped;
  HEADGATE_TRY(const auto snapshots, SnapshotStore::open(folder));
  for (const auto position : snapshots.positions()) {
    const auto snapshot = snapshots.load_exactly(position);
    if (!snapshot && snapshot.error().code != ErrorCode::corrupt) continue;
    if (snapshot && position <= log.size()) {
      HEADGATE_TRY(const auto root, log.root(position));
      if (root == snapshot->root) continue;
    }
    const auto name = std::to_string(position) + ".snap";
    std::error_code error;
    if (!std::filesystem::remove(folder / name, error)) {
      return fail(ErrorCode::io, fmt::format("cannot remove {}: {}", (folder / name).string(), error.message()));
    }
    dropped.push_back(name);
  }
  return dropped;
}

// Reads everything and writes nothing: corrupt where the log cannot be mended.
Result<void> examine(RocksDbStore::Options options, Mark mark, const Progress& progress, LogRepair& repair) {
  options.for_repair = false;
  if (const auto strict = RocksDbStore::open(options); !strict) repair.found = strict.error().message;
  options.for_repair = true;
  const auto store = RocksDbStore::open(options);
  if (!store && store.error().code != ErrorCode::corrupt) return std::unexpected(store.error());
  if (!store) return fail_kept(store.error().message);
  const auto count = [&](TileId id, const TileHashes& hashes) -> Result<void> {
    ++repair.tiles;
    if (!is_stored(**store, id, hashes)) ++repair.damaged_tiles;
    return {};
  };
  HEADGATE_TRY(const auto tree, RecordReader(**store, mark).read(progress, count));
  repair.records = tree.size();
  repair.root = tree.root();
  if (!options.checks.has(LogCheck::kept_tables)) return {};
  // Records that can be read in a table that a strict database refuses: it would open no more than before.
  const auto kept = RocksDbStore::check_kept_tables(options);
  if (!kept && kept.error().code == ErrorCode::corrupt) return fail_kept(kept.error().message);
  return kept;
}

// What examine() has allowed.
Result<void> mend(const std::filesystem::path& data, RocksDbStore::Options options, WatermarkFile& watermark,
                  const Progress& progress, LogRepair& repair) {
  const auto mark = watermark.mark();
  options.read_only = false;
  {
    HEADGATE_TRY(const auto store, RocksDbStore::open(options));
    HEADGATE_TRY_VOID(drop_derived(*store));
  }
  {
    // Nothing damaged is left to be lenient with; only a strict database tells that its disk fails.
    options.for_repair = false;
    HEADGATE_TRY(const auto store, RocksDbStore::open(options));
    HEADGATE_TRY_VOID(rebuild_tree(*store, mark));
    HEADGATE_TRY_VOID(store->flush());
  }

  // That the records end where the whole sector says is what somebody has decided who runs this.
  if (watermark.other_sector_damaged()) HEADGATE_TRY_VOID(watermark.write(mark));

  RocksDbLog::Options log_options;
  log_options.dir = data;
  log_options.file_system = options.file_system;
  HEADGATE_TRY(const auto log, RocksDbLog::open(std::move(log_options)));
  HEADGATE_TRY(const auto after, log->verify(progress));
  if (after.records != repair.records || after.root != repair.root) {
    return fail(ErrorCode::corrupt,
                fmt::format("{} records with the root {} were there before the repair, {} with the root {} after it",
                            repair.records, hex(repair.root), after.records, hex(after.root)));
  }
  HEADGATE_TRY(repair.dropped_snapshots, drop_snapshots(data, *log));
  return log->close();
}

}  // namespace

Result<LogRepair> repair_log(const std::filesystem::path& data, const Progress& progress,
                             const std::shared_ptr<rocksdb::FileSystem>& file_system, const LogChecks& checks) {
  const RocksDbStore::Options options{data / "db", true, file_system, true, checks};
  HEADGATE_TRY(const bool exists, RocksDbStore::exists(options));
  if (!exists) return fail(ErrorCode::not_found, fmt::format("there is no log in {}", data.string()));
  HEADGATE_TRY(auto watermark, watermark_of(data));

  LogRepair repair;
  if (watermark.other_sector_damaged()) repair.found = "one of the two sectors of the watermark is damaged";
  HEADGATE_TRY_VOID(recall_damaged_wal(data, repair));
  HEADGATE_TRY_VOID(go_on_with_cut_off_repair(data, options, repair));
  HEADGATE_TRY_VOID(examine(options, watermark.mark(), progress, repair));
  HEADGATE_TRY_VOID(keep_damaged_wal(data, options, repair));
  if (auto mended = mend(data, options, watermark, progress, repair); !mended) {
    return fail_halfway(std::move(mended).error(), repair);
  }
  HEADGATE_TRY_VOID(forget_damaged_wal(data));
  return repair;
}

}  // namespace headgate::store
