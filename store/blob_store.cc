#include "store/blob_store.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "engine/base/digest.h"
#include "store/files.h"

namespace headgate::store {

namespace {

constexpr std::string_view kUnfinished = "unfinished";

std::filesystem::path file_of(const std::filesystem::path& folder, const Hash& digest) {
  const auto text = hex(digest);
  return folder / text.substr(0, 2) / text.substr(2);
}

}  // namespace

Result<std::unique_ptr<BlobStore>> BlobStore::open(const std::filesystem::path& folder) {
  HEADGATE_TRY_VOID(unfinished_folder(folder));
  HEADGATE_TRY(auto names, BlobNames::open(folder.string() + "-named"));
  return std::unique_ptr<BlobStore>(new BlobStore(folder, std::move(names)));
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
    HEADGATE_TRY(const bool there, store_again(path));
    // Another thread may have renamed it this instant: the entry is not known to be synced.
    if (there) {
      HEADGATE_TRY_VOID(fsync_dir(path.parent_path()));
      return ref;
    }
  }
  HEADGATE_TRY(const auto temporary, write_temporary(folder_ / kUnfinished, bytes, 0600));
  HEADGATE_TRY_VOID(install_temporary(temporary, path));
  return ref;
}

// Moves the file's time to now. False: it has just been removed.
Result<bool> BlobStore::store_again(const std::filesystem::path& path) {
  const std::scoped_lock lock(removing_);
  if (::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0) return true;
  if (errno == ENOENT) return false;
  return fail_io("set the time of", path, errno);
}

Result<Timestamp> BlobStore::stored_at(const Hash& digest) const {
  const auto path = file_of(folder_, digest);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fail_io("look at", path, errno);
  return Timestamp(std::chrono::seconds(status.st_mtim.tv_sec) +
                   std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(status.st_mtim.tv_nsec)));
}

Result<bool> BlobStore::remove(const Hash& digest, Timestamp stored) {
  const std::scoped_lock lock(removing_);
  HEADGATE_TRY(const auto now_stored, stored_at(digest));
  if (now_stored > stored) return false;
  const auto path = file_of(folder_, digest);
  std::error_code error;
  if (!std::filesystem::remove(path, error)) return fail_io("remove", path, error.value());
  return true;
}

Result<std::vector<Hash>> BlobStore::in_shard(std::size_t shard) const {
  const auto name = fmt::format("{:02x}", shard);
  std::vector<Hash> digests;
  std::error_code error;
  std::filesystem::directory_iterator files(folder_ / name, error);
  if (error == std::errc::no_such_file_or_directory) return digests;
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    if (const auto digest = parse_hex(name + files->path().filename().string())) digests.push_back(*digest);
  }
  if (error) return fail_io("list", folder_ / name, error.value());
  return digests;
}

std::optional<Timestamp> BlobStore::expired(std::string_view digest) const {
  const auto wanted = parse_digest(digest);
  if (!wanted || stored_at(*wanted)) return std::nullopt;
  const auto naming = names_.read(*wanted);
  return naming ? naming->expired : std::nullopt;
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
    if (error.code == ErrorCode::not_found) error.message = fmt::format("no blob {}", digest);
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
