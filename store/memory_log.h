// The log of a simulated world: the same contract, records and leaf hashes as on disk, and nothing outlives it.
#pragma once

#include <deque>
#include <map>
#include <shared_mutex>
#include <string>
#include <vector>

#include "engine/ports/event_log.h"
#include "store/batch.h"
#include "store/merkle_tree.h"

namespace headgate::store {

class MemoryLog final : public EventLog {
 public:
  explicit MemoryLog(std::string origin);
  ~MemoryLog() override;

  Result<void> stage(Position expected, std::span<const Recorded<Event>> events) override;
  std::unique_ptr<StagedRecords> seal() override;
  Result<Appended> commit(std::unique_ptr<StagedRecords> batch) override;
  Position size() const override;
  Result<std::vector<StoredRecord>> read(Position from, std::size_t limit) const override;
  Result<void> fold(Position from, Position to,
                    const std::function<void(const Recorded<Event>&)>& visit) const override;
  Result<EventPage> query(const EventQuery& query) const override;
  Result<Hash> leaf_hash(Position position) const override;
  Result<Hash> root(Position size) const override;
  Result<Position> position_at(Timestamp time) const override;

 private:
  class Tiles final : public TileReader {
   public:
    Result<void> read_tile(TileId id, TileHashes& out) const override;
    std::map<TileId, TileHashes> full;
  };

  struct Pending;
  struct Entry {
    std::string bytes;
    Timestamp time;
  };

  Position position_at_locked(Timestamp time) const;

  const std::string origin_;
  // Of the staging thread.
  std::unique_ptr<Pending> open_;
  Position staged_ = 0;  // records in the log and staged
  Timestamp latest_ = Timestamp::min();

  mutable std::shared_mutex mutex_;
  std::deque<Entry> entries_;  // an entry never moves or changes once it is in
  MerkleTree tree_;
  Tiles tiles_;
};

}  // namespace headgate::store
