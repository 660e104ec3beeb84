#include "app/environments_files.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "reconciler/documents_parser.h"
#include "reconciler/git_blob_id.h"
#include "reconciler/git_tree_files.h"
#include "reconciler/script_exports.h"
#include "reconciler/yaml_diagnostics.h"
#include "reconciler/yaml_tree.h"
#include "store/files.h"

namespace headgate::app {
namespace {

namespace fs = std::filesystem;

struct WorkTree {
  std::map<std::string, fs::path> files;  // relative path -> absolute one
  std::set<std::string> links;            // relative paths
};

// What git would commit of it: neither .git, nor what another repository in it holds, nor what is ignored.
Result<WorkTree> files_of(const fs::path& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return fail(ErrorCode::invalid_input, directory.string() + " is not a directory");
  }
  const reconciler::GitIgnored ignored(directory);
  WorkTree tree;
  auto entered = directory;  // the folder that the next step reads
  for (auto at = fs::recursive_directory_iterator(directory, error); !error && at != fs::recursive_directory_iterator();
       at.increment(error)) {
    const auto path = at->path().lexically_relative(directory).generic_string();
    if (at->is_symlink()) {
      if (!ignored(path)) tree.links.insert(path);
    } else if (at->is_directory()) {
      entered = at->path();
      std::error_code unreadable;
      if (at->path().filename() == ".git" || fs::exists(at->path() / ".git", unreadable))
        at.disable_recursion_pending();
    } else if (at->is_regular_file() && !ignored(path)) {
      tree.files[path] = at->path();
    }
  }
  if (error) return fail(ErrorCode::invalid_input, "cannot read " + entered.string() + ": " + error.message());
  return tree;
}

struct Files {
  std::vector<std::string> paths;
  CommitFiles files;
  const std::map<std::string, Error>* unread = nullptr;  // why a file has no blob, by its path; may be null
};

Error why_unread(const Files& from, const std::string& path) {
  if (from.unread != nullptr) {
    if (const auto at = from.unread->find(path); at != from.unread->end()) return at->second;
  }
  return {ErrorCode::io, "the file cannot be read", {}};
}

ReadDocuments read(const Files& from, People& people) {
  const reconciler::YamlDocumentParser parser(people);
  ReadDocuments read;
  NotRead not_read;
  for (const auto& path : from.paths) {
    if (!reconciler::is_document_file(path)) continue;
    if (auto problem = reconciler::name_problem(path)) {
      reconciler::append_new(read.diagnostics, {std::move(*problem)});
      not_read.others = true;
      continue;
    }
    const auto blob = from.files.find(path);
    auto text = blob ? from.files.read(*blob, reconciler::kMaxFileBytes)
                     : Result<std::string>(std::unexpected(why_unread(from, path)));
    if (!text) {
      read.diagnostics.push_back({path, 1, 1, text.error().message, {}, {}});
      not_read.others = true;
      continue;
    }
    auto parsed = parser.parse({path, *blob, std::move(*text)}, from.files);
    std::ranges::move(parsed.documents, std::back_inserter(read.documents));
    reconciler::append_new(read.diagnostics, std::move(parsed.diagnostics));
    not_read.add(std::move(parsed.not_read));
  }
  std::vector<const SourcedDocument*> all;
  for (const auto& document : read.documents) all.push_back(&document);
  reconciler::append_new(read.diagnostics, parser.check(all, from.files, not_read));
  return read;
}

Result<ReadDocuments> read_work_tree(const fs::path& directory, People& people) {
  HEADGATE_TRY(const auto tree, files_of(directory));
  const auto& files = tree.files;
  std::set<std::string> links;
  std::map<std::string, fs::path> path_of_blob;
  std::map<std::string, Error> unread;
  const FindBlob find = [&](std::string_view path) -> std::optional<std::string> {
    const auto at = files.find(std::string(path));
    if (at == files.end()) {
      if (tree.links.contains(std::string(path))) links.emplace(path);
      return std::nullopt;
    }
    const auto max_bytes =
        reconciler::is_document_file(path) ? reconciler::kMaxFileBytes : reconciler::ScriptExports::max_script_bytes;
    const auto text = store::read_file(at->second, max_bytes);
    if (!text) {
      unread.emplace(path, text.error());
      return std::nullopt;
    }
    auto blob = reconciler::git_blob_id(*text);
    path_of_blob[blob] = at->second;
    return blob;
  };
  const ReadBlob read_blob = [&](const std::string& blob, std::size_t max_bytes) -> Result<std::string> {
    const auto at = path_of_blob.find(blob);
    if (at == path_of_blob.end()) return fail(ErrorCode::not_found, "no such file");
    return store::read_file(at->second, max_bytes);
  };
  Files from{{}, {find, read_blob}, &unread};
  for (const auto& [name, path] : files) from.paths.push_back(name);
  auto documents = read(from, people);
  for (const auto& link : tree.links) {
    if (reconciler::is_document_file(link)) links.insert(link);
  }
  documents.links.assign(links.begin(), links.end());
  return documents;
}

}  // namespace

Result<ReadDocuments> read_documents(const fs::path& directory, const std::string& revision, People& people) {
  if (revision.empty()) return read_work_tree(directory, people);
  HEADGATE_TRY(const auto tree, reconciler::GitTreeFiles::open(directory, revision));
  const FindBlob find = [&](std::string_view path) -> std::optional<std::string> {
    const auto at = tree.blobs().find(std::string(path));
    return at == tree.blobs().end() ? std::nullopt : std::optional(at->second);
  };
  const ReadBlob read_blob = [&](const std::string& blob, std::size_t max_bytes) { return tree.read(blob, max_bytes); };
  Files from{{}, {find, read_blob}};
  for (const auto& [path, blob] : tree.blobs()) from.paths.push_back(path);
  return read(from, people);
}

}  // namespace headgate::app
