#include "app/watched_repositories.h"

#include <string>
#include <utility>

namespace headgate::app {

std::vector<api::RepositoryStatus> WatchedRepositories::list() const {
  const auto status = reconciler_.status();
  const auto& own = config_.repository;
  std::vector<api::RepositoryStatus> all{
      {own.name, repository_.display_url(), own.branch, status.head, status.last_fetch, status.error}};
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const auto& source = config_.sources[i];
    const auto followed = sources_[i].watch->status();
    std::string branches;
    for (const auto& branch : source.branches) branches += (branches.empty() ? "" : ", ") + branch;
    all.push_back({source.name, sources_[i].repository->display_url(), std::move(branches), followed.head,
                   followed.last_fetch, followed.error});
  }
  return all;
}

Result<void> WatchedRepositories::sync(std::string_view name) {
  if (name == config_.repository.name) {
    repository_.nudge();
    return {};
  }
  auto known = config_.repository.name;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (name == config_.sources[i].name) {
      sources_[i].repository->nudge();
      return {};
    }
    known += ", " + config_.sources[i].name;
  }
  return fail(ErrorCode::not_found, "no repository '" + std::string(name) + "'; known: " + known);
}

}  // namespace headgate::app
