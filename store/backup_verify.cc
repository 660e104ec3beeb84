// Reading a backup again: to verify it, and to restore from it.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "engine/base/digest.h"
#include "store/backup.h"
#include "store/backup_engine.h"
#include "store/blob_store.h"
#include "store/file_list.h"
#include "store/files.h"
#include "store/record_chain.h"
#include "store/watermark.h"

namespace headgate::store {
namespace {

namespace fs = std::filesystem;
using Family = RocksDbStore::Family;

// Every record of the database and every tile of its tree, read and computed again.
Result<RecordChain> read_records(const RocksDbStore& store, const std::stop_token& stop) {
  const auto check_tile = [&](TileId id, const TileHashes& hashes) -> Result<void> {
    HEADGATE_TRY(const auto stored, store.get(Family::tree, tile_key(id)));
    if (stored == bytes_of(hashes)) return {};
    return fail(ErrorCode::corrupt, fmt::format("tile {}/{} is not the one of its records", id.level, id.number));
  };
  const auto go_on = [&]() -> Result<void> {
    if (stop.stop_requested()) return fail_stopped();
    return {};
  };
  RecordChain chain;
  HEADGATE_TRY_VOID(chain_records(store, chain, check_tile, go_on));
  return chain;
}

// What the copies of a restore have not been synced of, RocksDB's among them.
Result<void> sync_everything(const fs::path& dir) {
  HEADGATE_TRY(const UniqueFd fd, open_file(dir, O_RDONLY | O_DIRECTORY));
  if (::syncfs(fd.get()) != 0) return fail_io("sync", dir, errno);
  return {};
}

}  // namespace

Result<void> Backups::verify_files(const BackupInfo& info, const std::vector<ListedFile>& files,
                                   const std::stop_token& stop) const {
  const auto set = set_of(info.id);
  for (const auto& file : files) {
    if (stop.stop_requested()) return fail_stopped();
    const auto path = (set / file.path).lexically_normal();
    HEADGATE_TRY(const auto bytes, inside_backup(read_file(path, BlobStore::kMaxBlobBytes)));
    if (sha256(bytes) != file.digest) return fail(ErrorCode::corrupt, fmt::format("{} was altered", path.string()));
  }
  HEADGATE_TRY(const auto watermark, inside_backup(WatermarkFile::open(set / "watermark", true)));
  if (watermark.mark() != Mark{info.size, info.root}) {
    return fail(ErrorCode::corrupt, fmt::format("{} is of {} records, the backup of {}", (set / "watermark").string(),
                                                watermark.mark().size, info.size));
  }
  return {};
}

// What the backup is by itself.
Result<void> Backups::verify_inside(BackupInfo& info, const std::stop_token& stop) const {
  HEADGATE_TRY(const auto engine, inside_backup(ReadOnlyBackupEngine::open(folder_, file_system_, stop)));
  const auto whole = engine.engine->VerifyBackup(static_cast<rocksdb::BackupID>(info.id), true);
  if (!whole.ok()) return inside_backup<void>(fail_status("read its database", whole));
  HEADGATE_TRY(const auto database, open_backup(*engine.engine, info.id));
  HEADGATE_TRY(const auto chain, read_records(*database, stop));
  const auto& tree = chain.tree();
  if (tree.size() != info.size || tree.root() != info.root || (tree.size() > 0 && chain.origin() != info.origin)) {
    return fail(ErrorCode::corrupt,
                fmt::format("it holds {} records of {} with the root {}, expected {} of {} with {}", tree.size(),
                            chain.origin(), hex(tree.root()), info.size, info.origin, hex(info.root)));
  }
  HEADGATE_TRY(const auto files, read_list(set_of(info.id), info, *engine.engine));
  HEADGATE_TRY_VOID(verify_files(info, files, stop));
  if (!info.list) info.list = sha256(file_list_text(files));
  return {};
}

Result<BackupInfo> Backups::verify(std::uint64_t id, const RootAt& root_at, Timestamp now, std::stop_token stop) {
  HEADGATE_TRY(auto info, read_info(id));
  const auto whole = verify_inside(info, stop);
  if (!whole) {
    // What was cut short may look like damage.
    const auto error = stop.stop_requested() ? fail_stopped().error() : whole.error();
    if (error.code != ErrorCode::corrupt) {
      return fail(error.code, fmt::format("backup {} could not be verified: {}", id, error.message));
    }
    info.verified.reset();
    info.failure = error.message;
    static_cast<void>(write_info(info));  // on a medium that is only read it fails, and nothing depends on it
    return fail(ErrorCode::corrupt, fmt::format("backup {} is no good: {}", id, error.message));
  }
  if (root_at) {
    HEADGATE_TRY(const auto root, root_at(info.size));
    if (root != info.root) {
      return fail(
          ErrorCode::conflict,
          fmt::format("backup {} is whole, but of another history: its first {} records have the root {}, those "
                      "of the log have {}",
                      id, info.size, hex(info.root), hex(root)));
    }
  }
  info.verified = now;
  info.failure.clear();
  static_cast<void>(write_info(info));  // as above
  return info;
}

Result<Backups::Restored> Backups::restore(std::uint64_t id, const fs::path& data, bool without_damaged_people) const {
  Restored restored;
  HEADGATE_TRY(restored.info, read_info(id));
  HEADGATE_TRY(const auto engine, ReadOnlyBackupEngine::open(folder_, file_system_));
  HEADGATE_TRY_VOID(make_dir_durably(data / "db", 0700));
  const auto db = (data / "db").string();
  const auto status = engine.engine->RestoreDBFromBackup(static_cast<rocksdb::BackupID>(id), db, db);
  if (!status.ok()) return fail_backup(fmt::format("restore backup {} to {}", id, data.string()), status);
  const auto set = set_of(id);
  HEADGATE_TRY(const auto files, read_list(set, restored.info, *engine.engine));
  for (const auto& file : files) {
    const auto from = (set / file.path).lexically_normal();
    constexpr std::string_view up = "../../";
    const auto inside = file.path.starts_with(up) ? file.path.substr(up.size()) : file.path;
    const bool is_blob = inside.starts_with("blobs/");
    const bool is_person = inside.starts_with("people/");
    const auto copied = inside_backup(copy_file_durably(from, data / inside));
    if (copied && copied->digest == file.digest) continue;
    // What can be read could not be written: that is not the backup's fault.
    const bool damaged =
        copied || copied.error().code == ErrorCode::corrupt || !read_file(from, BlobStore::kMaxBlobBytes);
    if (!damaged) return std::unexpected(copied.error());
    const auto found =
        copied ? fmt::format("{} was altered since it was backed up", from.string()) : copied.error().message;
    if (!is_blob && !(is_person && without_damaged_people)) {
      return fail(copied ? ErrorCode::corrupt : copied.error().code,
                  is_person ? found + "; with --without-damaged-people it is left out: the name in it is lost" : found);
    }
    std::error_code error;
    fs::remove(data / inside, error);
    if (error) return fail_io("remove", data / inside, error.value());
    restored.left_out.push_back(inside);
  }
  HEADGATE_TRY_VOID(sync_everything(data));
  return restored;
}

}  // namespace headgate::store
