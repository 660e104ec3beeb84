// A shared lock whose writer gets its turn: readers that come while it waits wait behind it. Those of the C library let
// overlapping readers pass a waiting writer for ever, and behind the engine's every answer and effect waits.
#pragma once

#include <mutex>
#include <shared_mutex>

#include "engine/domain/error.h"

namespace headgate::runtime {

// For std::unique_lock and std::shared_lock. Whoever reads and asks to read once more waits for a writer that waits for
// it: HEADGATE_CHECK.
class FairSharedMutex {
 public:
  void lock() {
    const std::scoped_lock turnstile(turnstile_);
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }

  void lock_shared() {
    HEADGATE_CHECK(held_ != this);
    const std::scoped_lock turnstile(turnstile_);
    mutex_.lock_shared();
    held_ = this;
  }
  bool try_lock_shared() {
    HEADGATE_CHECK(held_ != this);
    const std::unique_lock turnstile(turnstile_, std::try_to_lock);
    if (!turnstile || !mutex_.try_lock_shared()) return false;
    held_ = this;
    return true;
  }
  void unlock_shared() {
    held_ = nullptr;
    mutex_.unlock_shared();
  }

 private:
  inline static thread_local const FairSharedMutex* held_ = nullptr;  // by this thread, to read

  std::mutex turnstile_;  // kept by a writer until it has its turn
  std::shared_mutex mutex_;
};

}  // namespace headgate::runtime
