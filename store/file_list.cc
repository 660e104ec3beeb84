#include "store/file_list.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "engine/base/digest.h"
#include "store/blob_store.h"
#include "store/files.h"

namespace headgate::store {
namespace {

constexpr std::size_t kDigits = 64;
constexpr std::string_view kBetween = "  ";
constexpr std::string_view kUp = "../../";
constexpr int kMaxVersions = 100;

// Neither absolute nor, but for the two steps up at its beginning, with a part that leads elsewhere.
bool stays_inside(std::string_view path) {
  if (path.starts_with(kUp)) path.remove_prefix(kUp.size());
  if (path.empty() || path.front() == '/') return false;
  const auto parts = std::filesystem::path(path);
  return std::ranges::none_of(parts, [](const auto& part) { return part == ".." || part == "." || part.empty(); });
}

// One whole version of the file. Versions are overwritten with zeros once they have lost their name (shred_file): what
// was read counts when the name still led to it afterwards.
Result<std::string> read_version(const std::filesystem::path& path) {
  for (int i = 0; i < kMaxVersions; ++i) {
    HEADGATE_TRY(const UniqueFd version, open_file(path, O_RDONLY));  // held, so that its inode is given to no other
    HEADGATE_TRY(auto bytes, read_file(path, BlobStore::kMaxBlobBytes));
    struct stat held {
    }, named{};
    if (::fstat(version.get(), &held) != 0 || ::stat(path.c_str(), &named) != 0) return fail_io("read", path, errno);
    if (held.st_dev == named.st_dev && held.st_ino == named.st_ino) return bytes;
  }
  return fail(ErrorCode::unavailable, fmt::format("{} was replaced each time that it was read", path.string()));
}

}  // namespace

std::string file_list_text(const std::vector<ListedFile>& files) {
  std::string text;
  for (const auto& file : files) text += hex(file.digest) + std::string(kBetween) + file.path + "\n";
  return text;
}

Result<std::vector<ListedFile>> parse_file_list(std::string_view text) {
  std::vector<ListedFile> files;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    const auto digest = parse_digest("sha256:" + std::string(line.substr(0, kDigits)));
    if (end == std::string_view::npos || line.size() <= kDigits + kBetween.size() || !digest ||
        line.substr(kDigits, kBetween.size()) != kBetween || !stays_inside(line.substr(kDigits + kBetween.size()))) {
      return fail(ErrorCode::corrupt, fmt::format("line {} is not a digest and a path", files.size() + 1));
    }
    files.push_back({*digest, std::string(line.substr(kDigits + kBetween.size()))});
    text.remove_prefix(end + 1);
  }
  return files;
}

Result<std::vector<std::string>> files_below(const std::filesystem::path& folder) {
  std::vector<std::string> files;
  HEADGATE_TRY(const auto type, type_of_file(folder));
  if (type == std::filesystem::file_type::not_found) return files;
  std::error_code error;
  std::filesystem::recursive_directory_iterator entries(folder, error);
  for (; !error && entries != std::filesystem::recursive_directory_iterator(); entries.increment(error)) {
    if (!entries->is_regular_file(error) || is_temporary(entries->path())) {
      error.clear();  // gone since it was listed, as a temporary file is
      continue;
    }
    files.push_back(entries->path().lexically_relative(folder).string());
  }
  if (error) return fail_io("list", folder, error.value());
  std::ranges::sort(files);
  return files;
}

Result<CopiedFile> copy_file_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  HEADGATE_TRY(const auto bytes, read_version(from));
  HEADGATE_TRY_VOID(make_dirs_durably(to.parent_path()));
  HEADGATE_TRY_VOID(write_file_durably(to, bytes, 0600));
  return CopiedFile{sha256(bytes), bytes.size()};
}

Result<void> make_dirs_durably(const std::filesystem::path& dir) {
  if (dir.empty()) return {};
  HEADGATE_TRY(const auto type, type_of_file(dir));
  if (type == std::filesystem::file_type::directory) return {};
  HEADGATE_TRY_VOID(make_dirs_durably(dir.parent_path()));
  return make_dir_durably(dir, 0700);
}

}  // namespace headgate::store
