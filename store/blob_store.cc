#include "store/blob_store.h"

#include <fmt/core.h>

#include <system_error>

#include "store/files.h"
#include "store/sha256.h"

namespace headgate::store {

namespace {

constexpr std::string_view kUnfinished = "unfinished";

std::filesystem::path file_of(const std::filesystem::path& folder, const Hash& digest) {
  const auto text = hex(digest);
  return folder / text.substr(0, 2) / text.substr(2);
}

}  // namespace

Result<std::unique_ptr<BlobStore>> BlobStore::open(const std::filesystem::path& folder) {
  HEADGATE_TRY_VOID(make_dir_durably(folder, 0700));
  const auto unfinished = folder / kUnfinished;
  HEADGATE_TRY_VOID(make_dir_durably(unfinished, 0700));
  std::error_code error;
  std::filesystem::directory_iterator files(unfinished, error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    if (!is_temporary(files->path())) continue;
    if (std::filesystem::remove(files->path(), error); error) break;
  }
  if (error) return fail_io("clear", unfinished, error.value());
  return std::unique_ptr<BlobStore>(new BlobStore(folder));
}

Result<void> BlobStore::ensure_shard(std::size_t shard) {
  auto& durable = durable_shards_[shard];
  if (durable.load(std::memory_order_acquire)) return {};
  const std::scoped_lock lock(shards_mutex_);
  if (durable.load(std::memory_order_relaxed)) return {};
  HEADGATE_TRY_VOID(make_dir_durably(folder_ / fmt::format("{:02x}", shard), 0700));
  durable.store(true, std::memory_order_release);
  return {};
}

Result<BlobRef> BlobStore::put(std::string_view bytes, std::string_view media_type) {
  if (bytes.size() > kMaxBlobBytes) {
    return fail(ErrorCode::too_large,
                fmt::format("a blob of {} bytes, expected at most {}", bytes.size(), kMaxBlobBytes));
  }
  const auto digest = sha256(bytes);
  BlobRef ref{digest_text(digest), bytes.size(), std::string(media_type)};
  HEADGATE_TRY_VOID(ensure_shard(digest[0]));
  const auto path = file_of(folder_, digest);
  if (const auto stored = read_file(path, bytes.size()); stored && *stored == bytes) {
    // Another thread may have renamed it this instant: the entry is not known to be synced.
    HEADGATE_TRY_VOID(fsync_dir(path.parent_path()));
    return ref;
  }
  HEADGATE_TRY(const auto temporary, write_temporary(folder_ / kUnfinished, bytes, 0600));
  HEADGATE_TRY_VOID(install_temporary(temporary, path));
  return ref;
}

Result<std::string> BlobStore::get(std::string_view digest) const {
  const auto wanted = parse_digest(digest);
  if (!wanted) {
    return fail(ErrorCode::invalid_input, "not a digest of a blob: expected sha256: and 64 lower-case hex digits");
  }
  const auto path = file_of(folder_, *wanted);
  auto bytes = read_file(path, kMaxBlobBytes);
  if (!bytes) {
    auto error = std::move(bytes).error();
    if (error.code == ErrorCode::not_found) error.message = fmt::format("no blob {}: never stored, or expired", digest);
    if (error.code == ErrorCode::too_large) error.code = ErrorCode::corrupt;
    return std::unexpected(std::move(error));
  }
  if (const auto found = sha256(*bytes); found != *wanted) {
    return fail(ErrorCode::corrupt, fmt::format("{} holds other bytes than were stored: found {}, expected {}",
                                                path.string(), digest_text(found), digest));
  }
  return bytes;
}

}  // namespace headgate::store
