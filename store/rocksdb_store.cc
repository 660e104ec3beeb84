#include "store/rocksdb_store.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <charconv>

namespace headgate::store {
namespace {

constexpr std::array<std::string_view, 4> kFamilies{"events", "tree", "index", "meta"};
constexpr std::size_t kBlockCacheBytes = 64 << 20;

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

rocksdb::DBOptions database_options(rocksdb::Env* env, bool read_only) {
  rocksdb::DBOptions options;
  options.create_if_missing = !read_only;
  options.create_missing_column_families = !read_only;
  options.env = env;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.atomic_flush = true;
  options.max_bgerror_resume_count = 0;
  options.recycle_log_file_num = 0;
  options.manual_wal_flush = false;
  options.enable_pipelined_write = false;
  options.paranoid_checks = true;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.keep_log_file_num = 4;
  options.max_log_file_size = 4 << 20;
  options.max_open_files = 512;
  return options;
}

rocksdb::ColumnFamilyOptions family_options(std::string_view name, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.format_version = 5;
  // A page of an audit reads records that lie far from each other: small blocks, and a checksum that costs less than the
  // reading (Debian's RocksDB computes CRC-32C without the processor's help).
  table.block_size = name == "events" ? 4 << 10 : 8 << 10;
  table.checksum = rocksdb::kXXH3;
  table.cache_index_and_filter_blocks = true;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = name == "tree" ? rocksdb::kNoCompression : compression();  // hashes do not compress
  return options;
}

bool is_locked(const rocksdb::Status& status) {
  return status.IsIOError() && (status.ToString().find("lock hold by current process") != std::string::npos ||
                                status.ToString().find("While lock file") != std::string::npos);
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
  return fail(code, fmt::format("cannot {}: {}", action, status.ToString()));
}

Result<std::unique_ptr<RocksDbStore>> RocksDbStore::open(const Options& options) {
  auto store = std::unique_ptr<RocksDbStore>(new RocksDbStore);
  if (options.file_system) store->env_ = rocksdb::NewCompositeEnv(options.file_system);
  auto* env = store->env_ ? store->env_.get() : rocksdb::Env::Default();
  const auto database = database_options(env, options.read_only);
  const auto path = options.dir.string();
  const bool exists = env->FileExists(path + "/CURRENT").ok();
  if (!exists && options.read_only) return fail(ErrorCode::not_found, fmt::format("there is no log in {}", path));
  if (exists) {
    std::vector<std::string> names;
    if (const auto status = rocksdb::DB::ListColumnFamilies(database, path, &names); !status.ok()) {
      return fail_status(fmt::format("read the database {}", path), status);
    }
    std::erase(names, rocksdb::kDefaultColumnFamilyName);
    const bool ours = names.empty() || std::ranges::find(names, kFamilies[0]) != names.end();
    std::erase_if(names, [](const auto& name) { return std::ranges::find(kFamilies, name) != kFamilies.end(); });
    if (!ours || !names.empty()) {
      return fail(ErrorCode::conflict, fmt::format("{} is {}: this version does not know its column families {}", path,
                                                   ours ? "of a newer version of Headgate" : "not a log of Headgate",
                                                   fmt::join(names, ", ")));
    }
  }

  const auto cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.reserve(kFamilies.size() + 1);
  for (const auto name : kFamilies) families.emplace_back(std::string(name), family_options(name, cache));
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, family_options("default", cache));
  rocksdb::DB* db = nullptr;
  const auto status = options.read_only ? rocksdb::DB::OpenForReadOnly(database, path, families, &store->handles_, &db)
                                        : rocksdb::DB::Open(database, path, families, &store->handles_, &db);
  if (!status.ok()) return fail_status(fmt::format("open the log {}", path), status);
  store->db_.reset(db);
  HEADGATE_TRY_VOID(store->check_format());
  return store;
}

RocksDbStore::~RocksDbStore() {
  if (!db_) return;
  for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close();
}

Result<void> RocksDbStore::check_format() {
  HEADGATE_TRY(const auto format, get(Family::meta, "format"));
  if (!format) {
    HEADGATE_TRY(const auto records, count_records());
    if (records > 0) {
      return fail(ErrorCode::conflict,
                  fmt::format("{} is not a log of Headgate: it does not say its format", db_->GetName()));
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
