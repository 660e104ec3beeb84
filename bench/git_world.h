// An engine that follows a repository of 10,000 services on this host.
#pragma once

#include "bench/bare_repository.h"
#include "bench/engine_world.h"
#include "reconciler/documents_parser.h"
#include "reconciler/git_repository.h"
#include "reconciler/offline_people.h"
#include "reconciler/reconciler.h"

namespace headgate::bench {

// With a repository of its own below `dir`, whose configuration is in force. It looks again when it is told to.
struct GitWorld {
  explicit GitWorld(const std::filesystem::path& dir);

  // The next commit: service-<i> of staging wishes release v<version>. remote.publish() moves the branch to it.
  void wish(int service, int version);

  BareRepository remote;
  EngineWorld world;
  reconciler::OfflinePeople people;
  const reconciler::YamlDocumentParser parser{people};
  std::unique_ptr<reconciler::GitRepository> repository;
  reconciler::ProcessRunner runner;
  reconciler::ScriptExports exports;
  const Result<reconciler::CommandPolicy> policy = reconciler::CommandPolicy::make({});
  reconciler::CommandDriver driver;
  reconciler::Reconciler reconciler;
};

}  // namespace headgate::bench
