// init, validate: what needs no server.
#include <boost/json.hpp>
#include <cstdio>
#include <fstream>

#include "app/cli.h"
#include "app/environments_files.h"
#include "app/table.h"
#include "reconciler/offline_people.h"
#include "reconciler/scaffold.h"

namespace headgate::app {
namespace {

namespace fs = std::filesystem;

// The server's file beside the repository, as the README has it.
void print_next(const fs::path& directory) {
  std::error_code error;
  const auto whole = fs::absolute(directory, error).lexically_normal().string();
  const auto url = boost::json::serialize(boost::json::string(error ? directory.string() : whole));
  std::printf(
      "\nNext: look at the files and commit them:\n\n"
      "    cd %s && git init -q -b main && git add . && git commit -q -m Environments\n\n"
      "Then write headgate.yaml, and start with `headgate serve --config headgate.yaml`:\n\n"
      "    data: ./data\n"
      "    repositories:\n"
      "      - {name: environments, url: %s, role: environments, access: true}\n"
      "    commands: {mode: repository}\n",
      printable(directory.string()).c_str(), printable(url).c_str());
}

int init(const fs::path& directory) {
  std::error_code error;
  if (fs::exists(directory, error) && !fs::is_directory(directory, error)) {
    return report({ErrorCode::invalid_input, directory.string() + " is no folder: name one that is new or empty", {}});
  }
  fs::create_directories(directory, error);
  if (error) return report({ErrorCode::io, "cannot make " + directory.string() + ": " + error.message(), {}});
  for (const auto& file : reconciler::scaffold_files()) {
    if (fs::exists(directory / file.path, error)) {
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
  print_next(directory);
  return exit_done;
}

boost::json::array rows_of(const std::vector<Diagnostic>& diagnostics) {
  boost::json::array rows;
  for (const auto& d : diagnostics) {
    rows.push_back({{"file", d.file},
                    {"line", d.line},
                    {"column", d.column},
                    {"message", d.message},
                    {"found", d.found},
                    {"expected", d.expected}});
  }
  return rows;
}

int validate(const Cli& cli, const fs::path& directory) {
  reconciler::OfflinePeople people;
  const auto read = read_documents(directory, {}, people);
  if (!read) return report(read.error());
  const auto& diagnostics = read->diagnostics;
  if (read->documents.empty() && diagnostics.empty()) {
    return report({ErrorCode::invalid_input,
                   directory.string() + " holds no document: looked for files *.yaml and *.yml in it and below",
                   {}});
  }
  for (const auto& link : read->links) {
    std::fprintf(stderr, "%s: note: a symbolic link, which is not followed\n",
                 printable((directory / link).string()).c_str());
  }
  if (!print_raw(cli.output, rows_of(diagnostics))) {
    for (auto diagnostic : diagnostics) {
      diagnostic.file = (directory / diagnostic.file).string();
      std::printf("%s\n", printable_lines(to_string(diagnostic)).c_str());
    }
    if (diagnostics.empty()) {
      std::printf("%s, no mistakes\n", counted(read->documents.size(), "document").c_str());
    } else {
      std::fprintf(stderr, "%s\n", counted(diagnostics.size(), "mistake").c_str());
    }
  }
  return diagnostics.empty() ? exit_done : exit_no;
}

}  // namespace

void add_repository_verbs(Cli& cli) {
  add_diff_verb(cli);
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
    cli.run = [&cli, validate_directory] { return validate(cli, *validate_directory); };
  });
}

}  // namespace headgate::app
