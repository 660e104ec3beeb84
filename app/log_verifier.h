// Verifies the whole log while the server runs, at the lowest priority: bits rot where nobody reads.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/metrics.h"
#include "app/logging.h"
#include "engine/ports/clock.h"
#include "store/rocksdb_log.h"

namespace headgate::app {

class LogVerifier {
 public:
  // The first verification begins at once, the next `every` after the end of the one before. All of them outlive it.
  LogVerifier(const store::RocksDbLog& events, Duration every, const Clock& clock, Log& log);

  // What the last verification found to be damaged; nothing while it found nothing. Thread-safe.
  std::optional<std::string> damage() const;
  // Whether the last verification found the log whole, and when one last did. Thread-safe.
  std::vector<api::Metrics::Gauge> gauges() const;

 private:
  void run(const std::stop_token& stop);
  void verify(const std::stop_token& stop);

  const store::RocksDbLog& events_;
  const Duration every_;
  const Clock& clock_;
  Log& log_;
  mutable std::mutex mutex_;
  std::optional<bool> whole_;  // none before the first verification ended
  Timestamp whole_at_{};
  std::optional<std::string> damage_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace headgate::app
