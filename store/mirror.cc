#include "store/mirror.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "engine/base/digest.h"
#include "engine/base/tile_path.h"
#include "store/blob_store.h"
#include "store/entry_bundle.h"
#include "store/file_list.h"
#include "store/log_import.h"
#include "store/rocksdb_log.h"

namespace headgate::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxBundleBytes = kTileWidth * (2 + 0xffff);
constexpr std::string_view kDigestPrefix = "sha256:";
constexpr std::size_t kDigits = 64;

std::string blob_name(const Hash& digest) {
  const auto text = hex(digest);
  return text.substr(0, 2) + "/" + text.substr(2);
}

// Tiles and leaves as the mirror itself has them.
class MirrorTiles final : public TileReader {
 public:
  explicit MirrorTiles(const fs::path& folder) : folder_(folder) {}
  Result<void> read_tile(TileId id, TileHashes& out) const override {
    const auto path = folder_ / tile_path({id.level, id.number});
    HEADGATE_TRY(const auto bytes, read_file(path, kTileBytes));
    if (bytes.size() != kTileBytes) {
      return fail(ErrorCode::corrupt,
                  fmt::format("{} has {} bytes, expected {}", path.string(), bytes.size(), kTileBytes));
    }
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(out.data()));
    return {};
  }

 private:
  const fs::path& folder_;
};

// The entry bundle of a tile, and the tile: whole or so far.
std::string bundle_file(std::uint64_t number, std::uint64_t width) {
  return entries_path({.number = number, .width = static_cast<unsigned>(width)});
}

std::string tile_file(TileId id, std::span<const Hash> hashes) {
  return tile_path({id.level, id.number, static_cast<unsigned>(hashes.size())});
}

Result<std::string> read_bundle(const fs::path& folder, std::uint64_t number, std::uint64_t width) {
  return read_file(folder / bundle_file(number, width), kMaxBundleBytes);
}

std::unexpected<Error> fail_stopped() {
  return fail(ErrorCode::unavailable, "the mirroring was stopped");
}

Result<bool> is_there(const fs::path& path) {
  HEADGATE_TRY(const auto type, type_of_file(path));
  return type != fs::file_type::not_found;
}

Result<Checkpoint> checkpoint_of(const std::string& note, const fs::path& folder) {
  auto checkpoint = unverified_checkpoint(note);
  if (checkpoint) return checkpoint;
  return fail(ErrorCode::corrupt,
              fmt::format("{} is damaged: {}", (folder / "checkpoint").string(), checkpoint.error().message));
}

}  // namespace

Mirror::Mirror(fs::path folder, const RocksDbLog& log, fs::path blobs, DataLock lock)
    : folder_(std::move(folder)), log_(log), blobs_(std::move(blobs)), lock_(std::move(lock)) {}

Result<std::unique_ptr<Mirror>> Mirror::open(const fs::path& folder, const RocksDbLog& log, const fs::path& blobs,
                                             const std::stop_token& stop) {
  HEADGATE_TRY_VOID(make_dirs_durably(folder));
  auto lock = DataLock::acquire(folder);
  if (!lock && lock.error().code == ErrorCode::unavailable) {
    return fail(ErrorCode::unavailable, fmt::format("another process writes to the mirror {}", folder.string()));
  }
  if (!lock) return std::unexpected(std::move(lock).error());
  auto mirror = std::unique_ptr<Mirror>(new Mirror(folder, log, blobs, std::move(*lock)));
  HEADGATE_TRY_VOID(mirror->load());
  HEADGATE_TRY_VOID(mirror->copy_all_blobs(stop));
  return mirror;
}

Result<void> Mirror::load() {
  auto note = read_file(folder_ / "checkpoint", kMaxNoteBytes);
  if (!note && note.error().code == ErrorCode::not_found) return {};
  if (!note) return std::unexpected(std::move(note).error());
  const auto checkpoint = checkpoint_of(*note, folder_);
  if (!checkpoint) return std::unexpected(checkpoint.error());
  HEADGATE_TRY_VOID(check_history(*checkpoint));

  std::vector<Hash> leaves;
  const auto begin = checkpoint->size / kTileWidth * kTileWidth;
  auto tree = [&]() -> Result<MerkleTree> {
    if (const auto rest = checkpoint->size - begin; rest > 0) {
      HEADGATE_TRY(const auto bundle, read_bundle(folder_, begin / kTileWidth, rest));
      HEADGATE_TRY_VOID(read_entries(bundle, rest, [&](std::string_view record) -> Result<void> {
        leaves.push_back(leaf_hash(record));
        return {};
      }));
    }
    return MerkleTree::restore(checkpoint->size, MirrorTiles(folder_),
                               [&](Position position) -> Result<Hash> { return leaves.at(position - begin); });
  }();
  if (!tree || tree->root() != checkpoint->root) {
    return fail(ErrorCode::corrupt,
                fmt::format("the mirror {} is damaged, its files do not lead to its checkpoint of {} records{}: move "
                            "it away, and a new one is begun",
                            folder_.string(), checkpoint->size, tree ? "" : " (" + tree.error().message + ")"));
  }
  tree_ = std::move(*tree);
  ahead_ = tree_;
  note_ = std::move(*note);
  return {};
}

Result<void> Mirror::check_history(const Checkpoint& checkpoint) const {
  const auto size = log_.size();
  if (checkpoint.size > size) {
    return fail(ErrorCode::conflict,
                fmt::format("the mirror {} holds {} records of {}, the log has only {}: the log has lost what the "
                            "mirror has, or is another one; nothing is written to it",
                            folder_.string(), checkpoint.size, checkpoint.origin, size));
  }
  HEADGATE_TRY(const auto root, log_.root(checkpoint.size));
  if (root != checkpoint.root) {
    return fail(ErrorCode::conflict,
                fmt::format("the history of the mirror {} differs: its {} records of {} are not those of the log {}; "
                            "nothing is written to it",
                            folder_.string(), checkpoint.size, checkpoint.origin, log_.origin()));
  }
  return {};
}

// What a round that did not come to its end has left is looked at, but not written once more.
Result<void> Mirror::write(const std::string& path, std::string_view bytes) {
  const auto file = folder_ / path;
  if (const auto there = read_file(file, bytes.size()); there && *there == bytes) return fsync_dir(file.parent_path());
  HEADGATE_TRY_VOID(make_dirs_durably(file.parent_path()));
  return write_file_durably(file, bytes, 0600);
}

Result<void> Mirror::advance(const std::stop_token& stop) {
  HEADGATE_TRY(auto note, log_.checkpoint());
  if (note == note_) return {};
  HEADGATE_TRY(const auto checkpoint, unverified_checkpoint(note));
  if (checkpoint.size < ahead_.size()) {
    return fail(ErrorCode::conflict, fmt::format("the log's checkpoint is of {} records, the mirror has {}",
                                                 checkpoint.size, ahead_.size()));
  }
  while (ahead_.size() < checkpoint.size) HEADGATE_TRY_VOID(write_next_bundle(checkpoint.size, stop));
  if (ahead_.root() != checkpoint.root) {
    ahead_ = tree_;
    return fail(ErrorCode::corrupt,
                fmt::format("the records of the log and the checkpoint of {} records do not agree with what the "
                            "mirror {} has: history differs",
                            checkpoint.size, folder_.string()));
  }
  HEADGATE_TRY_VOID(write_partial_tiles(ahead_));
  HEADGATE_TRY_VOID(write("checkpoint", note));
  const auto before = std::exchange(tree_, ahead_).size();
  note_ = std::move(note);
  remove_filled_partials(before, tree_.size());
  return {};
}

// A bundle that was not full is read from its first record again; the tree goes on from where it was.
Result<void> Mirror::write_next_bundle(std::uint64_t size, const std::stop_token& stop) {
  if (stop.stop_requested()) return fail_stopped();
  auto tree = ahead_;
  const auto number = tree.size() / kTileWidth;
  const auto begin = number * kTileWidth;
  const auto count = std::min(kTileWidth, size - begin);
  HEADGATE_TRY(const auto records, log_.read(begin, count));
  if (records.size() != count) {
    return fail(ErrorCode::corrupt, fmt::format("the log gives {} records from {} on, its checkpoint covers {}",
                                                records.size(), begin, count));
  }
  std::string bundle;
  std::vector<std::pair<TileId, TileHashes>> full;
  for (const auto& record : records) {
    append_entry(bundle, record.bytes);
    if (record.position < tree.size()) continue;  // mirrored before
    HEADGATE_TRY_VOID(copy_named_blobs(record.bytes, stop));
    tree.append(leaf_hash(record.bytes), [&](TileId id, const TileHashes& hashes) { full.emplace_back(id, hashes); });
  }
  HEADGATE_TRY_VOID(write(bundle_file(number, count), bundle));
  for (const auto& [id, hashes] : full) {
    HEADGATE_TRY_VOID(write(tile_file(id, hashes), bytes_of(hashes)));
  }
  ahead_ = std::move(tree);
  return {};
}

Result<void> Mirror::write_partial_tiles(const MerkleTree& tree) {
  return tree.unfinished_tiles(
      [&](TileId id, std::span<const Hash> hashes) { return write(tile_file(id, hashes), bytes_of(hashes)); });
}

// Partial tiles whose tile is full by now; until then there are readers of the checkpoints before. What cannot be
// removed is in nobody's way.
void Mirror::remove_filled_partials(std::uint64_t from, std::uint64_t to) {
  std::error_code ignored;
  const auto clear = [&](auto path_of, unsigned level) {
    const auto height = kTileHeight * (level + 1);
    const auto number = from >> height;
    if (to >> height == number) return;
    fs::remove_all(folder_ / (path_of(TilePath{level, number}) + ".p"), ignored);
  };
  clear(entries_path, 0);
  for (unsigned level = 0; level < kTileLevels - 1; ++level) clear(tile_path, level);
}

Result<void> Mirror::copy_all_blobs(const std::stop_token& stop) {
  HEADGATE_TRY(const auto names, files_below(blobs_));
  for (const auto& name : names) {
    HEADGATE_TRY(const bool copied, is_there(folder_ / "blobs" / name));
    if (!copied) HEADGATE_TRY_VOID(copy_blob(name, stop));
  }
  return {};
}

// Every digest in the text counts as a name; those of other things than blobs lead to no file.
Result<void> Mirror::copy_named_blobs(std::string_view record, const std::stop_token& stop) {
  for (auto at = record.find(kDigestPrefix); at != std::string_view::npos; at = record.find(kDigestPrefix, at + 1)) {
    const auto digest = parse_digest(record.substr(at, kDigestPrefix.size() + kDigits));
    if (!digest) continue;
    const auto name = blob_name(*digest);
    HEADGATE_TRY(const bool kept, is_there(blobs_ / name));
    if (!kept) continue;
    HEADGATE_TRY(const bool copied, is_there(folder_ / "blobs" / name));
    if (!copied) HEADGATE_TRY_VOID(copy_blob(name, stop));
  }
  return {};
}

Result<void> Mirror::copy_blob(const std::string& name, const std::stop_token& stop) {
  if (stop.stop_requested()) return fail_stopped();
  auto copied = copy_file_durably(blobs_ / name, folder_ / "blobs" / name);
  if (!copied && copied.error().code == ErrorCode::not_found) return {};  // it expired this instant
  if (!copied) return std::unexpected(std::move(copied).error());
  return {};
}

Result<MirroredLog> restore_from_mirror(const fs::path& folder, const fs::path& data) {
  auto note = read_file(folder / "checkpoint", kMaxNoteBytes);
  if (!note && note.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::not_found, fmt::format("{} is no mirror: it has no checkpoint", folder.string()));
  }
  if (!note) return std::unexpected(std::move(note).error());
  HEADGATE_TRY(const auto checkpoint, checkpoint_of(*note, folder));
  HEADGATE_TRY(const auto import, LogImport::open(data, checkpoint.origin));
  for (std::uint64_t number = 0; number * kTileWidth < checkpoint.size; ++number) {
    const auto width = std::min(kTileWidth, checkpoint.size - number * kTileWidth);
    const auto bundle = read_bundle(folder, number, width);
    if (!bundle && bundle.error().code == ErrorCode::not_found) {
      return fail(ErrorCode::corrupt,
                  fmt::format("the mirror {} is not whole: {} is missing, which holds records {} to "
                              "{}; put that file back from a copy of it, or restore from a backup "
                              "('headgate backup restore --from')",
                              folder.string(), bundle_file(number, width), number * kTileWidth,
                              number * kTileWidth + width - 1));
    }
    if (!bundle) return std::unexpected(bundle.error());
    const auto appended = read_entries(*bundle, width, [&](std::string_view record) { return import->append(record); });
    if (!appended) {
      return fail(appended.error().code,
                  fmt::format("{}: {}", (folder / bundle_file(number, width)).string(), appended.error().message));
    }
  }
  HEADGATE_TRY(const auto mark, import->finish());
  if (mark.root != checkpoint.root) {
    return fail(ErrorCode::corrupt, fmt::format("the {} records of the mirror {} are not those of its checkpoint: "
                                                "records were altered",
                                                mark.size, folder.string()));
  }
  MirroredLog mirrored{checkpoint, std::move(*note)};
  HEADGATE_TRY(const auto blobs, files_below(folder / "blobs"));
  for (const auto& name : blobs) {
    const auto from = folder / "blobs" / name;
    const auto copied = copy_file_durably(from, data / "blobs" / name);
    // What can be read could not be written: that is not the mirror's fault.
    if (!copied && read_file(from, BlobStore::kMaxBlobBytes)) return std::unexpected(copied.error());
    if (copied && blob_name(copied->digest) == name) continue;
    std::error_code error;
    fs::remove(data / "blobs" / name, error);
    if (error) return fail_io("remove", data / "blobs" / name, error.value());
    mirrored.left_out.push_back("blobs/" + name);
  }
  return mirrored;
}

}  // namespace headgate::store
