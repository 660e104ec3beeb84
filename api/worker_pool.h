// Threads for reads that may take long: pages of the log, folds, files. The queue is bounded, so that a rush of them
// ends in 503 and never in memory.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace headgate::api {

class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t queue_limit);
  ~WorkerPool();  // stop()
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False: the queue is full or the pool stops, and `task` is dropped. Tasks must not throw.
  bool submit(std::function<void()> task);
  // The next part of work that was admitted before, such as the next chunk of a stream: never refused for a full queue.
  // Its number is bounded by what was admitted. False only when the pool stops.
  bool resume(std::function<void()> task);
  // Waits for what runs, drops what waits. May be called again.
  void stop();
  // For a task that goes on for long: it should end.
  bool stopping() const;

 private:
  bool push(std::function<void()> task, std::size_t limit);
  void work();

  const std::size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::mutex stop_mutex_;
  std::vector<std::jthread> threads_;
};

}  // namespace headgate::api
