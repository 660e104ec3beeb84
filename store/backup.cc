#include "store/backup.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <set>

#include "engine/base/digest.h"
#include "store/backup_engine.h"
#include "store/files.h"
#include "store/rocksdb_log.h"
#include "store/watermark.h"

namespace headgate::store {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kMaxInfoBytes = 64 << 10;
constexpr auto kWatermarkWait = std::chrono::seconds(30);

// Names of folders that are numbers: of sets that came to their end, or did not.
Result<std::vector<std::uint64_t>> ids_in(const fs::path& sets) {
  std::vector<std::uint64_t> ids;
  HEADGATE_TRY(const auto type, type_of_file(sets));
  if (type == fs::file_type::not_found) return ids;
  std::error_code error;
  for (fs::directory_iterator at(sets, error); !error && at != fs::directory_iterator(); at.increment(error)) {
    const auto name = at->path().filename().string();
    std::uint64_t id = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (bad == std::errc{} && end == name.data() + name.size()) ids.push_back(id);
  }
  if (error) return fail_io("list", sets, error.value());
  std::ranges::sort(ids);
  return ids;
}

Result<void> remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return fail_io("remove", path, error.value());
  return {};
}

Timestamp time_of_file(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return Timestamp(std::chrono::seconds(status.st_mtim.tv_sec));
}

// The database may hold records that are written but not known to be durable: they are waited for.
Result<void> wait_for_watermark(const RocksDbLog& log, std::uint64_t size, const std::stop_token& stop) {
  if (log.wait_for_mark(size, kWatermarkWait, stop)) return {};
  if (stop.stop_requested()) return fail_stopped();
  return fail(ErrorCode::timed_out, fmt::format("the watermark did not reach the {} records of the backup within {} s",
                                                size, kWatermarkWait.count()));
}

}  // namespace

// RocksDB finds the files of a backup by absolute paths alone.
Backups::Backups(const fs::path& folder, std::shared_ptr<rocksdb::FileSystem> file_system)
    : folder_(folder.empty() ? folder : fs::absolute(folder).lexically_normal()),
      file_system_(std::move(file_system)) {}

Result<BackupInfo> Backups::read_info(std::uint64_t id) const {
  const auto path = set_of(id) / "backup.json";
  auto text = read_file(path, kMaxInfoBytes);
  if (!text && text.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::not_found, fmt::format("there is no backup {} in {}", id, folder_.string()));
  }
  if (!text && text.error().code == ErrorCode::too_large) text.error().code = ErrorCode::corrupt;
  if (!text) return std::unexpected(std::move(text).error());
  try {
    const auto value = json::parse(*text);
    BackupInfo info;
    info.id = value.at("id").to_number<std::uint64_t>();
    info.origin = value.at("origin").as_string().c_str();
    info.size = value.at("size").to_number<std::uint64_t>();
    info.bytes = value.at("bytes").to_number<std::uint64_t>();
    info.has_key = value.at("key").as_bool();
    info.failure = value.at("failure").as_string().c_str();
    const auto* list = value.as_object().if_contains("list");
    if (list != nullptr) info.list = parse_digest(list->as_string().c_str()).value();
    const auto root = parse_digest(value.at("root").as_string().c_str());
    const auto time = parse_timestamp(value.at("time").as_string().c_str());
    const auto& verified = value.at("verified");
    if (verified.is_string()) {
      if (const auto when = parse_timestamp(verified.as_string().c_str())) info.verified = *when;
    }
    if (root && time && info.id == id) {
      info.root = *root;
      info.time = *time;
      return info;
    }
  } catch (const std::exception&) {  // of the parser: said below
  }
  return fail(ErrorCode::corrupt, fmt::format("{} is damaged", path.string()));
}

Result<void> Backups::write_info(const BackupInfo& info) const {
  json::object value{{"id", info.id},
                     {"time", format_timestamp(info.time)},
                     {"origin", info.origin},
                     {"size", info.size},
                     {"root", digest_text(info.root)},
                     {"bytes", info.bytes},
                     {"key", info.has_key},
                     {"verified", info.verified ? json::value(format_timestamp(*info.verified)) : json::value()},
                     {"failure", info.failure}};
  if (info.list) value["list"] = digest_text(*info.list);
  return write_file_durably(set_of(info.id) / "backup.json", json::serialize(value) + "\n", 0600);
}

Result<std::vector<BackupInfo>> Backups::list() const {
  std::vector<BackupInfo> all;
  HEADGATE_TRY(const auto ids, ids_in(folder_ / "sets"));
  for (const auto id : ids) {
    auto info = read_info(id);
    if (!info && info.error().code == ErrorCode::not_found) continue;
    if (!info && info.error().code == ErrorCode::corrupt) {
      BackupInfo damaged;
      damaged.id = id;
      damaged.time = time_of_file(set_of(id) / "backup.json");
      damaged.failure = "its description is damaged";
      all.push_back(std::move(damaged));
      continue;
    }
    if (!info) return std::unexpected(std::move(info).error());
    all.push_back(std::move(*info));
  }
  return all;
}

const BackupInfo* Backups::newest_good(const std::vector<BackupInfo>& all, bool must_be_verified) {
  const BackupInfo* newest = nullptr;
  for (const auto& info : all) {
    if (info.failure.empty() && (info.verified || !must_be_verified)) newest = &info;
  }
  return newest;
}

Result<BackupInfo> Backups::create(const BackupSource& source, Timestamp now, std::stop_token stop) {
  HEADGATE_TRY_VOID(make_dirs_durably(folder_.parent_path()));
  for (const auto& dir : {folder_, folder_ / "sets", folder_ / "blobs", folder_ / "engine"}) {
    HEADGATE_TRY_VOID(make_dir_durably(dir, 0700));
  }
  auto lock = DataLock::acquire(folder_);
  if (!lock && lock.error().code == ErrorCode::unavailable) {
    return fail(ErrorCode::unavailable, fmt::format("another process writes a backup to {}", folder_.string()));
  }
  if (!lock) return std::unexpected(std::move(lock).error());
  HEADGATE_TRY(auto engine, Engine::open(folder_, file_system_));
  HEADGATE_TRY_VOID(sweep(engine));

  // Without a flush: the database that the backup is taken from is only read.
  rocksdb::BackupID id = 0;
  rocksdb::Status status;
  {
    const std::stop_callback stopping(stop, [&] { engine.engine->StopBackup(); });
    status = engine.engine->CreateNewBackup(rocksdb::CreateBackupOptions(), &source.log.database(), &id);
  }
  if (!status.ok()) {
    static_cast<void>(engine.engine->GarbageCollect());
    if (stop.stop_requested()) return fail_stopped();
    return fail_backup(fmt::format("write a backup to {}", folder_.string()), status);
  }
  auto info = fill(source, engine, id, now, stop);
  if (!info) static_cast<void>(remove(engine, id));
  return info;
}

Result<BackupInfo> Backups::fill(const BackupSource& source, const Engine& engine, std::uint64_t id, Timestamp now,
                                 const std::stop_token& stop) {
  BackupInfo info;
  info.id = id;
  info.time = now;
  info.origin = source.log.origin();
  {
    HEADGATE_TRY(const auto database, open_backup(*engine.engine, id));
    HEADGATE_TRY(info.size, database->count_records());
  }
  HEADGATE_TRY_VOID(wait_for_watermark(source.log, info.size, stop));
  HEADGATE_TRY(info.root, source.log.root(info.size));
  rocksdb::BackupInfo stored;
  if (const auto status = engine.engine->GetBackupInfo(static_cast<rocksdb::BackupID>(id), &stored); !status.ok()) {
    return fail_status(fmt::format("read backup {}", id), status);
  }
  info.bytes = stored.size;

  const auto set = set_of(id);
  HEADGATE_TRY_VOID(make_dir_durably(set, 0700));
  std::vector<ListedFile> files;
  const auto add = [&](const fs::path& from, const std::string& to) -> Result<void> {
    if (stop.stop_requested()) return fail_stopped();
    auto copied = copy_file_durably(from, set / to);
    if (!copied && copied.error().code == ErrorCode::not_found) return {};  // a person was erased, a blob expired
    if (!copied) return std::unexpected(std::move(copied).error());
    files.push_back({copied->digest, to});
    info.bytes += copied->bytes;
    return {};
  };
  if (const auto made = WatermarkFile::create(set / "watermark", {info.size, info.root}); !made) {
    return std::unexpected(made.error());
  }
  HEADGATE_TRY(const auto mark_bytes, read_file(set / "watermark", kMaxInfoBytes));
  files.push_back({sha256(mark_bytes), "watermark"});
  HEADGATE_TRY_VOID(add(source.key, "log.key"));
  info.has_key = files.size() > 1;
  // Whatever a record names was durable before the record: people and blobs come after the database.
  HEADGATE_TRY(const auto people, files_below(source.data / "people"));
  for (const auto& name : people) HEADGATE_TRY_VOID(add(source.data / "people" / name, "people/" + name));
  HEADGATE_TRY(const auto blobs, files_below(source.data / "blobs"));
  for (const auto& name : blobs) {
    // Its name is its digest: one that is here already is not copied again. Whether it is whole, verify tells.
    const auto here = folder_ / "blobs" / name;
    const auto digest = parse_hex(name.substr(0, 2) + name.substr(std::min<std::size_t>(3, name.size())));
    std::error_code error;
    const auto size = fs::file_size(here, error);
    if (digest && !error) {
      files.push_back({*digest, "../../blobs/" + name});
      info.bytes += size;
    } else {
      HEADGATE_TRY_VOID(add(source.data / "blobs" / name, "../../blobs/" + name));
    }
  }
  const auto list = file_list_text(files);
  info.list = sha256(list);
  HEADGATE_TRY_VOID(write_file_durably(set / "SHA256SUMS", list, 0600));
  HEADGATE_TRY_VOID(write_info(info));
  return info;
}

Result<void> Backups::remove(Engine& engine, std::uint64_t id) {
  std::error_code error;
  if (fs::remove(set_of(id) / "backup.json", error)) HEADGATE_TRY_VOID(fsync_dir(set_of(id)));
  const auto status = engine.engine->DeleteBackup(static_cast<rocksdb::BackupID>(id));
  if (!status.ok() && !status.IsNotFound()) return fail_status(fmt::format("remove backup {}", id), status);
  return remove_tree(set_of(id));
}

// What a crash or an Error left unfinished.
Result<void> Backups::sweep(Engine& engine) {
  std::set<std::uint64_t> ids;
  std::vector<rocksdb::BackupInfo> known;
  engine.engine->GetBackupInfo(&known);
  for (const auto& info : known) ids.insert(info.backup_id);
  HEADGATE_TRY(const auto sets, ids_in(folder_ / "sets"));
  ids.insert(sets.begin(), sets.end());
  for (const auto id : ids) {
    HEADGATE_TRY(const auto description, type_of_file(set_of(id) / "backup.json"));
    if (description == fs::file_type::not_found) HEADGATE_TRY_VOID(remove(engine, id));
  }
  static_cast<void>(engine.engine->GarbageCollect());  // whatever remains is looked at again next time
  return {};
}

Result<std::size_t> Backups::prune(Timestamp before) {
  HEADGATE_TRY(const auto lock, DataLock::acquire(folder_));
  HEADGATE_TRY(const auto all, list());
  const auto* newest = newest_good(all, true);
  if (newest == nullptr) newest = newest_good(all, false);
  if (newest == nullptr) return 0U;
  HEADGATE_TRY(auto engine, Engine::open(folder_, file_system_));
  std::size_t removed = 0;
  for (const auto& info : all) {
    if (info.time >= before || info.id == newest->id) continue;
    HEADGATE_TRY_VOID(remove(engine, info.id));
    ++removed;
  }
  if (removed > 0) HEADGATE_TRY_VOID(sweep_blobs(engine));
  return removed;
}

Result<void> Backups::discard(std::uint64_t id) {
  HEADGATE_TRY(const auto lock, DataLock::acquire(folder_));
  HEADGATE_TRY(auto engine, Engine::open(folder_, file_system_));
  HEADGATE_TRY_VOID(remove(engine, id));
  return sweep_blobs(engine);
}

// Blobs that no backup lists any more. While a backup's list is damaged nobody knows which are its own: all stay.
Result<void> Backups::sweep_blobs(const Engine& engine) {
  std::set<std::string> listed;
  HEADGATE_TRY(const auto ids, ids_in(folder_ / "sets"));
  for (const auto id : ids) {
    const auto info = read_info(id);
    if (!info && info.error().code == ErrorCode::not_found) continue;  // the next backup removes it
    const auto files = info ? read_list(set_of(id), *info, *engine.engine) : std::unexpected(info.error());
    if (!files && files.error().code == ErrorCode::corrupt) return {};
    if (!files) return std::unexpected(files.error());
    for (const auto& file : *files) listed.insert(file.path);
  }
  HEADGATE_TRY(const auto blobs, files_below(folder_ / "blobs"));
  for (const auto& name : blobs) {
    if (listed.contains("../../blobs/" + name)) continue;
    std::error_code error;
    fs::remove(folder_ / "blobs" / name, error);
    if (error) return fail_io("remove", folder_ / "blobs" / name, error.value());
  }
  return {};
}

}  // namespace headgate::store
