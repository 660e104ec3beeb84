#include "engine/runtime/dispatcher.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

#include "tests/runtime/engine_fixture.h"

namespace headgate::runtime {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWorkers = 8;

// Keeps what it is given to do until it is let go.
class Gatekeeper : public Executor {
 public:
  Outcome execute(const Activity& activity, std::stop_token) override {
    std::unique_lock lock(mutex_);
    ++runs_[activity.id.promotion.target.service];
    ++running_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return let_go_ > 0 || open_; });
    if (!open_) --let_go_;
    --running_;
    changed_.notify_all();
    return {};
  }
  bool wait_for_running(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return running_ == count; });
  }
  bool wait_for_runs(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return runs_.size() == count && running_ == 0; });
  }
  void let_go(std::size_t count) {
    const std::scoped_lock lock(mutex_);
    let_go_ += count;
    changed_.notify_all();
  }
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  std::map<std::string, int> runs() {
    const std::scoped_lock lock(mutex_);
    return runs_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> runs_;  // by service
  std::size_t running_ = 0;
  std::size_t let_go_ = 0;
  bool open_ = false;
};

Dispatcher::Wish wish(std::size_t number) {
  Activity activity;
  activity.id.promotion = {{"service-" + std::to_string(number), "staging"}, 1};
  return {activity.id.promotion.target, activity};
}

class DispatcherTest : public ::testing::Test {
 protected:
  DispatcherTest() : dispatcher_(kWorkers, executor_, clock_, observer_, [](const Activity&, const Outcome&) {}) {}
  ~DispatcherTest() override { executor_.open(); }

  Gatekeeper executor_;
  testing::ManualClock clock_;
  Observer observer_;
  Dispatcher dispatcher_;
};

TEST_F(DispatcherTest, WakesEveryWorkerForWhatIsWantedAtOnceAndNoMore) {
  std::vector<Dispatcher::Wish> wishes;
  for (std::size_t i = 0; i < kWorkers + 3; ++i) wishes.push_back(wish(i));
  dispatcher_.want(std::move(wishes));
  ASSERT_TRUE(executor_.wait_for_running(kWorkers));
  EXPECT_EQ(executor_.runs().size(), kWorkers);
  executor_.let_go(kWorkers);
  ASSERT_TRUE(executor_.wait_for_running(3));
  executor_.open();
  ASSERT_TRUE(executor_.wait_for_runs(kWorkers + 3));
}

TEST_F(DispatcherTest, WakesAWorkerForEachWishThatComesAlone) {
  for (std::size_t i = 0; i < kWorkers; ++i) {
    dispatcher_.want({wish(i)});
    ASSERT_TRUE(executor_.wait_for_running(i + 1)) << i;
  }
}

TEST_F(DispatcherTest, LeavesNothingUndoneWhenActivitiesEndAtOnce) {
  executor_.open();
  constexpr std::size_t kWishes = 5'000;
  for (std::size_t i = 0; i < kWishes;) {
    std::vector<Dispatcher::Wish> wishes;
    for (std::size_t many = 1 + i % 13; many > 0 && i < kWishes; --many) wishes.push_back(wish(i++));
    dispatcher_.want(std::move(wishes));
  }
  ASSERT_TRUE(executor_.wait_for_runs(kWishes));
  for (const auto& [service, runs] : executor_.runs()) EXPECT_EQ(runs, 1) << service;
}

}  // namespace
}  // namespace headgate::runtime
