// Asks a check again and again beside a step that may take the service away, and measures for how long it was away.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/domain/activity.h"
#include "reconciler/checks.h"

namespace headgate::reconciler {

// An outage lasts from the last answer before it to the first one after it. What never answered was not away.
class OutageMeter {
 public:
  void asked(Duration at, bool answered);  // `at`: when it was asked; never goes back
  void end(Duration at);                   // nobody asks any more: what has not answered by then was away until then
  bool away() const { return failed_since_answer_ && answered_.has_value(); }
  Duration away_for(Duration at) const { return away() ? at - *answered_ : Duration::zero(); }
  const ProbeResult& result() const { return result_; }

 private:
  ProbeResult result_;
  std::optional<Duration> answered_;  // the last time
  bool failed_since_answer_ = false;
};

class ProbeRun {
 public:
  using Ask = std::function<CheckResult(const Check&, std::stop_token)>;

  // Begins to ask, on a thread of its own.
  ProbeRun(const Probe& probe, Ask ask);
  // The step has ended. An outage under way is followed until it is over, has lasted longer than the probe's max, or
  // `stop` comes.
  ProbeResult finish(std::stop_token stop);

 private:
  void work(std::stop_token stop);
  bool goes_on() const;  // with the lock held

  const Probe probe_;
  const Ask ask_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool step_ended_ = false;
  OutageMeter meter_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace headgate::reconciler
