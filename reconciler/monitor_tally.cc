#include "reconciler/monitor_tally.h"

#include <algorithm>
#include <array>
#include <utility>

#include "reconciler/windows.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t max_hours = 48;  // that wait to be told; the oldest leave
// Upper bounds in milliseconds. What takes longer than the last one is in it.
constexpr std::array<std::uint64_t, 14> bounds{5,     10,    25,    50,     100,    250,    500,
                                               1'000, 2'000, 5'000, 10'000, 30'000, 60'000, 3'600'000};

std::uint64_t bucket_of(Duration latency, const Sla* sla) {
  const auto ms = static_cast<std::uint64_t>(
      std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(latency).count(), 0));
  const auto at = std::ranges::lower_bound(bounds, ms);
  auto bound = at == bounds.end() ? bounds.back() : *at;
  if (sla == nullptr) return bound;
  for (const auto& goal : sla->latency) {
    const auto own = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::milliseconds>(goal.max).count());
    if (ms <= own && own < bound) bound = own;
  }
  return bound;
}

}  // namespace

Duration interval_at(const Monitor& monitor, Timestamp now) {
  for (const auto& hours : monitor.during) {
    if (is_within(hours.schedule, hours.duration, hours.time_zone, now)) return hours.every;
  }
  return monitor.every;
}

void MonitorTally::add(const Look& look, const Sla* sla) {
  auto& hour = hours_[std::chrono::floor<std::chrono::hours>(look.began)];
  ++hour.checks;
  if (!look.passed) ++hour.failures;
  if (look.latency) ++hour.latency[bucket_of(*look.latency, sla)];
  if (hours_.size() > max_hours) hours_.erase(hours_.begin());
  passed_ = look.passed;
  if (look.passed) {
    failures_ = 0;
    return;
  }
  if (failures_++ == 0) since_ = look.began;
  reason_ = look.reason;
}

std::optional<ReportMonitor> MonitorTally::news(const MonitorId& id, const Monitor& monitor, bool failing) const {
  if (!passed_) return std::nullopt;
  if (*passed_) return failing ? std::optional(ReportMonitor{id, true}) : std::nullopt;
  if (failing || failures_ < monitor.failure_limit) return std::nullopt;
  return ReportMonitor{id, false, failures_, since_, reason_};
}

std::vector<MonitorSummarized> MonitorTally::take(const MonitorId& id, Timestamp now, bool all) {
  std::vector<MonitorSummarized> over;
  while (!hours_.empty() && (all || hours_.begin()->first + std::chrono::hours(1) <= now)) {
    const auto& [hour, seen] = *hours_.begin();
    MonitorSummarized summary{{id.environment}, id.name, hour, seen.checks, seen.failures, {}, {}};
    for (const auto& [bound, count] : seen.latency) summary.latency.push_back({bound, count});
    over.push_back(std::move(summary));
    hours_.erase(hours_.begin());
  }
  return over;
}

void MonitorTally::put_back(const MonitorSummarized& summary) {
  auto& hour = hours_[summary.hour];
  hour.checks += summary.checks;
  hour.failures += summary.failures;
  for (const auto& bucket : summary.latency) hour.latency[bucket.up_to] += bucket.count;
  if (hours_.size() > max_hours) hours_.erase(hours_.begin());
}

}  // namespace headgate::reconciler
