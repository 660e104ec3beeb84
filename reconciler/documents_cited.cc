#include "reconciler/documents_cited.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "reconciler/documents_kinds.h"
#include "reconciler/yaml_tree.h"

namespace headgate::reconciler {
namespace {

struct Cited {
  Place place;
  std::string found;
};

const YamlNode* child_of(const YamlNode& node, std::string_view name) {
  if (name == "${location}") return mention_of_location(node);
  for (const auto [key, value] : YamlEntries(node)) {
    if (key.text == name) return &value;
  }
  std::size_t at = 0;
  for (const auto& item : YamlItems(node)) {
    const bool is_text = item.kind == YamlNode::Kind::scalar;
    if (is_text ? item.text == name : std::to_string(at) == name) return &item;
    ++at;
  }
  return nullptr;
}

Cited cited(const YamlNode& root, std::string_view path) {
  const auto* node = &root;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto* child = child_of(*node, path.substr(0, path.find('/')));
    if (child == nullptr) return {node->place, {}};
    node = child;
    path.remove_prefix(std::min(path.find('/'), path.size()));
  }
  return {node->place, node->kind == YamlNode::Kind::scalar ? quoted(node->text) : std::string()};
}

bool says(const YamlNode& root, std::string_view field, std::string_view text) {
  const auto* node = child_of(root, field);
  return node != nullptr && node->text == text;
}

// A document in force may have moved within its file since it was read: then its name tells.
bool is_it(const YamlNode& root, const SourcedDocument& document, bool same_file) {
  if (same_file) return root.place.line == document.source.line;
  const auto key = key_of(document.document);
  const auto* metadata = child_of(root, "metadata");
  return metadata != nullptr && says(root, "kind", name_of(key.kind)) && says(*metadata, "name", key.name);
}

std::vector<Diagnostic> of_file(std::span<Citation> citations, const CommitFiles& files) {
  const auto& file = citations.front().document->source.file;
  const auto blob = files.find && files.read ? files.find(file) : std::nullopt;
  const auto text = blob ? files.read(*blob, kMaxFileBytes).value_or(std::string()) : std::string();
  std::vector<std::optional<Cited>> places(citations.size());
  DiagnosticSink known(file, text);  // what is wrong with the file itself was said when it was parsed
  read_yaml(text, known, [&](const YamlNode& root) {
    for (std::size_t i = 0; i < citations.size(); ++i) {
      const auto& document = *citations[i].document;
      if (places[i] || !is_it(root, document, blob == document.source.blob)) continue;
      places[i] = cited(root, citations[i].path);
    }
  });
  DiagnosticSink sink(file, text);
  for (std::size_t i = 0; i < citations.size(); ++i) {
    auto& [document, path, message, expected] = citations[i];
    const auto at = places[i].value_or(Cited{{document->source.line, 1}, {}});
    sink.add(at.place, std::move(message), at.found, std::move(expected));
  }
  return sink.take();
}

}  // namespace

std::vector<Diagnostic> diagnostics_of(std::vector<Citation> citations, const CommitFiles& files) {
  const auto file_of = [](const Citation& citation) { return std::string_view(citation.document->source.file); };
  std::ranges::stable_sort(citations, {}, file_of);
  std::vector<Diagnostic> all;
  for (auto begin = citations.begin(); begin != citations.end();) {
    const auto end = std::find_if(begin, citations.end(), [&](const auto& c) { return file_of(c) != file_of(*begin); });
    std::ranges::move(of_file({begin, end}, files), std::back_inserter(all));
    begin = end;
  }
  return all;
}

}  // namespace headgate::reconciler
