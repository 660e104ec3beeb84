// The watched repositories, as the API sees and nudges them.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "api/dependencies.h"
#include "app/server_config.h"
#include "reconciler/git_repository.h"
#include "reconciler/reconciler.h"
#include "reconciler/source_watch.h"

namespace headgate::app {

// A source repository that is followed.
struct WatchedSource {
  std::unique_ptr<reconciler::GitRepository> repository;
  std::unique_ptr<reconciler::SourceWatch> watch{};
};

class WatchedRepositories final : public api::RepositoryControl {
 public:
  WatchedRepositories(const ServerConfig& config, reconciler::GitRepository& repository,
                      const reconciler::Reconciler& reconciler, const std::vector<WatchedSource>& sources)
      : config_(config), repository_(repository), reconciler_(reconciler), sources_(sources) {}
  std::vector<api::RepositoryStatus> list() const override;
  Result<void> sync(std::string_view name) override;

 private:
  const ServerConfig& config_;
  reconciler::GitRepository& repository_;
  const reconciler::Reconciler& reconciler_;
  const std::vector<WatchedSource>& sources_;
};

}  // namespace headgate::app
