// Observations of real commands, on their way into a real engine.
#include "reconciler/target_observer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>

#include "tests/reconciler/test_directory.h"
#include "tests/runtime/engine_fixture.h"

namespace headgate::reconciler {
namespace {

using namespace std::chrono_literals;
using runtime::testing::eventually;
using ::testing::HasSubstr;

// Time that really goes by, `speed` times as fast by the steady clock.
class RunningClock final : public Clock {
 public:
  Timestamp now() const override { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }
  Duration steady() const override {
    return speed.load() * std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began_);
  }
  std::atomic<int> speed = 1;

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

TEST(TimeToObserve, IsUntilTheNextLookWithinBounds) {
  const headgate::Run patient{{"/bin/observe"}, {}, 15min};
  EXPECT_EQ(time_to_observe(patient, 1s), 1min);
  EXPECT_EQ(time_to_observe(patient, 1min), 1min);
  EXPECT_EQ(time_to_observe(patient, 3min), 3min);
  EXPECT_EQ(time_to_observe(patient, 1h), 5min);
  EXPECT_EQ(time_to_observe({{"/bin/observe"}, {}, 20s}, 3min), 20s) << "what the command has";
}

TEST(FairTurns, LeaveHalfOfTheWorkersToWhatIsNotSlow) {
  FairTurns turns(4);
  EXPECT_TRUE(turns.allows(true));
  turns.begin("staging", true);
  turns.begin("staging", false);
  turns.begin("production", true);
  EXPECT_FALSE(turns.allows(true)) << "two of four";
  EXPECT_TRUE(turns.allows(false));
  EXPECT_EQ(turns.under_way("staging"), 2U);
  EXPECT_EQ(turns.under_way("production"), 1U);
  EXPECT_EQ(turns.under_way("preview"), 0U);
  turns.end("production", true);
  EXPECT_TRUE(turns.allows(true));
  EXPECT_EQ(turns.under_way("production"), 0U);
  EXPECT_TRUE(FairTurns(1).allows(true)) << "a single worker takes every kind";
}

class TargetObserverTest : public runtime::testing::EngineTest {
 protected:
  TargetObserverTest() {
    CommandSettings settings;
    settings.mode = CommandMode::allowlist;
    settings.allow = {{script_.string(), {}}};
    const auto policy = CommandPolicy::make(settings);
    HEADGATE_CHECK(policy.has_value());
    policy_.emplace(*policy);
    driver_.emplace(
        runner_, exports_, *policy_, [](const std::string&) { return fail(ErrorCode::not_found, "no scripts"); },
        directory_.path() / "work", [] { return nullptr; });
  }
  void TearDown() override {
    observer_.reset();
    EngineTest::TearDown();
  }
  void observe(const StateView& state, std::size_t workers = 1) {
    observer_.emplace(workers, state, *engine, *driver_, running_,
                      [this](NoticeLevel, std::string_view message, std::string_view about) {
                        const std::scoped_lock lock(mutex_);
                        told_.push_back(std::string(about) + ": " + std::string(message));
                      });
  }
  std::vector<std::string> told() {
    const std::scoped_lock lock(mutex_);
    return told_;
  }
  // What the observe command prints from now on; each run leaves a dot in `runs`. With the argument `hang` it leaves
  // one in `hung.` and the name of the service, and prints nothing.
  void prints(const std::string& json) {
    std::ofstream(directory_.path() / "new", std::ios::binary) << json << "\n";
    std::filesystem::rename(directory_.path() / "new", directory_.path() / "printed");
  }
  std::size_t runs() const { return directory_.read("runs").size(); }
  std::size_t hung(const std::string& service) const { return directory_.read("hung." + service).size(); }
  // Of `environment`, which is made to hang.
  void hangs(Environment& environment) const { environment.driver.observe.command = {script_.string(), "hang"}; }

  TestDirectory directory_;
  std::filesystem::path script_ = directory_.script(
      "observe", "if [ \"$1\" = hang ]; then\n  printf . >> '" + (directory_.path() / "hung.").string() +
                     "'\"$HEADGATE_SERVICE\"\n  exec sleep 1000\nfi\nprintf . >> '" +
                     (directory_.path() / "runs").string() + "'\ncat '" + (directory_.path() / "printed").string() +
                     "'\n");
  RunningClock running_;
  ProcessRunner runner_{{.lock_directory = directory_.path() / "run", .supervisor = HEADGATE_PROCESS_HOST}};
  ScriptExports exports_{directory_.path() / "exports"};
  std::optional<CommandPolicy> policy_;
  std::optional<CommandDriver> driver_;
  std::optional<TargetObserver> observer_;

 private:
  std::mutex mutex_;
  std::vector<std::string> told_;
};

TEST_F(TargetObserverTest, AnObservationThatIsRefusedIsToldUntilOneIsTaken) {
  std::string artifacts;
  for (int i = 0; i < 30; ++i) {
    artifacts += (i == 0 ? "" : ",") + ("\"a" + std::to_string(i) + "\":\"") + std::string(400, 'x') + "\"";
  }
  prints("{\"version\":\"v1\",\"artifacts\":{" + artifacts + "}}");
  auto environment = runtime::testing::staging_environment();
  environment.driver.observe.command = {script_.string()};
  environment.observe_every = 1ms;
  push("c1", {runtime::testing::greeter_service(), environment, runtime::testing::greeter_target("v1")});
  observe(*engine);
  ASSERT_TRUE(eventually([&] { return runs() >= 3; }));
  ASSERT_EQ(told().size(), 1U) << "once";
  EXPECT_THAT(told().front(), HasSubstr("greeter/staging: cannot observe: "));
  EXPECT_THAT(told().front(), HasSubstr("is too large"));
  EXPECT_EQ(count<TargetObserved>(), 0U);
  const TargetId target{"greeter", "staging"};
  EXPECT_THAT(observer_->last_look(target, "").error, HasSubstr("is too large"));
  EXPECT_EQ(observer_->last_look(target, "").observed, std::nullopt);
  EXPECT_EQ(observer_->unobserved(), (std::map<std::string, std::size_t>{{"staging", 1}}));
  prints("{\"version\":\"v1\"}");
  ASSERT_TRUE(eventually([&] { return count<TargetObserved>() == 1; }));
  EXPECT_EQ(told().size(), 1U);
  ASSERT_TRUE(eventually([&] { return observer_->last_look(target, "").error.empty(); }));
  EXPECT_LE(observer_->last_look(target, "").observed, running_.now());
  EXPECT_EQ(observer_->unobserved(), (std::map<std::string, std::size_t>{{"staging", 0}}));
  prints("nothing of the kind");
  ASSERT_TRUE(eventually([&] { return !observer_->last_look(target, "").error.empty(); }));
  EXPECT_NE(observer_->last_look(target, "").observed, std::nullopt) << "it was seen before";
  EXPECT_THAT(observer_->last_look(target, "").error, HasSubstr("found nothing of the kind; expected one JSON object"));
  prints("null");
  EXPECT_TRUE(eventually([&] {
    return observer_->last_look(target, "").error.find("found null; expected one JSON object") != std::string::npos;
  }));
  EXPECT_EQ(count<TargetObserved>(), 1U);
}

TEST_F(TargetObserverTest, WhatHangsIsToldAndKeepsNobodyElseWaiting) {
  running_.speed = 30;  // so that half a second is enough to be slow
  prints("{\"version\":\"v1\"}");
  auto healthy = runtime::testing::staging_environment();
  healthy.driver.observe.command = {script_.string()};
  healthy.observe_every = 1ms;
  auto hanging = healthy;
  hanging.name = "production";
  hanging.driver.observe.timeout = 500ms;
  hangs(hanging);
  std::vector<Document> documents{runtime::testing::greeter_service(), healthy, hanging,
                                  runtime::testing::greeter_target("v1")};
  const std::vector<std::string> names{"s1", "s2", "s3", "s4", "s5"};
  for (const auto& name : names) {
    auto service = runtime::testing::greeter_service();
    service.name = name;
    service.stages[0].environment = "production";
    documents.emplace_back(service);
    auto target = runtime::testing::greeter_target("v1");
    target.id = {name, "production"};
    documents.emplace_back(target);
  }
  push("c1", documents);
  observe(*engine, 2);
  // Each of them is known to hang once it is looked at for the second time.
  ASSERT_TRUE(eventually([&] { return std::ranges::all_of(names, [&](const auto& n) { return hung(n) >= 2; }); }, 60s));
  for (const auto& name : names) {
    EXPECT_THAT(observer_->last_look({name, "production"}, "").error, HasSubstr("timed out after 500ms"));
  }
  EXPECT_EQ(observer_->unobserved(), (std::map<std::string, std::size_t>{{"production", 5}, {"staging", 0}}));
  EXPECT_EQ(told().size(), 5U) << "each of them once";
  const auto looks_that_hung = [&] {
    std::size_t sum = 0;
    for (const auto& name : names) sum += hung(name);
    return sum;
  };
  const auto runs_before = runs();
  const auto hung_before = looks_that_hung();
  ASSERT_TRUE(eventually([&] { return runs() >= runs_before + 20; }, 60s));
  EXPECT_LT(looks_that_hung() - hung_before, 20U) << "one worker is left to the one that answers";
  EXPECT_EQ(count<TargetObserved>(), 1U);
}

TEST_F(TargetObserverTest, ALookWhoseCommandHasChangedIsStoppedAndBegunAnew) {
  prints("{\"version\":\"v1\"}");
  auto environment = runtime::testing::staging_environment();
  environment.observe_every = 1h;
  hangs(environment);
  push("c1", {runtime::testing::greeter_service(), environment, runtime::testing::greeter_target("v1")});
  observe(*engine);
  ASSERT_TRUE(eventually([&] { return hung("greeter") == 1; }));
  environment.driver.observe.command = {script_.string()};
  push("c2", {runtime::testing::greeter_service(), environment, runtime::testing::greeter_target("v1")});
  observer_->nudge();
  EXPECT_TRUE(eventually([&] { return count<TargetObserved>() == 1; })) << "long before its time limit";
  EXPECT_EQ(hung("greeter"), 1U);
  EXPECT_THAT(told(), ::testing::IsEmpty());
}

// A state that takes as long to read as the test wishes.
class HeldView final : public StateView {
 public:
  void with_state(const std::function<void(const State&)>& read) const override {
    ++looks;
    held.wait(true);
    read(state_);
  }
  mutable std::atomic<int> looks = 0;
  std::atomic<bool> held = true;

 private:
  State state_;
};

TEST_F(TargetObserverTest, WhoeverNudgesWaitsForNoLookAndIsNotForgotten) {
  HeldView view;
  observe(view);
  ASSERT_TRUE(eventually([&] { return view.looks == 1; }));
  auto nudged = std::async(std::launch::async, [&] { observer_->nudge(); });
  EXPECT_EQ(nudged.wait_for(20s), std::future_status::ready);
  view.held = false;
  view.held.notify_all();
  EXPECT_TRUE(eventually([&] { return view.looks >= 2; }));
  observer_.reset();
}

}  // namespace
}  // namespace headgate::reconciler
