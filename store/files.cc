#include "store/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace headgate::store {

namespace {

constexpr std::string_view kTemporarySuffix = ".tmp";

std::filesystem::path folder_of(const std::filesystem::path& path) {
  auto folder = path.parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

Result<std::filesystem::path> temporary_name(const std::filesystem::path& dir) {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) {
    return fail_io("get random bytes for a file in", dir, errno);
  }
  return dir / fmt::format(".{:016x}{}", random, kTemporarySuffix);
}

}  // namespace

std::unexpected<Error> fail_io(std::string_view action, const std::filesystem::path& path, int error_number) {
  const auto code = error_number == ENOENT   ? ErrorCode::not_found
                    : error_number == EEXIST ? ErrorCode::conflict
                                             : ErrorCode::io;
  return fail(code,
              fmt::format("cannot {} {}: {}", action, path.string(), std::generic_category().message(error_number)));
}

Result<UniqueFd> open_file(const std::filesystem::path& path, int flags, mode_t mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail_io((flags & O_CREAT) != 0 ? "create" : "open", path, errno);
  return UniqueFd(fd);
}

Result<void> write_at(int fd, const std::filesystem::path& path, std::string_view bytes, off_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail_io("write", path, errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
  return {};
}

Result<void> sync_file(int fd, const std::filesystem::path& path) {
  // Not repeated after a failure: the kernel may have dropped the dirty pages, and a second call would succeed.
  if (::fsync(fd) != 0) return fail_io("sync", path, errno);
  return {};
}

Result<void> fsync_dir(const std::filesystem::path& dir) {
  HEADGATE_TRY(const UniqueFd fd, open_file(dir, O_RDONLY | O_DIRECTORY));
  return sync_file(fd.get(), dir);
}

Result<std::filesystem::file_type> type_of_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto type = std::filesystem::status(path, error).type();
  if (type == std::filesystem::file_type::none || type == std::filesystem::file_type::unknown) {
    return fail_io("inspect", path, error.value());
  }
  return type;
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  HEADGATE_TRY(const UniqueFd fd, open_file(path, O_RDONLY));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail_io("inspect", path, errno);
  const auto expected = static_cast<std::size_t>(std::max<off_t>(status.st_size, 0));
  const auto too_large = [&](std::size_t size) {
    return fail(ErrorCode::too_large,
                fmt::format("{} has {} bytes or more, expected at most {}", path.string(), size, max_bytes));
  };
  if (expected > max_bytes) return too_large(expected);

  std::string bytes;
  std::size_t filled = 0;
  bytes.resize(expected + 1);  // one more, to see the end without growing
  for (;;) {
    const ssize_t got = ::read(fd.get(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail_io("read", path, errno);
    }
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > max_bytes) return too_large(filled);
    if (filled == bytes.size()) bytes.resize(std::min(bytes.size() * 2, max_bytes + 1));
  }
  bytes.resize(filled);
  return bytes;
}

Result<std::filesystem::path> write_temporary(const std::filesystem::path& dir, std::string_view bytes, mode_t mode) {
  HEADGATE_TRY(auto path, temporary_name(dir));
  HEADGATE_TRY(const UniqueFd fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL, mode));
  auto written = [&]() -> Result<void> {
    if (::fchmod(fd.get(), mode) != 0) return fail_io("set the mode of", path, errno);  // whatever the umask
    HEADGATE_TRY_VOID(write_at(fd.get(), path, bytes, 0));
    return sync_file(fd.get(), path);
  }();
  if (!written) {
    ::unlink(path.c_str());
    return std::unexpected(std::move(written).error());
  }
  return path;
}

bool is_temporary(const std::filesystem::path& path) {
  const auto name = path.filename().string();
  return name.starts_with('.') && name.ends_with(kTemporarySuffix);
}

Result<void> install_temporary(const std::filesystem::path& temporary, const std::filesystem::path& to) {
  if (::rename(temporary.c_str(), to.c_str()) != 0) {
    const int error_number = errno;
    ::unlink(temporary.c_str());
    return fail_io("replace", to, error_number);
  }
  return fsync_dir(folder_of(to));
}

Result<void> write_file_durably(const std::filesystem::path& path, std::string_view bytes, mode_t mode) {
  HEADGATE_TRY(const auto temporary, write_temporary(folder_of(path), bytes, mode));
  return install_temporary(temporary, path);
}

Result<void> create_file_durably(const std::filesystem::path& path, std::string_view bytes, mode_t mode) {
  HEADGATE_TRY(const auto temporary, write_temporary(folder_of(path), bytes, mode));
  // link, unlike rename, never replaces.
  const int linked = ::link(temporary.c_str(), path.c_str());
  const int error_number = errno;
  ::unlink(temporary.c_str());
  if (linked != 0) return fail_io("create", path, error_number);
  return fsync_dir(folder_of(path));
}

Result<void> make_dir_durably(const std::filesystem::path& dir, mode_t mode) {
  if (::mkdir(dir.c_str(), mode) != 0 && errno != EEXIST) return fail_io("create folder", dir, errno);
  HEADGATE_TRY(const UniqueFd fd, open_file(dir, O_RDONLY | O_DIRECTORY));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail_io("inspect", dir, errno);
  if ((status.st_mode & 07777) != mode && ::fchmod(fd.get(), mode) != 0) return fail_io("set the mode of", dir, errno);
  HEADGATE_TRY_VOID(sync_file(fd.get(), dir));
  return fsync_dir(folder_of(dir));
}

Result<void> overwrite_with_zeros(int fd, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail_io("inspect", path, errno);
  static constexpr std::array<char, 4096> kZeros{};
  for (off_t offset = 0; offset < status.st_size;) {
    const auto length = std::min<off_t>(status.st_size - offset, static_cast<off_t>(kZeros.size()));
    HEADGATE_TRY_VOID(write_at(fd, path, std::string_view(kZeros.data(), static_cast<std::size_t>(length)), offset));
    offset += length;
  }
  return sync_file(fd, path);
}

Result<void> shred_file(const std::filesystem::path& path) {
  HEADGATE_TRY(const UniqueFd fd, open_file(path, O_WRONLY | O_NOFOLLOW));
  auto nameless = path;
  if (!is_temporary(path)) {
    HEADGATE_TRY(nameless, temporary_name(folder_of(path)));
    if (::rename(path.c_str(), nameless.c_str()) != 0) return fail_io("rename", path, errno);
    HEADGATE_TRY_VOID(fsync_dir(folder_of(path)));
  }
  HEADGATE_TRY_VOID(overwrite_with_zeros(fd.get(), nameless));
  if (::unlink(nameless.c_str()) != 0) return fail_io("remove", nameless, errno);
  return fsync_dir(folder_of(path));
}

namespace {

Result<void> lock_file(int fd, int operation, const std::filesystem::path& path) {
  if (::flock(fd, operation | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return fail_io("lock", path, errno);
  std::string holder = read_file(path, 64).value_or("");
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return fail(ErrorCode::unavailable,
              fmt::format("the data directory {} is in use by {} (lock {}); stop it or name another directory",
                          path.parent_path().string(), holder.empty() ? "another process" : "process " + holder,
                          path.string()));
}

}  // namespace

Result<DataLock> DataLock::acquire(const std::filesystem::path& data_dir) {
  const auto path = data_dir / kLockName;
  HEADGATE_TRY(UniqueFd fd, open_file(path, O_RDWR | O_CREAT, 0600));
  HEADGATE_TRY_VOID(lock_file(fd.get(), LOCK_EX, path));
  // The id only serves the message above, so that it needs no sync.
  if (::ftruncate(fd.get(), 0) != 0) return fail_io("write", path, errno);
  HEADGATE_TRY_VOID(write_at(fd.get(), path, fmt::format("{}\n", ::getpid()), 0));
  return DataLock(std::move(fd));
}

Result<DataLock> DataLock::acquire_to_read(const std::filesystem::path& data_dir) {
  const auto path = data_dir / kLockName;
  if (::access(path.c_str(), R_OK | W_OK) == 0) return acquire(data_dir);
  if (::access(path.c_str(), R_OK) != 0) return DataLock(UniqueFd());
  HEADGATE_TRY(UniqueFd fd, open_file(path, O_RDONLY));
  HEADGATE_TRY_VOID(lock_file(fd.get(), LOCK_SH, path));
  return DataLock(std::move(fd));
}

}  // namespace headgate::store
