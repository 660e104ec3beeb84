// Saved states as files, snapshots/<position>.snap:
//
//   0   "HGSNAP01"             8   digest of the domain's sources   40  position, u64 little-endian
//   48  root of the log there  80  SHA-256 of the body              112 body (snapshot_archive.h)
//
// The newest three are kept, and of the older ones, from which moments of the past are folded, what fits into a bound,
// spread over the log. A file of other sources, or a damaged one, is passed over as if it were not there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string_view>
#include <vector>

#include "engine/ports/snapshots.h"

namespace headgate::store {

class SnapshotStore final : public Snapshots {
 public:
  static constexpr std::size_t kKept = 3;

  static constexpr std::uintmax_t kOlderBytes = 256 << 20;

  // Makes the folder when it is missing and clears what a crash left in it.
  static Result<SnapshotStore> open(std::filesystem::path dir, std::uintmax_t older_bytes = kOlderBytes);
  SnapshotStore(SnapshotStore&& other) noexcept : dir_(std::move(other.dir_)), older_bytes_(other.older_bytes_) {}

  // Durable on return. Thread-safe.
  Result<void> save(const State& state, const Hash& root) override;
  std::optional<Snapshot> load(Position at) const override;

  // Positions of the files, newest first, whether they can be read or not.
  std::vector<Position> positions() const;
  // Why the one at `position` is of no use: corrupt, conflict (other sources), not_found, io.
  Result<Snapshot> load_exactly(Position position) const;

 private:
  SnapshotStore(std::filesystem::path dir, std::uintmax_t older_bytes)
      : dir_(std::move(dir)), older_bytes_(older_bytes) {}
  std::filesystem::path path_of(Position position) const;
  void thin() const;

  std::filesystem::path dir_;
  std::uintmax_t older_bytes_;
  std::mutex saving_;
};

}  // namespace headgate::store
