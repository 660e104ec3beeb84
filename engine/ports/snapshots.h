// Saved states, so that a start does not fold the whole log. Dropping them loses nothing.
#pragma once

#include <optional>

#include "engine/domain/state.h"

namespace headgate {

struct Snapshot {
  State state;
  Hash root{};  // of the log at state.next, when it was saved
};

class Snapshots {
 public:
  virtual ~Snapshots() = default;
  virtual Result<void> save(const State& state, const Hash& root) = 0;
  // The newest intact one with at most `at` events folded in, written by this very domain code; nullopt when none is.
  virtual std::optional<Snapshot> load(Position at) const = 0;
};

}  // namespace headgate
