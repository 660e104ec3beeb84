// What is looked at, and what is to be achieved: the monitors of an Environment, and downtime and objectives of a
// stage.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "engine/domain/monitors.h"
#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxMonitors = 64;
constexpr std::size_t kMaxHours = 8;
constexpr Duration kMostOften = std::chrono::seconds(1);
constexpr Duration kShortestWindow = std::chrono::hours(1);

void read_every(YamlReader& r, const YamlNode& node, Duration& every) {
  Duration read{};
  if (!r.positive_duration(node, read)) return;
  if (read < kMostOften) return r.wrong_value(node, "a duration of 1s or more");
  every = read;
}

void read_hours(YamlReader& r, const YamlNode& node, MonitorHours& hours) {
  Fields f(r, node, "hours of a monitor");
  hours.line = node.place.line;
  f.required("every", read_every, hours.every);
  f.required("schedule", read_schedule, hours.schedule);
  std::optional<Duration> duration;
  f.required("duration", read_window_duration, duration);
  hours.duration = duration.value_or(Duration::zero());
  f.required("timeZone", read_time_zone, hours.time_zone);
}

void read_latency_goals(YamlReader& r, const YamlNode& node, std::vector<LatencyGoal>& goals) {
  Fields f(r, node, "latencies of an sla");
  for (const auto& [field, percentile] :
       std::array<std::pair<const char*, std::uint32_t>, 4>{{{"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}}}) {
    LatencyGoal goal{percentile, {}, 0};
    if (!f.optional(field, &YamlReader::positive_duration, goal.max)) continue;
    goal.line = f.line_of(field);
    goals.push_back(goal);
  }
  f.at_least_one_of({"p50", "p90", "p95", "p99"});
}

void read_percent(YamlReader& r, const YamlNode& node, std::optional<Decimal>& out) {
  Decimal percent;
  if (!r.decimal(node, percent)) return;
  if (compare(percent, Decimal{"0"}) < 0 || compare(percent, Decimal{"100"}) > 0) {
    return r.wrong_value(node, "percent: a number of 0 to 100");
  }
  out = std::move(percent);
}

void read_sla(YamlReader& r, const YamlNode& node, Boxed<Sla>& out) {
  auto& sla = out.emplace();
  Fields f(r, node, "an sla");
  sla.line = node.place.line;
  f.required("window", [&](YamlReader& reader, const YamlNode& value) {
    if (!reader.positive_duration(value, sla.window)) return;
    if (sla.window < kShortestWindow || sla.window > max_sla_window)
      reader.wrong_value(value, "a duration of 1h to 31d");
  });
  f.optional("availability", read_percent, sla.availability);
  f.optional("latency", read_latency_goals, sla.latency);
  f.at_least_one_of({"availability", "latency"});
}

// A monitor looks whatever is promoted: there is no release to speak of, and one service at most.
void refuse_placeholders(YamlReader& r, const YamlNode& node, bool one_service) {
  if (node.kind == YamlNode::Kind::scalar) {
    for (auto at = node.text.find("${"); at != std::string_view::npos; at = node.text.find("${", at + 2)) {
      const auto rest = std::string_view(node.text).substr(at);
      if (rest.starts_with("${environment}") || (one_service && rest.starts_with("${service}"))) continue;
      return r.at(node, "a monitor knows of no release, target or variable", quoted(node.text),
                  one_service ? "${service} and ${environment} alone"
                              : "${environment} alone, and ${service} where it is of one service");
    }
    return;
  }
  for (const auto& item : YamlItems(node)) refuse_placeholders(r, item, one_service);
  for (const auto [key, value] : YamlEntries(node)) refuse_placeholders(r, value, one_service);
}

void read_monitor(YamlReader& r, const YamlNode& node, Monitor& monitor) {
  Fields f(r, node, "a monitor");
  monitor.line = node.place.line;
  read_check_fields(r, node, f, monitor.check);
  monitor.name = monitor.check.name;
  f.optional("services", [&](YamlReader& reader, const YamlNode& value) { reader.names(value, monitor.services); });
  f.required("every", read_every, monitor.every);
  f.optional("during", [&](YamlReader& reader, const YamlNode& value) {
    if (!reader.list(value, monitor.during, read_hours)) return;
    if (monitor.during.size() > kMaxHours) reader.wrong_value(value, fmt::format("at most {} of them", kMaxHours));
  });
  f.optional("failureLimit",
             [&](YamlReader& reader, const YamlNode& value) { reader.number(value, monitor.failure_limit, 1, 1000); });
  f.optional("sla", read_sla, monitor.sla);
  f.optional("onFailure", [&](YamlReader& reader, const YamlNode& value) { reader.word(value, monitor.on_failure); });
  if (!f.is_map()) return;
  refuse_placeholders(r, node, monitor.services.size() == 1);
  if (monitor.services.size() > max_monitored_services) {
    r.wrong_value(*f.value_of("services"), fmt::format("at most {} services", max_monitored_services));
  }
  if (monitor.on_failure == OnMonitorFailure::rollback && monitor.services.empty()) {
    r.at(*f.value_of("onFailure"), "a monitor of no service has nothing to roll back", "rollback",
         "services beside it, or incident");
  }
}

}  // namespace

void read_monitors(YamlReader& r, const YamlNode& node, std::vector<Monitor>& monitors) {
  if (!r.list(node, monitors, read_monitor)) return;
  if (monitors.size() > kMaxMonitors) r.wrong_value(node, fmt::format("at most {} monitors", kMaxMonitors));
  std::size_t i = 0;
  for (const auto& item : YamlItems(node)) {
    const auto& name = monitors[i].name;
    const auto first = std::ranges::find(monitors, name, &Monitor::name);
    if (!name.empty() && first != monitors.begin() + static_cast<std::ptrdiff_t>(i)) {
      r.at(item, fmt::format("a second monitor {}", quoted(name)), "",
           fmt::format("a name of its own; line {} has it already", first->line));
    }
    ++i;
  }
}

void read_downtime(YamlReader& r, const YamlNode& node, Boxed<Downtime>& out) {
  auto& downtime = out.emplace();
  Fields f(r, node, "a downtime");
  downtime.line = node.place.line;
  f.required("probe", &YamlReader::name, downtime.probe);
  f.optional("interval", &YamlReader::positive_duration, downtime.interval);
  f.required("max", &YamlReader::duration, downtime.max);
}

void check_downtime(YamlReader& r, const Stage& stage, const YamlNode& node) {
  const auto& probe = stage.downtime->probe;
  if (probe.empty() || std::ranges::find(stage.verify, probe, &Check::name) != stage.verify.end()) return;
  const YamlNode* place = &node;
  for (const auto [key, value] : YamlEntries(node)) {
    if (key.text == "probe") place = &value;
  }
  std::vector<std::string_view> known;
  for (const auto& check : stage.verify) known.emplace_back(check.name);
  r.at(*place, fmt::format("unknown check {}{}", quoted(probe), r.suggestion(probe, known)), "",
       "the name of a check in the stage's verify");
}

void read_objectives(YamlReader& r, const YamlNode& node, Boxed<Objectives>& out) {
  auto& objectives = out.emplace();
  Fields f(r, node, "objectives");
  objectives.line = node.place.line;
  const auto time = [](YamlReader& reader, const YamlNode& value, std::optional<Duration>& into) {
    Duration duration{};
    if (reader.positive_duration(value, duration)) into = duration;
  };
  f.optional("leadTime", time, objectives.lead_time);
  f.optional("recovery", time, objectives.recovery);
  f.optional("rollback", time, objectives.rollback);
  f.optional("changeFailureRate", read_percent, objectives.change_failure_rate);
  f.at_least_one_of({"leadTime", "recovery", "rollback", "changeFailureRate"});
}

}  // namespace headgate::reconciler
