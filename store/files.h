// Files that survive a crash. Every function that says "durable" has synced both the bytes and the folder's entry.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/unique_fd.h"
#include "engine/domain/error.h"

namespace headgate::store {

// "cannot <action> <path>: <text of errno value `error_number`>"; not_found for ENOENT, conflict for EEXIST, else io.
std::unexpected<Error> fail_io(std::string_view action, const std::filesystem::path& path, int error_number);

Result<UniqueFd> open_file(const std::filesystem::path& path, int flags, mode_t mode = 0);
// All of `bytes` at `offset`, whatever short writes happen.
Result<void> write_at(int fd, const std::filesystem::path& path, std::string_view bytes, off_t offset);
Result<void> sync_file(int fd, const std::filesystem::path& path);
Result<void> fsync_dir(const std::filesystem::path& dir);

// What `path` leads to; file_type::not_found where there is nothing. An Error where that cannot be found out: the disk
// does not answer, or a folder on the way may not be looked into.
Result<std::filesystem::file_type> type_of_file(const std::filesystem::path& path);

// The whole file. not_found when there is none, too_large beyond `max_bytes`.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes);

// A new file `.<random>.tmp` in `dir` with exactly these bytes and this mode, synced; its entry is not. Removed again
// when something fails. A crash can leave it behind: whoever owns the folder clears such files when it opens
// (is_temporary tells them).
Result<std::filesystem::path> write_temporary(const std::filesystem::path& dir, std::string_view bytes, mode_t mode);
bool is_temporary(const std::filesystem::path& path);
// Renames a temporary file over `to` and syncs the folder of `to`. On failure the temporary file is removed.
Result<void> install_temporary(const std::filesystem::path& temporary, const std::filesystem::path& to);

// Replaces the file as a whole: a reader or a crash sees the old bytes or the new ones. Durable on return.
Result<void> write_file_durably(const std::filesystem::path& path, std::string_view bytes, mode_t mode);
// The same, but an existing file is an Error (conflict) and stays as it is.
Result<void> create_file_durably(const std::filesystem::path& path, std::string_view bytes, mode_t mode);

// Makes the folder when it is missing (its parent must exist) and gives it exactly this mode. Durable on return.
Result<void> make_dir_durably(const std::filesystem::path& dir, mode_t mode);

// Renames a file to a temporary one, overwrites it with zeros, syncs it and removes it, each step durable before the
// next: nobody finds zeros under its name, and what a crash or an Error leaves is for whoever clears temporary files,
// by this same function. File systems that copy on write, and flash memory, may still hold the old bytes; no program
// can reach those.
Result<void> shred_file(const std::filesystem::path& path);
// The middle of it, for a file that may have lost its name already.
Result<void> overwrite_with_zeros(int fd, const std::filesystem::path& path);

inline constexpr std::string_view kLockName = "headgate.lock";  // in the data directory

// Holds a data directory for one process. The kernel drops the lock when the process ends, however it ends.
class DataLock {
 public:
  // unavailable, naming the process that holds the lock, when another one does.
  static Result<DataLock> acquire(const std::filesystem::path& data_dir);
  // To read only: makes nothing. Held together with other readers where the folder cannot be written to; nothing is
  // held where there is no lock file or it may not be opened, as in a copy that no server runs on.
  static Result<DataLock> acquire_to_read(const std::filesystem::path& data_dir);
  DataLock(DataLock&&) noexcept = default;
  DataLock& operator=(DataLock&&) noexcept = default;
  ~DataLock() = default;

 private:
  explicit DataLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace headgate::store
