#include "bench/engine_world.h"

#include <future>
#include <stdexcept>

#include "bench/workload.h"
#include "engine/base/digest.h"

namespace headgate::bench {

using namespace std::chrono_literals;

Timestamp RealClock::now() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}
Duration RealClock::steady() const {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

std::string digest_of(std::string_view text) {
  return sha256_digest(text);
}

EngineWorld::EngineWorld(const std::filesystem::path& dir) {
  auto opened = store::RocksDbLog::open({.dir = dir, .origin = kOrigin});
  if (!opened) throw std::runtime_error(opened.error().message);
  log = std::move(*opened);
  runtime::EngineOptions options;
  options.version = "bench";
  options.origin = kOrigin;
  auto started = runtime::Engine::start(options, *log, snapshots, clock, executor, digest_of, listener,
                                        [](const Error& error) { throw std::runtime_error(error.message); });
  if (!started) throw std::runtime_error(started.error().message);
  engine = std::move(*started);
}

EngineWorld::~EngineWorld() {
  engine->stop(Duration::zero());
}

void EngineWorld::run(Command command, std::string actor) {
  std::promise<Result<Receipt>> promise;
  auto receipt = promise.get_future();
  if (!engine->submit({.command = std::move(command), .actor = std::move(actor)},
                      [&](Result<Receipt> r) { promise.set_value(std::move(r)); })) {
    throw std::runtime_error("the queue is full");
  }
  if (const auto result = receipt.get(); !result) throw std::runtime_error(result.error().message);
}

void EngineWorld::push(const std::string& commit, std::vector<Document> documents) {
  StageDocuments stage{commit, {}, {}};
  for (auto& document : documents) {
    stage.accepted.push_back({{"file.yaml", 1, "blob"}, std::move(document)});
    if (stage.accepted.size() == 200) {
      run(stage);
      stage.accepted.clear();
    }
  }
  if (!stage.accepted.empty()) run(stage);
  run(AcceptConfiguration{"environments", commit});
}

Service bench_service(const std::string& name, const std::vector<std::string>& environments) {
  Service service;
  service.name = name;
  service.gates = {{"tests", {{"coverage", {Decimal{"90"}, {}, {}}}}, 4, {}, {}}};
  for (const auto& environment : environments) {
    Stage stage;
    stage.environment = environment;
    stage.gates = {"tests"};
    stage.approvals = {{"release-managers", 1, 7}};
    for (const auto* hook : {"backup", "migrate", "warm-up"})
      stage.before.push_back({hook, {{"/bin/true"}, {}, 1min}, 9});
    for (const auto* name_of_check : {"health", "smoke", "latency"}) {
      Check check;
      check.name = name_of_check;
      check.http = HttpCheck{"http://127.0.0.1/health", 200, {}, {}};
      stage.verify.push_back(std::move(check));
    }
    service.stages.push_back(std::move(stage));
  }
  return service;
}

Environment bench_environment(const std::string& name) {
  Environment environment;
  environment.name = name;
  environment.driver.deploy = {{"/bin/true"}, {}, 1min};
  environment.driver.observe = {{"/bin/true"}, {}, 1min};
  return environment;
}

AccessPolicy bench_access() {
  AccessPolicy policy;
  policy.name = "access";
  policy.people = {{"person:manager", {}}};
  policy.teams = {{"release-managers", {"person:manager"}}};
  Grant grant;
  grant.team = "release-managers";
  grant.role = Role::approver;
  grant.environments = {"*"};
  policy.grants = {grant};
  return policy;
}

}  // namespace headgate::bench
