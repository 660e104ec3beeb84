// Mistakes in files of variables, verifications over the network, windows and shapes: one row each, by its exact line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/reconciler/documents_support.h"

namespace headgate::reconciler::testing {
namespace {

ParsedDocuments parse_with(const std::string& text, const std::map<std::string, std::string>& files) {
  OfflinePeople people;
  const auto find = [&](std::string_view path) -> std::optional<std::string> {
    return files.contains(std::string(path)) ? std::optional(std::string(path)) : find_hook(path);
  };
  const ReadBlob read = [&](const std::string& blob, std::size_t max_bytes) -> Result<std::string> {
    const auto& file = files.at(blob);
    if (file.size() > max_bytes) return fail(ErrorCode::too_large, "it is too large");
    return file;
  };
  return YamlDocumentParser(people).parse({"file.yaml", "blob", text}, {find, read});
}

struct Row {
  std::string text;
  std::string expected;  // the whole line, or its beginning
  std::string file{};    // a.env
};

std::string from_file() {
  return released_target("  variables: {own: 1}\n  variablesFrom: [a.env]\n");
}
std::string windows(const std::string& list) {
  return environment_with_driver("  windows:\n" + list);
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      // variablesFrom: lines 5 to 7 are service, environment, release
      {released_target("  variablesFrom: a.env\n"),
       "file.yaml:8:18: error: wrong type of 'variablesFrom': found 'a.env'"},
      {released_target("  variablesFrom: [../a.env]\n"),
       "file.yaml:8:19: error: wrong value of 'variablesFrom': found '../a.env', expected a path in the repository"},
      {released_target("  variablesFrom: [b.env]\n"), "file.yaml:8:19: error: no file 'b.env' in the repository"},
      {released_target("  variablesFrom: [a.env, a.env]\n"), "file.yaml:8:26: error: the file 'a.env' is there twice"},
      {released_target("  variablesFrom: [a, b, c, d, e, f, g, h, i]\n"),
       "file.yaml:8:18: error: wrong value of 'variablesFrom': found a list, expected at most 8 files"},
      {from_file(), "file.yaml:9:19: error: the file 'a.env' is not UTF-8", "A=\xC3\x28\n"},
      {from_file(), "file.yaml:9:19: error: the file 'a.env' cannot be read: it is too large",
       std::string(70'000, 'x')},
      {from_file(), "a.env:2:3: error: a line that gives no variable: found 'nothing', expected NAME=VALUE",
       "A=1\n  nothing\n"},
      {from_file(), "a.env:3:1: error: wrong name of a variable: found '9a'", "# first\n\n9a=1\n"},
      {from_file(), "a.env:3:1: error: the variable 'a' is given twice: expected it once; line 1 has it already",
       "A=1\nB=2\na=3\n"},
      {from_file(), "a.env:1:4: error: the value of 'A' has no closing quote", "A= \"open\n"},
      {from_file(), "a.env:1:3: error: wrong value of 'A': found '-rf', expected a value that does not begin with '-'",
       "A=-rf\n"},
      {from_file(), "a.env:1:3: error: wrong value of 'A': found '${B}', expected a value without ${...}", "A=${B}\n"},
      {from_file(), "a.env:1:3: error: wrong value of 'A': found '${B}', expected a value without ${...}",
       "\xEF\xBB\xBF"
       "A=${B}\n"},
      {from_file(), "a.env:1:3: error: the value of 'A' is too long: found 5000 bytes", "A=" + std::string(5000, 'x')},
      {from_file(), "a.env:2:3: error: wrong value of 'B': found 'a\\x01b', expected one line of text",
       "A=1\nB=a\x01"
       "b\n"},
      // verifications: stage() begins in line 5, the fields of one in line 8
      {verification("tcp: {port: 1}"), "file.yaml:8:31: error: missing field 'host' of a tcp check"},
      {verification("tcp: {host: a}"), "file.yaml:8:31: error: missing field 'port' of a tcp check"},
      {verification("tcp: {host: a, port: 0}"),
       "file.yaml:8:47: error: wrong value of 'port': found '0', expected a whole number from 1 to 65535"},
      {verification("tcp: {host: a, port: 1, path: x}"), "file.yaml:8:50: error: unknown field 'path' of a tcp check"},
      {verification("tcp: {host: \"a:b/c\", port: 1}"),
       "file.yaml:8:38: error: wrong value of 'host': found 'a:b/c', expected a host name"},
      {verification("tcp: {host: a, port: 1}, http: {url: \"http://a\"}"),
       "file.yaml:8:26: error: a verification has both 'http' and 'tcp'"},
      {verification("tls: {host: a, expiresIn: {min: 0s}}"), "file.yaml:8:58: error: wrong value of 'min'"},
      {verification("tls: {host: a, expiresIn: {}}"),
       "file.yaml:8:52: error: missing field 'min' of a bound of a certificate's time"},
      {verification("tls: {port: 443}"), "file.yaml:8:31: error: missing field 'host' of a tls check"},
      {verification("tls: {host: a, sni: b}"), "file.yaml:8:41: error: unknown field 'sni' of a tls check"},
      {verification("dns: {expect: [203.0.113.7]}"), "file.yaml:8:31: error: missing field 'name' of a dns check"},
      {verification("dns: {name: a}"), "file.yaml:8:31: error: missing field 'expect' of a dns check"},
      {verification("dns: {name: a, expect: []}"),
       "file.yaml:8:49: error: wrong value of 'expect': found a list, expected 1 to 32 addresses"},
      {verification("dns: {name: a, expect: [one]}"),
       "file.yaml:8:50: error: wrong value of 'expect': found 'one', expected an address"},
      {verification("dns: {name: a, expect: [203.0.113.7, 203.0.113.7]}"),
       "file.yaml:8:63: error: the address '203.0.113.7' is there twice"},
      {verification("dns: {name: a, expect: [203.0.113.7], type: A}"),
       "file.yaml:8:64: error: unknown field 'type' of a dns check"},
      {verification("http: {url: \"http://a\", followRedirects: maybe}"),
       "file.yaml:8:67: error: wrong type of 'followRedirects': found 'maybe', expected true or false"},
      {verification("http: {url: \"http://a\", expect: {header: [a]}}"),
       "file.yaml:8:67: error: wrong type of 'header'"},
      {verification("http: {url: \"http://a\", expect: {header: {}}}"),
       "file.yaml:8:67: error: wrong value of 'header'"},
      {verification("http: {url: \"http://a\", expect: {header: {\"a b\": c}}}"),
       "file.yaml:8:68: error: wrong name of a header: found 'a b'"},
      {verification("http: {url: \"http://a\", expect: {header: {A: b, a: c}}}"),
       "file.yaml:8:74: error: the header 'a' is there twice"},
      {verification("http: {url: \"http://a\", expect: {body: {jsonPointer: /a}}}"),
       "file.yaml:8:65: error: an expected body without equals"},
      {verification("http: {url: \"http://a\", expect: {body: {equals: a}}}"),
       "file.yaml:8:65: error: an expected body without jsonPointer"},
      {verification("http: {url: \"http://a\", expect: {body: {jsonPointer: a, equals: b}}}"),
       "file.yaml:8:79: error: wrong value of 'jsonPointer': found 'a'"},
      {verification("http: {url: \"http://a\", expect: {body: {jsonPointer: /~2, equals: b}}}"),
       "file.yaml:8:79: error: wrong value of 'jsonPointer': found '/~2'"},
      {verification("http: {url: \"http://a\", expect: {body: {}}}"),
       "file.yaml:8:65: error: an expected body is incomplete"},
      {verification("http: {url: \"http://a\", expect: {body: {jsonPointer: /a, equals: \"${relase.version}\"}}}"),
       "file.yaml:8:91: error: unknown placeholder, did you mean 'release.version'?"},
      // windows: the list begins in line 7
      {windows("    - {kind: allow, schedule: \"0 0 31 2 *\", duration: 1h, timeZone: UTC}\n"),
       "file.yaml:7:31: error: the schedule never comes: found '0 0 31 2 *', expected a day that there is"},
      {windows("    - {kind: deny, from: 2026-01-01T00:00:00Z, to: 2026-02-01T00:00:00Z}\n"
               "    - {kind: allow, from: 2026-01-02T00:00:00Z, to: 2026-01-03T00:00:00Z}\n"),
       "file.yaml:8:7: error: the window never opens: expected a time that the window in line 7 does not deny"},
  };
  return all;
}

TEST(DocumentTable, SaysWhereEachMistakeIs) {
  std::size_t good = 0;
  for (const auto& row : rows()) {
    const auto parsed = parse_with(row.text, {{"a.env", row.file}});
    const auto text = in_lines(parsed.diagnostics);
    EXPECT_EQ(parsed.diagnostics.size(), 1U) << row.expected << "\n" << text;
    EXPECT_TRUE(text.starts_with(row.expected)) << "expected " << row.expected << "\nfound    " << text;
    EXPECT_TRUE(parsed.documents.empty()) << row.expected;
    for (const auto& said : parsed.diagnostics) {
      const bool of_variables = said.file == "a.env";
      const auto document = of_variables ? row.text : without_line(row.text, said.line);
      const auto variables = of_variables ? without_line(row.file, said.line) : row.file;
      expect_gone(said, parse_with(document, {{"a.env", variables}}).diagnostics);
    }
    good += text.starts_with(row.expected) && parsed.diagnostics.size() == 1 ? 1 : 0;
  }
  std::printf("%zu of %zu mistakes of this table are reported at their place\n", good, rows().size());
}

TEST(VariablesFrom, StandBehindTheDocumentsOwn) {
  const auto parsed =
      parse_with(released_target("  variables: {own: document}\n  variablesFrom: [a.env, b.env]\n"),
                 {{"a.env", "# of all\nOWN=a\r\nboth = a\nempty=\nquoted='a # \"b\"'\n"}, {"b.env", "both=b"}});
  ASSERT_TRUE(parsed.diagnostics.empty()) << in_lines(parsed.diagnostics);
  const auto& target = std::get<Target>(parsed.documents.at(0).document);
  EXPECT_EQ(target.variables, (StringMap{{"own", "document"}, {"both", "b"}, {"empty", ""}, {"quoted", "a # \"b\""}}));
  EXPECT_EQ(target.variables_from, (std::vector<VariablesFile>{{"a.env", "a.env"}, {"b.env", "b.env"}}));
}

}  // namespace
}  // namespace headgate::reconciler::testing
