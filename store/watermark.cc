#include "store/watermark.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/digest.h"

namespace headgate::store {

namespace {

constexpr std::string_view kMagic = "HGWMARK1";
constexpr std::size_t kSectorBytes = 4096;
constexpr std::size_t kSealedBytes = 56;

void put_u64(std::string& sector, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i) sector[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
}

std::uint64_t get_u64(std::string_view sector, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(sector[at + i]);
  return value;
}

std::string encode(std::uint64_t sequence, const Mark& mark) {
  std::string sector(kSectorBytes, '\0');
  std::copy(kMagic.begin(), kMagic.end(), sector.begin());
  put_u64(sector, 8, sequence);
  put_u64(sector, 16, mark.size);
  std::memcpy(sector.data() + 24, mark.root.data(), mark.root.size());
  const auto seal = sha256(std::string_view(sector).substr(0, kSealedBytes));
  std::memcpy(sector.data() + kSealedBytes, seal.data(), seal.size());
  return sector;
}

struct Sector {
  std::uint64_t sequence = 0;
  Mark mark;
};

std::optional<Sector> decode(std::string_view sector, std::uint64_t index) {
  if (sector.size() != kSectorBytes || !sector.starts_with(kMagic)) return std::nullopt;
  if (as_bytes(sha256(sector.substr(0, kSealedBytes))) != sector.substr(kSealedBytes, sizeof(Hash)))
    return std::nullopt;
  Sector decoded{get_u64(sector, 8), {get_u64(sector, 16), *hash_from_bytes(sector.substr(24, sizeof(Hash)))}};
  if (decoded.sequence % 2 != index) return std::nullopt;
  return decoded;
}

}  // namespace

Result<WatermarkFile> WatermarkFile::create(const std::filesystem::path& path, const Mark& mark) {
  // Both sectors hold the mark, so that one damaged sector never costs a file that was just made.
  HEADGATE_TRY_VOID(create_file_durably(path, encode(0, mark) + encode(1, mark), 0600));
  return open(path);
}

Result<WatermarkFile> WatermarkFile::open(const std::filesystem::path& path, bool read_only) {
  auto bytes = read_file(path, 2 * kSectorBytes);
  if (!bytes && bytes.error().code == ErrorCode::too_large) bytes.error().code = ErrorCode::corrupt;
  if (!bytes) return std::unexpected(std::move(bytes).error());
  const auto text = std::string_view(*bytes);
  const auto even = decode(text.substr(0, kSectorBytes), 0);
  const auto odd = decode(text.substr(std::min(kSectorBytes, text.size())), 1);
  if (!even && !odd) {
    return fail(
        ErrorCode::corrupt,
        fmt::format("both sectors of the watermark {} are damaged ({} bytes, expected {}): nothing tells how many "
                    "records the log must hold",
                    path.string(), bytes->size(), 2 * kSectorBytes));
  }
  const auto& newest = !odd || (even && even->sequence > odd->sequence) ? *even : *odd;
  HEADGATE_TRY(auto fd, open_file(path, read_only ? O_RDONLY : O_RDWR));
  return WatermarkFile(path, std::move(fd), newest.sequence, newest.mark, !even || !odd);
}

Result<void> WatermarkFile::write(const Mark& mark) {
  if (failed_) return fail(ErrorCode::io, fmt::format("an earlier write of the watermark {} failed", path_.string()));
  failed_ = true;
  const auto sequence = sequence_ + 1;
  const auto offset = static_cast<off_t>(sequence % 2 * kSectorBytes);
  HEADGATE_TRY_VOID(write_at(fd_.get(), path_, encode(sequence, mark), offset));
  // The file never grows, so that its data is all there is to sync.
  if (::fdatasync(fd_.get()) != 0) return fail_io("sync", path_, errno);
  failed_ = false;
  sequence_ = sequence;
  mark_ = mark;
  other_sector_damaged_ = false;
  return {};
}

WatermarkFollower::WatermarkFollower(WatermarkFile file)
    : file_(std::move(file)), newest_(file_.mark()), durable_(newest_), thread_([this] { run(); }) {}

WatermarkFollower::~WatermarkFollower() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void WatermarkFollower::follow(std::uint64_t size, const Hash& root) {
  {
    const std::scoped_lock lock(mutex_);
    HEADGATE_CHECK(size >= newest_.size);
    newest_ = Mark{size, root};
  }
  wake_.notify_one();
}

Result<void> WatermarkFollower::wait_until(std::uint64_t size) {
  std::unique_lock lock(mutex_);
  HEADGATE_CHECK(size <= newest_.size);
  progress_.wait(lock, [&] { return durable_.size >= size || failure_; });
  if (durable_.size >= size) return {};
  return std::unexpected(*failure_);
}

bool WatermarkFollower::wait_for(std::uint64_t size, Duration time, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  progress_.wait_for(lock, std::move(stop), time, [&] { return durable_.size >= size || failure_; });
  return durable_.size >= size;
}

Mark WatermarkFollower::durable() const {
  const std::scoped_lock lock(mutex_);
  return durable_;
}

void WatermarkFollower::run() {
  // Whoever commits wakes this thread and goes on: being preempted for it would delay the answers that wait.
  const sched_param none{};
  static_cast<void>(::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &none));
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || newest_ != durable_; });
    if (newest_ == durable_) return;
    const auto mark = newest_;
    lock.unlock();
    auto written = file_.write(mark);
    lock.lock();
    if (written) {
      durable_ = mark;
    } else {
      failure_ = std::move(written).error();
    }
    progress_.notify_all();
    if (failure_) return;
  }
}

}  // namespace headgate::store
