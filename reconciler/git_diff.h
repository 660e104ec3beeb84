// The difference of two trees below one folder. Equal subtrees are skipped by their ids, so the cost follows what
// changed and not how large the repository is.
//
// Only regular files count. A symbolic link is never followed and never read, a submodule is never entered: both are as
// if they were not there, so a file that becomes a link is a removed file. The same goes for names that no Git writes
// ("..", ".", or with a slash), so a path can be used below a folder without another look.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/repository.h"
#include "reconciler/libgit.h"

namespace headgate::reconciler {

// "." or a relative path without empty, "." or ".." parts and without control characters; the answer has no trailing
// slash and is empty for ".".
Result<std::string> parse_folder(std::string_view path);

// Sorted by path, which has the bytes that the tree has: they need not be UTF-8. `from` null: all files of `to`.
// too_large above `max_changes`; not_found when neither commit has the folder.
Result<std::vector<FileChange>> tree_changes(git_repository* repository, const git_oid* from, const git_oid& to,
                                             const std::string& folder, std::size_t max_changes);

// The blob of a regular file; nullopt when there is none at that path.
Result<std::optional<std::string>> blob_id_at(git_repository* repository, const git_oid& commit,
                                              const std::string& folder, const std::string& path);

}  // namespace headgate::reconciler
