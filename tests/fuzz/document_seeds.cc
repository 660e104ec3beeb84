// Writes documents that documents_fuzz starts from into a folder: those of `headgate init`, and those that use every
// field of every kind, each alone and all in one file.
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "reconciler/scaffold.h"
#include "tests/reconciler/document_corpus.h"

namespace {

using namespace headgate;

bool write(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) std::fprintf(stderr, "cannot write %s\n", path.c_str());
  return static_cast<bool>(file);
}

bool write_all(const std::filesystem::path& folder) {
  for (const auto& file : reconciler::scaffold_files()) {
    if (file.path.ends_with(".yaml") && !write(folder / "init" / file.path, file.text)) return false;
  }
  std::string together;
  for (std::size_t i = 0; i < reconciler::testing::kCorpus.size(); ++i) {
    // As the tests of the schemas take it: of equal keys the last.
    const auto text = boost::json::serialize(boost::json::parse(reconciler::testing::kCorpus[i].text)) + "\n";
    together += "---\n" + text;
    if (!write(folder / "fields" / (std::to_string(i) + ".yaml"), text)) return false;
  }
  return write(folder / "fields" / "all.yaml", together);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: document_seeds FOLDER\n");
    return 2;
  }
  return write_all(argv[1]) ? 0 : 1;
}
