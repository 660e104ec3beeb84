// Blobs as files: <folder>/<2 hex digits>/<62 hex digits> of the SHA-256 of their bytes. Media types live in the events
// that name the blobs; the folder keeps none.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "engine/ports/blobs.h"

namespace headgate::store {

class BlobStore final : public Blobs {
 public:
  static constexpr std::size_t kMaxBlobBytes = 64 << 20;

  // Makes the folder when it is missing (its parent must exist) and clears what a crash left unfinished.
  static Result<std::unique_ptr<BlobStore>> open(const std::filesystem::path& folder);

  // too_large over kMaxBlobBytes. A stored file that was damaged since is replaced.
  Result<BlobRef> put(std::string_view bytes, std::string_view media_type) override;
  // invalid_input unless sha256:<64 lower-case hex digits>.
  Result<std::string> get(std::string_view digest) const override;

 private:
  explicit BlobStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<void> ensure_shard(std::size_t shard);

  std::filesystem::path folder_;
  std::mutex shards_mutex_;
  std::array<std::atomic<bool>, 256> durable_shards_{};  // subfolders whose entry is known to be synced
};

}  // namespace headgate::store
