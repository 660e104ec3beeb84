// init, validate: what needs no server.
#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <fstream>
#include <map>

#include "app/cli.h"
#include "reconciler/digests.h"
#include "reconciler/documents_parser.h"
#include "reconciler/offline_people.h"
#include "reconciler/scaffold.h"
#include "reconciler/yaml_diagnostics.h"
#include "store/files.h"

namespace headgate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_file_bytes = 1 << 20;

int init(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return report({ErrorCode::io, "cannot make " + directory.string() + ": " + error.message(), {}});
  for (const auto& file : reconciler::scaffold_files()) {
    if (fs::exists(directory / file.path)) {
      return report({ErrorCode::conflict, (directory / file.path).string() + " exists: nothing was written", {}});
    }
  }
  for (const auto& file : reconciler::scaffold_files()) {
    const auto path = directory / file.path;
    fs::create_directories(path.parent_path(), error);
    std::ofstream out(path, std::ios::binary);
    out << file.text;
    out.close();
    if (!out) return report({ErrorCode::io, "cannot write " + path.string(), {}});
    if (file.executable)
      fs::permissions(path, fs::perms::owner_exec | fs::perms::group_exec, fs::perm_options::add, error);
    std::printf("%s\n", path.string().c_str());
  }
  std::printf("\nNext: look at the files, commit them, and point `headgate serve --repository` at the repository.\n");
  return exit_done;
}

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

void print_json(const std::vector<Diagnostic>& diagnostics) {
  boost::json::array list;
  for (const auto& d : diagnostics) {
    list.push_back({{"file", d.file},
                    {"line", d.line},
                    {"column", d.column},
                    {"message", d.message},
                    {"found", d.found},
                    {"expected", d.expected}});
  }
  std::printf("%s\n", boost::json::serialize(list).c_str());
}

int validate(const fs::path& directory, bool json) {
  const auto files = files_of(directory);
  if (!files) return report(files.error());
  reconciler::OfflinePeople people;
  const reconciler::YamlDocumentParser parser(people);
  std::map<std::string, fs::path> path_of_blob;
  const FindBlob find_blob = [&](std::string_view path) -> std::optional<std::string> {
    const auto at = files->find(std::string(path));
    if (at == files->end()) return std::nullopt;
    const auto text = store::read_file(at->second, 16 << 20);
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
  std::vector<SourcedDocument> documents;
  std::vector<Diagnostic> diagnostics;
  for (const auto& [name, path] : *files) {
    if (!reconciler::is_document_file(name)) continue;
    auto text = store::read_file(path, max_file_bytes);
    if (!text) {
      diagnostics.push_back({name, 1, 1, text.error().message, {}, {}});
      continue;
    }
    auto parsed = parser.parse({name, reconciler::git_blob_id(*text), std::move(*text)}, {find_blob, read_blob});
    std::ranges::move(parsed.documents, std::back_inserter(documents));
    reconciler::append_new(diagnostics, std::move(parsed.diagnostics));
  }
  if (diagnostics.empty()) {
    std::vector<const SourcedDocument*> all;
    for (const auto& document : documents) all.push_back(&document);
    diagnostics = parser.check(all);
  }
  if (json) {
    print_json(diagnostics);
  } else {
    for (auto diagnostic : diagnostics) {
      diagnostic.file = (directory / diagnostic.file).string();
      std::printf("%s\n", to_string(diagnostic).c_str());
    }
    if (diagnostics.empty()) {
      std::printf("%zu documents, no mistakes\n", documents.size());
    } else {
      std::fprintf(stderr, "%zu mistakes\n", diagnostics.size());
    }
  }
  return diagnostics.empty() ? exit_done : exit_no;
}

}  // namespace

void add_repository_verbs(Cli& cli) {
  auto* init_verb = cli.program.add_subcommand("init", "Scaffold an environments repository that validates");
  auto init_directory = std::make_shared<std::string>();
  init_verb->add_option("DIR", *init_directory, "where to write it")->required();
  init_verb->footer("Example:\n  headgate init environments && headgate validate environments");
  init_verb->callback([&cli, init_directory] { cli.run = [=] { return init(*init_directory); }; });

  auto* validate_verb = cli.program.add_subcommand("validate", "Check the documents of an environments repository");
  auto validate_directory = std::make_shared<std::string>();
  validate_verb->add_option("DIR", *validate_directory, "its work tree")->required();
  validate_verb->footer(
      "Prints every mistake as file:line:column: error: …\nExit code: 0 without mistakes, 1 with, 2 when it cannot be "
      "read.\n\nExample:\n  headgate validate environments");
  validate_verb->callback([&cli, validate_directory] {
    cli.run = [&cli, validate_directory] { return validate(*validate_directory, cli.output == "json"); };
  });
}

}  // namespace headgate::app
