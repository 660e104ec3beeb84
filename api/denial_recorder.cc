#include "api/denial_recorder.h"

#include <algorithm>

namespace headgate::api {
namespace {

constexpr std::array<std::string_view, 2> reasons{"unauthenticated", "forbidden"};

}  // namespace

DenialRecorder::DenialRecorder(CommandSink& sink, Duration window)
    : sink_(sink), window_(window), thread_([this](std::stop_token stop) { run(stop); }) {}

DenialRecorder::~DenialRecorder() {
  stop();
}

void DenialRecorder::record(Denial reason, std::string_view route) {
  const std::scoped_lock lock(mutex_);
  auto& count = counts_[static_cast<std::size_t>(reason)];
  if (count.count++ == 0) {
    count.route = route;
    changed_.notify_one();
  }
}

void DenialRecorder::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    const auto any = [this] { return std::ranges::any_of(counts_, [](const Count& c) { return c.count > 0; }); };
    if (!changed_.wait(lock, stop, any)) break;
    changed_.wait_for(lock, stop, window_, [] { return false; });  // lets the window pass, or ends with the stop
    lock.unlock();
    submit_all();
  }
  submit_all();
}

void DenialRecorder::submit_all() {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    Count count;
    {
      const std::scoped_lock lock(mutex_);
      count = std::exchange(counts_[i], {});
    }
    if (count.count == 0) continue;
    const RecordDenied command{std::string(reasons[i]), count.count, count.route};
    if (sink_.submit({.command = command, .idempotency_key = {}, .request_digest = {}}, {})) continue;
    // The queue is full: it is added to the next window.
    const std::scoped_lock lock(mutex_);
    counts_[i].count += count.count;
    counts_[i].route = std::move(count.route);
  }
}

void DenialRecorder::stop() {
  const std::scoped_lock once(stop_mutex_);
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

}  // namespace headgate::api
