#include "app/restore.h"

#include <algorithm>
#include <set>

#include "app/data_directory.h"
#include "app/log_checkpoints.h"
#include "app/named_file.h"
#include "engine/base/digest.h"
#include "engine/runtime/writer.h"
#include "store/backup.h"
#include "store/file_list.h"
#include "store/files.h"
#include "store/log_import.h"
#include "store/mirror.h"
#include "store/rocksdb_log.h"

namespace headgate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_watermark_bytes = 64 << 10;

// What was put back, as its own records tell it.
struct History {
  State state;
  Hash root{};
  std::vector<api::LogKey> keys;
};

// The furthest that anybody is known to have seen of the log.
struct Known {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  fs::path where;
};

// Reads and computes all of it again.
Result<History> read_history(const fs::path& dir) {
  store::RocksDbLog::Options options;
  options.dir = dir;
  options.read_only = true;
  HEADGATE_TRY(const auto log, store::RocksDbLog::open(std::move(options)));
  HEADGATE_TRY(const auto verified, log->verify({}));
  History history;
  history.root = verified.root;
  HEADGATE_TRY_VOID(log->fold(0, log->size(), [&](const Recorded<Event>& record) {
    api::take_key(record, history.keys);
    evolve(history.state, record);
  }));
  if (history.state.next == 0) return fail(ErrorCode::corrupt, "the log that was put back holds no record");
  return history;
}

// Those of the log, and the one that was given for what the log does not reach.
std::vector<api::LogKey> keys_for(const History& history, const std::string& given) {
  auto keys = history.keys;
  if (!given.empty()) keys.push_back({given, history.state.next});
  return keys;
}

Result<store::Checkpoint> open_known(const std::string& note, const fs::path& file,
                                     const std::vector<api::LogKey>& keys) {
  auto opened = open_checkpoint_of(keys, note);
  if (opened) return opened;
  return fail(ErrorCode::corrupt, file.string() + ": " + opened.error().message +
                                      "; if it is of a key that came later, give it with --verifier-key");
}

// From one path: a checkpoint's file, or a directory with one or with a watermark in it.
Result<std::vector<Known>> read_known(const fs::path& path, const fs::path& scratch, const History& history,
                                      const std::vector<api::LogKey>& keys) {
  std::vector<Known> found;
  std::error_code ignored;
  const bool is_dir = fs::is_directory(path, ignored);
  const auto file = is_dir ? path / "checkpoint" : path;
  const auto read = store::read_file(file, store::kMaxNoteBytes);
  const auto note = is_dir ? read : as_named(read);
  if (note) {
    HEADGATE_TRY(const auto checkpoint, open_known(*note, file, keys));
    found.push_back({checkpoint.origin, checkpoint.size, checkpoint.root, file});
  } else if (note.error().code != ErrorCode::not_found) {
    return std::unexpected(note.error());
  }
  if (is_dir) {
    // Its bytes are copied: the directory may be on a disk that can only be read.
    auto bytes = store::read_file(path / "watermark", max_watermark_bytes);
    if (bytes) {
      HEADGATE_TRY_VOID(store::write_file_durably(scratch, *bytes, 0600));
      const auto mark = store::WatermarkFile::open(scratch);
      fs::remove(scratch, ignored);
      if (!mark) return fail(mark.error().code, (path / "watermark").string() + ": " + mark.error().message);
      const auto origin = found.empty() ? history.state.origin : found.front().origin;
      found.push_back({origin, mark->mark().size, mark->mark().root, path / "watermark"});
    } else if (bytes.error().code != ErrorCode::not_found) {
      return std::unexpected(bytes.error());
    }
    if (found.empty()) {
      return fail(ErrorCode::invalid_input, path.string() + " holds neither a checkpoint nor a watermark");
    }
  }
  return found;
}

// The newest known checkpoint that the log does not reach; those that it reaches must be of its history.
Result<std::optional<Known>> find_lost(const RestoreRequest& request, const fs::path& stage, const History& history) {
  const auto keys = keys_for(history, request.verifier_key);
  store::RocksDbLog::Options options;
  options.dir = stage;
  options.read_only = true;
  HEADGATE_TRY(const auto log, store::RocksDbLog::open(std::move(options)));
  std::optional<Known> lost;
  for (const auto& path : request.known) {
    HEADGATE_TRY(const auto found, read_known(path, stage / "known", history, keys));
    for (const auto& known : found) {
      if (known.size > log->size()) {
        if (!lost || known.size > lost->size) lost = known;
        continue;
      }
      HEADGATE_TRY(const auto root, log->root(known.size));
      if (root != known.root) {
        return fail(ErrorCode::conflict, "the first " + std::to_string(known.size) +
                                             " records that were put back are not those of " + known.where.string() +
                                             ": it is another log, or one of the two was altered");
      }
    }
  }
  return lost;
}

// The old key stays beside the new one: it signs nothing any more.
Result<std::string> new_key(const fs::path& stage, const std::string& origin) {
  HEADGATE_TRY(const auto key, store::SigningKey::generate(origin));
  const auto file = stage / "log.key";
  HEADGATE_TRY(const auto old_key, store::type_of_file(file));
  std::error_code error;
  if (old_key != fs::file_type::not_found) fs::rename(file, stage / "log.key.before-restore", error);
  if (error) return store::fail_io("move", file, error.value());
  HEADGATE_TRY_VOID(key.save(file));
  return key.verifier().text();
}

Result<void> go_on(const fs::path& stage, const History& history, const RestoreLog& command, Timestamp now) {
  runtime::Writer writer(sha256_digest);
  writer.load(history.state);
  HEADGATE_TRY_VOID(writer.execute({.command = command}, now));
  const auto batch = writer.take_batch();
  HEADGATE_TRY(const auto log, store::LogImport::open(stage, {}));
  for (const auto& event : batch.events) HEADGATE_TRY_VOID(log->append(event));
  HEADGATE_TRY_VOID(log->finish());
  return {};
}

// Out of the folder that nobody opens a log beside; the folder goes last.
Result<void> move_up(const fs::path& stage, const fs::path& data) {
  std::vector<fs::path> names;
  std::error_code error;
  fs::directory_iterator at(stage, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) names.push_back(at->path().filename());
  if (error) return store::fail_io("list", stage, error.value());
  for (const auto& name : names) {
    fs::rename(stage / name, data / name, error);
    if (error) return store::fail_io("move", stage / name, error.value());
  }
  HEADGATE_TRY_VOID(store::fsync_dir(data));
  fs::remove(stage, error);
  if (error) return store::fail_io("remove", stage, error.value());
  return store::fsync_dir(data);
}

const store::BackupInfo* newest_good(const std::vector<store::BackupInfo>& all) {
  const auto* newest = store::Backups::newest_good(all, true);
  return newest != nullptr ? newest : store::Backups::newest_good(all, false);
}

struct Chosen {
  std::uint64_t id = 0;  // 0: a mirror
  std::vector<std::string> passed_over{};
};

Result<Chosen> choose(const RestoreRequest& request) {
  if (!request.mirror.empty()) return Chosen{};
  if (request.id) return Chosen{*request.id};
  HEADGATE_TRY(const auto all, store::Backups(request.backups).list());
  const auto* newest = newest_good(all);
  if (newest == nullptr) return fail(ErrorCode::not_found, "there is no good backup in " + request.backups.string());
  Chosen chosen{newest->id};
  for (const auto& info : all) {
    if (info.id <= newest->id || info.failure.empty()) continue;
    chosen.passed_over.push_back("backup " + std::to_string(info.id) + " of " + format_timestamp(info.time) + ", of " +
                                 std::to_string(info.size) + " records: " + info.failure);
  }
  return chosen;
}

Result<void> copy(const RestoreRequest& request, const fs::path& stage, std::string& mirror_note, Restored& done) {
  if (!request.mirror.empty()) {
    HEADGATE_TRY(auto mirrored, store::restore_from_mirror(request.mirror, stage));
    mirror_note = std::move(mirrored.note);
    done.left_out = std::move(mirrored.left_out);
    return {};
  }
  HEADGATE_TRY(auto restored,
               store::Backups(request.backups).restore(done.backup, stage, request.without_damaged_people));
  done.left_out = std::move(restored.left_out);
  return {};
}

// Whoever is told that a backup is damaged looks for the next one at once.
std::string older_good(const RestoreRequest& request, std::uint64_t damaged) {
  auto all = store::Backups(request.backups).list();
  if (!all) return {};
  std::erase_if(*all, [&](const auto& info) { return info.id >= damaged; });
  const auto* older = newest_good(*all);
  if (older == nullptr) return "; no older backup in " + request.backups.string() + " is good";
  return "; backup " + std::to_string(older->id) + " of " + format_timestamp(older->time) + ", of " +
         std::to_string(older->size) + " records, is the next older good one: --id " + std::to_string(older->id);
}

}  // namespace

Result<Restored> restore_data(const RestoreRequest& request, const Clock& clock) {
  if (!request.verifier_key.empty()) HEADGATE_TRY_VOID(store::VerifierKey::parse(request.verifier_key));
  HEADGATE_TRY(const auto chosen, choose(request));
  HEADGATE_TRY_VOID(check_empty(request.data));
  HEADGATE_TRY_VOID(store::make_dirs_durably(request.data));
  HEADGATE_TRY_VOID(store::make_dir_durably(request.data, 0700));
  HEADGATE_TRY(const auto lock, store::DataLock::acquire(request.data));
  const auto stage = request.data / store::kUnfinishedRestore;
  HEADGATE_TRY_VOID(store::make_dir_durably(stage, 0700));

  const auto restored = [&]() -> Result<Restored> {
    Restored done;
    std::string mirror_note;
    done.backup = chosen.id;
    done.passed_over = chosen.passed_over;
    auto copied = [&]() -> Result<History> {
      HEADGATE_TRY_VOID(copy(request, stage, mirror_note, done));
      return read_history(stage);
    }();
    if (!copied && copied.error().code == ErrorCode::corrupt && chosen.id != 0) {
      copied.error().message += older_good(request, chosen.id);
    }
    HEADGATE_TRY(const auto history, std::move(copied));
    if (!mirror_note.empty()) {
      const auto keys = keys_for(history, request.verifier_key);
      HEADGATE_TRY_VOID(open_known(mirror_note, request.mirror / "checkpoint", keys));
    }
    HEADGATE_TRY(const auto lost, find_lost(request, stage, history));
    RestoreLog command;
    done.size = history.state.next;
    command.restored = {done.backup, done.size, digest_text(history.root)};
    done.origin = history.state.origin;
    if (lost) {
      if (request.origin.empty() || request.origin == lost->origin || request.origin == history.state.origin) {
        return fail(ErrorCode::conflict,
                    "what was put back holds " + std::to_string(done.size) + " records, " + lost->where.string() +
                        " is of " + std::to_string(lost->size) + ": records " + std::to_string(done.size) + " to " +
                        std::to_string(lost->size - 1) +
                        " are lost. The log can go on, but not as if they had never been: name another origin with "
                        "--origin");
      }
      command.origin = done.origin = request.origin;
      command.previous = PreviousLog{lost->origin, lost->size, digest_text(lost->root)};
      HEADGATE_TRY(command.verifier_key, new_key(stage, request.origin));
      done.origin_changed = true;
      done.lost = lost->size - done.size;
    } else if (!request.origin.empty()) {
      return fail(ErrorCode::invalid_input,
                  "--origin is for a log that falls behind a known checkpoint; this one does "
                  "not, it goes on as " +
                      history.state.origin);
    }
    HEADGATE_TRY_VOID(go_on(stage, history, command, clock.now()));
    HEADGATE_TRY_VOID(read_history(stage));
    HEADGATE_TRY(const auto key, store::type_of_file(stage / "log.key"));
    HEADGATE_TRY(const auto people, store::type_of_file(stage / "people"));
    done.has_key = key != fs::file_type::not_found;
    done.has_people = people != fs::file_type::not_found;
    return done;
  }();
  std::error_code ignored;
  if (!restored) {
    // Nothing of it may be taken for a log, and the next attempt finds the directory empty.
    fs::remove_all(stage, ignored);
    return restored;
  }
  HEADGATE_TRY_VOID(move_up(stage, request.data));
  return restored;
}

}  // namespace headgate::app
