#include "store/log_import.h"

#include <fmt/core.h>
#include <rocksdb/write_batch.h>

#include "store/codec.h"
#include "store/files.h"
#include "store/rocksdb_store.h"

namespace headgate::store {
namespace {

using Family = RocksDbStore::Family;

constexpr std::size_t kBatchBytes = 4 << 20;

}  // namespace

LogImport::LogImport() : batch_(std::make_unique<rocksdb::WriteBatch>()) {}
LogImport::~LogImport() = default;

Result<std::unique_ptr<LogImport>> LogImport::open(const std::filesystem::path& data, const std::string& origin) {
  auto import = std::unique_ptr<LogImport>(new LogImport);
  import->data_ = data;
  HEADGATE_TRY_VOID(make_dir_durably(data / "db", 0700));
  HEADGATE_TRY(import->store_, RocksDbStore::open({data / "db"}));
  auto& store = *import->store_;
  if (store.is_new()) {
    HEADGATE_TRY_VOID(store.put_meta({{"format", std::to_string(kFormatVersion)}, {"origin", origin}}));
  }
  HEADGATE_TRY(const auto stored, store.get(Family::meta, "origin"));
  if (!stored) return fail(ErrorCode::corrupt, fmt::format("the log in {} does not say its origin", data.string()));
  import->origin_ = *stored;
  HEADGATE_TRY(const auto size, store.count_records());
  HEADGATE_TRY(import->tree_, MerkleTree::restore(size, *import, [&store](Position position) -> Result<Hash> {
                 HEADGATE_TRY(const auto record, store.get(Family::events, event_key(position)));
                 if (!record) return fail(ErrorCode::corrupt, fmt::format("record {} is missing", position));
                 return leaf_hash(*record);
               }));
  return import;
}

Result<void> LogImport::read_tile(TileId id, TileHashes& out) const {
  return store_->read_tile(id, out);
}

Result<void> LogImport::append(std::string_view record) {
  if (record.size() > kMaxRecordBytes) {
    return fail(ErrorCode::too_large,
                fmt::format("record {} has {} bytes: at most {} fit", tree_.size(), record.size(), kMaxRecordBytes));
  }
  batch_->Put(store_->family(Family::events), event_key(tree_.size()), {record.data(), record.size()});
  tree_.append(leaf_hash(record), [&](TileId id, const TileHashes& hashes) {
    batch_->Put(store_->family(Family::tree), tile_key(id), rocksdb::Slice(bytes_of(hashes)));
  });
  return batch_->GetDataSize() < kBatchBytes ? Result<void>{} : write(false);
}

Result<void> LogImport::append(const Recorded<Event>& event) {
  HEADGATE_CHECK(event.meta.position == tree_.size());
  if (const auto* created = std::get_if<LogCreated>(&event.event); created && created->previous) {
    origin_ = created->origin;
    batch_->Put(store_->family(Family::meta), "origin", origin_);
  }
  std::string record;
  encode(record, origin_, event);
  return append(record);
}

Result<void> LogImport::write(bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  if (const auto status = store_->db().Write(options, batch_.get()); !status.ok()) {
    return fail_status(fmt::format("write the log in {}", data_.string()), status);
  }
  batch_->Clear();
  return {};
}

Result<Mark> LogImport::finish() {
  HEADGATE_TRY_VOID(write(true));
  const Mark mark{tree_.size(), tree_.root()};
  const auto path = data_ / "watermark";
  auto file = WatermarkFile::open(path);
  if (!file && file.error().code == ErrorCode::not_found) file = WatermarkFile::create(path, mark);
  if (!file) return std::unexpected(std::move(file).error());
  if (file->mark() != mark) HEADGATE_TRY_VOID(file->write(mark));
  return mark;
}

}  // namespace headgate::store
