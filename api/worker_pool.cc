#include "api/worker_pool.h"

#include <limits>
#include <utility>

namespace headgate::api {

WorkerPool::WorkerPool(std::size_t threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
  stop();
}

bool WorkerPool::push(std::function<void()> task, std::size_t limit) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || queue_.size() >= limit) return false;
    queue_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

bool WorkerPool::submit(std::function<void()> task) {
  return push(std::move(task), queue_limit_);
}

bool WorkerPool::resume(std::function<void()> task) {
  return push(std::move(task), std::numeric_limits<std::size_t>::max());
}

void WorkerPool::stop() {
  const std::scoped_lock once(stop_mutex_);
  std::deque<std::function<void()>> dropped;  // destroyed without the lock: a task may own a request
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  changed_.notify_all();
  dropped.clear();
  threads_.clear();  // joins
}

bool WorkerPool::stopping() const {
  const std::scoped_lock lock(mutex_);
  return stopping_;
}

void WorkerPool::work() {
  while (true) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace headgate::api
