// Blobs as files: <folder>/<2 hex digits>/<62 hex digits> of the SHA-256 of their bytes. Media types live in the events
// that name the blobs; the folder keeps none. Beside it, in <folder>-named, stands who names them (blob_names.h). The
// time of a file is when its bytes were last asked to be stored.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/blobs.h"
#include "store/blob_names.h"

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
  std::optional<Timestamp> expired(std::string_view digest) const override;

  // For the sweep. Digests of the blobs whose first byte is `shard`.
  Result<std::vector<Hash>> in_shard(std::size_t shard) const;
  Result<Timestamp> stored_at(const Hash& digest) const;
  // False: it was stored again after `stored`, and stays.
  Result<bool> remove(const Hash& digest, Timestamp stored);
  BlobNames& names() { return names_; }

 private:
  BlobStore(std::filesystem::path folder, BlobNames names) : folder_(std::move(folder)), names_(std::move(names)) {}
  Result<void> ensure_shard(std::size_t shard);
  Result<bool> store_again(const std::filesystem::path& path);

  std::filesystem::path folder_;
  BlobNames names_;
  std::mutex removing_;  // a blob is not removed between the look at its time and the removal
  std::mutex shards_mutex_;
  std::array<std::atomic<bool>, 256> durable_shards_{};  // subfolders whose entry is known to be synced
};

}  // namespace headgate::store
