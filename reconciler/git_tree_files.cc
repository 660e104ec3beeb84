#include "reconciler/git_tree_files.h"

#include <fmt/core.h>

#include <array>

#include "reconciler/libgit.h"

namespace headgate::reconciler {
namespace {

using ObjectHandle = GitHandle<git_object, git_object_free>;
using IndexHandle = GitHandle<git_index, git_index_free>;
using BlobHandle = GitHandle<git_blob, git_blob_free>;

struct Walk {
  std::string prefix;  // "" or "folder/"
  std::map<std::string, std::string>& blobs;
};

// "" or "folder/": where `directory` stands in the work tree.
Result<std::string> prefix_in(git_repository* repository, const std::filesystem::path& directory) {
  const auto* top = git_repository_workdir(repository);
  if (top == nullptr) return std::string();
  std::error_code error;
  const auto inside = std::filesystem::relative(std::filesystem::canonical(directory, error),
                                                std::filesystem::canonical(top, error), error);
  if (error) return fail(ErrorCode::io, fmt::format("cannot read {}: {}", directory.string(), error.message()));
  return inside == "." ? std::string() : inside.generic_string() + "/";
}

int take_entry(const char* root, const git_tree_entry* entry, void* context) {
  auto& walk = *static_cast<Walk*>(context);
  if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB || git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK) return 0;
  const auto path = std::string(root) + git_tree_entry_name(entry);
  if (path.starts_with(walk.prefix))
    walk.blobs[path.substr(walk.prefix.size())] = format_oid(*git_tree_entry_id(entry));
  return 0;
}

}  // namespace

struct GitTreeFiles::Repository {
  RepositoryHandle handle;
};

GitTreeFiles::GitTreeFiles() : repository_(std::make_unique<Repository>()) {}
GitTreeFiles::~GitTreeFiles() = default;
GitTreeFiles::GitTreeFiles(GitTreeFiles&&) noexcept = default;
GitTreeFiles& GitTreeFiles::operator=(GitTreeFiles&&) noexcept = default;

Result<GitTreeFiles> GitTreeFiles::open(const std::filesystem::path& directory, const std::string& revision) {
  start_libgit();
  GitTreeFiles files;
  auto& repository = files.repository_->handle;
  if (git_repository_open_ext(out(repository), directory.c_str(), 0, nullptr) != 0) {
    return std::unexpected(libgit_error(ErrorCode::not_found, directory.string() + " is in no Git repository"));
  }
  HEADGATE_TRY(auto prefix, prefix_in(repository.get(), directory));
  Walk walk{std::move(prefix), files.blobs_};
  ObjectHandle object;
  ObjectHandle commit;
  ObjectHandle tree;
  if (git_revparse_single(out(object), repository.get(), revision.c_str()) != 0 ||
      git_object_peel(out(commit), object.get(), GIT_OBJECT_COMMIT) != 0) {
    return std::unexpected(libgit_error(ErrorCode::not_found, fmt::format("no commit '{}'", revision)));
  }
  files.commit_ = format_oid(*git_object_id(commit.get()));
  if (git_object_peel(out(tree), commit.get(), GIT_OBJECT_TREE) != 0 ||
      git_tree_walk(reinterpret_cast<const git_tree*>(tree.get()), GIT_TREEWALK_PRE, take_entry, &walk) != 0) {
    return std::unexpected(libgit_error(ErrorCode::corrupt, "cannot read the files of " + files.commit_));
  }
  return files;
}

Result<std::string> GitTreeFiles::read(const std::string& blob, std::size_t max_bytes) const {
  const auto id = parse_oid(blob);
  BlobHandle handle;
  if (!id || git_blob_lookup(out(handle), repository_->handle.get(), &*id) != 0) {
    return std::unexpected(libgit_error(ErrorCode::not_found, "no blob " + blob));
  }
  const auto size = static_cast<std::size_t>(git_blob_rawsize(handle.get()));
  if (size > max_bytes) {
    return fail(ErrorCode::too_large, fmt::format("{} bytes, expected at most {}", size, max_bytes));
  }
  return std::string(static_cast<const char*>(git_blob_rawcontent(handle.get())), size);
}

struct GitIgnored::Repository {
  RepositoryHandle handle;
  IndexHandle index;
  std::string prefix;

  bool ignores(const std::string& path) const {
    int ignored = 0;
    return git_ignore_path_is_ignored(&ignored, handle.get(), path.c_str()) == 0 && ignored == 1;
  }
};

GitIgnored::GitIgnored(const std::filesystem::path& directory) {
  start_libgit();
  auto repository = std::make_unique<Repository>();
  if (git_repository_open_ext(out(repository->handle), directory.c_str(), 0, nullptr) != 0) return;
  auto prefix = prefix_in(repository->handle.get(), directory);
  if (!prefix || git_repository_index(out(repository->index), repository->handle.get()) != 0) return;
  repository->prefix = std::move(*prefix);
  if (!repository->prefix.empty() && repository->ignores(repository->prefix)) return;
  repository_ = std::move(repository);
}

GitIgnored::~GitIgnored() = default;

bool GitIgnored::operator()(const std::string& path) const {
  if (!repository_) return false;
  const auto whole = repository_->prefix + path;
  return git_index_get_bypath(repository_->index.get(), whole.c_str(), 0) == nullptr && repository_->ignores(whole);
}

}  // namespace headgate::reconciler
