#include "store/snapshot_store.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "domain_digest.h"
#include "engine/base/digest.h"
#include "store/files.h"
#include "store/snapshot_archive.h"

namespace headgate::store {
namespace {

constexpr std::string_view kMagic = "HGSNAP01";
constexpr std::size_t kHeaderBytes = 112;
constexpr std::size_t kMaxBytes = std::size_t{4} << 30;
constexpr std::string_view kExtension = ".snap";

Hash domain_digest() {
  const auto digest = parse_hex(kDomainDigest);
  HEADGATE_CHECK(digest.has_value());
  return *digest;
}

void append_little_endian(std::string& out, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>(number >> shift & 0xff));
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i-- > 0;) number = number << 8 | static_cast<std::uint8_t>(bytes[i]);
  return number;
}

}  // namespace

Result<SnapshotStore> SnapshotStore::open(std::filesystem::path dir, std::uintmax_t older_bytes) {
  HEADGATE_TRY_VOID(make_dir_durably(dir, 0700));
  std::error_code error;
  std::filesystem::directory_iterator files(dir, error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    std::error_code ignored;
    if (is_temporary(files->path())) std::filesystem::remove(files->path(), ignored);
  }
  if (error) return fail_io("list", dir, error.value());
  return SnapshotStore(std::move(dir), older_bytes);
}

std::filesystem::path SnapshotStore::path_of(Position position) const {
  return dir_ / (std::to_string(position) + std::string(kExtension));
}

Result<void> SnapshotStore::save(const State& state, const Hash& root) {
  const auto body = to_snapshot_bytes(state);
  std::string bytes;
  bytes.reserve(kHeaderBytes + body.size());
  bytes += kMagic;
  bytes += as_bytes(domain_digest());
  append_little_endian(bytes, state.next);
  bytes += as_bytes(root);
  bytes += as_bytes(sha256(body));
  bytes += body;
  if (bytes.size() > kMaxBytes) {
    return fail(ErrorCode::too_large,
                fmt::format("a snapshot of {} bytes: at most {} are kept", bytes.size(), kMaxBytes));
  }
  const std::scoped_lock lock(saving_);
  HEADGATE_TRY_VOID(write_file_durably(path_of(state.next), bytes, 0600));
  thin();
  return {};
}

// What cannot be looked at or removed is tried again after the next one.
void SnapshotStore::thin() const {
  auto all = positions();
  const auto size_of = [&](Position position) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path_of(position), error);
    return error ? 0 : size;
  };
  std::uintmax_t older = 0;
  for (std::size_t i = kKept; i < all.size(); ++i) older += size_of(all[i]);
  while (all.size() > kKept && older > older_bytes_) {
    // The one whose neighbours are closest to each other is missed least.
    const auto gap = [&](std::size_t i) { return all[i - 1] - (i + 1 < all.size() ? all[i + 1] : 0); };
    auto least = kKept;
    for (auto i = kKept + 1; i < all.size(); ++i) {
      if (gap(i) < gap(least)) least = i;
    }
    older -= std::min(older, size_of(all[least]));
    std::error_code ignored;
    std::filesystem::remove(path_of(all[least]), ignored);
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(least));
  }
}

std::vector<Position> SnapshotStore::positions() const {
  std::vector<Position> found;
  std::error_code error;
  std::filesystem::directory_iterator files(dir_, error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    const auto name = files->path().stem().string();
    Position position = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), position);
    const bool number = bad == std::errc{} && end == name.data() + name.size();
    if (number && files->path().extension() == kExtension) found.push_back(position);
  }
  std::ranges::sort(found, std::greater{});
  return found;
}

std::optional<Snapshot> SnapshotStore::load(Position at) const {
  for (const auto position : positions()) {
    if (position > at) continue;
    if (auto snapshot = load_exactly(position)) return std::move(*snapshot);
  }
  return std::nullopt;
}

Result<Snapshot> SnapshotStore::load_exactly(Position position) const {
  const auto path = path_of(position);
  HEADGATE_TRY(const auto file, read_file(path, kMaxBytes));
  const std::string_view bytes = file;
  const auto refuse = [&](ErrorCode code, const char* why) {
    return fail(code, fmt::format("the snapshot {} {}", path.string(), why));
  };
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) return refuse(ErrorCode::corrupt, "is none");
  if (bytes.substr(8, 32) != as_bytes(domain_digest())) {
    return refuse(ErrorCode::conflict, "was written by another version of Headgate");
  }
  const auto body = bytes.substr(kHeaderBytes);
  if (bytes.substr(80, 32) != as_bytes(sha256(body))) return refuse(ErrorCode::corrupt, "is damaged");
  Snapshot snapshot;
  HEADGATE_TRY_VOID(from_snapshot_bytes(body, snapshot.state));
  snapshot.root = *hash_from_bytes(bytes.substr(48, 32));
  if (snapshot.state.next != position || little_endian(bytes.substr(40, 8)) != position) {
    return refuse(ErrorCode::corrupt, "is of another position than its name");
  }
  return snapshot;
}

}  // namespace headgate::store
