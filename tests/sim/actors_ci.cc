// CI and the machines: releases, gates, observations, monitors, windows, ends of activities.
#include <algorithm>
#include <chrono>

#include "tests/domain/fixture.h"
#include "tests/sim/actors.h"

namespace headgate::sim {

using namespace std::chrono_literals;  // NOLINT: lengths of time read better so

// What the watch outside tells of one, whatever is known of it already.
void Actors::look_by_a_monitor() {
  std::vector<MonitorId> all{{"development", "ghost"}};
  for (const auto& [name, environment] : world_.state().environments) {
    for (const auto& monitor : environment.document.monitors) all.push_back({name, monitor.name});
  }
  const auto id = world_.any_of(all);
  if (world_.chance(0.3)) {
    const auto checks = 1 + world_.below(60);
    MonitorSummarized seen{{id.environment},
                           id.name,
                           std::chrono::floor<std::chrono::hours>(world_.now()),
                           checks,
                           world_.below(checks + 1),
                           {{500, checks / 2}, {5'000, world_.below(3)}},
                           {}};
    world_.submit(SummarizeMonitor{std::move(seen)}, "engine");
    return;
  }
  const auto since = world_.now() - std::chrono::minutes(world_.below(90));
  world_.submit(ReportMonitor{id, world_.chance(0.4), 1 + static_cast<std::uint32_t>(world_.below(4)), since,
                              reason("no answer")},
                "engine");
}

// What the reconciler does: every window, whatever its schedule says, is from some hour on for ten hours a day.
void Actors::expand_windows() {
  std::vector<ExpandWindows> due;
  for (const auto& [name, environment] : world_.state().environments) {
    const auto& windows = environment.document.windows;
    const auto known = world_.state().windows.find(name);
    const bool good = known != world_.state().windows.end() && known->second.from <= world_.now() &&
                      world_.now() + 24h < known->second.until;
    if (windows.empty() || good) continue;
    const auto from = world_.now() - 24h;
    ExpandWindows command{windows, {{name}, from, from + 480h, "2024a", {}}};
    for (std::uint32_t i = 0; i < windows.size(); ++i) {
      const auto offset = std::chrono::hours(windows[i].kind == WindowKind::deny ? 12 : world_.below(4));
      for (int day = 0; day < 20; ++day) {
        const auto begin = from + std::chrono::hours(24 * day) + offset;
        command.expanded.intervals.push_back({i, begin, begin + 10h});
      }
    }
    due.push_back(std::move(command));
  }
  for (const auto& command : due) world_.submit(command, "engine");
  std::vector<ExpandGateSchedule> gates;
  for (const auto& [name, service] : world_.state().services) {
    if (!service.document) continue;
    for (const auto& gate : service.document->document.gates) {
      const auto& all = service.runs.schedules;
      const auto known = std::ranges::find(all, gate.name, &GateSchedule::gate);
      if (gate.schedule.empty() || (known != all.end() && world_.now() + 24h < known->until)) continue;
      ExpandGateSchedule command{{{name}, gate.name, gate.schedule, world_.now() + 96h, {}}};
      for (auto at = world_.now() + 6h; at < command.expanded.until; at += 6h) command.expanded.times.push_back(at);
      gates.push_back(std::move(command));
    }
  }
  for (const auto& command : gates) world_.submit(command, "engine");
}

Release Actors::new_release(const std::string& service) {
  auto& known = candidates_[service].releases;
  Release release{"v" + std::to_string(known.size() + 1),
                  next_commit(),
                  {{"image", "registry.example.com/x@sha256:" + std::to_string(commits_)}}};
  const auto dice = world_.below(10);
  if (dice == 0 && !known.empty()) {  // another version of the same candidate
    release.commit = known.back().commit;
    release.artifacts = known.back().artifacts;
  } else if (dice == 1) {
    release.commit.clear();
  } else if (dice == 2) {
    release.artifacts.clear();
  } else if (dice == 3 && !known.empty() && !known.back().commit.empty()) {  // a version that reads like a commit
    release.version = known.back().commit;
    if (world_.chance(0.5)) release.commit.clear();
    if (std::ranges::find(known, release.version, &Release::version) != known.end())
      release.version = "v" + std::to_string(known.size() + 1);
  }
  known.push_back(release);
  return release;
}

void Actors::report_gate(const std::string& service, const Release& release, const std::string& gate, bool good) {
  ReportGate report;
  report.service = service;
  report.gate = gate;
  const bool by_version = release.commit.empty() || world_.chance(0.2);
  (by_version ? report.version : report.commit) = by_version ? release.version : release.commit;
  report.metrics = {{"coverage", {good || world_.chance(0.5) ? "95.5" : "91.999"}},
                    {"critical", {good ? "0" : "0.001"}}};
  if (!good) report.status = static_cast<GateStatus>(world_.below(3));
  // CI asks again, with the same key, until it is answered, and sometimes once more.
  const auto key = "run-" + std::to_string(++reports_);
  for (int tries = 0; tries < 50 && world_.submit(report, "token:ci", key) == World::Answer::none; ++tries) {
  }
  if (world_.chance(0.1)) world_.submit(report, "token:ci", key);
}

void Actors::report_some_gate() {
  const auto& service = world_.any_of(service_names_);
  const auto& release = world_.any_of(candidates_[service].releases);
  report_gate(service, release, world_.any_of(std::vector<std::string>{"unit-tests", "scan", "lint", "ghost"}),
              world_.chance(0.6));
}

void Actors::report_what_is_waited_for() {
  const auto waiting = live();
  if (waiting.empty()) return;
  const auto& p = *world_.any_of(waiting);
  const auto service = p.id.target.service;
  const auto release = p.to.release;
  for (const auto* gate : {"unit-tests", "scan", "lint"}) report_gate(service, release, gate, world_.chance(0.95));
}

void Actors::observe(const TargetId& id, bool truly) {
  auto seen = world_.runs(id);
  if (!truly) {
    const auto& release = world_.any_of(candidates_[id.service].releases);
    seen = world_.chance(0.3) ? Observation{} : Observation{release.version, release.artifacts};
  }
  world_.submit(RecordObservation{id, seen}, "engine");
}

void Actors::let_an_activity_end() {
  using Kind = Outcome::Kind;
  const auto dice = world_.below(100);
  world_.outcome(dice < 70   ? Kind::succeeded
                 : dice < 86 ? Kind::unhealthy
                 : dice < 93 ? Kind::retryable
                 : dice < 98 ? Kind::terminal
                             : Kind::stopped);
}

}  // namespace headgate::sim
