// A running engine over the in-memory log, with executors that a test answers for and a clock that it moves.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <mutex>

#include "engine/base/digest.h"
#include "engine/runtime/engine.h"
#include "store/memory_log.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/snapshots.h"

namespace headgate::runtime::testing {

using namespace std::chrono_literals;

inline std::string digest_of(std::string_view text) {
  return sha256_digest(text);
}

using fakes::ManualClock;
using fakes::MemorySnapshots;

// Answers activities as the test says; by default each succeeds at once.
class ScriptedExecutor final : public Executor {
 public:
  std::function<Outcome(const Activity&, std::stop_token)> answer = [](const Activity&, std::stop_token) {
    return Outcome{};
  };
  Outcome execute(const Activity& activity, std::stop_token stop) override {
    {
      const std::scoped_lock lock(mutex);
      started.push_back(to_string(activity.id) + "#" + std::to_string(activity.attempt));
    }
    auto outcome = answer(activity, stop);
    const std::scoped_lock lock(mutex);
    ended.push_back(to_string(activity.id) + "#" + std::to_string(activity.attempt));
    return outcome;
  }
  std::vector<std::string> started_now() {
    const std::scoped_lock lock(mutex);
    return started;
  }

  std::mutex mutex;
  std::vector<std::string> started;
  std::vector<std::string> ended;
};

// Waits for a condition with a deadline in real time; the condition is asked again and again.
template <class F>
::testing::AssertionResult eventually(F condition, std::chrono::seconds limit = 20s) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return ::testing::AssertionSuccess();
    std::this_thread::yield();
  }
  return ::testing::AssertionFailure() << "not within " << limit.count() << " s";
}

inline Service greeter_service() {
  Service service;
  service.name = "greeter";
  Gate gate;
  gate.name = "tests";
  gate.line = 4;
  service.gates = {gate};
  Stage stage;
  stage.environment = "staging";
  stage.gates = {"tests"};
  stage.before = {{"migrate", {{"/bin/true"}, {}, 1min}, 9}};
  Check check;
  check.name = "health";
  check.http = HttpCheck{"http://127.0.0.1/health", 200, {}, {}};
  stage.verify = {check};
  stage.wait = 30s;
  service.stages = {stage};
  return service;
}

inline Environment staging_environment() {
  Environment environment;
  environment.name = "staging";
  environment.driver.deploy = {{"/bin/deploy"}, {}, 1min};
  environment.driver.observe = {{"/bin/observe"}, {}, 1min};
  return environment;
}

inline Target greeter_target(const std::string& version) {
  return {{"greeter", "staging"}, {version, std::string(40, version.back()), {}}, {}, false};
}

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  void TearDown() override {
    if (engine) engine->stop(Duration::zero());
  }
  void start() {
    auto started = Engine::start({.version = "test",
                                  .origin = "test",
                                  .verifier_key = "key",
                                  .queue_limit = queue_limit,
                                  .workers = 4,
                                  .snapshot_every = snapshot_every},
                                 *log, snapshots, clock, executor, digest_of, observer,
                                 [this](const Error& error) { fatal.push_back(error.message); });
    ASSERT_TRUE(started) << started.error().message;
    engine = std::move(*started);
  }
  void restart() {
    engine->stop(Duration::zero());
    engine.reset();
    start();
  }
  Result<Receipt> run(Submission submission) {
    std::promise<Result<Receipt>> promise;
    auto future = promise.get_future();
    EXPECT_TRUE(engine->submit(std::move(submission), [&](Result<Receipt> r) { promise.set_value(std::move(r)); }));
    EXPECT_EQ(future.wait_for(20s), std::future_status::ready);
    return future.get();
  }
  Result<Receipt> run(Command command) { return run(Submission{.command = std::move(command)}); }
  void push(const std::string& commit, std::vector<Document> documents) {
    StageDocuments stage{commit, {}, {}};
    for (auto& document : documents) stage.accepted.push_back({{"file.yaml", 1, "blob"}, std::move(document)});
    ASSERT_TRUE(run(stage));
    ASSERT_TRUE(run(AcceptConfiguration{"environments", commit}));
  }
  // Version v1 wished in staging, observed to be empty there, its gate passed.
  void begin_promotion() {
    push("c1", {greeter_service(), staging_environment(), greeter_target("v1")});
    ASSERT_TRUE(run(RecordObservation{{"greeter", "staging"}, {}}));
    ASSERT_TRUE(run(ReportGate{"greeter", std::string(40, '1'), {}, "tests", GateStatus::passed, {}, {}, {}, {}}));
  }
  template <class E>
  std::size_t count() const {
    std::size_t n = 0;
    EXPECT_TRUE(log->fold(0, log->size(), [&](const Recorded<Event>& e) { n += std::holds_alternative<E>(e.event); }));
    return n;
  }

  std::size_t queue_limit = 1000;
  Position snapshot_every = 1'000'000;
  ManualClock clock;
  std::unique_ptr<store::MemoryLog> memory = std::make_unique<store::MemoryLog>("test");
  EventLog* log = memory.get();
  MemorySnapshots snapshots;
  ScriptedExecutor executor;
  Observer observer;
  std::vector<std::string> fatal;
  std::unique_ptr<Engine> engine;
};

}  // namespace headgate::runtime::testing
