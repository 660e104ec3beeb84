// What every use of libgit2 shares: handles that free themselves, object ids, and errors with libgit2's own words.
// Only the .cc files of this folder include it; libgit2 does not show in other headers.
#pragma once

#include <git2.h>
#include <git2/sys/odb_backend.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/domain/error.h"

namespace headgate::reconciler {

// Owns what libgit2 made. out(handle) is where a libgit2 constructor stores it, owned from that moment on.
template <class T, void (*Free)(T*)>
class GitHandle {
 public:
  GitHandle() = default;
  ~GitHandle() { reset(); }
  GitHandle(GitHandle&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  GitHandle& operator=(GitHandle&& other) noexcept {
    if (this != &other) {
      reset();
      raw_ = std::exchange(other.raw_, nullptr);
    }
    return *this;
  }
  T* get() const { return raw_; }
  bool operator==(std::nullptr_t) const { return raw_ == nullptr; }
  void reset() {
    if (raw_ != nullptr) Free(std::exchange(raw_, nullptr));
  }
  friend T** out(GitHandle& handle) {
    handle.reset();
    return &handle.raw_;
  }

 private:
  T* raw_ = nullptr;
};
using RepositoryHandle = GitHandle<git_repository, git_repository_free>;
using ReferenceHandle = GitHandle<git_reference, git_reference_free>;
using CommitHandle = GitHandle<git_commit, git_commit_free>;
using TreeHandle = GitHandle<git_tree, git_tree_free>;
using TreeEntryHandle = GitHandle<git_tree_entry, git_tree_entry_free>;
using OdbHandle = GitHandle<git_odb, git_odb_free>;
using OdbObjectHandle = GitHandle<git_odb_object, git_odb_object_free>;
using RevwalkHandle = GitHandle<git_revwalk, git_revwalk_free>;
using RemoteHandle = GitHandle<git_remote, git_remote_free>;
using ConfigHandle = GitHandle<git_config, git_config_free>;
using PackbuilderHandle = GitHandle<git_packbuilder, git_packbuilder_free>;
using ReferenceIteratorHandle = GitHandle<git_reference_iterator, git_reference_iterator_free>;

// Starts libgit2 once for the process (thread-safe, cheap when done): bounded caches, sockets with time limits.
void start_libgit();

std::string libgit_message();                          // the calling thread's last libgit2 error; never empty
Error libgit_error(ErrorCode code, std::string what);  // "what: libgit2's words"

std::optional<git_oid> parse_oid(std::string_view hex);  // 40 hexadecimal digits, nothing else
std::string format_oid(const git_oid& id);

// Opens a repository at exactly this path (bare or with a work tree). io when there is none, it is unreadable, or it
// belongs to another user (the message says what to do).
Result<RepositoryHandle> open_repository(const std::filesystem::path& path);

// Why an object that should be readable in `repository` is not: corrupt when its bytes are missing or damaged,
// invalid_input when they are intact and Git would not have written them so, io when the system refused.
Error unreadable_object(git_repository* repository, const git_oid& id, std::string_view kind);

// What a commit or the tree of one folder may have: a tree of so many bytes has some 300,000 entries. libgit2 loads an
// object whole, and packed it can be a thousand times smaller.
inline constexpr std::size_t kMaxCommitBytes = 4 << 20;
inline constexpr std::size_t kMaxTreeBytes = 16 << 20;

// From the object's header alone; nullopt where it cannot be read.
std::optional<std::size_t> object_size(git_odb* odb, const git_oid& id);
Error too_large_object(std::string_view kind, const git_oid& id, std::size_t bytes, std::size_t max_bytes);

// too_large over the bounds above; else as unreadable_object.
Result<CommitHandle> read_commit_object(git_repository* repository, const git_oid& id);
Result<TreeHandle> read_tree_object(git_repository* repository, const git_oid& id);

// The entries of a tree by name; asked in the tree's own order it goes along instead of searching.
class EntryFinder {
 public:
  explicit EntryFinder(const git_tree* tree) : tree_(tree) {}  // may be null: an empty tree
  const git_tree_entry* find(const char* name);
  std::size_t found() const { return found_; }

 private:
  const git_tree* tree_;
  std::size_t next_ = 0;
  std::size_t found_ = 0;
};

}  // namespace headgate::reconciler
