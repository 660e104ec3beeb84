#include "reconciler/git_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/base/digest.h"
#include "engine/base/glob.h"
#include "engine/base/percent.h"
#include "engine/domain/flow.h"

namespace headgate::reconciler {
namespace {

constexpr int kMaxDepth = 256;
constexpr std::size_t kMaxSteps = 5'000;  // back through history

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  for (;;) {
    const auto slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_literal(std::string_view segment) {
  return segment.find_first_of("*?") == std::string_view::npos;
}

// A file's line in the text of a digest must not read as those of two. A path with control characters, which no other
// one can look like, is written so that it stays in its line.
std::string in_a_line(const std::string& path) {
  const bool plain =
      std::ranges::none_of(path, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  return plain ? path : "\t" + percent_encoded(path);
}

class PathDigest {
 public:
  PathDigest(git_repository* repository, const std::vector<std::string>& paths, std::size_t max_files)
      : repository_(repository), paths_(paths), max_files_(max_files) {}

  // Of one commit; empty when nothing is under the paths.
  Result<std::string> of(const git_commit* commit) {
    const auto root = format_oid(*git_commit_tree_id(commit));
    if (const auto known = known_.find(root); known != known_.end()) return known->second;
    HEADGATE_TRY(const TreeHandle tree, read_tree_object(repository_, *git_commit_tree_id(commit)));
    std::string text;
    bool any = false;
    if (paths_.empty()) {
      text = "**\n" + root + "\n";
      any = git_tree_entrycount(tree.get()) > 0;
    }
    for (const auto& pattern : paths_) {
      text += pattern + "\n";
      HEADGATE_TRY(const bool found, add(tree.get(), pattern, text));
      any = any || found;
    }
    return known_[root] = any ? sha256_digest(text) : std::string();
  }

 private:
  Result<bool> add(git_tree* root, const std::string& pattern, std::string& text) {
    const auto segments = segments_of(pattern);
    std::string folder;
    std::size_t literal = 0;
    for (; literal < segments.size() && is_literal(segments[literal]); ++literal) {
      folder += (literal == 0 ? "" : "/") + std::string(segments[literal]);
    }
    TreeEntryHandle entry;
    const git_oid* at = git_tree_id(root);
    bool is_tree = true;
    if (!folder.empty()) {
      const int code = git_tree_entry_bypath(out(entry), root, folder.c_str());
      if (code == GIT_ENOTFOUND) return false;
      if (code != 0) return std::unexpected(unreadable_object(repository_, *at, "a folder of tree"));
      at = git_tree_entry_id(entry.get());
      is_tree = git_tree_entry_type(entry.get()) == GIT_OBJECT_TREE;
    }
    const bool whole = literal == segments.size() || (literal + 1 == segments.size() && segments[literal] == "**");
    if (whole && (is_tree || literal == segments.size())) {
      text +=
          format_oid(*at) + (is_tree ? " tree\n" : fmt::format(" {:o}\n", int(git_tree_entry_filemode(entry.get()))));
      return true;
    }
    if (!is_tree) return false;
    HEADGATE_TRY(const TreeHandle tree, read_tree_object(repository_, *at));
    return walk(tree.get(), folder, pattern, text, 0);
  }

  Result<bool> walk(const git_tree* tree, const std::string& folder, const std::string& pattern, std::string& text,
                    int depth) {
    if (depth > kMaxDepth) return fail(ErrorCode::too_large, "folders are nested too deep");
    bool any = false;
    for (std::size_t i = 0; i < git_tree_entrycount(tree); ++i) {
      const auto* entry = git_tree_entry_byindex(tree, i);
      const auto path = (folder.empty() ? "" : folder + "/") + git_tree_entry_name(entry);
      if (git_tree_entry_type(entry) == GIT_OBJECT_TREE) {
        HEADGATE_TRY(const TreeHandle below, read_tree_object(repository_, *git_tree_entry_id(entry)));
        HEADGATE_TRY(const bool found, walk(below.get(), path, pattern, text, depth + 1));
        any = any || found;
        continue;
      }
      if (++files_ > max_files_) {
        return fail(ErrorCode::too_large,
                    fmt::format("more than {} files to compare with the pattern {}: begin it with "
                                "the folder that is meant",
                                max_files_, pattern));
      }
      if (!path_matches(pattern, path)) continue;
      text += fmt::format("{} {} {:o}\n", in_a_line(path), format_oid(*git_tree_entry_id(entry)),
                          int(git_tree_entry_filemode(entry)));
      any = true;
    }
    return any;
  }

  git_repository* repository_;
  const std::vector<std::string>& paths_;
  const std::size_t max_files_;
  std::size_t files_ = 0;
  std::map<std::string, std::string> known_;  // by root tree
};

}  // namespace

bool path_matches(std::string_view pattern, std::string_view path) {
  const auto wanted = segments_of(pattern);
  const auto found = segments_of(path);
  // reach[j]: what of the pattern is dealt with may end before found[j].
  std::vector<char> reach(found.size() + 1, 0);
  reach[0] = 1;
  for (const auto segment : wanted) {
    std::vector<char> next(found.size() + 1, 0);
    for (std::size_t j = 0; j <= found.size(); ++j) {
      if (segment == "**") {
        next[j] = static_cast<char>(reach[j] != 0 || (j > 0 && next[j - 1] != 0));
      } else if (j > 0 && reach[j - 1] != 0 && matches_pattern(segment, found[j - 1])) {
        next[j] = 1;
      }
    }
    reach = std::move(next);
  }
  return reach.back() != 0;
}

Result<SourceTree> source_tree(git_repository* repository, const git_oid& head, const std::vector<std::string>& paths,
                               std::size_t max_files) {
  PathDigest digests(repository, paths, max_files);
  HEADGATE_TRY(CommitHandle commit, read_commit_object(repository, head));
  HEADGATE_TRY(const std::string digest, digests.of(commit.get()));
  if (digest.empty()) return SourceTree{format_oid(head), {}};
  for (std::size_t step = 0; step < kMaxSteps; ++step) {
    bool same = false;
    for (unsigned i = 0; i < git_commit_parentcount(commit.get()) && !same; ++i) {
      HEADGATE_TRY(CommitHandle parent, read_commit_object(repository, *git_commit_parent_id(commit.get(), i)));
      HEADGATE_TRY(const std::string before, digests.of(parent.get()));
      same = before == digest;
      if (same) commit = std::move(parent);
    }
    if (!same) break;
  }
  return SourceTree{format_oid(*git_commit_id(commit.get())), digest};
}

}  // namespace headgate::reconciler
