// How often a monitor looks, and what it has seen lately: how many looks in a row failed, and the counts of each hour.
// No threads, no clock.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/commands.h"

namespace headgate::reconciler {

// How often the monitor looks at that time.
Duration interval_at(const Monitor& monitor, Timestamp now);

class MonitorTally {
 public:
  struct Look {
    bool passed = false;
    std::optional<Duration> latency;  // of an answer
    std::string reason;               // why it did not pass
    Timestamp began;
  };

  // `sla`, where there is one, has its bounds among those of the buckets, so that it can be judged exactly.
  void add(const Look& look, const Sla* sla);

  // What of the looks so far is news, when `failing` is what is known; unset: nothing.
  std::optional<ReportMonitor> news(const MonitorId& id, const Monitor& monitor, bool failing) const;
  // A maintenance has begun, or the monitor is another: what failed before says nothing of the time after it.
  void begin_anew() { failures_ = 0; }

  // The hours that are over, oldest first; with `all` the one under way as well. They are not told again.
  std::vector<MonitorSummarized> take(const MonitorId& id, Timestamp now, bool all);
  void put_back(const MonitorSummarized& hour);  // it could not be told

 private:
  struct Hour {
    std::uint64_t checks = 0;
    std::uint64_t failures = 0;
    std::map<std::uint64_t, std::uint64_t> latency;  // count by upper bound in milliseconds
  };
  std::uint32_t failures_ = 0;  // in a row
  Timestamp since_;             // when the first of them began
  std::string reason_;          // of the last look
  std::optional<bool> passed_;  // the last look
  std::map<Timestamp, Hour> hours_;
};

}  // namespace headgate::reconciler
