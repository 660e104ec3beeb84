#include "reconciler/git_diff.h"

#include <fmt/format.h>

#include <algorithm>

#include "reconciler/git_history.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kPathBytes = 4096;  // PATH_MAX; it bounds the depth of the walk too
constexpr int kDepth = 256;

bool is_tree(const git_tree_entry* entry) {
  return entry != nullptr && git_tree_entry_type(entry) == GIT_OBJECT_TREE;
}
bool is_file(const git_tree_entry* entry) {
  return entry != nullptr && git_tree_entry_type(entry) == GIT_OBJECT_BLOB &&
         git_tree_entry_filemode(entry) != GIT_FILEMODE_LINK;
}
bool is_executable(const git_tree_entry* entry) {
  return git_tree_entry_filemode(entry) == GIT_FILEMODE_BLOB_EXECUTABLE;
}
bool is_sane_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

class TreeWalk {
 public:
  TreeWalk(git_repository* repository, std::size_t max_changes) : repository_(repository), max_changes_(max_changes) {}

  Result<void> compare(const git_tree* from, const git_tree* to, int depth) {
    if (depth > kDepth || path_.size() > kPathBytes) {
      return fail(ErrorCode::too_large, fmt::format("folders are nested too deep below {}", clean_text(path_, 200)));
    }
    EntryFinder old(from);
    const std::size_t count = to != nullptr ? git_tree_entrycount(to) : 0;
    for (std::size_t i = 0; i < count; ++i) {
      const git_tree_entry* entry = git_tree_entry_byindex(to, i);
      const char* name = git_tree_entry_name(entry);
      HEADGATE_TRY_VOID(visit(name, old.find(name), entry, depth));
    }
    const std::size_t old_count = from != nullptr ? git_tree_entrycount(from) : 0;
    if (old.found() == old_count) return {};  // none was removed
    EntryFinder current(to);
    for (std::size_t i = 0; i < old_count; ++i) {
      const git_tree_entry* entry = git_tree_entry_byindex(from, i);
      const char* name = git_tree_entry_name(entry);
      if (current.find(name) != nullptr) continue;
      HEADGATE_TRY_VOID(visit(name, entry, nullptr, depth));
    }
    return {};
  }

  std::vector<FileChange> take() {
    std::ranges::sort(changes_, {}, &FileChange::path);
    return std::move(changes_);
  }

 private:
  Result<void> visit(std::string_view name, const git_tree_entry* from, const git_tree_entry* to, int depth) {
    if (!is_sane_name(name)) return {};
    if (from != nullptr && to != nullptr && git_oid_equal(git_tree_entry_id(from), git_tree_entry_id(to)) &&
        git_tree_entry_filemode(from) == git_tree_entry_filemode(to)) {
      return {};
    }
    const std::size_t parent = path_.size();
    if (!path_.empty()) path_ += '/';
    path_ += name;
    if (is_file(to)) {
      HEADGATE_TRY_VOID(add(format_oid(*git_tree_entry_id(to)), is_executable(to)));
    } else if (is_file(from)) {
      HEADGATE_TRY_VOID(add({}, false));
    }
    if (is_tree(from) || is_tree(to)) {
      TreeHandle from_tree;
      TreeHandle to_tree;
      if (is_tree(from)) {
        HEADGATE_TRY(from_tree, read_tree_object(repository_, *git_tree_entry_id(from)));
      }
      if (is_tree(to)) {
        HEADGATE_TRY(to_tree, read_tree_object(repository_, *git_tree_entry_id(to)));
      }
      HEADGATE_TRY_VOID(compare(from_tree.get(), to_tree.get(), depth + 1));
    }
    path_.resize(parent);
    return {};
  }

  Result<void> add(std::string blob, bool executable) {
    if (changes_.size() >= max_changes_) {
      return fail(ErrorCode::too_large,
                  fmt::format("more than {} files changed at once: watch a smaller folder (path), "
                              "or split the commit",
                              max_changes_));
    }
    changes_.push_back({path_, std::move(blob), executable});
    return {};
  }

  git_repository* repository_;
  std::size_t max_changes_;
  std::string path_;  // of what is visited, relative to the folder
  std::vector<FileChange> changes_;
};

// Null when the commit has no such folder.
Result<TreeHandle> folder_of(git_repository* repository, const git_oid& id, const std::string& folder) {
  HEADGATE_TRY(const CommitHandle commit, read_commit_object(repository, id));
  HEADGATE_TRY(TreeHandle root, read_tree_object(repository, *git_commit_tree_id(commit.get())));
  if (folder.empty()) return root;
  TreeEntryHandle entry;
  const int code = git_tree_entry_bypath(out(entry), root.get(), folder.c_str());
  if (code == GIT_ENOTFOUND) return TreeHandle{};
  if (code != 0) return std::unexpected(unreadable_object(repository, *git_tree_id(root.get()), "a folder of tree"));
  if (!is_tree(entry.get())) return TreeHandle{};
  return read_tree_object(repository, *git_tree_entry_id(entry.get()));
}

}  // namespace

Result<std::string> parse_folder(std::string_view path) {
  const std::string_view whole = path;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "." || path.empty()) return std::string();
  if (path.starts_with("./")) path.remove_prefix(2);
  for (std::string_view rest = path;;) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, slash);
    const bool control = std::ranges::any_of(part, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (!is_sane_name(part) || control || path.size() > kPathBytes) {
      return fail(
          ErrorCode::invalid_input,
          fmt::format("found path '{}', expected a folder inside the repository such as deploy/production, or .",
                      clean_text(whole, 200)));
    }
    if (slash == rest.size()) break;
    rest.remove_prefix(slash + 1);
  }
  return std::string(path);
}

Result<std::vector<FileChange>> tree_changes(git_repository* repository, const git_oid* from, const git_oid& to,
                                             const std::string& folder, std::size_t max_changes) {
  TreeHandle from_tree;
  if (from != nullptr) {
    HEADGATE_TRY(from_tree, folder_of(repository, *from, folder));
  }
  HEADGATE_TRY(const TreeHandle to_tree, folder_of(repository, to, folder));
  if (to_tree == nullptr && from_tree == nullptr) {
    return fail(
        ErrorCode::not_found,
        fmt::format("commit {} has no folder {}: correct the repository's path, or add it", format_oid(to), folder));
  }
  TreeWalk walk(repository, max_changes);
  if (from_tree == nullptr || to_tree == nullptr ||
      !git_oid_equal(git_tree_id(from_tree.get()), git_tree_id(to_tree.get()))) {
    HEADGATE_TRY_VOID(walk.compare(from_tree.get(), to_tree.get(), 0));
  }
  return walk.take();
}

Result<std::optional<std::string>> blob_id_at(git_repository* repository, const git_oid& commit,
                                              const std::string& folder, const std::string& path) {
  HEADGATE_TRY(const TreeHandle tree, folder_of(repository, commit, folder));
  if (tree == nullptr) return std::nullopt;
  TreeEntryHandle entry;
  const int code = git_tree_entry_bypath(out(entry), tree.get(), path.c_str());
  if (code == GIT_ENOTFOUND) return std::nullopt;
  if (code != 0) return std::unexpected(unreadable_object(repository, *git_tree_id(tree.get()), "a folder of tree"));
  if (!is_file(entry.get())) return std::nullopt;
  return format_oid(*git_tree_entry_id(entry.get()));
}

}  // namespace headgate::reconciler
