#include "engine/runtime/dispatcher.h"

#include <string>

namespace headgate::runtime {

Dispatcher::Dispatcher(std::size_t workers, Executor& executor, Clock& clock, Observer& observer,
                       std::function<void(const Activity&, const Outcome&)> report)
    : executor_(executor), clock_(clock), observer_(observer), report_(std::move(report)) {
  workers_.reserve(workers);
  for (std::size_t i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
}

Dispatcher::~Dispatcher() {
  stop(Duration::zero());
}

void Dispatcher::enqueue_if_due(const TargetId& target, Slot& slot) {
  if (stopping_ || slot.queued || slot.running || !slot.wanted || slot.done == key_of(*slot.wanted)) return;
  slot.queued = true;
  ready_.push_back(target);
}

void Dispatcher::want(std::vector<Wish> wishes) {
  const std::scoped_lock lock(mutex_);
  for (auto& wish : wishes) want_one(std::move(wish));
  wake_one();
}

void Dispatcher::want_one(Wish wish) {
  auto& [target, activity] = wish;
  const auto known = slots_.find(target);
  if (!activity && known == slots_.end()) return;
  auto& slot = known == slots_.end() ? slots_[target] : known->second;
  slot.wanted = std::move(activity);
  if (slot.running && (!slot.wanted || *slot.running != key_of(*slot.wanted))) slot.stop.request_stop();
  enqueue_if_due(target, slot);
  if (!slot.wanted && !slot.running && !slot.queued) slots_.erase(target);
}

// A worker that wakes up wakes the next one when there is more to do: what is done at once needs only a few of them.
void Dispatcher::wake_one() {
  if (waking_ || idle_ == 0 || ready_.empty()) return;
  waking_ = true;
  ready_filled_.notify_one();
}

void Dispatcher::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    while (!stopping_ && ready_.empty()) {
      ++idle_;
      ready_filled_.wait(lock);
      --idle_;
      waking_ = false;
    }
    if (stopping_) return;
    const auto target = ready_.front();
    ready_.pop_front();
    auto& slot = slots_.at(target);  // a queued slot stays
    slot.queued = false;
    if (!slot.wanted || slot.running || slot.done == key_of(*slot.wanted)) {
      if (!slot.wanted && !slot.running) slots_.erase(target);
      continue;
    }
    const Activity activity = *slot.wanted;
    slot.running = key_of(activity);
    slot.stop = std::stop_source();
    const auto stop = slot.stop.get_token();
    ++running_;
    wake_one();
    lock.unlock();

    const auto began = clock_.steady();
    const auto outcome = executor_.execute(activity, stop);
    observer_.activity_done(activity, outcome, clock_.steady() - began);
    if (outcome.kind != Outcome::Kind::stopped) report_(activity, outcome);

    lock.lock();
    --running_;
    auto& after = slots_.at(target);  // a running slot stays
    after.running.reset();
    if (outcome.kind != Outcome::Kind::stopped) after.done = key_of(activity);
    enqueue_if_due(target, after);  // this thread looks at the queue next
    if (!after.wanted && !after.queued) slots_.erase(target);
    if (stopping_) one_ended_.notify_all();
  }
}

void Dispatcher::stop(Duration drain) {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    ready_filled_.notify_all();
    one_ended_.wait_for(lock, drain, [this] { return running_ == 0; });
    for (auto& [target, slot] : slots_) {
      if (slot.running) slot.stop.request_stop();
    }
  }
  workers_.clear();  // joins
}

}  // namespace headgate::runtime
