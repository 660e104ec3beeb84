#include "reconciler/git_clone.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace headgate::reconciler {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kCheckedEntries = 200'000;  // of the head's tree, when a clone is opened
constexpr int kCheckedDepth = 256;

Result<void> check_tree(git_repository* clone, git_odb* odb, const git_oid& id, bool files, std::size_t& entries,
                        int depth) {
  if (depth > kCheckedDepth) return {};
  HEADGATE_TRY(const TreeHandle tree, read_tree_object(clone, id));
  for (std::size_t i = 0; i < git_tree_entrycount(tree.get()); ++i) {
    if (++entries > kCheckedEntries) return {};
    const git_tree_entry* entry = git_tree_entry_byindex(tree.get(), i);
    const git_oid& child = *git_tree_entry_id(entry);
    if (git_tree_entry_type(entry) == GIT_OBJECT_TREE) {
      HEADGATE_TRY_VOID(check_tree(clone, odb, child, files, entries, depth + 1));
    } else if (files && git_tree_entry_type(entry) == GIT_OBJECT_BLOB && !object_size(odb, child)) {
      return std::unexpected(unreadable_object(clone, child, "blob"));
    }
  }
  return {};
}

// 256 folders share the objects evenly; one tells enough.
std::size_t estimate_loose(const fs::path& objects) {
  std::error_code error;
  std::size_t count = 0;
  for (fs::directory_iterator it(objects / "17", error), end; !error && it != end; it.increment(error)) ++count;
  return count * 256;
}

struct Pack {
  fs::path index;
  fs::path data;
};

std::vector<Pack> small_packs(const fs::path& objects, std::uintmax_t max_bytes) {
  std::vector<Pack> packs;
  std::error_code error;
  for (fs::directory_iterator it(objects / "pack", error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".idx") continue;
    fs::path data = it->path();
    data.replace_extension(".pack");
    std::error_code unreadable;
    const std::uintmax_t bytes = fs::file_size(data, unreadable);
    if (!unreadable && bytes <= max_bytes) packs.push_back({it->path(), std::move(data)});
  }
  return packs;
}

std::vector<fs::path> loose_objects(const fs::path& objects) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator folder(objects, error), end; !error && folder != end; folder.increment(error)) {
    if (folder->path().filename().string().size() != 2) continue;
    std::error_code inner;
    for (fs::directory_iterator file(folder->path(), inner); !inner && file != end; file.increment(inner)) {
      if (file->path().filename().string().size() == GIT_OID_HEXSZ - 2) files.push_back(file->path());
    }
  }
  return files;
}

int insert_into(const git_oid* id, void* pack) {
  return git_packbuilder_insert(static_cast<git_packbuilder*>(pack), id, nullptr);
}

Result<void> insert_pack(git_packbuilder* builder, const Pack& pack) {
  OdbHandle odb;
  git_odb_backend* backend = nullptr;
  if (git_odb_new(out(odb)) != 0 || git_odb_backend_one_pack(&backend, pack.index.c_str()) != 0 ||
      git_odb_add_backend(odb.get(), backend, 1) != 0 || git_odb_foreach(odb.get(), insert_into, builder) != 0) {
    return std::unexpected(libgit_error(ErrorCode::corrupt, pack.data.string() + " cannot be read"));
  }
  return {};
}

}  // namespace

Result<void> create_clone(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory.parent_path(), error);
  if (error) {
    return fail(ErrorCode::io, fmt::format("{} cannot be made: {}", directory.parent_path().string(), error.message()));
  }
  git_repository_init_options options;
  git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
  options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR | GIT_REPOSITORY_INIT_NO_REINIT;
  options.initial_head = "main";
  RepositoryHandle repository;
  if (git_repository_init_ext(out(repository), directory.c_str(), &options) != 0) {
    return std::unexpected(libgit_error(ErrorCode::io, fmt::format("the clone {} cannot be made", directory.string())));
  }
  fs::permissions(directory, fs::perms::owner_all, error);
  if (error) {
    return fail(ErrorCode::io, fmt::format("{} cannot be closed to others: {}", directory.string(), error.message()));
  }
  return {};
}

Result<RepositoryHandle> open_clone(const fs::path& directory, const std::string& branch, bool files) {
  RepositoryHandle clone;
  constexpr unsigned kFlags = GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE;
  if (git_repository_open_ext(out(clone), directory.c_str(), kFlags, nullptr) != 0) {
    const git_error* last = git_error_last();
    const bool foreign = libgit_message().find("safe.directory") != std::string::npos ||
                         libgit_message().find("not owned") != std::string::npos;
    const bool system = last != nullptr && last->klass == GIT_ERROR_OS;
    return std::unexpected(libgit_error(foreign || system ? ErrorCode::io : ErrorCode::corrupt,
                                        fmt::format("the local clone {} cannot be opened", directory.string())));
  }
  HEADGATE_TRY_VOID(check_clone(clone.get(), branch, files));
  return clone;
}

Result<void> check_clone(git_repository* clone, const std::string& branch, bool files) {
  git_oid head;
  const int code = git_reference_name_to_id(&head, clone, ("refs/heads/" + branch).c_str());
  if (code == GIT_ENOTFOUND) return {};
  if (code != 0) return std::unexpected(libgit_error(ErrorCode::corrupt, "the local clone's branch cannot be read"));
  OdbHandle odb;
  if (git_repository_odb(out(odb), clone) != 0) {
    return std::unexpected(libgit_error(ErrorCode::corrupt, "the local clone's objects cannot be read"));
  }
  HEADGATE_TRY(const CommitHandle commit, read_commit_object(clone, head));
  std::size_t entries = 0;
  return check_tree(clone, odb.get(), *git_commit_tree_id(commit.get()), files, entries, 0);
}

Result<std::string> clone_note(git_repository* clone, const char* key) {
  ConfigHandle config;
  if (git_repository_config_snapshot(out(config), clone) != 0) {
    return std::unexpected(libgit_error(ErrorCode::corrupt, "the local clone's configuration cannot be read"));
  }
  const char* value = nullptr;
  const int code = git_config_get_string(&value, config.get(), key);
  if (code == GIT_ENOTFOUND) return std::string();
  if (code != 0) return std::unexpected(libgit_error(ErrorCode::corrupt, "the local clone's configuration is damaged"));
  return std::string(value);
}

Result<void> set_clone_note(git_repository* clone, const char* key, const std::string& value) {
  ConfigHandle all;
  ConfigHandle own;
  if (git_repository_config(out(all), clone) != 0 ||
      git_config_open_level(out(own), all.get(), GIT_CONFIG_LEVEL_LOCAL) != 0 ||
      git_config_set_string(own.get(), key, value.c_str()) != 0) {
    return std::unexpected(libgit_error(ErrorCode::io, "the local clone's configuration cannot be written"));
  }
  return {};
}

Result<bool> tidy_clone(git_repository* clone, const TidyLimits& limits) {
  const fs::path objects = fs::path(git_repository_path(clone)) / "objects";
  std::vector<Pack> packs = small_packs(objects, limits.small_pack_bytes);
  if (packs.size() <= limits.packs) packs.clear();
  std::vector<fs::path> loose;
  if (estimate_loose(objects) > limits.loose) loose = loose_objects(objects);
  if (packs.empty() && loose.empty()) return false;

  PackbuilderHandle builder;
  if (git_packbuilder_new(out(builder), clone) != 0) {
    return std::unexpected(libgit_error(ErrorCode::io, "packing the local clone failed"));
  }
  for (const Pack& pack : packs) HEADGATE_TRY_VOID(insert_pack(builder.get(), pack));
  for (const fs::path& file : loose) {
    const auto id = parse_oid(file.parent_path().filename().string() + file.filename().string());
    if (!id) continue;
    if (git_packbuilder_insert(builder.get(), &*id, nullptr) != 0) {
      return std::unexpected(unreadable_object(clone, *id, "object"));
    }
  }
  if (git_packbuilder_write(builder.get(), nullptr, 0, nullptr, nullptr) != 0) {
    return std::unexpected(libgit_error(ErrorCode::io, "packing the local clone failed"));
  }
  // The new pack is in place: only now the old files go. A crash in between leaves copies, never gaps.
  const std::string name = git_packbuilder_name(builder.get());
  std::error_code ignored;
  for (const Pack& pack : packs) {
    if (pack.index.stem() == "pack-" + name) continue;
    fs::remove(pack.index, ignored);
    fs::remove(pack.data, ignored);
  }
  for (const fs::path& file : loose) fs::remove(file, ignored);
  return true;
}

}  // namespace headgate::reconciler
