// A copy of the log in a second folder that follows it by seconds, laid out as c2sp.org/tlog-tiles serves a log, so
// that a server of files can publish it:
//
//   checkpoint               the newest signed one that everything below it covers; written last
//   tile/<L>/<N>[.p/<W>]     hash tiles; the partial ones of each checkpoint that was here, until the tile is full
//   tile/entries/<N>[.p/<W>] records of tile N, each after its length (uint16, big-endian)
//   blobs/<2>/<62>           blobs that records name, and all others that were there when the mirror was opened
//
// Every file is written beside its place, synced and renamed; a crash loses one round, which the next one does
// again without writing what is there.
// Neither people nor keys are in a mirror. Folders are 0700 and files 0600: who serves it reads as the same user, or a
// copy of it; and records and blobs, unlike the rest, are not for everybody.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "store/checkpoint.h"
#include "store/files.h"
#include "store/merkle_tree.h"

namespace headgate::store {

class RocksDbLog;

class Mirror {
 public:
  // Goes on from what the folder holds, or begins a new one. conflict when the checkpoint in the folder is not one of
  // this log: its history differs, or the log has lost records that the mirror has. corrupt when the mirror's own files
  // do not lead to its checkpoint; unavailable when stopped. `log` and `blobs` (its folder) outlive the mirror. One
  // thread at a time.
  static Result<std::unique_ptr<Mirror>> open(const std::filesystem::path& folder, const RocksDbLog& log,
                                              const std::filesystem::path& blobs, const std::stop_token& stop = {});

  // One round: everything up to the log's newest checkpoint, then the checkpoint. Does nothing when there is nothing
  // new. After an Error (unavailable: stopped) the folder's checkpoint is still the one before, with all that it
  // covers, and the next round goes on behind the last whole bundle.
  Result<void> advance(const std::stop_token& stop = {});
  std::uint64_t size() const { return tree_.size(); }  // records that the mirror's checkpoint covers

 private:
  Mirror(std::filesystem::path folder, const RocksDbLog& log, std::filesystem::path blobs, DataLock lock);
  Result<void> load();
  Result<void> check_history(const Checkpoint& checkpoint) const;
  Result<void> write_next_bundle(std::uint64_t size, const std::stop_token& stop);
  Result<void> write_partial_tiles(const MerkleTree& tree);
  Result<void> copy_all_blobs(const std::stop_token& stop);
  Result<void> copy_named_blobs(std::string_view record, const std::stop_token& stop);
  Result<void> copy_blob(const std::string& name, const std::stop_token& stop);
  Result<void> write(const std::string& path, std::string_view bytes);
  void remove_filled_partials(std::uint64_t from, std::uint64_t to);

  const std::filesystem::path folder_;
  const RocksDbLog& log_;
  const std::filesystem::path blobs_;
  DataLock lock_;
  MerkleTree tree_;   // of the records that its checkpoint covers, computed from them
  MerkleTree ahead_;  // of those that are written, on the way to the next checkpoint
  std::string note_;
};

// Writes the log and the blobs of a mirror into a data directory that exists and has none. Every record is hashed, and
// the root must be that of the mirror's checkpoint, which is returned. Damaged blobs, which no record needs, are left
// out. Durable on return; the note's signature is for the caller to check.
struct MirroredLog {
  Checkpoint checkpoint;
  std::string note;
  std::vector<std::string> left_out{};  // paths as in a data directory
};
Result<MirroredLog> restore_from_mirror(const std::filesystem::path& folder, const std::filesystem::path& data);

}  // namespace headgate::store
