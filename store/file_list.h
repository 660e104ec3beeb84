// Lists of files with their digests, in the form of sha256sum: one `<64 hex digits>  <path>` a line. Paths are relative
// to the folder that holds the list.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/names.h"

namespace headgate::store {

struct ListedFile {
  Hash digest{};
  std::string path;
};

std::string file_list_text(const std::vector<ListedFile>& files);
// corrupt for a line that is none, and for a path that is absolute or climbs out of what is two folders up.
Result<std::vector<ListedFile>> parse_file_list(std::string_view text);

// Regular files below `folder`, as paths relative to it, in order, without temporary ones. None when there is no
// folder.
Result<std::vector<std::string>> files_below(const std::filesystem::path& folder);

struct CopiedFile {
  Hash digest{};
  std::uint64_t bytes = 0;
};
// Copies one file that is no larger than a blob may be, as 0600, and makes the folders on the way to it. Durable on
// return.
Result<CopiedFile> copy_file_durably(const std::filesystem::path& from, const std::filesystem::path& to);
// Makes what is missing of `dir` and of the folders above it, as 0700; leaves what is there as it is.
Result<void> make_dirs_durably(const std::filesystem::path& dir);

}  // namespace headgate::store
