#include "tests/pipelines/repository_text.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "reconciler/documents_parser.h"
#include "reconciler/git_blob_id.h"
#include "reconciler/yaml_diagnostics.h"

namespace headgate::pipelines {
namespace {

namespace fs = std::filesystem;

std::size_t indentation(const std::string& line) {
  const auto first = line.find_first_not_of(' ');
  return first == std::string::npos ? std::string::npos : first;
}

// One past the last line that is nested under `at`.
std::size_t end_of(const std::vector<std::string>& lines, std::size_t at) {
  const auto depth = indentation(lines[at]);
  auto end = at + 1;
  for (auto next = end; next < lines.size(); ++next) {
    const auto indent = indentation(lines[next]);
    if (indent == std::string::npos) continue;
    if (indent <= depth) break;
    end = next + 1;
  }
  return end;
}

std::vector<std::string> split(std::string_view text, std::string_view by) {
  std::vector<std::string> parts;
  for (;;) {
    const auto at = text.find(by);
    parts.push_back(trimmed(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + by.size());
  }
}

}  // namespace

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Result<RepositoryText> RepositoryText::read(const fs::path& directory) {
  RepositoryText repository;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(directory, error); !error && at != fs::recursive_directory_iterator();
       at.increment(error)) {
    if (!at->is_regular_file()) continue;
    std::ifstream in(at->path(), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    repository.files_[fs::relative(at->path(), directory).generic_string()] = text.str();
  }
  if (error) return fail(ErrorCode::io, "cannot read " + directory.string() + ": " + error.message());
  return repository;
}

Result<Cut> RepositoryText::find(const Cite& cite) const {
  const auto file = files_.find(cite.file);
  if (file == files_.end()) return fail(ErrorCode::not_found, "no file " + cite.file);
  const auto lines = lines_of(file->second);
  std::vector<Cut> found{{cite.file, 0, lines.size()}};
  for (const auto& text : split(cite.text, " > ")) {
    std::vector<Cut> within;
    for (const auto& range : found) {
      for (auto at = range.begin; at < range.end; ++at) {
        if (trimmed(lines[at]) == text) within.push_back({cite.file, at, end_of(lines, at)});
      }
    }
    found = std::move(within);
  }
  const auto what = "'" + cite.text + "' in " + cite.file;
  if (found.empty()) return fail(ErrorCode::not_found, "no line " + what);
  if (cite.nth == 0 && found.size() == 1) return found.front();
  if (cite.nth == 0) {
    std::string where;
    for (const auto& cut : found) where += (where.empty() ? "" : ", ") + std::to_string(cut.begin + 1);
    return fail(ErrorCode::conflict, "several lines " + what + ": " + where +
                                         "; name the line that one of them is in, "
                                         "or which of them is meant, as (2nd)");
  }
  if (cite.nth > found.size()) {
    return fail(ErrorCode::not_found, "only " + std::to_string(found.size()) + " lines " + what);
  }
  return found[cite.nth - 1];
}

RepositoryText RepositoryText::without(std::vector<Cut> cuts) const {
  auto rest = *this;
  for (auto& [path, text] : rest.files_) {
    if (std::ranges::none_of(cuts, [&](const Cut& cut) { return cut.file == path; })) continue;
    const auto lines = lines_of(text);
    text.clear();
    for (std::size_t at = 0; at < lines.size(); ++at) {
      const bool gone = std::ranges::any_of(
          cuts, [&](const Cut& cut) { return cut.file == path && cut.begin <= at && at < cut.end; });
      if (!gone) text += lines[at] + "\n";
    }
  }
  return rest;
}

ParsedRepository RepositoryText::parse(People& people) const {
  const reconciler::YamlDocumentParser parser(people);
  std::map<std::string, std::string> path_of_blob;
  for (const auto& [path, text] : files_) path_of_blob[reconciler::git_blob_id(text)] = path;
  const CommitFiles files{[&](std::string_view path) -> std::optional<std::string> {
                            const auto file = files_.find(std::string(path));
                            if (file == files_.end()) return std::nullopt;
                            return reconciler::git_blob_id(file->second);
                          },
                          [&](const std::string& blob, std::size_t) -> Result<std::string> {
                            const auto path = path_of_blob.find(blob);
                            if (path == path_of_blob.end()) return fail(ErrorCode::not_found, "no such file");
                            return files_.at(path->second);
                          }};
  ParsedRepository all;
  for (const auto& [path, text] : files_) {
    if (!reconciler::is_document_file(path)) continue;
    auto parsed = parser.parse({path, reconciler::git_blob_id(text), text}, files);
    std::ranges::move(parsed.documents, std::back_inserter(all.documents));
    reconciler::append_new(all.diagnostics, std::move(parsed.diagnostics));
  }
  if (!all.diagnostics.empty()) return all;
  std::vector<const SourcedDocument*> sourced;
  for (const auto& document : all.documents) sourced.push_back(&document);
  all.diagnostics = parser.check(sourced, files);
  return all;
}

}  // namespace headgate::pipelines
