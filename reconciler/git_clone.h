// Headgate's own bare clone of a watched repository, on disk: made, looked after, kept small.
#pragma once

#include <filesystem>
#include <string>

#include "reconciler/libgit.h"

namespace headgate::reconciler {

// Makes an empty bare repository readable by its owner only. The folder must not exist.
Result<void> create_clone(const std::filesystem::path& directory);

// corrupt when the folder holds no usable repository, or when anything that the head of `branch` reaches in its tree is
// missing or damaged in a way that headers show. A branch not fetched yet is fine. `files`: whether the clone must hold
// the files too.
Result<RepositoryHandle> open_clone(const std::filesystem::path& directory, const std::string& branch, bool files);
Result<void> check_clone(git_repository* clone, const std::string& branch, bool files);

Result<std::string> clone_note(git_repository* clone, const char* key);  // of the clone's configuration; empty: none
Result<void> set_clone_note(git_repository* clone, const char* key, const std::string& value);

// Each fetch leaves a pack or some loose objects, and libgit2 never collects them. When more than `max_packs` small
// packs or `max_loose` loose objects have gathered, they become one pack; nothing is dropped, reachable or not. True
// when files were replaced: handles opened before must be opened again.
struct TidyLimits {
  std::size_t packs = 50;
  std::size_t loose = 6700;                     // as git's gc.auto
  std::uintmax_t small_pack_bytes = 16u << 20;  // larger packs are left as they are
};
Result<bool> tidy_clone(git_repository* clone, const TidyLimits& limits);

}  // namespace headgate::reconciler
