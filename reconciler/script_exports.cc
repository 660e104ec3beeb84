#include "reconciler/script_exports.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/base/hex.h"
#include "engine/base/unique_fd.h"
#include "reconciler/git_blob_id.h"

namespace headgate::reconciler {
namespace {

constexpr mode_t script_mode = 0555;
constexpr std::size_t longest_name_bytes = 200;  // leaves room for the name of the new file

std::unexpected<Error> system_error(std::string_view what, const std::filesystem::path& path) {
  return fail(ErrorCode::io, fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno)));
}

// Nothing when the file is not exactly the blob, as it was exported.
std::optional<std::string> read_intact(const std::filesystem::path& file, std::string_view blob) {
  const UniqueFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 07777) != script_mode ||
      status.st_uid != ::geteuid() || status.st_nlink != 1 ||
      status.st_size > static_cast<off_t>(ScriptExports::max_script_bytes)) {
    return std::nullopt;
  }
  std::string bytes(static_cast<std::size_t>(status.st_size) + 1, '\0');  // one more, to see that it did not grow
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto size = ::read(fd.get(), bytes.data() + at, bytes.size() - at);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return std::nullopt;
    if (size == 0) break;
    at += static_cast<std::size_t>(size);
  }
  if (at + 1 != bytes.size()) return std::nullopt;
  bytes.resize(at);
  return git_blob_id(bytes) == blob ? std::optional(std::move(bytes)) : std::nullopt;
}

Result<void> sync_directory(const std::filesystem::path& directory) {
  const UniqueFd fd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd || ::fsync(fd.get()) != 0) return system_error("sync", directory);
  return {};
}

// Made with its entry durable. One that exists has its mode corrected, for a umask or a hand may have changed it.
Result<void> ensure_directory(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), 0755) == 0) {
    HEADGATE_TRY_VOID(sync_directory(directory.parent_path().empty() ? "." : directory.parent_path()));
  } else if (errno != EEXIST) {
    return system_error("make", directory);
  }
  struct stat status {};
  if (::lstat(directory.c_str(), &status) != 0) return system_error("look at", directory);
  if (!S_ISDIR(status.st_mode)) {
    return fail(ErrorCode::io, fmt::format("{} is in the way: expected a directory", directory.string()));
  }
  if ((status.st_mode & 0777) != 0755 && ::chmod(directory.c_str(), 0755) != 0) return system_error("chmod", directory);
  return {};
}

Result<void> write_all(int fd, std::string_view bytes, const std::filesystem::path& file) {
  while (!bytes.empty()) {
    const auto size = ::write(fd, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return system_error("write", file);
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return {};
}

Result<void> replace_file(const std::filesystem::path& file, std::string_view bytes) {
  const auto fresh = file.parent_path() / ("." + file.filename().string() + ".new");
  std::error_code ignored;
  std::filesystem::remove_all(fresh, ignored);  // left by a crash
  {
    const UniqueFd fd{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!fd) return system_error("make", fresh);
    HEADGATE_TRY_VOID(write_all(fd.get(), bytes, fresh));
    if (::fchmod(fd.get(), script_mode) != 0 || ::fsync(fd.get()) != 0) return system_error("sync", fresh);
  }
  if (::rename(fresh.c_str(), file.c_str()) != 0) {
    if (errno != EISDIR && errno != ENOTEMPTY && errno != EEXIST) return system_error("replace", file);
    std::filesystem::remove_all(file, ignored);  // somebody put a directory there
    if (::rename(fresh.c_str(), file.c_str()) != 0) return system_error("replace", file);
  }
  return sync_directory(file.parent_path());
}

}  // namespace

Result<std::filesystem::path> ScriptExports::ensure(std::string_view blob, std::string_view basename,
                                                    const std::function<Result<std::string>()>& load) {
  if (!is_lower_hex(blob, 40)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("'{}' is not a Git blob id: expected 40 lower-case digits", blob));
  }
  if (basename.empty() || basename == "." || basename == ".." || basename.size() > longest_name_bytes ||
      basename.find_first_of(std::string_view("/\0", 2)) != std::string_view::npos) {
    return fail(ErrorCode::invalid_input, fmt::format("'{}' is not a script's file name: expected 1 to {} bytes "
                                                      "without '/'",
                                                      basename, longest_name_bytes));
  }
  const auto directory = root_ / blob;
  auto file = directory / basename;
  const std::lock_guard guard{mutex_};
  if (read_intact(file, blob)) return file;

  HEADGATE_TRY(const auto bytes, load());
  if (bytes.size() > max_script_bytes) {
    return fail(ErrorCode::too_large, fmt::format("the script {} has {} bytes, at most {} can be run", basename,
                                                  bytes.size(), max_script_bytes));
  }
  if (const auto actual = git_blob_id(bytes); actual != blob) {
    return fail(ErrorCode::corrupt,
                fmt::format("the script {} should be the blob {}, and its bytes are {}", basename, blob, actual));
  }
  std::error_code error;
  if (!root_.parent_path().empty()) std::filesystem::create_directories(root_.parent_path(), error);
  HEADGATE_TRY_VOID(ensure_directory(root_));
  HEADGATE_TRY_VOID(ensure_directory(directory));
  HEADGATE_TRY_VOID(replace_file(file, bytes));
  return file;
}

std::optional<std::string> ScriptExports::read(std::string_view blob, std::string_view basename) const {
  if (!is_lower_hex(blob, 40)) return std::nullopt;
  return read_intact(root_ / blob / basename, blob);
}

}  // namespace headgate::reconciler
