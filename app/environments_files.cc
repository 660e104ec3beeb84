#include "app/environments_files.h"

#include <algorithm>
#include <functional>
#include <map>

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

// The files of a work tree: relative path -> absolute one. Hidden folders, .git among them, are left out.
Result<std::map<std::string, fs::path>> files_of(const fs::path& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return fail(ErrorCode::invalid_input, directory.string() + " is not a directory");
  }
  std::map<std::string, fs::path> files;
  for (auto at = fs::recursive_directory_iterator(directory, error); !error && at != fs::recursive_directory_iterator();
       at.increment(error)) {
    if (at->path().filename().string().starts_with('.')) {
      if (at->is_directory()) at.disable_recursion_pending();
      continue;
    }
    if (at->is_regular_file()) files[fs::relative(at->path(), directory).generic_string()] = at->path();
  }
  if (error) return fail(ErrorCode::io, "cannot read " + directory.string() + ": " + error.message());
  return files;
}

struct Files {
  std::vector<std::string> paths;
  CommitFiles files;
};

ReadDocuments read(const Files& from, People& people) {
  const reconciler::YamlDocumentParser parser(people);
  ReadDocuments read;
  NotRead not_read;
  for (const auto& path : from.paths) {
    if (!reconciler::is_document_file(path)) continue;
    const auto blob = from.files.find(path);
    auto text = blob ? from.files.read(*blob, reconciler::kMaxFileBytes)
                     : Result<std::string>(fail(ErrorCode::io, "the file cannot be read"));
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
  reconciler::append_new(read.diagnostics, parser.check(all, not_read));
  return read;
}

Result<ReadDocuments> read_work_tree(const fs::path& directory, People& people) {
  HEADGATE_TRY(const auto files, files_of(directory));
  std::map<std::string, fs::path> path_of_blob;
  const FindBlob find = [&](std::string_view path) -> std::optional<std::string> {
    const auto at = files.find(std::string(path));
    if (at == files.end()) return std::nullopt;
    const auto text = store::read_file(at->second, reconciler::ScriptExports::max_script_bytes);
    if (!text) return std::nullopt;
    auto blob = reconciler::git_blob_id(*text);
    path_of_blob[blob] = at->second;
    return blob;
  };
  const ReadBlob read_blob = [&](const std::string& blob, std::size_t max_bytes) -> Result<std::string> {
    const auto at = path_of_blob.find(blob);
    if (at == path_of_blob.end()) return fail(ErrorCode::not_found, "no such file");
    return store::read_file(at->second, max_bytes);
  };
  Files from{{}, {find, read_blob}};
  for (const auto& [name, path] : files) from.paths.push_back(name);
  return read(from, people);
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
