// What the documents say is there: files, metrics, links, verbs, tests. Each failure names the line to add or to mend.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace headgate {
namespace {

namespace fs = std::filesystem;

const fs::path& root() {
  static const fs::path path = HEADGATE_SOURCE_DIR;
  return path;
}

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.is_open()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.is_open()) << path;
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<fs::path> sources_below(const std::vector<std::string>& folders) {
  std::vector<fs::path> all;
  for (const auto& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(root() / folder)) {
      if (entry.path().extension() == ".h" || entry.path().extension() == ".cc") all.push_back(entry.path());
    }
  }
  return all;
}

const std::vector<std::string> program{"engine", "store", "reconciler", "api", "app"};

std::vector<fs::path> documents() {
  std::vector<fs::path> all;
  for (const auto* folder : {"", "docs", "docs/adr"}) {
    for (const auto& entry : fs::directory_iterator(root() / folder)) {
      if (entry.path().extension() == ".md") all.push_back(entry.path());
    }
  }
  return all;
}

std::set<std::string> matches(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), pattern); at != std::sregex_iterator(); ++at) {
    found.insert((*at)[1]);
  }
  return found;
}

// ----------------------------------------------------------------------------------------------------------- the map

// Names of the rows in the table of each room: "### Files of `store/`", then "| `name` | … |".
std::map<std::string, std::set<std::string>> rows_of_rooms() {
  static const std::regex heading(R"(^### Files of `([a-z_/]+)/`$)");
  static const std::regex row(R"(^\| `(\w+)` \| \S.* \|$)");
  std::map<std::string, std::set<std::string>> rows;
  std::string room;
  for (const auto& line : lines_of(root() / "ARCHITECTURE.md")) {
    std::smatch match;
    if (line.starts_with("#")) room.clear();
    if (std::regex_match(line, match, heading)) room = match[1];
    if (!room.empty() && std::regex_match(line, match, row)) {
      EXPECT_TRUE(rows[room].insert(match[1]).second) << "ARCHITECTURE.md: two rows for " << room << "/" << match[1];
    }
  }
  return rows;
}

TEST(Architecture, HasARowForEveryFile) {
  std::map<std::string, std::set<std::string>> files;
  for (const auto& path : sources_below(program)) {
    files[fs::relative(path.parent_path(), root()).string()].insert(path.stem().string());
  }
  const auto rows = rows_of_rooms();
  for (const auto& [room, names] : files) {
    const auto table = rows.find(room);
    if (table == rows.end()) {
      ADD_FAILURE() << "ARCHITECTURE.md: add the table\n### Files of `" << room << "/`\n\n| | |\n|---|---|";
      continue;
    }
    for (const auto& name : names) {
      EXPECT_TRUE(table->second.contains(name))
          << "ARCHITECTURE.md, files of " << room << "/: add\n| `" << name << "` | … |";
    }
  }
  for (const auto& [room, names] : rows) {
    for (const auto& name : names) {
      EXPECT_TRUE(files[room].contains(name))
          << "ARCHITECTURE.md, files of " << room << "/: take away | `" << name << "` | … |";
    }
  }
}

// ------------------------------------------------------------------------------------------------------- the metrics

TEST(Metrics, AreAllExplained) {
  static const std::regex in_code(R"re("(headgate_[a-z_]+)")re");
  static const std::regex in_table(R"(\n\| `(headgate_[a-z_]+)` \|)");
  static const std::regex anywhere(R"(\b(headgate_[a-z_]+[a-z])\b)");
  std::set<std::string> known;
  for (const auto& path : sources_below({"api", "app"})) known.merge(matches(text_of(path), in_code));
  EXPECT_FALSE(known.empty());
  const auto explained = matches(text_of(root() / "docs/metrics.md"), in_table);
  for (const auto& name : known) {
    EXPECT_TRUE(explained.contains(name)) << "docs/metrics.md: add\n| `" << name << "` | … | … |";
  }
  for (const auto* document : {"configuration.md", "metrics.md", "operating.md", "runbook.md"}) {
    for (auto name : matches(text_of(root() / "docs" / document), anywhere)) {
      if (name == "headgate_dora") continue;  // "there are no headgate_dora_* metrics"
      if (name.ends_with("_bucket")) name.resize(name.size() - std::string_view("_bucket").size());
      EXPECT_TRUE(known.contains(name)) << "docs/" << document << ": there is no metric " << name;
    }
  }
}

// --------------------------------------------------------------------------------------------------------- the links

// As hosts of Git make it of a heading.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_') {
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (c == ' ') {
      anchor += '-';
    }
  }
  return anchor;
}

std::set<std::string> anchors_of(const fs::path& path) {
  std::set<std::string> anchors;
  for (const auto& line : lines_of(path)) {
    if (!line.starts_with('#')) continue;
    const auto text = line.find_first_not_of('#');
    if (text != line.npos && line[text] == ' ') anchors.insert(anchor_of(line.substr(text + 1)));
  }
  return anchors;
}

TEST(Documents, LinkToWhatIsThere) {
  static const std::regex link(R"(\]\(([^)\s]+)\))");
  for (const auto& path : documents()) {
    for (const auto& target : matches(text_of(path), link)) {
      if (target.find("://") != target.npos) continue;
      const auto hash = target.find('#');
      const auto file = hash == 0 ? path : path.parent_path() / target.substr(0, hash);
      if (!fs::exists(file)) {
        ADD_FAILURE() << path << ": links to " << target << ", which is not there";
      } else if (hash != target.npos) {
        EXPECT_TRUE(anchors_of(file).contains(target.substr(hash + 1)))
            << path << ": links to " << target << ", no such heading";
      }
    }
  }
}

// --------------------------------------------------------------------------------------------------------- the verbs

// Verbs and options of `headgate …` in the documents are words in the texts of the command line's sources.
TEST(Documents, NameOnlyVerbsAndOptionsOfTheProgram) {
  std::string sources;
  for (const auto& path : sources_below({"app"})) {
    if (path.filename().string().starts_with("verbs_") || path.filename() == "cli.cc") sources += text_of(path);
  }
  static const std::regex literal(R"re("([^"\n]*)")re");
  static const std::regex word(R"(([a-z][a-z-]*))");
  std::set<std::string> words;
  for (const auto& text : matches(sources, literal)) words.merge(matches(text, word));
  static const std::regex call(R"((?:^|`|^    )(headgate [a-z][^`#|<]*))");
  static const std::regex verb(R"(^headgate ([a-z]+))");
  static const std::regex option(R"( --([a-z][a-z-]*))");
  for (const auto& path : documents()) {
    for (const auto& line : lines_of(path)) {
      for (const auto& text : matches(line, call)) {
        for (const auto& pattern : {verb, option}) {
          for (const auto& name : matches(text, pattern)) {
            EXPECT_TRUE(words.contains(name)) << path << ": the command line knows no " << name << ": " << text;
          }
        }
      }
    }
  }
}

// --------------------------------------------------------------------------------------------------------- the rules

// A rule whose test is gone is held by nothing. `Suite.Name` of GoogleTest, `file.test_name` of tests/e2e/.
TEST(Rules, HaveTestsThatAreThere) {
  static const std::regex definition(R"(\n(?:TYPED_)?TEST(?:_[FP])?\((\w+, \w+)\))");
  static const std::regex end_to_end(R"(\n    def (test_\w+)\()");
  std::set<std::string> there;
  for (const auto& path : sources_below({"tests"})) {
    for (auto name : matches(text_of(path), definition)) there.insert(name.replace(name.find(", "), 2, "."));
  }
  for (const auto& entry : fs::directory_iterator(root() / "tests/e2e")) {
    if (entry.path().extension() != ".py") continue;
    for (const auto& name : matches(text_of(entry.path()), end_to_end)) {
      there.insert(entry.path().stem().string() + "." + name);
    }
  }
  static const std::regex named(R"(`(\w+\.\w+)`)");
  std::size_t rules = 0;
  for (const auto& line : lines_of(root() / "docs/rules-and-tests.md")) {
    const auto tests = matches(line, named);
    for (const auto& name : tests) {
      EXPECT_TRUE(there.contains(name)) << "docs/rules-and-tests.md: there is no test " << name << ", which held\n"
                                        << line.substr(0, line.find(" | "));
    }
    if (!line.starts_with("| ") || line.starts_with("| rule |")) continue;
    ++rules;
    EXPECT_FALSE(tests.empty()) << "docs/rules-and-tests.md: held by nothing: " << line;
  }
  EXPECT_GT(rules, 0U);
}

}  // namespace
}  // namespace headgate
