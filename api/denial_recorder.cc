#include "api/denial_recorder.h"

#include <array>

namespace headgate::api {
namespace {

constexpr std::array<std::string_view, 2> reasons{"unauthenticated", "forbidden"};

}  // namespace

DenialRecorder::DenialRecorder(CommandSink& sink, Duration window)
    : sink_(sink), window_(window), thread_([this](std::stop_token stop) { run(stop); }) {}

DenialRecorder::~DenialRecorder() {
  stop();
}

void DenialRecorder::record(Denial reason, std::string_view route, std::string_view actor) {
  const std::scoped_lock lock(mutex_);
  ++counts_[{reason, std::string(route), std::string(actor)}];
  changed_.notify_one();
}

void DenialRecorder::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return !counts_.empty(); })) break;
    changed_.wait_for(lock, stop, window_, [] { return false; });  // lets the window pass, or ends with the stop
    lock.unlock();
    submit_all();
  }
  submit_all();
}

void DenialRecorder::submit_all() {
  decltype(counts_) counts;
  {
    const std::scoped_lock lock(mutex_);
    counts.swap(counts_);
  }
  for (const auto& [what, count] : counts) {
    const auto& [reason, route, actor] = what;
    Submission submission{.command =
                              RecordDenied{std::string(reasons[static_cast<std::size_t>(reason)]), count, route}};
    if (!actor.empty()) submission.actor = actor;
    if (sink_.submit(std::move(submission), {})) continue;
    // The queue is full: it is added to the next window.
    const std::scoped_lock lock(mutex_);
    counts_[what] += count;
  }
}

void DenialRecorder::stop() {
  const std::scoped_lock once(stop_mutex_);
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

}  // namespace headgate::api
