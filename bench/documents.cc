// documents/10k and documents/one-changed: reading the files of an environments repository.
#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include <spanstream>
#include <stdexcept>

#include "bench/topics.h"
#include "reconciler/document_set.h"
#include "reconciler/documents_parser.h"
#include "reconciler/offline_people.h"

namespace headgate::bench {
namespace {

constexpr int kServices = 2000;
constexpr int kEnvironments = 4;

// yaml-cpp's parsing alone: its events, thrown away.
class Nothing final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

std::vector<SourceFile> repository() {
  std::vector<SourceFile> files;
  const auto add = [&](std::string path, std::string text) {
    auto blob = fmt::format("{:040}", files.size());
    files.push_back({std::move(path), std::move(blob), std::move(text)});
  };
  for (int e = 0; e < kEnvironments; ++e) {
    add(fmt::format("environments/e{}.yaml", e),
        fmt::format("apiVersion: headgate.dev/v1\nkind: Environment\nmetadata:\n  name: e{}\nspec:\n  driver:\n    "
                    "command:\n      deploy: [/bin/deploy, \"${{service}}\"]\n      observe: [/bin/observe]\n",
                    e));
  }
  for (int s = 0; s < kServices; ++s) {
    auto text = fmt::format(
        "apiVersion: headgate.dev/v1\nkind: Service\nmetadata:\n  name: s{}\nspec:\n  gates:\n    - name: unit-tests\n"
        "      metrics:\n        coverage: {{min: 80}}\n    - name: lint\n  stages:\n",
        s);
    for (int e = 0; e < kEnvironments; ++e) {
      text += fmt::format(
          "    - environment: e{}\n      requires:\n        gates: [unit-tests, lint]\n      verify:\n"
          "        - name: health\n          http: {{url: \"http://${{service}}.example.com/health\"}}\n"
          "          attempts: 3\n          interval: 5s\n",
          e);
    }
    add(fmt::format("services/s{}.yaml", s), std::move(text));
    for (int e = 0; e < kEnvironments; ++e) {
      add(fmt::format("targets/e{}/s{}.yaml", e, s),
          fmt::format(
              "apiVersion: headgate.dev/v1\nkind: Target\nmetadata:\n  name: s{0}.e{1}\nspec:\n  service: s{0}\n"
              "  environment: e{1}\n  release:\n    version: v1.{0}.0\n  variables:\n    replicas: 3\n"
              "    memory: 2Gi\n",
              s, e));
    }
  }
  return files;
}

std::vector<SourcedDocument> parse(const reconciler::YamlDocumentParser& parser, const SourceFile& file) {
  auto parsed = parser.parse(file, [](std::string_view) { return std::nullopt; });
  if (!parsed.diagnostics.empty()) throw std::runtime_error(to_string(parsed.diagnostics.front()));
  return std::move(parsed.documents);
}

void check(const reconciler::YamlDocumentParser& parser, const std::vector<const SourcedDocument*>& documents) {
  const auto diagnostics = parser.check(documents, [](std::string_view) { return std::nullopt; });
  if (!diagnostics.empty()) throw std::runtime_error(to_string(diagnostics.front()));
}

}  // namespace

void bench_documents(Harness& harness) {
  if (!harness.wants_any({"documents/10k", "documents/one-changed"})) return;
  const auto files = repository();
  reconciler::OfflinePeople people;
  const reconciler::YamlDocumentParser parser(people);
  const auto all = static_cast<double>(files.size());

  harness.compare(
      "documents/10k", "documents/s", Better::more,
      [&] {
        return all / seconds_of([&] {
                 std::vector<SourcedDocument> documents;
                 for (const auto& file : files) {
                   for (auto& document : parse(parser, file)) documents.push_back(std::move(document));
                 }
                 std::vector<const SourcedDocument*> pointers;
                 for (const auto& document : documents) pointers.push_back(&document);
                 check(parser, pointers);
               });
      },
      "yaml-cpp parsing alone",
      [&] {
        return all / seconds_of([&] {
                 for (const auto& file : files) {
                   std::ispanstream stream(std::span<const char>(file.text.data(), file.text.size()));
                   YAML::Parser yaml(stream);
                   Nothing nothing;
                   while (yaml.HandleNextDocument(nothing)) continue;
                 }
               });
      });

  reconciler::DocumentSet in_force;
  reconciler::DocumentSet::Files read;
  for (const auto& file : files) read[file.path] = parse(parser, file);
  in_force.replace(std::move(read));
  int version = 0;
  // What is left of a reading when the blobs say that one file changed: a target, as nearly always.
  harness.measure("documents/one-changed", "ms", [&] {
    auto file = files.back();
    const auto at = file.text.find("version: v1") + 9;
    file.text.replace(at, 2, fmt::format("v{}", ++version % 8 + 2));
    return 1000 * seconds_of([&] {
             reconciler::DocumentSet::Files changed;
             changed[file.path] = parse(parser, file);
             check(parser, in_force.to_check(changed));
             const auto difference = in_force.difference(changed);
             if (difference.accepted.size() != 1) throw std::runtime_error("one document changed");
             in_force.replace(std::move(changed));
           });
  });
}

}  // namespace headgate::bench
