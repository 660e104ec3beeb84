// The document of kind Environment: its driver, locations, windows and monitors. See documents.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/service_document.h"

namespace headgate {

// When promotions may begin in an environment (allow), or may not (deny, which wins). Either `schedule` (cron, five
// fields), `duration` and `time_zone` (an IANA name) are set, or `from` and `to`.
struct Window {
  WindowKind kind = WindowKind::allow;
  std::string name;  // may be empty
  std::string schedule;
  std::optional<Duration> duration;
  std::string time_zone;
  std::optional<Timestamp> from;
  std::optional<Timestamp> to;
  std::uint32_t line = 0;
  bool operator==(const Window&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("kind", s.kind);
    v("name", s.name);
    v("schedule", s.schedule);
    v("duration_ms", s.duration);
    v("time_zone", s.time_zone);
    v("from", s.from);
    v("to", s.to);
    v("line", s.line);
  }
};

// Whether they come to the same intervals: the lines where they stand do not matter.
bool same_times(const std::vector<Window>& some, const std::vector<Window>& others);

// One of the places of an environment that has several.
struct Location {
  std::string name;
  std::uint32_t wave = 0;        // from 1; 0: standby, in no wave
  bool standby = false;          // a promotion goes there when somebody names it
  std::optional<Driver> driver;  // unset: the environment's
  std::uint32_t line = 0;
  bool operator==(const Location&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("wave", s.wave);
    v("standby", s.standby);
    v("driver", s.driver);
    v("line", s.line);
  }
};

// Work on an environment that was announced: while it goes on, [from, to), promotions wait and monitors are silent.
struct Maintenance {
  std::string name;
  Timestamp from;
  Timestamp to;
  std::uint32_t line = 0;
  bool operator==(const Maintenance&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("from", s.from);
    v("to", s.to);
    v("line", s.line);
  }
};

// Hours in which a monitor looks at another interval: from each time of the schedule (cron, five fields) in the time
// zone, for so long.
struct MonitorHours {
  Duration every{0};
  std::string schedule;
  Duration duration{0};
  std::string time_zone;
  std::uint32_t line = 0;
  bool operator==(const MonitorHours&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("every_ms", s.every);
    v("schedule", s.schedule);
    v("duration_ms", s.duration);
    v("time_zone", s.time_zone);
    v("line", s.line);
  }
};

// So many percent of the answers come within `max`.
struct LatencyGoal {
  std::uint32_t percentile = 0;  // 50, 90, 95 or 99
  Duration max{0};
  std::uint32_t line = 0;
  bool operator==(const LatencyGoal&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("percentile", s.percentile);
    v("max_ms", s.max);
    v("line", s.line);
  }
};

// What is promised of what a monitor looks at, over the last `window` of whole hours that it was looked at in.
struct Sla {
  Duration window{0};
  std::optional<Decimal> availability;  // percent of the looks that pass
  std::vector<LatencyGoal> latency;
  std::uint32_t line = 0;
  bool operator==(const Sla&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("window_ms", s.window);
    v("availability", s.availability);
    v("latency", s.latency);
    v("line", s.line);
  }
};

// A check that is made again and again, whatever is promoted.
struct Monitor {
  std::string name;
  std::vector<std::string> services;  // that it tells of; none: of the environment
  Check check;                        // under the monitor's name
  Duration every{0};
  std::vector<MonitorHours> during;  // the first one that it is in counts; else `every`
  std::uint32_t failure_limit = 1;   // so many looks in a row that fail are a failure
  Boxed<Sla> sla;
  OnMonitorFailure on_failure = OnMonitorFailure::incident;
  std::uint32_t line = 0;
  bool operator==(const Monitor&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("services", s.services);
    v("check", s.check);
    v("every_ms", s.every);
    v("during", s.during);
    v("failure_limit", s.failure_limit);
    v("sla", s.sla);
    v("on_failure", s.on_failure);
    v("line", s.line);
  }
};

// Whether drift is mended (by a promotion of what should run) or reported only.
struct SelfHealRule {
  bool mends = true;
  std::uint32_t line = 0;
  bool operator==(const SelfHealRule&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("mends", s.mends);
    v("line", s.line);
  }
};

struct Environment {
  std::string name;
  Driver driver;
  Duration observe_every = std::chrono::minutes(1);
  std::vector<Window> windows;
  // Whether what is under way may go on after a window has closed. Unset: it may.
  std::optional<bool> overrun;
  // How long blobs are kept that events of this environment name. Unset: for ever.
  std::optional<Duration> blob_retention;
  std::optional<Run> shift{};  // traffic.command.shift: brings a slot to a weight, the other one to the rest of 100
  std::string prometheus{};    // base URL of the server that measures
  std::string formerly{};      // the name that it had before
  std::optional<ConcurrencyRule> max_concurrent{};
  std::vector<Location> locations{};                       // in the document's order; none: it is one place
  std::optional<OnLocationFailure> on_location_failure{};  // unset: rollbackAll
  std::vector<Maintenance> maintenance{};
  std::vector<Monitor> monitors{};
  std::optional<SelfHealRule> self_heal{};        // unset: it is mended
  std::vector<std::string> ignore_differences{};  // variables that are no drift, whatever they are seen to be
  Boxed<HaproxyTraffic> haproxy{};                // traffic.haproxy, in place of `shift`
  bool operator==(const Environment&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("driver", s.driver);
    v("observe_every_ms", s.observe_every);
    v("windows", s.windows);
    v("overrun", s.overrun);
    v("blob_retention_ms", s.blob_retention);
    v("shift", s.shift);
    v("prometheus", s.prometheus);
    v("formerly", s.formerly);
    v("max_concurrent", s.max_concurrent);
    v("locations", s.locations);
    v("on_location_failure", s.on_location_failure);
    v("maintenance", s.maintenance);
    v("monitors", s.monitors);
    v("self_heal", s.self_heal);
    v("ignore_differences", s.ignore_differences);
    v("haproxy", s.haproxy);
  }
};

}  // namespace headgate
