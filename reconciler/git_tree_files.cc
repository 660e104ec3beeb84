#include "reconciler/git_tree_files.h"

#include <fmt/core.h>

#include <array>

#include "reconciler/libgit.h"

namespace headgate::reconciler {
namespace {

using ObjectHandle = GitHandle<git_object, git_object_free>;
using BlobHandle = GitHandle<git_blob, git_blob_free>;

struct Walk {
  std::string prefix;  // "" or "folder/"
  std::map<std::string, std::string>& blobs;
};

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
  Walk walk{{}, files.blobs_};
  if (const auto* top = git_repository_workdir(repository.get()); top != nullptr) {
    std::error_code error;
    const auto inside = std::filesystem::relative(std::filesystem::canonical(directory, error),
                                                  std::filesystem::canonical(top, error), error);
    if (error) return fail(ErrorCode::io, fmt::format("cannot read {}: {}", directory.string(), error.message()));
    if (inside != ".") walk.prefix = inside.generic_string() + "/";
  }
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

}  // namespace headgate::reconciler
