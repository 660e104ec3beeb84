// Plays examples/pipelines/<name>/scenarios.md in virtual time. Each scenario is two tests: it comes true, and it does
// not any more once the lines that it cites are taken away.
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

// The lines that the README of a pipeline names: `services/backend.yaml: wait: 5m` in backquotes.
std::vector<std::string> lost_lines(const RepositoryText& repository, const std::string& readme) {
  std::vector<std::string> lost;
  std::istringstream in(readme);
  bool quoted = false;
  for (std::string text; std::getline(in, text, '`'); quoted = !quoted) {
    const auto colon = text.find(".yaml: ");
    if (!quoted || colon == std::string::npos) continue;
    const auto cut = repository.find({text.substr(0, colon + 5), text.substr(colon + 7), 0, 0});
    if (!cut && cut.error().code == ErrorCode::not_found) lost.push_back(cut.error().message);
  }
  return lost;
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
    for (const auto& lost : lost_lines(*repository, read_text(directory / "README.md"))) {
      ADD_FAILURE() << "examples/pipelines/" << suite << "/README.md: " << lost;
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
