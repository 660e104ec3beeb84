#include "reconciler/probe.h"

#include <algorithm>
#include <chrono>

namespace headgate::reconciler {
namespace {

Duration steady() {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

void OutageMeter::asked(Duration at, bool answered) {
  ++result_.probes;
  if (!answered) {
    ++result_.failures;
    failed_since_answer_ = true;
    return;
  }
  end(at);
  answered_ = at;
}

void OutageMeter::end(Duration at) {
  result_.longest = std::max(result_.longest, away_for(at));
  failed_since_answer_ = false;
}

ProbeRun::ProbeRun(const Probe& probe, Ask ask)
    : probe_(probe), ask_(std::move(ask)), thread_([this](std::stop_token stop) { work(stop); }) {}

bool ProbeRun::goes_on() const {
  return !step_ended_ || (meter_.away() && meter_.away_for(steady()) <= probe_.max);
}

void ProbeRun::work(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested() && goes_on()) {
    const auto at = steady();
    lock.unlock();
    const auto seen = ask_(probe_.check, stop);
    lock.lock();
    using Verdict = CheckResult::Verdict;
    if (seen.verdict == Verdict::stopped) break;
    if (seen.verdict != Verdict::error) meter_.asked(at, seen.verdict == Verdict::passed);
    changed_.wait_for(lock, stop, std::max(probe_.interval - (steady() - at), Duration::zero()),
                      [this] { return step_ended_ && !meter_.away(); });
  }
  meter_.end(steady());
}

ProbeResult ProbeRun::finish(std::stop_token stop) {
  {
    const std::scoped_lock lock(mutex_);
    step_ended_ = true;
    changed_.notify_all();
  }
  const std::stop_callback stops(std::move(stop), [this] { thread_.request_stop(); });
  thread_.join();
  return meter_.result();
}

}  // namespace headgate::reconciler
