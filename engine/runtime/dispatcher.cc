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

bool Dispatcher::enqueue_if_due(const TargetId& target, Slot& slot) {
  if (stopping_ || slot.queued || slot.running || !slot.wanted || slot.done == key_of(*slot.wanted)) return false;
  slot.queued = true;
  ready_.push_back(target);
  return true;
}

void Dispatcher::want(const TargetId& target, std::optional<Activity> activity) {
  const std::scoped_lock lock(mutex_);
  const auto known = slots_.find(target);
  if (!activity && known == slots_.end()) return;
  auto& slot = known == slots_.end() ? slots_[target] : known->second;
  slot.wanted = std::move(activity);
  if (slot.running && (!slot.wanted || *slot.running != key_of(*slot.wanted))) slot.stop.request_stop();
  if (enqueue_if_due(target, slot)) ready_filled_.notify_one();
  if (!slot.wanted && !slot.running && !slot.queued) slots_.erase(target);
}

void Dispatcher::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_filled_.wait(lock, [this] { return stopping_ || !ready_.empty(); });
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
    enqueue_if_due(target, after);  // nobody is woken: this thread looks at the queue next
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
