// Hands one value from any thread to the one that waits for it.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace headgate::api {

template <class T>
class Mailbox {
 public:
  // The first value counts; later ones, and any after close(), are dropped.
  void put(T value) {
    const std::scoped_lock lock(mutex_);
    if (closed_ || value_) return;
    value_ = std::move(value);
    // Under the lock, so that nothing is notified once close() has returned.
    if (notify_) notify_();
  }

  std::optional<T> take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(value_, std::nullopt);
  }

  // The value, or nothing and `notify` is called (from the giving thread, must not block) when it comes.
  std::optional<T> take_or_notify(std::function<void()> notify) {
    const std::scoped_lock lock(mutex_);
    if (!value_) notify_ = std::move(notify);
    return std::exchange(value_, std::nullopt);
  }

  void close() {
    std::function<void()> dropped;  // destroyed without the lock: it may own the last reference to its receiver
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    dropped.swap(notify_);
  }

 private:
  std::mutex mutex_;
  std::optional<T> value_;
  bool closed_ = false;
  std::function<void()> notify_;
};

}  // namespace headgate::api
