// What of a repository belongs to a service: everything under its paths, as one digest, and the commit that changed it
// last.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reconciler/libgit.h"
#include "reconciler/source_tree.h"

namespace headgate::reconciler {

// `pattern` holds * and ? (within a name) and ** (any number of folders); without one it is a file or folder.
bool path_matches(std::string_view pattern, std::string_view path);

// `paths` empty: everything. Of a merge, history follows a parent that has the same under the paths, as `git log` does.
// too_large when patterns in the middle of a path make more than `max_files` files to be looked at.
Result<SourceTree> source_tree(git_repository* repository, const git_oid& head, const std::vector<std::string>& paths,
                               std::size_t max_files);

}  // namespace headgate::reconciler
