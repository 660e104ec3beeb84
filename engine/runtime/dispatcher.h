// Hands activities to the executor on a bounded set of threads. On one target at most one activity runs at a time: the
// next one starts only once the one before has returned, and by the executor's contract nothing of it runs any more.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "engine/ports/clock.h"
#include "engine/ports/executor.h"
#include "engine/runtime/observer.h"

namespace headgate::runtime {

class Dispatcher {
 public:
  // `report` gets every outcome but `stopped`, from a worker's thread; it blocks until the outcome is in the queue.
  Dispatcher(std::size_t workers, Executor& executor, Clock& clock, Observer& observer,
             std::function<void(const Activity&, const Outcome&)> report);
  ~Dispatcher();

  struct Wish {
    TargetId target;
    std::optional<Activity> activity;
  };
  // What should run on these targets now. An activity that runs on one and is not it is asked to stop.
  void want(std::vector<Wish> wishes);
  // Starts nothing new, waits up to `drain` for what runs, asks the rest to stop, and returns when all have.
  void stop(Duration drain);

 private:
  using Key = std::pair<StepId, std::uint32_t>;  // activity and attempt
  struct Slot {
    std::optional<Activity> wanted;
    std::optional<Key> running;
    std::optional<Key> done;  // returned, its outcome is on its way
    std::stop_source stop;
    bool queued = false;
  };
  static Key key_of(const Activity& activity) { return {activity.id, activity.attempt}; }
  void want_one(Wish wish);
  void enqueue_if_due(const TargetId& target, Slot& slot);
  void wake_one();
  void work();

  Executor& executor_;
  Clock& clock_;
  Observer& observer_;
  std::function<void(const Activity&, const Outcome&)> report_;
  std::mutex mutex_;
  std::condition_variable ready_filled_;  // workers wait for it
  std::condition_variable one_ended_;     // stop does
  std::map<TargetId, Slot> slots_;
  std::deque<TargetId> ready_;
  std::size_t running_ = 0;
  std::size_t idle_ = 0;  // workers that wait
  bool waking_ = false;   // one of them was woken and is not there yet
  bool stopping_ = false;
  std::vector<std::jthread> workers_;
};

}  // namespace headgate::runtime
