// Gives blobs up once the policy no longer asks for them. A blob goes when each event that names it is older than the
// retention of its environment. An event without an environment counts with the longest retention of its service's
// stages, and a blob that no event names with the longest of all environments, since it was stored. An environment
// without a retention keeps its blobs for ever. Events stay as they are and verify as before: they hold the digest.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/ports/event_log.h"
#include "engine/ports/state_view.h"
#include "store/blob_store.h"

namespace headgate::store {

class BlobSweeper {
 public:
  struct Limits {
    std::size_t namings = 1'000;  // events of each type read in one sweep, give or take a page
    std::size_t files = 4'096;    // blobs looked at in one sweep, give or take a folder
  };
  struct Swept {
    bool caught_up = false;  // all events were read; nothing expires before
    std::size_t looked_at = 0;
    std::size_t expired = 0;
    std::vector<Error> problems;  // of single blobs, which are kept
  };

  BlobSweeper(BlobStore& blobs, const EventLog& log, const StateView& state, Limits limits)
      : blobs_(blobs), log_(log), state_(state), limits_(limits) {}
  BlobSweeper(BlobStore& blobs, const EventLog& log, const StateView& state) : BlobSweeper(blobs, log, state, {}) {}

  // Goes on where the last sweep ended, also over a restart: first through the events that name blobs, by the log's
  // index of types, then through the folders of blobs. One thread.
  Result<Swept> sweep(Timestamp now);

 private:
  struct Place {
    std::map<std::string, Position> read;  // type -> first position that was not read
    std::size_t shard = 0;
  };
  struct Policy;

  Result<Place> load() const;
  Result<void> save(const Place& place) const;
  Result<bool> note_namings(Place& place, const std::string& type, Position size);
  Policy policy() const;
  void look_at(const Hash& digest, const Policy& policy, Timestamp now, Swept& swept);

  BlobStore& blobs_;
  const EventLog& log_;
  const StateView& state_;
  const Limits limits_;
};

// The digest of the blob that the event names, or nothing.
std::string named_blob(const Event& event);

}  // namespace headgate::store
