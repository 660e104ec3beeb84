// The schemas and the reader say the same of a document's shape.
#include "reconciler/document_schemas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <functional>
#include <map>
#include <set>

#include "tests/reconciler/document_corpus.h"
#include "tests/reconciler/documents_support.h"

namespace headgate::reconciler::testing {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using Words = std::set<std::string>;
using Path = std::vector<std::string>;  // field names; "[]" is the one item of a list, "{}" any name of a map

constexpr std::array kKinds{DocumentKind::service, DocumentKind::environment, DocumentKind::target,
                            DocumentKind::access_policy, DocumentKind::notification_policy};

std::string to_text(const Path& path) {
  std::string text;
  for (const auto& part : path) text += (text.empty() || part == "[]" ? "" : ".") + part;
  return text.empty() ? "the document" : text;
}

Words words_of(const json::value& list) {
  Words words;
  for (const auto& word : list.as_array()) words.emplace(word.as_string());
  return words;
}

// "a, b or c"
Words words_of(std::string text) {
  Words words;
  if (const auto last = text.rfind(" or "); last != std::string::npos) text.replace(last, 4, ", ");
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(", ", at), text.size());
    words.insert(text.substr(at, end - at));
    at = end + 2;
  }
  return words;
}

// Calls `visit` with the path and the schema of everything that a document of the kind can hold.
class SchemaWalk {
 public:
  using Visit = std::function<void(const Path&, const json::object&)>;
  SchemaWalk(DocumentKind kind, Visit visit) : schema_(json::parse(schema_text(kind))), visit_(std::move(visit)) {
    walk(schema_.as_object());
  }

 private:
  void walk(const json::object& schema) {
    if (const auto* ref = schema.if_contains("$ref")) {
      const auto name = std::string(ref->as_string()).substr(std::string_view("#/definitions/").size());
      walk(schema_.at("definitions").at(name).as_object());
      return;
    }
    visit_(path_, schema);
    for (const auto* several : {"allOf", "anyOf", "oneOf"}) {
      if (const auto* choices = schema.if_contains(several)) {
        for (const auto& choice : choices->as_array()) walk(choice.as_object());
      }
    }
    if (const auto* properties = schema.if_contains("properties")) {
      for (const auto& [name, property] : properties->as_object()) walk_into(std::string(name), property);
    }
    if (const auto* items = schema.if_contains("items")) walk_into("[]", *items);
    if (const auto* values = schema.if_contains("additionalProperties"); values != nullptr && values->is_object()) {
      walk_into("{}", *values);
    }
  }
  void walk_into(std::string part, const json::value& schema) {
    path_.push_back(std::move(part));
    walk(schema.as_object());
    path_.pop_back();
  }

  json::value schema_;
  Visit visit_;
  Path path_;
};

// A document with `value` at the path and, but for the way there, nothing else.
std::string document_with(DocumentKind kind, const Path& path, json::value value) {
  for (auto part = path.rbegin(); part != path.rend(); ++part) {
    json::value outer;
    if (*part == "[]") {
      outer.emplace_array().push_back(std::move(value));
    } else {
      outer.emplace_object().emplace(*part == "{}" ? "x" : *part, std::move(value));
    }
    value = std::move(outer);
  }
  auto& document = value.as_object();
  document.emplace("apiVersion", "headgate.dev/v1");
  document.emplace("kind", name_of(kind));
  if (!path.empty()) {
    document.emplace("metadata", json::object{{"name", kind == DocumentKind::target ? "a.b" : "a"}});
    document.emplace("spec", json::object());
  }
  return json::serialize(value);
}

TEST(DocumentSchemas, KnowTheFieldsThatTheReaderKnows) {
  int objects = 0;
  for (const auto kind : kKinds) {
    SchemaWalk(kind, [&](const Path& path, const json::object& schema) {
      const auto* properties = schema.if_contains("properties");
      if (properties == nullptr) return;
      ++objects;
      SCOPED_TRACE(std::string(name_of(kind)) + ": " + to_text(path));
      Words in_schema;
      for (const auto& [name, property] : properties->as_object()) in_schema.emplace(name);
      EXPECT_EQ(schema.at("additionalProperties"), json::value(false));

      const auto text = document_with(kind, path, json::object{{"zz_unknown", 1}});
      const auto diagnostics = parse(text).diagnostics;
      const std::string unknown = "unknown field 'zz_unknown' of ";
      const auto found =
          std::ranges::find_if(diagnostics, [&](const Diagnostic& d) { return d.message.starts_with(unknown); });
      ASSERT_NE(found, diagnostics.end()) << "the reader knows no such place\n"
                                          << text << "\n"
                                          << in_lines(diagnostics);
      auto in_reader = found->expected == "no field at all" ? Words() : words_of(found->expected);
      // Known of all kinds, and refused with its own words where nothing could be carried over.
      const bool nameless = kind == DocumentKind::access_policy || kind == DocumentKind::notification_policy;
      if (nameless && to_text(path) == "metadata") {
        EXPECT_EQ(in_reader.erase("formerly"), 1U);
      }
      for (const auto& name : in_reader) {
        EXPECT_TRUE(in_schema.contains(name)) << "the reader knows the field '" << name << "' and the schema does not";
      }
      for (const auto& name : in_schema) {
        EXPECT_TRUE(in_reader.contains(name)) << "the schema knows the field '" << name << "' and the reader does not";
      }

      const auto section = found->message.substr(unknown.size(), found->message.find(',') - unknown.size());
      Words missing;
      for (const auto& d : diagnostics) {
        const auto end = d.message.find("' of " + section);
        if (d.message.starts_with("missing field '") && end != std::string::npos) {
          missing.insert(d.message.substr(15, end - 15));
        }
      }
      auto required = schema.contains("required") ? words_of(schema.at("required")) : Words();
      if (path.empty()) {  // what document_with gives
        required.erase("apiVersion");
        required.erase("kind");
      }
      EXPECT_EQ(missing, required) << "the fields that must be there";
    });
  }
  EXPECT_GT(objects, 40);
}

TEST(DocumentSchemas, KnowTheWordsThatTheReaderKnows) {
  int enums = 0;
  for (const auto kind : kKinds) {
    SchemaWalk(kind, [&](const Path& path, const json::object& schema) {
      const auto* words = schema.if_contains("enum");
      if (words == nullptr || !words->as_array()[0].is_string() || path.size() < 2) return;
      if (*words == json::array{"*"} || *words == json::array{"desired"}) return;  // beside other shapes
      ++enums;
      SCOPED_TRACE(std::string(name_of(kind)) + ": " + to_text(path));
      const auto diagnostics = parse(document_with(kind, path, "zz-wrong")).diagnostics;
      const auto found =
          std::ranges::find_if(diagnostics, [&](const Diagnostic& d) { return d.found == "'zz-wrong'"; });
      ASSERT_NE(found, diagnostics.end()) << in_lines(diagnostics);
      EXPECT_EQ(words_of(found->expected), words_of(*words));
    });
  }
  EXPECT_GT(enums, 4);
}

TEST(DocumentSchemas, DescribeEachField) {
  for (const auto kind : kKinds) {
    SchemaWalk(kind, [&](const Path& path, const json::object& schema) {
      if (const auto* properties = schema.if_contains("properties")) {
        for (const auto& [name, property] : properties->as_object()) {
          const auto& object = property.as_object();
          EXPECT_TRUE(object.contains("description") || object.contains("$ref") || object.contains("enum"))
              << name_of(kind) << ": " << to_text(path) << "." << std::string_view(name);
        }
      }
    });
  }
}

// Everything that differs from the corpus in one place.
void for_each_mutant(json::value& root, json::value& at, const std::function<void(const std::string& what)>& judge,
                     const std::string& where) {
  if (at.is_object()) {
    auto& object = at.as_object();
    object.emplace("zz_unknown", 1);
    judge(where + " with an unknown field");
    object.erase("zz_unknown");
    std::vector<std::string> names;
    for (const auto& [name, value] : object) names.emplace_back(name);
    for (const auto& name : names) {
      const auto kept = object.at(name);
      object.erase(name);
      judge(where + " without " + name);
      object.emplace(name, kept);
      for_each_mutant(root, object.at(name), judge, where + "." + name);
    }
  } else if (at.is_array()) {
    auto& list = at.as_array();
    for (std::size_t i = 0; i < list.size(); ++i)
      for_each_mutant(root, list[i], judge, where + "[" + std::to_string(i) + "]");
  }
  const auto kept = at;
  for (const auto* other : {"null", "[]", "{}", "\"\"", "\"zz wrong\"", "\"30s\"", "\"x\"", "1.5", "-1", "0", "7",
                            "100000", "true", "false", "[\"zz\"]", "[\"zz\", \"zz\"]", "[null]", "{\"zz\": 1}"}) {
    at = json::parse(other);
    judge(where + ": " + other);
  }
  at = kept;
}

bool is_of_shape(const Diagnostic& diagnostic) {
  const auto& message = diagnostic.message;
  return message.starts_with("unknown field") || message.starts_with("missing field") ||
         message.starts_with("wrong type of") || message.find(" has both ") != std::string::npos;
}

ParsedDocuments parse_in_repository(const std::string& text) {
  OfflinePeople people;
  const CommitFiles files(
      [](std::string_view path) { return std::optional<std::string>("blob of " + std::string(path)); },
      [](const std::string&, std::size_t) { return Result<std::string>("A=1\n"); });
  return YamlDocumentParser(people).parse({"file.yaml", "blob-of-file", text}, files);
}

TEST(DocumentSchemas, AcceptAndRefuseWhatTheReaderDoes) {
  int mutants = 0;
  int refused = 0;
  for (const auto& [kind, text] : kCorpus) {
    auto document = json::parse(text);
    const auto whole = parse_in_repository(json::serialize(document));
    ASSERT_TRUE(whole.diagnostics.empty()) << in_lines(whole.diagnostics);
    for_each_mutant(
        document, document,
        [&, kind = kind](const std::string& what) {
          if (!document.is_object()) return;
          ++mutants;
          const auto mutant = json::serialize(document);
          std::optional<std::string> problem;
          DiagnosticSink sink("file.yaml", mutant);
          read_yaml(mutant, sink, [&](const YamlNode& root) {
            if (const auto found = schema_problem(kind, root)) problem = found->message;
          });
          const auto diagnostics = parse_in_repository(mutant).diagnostics;
          refused += problem ? 1 : 0;
          if (diagnostics.empty()) {
            EXPECT_FALSE(problem) << what << ": the schema refuses what the reader accepts: " << *problem;
          } else if (!problem) {
            EXPECT_TRUE(std::ranges::none_of(diagnostics, is_of_shape))
                << what << ": the schema accepts what the reader refuses:\n"
                << in_lines(diagnostics);
          }
          EXPECT_TRUE(std::ranges::none_of(diagnostics,
                                           [](const Diagnostic& d) { return d.message.starts_with("the schema of "); }))
              << what << ": " << in_lines(diagnostics);
        },
        std::string(name_of(kind)));
  }
  std::printf("%d documents that differ in one place, %d refused by their schema\n", mutants, refused);
  EXPECT_GT(refused, 1000);
  EXPECT_GT(mutants, refused);
}

TEST(DocumentSchemas, AreTriedWithEveryFieldThatTheyKnow) {
  for (const auto kind : kKinds) {
    std::vector<json::value> documents;
    for (const auto& [of, text] : kCorpus) {
      if (of == kind) documents.push_back(json::parse(text));
    }
    // What is defined once is tried once, wherever it stands.
    std::map<const json::object*, std::pair<bool, std::string>> tried;
    const SchemaWalk walk(kind, [&](const Path& path, const json::object& schema) {
      const std::function<bool(const json::value&, std::size_t)> holds = [&](const json::value& at, std::size_t depth) {
        if (depth == path.size()) return true;
        if (path[depth] == "[]") {
          return at.is_array() &&
                 std::ranges::any_of(at.as_array(), [&](const json::value& item) { return holds(item, depth + 1); });
        }
        if (!at.is_object()) return false;
        if (path[depth] == "{}") {
          return std::ranges::any_of(at.as_object(),
                                     [&](const auto& entry) { return holds(entry.value(), depth + 1); });
        }
        const auto* next = at.as_object().if_contains(path[depth]);
        return next != nullptr && holds(*next, depth + 1);
      };
      auto& [is_tried, where] = tried[&schema];
      is_tried =
          is_tried || std::ranges::any_of(documents, [&](const json::value& document) { return holds(document, 0); });
      where = to_text(path);
    });
    for (const auto& [schema, found] : tried) {
      const auto& [is_tried, where] = found;
      EXPECT_TRUE(is_tried) << name_of(kind) << ": no document of the corpus has " << where;
    }
  }
}

// Whether a pattern takes texts of any length.
bool is_endless(std::string_view pattern) {
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '[' || pattern[i] == ']') {
      in_class = pattern[i] == '[';
    } else if (!in_class && (pattern[i] == '*' || pattern[i] == '+')) {
      return true;
    }
  }
  return false;
}

TEST(DocumentSchemas, BoundEachTextThatAnEndlessPatternMatches) {
  int bounded = 0;
  for (const auto kind : kKinds) {
    SchemaWalk(kind, [&](const Path& path, const json::object& schema) {
      const auto* names = schema.if_contains("propertyNames");
      for (const auto* judged : {&schema, names == nullptr ? nullptr : names->if_object()}) {
        const auto* pattern = judged == nullptr ? nullptr : judged->if_contains("pattern");
        if (pattern == nullptr || !is_endless(pattern->as_string())) continue;
        ++bounded;
        const auto* most = judged->if_contains("maxLength");
        ASSERT_NE(most, nullptr) << name_of(kind) << ": " << to_text(path);
        EXPECT_LE(most->as_int64(), 1024) << name_of(kind) << ": " << to_text(path);
      }
    });
  }
  EXPECT_GT(bounded, 10);
}

// Nothing but the reader's bounds keeps such a text away, and this is asked before anybody has read it.
TEST(DocumentSchemas, StandTextsOfAnyLength) {
  const std::string letters(60'000, 'a');
  for (const auto& check :
       {"http: {url: \"http://a/\", expect: {body: {equals: 1, jsonPointer: \"/" + letters + "\"}}}",
        "http: {url: \"http://a/\", expect: {header: {? " + letters + " : b}}}",
        "http: {url: \"http://a/\"}, interval: " + std::string(60'000, '0') + "1s"}) {
    const auto text =
        "apiVersion: headgate.dev/v1\nkind: Service\nmetadata: {name: a}\nspec:\n  stages:\n    - environment: a\n"
        "      verify:\n        - {name: c, " +
        check + "}\n";
    DiagnosticSink sink("file.yaml", text);
    int refused = 0;
    read_yaml(text, sink, [&](const YamlNode& root) {
      if (schema_problem(DocumentKind::service, root)) ++refused;
    });
    EXPECT_EQ(sink.count(), 0U);
    EXPECT_EQ(refused, 1);
  }
}

TEST(DocumentSchemas, SayWhereTheyRefuse) {
  const std::string text =
      "apiVersion: headgate.dev/v1\nkind: Service\nmetadata: {name: a}\nspec:\n  stages:\n    - environment: a\n"
      "    - environment: b\n      verify: [{name: c, tcp: {host: d, port: none}}]\n";
  DiagnosticSink sink("file.yaml", text);
  bool refused = false;
  read_yaml(text, sink, [&](const YamlNode& root) {
    const auto problem = schema_problem(DocumentKind::service, root);
    ASSERT_TRUE(problem);
    refused = true;
    EXPECT_EQ(problem->node->place.line, 8U);
  });
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace headgate::reconciler::testing
