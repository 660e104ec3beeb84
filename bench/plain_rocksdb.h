// RocksDB as it comes: what the log, which stands on it, is held against.
#pragma once

#include <rocksdb/db.h>

#include <filesystem>
#include <memory>
#include <string_view>

#include "store/rocksdb_log.h"

namespace headgate::bench {

void must(const rocksdb::Status& status);  // throws

std::unique_ptr<rocksdb::DB> plain_rocksdb(const std::filesystem::path& dir,
                                           const std::shared_ptr<rocksdb::FileSystem>& file_system = nullptr);

// Values under ascending keys, each batch in one synced write. For one thread.
class PlainWriter {
 public:
  explicit PlainWriter(rocksdb::DB& db) : db_(db) {}
  void add(std::string_view value);
  void commit();

 private:
  rocksdb::DB& db_;
  rocksdb::WriteBatch batch_;
  Position next_ = 0;
};

// The records of the log under the same keys, in files.
std::unique_ptr<rocksdb::DB> plain_copy(const std::filesystem::path& dir, const store::RocksDbLog& log);
// Records a second of one pass over such a copy.
double scan_rate(rocksdb::DB& db, Position count);

}  // namespace headgate::bench
