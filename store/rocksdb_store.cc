#include "store/rocksdb_store.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <charconv>
#include <cstdarg>

#include "store/files.h"
#include "store/usable_memory.h"
#include "store/wal_sequences.h"

namespace headgate::store {
namespace {

// In the order in which they are made.
constexpr std::array<std::string_view, 4> kFamilies{"events", "tree", "index", "meta"};
constexpr std::uint64_t kLeastCacheBytes = 32 << 20;
constexpr std::uint64_t kMostCacheBytes = 512 << 20;  // the blocks of a million records

// Filled by what is read: audits come back to the same blocks.
std::size_t block_cache_bytes() {
  return std::clamp(usable_memory() / 8, kLeastCacheBytes, kMostCacheBytes);
}

rocksdb::CompressionType compression() {
  const auto supported = rocksdb::GetSupportedCompressions();
  const auto has = [&](rocksdb::CompressionType type) {
    return std::find(supported.begin(), supported.end(), type) != supported.end();
  };
  // Records are read far more often than they are compacted: the fast one first.
  if (has(rocksdb::kLZ4Compression)) return rocksdb::kLZ4Compression;
  if (has(rocksdb::kZSTD)) return rocksdb::kZSTD;
  return rocksdb::kNoCompression;
}

// RocksDB's own notes. Kept in its file LOG, they end the process where the disk is full; what matters of them comes as
// a status as well.
class NoNotes final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::DBOptions database_options(rocksdb::Env* env, const RocksDbStore::Options& wanted) {
  rocksdb::DBOptions options;
  options.create_if_missing = !wanted.read_only;
  options.create_missing_column_families = !wanted.read_only;
  options.env = env;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.atomic_flush = true;
  options.max_bgerror_resume_count = 0;
  options.recycle_log_file_num = 0;
  options.manual_wal_flush = false;
  options.enable_pipelined_write = false;
  options.allow_concurrent_memtable_write = false;  // one thread writes records: they may take the hint below
  options.paranoid_checks = !wanted.for_repair;
  options.info_log = std::make_shared<NoNotes>();
  options.max_open_files = 512;
  return options;
}

rocksdb::ColumnFamilyOptions family_options(std::string_view name, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.format_version = 5;
  // A page of an audit reads records that lie far from each other: small blocks, and a checksum that costs less than
  // the reading (Debian's RocksDB computes CRC-32C without the processor's help).
  table.block_size = name == "events" ? 4 << 10 : 8 << 10;
  table.checksum = rocksdb::kXXH3;
  table.block_restart_interval = 4;  // the last steps of a search are one by one
  table.cache_index_and_filter_blocks = true;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // A record goes right behind the one before it, which the hint remembers: no search through the memtable.
  if (name == "events") options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(4));
  options.compression = name == "tree" ? rocksdb::kNoCompression : compression();  // hashes do not compress
  return options;
}

bool is_locked(const rocksdb::Status& status) {
  return status.IsIOError() && (status.ToString().find("lock hold by current process") != std::string::npos ||
                                status.ToString().find("While lock file") != std::string::npos);
}

bool is_missing_file(std::string_view message) {
  return message.find("No such file") != std::string_view::npos;
}

// A failure to open what must be there: files that are gone are damage as well.
std::unexpected<Error> fail_open(const std::string& path, const rocksdb::Status& status) {
  // RocksDB names the file, but for the write-ahead log.
  const bool named = !status.IsCorruption() || status.ToString().find(path) != std::string::npos;
  const auto* what = named ? "open the database {}" : "read the write-ahead log of the database {}";
  auto failure = fail_status(fmt::format(fmt::runtime(what), path), status).error();
  const bool gone = is_missing_file(status.ToString());
  if (failure.code == ErrorCode::not_found || gone || status.IsInvalidArgument()) failure.code = ErrorCode::corrupt;
  return std::unexpected(std::move(failure));
}

// Of the file that CURRENT names; whoever asks has opened the database.
std::string manifest_of(rocksdb::Env* env, const std::string& path) {
  std::string name;
  if (!rocksdb::ReadFileToString(env, path + "/CURRENT", &name).ok()) return path + "/MANIFEST";
  while (name.ends_with('\n')) name.pop_back();
  return path + "/" + name;
}

std::unique_ptr<rocksdb::Env> env_over(const std::shared_ptr<rocksdb::FileSystem>& file_system) {
  return file_system ? rocksdb::NewCompositeEnv(file_system) : nullptr;
}

// Opens these families alone, to read and strictly: only what is theirs and the write-ahead logs can be found damaged.
Result<void> open_alone(const RocksDbStore::Options& wanted, const std::vector<std::string_view>& names,
                        rocksdb::WALRecoveryMode mode) {
  const auto env = env_over(wanted.file_system);
  const auto path = wanted.dir.string();
  auto options = database_options(env ? env.get() : rocksdb::Env::Default(), {.dir = wanted.dir, .read_only = true});
  options.wal_recovery_mode = mode;
  const auto cache = rocksdb::NewLRUCache(kLeastCacheBytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, family_options("default", cache));  // RocksDB insists
  for (const auto name : names) families.emplace_back(std::string(name), family_options(name, cache));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const auto status = rocksdb::DB::OpenForReadOnly(options, path, families, &handles, &opened);
  if (!status.ok()) return fail_open(path, status);
  const std::unique_ptr<rocksdb::DB> db(opened);
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  db->Close();
  return {};
}

// RocksDB takes a folder that it may not enter for one that is not there.
Result<void> expect_entry(const RocksDbStore::Options& options) {
  if (options.file_system) return {};
  std::error_code error;
  const std::filesystem::directory_iterator entered(options.dir, error);
  if (!error || error == std::errc::no_such_file_or_directory) return {};
  return fail_io("list", options.dir, error.value());
}

std::uint64_t parse_number(std::string_view text, bool& valid) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  valid = error == std::errc{} && end == text.data() + text.size() && !text.empty();
  return number;
}

}  // namespace

void append_big_endian(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift & 0xff));
}

std::uint64_t big_endian(std::string_view bytes) {
  HEADGATE_CHECK(bytes.size() == 8);
  std::uint64_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<std::uint8_t>(c);
  return number;
}

std::string event_key(Position position) {
  std::string key;
  append_big_endian(key, position);
  return key;
}

std::string tile_key(TileId id) {
  std::string key(1, static_cast<char>(id.level));
  append_big_endian(key, id.number);
  return key;
}

std::unexpected<Error> fail_status(std::string_view action, const rocksdb::Status& status) {
  const auto code = status.IsCorruption()                            ? ErrorCode::corrupt
                    : is_locked(status)                              ? ErrorCode::unavailable
                    : status.IsNotFound() || status.IsPathNotFound() ? ErrorCode::not_found
                                                                     : ErrorCode::io;
  auto said = status.ToString();
  while (said.ends_with('\n')) said.pop_back();  // a list of files
  return fail(code, fmt::format("cannot {}: {}", action, said));
}

Result<bool> RocksDbStore::exists(const Options& options) {
  HEADGATE_TRY_VOID(expect_entry(options));
  const auto& checks = options.checks;
  const auto own = env_over(options.file_system);
  auto* env = own ? own.get() : rocksdb::Env::Default();
  const auto path = options.dir.string();
  std::vector<std::string> files;
  if (const auto status = env->GetChildren(path, &files); status.IsNotFound() || status.IsPathNotFound()) {
    return false;
  } else if (!status.ok()) {
    return fail_status(fmt::format("list {}", path), status);
  }
  const bool written = std::ranges::any_of(
      files, [](std::string_view name) { return name.ends_with(".sst") || name.ends_with(".log"); });
  if (std::ranges::find(files, "CURRENT") == files.end()) {
    if (!written || !checks.has(LogCheck::database_files)) return false;
    return fail(ErrorCode::corrupt, fmt::format("{}/CURRENT is missing, which says what the files beside it are{}",
                                                path, restore_advice()));
  }
  std::string current;
  if (const auto status = rocksdb::ReadFileToString(env, path + "/CURRENT", &current); !status.ok()) {
    return fail_status(fmt::format("read {}/CURRENT", path), status);
  }
  const bool whole = current.ends_with('\n');
  if (whole) current.pop_back();
  if ((!whole || std::ranges::find(files, current) == files.end()) && checks.has(LogCheck::database_files)) {
    return fail(ErrorCode::corrupt, fmt::format("{}/CURRENT is damaged or the file that it names is missing: it says "
                                                "'{}'{}",
                                                path, current, restore_advice()));
  }
  if (!checks.has(LogCheck::database_files)) return true;
  const auto fail_manifest = [&](std::string_view what) {
    return fail(ErrorCode::corrupt, fmt::format("{}/{} is damaged, which says what the files beside it are: {}{}", path,
                                                current, what, restore_advice()));
  };
  const auto missing = missing_families(options);
  if (!missing && missing.error().code == ErrorCode::corrupt) return fail_manifest(missing.error().message);
  if (!missing) return std::unexpected(missing.error());
  // `meta` is made last, and nothing is written before: the write-ahead log is empty until then.
  if (std::ranges::find(*missing, Family::meta) == missing->end()) return true;
  const auto holds_data = [&](const std::string& name) {
    std::uint64_t size = 0;
    return name.ends_with(".sst") ||
           (name.ends_with(".log") && env->GetFileSize(path + "/" + name, &size).ok() && size > 0);
  };
  if (const auto data = std::ranges::find_if(files, holds_data); data != files.end()) {
    return fail_manifest(fmt::format("it does not list {}", *data));
  }
  return true;
}

Result<std::vector<RocksDbStore::Family>> RocksDbStore::missing_families(const Options& options) {
  const auto env = env_over(options.file_system);
  const auto path = options.dir.string();
  std::vector<std::string> names;
  const auto listed = rocksdb::DB::ListColumnFamilies(
      database_options(env ? env.get() : rocksdb::Env::Default(), options), path, &names);
  if (!listed.ok()) return fail_open(path, listed);
  std::erase(names, rocksdb::kDefaultColumnFamilyName);
  const bool ours = names.empty() || std::ranges::find(names, kFamilies[0]) != names.end();
  std::vector<Family> missing;
  for (std::size_t i = 0; i < kFamilies.size(); ++i) {
    if (std::erase(names, kFamilies[i]) == 0) missing.push_back(static_cast<Family>(i));
  }
  if (ours && names.empty()) return missing;
  return fail(ErrorCode::conflict,
              fmt::format("{} is {}: this version does not know its column families {}", path,
                          ours ? "of a newer version of Headgate" : "not a log of Headgate", fmt::join(names, ", ")));
}

Result<std::unique_ptr<RocksDbStore>> RocksDbStore::open(const Options& options) {
  HEADGATE_TRY_VOID(expect_entry(options));
  auto store = std::unique_ptr<RocksDbStore>(new RocksDbStore);
  store->env_ = env_over(options.file_system);
  auto* env = store->env_ ? store->env_.get() : rocksdb::Env::Default();
  const auto database = database_options(env, options);
  const auto path = options.dir.string();
  const bool exists = env->FileExists(path + "/CURRENT").ok();
  if (!exists && options.read_only) return fail(ErrorCode::not_found, fmt::format("there is no log in {}", path));
  if (exists) {
    HEADGATE_TRY(const auto missing, missing_families(options));
    if (options.read_only && std::ranges::find(missing, Family::meta) != missing.end()) {
      return fail(ErrorCode::not_found, fmt::format("there is no log in {}: the making of it was cut off", path));
    }
  }

  if (options.checks.has(LogCheck::wal_sequences)) HEADGATE_TRY_VOID(check_wal_sequences(*env, path));

  const auto cache = rocksdb::NewLRUCache(block_cache_bytes());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.reserve(kFamilies.size() + 1);
  for (const auto name : kFamilies) families.emplace_back(std::string(name), family_options(name, cache));
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, family_options("default", cache));
  rocksdb::DB* db = nullptr;
  const auto status = options.read_only ? rocksdb::DB::OpenForReadOnly(database, path, families, &store->handles_, &db)
                                        : rocksdb::DB::Open(database, path, families, &store->handles_, &db);
  if (!status.ok()) return exists ? fail_open(path, status) : fail_status(fmt::format("make the log {}", path), status);
  store->db_.reset(db);
  if (!options.checks.has(LogCheck::format)) return store;
  if (auto known = store->check_format(); !known) {
    auto failure = std::move(known).error();
    if (failure.code == ErrorCode::corrupt) failure.message += restore_advice();
    return std::unexpected(std::move(failure));
  }
  return store;
}

Result<void> RocksDbStore::check_wal(const Options& options) {
  return open_alone(options, {}, rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords);
}

Result<void> RocksDbStore::check_kept_tables(const Options& options) {
  return open_alone(options, {kFamilies[0], kFamilies[3]}, rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords);
}

RocksDbStore::~RocksDbStore() {
  if (!db_) return;
  for (auto* handle : handles_) {
    if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle);
  }
  db_->Close();
}

Result<void> RocksDbStore::check_format() {
  const auto read = get(Family::meta, "format");
  if (!read) {
    const bool gone = is_missing_file(read.error().message);
    return fail(gone ? ErrorCode::corrupt : read.error().code,
                "the table that says what log this is ('meta') cannot be read: " + read.error().message);
  }
  const auto& format = *read;
  if (!format) {
    HEADGATE_TRY(const auto records, count_records());
    // With these column families it is a log: what says its format is not listed any more.
    if (records > 0) {
      return fail(
          ErrorCode::corrupt,
          fmt::format("{} holds records but does not say its format: most likely {} is damaged, which says what "
                      "the files beside it are",
                      db_->GetName(), manifest_of(db_->GetEnv(), db_->GetName())));
    }
    is_new_ = true;
    return {};
  }
  bool valid = false;
  const auto number = parse_number(*format, valid);
  if (valid && number == kFormatVersion) return {};
  if (!valid) return fail(ErrorCode::corrupt, fmt::format("{} says that its format is '{}'", db_->GetName(), *format));
  return fail(ErrorCode::conflict,
              fmt::format("{} is of format {}, this version of Headgate reads format {}: run the version that wrote it",
                          db_->GetName(), number, kFormatVersion));
}

Result<std::optional<std::string>> RocksDbStore::get(Family in, std::string_view key) const {
  std::string value;
  const auto status = db_->Get({}, family(in), rocksdb::Slice(key.data(), key.size()), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return fail_status(fmt::format("read from {}", db_->GetName()), status);
  return value;
}

Result<void> RocksDbStore::scan(Position from, std::optional<Position> to,
                                const std::function<Result<void>(Position, std::string_view)>& visit) const {
  if (to && from >= *to) return {};
  const auto end = event_key(to.value_or(0));
  const rocksdb::Slice bound(end);
  rocksdb::ReadOptions options;
  if (to) options.iterate_upper_bound = &bound;
  options.ignore_range_deletions = true;  // records are never removed
  // A long scan neither fills the cache nor asks the disk block by block.
  if (!to || *to - from > 1'000) {
    options.fill_cache = false;
    options.readahead_size = 256 << 10;  // stays in the second-level cache
  }
  const std::unique_ptr<rocksdb::Iterator> records(db_->NewIterator(options, family(Family::events)));
  auto position = from;
  for (records->Seek(event_key(from)); records->Valid(); records->Next(), ++position) {
    if (records->key().size() != 8 || big_endian(records->key().ToStringView()) != position) break;
    HEADGATE_TRY_VOID(visit(position, records->value().ToStringView()));
  }
  if (!records->status().ok())
    return fail_status(fmt::format("read record {} of the log", position), records->status());
  if (records->Valid() || (to && position != *to)) {
    return fail(ErrorCode::corrupt, fmt::format("record {} of the log is missing", position));
  }
  return {};
}

Result<void> RocksDbStore::read_tile(TileId id, TileHashes& out) const {
  HEADGATE_TRY(const auto bytes, get(Family::tree, tile_key(id)));
  if (!bytes || bytes->size() != kTileBytes) {
    return fail(ErrorCode::corrupt,
                fmt::format("tile {}/{} of the log's tree is {}", id.level, id.number, bytes ? "damaged" : "missing"));
  }
  std::copy(bytes->begin(), bytes->end(), reinterpret_cast<char*>(out.data()));
  return {};
}

Result<std::uint64_t> RocksDbStore::get_number(std::string_view name) const {
  HEADGATE_TRY(const auto text, get(Family::meta, name));
  if (!text) return 0U;
  bool valid = false;
  const auto number = parse_number(*text, valid);
  if (!valid) return fail(ErrorCode::corrupt, fmt::format("meta entry {} of {} is '{}'", name, db_->GetName(), *text));
  return number;
}

Result<void> RocksDbStore::put_meta(const std::vector<std::pair<std::string, std::string>>& entries) {
  rocksdb::WriteBatch batch;
  for (const auto& [name, value] : entries) batch.Put(family(Family::meta), name, value);
  rocksdb::WriteOptions options;
  options.sync = true;
  if (const auto status = db_->Write(options, &batch); !status.ok()) {
    return fail_status(fmt::format("write to {}", db_->GetName()), status);
  }
  return {};
}

Result<void> RocksDbStore::clear(Family in) {
  // Every key begins with a small byte.
  const auto status = db_->DeleteRange({}, family(in), std::string(1, '\0'), std::string(1, '\xff'));
  if (!status.ok()) return fail_status(fmt::format("clear a family of {}", db_->GetName()), status);
  return {};
}

Result<void> RocksDbStore::make_anew(Family in) {
  auto*& handle = handles_[static_cast<std::size_t>(in)];
  const auto name = kFamilies[static_cast<std::size_t>(in)];
  const auto failed = [&](const rocksdb::Status& status) {
    return fail_status(fmt::format("make the family {} of {} anew", name, db_->GetName()), status);
  };
  if (const auto status = db_->DropColumnFamily(handle); !status.ok()) return failed(status);
  rocksdb::ColumnFamilyDescriptor descriptor;
  if (const auto status = handle->GetDescriptor(&descriptor); !status.ok()) return failed(status);
  if (const auto status = db_->DestroyColumnFamilyHandle(handle); !status.ok()) return failed(status);
  handle = nullptr;
  if (const auto status = db_->CreateColumnFamily(descriptor.options, std::string(name), &handle); !status.ok()) {
    return failed(status);
  }
  return {};
}

Result<void> RocksDbStore::verify_tables(const std::stop_token& stop) const {
  const auto live = [&] {
    std::vector<rocksdb::LiveFileMetaData> tables;
    db_->GetLiveFilesMetaData(&tables);
    return tables;
  };
  rocksdb::Options options;
  options.env = db_->GetEnv();
  for (const auto& table : live()) {
    if (stop.stop_requested()) return fail(ErrorCode::unavailable, "the verification was stopped");
    const auto path = table.db_path + table.name;
    rocksdb::SstFileReader reader(options);
    auto status = reader.Open(path);
    if (status.ok()) status = reader.VerifyChecksum();
    if (status.ok()) continue;
    // A compaction may have replaced it meanwhile.
    const auto now = live();
    if (std::ranges::find(now, table.name, &rocksdb::LiveFileMetaData::name) == now.end()) continue;
    auto failure = fail_status(fmt::format("read the table {}", path), status).error();
    if (failure.code == ErrorCode::not_found) failure.code = ErrorCode::corrupt;
    return std::unexpected(std::move(failure));
  }
  return {};
}

Result<void> RocksDbStore::flush() {
  const auto status = db_->Flush({}, handles_);
  if (!status.ok()) return fail_status(fmt::format("write the tables of {}", db_->GetName()), status);
  return {};
}

Result<Position> RocksDbStore::count_records() const {
  const std::unique_ptr<rocksdb::Iterator> last(db_->NewIterator({}, family(Family::events)));
  last->SeekToLast();
  if (!last->status().ok()) return fail_status(fmt::format("read from {}", db_->GetName()), last->status());
  if (!last->Valid()) return Position{0};
  if (last->key().size() != 8)
    return fail(ErrorCode::corrupt, fmt::format("{} holds a record without a position", db_->GetName()));
  return big_endian(last->key().ToStringView()) + 1;
}

}  // namespace headgate::store
