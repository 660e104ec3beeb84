// Hostile files: everything is bounded, and nothing crashes the parser.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <random>

#include "reconciler/scaffold.h"
#include "tests/reconciler/documents_support.h"
#include "tests/torture.h"

namespace headgate::reconciler::testing {
namespace {

using ::testing::HasSubstr;

std::string repeated(std::string_view part, std::size_t bytes) {
  std::string text;
  text.reserve(bytes + part.size());
  while (text.size() + part.size() <= bytes) text += part;
  return text;
}

TEST(DocumentLimits, FileSize) {
  constexpr std::size_t kLimit = 1U << 20U;
  auto text = environment_with_driver("");
  text += "#" + std::string(kLimit - text.size() - 2, ' ') + "\n";
  ASSERT_EQ(text.size(), kLimit);
  EXPECT_EQ(in_lines(parse(text).diagnostics), "");
  EXPECT_EQ(in_lines(parse(text + "\n").diagnostics),
            "file.yaml:1:1: error: the file is too large: found 1048577 bytes, expected at most 1048576 bytes\n");
}

TEST(DocumentLimits, Nesting) {
  const auto nested = [](std::size_t levels) {
    return parse(std::string(levels, '[') + std::string(levels, ']') + "\n");
  };
  EXPECT_THAT(in_lines(nested(32).diagnostics), HasSubstr("this is not a document"));
  EXPECT_EQ(in_lines(nested(33).diagnostics),
            "file.yaml:1:33: error: the document is nested too deeply: expected at most 32 levels of lists and maps\n");
}

TEST(DocumentLimits, ListsAndMaps) {
  const auto list = parse(stage("      requires: {gates: [" + repeated("a, ", 3003) + "]}\n"));
  EXPECT_THAT(in_lines(list.diagnostics), HasSubstr("'gates' is too long: found 1001 items, expected at most 1000"));
  std::string variables;
  for (int i = 0; i < 1001; ++i) variables += "    a" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(in_lines(parse(released_target("  variables:\n" + variables)).diagnostics),
              HasSubstr("'variables' is too long"));
  std::string stages;
  for (int i = 0; i < 65; ++i) stages += "    - environment: e" + std::to_string(i) + "\n";
  EXPECT_THAT(in_lines(parse(service("  stages:\n" + stages)).diagnostics), HasSubstr("at most 64 stages"));
  EXPECT_THAT(
      in_lines(
          parse(stage("      before: [{name: a, run: {command: [" + repeated("/x, ", 520) + "]}}]\n")).diagnostics),
      HasSubstr("the command is too long: expected at most 128 words"));
}

TEST(DocumentLimits, TextsWithAPattern) {
  const std::string zeros(60'000, '0');
  const std::string letters(60'000, 'a');
  expect_reported_at_the_mark(stage("      protection:\n        wait: §" + zeros + "1s\n"),
                              "expected a duration such as");
  expect_reported_at_the_mark(stage("      trigger:\n        schedule: §\"" + repeated("0,", 60'000) + "0 0 * * *\"\n"),
                              "the schedule is too long: found 60009 bytes, expected at most 512 bytes");
  expect_reported_at_the_mark(
      verification("http: {url: \"http://a/\", expect: {body: {equals: 1, jsonPointer: §\"/" + letters + "\"}}}"),
      "at most 1024 bytes");
  expect_reported_at_the_mark(verification("http: {url: \"http://a/\", expect: {header: {? §" + letters + " : b}}}"),
                              "wrong name of a header");
  for (const auto& identity : {"emails: [§\"" + letters + "@b.c\"]", "oidc: [§\"https://a#" + letters + "\"]"}) {
    expect_reported_at_the_mark(document("AccessPolicy", "access", "  people:\n    a:\n      " + identity + "\n"),
                                "at most 1024 bytes");
  }
}

TEST(DocumentLimits, ALongTextWithoutAPatternIsWelcome) {
  const auto parsed =
      parse(verification("http: {url: \"http://a/\", expect: {body: {contains: " + std::string(20'000, 'a') + "}}}"));
  EXPECT_EQ(in_lines(parsed.diagnostics), "");
  EXPECT_EQ(parsed.documents.size(), 1U);
}

TEST(DocumentLimits, EqualKeysOfALargeMap) {
  std::string variables;
  for (int i = 0; i < 100; ++i) variables += "    a" + std::to_string(i) + ": 1\n";
  const auto parsed = parse(released_target("  variables:\n" + variables + "    a7: 1\n    a7: 2\n"));
  EXPECT_EQ(in_lines(parsed.diagnostics),
            "file.yaml:109:5: error: duplicate field 'a7', given in line 16 already\n"
            "file.yaml:110:5: error: duplicate field 'a7', given in line 16 already\n");
}

TEST(DocumentLimits, DiagnosticsAreCountedBeyondTheLimit) {
  const auto parsed = parse(repeated("---\na: 1\n", 8 * 500));
  // 444 documents that each lack four fields; without a kind nothing else of them is judged.
  ASSERT_EQ(parsed.diagnostics.size(), 1001U);
  EXPECT_EQ(parsed.diagnostics.back().message, "776 more mistakes in this file are not listed");
}

TEST(DocumentLimits, FoundTextIsCutAndEscaped) {
  const auto parsed = parse(released_target("  suspend: \"" + std::string(5000, 'x') + "\"\n"));
  ASSERT_EQ(parsed.diagnostics.size(), 1U);
  EXPECT_EQ(parsed.diagnostics[0].found, "'" + std::string(80, 'x') + "…'");
  const auto escaped = parse(released_target("  suspend: \"\\e[31m\"\n"));
  ASSERT_EQ(escaped.diagnostics.size(), 1U);
  EXPECT_EQ(escaped.diagnostics[0].found, "'\\x1b[31m'");
}

// Of this thread, so that a busy machine does not count.
double cpu_seconds() {
  std::timespec time{};
  EXPECT_EQ(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time), 0);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// A megabyte of each must be answered soon: the bound is generous for slow machines and sanitizers, and far below what
// anything quadratic takes.
TEST(DocumentLimits, LargeHostileTextsAreAnsweredSoon) {
  constexpr std::size_t kBytes = (1U << 20U) - 4096;
  const auto header = service("");
  const std::vector<std::string> texts{
      repeated("[", kBytes),
      repeated("{", kBytes),
      repeated("{a: ", kBytes),
      repeated("- ", kBytes),
      repeated("? ", kBytes),
      repeated("a: ", kBytes),
      repeated("-\n", kBytes),
      repeated("]", kBytes),
      repeated("---\n", kBytes),
      repeated("&a ", kBytes),
      repeated("!a ", kBytes),
      repeated("!!str ", kBytes),
      repeated("%YAML 1.2\n", kBytes),
      repeated("# x\n", kBytes),
      repeated(" ", kBytes),
      repeated("\n", kBytes),
      repeated("\"", kBytes),
      "\"" + repeated("\\n", kBytes),
      "'" + repeated("''", kBytes),
      "|\n" + repeated(" a\n", kBytes),
      ">\n" + repeated(" a\n", kBytes),
      repeated("a", kBytes),
      repeated("é", kBytes),
      "[" + repeated("a, ", kBytes) + "]",
      "{" + repeated("a: b, ", kBytes) + "}",
      header + "  group: [" + repeated("a,", kBytes) + "]\n",
      header + "  stages: [" + repeated("{},", kBytes) + "]\n",
      header + "  gates: [" + repeated("{name: a},", kBytes) + "]\n",
      header + repeated("  a: b\n", kBytes),
      document("AccessPolicy", "a", "  people: {" + repeated("a: {},", kBytes) + "}\n"),
      document("AccessPolicy", "a", "  grants: [" + repeated("{},", kBytes) + "]\n"),
      stage("      before: [{name: a, run: {command: [/a, \"" + repeated("${x}", kBytes) + "\"]}}]\n"),
      "a: &a [x]\nb: &b [" + repeated("*a,", kBytes) + "]\n",
      repeated(environment_with_driver("") + "---\n", kBytes),
  };
  for (const auto& text : texts) {
    SCOPED_TRACE(text.substr(0, 40));
    const auto start = cpu_seconds();
    const auto parsed = parse(text);
    EXPECT_LT(cpu_seconds() - start, 20.0);
    EXPECT_LE(parsed.diagnostics.size(), 1001U);
  }
}

// Changes valid documents at random.
TEST(DocumentMutations, NeitherCrashNorSlipThrough) {
  std::mt19937_64 random(torture_seed("changed documents"));
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };

  std::vector<std::string> originals;
  for (const auto& file : scaffold_files()) {
    if (is_document_file(file.path)) originals.emplace_back(file.text);
  }
  static constexpr std::array<std::string_view, 28> kParts{
      "{",  "}", "[",  "]",  ":", ",",    "- ",   "\n",       "\n---\n", "  ",         "\t",  "&a ", "*a", "!t ",
      "\"", "'", "| ", "${", "}", "null", "\x01", "\xC3\x28", "é",       "0x7fffffff", "-1h", "#",   "? ", "<<: "};
  OfflinePeople people;
  const YamlDocumentParser parser(people);
  const FindBlob find = [](std::string_view) { return std::optional<std::string>("blob"); };
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto text = originals[below(originals.size())];
    for (auto changes = 1 + below(4); changes > 0 && !text.empty(); --changes) {
      const auto at = below(text.size());
      const auto length = std::min(text.size() - at, below(12) + 1);
      switch (below(5)) {
        case 0:
          text.erase(at, length);
          break;
        case 1:
          text.insert(at, kParts[below(kParts.size())]);
          break;
        case 2:
          text[at] = static_cast<char>(below(256));
          break;
        case 3:
          text.insert(at, text.substr(below(text.size()), length));
          break;
        default:
          text.resize(at);
          break;
      }
    }
    const auto lines = static_cast<std::uint32_t>(std::ranges::count(text, '\n')) + 1;
    const auto parsed = parser.parse({"file.yaml", "blob", text}, find);
    for (const auto& diagnostic : parsed.diagnostics) {
      ASSERT_FALSE(diagnostic.message.empty()) << text;
      ASSERT_GE(diagnostic.line, 1U) << text;
      ASSERT_LE(diagnostic.line, lines) << to_string(diagnostic) << "\n" << text;
      ASSERT_GE(diagnostic.column, 1U) << text;
    }
    for (const auto& document : parsed.documents) {
      ASSERT_FALSE(key_of(document.document).name.empty()) << text;
      ASSERT_LE(document.source.line, lines) << text;
    }
    parsed.diagnostics.empty() ? ++accepted : ++refused;
    std::vector<const SourcedDocument*> all;
    for (const auto& document : parsed.documents) all.push_back(&document);
    const ReadBlob read = [&](const std::string&, std::size_t) -> Result<std::string> { return text; };
    for (const auto& diagnostic : parser.check(all, {find, read})) {
      ASSERT_GE(diagnostic.line, 1U) << text;
      ASSERT_LE(diagnostic.line, lines) << to_string(diagnostic) << "\n" << text;
      ASSERT_GE(diagnostic.column, 1U) << text;
    }
  }
  // Changes of comments and values are accepted, most others are not.
  EXPECT_GT(accepted, 500U);
  EXPECT_GT(refused, 5'000U);
}

}  // namespace
}  // namespace headgate::reconciler::testing
