// A wait that ends with its thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "engine/domain/time.h"

namespace headgate {

// Lets `time` go by; false, at once, when a stop is asked for.
inline bool pause(Duration time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;  // only the stop wakes it
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace headgate
