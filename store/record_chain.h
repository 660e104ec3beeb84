// What holds of all records of one log from the first on, whoever reads them: they stand in the order of time, each
// bears the origin that is in force there, and their hashes make the tree.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "store/envelope.h"
#include "store/merkle_tree.h"
#include "store/source_check.h"

namespace headgate::store {

class RocksDbStore;

// Some records in a row, as one reader found them. Whether they go on from those before them is for RecordChain.
struct RecordRun {
  std::vector<Hash> leaves;
  Timestamp first = Timestamp::min();
  Timestamp last = Timestamp::min();
  std::uint64_t bytes = 0;
  SourceSteps sources;

  // The next record, with the time that its envelope says. corrupt when that is earlier than the one before it.
  Result<void> add(const Envelope& envelope, Timestamp time, std::string_view record);
};

// One thread.
class RecordChain {
 public:
  using OnTile = std::function<Result<void>(TileId, const TileHashes&)>;  // of a tile that a record has filled
  using BeforeRecord = std::function<Result<void>()>;                     // tree() is the one of all before it

  // The next records. An Error is corrupt, naming the record, or what a callback said; the chain is of no use then.
  Result<void> next(const RecordRun& run, const OnTile& on_tile, const BeforeRecord& before_record = {});

  const MerkleTree& tree() const { return tree_; }
  const std::string& origin() const { return sources_.origin(); }  // in force at the end; empty before the first record

 private:
  MerkleTree tree_;
  SourceCheck sources_;
  Timestamp latest_ = Timestamp::min();
};

// All records of a database, each read as a whole. corrupt, naming it, at the first that is missing or cannot be read.
Result<void> chain_records(const RocksDbStore& store, RecordChain& chain, const RecordChain::OnTile& on_tile,
                           const RecordChain::BeforeRecord& before_record);

}  // namespace headgate::store
