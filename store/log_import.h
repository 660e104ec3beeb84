// Writes records as they stand to the end of a log that nobody has open: what a restore does. Only what has been
// written up to `finish` counts; a directory in which that was not reached is to be thrown away.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "engine/domain/events.h"
#include "store/merkle_tree.h"
#include "store/watermark.h"

namespace rocksdb {
class WriteBatch;
}

namespace headgate::store {

class RocksDbStore;

class LogImport final : private TileReader {
 public:
  // `origin`: of a new log; of an old one its own counts.
  static Result<std::unique_ptr<LogImport>> open(const std::filesystem::path& data, const std::string& origin);
  ~LogImport() override;

  // The record at the next position, byte for byte. too_large over what a record may have.
  Result<void> append(std::string_view record);
  // Encoded; a log.created that names a previous log makes its origin the log's.
  Result<void> append(const Recorded<Event>& event);
  // Durable on return, watermark included.
  Result<Mark> finish();

 private:
  LogImport();
  Result<void> read_tile(TileId id, TileHashes& out) const override;
  Result<void> write(bool sync);

  std::filesystem::path data_;
  std::unique_ptr<RocksDbStore> store_;
  std::unique_ptr<rocksdb::WriteBatch> batch_;
  MerkleTree tree_;
  std::string origin_;
};

}  // namespace headgate::store
