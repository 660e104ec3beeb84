// Observations of real commands, on their way into a real engine.
#include "reconciler/target_observer.h"

#include <gmock/gmock.h>

#include "tests/reconciler/test_directory.h"
#include "tests/runtime/engine_fixture.h"

namespace headgate::reconciler {
namespace {

using namespace std::chrono_literals;
using runtime::testing::eventually;
using ::testing::HasSubstr;

// Time that really goes by.
class RunningClock final : public Clock {
 public:
  Timestamp now() const override { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }
  Duration steady() const override {
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
  }
};

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
  void observe(const StateView& state) {
    observer_.emplace(1, state, *engine, *driver_, running_,
                      [this](NoticeLevel, std::string_view message, std::string_view about) {
                        const std::scoped_lock lock(mutex_);
                        told_.push_back(std::string(about) + ": " + std::string(message));
                      });
  }
  std::vector<std::string> told() {
    const std::scoped_lock lock(mutex_);
    return told_;
  }
  // What the observe command prints from now on; each run leaves a line in `runs`.
  void prints(const std::string& json) {
    std::ofstream(directory_.path() / "new", std::ios::binary) << json << "\n";
    std::filesystem::rename(directory_.path() / "new", directory_.path() / "printed");
  }
  std::size_t runs() const { return directory_.read("runs").size(); }

  TestDirectory directory_;
  std::filesystem::path script_ =
      directory_.script("observe", "printf . >> '" + (directory_.path() / "runs").string() + "'\ncat '" +
                                       (directory_.path() / "printed").string() + "'\n");
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
