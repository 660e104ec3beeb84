// CI and the machines: releases, gates, observations, monitors, windows, ends of activities.
#include <algorithm>
#include <chrono>

#include "tests/domain/fixture.h"
#include "tests/sim/actors.h"

namespace headgate::sim {
namespace {

using namespace std::chrono_literals;  // NOLINT: lengths of time read better so

// Longer than any limit, of characters of three bytes.
std::string long_reason(std::size_t offset) {
  std::string text(offset, 'x');
  while (text.size() < 5'000) text += "€";
  return text;
}

std::vector<Timestamp> every(Duration interval, Timestamp from, Timestamp until) {
  std::vector<Timestamp> times;
  for (auto at = from + interval; at < until; at += interval) times.push_back(at);
  return times;
}

}  // namespace

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
  world_.submit(ReportMonitor{id, world_.chance(0.5), 1 + static_cast<std::uint32_t>(world_.below(4)), since,
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
  expand_schedules();
}

void Actors::expand_schedules() {
  const auto now = world_.now();
  std::vector<Command> due;
  for (const auto& [name, service] : world_.state().services) {
    if (!service.document) continue;
    for (const auto& gate : service.document->document.gates) {
      const auto& all = service.runs.schedules;
      const auto known = std::ranges::find(all, gate.name, &GateSchedule::gate);
      if (gate.schedule.empty() || (known != all.end() && now + 24h < known->until)) continue;
      due.emplace_back(ExpandGateSchedule{{{name}, gate.name, gate.schedule, now + 96h, every(6h, now, now + 96h)}});
    }
    for (const auto& stage : service.document->document.stages) {
      const TargetId id{name, stage.environment};
      const auto& flow = world_.state().find(id)->flow;
      for (const auto& trigger : stage.triggers) {
        const bool known = flow && flow->schedule == trigger.schedule && now + 24h < flow->schedule_until;
        if (trigger.kind != Trigger::schedule || known) continue;
        due.emplace_back(ExpandSchedule{{id, trigger.schedule, now + 96h, every(5h, now, now + 96h)}});
      }
    }
  }
  for (const auto& command : due) world_.submit(command, "engine");
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
  const auto& service = some_target().service;
  const auto release = some_release(service);
  report_gate(service, release, world_.any_of(std::vector<std::string>{"unit-tests", "scan", "lint", "ghost"}),
              world_.chance(0.6));
}

void Actors::report_what_is_waited_for() {
  const auto waiting = live();
  if (waiting.empty()) return;
  const auto& p = *world_.any_of(waiting);
  const auto service = p.id.target.service;
  const auto release = p.to.release;
  std::vector<std::string> asked;
  for (const auto& step : p.steps) {
    for (const auto& gate : step.step->gates) {
      asked.push_back(gate.name);
      asked.insert(asked.end(), gate.after.begin(), gate.after.end());
    }
  }
  std::ranges::sort(asked, std::greater{});  // unit-tests, scan, lint: in the order that they come after each other
  asked.erase(std::ranges::unique(asked).begin(), asked.end());
  for (const auto& gate : asked) report_gate(service, release, gate, world_.chance(0.95));
}

void Actors::observe(const TargetId& id, bool truly) {
  std::vector<std::string> places;
  if (const auto at = world_.state().environments.find(id.environment); at != world_.state().environments.end()) {
    for (const auto& location : at->second.document.locations) places.push_back(location.name);
  }
  if (places.empty()) places.emplace_back();
  Observation lie;
  if (!truly && world_.chance(0.7)) {
    const auto& release = some_release(id.service);
    lie = {release.version, release.artifacts, {}};
  }
  const auto liar = world_.below(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    auto seen = truly || i != liar ? world_.runs(id, places[i]) : lie;
    if (!truly && world_.chance(0.2)) seen.variables["replicas"] = "7";
    world_.submit(RecordObservation{id, std::move(seen), world_.state().next, places[i]}, "engine");
  }
}

void Actors::let_an_activity_end() {
  using Kind = Outcome::Kind;
  const auto activity = world_.some_activity();
  if (!activity) return;
  auto kind = Kind::succeeded;
  if (world_.chance(failure_rate_)) {
    const auto dice = world_.below(20);
    kind = dice < 10 ? Kind::unhealthy : dice < 15 ? Kind::retryable : dice < 19 ? Kind::terminal : Kind::stopped;
  }
  world_.end(*activity, outcome_of(*activity, kind));
}

Outcome Actors::outcome_of(const Activity& activity, Outcome::Kind kind) {
  Outcome outcome;
  outcome.kind = kind;
  if (kind != Outcome::Kind::succeeded)
    outcome.reason = world_.chance(0.1) ? long_reason(world_.below(3)) : "it said no";
  if (activity.measure && kind != Outcome::Kind::succeeded) {  // no answer, or one that is bad or tells little
    outcome.kind = kind == Outcome::Kind::terminal ? kind : Outcome::Kind::succeeded;
    outcome.measured = {Decimal{"0.2"}, Decimal{kind == Outcome::Kind::retryable ? "3" : "100"}, Decimal{"0.01"}};
    if (kind == Outcome::Kind::stopped) outcome.measured = {};
  } else if (activity.measure) {
    outcome.measured = {Decimal{"0.01"}, Decimal{"100"}, Decimal{"0.01"}};
  }
  if (activity.probe) outcome.downtime = ProbeResult{60, world_.below(3), std::chrono::seconds(world_.below(9))};
  if (!activity.step.keeps.empty()) outcome.evidence.text = "{\"dump\":\"7\"}";
  return outcome;
}

void Actors::answer_everything() {
  for (int round = 0; round < 10'000; ++round) {
    const auto effects = pending_effects(world_.state());
    if (effects.empty()) return;
    for (const auto& effect : effects) world_.end(effect, outcome_of(effect, Outcome::Kind::succeeded));
  }
  world_.complain("activities succeed for ever and nothing ends");
}

void Actors::roll(Duration length) {
  answer_everything();
  while (world_.ok()) {
    const auto next = world_.until_next();
    if (!next || *next > length) break;
    world_.pass(*next);
    length -= *next;
    answer_everything();
  }
  world_.pass(length);
  answer_everything();
}

}  // namespace headgate::sim
