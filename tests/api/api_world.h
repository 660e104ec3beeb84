// A whole server on a real socket: the engine over a log in memory, an executor that does as it is told, and one
// configuration:
//
//   gateway   staging     gate unit-tests
//             production  gate unit-tests, verified in staging, two approvals of managers
//   billing   staging     nothing
//
// carol and dave are managers and approvers, erin is a manager without the role; alice is an operator and a manager.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/backup_control.h"
#include "api/http_server.h"
#include "api/json.h"
#include "api/metrics.h"
#include "api/service.h"
#include "store/memory_log.h"
#include "tests/api/raw_client.h"
#include "tests/api/server_fixture.h"
#include "tests/store/temp_dir.h"

namespace headgate::api::test {

struct SystemClock final : Clock {
  Timestamp now() const override { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }
  Duration steady() const override {
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
  }
};

struct NoSnapshots final : Snapshots {
  Result<void> save(const State&, const Hash&) override { return {}; }
  std::optional<Snapshot> load(Position) const override { return std::nullopt; }
};

// Every activity succeeds at once, unless it is held or told to fail.
class TestExecutor final : public Executor {
 public:
  Outcome execute(const Activity& activity, std::stop_token stop) override;
  void hold(bool held);
  void fail_next(Outcome outcome);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool held_ = false;
  std::optional<Outcome> next_;
};

struct TestProofs final : LogReadSide {
  bool signed_yet = true;
  Result<std::string> checkpoint() const override;
  std::optional<Timestamp> checkpoint_time() const override { return SystemClock().now() - std::chrono::seconds(7); }
  Result<std::string> proof(Position position) const override;
  Result<std::string> tile(unsigned level, std::uint64_t number, unsigned width) const override;
};

struct TestRepositories final : RepositoryControl {
  mutable std::mutex mutex;
  std::vector<std::string> synced;
  std::vector<RepositoryStatus> list() const override;
  Result<void> sync(std::string_view name) override;
};

// Three backups; one that is begun never ends.
struct TestBackups final : BackupControl {
  mutable std::mutex mutex;
  BackupReport told;
  std::vector<std::optional<std::uint64_t>> begun;
  TestBackups();
  Result<BackupReport> report() const override;
  Result<std::uint64_t> start(std::optional<std::uint64_t> verify) override;
};

std::string token_for(std::string_view who);  // a fixed, well-formed token text

class ApiWorld {
 public:
  explicit ApiWorld(ApiOptions options = {.denial_window = std::chrono::milliseconds(50)}, HttpLimits limits = {});
  ~ApiWorld();

  // One request on a connection of its own. `who` is the name of a token made by `token_of`; empty: none.
  Answer call(std::string_view method, std::string_view path, std::string_view who = "admin",
              std::string_view body = {}, std::string_view headers = {});
  static std::string request(std::string_view method, std::string_view path, std::string_view who,
                             std::string_view body = {}, std::string_view headers = {});

  Result<Receipt> run(Command command, std::string actor = "engine");  // waits until it is durable
  // Makes the token of that name, with these roles everywhere.
  void make_token(std::string_view who, std::vector<Role> roles, std::optional<Timestamp> expires = {});

  // gateway `version` with its gate passed, brought to staging and verified there.
  void release_to_staging(const std::string& version);
  void report_gate(const std::string& version);
  // Asks for it and gives the promotion's id; the test fails otherwise.
  std::string promote(const std::string& version, const std::string& environment, const std::string& reason = {});
  // Waits until a promotion is in this phase (by its path below /v1/promotions/).
  bool reaches(const std::string& id, const std::string& phase);
  std::string plan_digest(const std::string& id);
  std::vector<std::string> stored() const;  // all records of the log
  std::vector<std::string> stored(std::string_view type) const;

  HttpEndpoint endpoint() const { return server->endpoint(); }

  store::TempDir dir;
  SystemClock clock;
  NoSnapshots snapshots;
  TestExecutor executor;
  TestProofs proofs;
  TestRepositories repositories;
  TestBackups backups;
  store::MemoryLog log{"test.example.com"};
  std::unique_ptr<Blobs> blobs;
  std::unique_ptr<People> people;
  Metrics metrics;
  std::unique_ptr<runtime::Engine> engine;
  std::unique_ptr<Api> api;
  std::vector<std::pair<std::string, std::string>> routes;  // method, pattern
  std::unique_ptr<HttpServer> server;
  std::map<std::string, std::string> person;  // name -> person:<id>
  // Called from a worker, one at a time.
  EvidenceDoor evidence = [](auto, const auto&) -> Result<std::string> { return "a zip"; };
  LastLook last_look = [](const TargetId&, const std::string&) { return Look{}; };  // set before it is asked for
  std::optional<std::string> not_ready;
  std::mutex not_ready_mutex;

 private:
  void configure();
};

// The value at a JSON pointer, as text: strings without quotes, numbers as written. "(absent)" where there is none.
std::string at(const Answer& answer, std::string_view pointer);
std::string at(std::string_view json, std::string_view pointer);
std::size_t size_at(std::string_view json, std::string_view pointer);  // of an array

}  // namespace headgate::api::test
