#include "reconciler/secret_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "engine/base/unique_fd.h"

namespace headgate::reconciler {
namespace {

std::unexpected<Error> cannot(const char* action, const std::filesystem::path& path, int error) {
  return fail(error == ENOENT ? ErrorCode::not_found : ErrorCode::io,
              fmt::format("cannot {} {}: {}", action, path.string(), std::generic_category().message(error)));
}

// A group may read it: so do services that run as a user of their own.
Result<void> expect_closed(const std::filesystem::path& path, const struct stat& status) {
  if ((status.st_mode & 0007) == 0) return {};
  return fail(ErrorCode::invalid_input,
              fmt::format("{} has mode {:04o}, so that everybody on this host gets at the secret in it: chmod o= {}",
                          path.string(), static_cast<unsigned>(status.st_mode & 07777), path.string()));
}

}  // namespace

Result<void> check_secret_file(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return cannot("open", path, errno);
  return expect_closed(path, status);
}

void trim_secret(std::string& text) {
  const auto last = text.find_last_not_of(" \r\n");
  text.resize(last == std::string::npos ? 0 : last + 1);
}

Result<std::string> read_secret_file(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return cannot("open", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return cannot("look at", path, errno);
  HEADGATE_TRY_VOID(expect_closed(path, status));
  std::string text(max_secret_bytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot("read", path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > max_secret_bytes) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} has more than {} bytes: expected a secret", path.string(), max_secret_bytes));
  }
  text.resize(size);
  trim_secret(text);
  if (text.empty()) return fail(ErrorCode::invalid_input, path.string() + " is empty: expected a secret");
  return text;
}

}  // namespace headgate::reconciler
