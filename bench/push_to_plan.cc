// From the change of the ref in a local bare repository of 10,000 services to promotion.planned on disk.
#include <fmt/core.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "bench/git_world.h"
#include "bench/topics.h"

namespace headgate::bench {
namespace {

constexpr int pushes = 200;

// Waits for promotion.planned of a target.
class Planned {
 public:
  void seen(const TargetId& target) {
    const std::scoped_lock lock(mutex_);
    last_ = target;
    at_ = std::chrono::steady_clock::now();
    changed_.notify_all();
  }
  std::chrono::steady_clock::time_point wait_for(const TargetId& target) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(30), [&] { return last_ == target; })) {
      throw std::runtime_error("a push was not planned");
    }
    return at_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  TargetId last_;
  std::chrono::steady_clock::time_point at_;
};

std::vector<double> measure_pushes(const std::filesystem::path& dir) {
  GitWorld git(dir);
  auto& world = git.world;
  for (int i = 0; i < pushes; ++i) {
    world.run(RecordObservation{{fmt::format("service-{}", i), "staging"}, {"v1", {}}});
  }
  Planned planned;
  world.listener.tell([&](const Recorded<Event>& recorded) {
    if (const auto* event = std::get_if<PromotionPlanned>(&recorded.event)) planned.seen(event->promotion.target);
  });
  git.reconciler.start();
  std::vector<double> milliseconds;
  for (int i = 0; i < pushes; ++i) {
    git.wish(i, 2);
    const auto began = std::chrono::steady_clock::now();
    git.remote.publish();
    const auto seen = planned.wait_for({fmt::format("service-{}", i), "staging"});
    milliseconds.push_back(std::chrono::duration<double, std::milli>(seen - began).count());
  }
  world.listener.tell(nullptr);
  return milliseconds;
}

}  // namespace

void bench_push_to_plan(Harness& harness) {
  harness.measure("push-to-plan", "ms (p99)", [&] { return percentile(measure_pushes(harness.fresh_dir()), 99); });
}

}  // namespace headgate::bench
