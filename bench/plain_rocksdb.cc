#include "bench/plain_rocksdb.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <array>
#include <stdexcept>
#include <vector>

#include "bench/harness.h"

namespace headgate::bench {
namespace {

void put(rocksdb::WriteBatch& batch, Position position, std::string_view value) {
  std::array<char, 8> key;
  for (std::size_t i = 0; i < 8; ++i) key[i] = static_cast<char>(position >> (56 - 8 * i));
  must(batch.Put({key.data(), key.size()}, {value.data(), value.size()}));
}

}  // namespace

void must(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

std::unique_ptr<rocksdb::DB> plain_rocksdb(const std::filesystem::path& dir,
                                           const std::shared_ptr<rocksdb::FileSystem>& file_system) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  if (file_system) {
    static std::vector<std::unique_ptr<rocksdb::Env>> environments;  // each outlives its databases
    options.env = environments.emplace_back(rocksdb::NewCompositeEnv(file_system)).get();
  }
  must(rocksdb::DB::Open(options, dir, &opened));
  return std::unique_ptr<rocksdb::DB>(opened);
}

void PlainWriter::add(std::string_view value) {
  put(batch_, next_++, value);
}

void PlainWriter::commit() {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  must(db_.Write(synced, &batch_));
  batch_.Clear();
}

std::unique_ptr<rocksdb::DB> plain_copy(const std::filesystem::path& dir, const store::RocksDbLog& log) {
  auto db = plain_rocksdb(dir);
  for (Position from = 0; from < log.size();) {
    const auto records = log.read(from, 1'000);
    if (!records) throw std::runtime_error(records.error().message);
    rocksdb::WriteBatch batch;
    for (const auto& record : *records) put(batch, record.position, record.bytes);
    from += records->size();
    rocksdb::WriteOptions unlogged;
    unlogged.disableWAL = true;
    must(db->Write(unlogged, &batch));
  }
  must(db->Flush({}));
  return db;
}

double scan_rate(rocksdb::DB& db, Position count) {
  std::size_t bytes = 0;
  Position seen = 0;
  const auto seconds = seconds_of([&] {
    const std::unique_ptr<rocksdb::Iterator> records(db.NewIterator({}));
    for (records->SeekToFirst(); records->Valid(); records->Next(), ++seen) bytes += records->value().size();
  });
  if (seen != count || bytes == 0) throw std::runtime_error("a scan that saw something else");
  return static_cast<double>(count) / seconds;
}

}  // namespace headgate::bench
