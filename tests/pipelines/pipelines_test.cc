// Plays examples/pipelines/<name>/scenarios.md in virtual time. Each scenario is two tests: it comes true, and it does
// not any more once the lines that it cites are taken away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <sstream>

#include "reconciler/document_set.h"
#include "reconciler/documents_parser.h"
#include "tests/pipelines/player.h"
#include "tests/pipelines/scenario.h"
#include "tests/pipelines/vocabulary.h"

namespace headgate::pipelines {
namespace {

namespace fs = std::filesystem;

const fs::path examples = fs::path(HEADGATE_SOURCE_DIR) / "examples" / "pipelines";
// What each pipeline says, a statement in a line: <name>.txt.
const fs::path statements_of_pipelines = fs::path(HEADGATE_SOURCE_DIR) / "tests" / "pipelines" / "statements";

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

class Lambda : public testing::Test {
 public:
  explicit Lambda(std::function<void()> body) : body_(std::move(body)) {}
  void TestBody() override { body_(); }

 private:
  std::function<void()> body_;
};

void add(const std::string& suite, const std::string& name, std::function<void()> body) {
  testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                        [body = std::move(body)]() -> testing::Test* { return new Lambda(body); });
}

std::string in_lines(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const auto& diagnostic : diagnostics) text += "\n  " + to_string(diagnostic);
  return text;
}

// Every sentence is one of the vocabulary, and every cited line is there.
std::vector<std::string> mistakes_of(const RepositoryText& repository, const Scenario& scenario) {
  std::vector<std::string> mistakes;
  const auto mistake = [&](std::size_t line, const std::string& what) {
    mistakes.push_back("line " + std::to_string(line) + ": " + what);
  };
  for (const auto& cite : scenario.cites) {
    if (const auto cut = repository.find(cite); !cut) mistake(cite.line, cut.error().message);
  }
  const auto know = [&](const Row& row, const std::vector<std::string>& cell, std::span<const Sentence> words,
                        const char* where) {
    for (const auto& sentence : cell) {
      if (match(words, sentence).sentence) continue;
      mistake(row.line, "'" + sentence + "' is no sentence of the vocabulary for " + where +
                            ": see examples/pipelines/README.md");
    }
  };
  for (const auto& row : scenario.rows) {
    know(row, row.given, actions(), "given");
    know(row, row.when, actions(), "when");
    know(row, row.then, expectations(), "then");
  }
  return mistakes;
}

Result<void> play(const RepositoryText& repository, const Scenario& scenario, std::string& diagnostics) {
  reconciler::OfflinePeople people;
  const auto parsed = repository.parse(people);
  diagnostics = in_lines(parsed.diagnostics);
  if (!parsed.diagnostics.empty()) return fail(ErrorCode::invalid_input, "the repository is not valid");
  Player player(parsed.documents, people);
  return player.play(scenario);
}

// What stands in backquotes as `services/backend.yaml: wait: 5m` names a line of the repository.
std::vector<Cite> lines_named_in(const std::string& text) {
  std::vector<Cite> cites;
  std::istringstream in(text);
  bool quoted = false;
  for (std::string part; std::getline(in, part, '`'); quoted = !quoted) {
    for (const std::string ending : {".yaml: ", ".env: "}) {
      const auto at = part.find(ending);
      if (!quoted || at == std::string::npos) continue;
      const auto line = at + ending.size();
      cites.push_back({part.substr(0, line - 2), part.substr(line), 0, 0});
    }
  }
  return cites;
}

// Rows of the README's table: what the pipeline says, and the line that does it.
std::vector<std::pair<std::string, std::string>> mapping_of(const std::string& readme) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& line : lines_of(readme)) {
    if (!line.starts_with("| ") || line.starts_with("| the pipeline says |") || line.starts_with("| --- |")) continue;
    const auto end = line.find(" | ");
    if (end == std::string::npos) continue;
    rows.emplace_back(trimmed(line.substr(2, end - 2)), trimmed(line.substr(end + 3)));
  }
  return rows;
}

// Every statement of the pipeline has its row, which names lines that are there, or says that none does it, or that it
// is not done.
std::vector<std::string> mistakes_of_readme(const RepositoryText& repository, const std::string& readme,
                                            const std::vector<std::string>& statements) {
  std::vector<std::string> mistakes;
  for (const auto& cite : lines_named_in(readme)) {
    const auto cut = repository.find(cite);
    if (!cut && cut.error().code == ErrorCode::not_found) mistakes.push_back(cut.error().message);
  }
  std::set<std::string> told;
  for (const auto& [statement, what] : mapping_of(readme)) {
    if (!told.insert(statement).second) mistakes.push_back("two rows for '" + statement + "'");
    if (std::ranges::find(statements, statement) == statements.end()) {
      mistakes.push_back("the pipeline does not say '" + statement + "'");
    }
    if (lines_named_in(what).empty() && !what.starts_with("no line: ") &&
        what.find("**not carried out by this version**") == std::string::npos) {
      mistakes.push_back("'" + statement +
                         "' names no line: say which one does it, or begin with 'no line: ', or say " +
                         "**not carried out by this version**");
    }
  }
  for (const auto& statement : statements) {
    if (!told.contains(statement)) mistakes.push_back("no row for '" + statement + "'");
  }
  return mistakes;
}

void add_pipeline(const fs::path& directory) {
  const auto suite = directory.filename().string();
  const auto file = "examples/pipelines/" + suite + "/scenarios.md";
  const auto repository = RepositoryText::read(directory);
  const auto read = read_scenarios(read_text(directory / "scenarios.md"));
  add(suite, "repository", [=] {
    ASSERT_TRUE(repository) << repository.error().message;
    reconciler::OfflinePeople people;
    EXPECT_EQ(in_lines(repository->parse(people).diagnostics), "");
    for (const auto& mistake : read.mistakes) ADD_FAILURE() << file << ": " << mistake;
  });
  if (!repository) return;
  // Whichever file of Targets changes alone, the commit is not refused for what it did not change.
  add(suite, "targets_change_alone", [=] {
    reconciler::OfflinePeople people;
    reconciler::DocumentSet::Files files;
    for (auto& document : repository->parse(people).documents) files[document.source.file].push_back(document);
    reconciler::DocumentSet in_force;
    in_force.replace(files);
    const reconciler::YamlDocumentParser parser(people);
    for (const auto& [name, documents] : files) {
      if (!std::holds_alternative<Target>(documents.front().document)) continue;
      const reconciler::DocumentSet::Files change{{name, documents}};
      const auto nothing = [](std::string_view) { return std::nullopt; };
      EXPECT_EQ(in_lines(parser.check(in_force.to_check(change), nothing)), "") << name;
    }
  });
  add(suite, "README", [=] {
    const auto statements = lines_of(read_text(statements_of_pipelines / (suite + ".txt")));
    EXPECT_FALSE(statements.empty()) << "what the pipeline says";
    for (const auto& mistake : mistakes_of_readme(*repository, read_text(directory / "README.md"), statements)) {
      ADD_FAILURE() << "examples/pipelines/" << suite << "/README.md: " << mistake;
    }
  });
  for (const auto& scenario : read.scenarios) {
    add(suite, scenario.name(), [=] {
      for (const auto& mistake : mistakes_of(*repository, scenario)) ADD_FAILURE() << file << ": " << mistake;
      if (testing::Test::HasFailure()) return;
      std::string diagnostics;
      const auto played = play(*repository, scenario, diagnostics);
      EXPECT_TRUE(played) << file << ": " << (played ? "" : played.error().message) << diagnostics;
    });
    add(suite, scenario.name() + ".dies_without_its_line", [=] {
      std::vector<Cut> cuts;
      for (const auto& cite : scenario.cites) {
        const auto cut = repository->find(cite);
        ASSERT_TRUE(cut) << file << ": line " << cite.line << ": " << cut.error().message;
        cuts.push_back(*cut);
      }
      std::string diagnostics;
      const auto played = play(repository->without(cuts), scenario, diagnostics);
      ASSERT_EQ(diagnostics, "")
          << file << ": line " << scenario.line
          << ": without the cited lines the repository must still be valid, so that the scenario "
             "dies of the rule: cite other lines";
      EXPECT_FALSE(played) << file << ": line " << scenario.line
                           << ": the scenario comes true without the lines that it cites as well";
      if (!played) testing::Test::RecordProperty("died", played.error().message);
      // Of several lines none is cited in vain: the scenario dies without it alone, or the others need it to be valid.
      for (std::size_t i = 0; cuts.size() > 1 && i < cuts.size(); ++i) {
        auto others = cuts;
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
        std::string without_others;
        static_cast<void>(play(repository->without(others), scenario, without_others));
        const auto alone = play(repository->without({cuts[i]}), scenario, diagnostics);
        EXPECT_FALSE(alone && diagnostics.empty() && without_others.empty())
            << file << ": line " << scenario.cites[i].line << ": the scenario comes true without this line as well";
      }
    });
  }
}

TEST(Pipelines, AreTheFourOfTheDesignWithTwelveScenariosOrMoreEach) {
  for (const auto* name : {"personal-assistant", "plasma-engine", "salunga", "tta"}) {
    const auto read = read_scenarios(read_text(examples / name / "scenarios.md"));
    EXPECT_GE(read.scenarios.size(), 12U) << name;
  }
}

TEST(Readme, IsWrongWithoutARowForAStatementOrWithoutTheLineThatItNames) {
  const auto repository = RepositoryText::read(examples / "tta");
  ASSERT_TRUE(repository) << repository.error().message;
  const std::string does_it = "| staging waits 5 minutes | `services/backend.yaml: wait: 5m` |\n";
  const std::vector<std::string> says{"staging waits 5 minutes"};
  EXPECT_THAT(mistakes_of_readme(*repository, does_it, says), testing::IsEmpty());
  EXPECT_THAT(mistakes_of_readme(*repository, "| the pipeline says | the line that does it |\n| --- | --- |\n", says),
              testing::ElementsAre("no row for 'staging waits 5 minutes'"));
  EXPECT_THAT(mistakes_of_readme(*repository, does_it + does_it, says),
              testing::ElementsAre("two rows for 'staging waits 5 minutes'"));
  EXPECT_THAT(mistakes_of_readme(*repository, does_it, {}),
              testing::ElementsAre("the pipeline does not say 'staging waits 5 minutes'"));
  EXPECT_THAT(
      mistakes_of_readme(*repository, "| staging waits 5 minutes | `services/backend.yaml: wait: 6m` |\n", says),
      testing::ElementsAre("no line 'wait: 6m' in services/backend.yaml"));
  EXPECT_THAT(mistakes_of_readme(*repository, "| staging waits 5 minutes | somebody sees to it |\n", says),
              testing::ElementsAre(testing::HasSubstr("'staging waits 5 minutes' names no line")));
}

TEST(Vocabulary, IsListedInTheReadme) {
  const auto readme = read_text(examples / "README.md");
  for (const auto& words : {actions(), expectations()}) {
    for (const auto& sentence : words) {
      EXPECT_NE(readme.find("`" + std::string(sentence.pattern) + "`"), std::string::npos)
          << "examples/pipelines/README.md does not list `" << sentence.pattern << "`";
    }
  }
}

}  // namespace
}  // namespace headgate::pipelines

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  testing::InitGoogleTest(&argc, argv);
  std::set<fs::path> pipelines;
  for (const auto& entry : fs::directory_iterator(headgate::pipelines::examples)) {
    if (entry.is_directory()) pipelines.insert(entry.path());
  }
  for (const auto& directory : pipelines) headgate::pipelines::add_pipeline(directory);
  return RUN_ALL_TESTS();
}
