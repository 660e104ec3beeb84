// How a log is opened: what must agree with what.
#include <fmt/core.h>

#include <algorithm>

#include "engine/base/digest.h"
#include "store/event_index.h"
#include "store/file_list.h"
#include "store/files.h"
#include "store/rocksdb_log.h"
#include "store/rocksdb_store.h"
#include "store/source_check.h"

namespace headgate::store {
namespace {

using Family = RocksDbStore::Family;

std::unexpected<Error> advise(Error error, const std::filesystem::path& data) {
  const bool advised = error.message.ends_with(restore_advice());  // nothing but that helps
  if (error.code == ErrorCode::corrupt && !advised) error.message += repair_advice(data);
  return std::unexpected(std::move(error));
}

std::unexpected<Error> fail_watermark(Error error) {
  if (error.code == ErrorCode::corrupt) error.message += "; put back the watermark of a backup";
  return std::unexpected(std::move(error));
}

std::unexpected<Error> fail_short(const std::filesystem::path& data, Position size, const Mark& mark) {
  return fail(ErrorCode::corrupt,
              fmt::format("the log in {} ends before record {}, but {} records were durable: records {} to {} are "
                          "missing{}",
                          data.string(), size, mark.size, size, mark.size - 1, restore_advice()));
}

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
  const auto& dir = options_.dir;
  HEADGATE_TRY(const auto unfinished, type_of_file(dir / kUnfinishedRestore));
  if (unfinished != std::filesystem::file_type::not_found) {
    return fail(ErrorCode::conflict, fmt::format("a restore into {} did not come to its end: empty that directory and "
                                                 "restore again",
                                                 dir.string()));
  }
  RocksDbStore::Options database{dir / "db", options_.read_only, options_.file_system};
  database.checks = options_.checks;
  HEADGATE_TRY(const bool exists, RocksDbStore::exists(database));
  if (!exists) HEADGATE_TRY_VOID(expect_nothing());
  if (!options_.read_only) {
    // Opening for writing drops the damaged tail of a write-ahead log and every file that no list names. What is to be
    // refused stays as it is, for whoever can still read it.
    if (exists && options_.checks.has(LogCheck::look_first)) {
      auto looked = load_database(database, true);
      store_.reset();
      // Nothing at all in it: a first start ended before its first write.
      if (!looked) {
        if (looked.error().code != ErrorCode::not_found) return looked;
        HEADGATE_TRY_VOID(expect_nothing());
      }
    }
    std::error_code error;
    std::filesystem::create_directories(dir, error);
    if (error) return fail_io("make", dir, error.value());
    HEADGATE_TRY_VOID(make_dir_durably(dir / "db", 0700));
  }
  HEADGATE_TRY_VOID(load_database(database, options_.read_only));
  if (auto caught_up = catch_up_index(); !caught_up) return advise(std::move(caught_up).error(), dir);
  return {};
}

Result<void> RocksDbLog::expect_nothing() const {
  const auto file = WatermarkFile::open(options_.dir / "watermark", true);
  if (!file) {
    if (file.error().code == ErrorCode::not_found) return expect_nothing_left();
    return fail_watermark(file.error());
  }
  if (file->mark().size == 0 || !options_.checks.has(LogCheck::watermark_reached)) return {};
  return fail_short(options_.dir, 0, file->mark());
}

// What comes into a data directory with records alone tells that there were some. A new log would sign the same sizes
// with the same key once more.
Result<void> RocksDbLog::expect_nothing_left() const {
  if (!options_.checks.has(LogCheck::nothing_left)) return {};
  const auto& dir = options_.dir;
  std::error_code error;
  std::string found = std::filesystem::exists(dir / "checkpoint", error) ? "checkpoint" : "";
  for (const auto& [folder, extension] : {std::pair("snapshots", ".snap"), std::pair("people", ".json")}) {
    HEADGATE_TRY(const auto files, files_below(dir / folder));
    const auto file = std::ranges::find_if(files, [&](const auto& name) { return name.ends_with(extension); });
    if (file != files.end()) found += (found.empty() ? "" : ", ") + (std::filesystem::path(folder) / *file).string();
  }
  if (found.empty()) return {};
  return fail(
      ErrorCode::corrupt,
      fmt::format("{} holds no records, but {} of a log: its db and its watermark are missing. Put both back, or "
                  "restore a backup into another directory ('headgate backup restore'); to begin a new log, "
                  "name an empty directory",
                  dir.string(), found));
}

Result<void> RocksDbLog::load_database(RocksDbStore::Options database, bool read_only) {
  const auto& dir = options_.dir;
  database.read_only = read_only;
  auto store = RocksDbStore::open(database);
  if (!store) return advise(std::move(store).error(), dir);
  store_ = std::move(*store);
  if (store_->is_new()) {
    HEADGATE_TRY_VOID(expect_nothing());
    if (read_only) return fail(ErrorCode::not_found, fmt::format("there is no log in {}", dir.string()));
    if (options_.origin.empty()) return fail(ErrorCode::invalid_input, "a new log needs an origin");
    HEADGATE_TRY_VOID(store_->put_meta({{"format", std::to_string(kFormatVersion)}, {"origin", options_.origin}}));
  }
  HEADGATE_TRY(const auto origin, store_->get(Family::meta, "origin"));
  if (!origin) {
    return fail(ErrorCode::corrupt,
                fmt::format("the log in {} does not say its origin{}", dir.string(), restore_advice()));
  }
  if (!options_.origin.empty() && options_.origin != *origin) {
    return fail(ErrorCode::invalid_input, fmt::format("the log in {} has the origin '{}', '{}' was expected",
                                                      dir.string(), *origin, options_.origin));
  }
  origin_ = *origin;
  if (auto restored = restore_tree(); !restored) return advise(std::move(restored).error(), dir);
  HEADGATE_TRY_VOID(check_watermark(read_only));
  return check_index_position();
}

Result<void> RocksDbLog::restore_tree() {
  HEADGATE_TRY(const auto size, store_->count_records());
  latest_ = Timestamp::min();
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
  return {};
}

Result<void> RocksDbLog::check_watermark(bool read_only) {
  const auto path = options_.dir / "watermark";
  auto file = WatermarkFile::open(path, read_only);
  if (!file && file.error().code == ErrorCode::not_found) {
    if (size() > 0 && options_.checks.has(LogCheck::watermark_there)) {
      return fail(ErrorCode::corrupt,
                  fmt::format("{} is missing: nothing tells how many records the log must hold beside the {} it has; "
                              "put back the watermark of a backup",
                              path.string(), size()));
    }
    if (size() == 0) HEADGATE_TRY_VOID(expect_nothing_left());
    if (read_only) {
      mark_at_open_ = Mark{0, MerkleTree().root()};
      return {};
    }
    file = WatermarkFile::create(path, Mark{0, MerkleTree().root()});
  }
  if (!file) return fail_watermark(std::move(file).error());
  mark_at_open_ = file->mark();
  const auto& mark = mark_at_open_;
  const bool reached = mark.size <= size();
  if (!reached && options_.checks.has(LogCheck::watermark_reached)) return fail_short(options_.dir, size(), mark);
  HEADGATE_TRY_VOID(check_sectors(*file));
  if (reached && options_.checks.has(LogCheck::watermark_root)) {
    auto root_then = this->root(mark.size);
    if (!root_then) return advise(std::move(root_then).error(), options_.dir);
    if (*root_then != mark.root) {
      return fail(
          ErrorCode::corrupt,
          fmt::format("the first {} records of the log in {} have the root {}, but {} was durable: records or "
                      "tiles were altered{}",
                      mark.size, options_.dir.string(), hex(*root_then), hex(mark.root), repair_advice(options_.dir)));
    }
  }
  if (read_only) return {};
  watermark_ = std::make_unique<WatermarkFollower>(std::move(*file));
  watermark_->follow(size(), tree_.root());
  return {};
}

// The newest mark may be in the damaged sector. A crash that tore it leaves more records than the other sector says,
// since they were durable before it was written. Where there are no more, they may have been lost with it.
Result<void> RocksDbLog::check_sectors(const WatermarkFile& file) {
  notice_.clear();
  if (!file.other_sector_damaged() || !options_.checks.has(LogCheck::watermark_sectors)) return {};
  const auto found = fmt::format("one of the two sectors of the watermark {} is damaged; the other one says {} records",
                                 (options_.dir / "watermark").string(), file.mark().size);
  if (size() <= file.mark().size) {
    return fail(ErrorCode::corrupt, fmt::format("{}, and the log has no more: nothing tells whether it had{}", found,
                                                repair_advice(options_.dir)));
  }
  notice_ =
      fmt::format("{}, the log has {}: a crash may leave it so, at other times the disk is failing", found, size());
  return {};
}

Result<void> RocksDbLog::check_index_position() {
  auto written = store_->get_number("index");
  if (!written) return advise(std::move(written).error(), options_.dir);
  if (*written > size() && options_.checks.has(LogCheck::index_position)) {
    return fail(ErrorCode::corrupt, fmt::format("the index of the log in {} covers {} records, the log has {}{}",
                                                options_.dir.string(), *written, size(), repair_advice(options_.dir)));
  }
  return {};
}

Result<void> RocksDbLog::catch_up_index() {
  HEADGATE_TRY(const auto written, store_->get_number("index"));
  // Blocks without a position that tells how far they go are what an interrupted repair left.
  if (written == 0 && !options_.read_only) HEADGATE_TRY_VOID(store_->clear(Family::index));
  index_ = std::make_unique<EventIndex>(
      *store_, written, EventIndex::Options{options_.read_only, std::max<std::size_t>(1, options_.index_flush_events)});
  if (written >= size()) return {};
  EventIndex::Packed packed;
  return fold(written, size(), [&](const Recorded<Event>& record) {
    packed.bytes.clear();
    packed.count = 0;
    packed.add(record);
    index_->feed(packed);
  });
}

}  // namespace headgate::store
