// A stream that tests feed by hand.
#pragma once

#include <deque>
#include <mutex>
#include <utility>

#include "api/http.h"

namespace headgate::api::test {

class FedStream : public Stream {
 public:
  void next(std::function<void(std::optional<std::string>)> ready) override {
    std::unique_lock lock(mutex_);
    ++asked_;
    if (waiting_) overlapped_ = true;
    if (chunks_.empty()) {
      waiting_ = std::move(ready);
      return;
    }
    auto chunk = std::move(chunks_.front());
    chunks_.pop_front();
    lock.unlock();
    ready(std::move(chunk));
  }
  void cancel() override {
    const std::scoped_lock lock(mutex_);
    ++cancelled_;
  }
  bool broken() const override { return broken_; }

  void feed(std::optional<std::string> chunk) {
    std::unique_lock lock(mutex_);
    if (!waiting_) {
      chunks_.push_back(std::move(chunk));
      return;
    }
    const auto ready = std::exchange(waiting_, nullptr);
    lock.unlock();
    ready(std::move(chunk));
  }
  int asked() const { return locked(asked_); }
  int cancelled() const { return locked(cancelled_); }
  bool overlapped() const { return locked(overlapped_); }
  void break_it() { broken_ = true; }  // before the server runs

 private:
  template <class T>
  T locked(const T& value) const {
    const std::scoped_lock lock(mutex_);
    return value;
  }

  mutable std::mutex mutex_;
  std::deque<std::optional<std::string>> chunks_;
  std::function<void(std::optional<std::string>)> waiting_;
  int asked_ = 0;
  int cancelled_ = 0;
  bool overlapped_ = false;
  bool broken_ = false;
};

inline Handler streaming(std::shared_ptr<Stream> stream, std::string content_type) {
  return [stream = std::move(stream), content_type = std::move(content_type)](Request, Reply reply) {
    Response response = Response::of(200, content_type, "");
    response.stream = stream;
    reply(std::move(response));
  };
}

}  // namespace headgate::api::test
