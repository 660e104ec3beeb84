#include "reconciler/process_lock.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <memory>
#include <vector>

#include "engine/base/percent.h"
#include "engine/ports/pause.h"

namespace headgate::reconciler {
namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

bool is_number(const char* text) {
  return *text != '\0' && std::strspn(text, "0123456789") == std::strlen(text);
}

bool holds(const std::string& process, const struct stat& file) {
  const Directory fds{::opendir((process + "/fd").c_str()), ::closedir};
  if (!fds) return false;
  while (const auto* entry = ::readdir(fds.get())) {
    struct stat other {};
    if (is_number(entry->d_name) && ::fstatat(::dirfd(fds.get()), entry->d_name, &other, 0) == 0 &&
        other.st_dev == file.st_dev && other.st_ino == file.st_ino) {
      return true;
    }
  }
  return false;
}

// For the message only, so at most a few.
std::string holders(int fd) {
  struct stat file {};
  const Directory processes{::opendir("/proc"), ::closedir};
  if (!processes || ::fstat(fd, &file) != 0) return "unknown processes";
  std::vector<std::string> pids;
  while (const auto* entry = ::readdir(processes.get())) {
    if (pids.size() == 8) break;
    if (!is_number(entry->d_name) || std::to_string(::getpid()) == entry->d_name) continue;
    if (holds("/proc/" + std::string(entry->d_name), file)) pids.emplace_back(entry->d_name);
  }
  return pids.empty() ? "processes that /proc does not show" : fmt::format("process {}", fmt::join(pids, ", "));
}

Result<UniqueFd> open_lock(const std::filesystem::path& file) {
  UniqueFd fd{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (fd) return fd;
  return fail(ErrorCode::io, fmt::format("cannot open the lock file {}: {}", file.string(), std::strerror(errno)));
}

// False: somebody else holds it.
Result<bool> try_lock(const UniqueFd& fd, const std::filesystem::path& file) {
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK || errno == EINTR) return false;
  return fail(ErrorCode::io, fmt::format("cannot lock {}: {}", file.string(), std::strerror(errno)));
}

std::string read_owner(const UniqueFd& fd) {
  char text[128];
  const auto size = ::pread(fd.get(), text, sizeof text, 0);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

Result<std::string> write_owner(const UniqueFd& fd, const std::filesystem::path& file) {
  static std::atomic<std::uint64_t> count{0};
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  // Of one length, so that one write replaces the one before it. Process id, time and count: never the same twice.
  auto owner = fmt::format("{:010} {:020} {:09} {:020}\n", ::getpid(), now.tv_sec, now.tv_nsec, ++count);
  if (::pwrite(fd.get(), owner.data(), owner.size(), 0) != static_cast<ssize_t>(owner.size())) {
    return fail(ErrorCode::io, fmt::format("cannot write the lock file {}: {}", file.string(), std::strerror(errno)));
  }
  return owner;
}

std::unexpected<Error> still_held(const UniqueFd& fd, const std::filesystem::path& file, Duration bound) {
  return fail(ErrorCode::unavailable, fmt::format("an earlier command may still run: {} is held by {} after {}",
                                                  file.string(), holders(fd.get()), format_duration(bound)));
}

constexpr Duration first_pause = std::chrono::milliseconds(1);
constexpr Duration longest_pause = std::chrono::milliseconds(50);

}  // namespace

Result<std::optional<ProcessLock>> acquire_lock(const std::filesystem::path& file, Duration bound,
                                                std::stop_token stop) {
  HEADGATE_TRY(auto fd, open_lock(file));
  const auto deadline = std::chrono::steady_clock::now() + bound;
  for (auto wait = first_pause;; wait = std::min(wait * 2, longest_pause)) {
    if (stop.stop_requested()) return std::nullopt;
    HEADGATE_TRY(const bool locked, try_lock(fd, file));
    if (locked) {
      HEADGATE_TRY(auto owner, write_owner(fd, file));
      return ProcessLock{std::move(fd), std::move(owner)};
    }
    if (std::chrono::steady_clock::now() >= deadline) return still_held(fd, file, bound);
    pause(wait, stop);
  }
}

Result<void> wait_until_released(const std::filesystem::path& file, std::string_view owner, Duration bound) {
  HEADGATE_TRY(const auto fd, open_lock(file));
  const auto deadline = std::chrono::steady_clock::now() + bound;
  for (auto wait = first_pause;; wait = std::min(wait * 2, longest_pause)) {
    HEADGATE_TRY(const bool locked, try_lock(fd, file));
    if (locked || read_owner(fd) != owner) return {};
    if (std::chrono::steady_clock::now() >= deadline) return still_held(fd, file, bound);
    pause(wait, std::stop_token{});
  }
}

std::string lock_file_name(std::string_view name) {
  return percent_encoded(name, "-_") + ".lock";
}

}  // namespace headgate::reconciler
