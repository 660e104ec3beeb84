// Documents as tests write them.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/documents_parser.h"
#include "reconciler/offline_people.h"
#include "reconciler/yaml_diagnostics.h"

namespace headgate::reconciler::testing {

// Knows the scripts that the tests' documents name, by an id that tells the path.
inline std::optional<std::string> find_hook(std::string_view path) {
  if (!path.starts_with("hooks/") || path.ends_with("missing.sh")) return std::nullopt;
  return "blob-of-" + std::string(path);
}

inline ParsedDocuments parse(std::string text, People& people) {
  return YamlDocumentParser(people).parse({"file.yaml", "blob-of-file", std::move(text)}, find_hook);
}

inline ParsedDocuments parse(std::string text) {
  OfflinePeople people;
  return parse(std::move(text), people);
}

inline std::string in_lines(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const auto& diagnostic : diagnostics) text += to_string(diagnostic) + "\n";
  return text;
}

inline constexpr auto name_of_case = [](const auto& row) { return row.param.name; };

inline std::string without_line(std::string text, std::uint32_t line) {
  std::size_t begin = 0;
  while (--line > 0) begin = text.find('\n', begin) + 1;
  const auto end = text.find('\n', begin);
  return text.erase(begin, end == std::string::npos ? end : end - begin + 1);
}

// What is said is about the line that it cites: `without` that line nobody says it. Only what is missing (a field, the
// end of a list) is cited where it was looked for, and is missing there still.
inline void expect_gone(const Diagnostic& said, const std::vector<Diagnostic>& without) {
  const bool missing = said.message.starts_with("missing field") || said.message.ends_with("not found");
  for (const auto& other : without) {
    EXPECT_FALSE(other.message == said.message && other.found == said.found && !(missing && other.line == said.line))
        << to_string(said) << "\nis still said without its line: " << to_string(other);
  }
}

// The only mistake is reported where the mark § stands (which is taken out before parsing).
inline void expect_reported_at_the_mark(std::string text, const std::string& message) {
  const auto mark = text.find("§");
  ASSERT_NE(mark, std::string::npos) << text;
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  for (std::size_t i = 0; i < mark; ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
      ++column;
    }
  }
  text.erase(mark, std::string_view("§").size());
  const auto parsed = parse(text);
  ASSERT_EQ(parsed.diagnostics.size(), 1U) << text << "\n" << in_lines(parsed.diagnostics);
  const auto& diagnostic = parsed.diagnostics[0];
  EXPECT_THAT(to_string(diagnostic), ::testing::HasSubstr(message));
  EXPECT_EQ(diagnostic.file, "file.yaml");
  EXPECT_EQ(diagnostic.line, line) << to_string(diagnostic);
  EXPECT_EQ(diagnostic.column, column) << to_string(diagnostic);
  EXPECT_TRUE(parsed.documents.empty()) << "a document with a mistake is not to be used";
  expect_gone(diagnostic, parse(without_line(text, line)).diagnostics);
}

using Texts = std::map<std::string, std::string>;  // by path

// What is said of the files of one commit.
struct SaidOf {
  std::vector<Diagnostic> own;      // of each alone
  std::vector<Diagnostic> between;  // what none can tell alone
  NotRead not_read;
};

inline SaidOf said_of(const Texts& texts, const std::optional<HostOffers>& host = {}) {
  OfflinePeople people;
  const YamlDocumentParser parser(people, host);
  const CommitFiles files{[&](std::string_view path) -> std::optional<std::string> {
                            if (texts.contains(std::string(path))) return std::string(path);
                            return find_hook(path);
                          },
                          [&](const std::string& blob, std::size_t) -> Result<std::string> { return texts.at(blob); }};
  SaidOf said;
  std::vector<ParsedDocuments> parsed;
  for (const auto& [path, text] : texts) {
    auto& file = parsed.emplace_back(parser.parse({path, path, text}, files));
    append_new(said.own, file.diagnostics);
    said.not_read.add(file.not_read);
  }
  std::vector<const SourcedDocument*> all;
  for (const auto& file : parsed) {
    for (const auto& document : file.documents) all.push_back(&document);
  }
  said.between = parser.check(all, files, said.not_read);
  return said;
}

// Without the line that is cited it is said once less, of files that are read as they were before: but for what is
// cited by its kind or name, the document is there still.
inline void expect_gone_without_its_line(const Diagnostic& said, const std::vector<Diagnostic>& before, Texts texts,
                                         const std::optional<HostOffers>& host) {
  auto& text = texts.at(said.file);
  std::istringstream lines(text);
  std::string line;
  for (std::uint32_t i = 0; i < said.line; ++i) std::getline(lines, line);
  const bool names_it = line.starts_with("kind:") || line.starts_with("metadata:");
  text = without_line(std::move(text), said.line);
  const auto after = said_of(texts, host);
  EXPECT_TRUE(names_it || !after.not_read.others) << "nothing is read without the line of " << to_string(said);
  const auto same = [&](const Diagnostic& other) {
    return other.file == said.file && other.message == said.message && other.found == said.found;
  };
  EXPECT_LT(std::ranges::count_if(after.between, same), std::ranges::count_if(before, same))
      << to_string(said) << "\nis still said without its line";
}

// What is said between files that have no mistakes of their own. Each is named by its place: 1.yaml, 2.yaml, …
inline std::string checked(const std::vector<std::string>& files, const std::optional<HostOffers>& host = {}) {
  Texts texts;
  for (const auto& text : files) texts[std::to_string(texts.size() + 1) + ".yaml"] = text;
  const auto said = said_of(texts, host);
  EXPECT_EQ(in_lines(said.own), "");
  for (std::size_t i = 0; i < said.between.size() && i < 20; ++i) {
    expect_gone_without_its_line(said.between[i], said.between, texts, host);
  }
  return in_lines(said.between);
}

// A whole document around its spec, whose lines begin with two spaces. The spec begins in line 5.
inline std::string document(std::string_view kind, std::string_view name, std::string_view spec) {
  return "apiVersion: headgate.dev/v1\nkind: " + std::string(kind) + "\nmetadata: {name: " + std::string(name) +
         "}\nspec:\n" + std::string(spec);
}
inline std::string service(std::string_view spec) {
  return document("Service", "gateway", spec);
}
// Fields of one stage, each line beginning with six spaces.
inline std::string stage(std::string_view fields) {
  return service("  stages:\n    - environment: production\n" + std::string(fields));
}
inline std::string verification(std::string_view fields) {
  return stage("      verify:\n        - {name: health, " + std::string(fields) + "}\n");
}
inline std::string environment(std::string_view spec) {
  return document("Environment", "production", spec);
}
inline std::string environment_with_driver(std::string_view spec) {
  return environment("  driver: {command: {deploy: [hooks/deploy.sh], observe: [hooks/observe.sh]}}\n" +
                     std::string(spec));
}
inline std::string target(std::string_view spec) {
  return document("Target", "gateway.production",
                  "  service: gateway\n  environment: production\n" + std::string(spec));
}
inline std::string released_target(std::string_view spec) {
  return target("  release: {version: v1}\n" + std::string(spec));
}
inline std::string access(std::string_view spec) {
  return document("AccessPolicy", "access", spec);
}

}  // namespace headgate::reconciler::testing
