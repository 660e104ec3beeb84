#include "tests/pipelines/source_repository.h"

#include <algorithm>

#include "reconciler/git_source.h"
#include "tests/domain/fixture.h"

namespace headgate::pipelines {

std::string path_within(const std::string& pattern) {
  std::string path;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] != '*') {
      path += pattern[at];
      continue;
    }
    if (at + 1 < pattern.size() && pattern[at + 1] == '*') ++at;
    path += "changed";
  }
  return path;
}

void SourceRepository::commit(const std::string& id, const std::string& branch, const std::vector<std::string>& paths) {
  const auto on = branches_.find(branch);
  const auto main = branches_.find("main");
  const auto parent = on != branches_.end() ? on->second : main != branches_.end() ? main->second : std::string();
  auto files = parent.empty() ? std::map<std::string, std::string>() : commits_.at(parent).files;
  for (const auto& path : paths) files[path] = id;
  commits_[id] = {parent, std::move(files)};
  branches_[branch] = id;
}

std::vector<SourceObserved> SourceRepository::observe(const State& state, const std::string& id,
                                                      const std::string& branch, const std::string& tag) const {
  std::vector<SourceObserved> all;
  for (const auto& [name, service] : state.services) {
    if (!service.document || !service.document->document.source) continue;
    const auto& source = *service.document->document.source;
    const auto tree_at = [&](const std::string& commit) {
      std::string text;
      for (const auto& [path, content] : commits_.at(commit).files) {
        const bool its_own =
            source.paths.empty() || std::ranges::any_of(source.paths, [&, &file = path](const auto& p) {
              return reconciler::path_matches(p, file);
            });
        if (its_own) text += path + "=" + content + "\n";
      }
      return test::test_digest(text);
    };
    auto commit = id;
    const auto tree = tree_at(id);
    while (!commits_.at(commit).parent.empty() && tree_at(commits_.at(commit).parent) == tree) {
      commit = commits_.at(commit).parent;
    }
    all.push_back({{name}, commit, source.repository, branch, tag, id, tree});
  }
  return all;
}

}  // namespace headgate::pipelines
