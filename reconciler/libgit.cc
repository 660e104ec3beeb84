#include "reconciler/libgit.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "reconciler/git_transport.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kCachedTreeBytes = 1 << 20;  // a folder of 10,000 files has 330 KiB; the default is 4 KiB
constexpr ssize_t kObjectCacheBytes = 64 << 20;    // for all repositories of the process; libgit2's default is 256 MiB

bool belongs_to_another_user(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return false;
  if (status.st_uid != ::geteuid()) return true;
  return ::stat((path / ".git").c_str(), &status) == 0 && status.st_uid != ::geteuid();
}

}  // namespace

void start_libgit() {
  static const bool started = [] {
    HEADGATE_CHECK(git_libgit2_init() > 0);
    git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, kObjectCacheBytes);
    git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_TREE, kCachedTreeBytes);
    install_bounded_sockets();
    return true;
  }();
  static_cast<void>(started);
}

std::string libgit_message() {
  const git_error* last = git_error_last();
  return last != nullptr && last->message != nullptr ? std::string(last->message) : std::string("no reason was given");
}

Error libgit_error(ErrorCode code, std::string what) {
  return Error{code, std::move(what) + ": " + libgit_message()};
}

std::optional<git_oid> parse_oid(std::string_view hex) {
  git_oid id;
  if (hex.size() != GIT_OID_HEXSZ || git_oid_fromstrn(&id, hex.data(), hex.size()) != 0) return std::nullopt;
  return id;
}

std::string format_oid(const git_oid& id) {
  std::string hex(GIT_OID_HEXSZ, '\0');
  git_oid_fmt(hex.data(), &id);
  return hex;
}

Result<RepositoryHandle> open_repository(const std::filesystem::path& path) {
  RepositoryHandle repository;
  const int code = git_repository_open_ext(out(repository), path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr);
  if (code == 0) return repository;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return fail(ErrorCode::io, fmt::format("{} does not exist", path.string()));
  }
  // libgit2 1.5 answers GIT_ENOTFOUND instead of GIT_EOWNER where no safe.directory is configured at all.
  if (code == GIT_EOWNER || (libgit_message().find("safe.directory") != std::string::npos)) {
    return fail(ErrorCode::io,
                fmt::format("{} belongs to another user than the one Headgate runs as (uid {}): change its owner, or "
                            "run `git config --global --add safe.directory {}` as that user",
                            path.string(), ::geteuid(), path.string()));
  }
  if (code == GIT_ENOTFOUND && !belongs_to_another_user(path)) {
    return fail(ErrorCode::io, fmt::format("{} is not a Git repository", path.string()));
  }
  return std::unexpected(libgit_error(ErrorCode::io, fmt::format("{} cannot be opened", path.string())));
}

Error unreadable_object(git_repository* repository, const git_oid& id, std::string_view kind) {
  const git_error* last = git_error_last();
  const bool system = last != nullptr && last->klass == GIT_ERROR_OS;
  const std::string words = libgit_message();
  OdbHandle odb;
  OdbObjectHandle object;
  if (git_repository_odb(out(odb), repository) == 0 && git_odb_read(out(object), odb.get(), &id) == 0) {
    return Error{ErrorCode::invalid_input, fmt::format("{} {} is malformed: {}", kind, format_oid(id), words)};
  }
  return Error{system ? ErrorCode::io : ErrorCode::corrupt,
               fmt::format("{} {} cannot be read: {}", kind, format_oid(id), words)};
}

std::optional<std::size_t> object_size(git_odb* odb, const git_oid& id) {
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (git_odb_read_header(&size, &type, odb, &id) != 0) return std::nullopt;
  return size;
}

Error too_large_object(std::string_view kind, const git_oid& id, std::size_t bytes, std::size_t max_bytes) {
  return Error{ErrorCode::too_large,
               fmt::format("{} {} has {} bytes, expected at most {}", kind, format_oid(id), bytes, max_bytes)};
}

namespace {

// What has no readable header is left to whoever reads it whole.
Result<void> expect_at_most(git_repository* repository, const git_oid& id, std::string_view kind,
                            std::size_t max_bytes) {
  OdbHandle odb;
  if (git_repository_odb(out(odb), repository) != 0) return {};
  const auto size = object_size(odb.get(), id);
  if (size && *size > max_bytes) return std::unexpected(too_large_object(kind, id, *size, max_bytes));
  return {};
}

}  // namespace

Result<CommitHandle> read_commit_object(git_repository* repository, const git_oid& id) {
  HEADGATE_TRY_VOID(expect_at_most(repository, id, "commit", kMaxCommitBytes));
  CommitHandle commit;
  if (git_commit_lookup(out(commit), repository, &id) == 0) return commit;
  return std::unexpected(unreadable_object(repository, id, "commit"));
}

Result<TreeHandle> read_tree_object(git_repository* repository, const git_oid& id) {
  HEADGATE_TRY_VOID(expect_at_most(repository, id, "tree", kMaxTreeBytes));
  TreeHandle tree;
  if (git_tree_lookup(out(tree), repository, &id) == 0) return tree;
  return std::unexpected(unreadable_object(repository, id, "tree"));
}

const git_tree_entry* EntryFinder::find(const char* name) {
  if (tree_ == nullptr) return nullptr;
  constexpr std::size_t kAhead = 4;  // entries that were removed in between
  for (std::size_t i = next_; i < next_ + kAhead; ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(tree_, i);
    if (entry == nullptr) break;
    if (std::strcmp(git_tree_entry_name(entry), name) != 0) continue;
    next_ = i + 1;
    ++found_;
    return entry;
  }
  const git_tree_entry* entry = git_tree_entry_byname(tree_, name);
  if (entry != nullptr) ++found_;
  return entry;
}

}  // namespace headgate::reconciler
