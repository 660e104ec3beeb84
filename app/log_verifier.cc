#include "app/log_verifier.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/ports/pause.h"

namespace headgate::app {
namespace {

// Of this thread and those that it starts. Where the kernel refuses, it is only less polite.
void take_the_lowest_priority() {
  constexpr int of_one_thread = 1;    // IOPRIO_WHO_PROCESS
  constexpr int when_idle = 3 << 13;  // IOPRIO_CLASS_IDLE
  const auto thread = static_cast<id_t>(::gettid());
  static_cast<void>(::setpriority(PRIO_PROCESS, thread, 19));
  static_cast<void>(::syscall(SYS_ioprio_set, of_one_thread, thread, when_idle));
}

}  // namespace

LogVerifier::LogVerifier(const store::RocksDbLog& events, Duration every, const Clock& clock, Log& log)
    : events_(events), every_(every), clock_(clock), log_(log), thread_([this](const std::stop_token& stop) {
        run(stop);
      }) {}

std::optional<std::string> LogVerifier::damage() const {
  const std::scoped_lock lock(mutex_);
  return damage_;
}

std::vector<api::Metrics::Gauge> LogVerifier::gauges() const {
  const std::scoped_lock lock(mutex_);
  std::vector<api::Metrics::Gauge> all;
  if (!whole_) return all;
  all.push_back(
      {"headgate_log_whole", "1 when the last verification of the log found nothing, else 0.", *whole_ ? 1.0 : 0.0});
  all.push_back({"headgate_log_verified_timestamp_seconds", "When a verification last found the whole log good.",
                 std::chrono::duration<double>(whole_at_.time_since_epoch()).count()});
  return all;
}

void LogVerifier::run(const std::stop_token& stop) {
  take_the_lowest_priority();
  while (!stop.stop_requested()) {
    verify(stop);
    pause(every_, stop);
  }
}

void LogVerifier::verify(const std::stop_token& stop) {
  const auto verified = [&]() -> Result<store::RocksDbLog::Verified> {
    HEADGATE_TRY_VOID(events_.verify_tables(stop));
    return events_.verify({}, stop);
  }();
  if (stop.stop_requested()) return;
  if (verified) {
    log_.info("the log is whole: " + std::to_string(verified->records) + " records verified");
  } else {
    log_.error("THE LOG IS DAMAGED OR CANNOT BE READ: " + verified.error().message);
  }
  const std::scoped_lock lock(mutex_);
  whole_ = verified.has_value();
  if (verified) {
    whole_at_ = clock_.now();
    damage_.reset();
  }
  // A disk that did not answer says nothing about the records.
  if (!verified && verified.error().code == ErrorCode::corrupt)
    damage_ = "the log is damaged: " + verified.error().message;
}

}  // namespace headgate::app
