#include "engine/domain/gate_runs.h"

#include <algorithm>
#include <utility>

#include "engine/domain/conditions.h"
#include "engine/domain/gates.h"
#include "engine/domain/planner.h"
#include "engine/domain/record_size.h"
#include "engine/domain/retry.h"

namespace headgate {
namespace {

using Events = std::vector<Event>;

constexpr std::size_t max_summary_bytes = 2'048;

const ServiceState* find_service(const State& state, const std::string& name) {
  const auto at = state.services.find(name);
  return at == state.services.end() ? nullptr : &at->second;
}

const Gate* find_gate(const ServiceState& service, std::string_view name) {
  if (!service.document) return nullptr;
  const auto& gates = service.document->document.gates;
  const auto at = std::ranges::find(gates, name, &Gate::name);
  return at == gates.end() ? nullptr : &*at;
}

// The next time of a gate's schedule that it has not followed; unset: none is worked out.
std::optional<Timestamp> next_time(const ServiceState& service, const GateSchedule& known) {
  const auto* gate = find_gate(service, known.gate);
  if (!gate || !gate->run || gate->schedule != known.schedule) return std::nullopt;
  const auto at =
      std::ranges::find_if(known.times, [&](Timestamp time) { return !known.followed || time > *known.followed; });
  return at == known.times.end() ? std::nullopt : std::optional(*at);
}

StringMap values_of(const std::string& service, const Release& release) {
  StringMap values{{"service", service}, {"release.version", release.version}, {"release.commit", release.commit}};
  for (const auto& [name, reference] : release.artifacts) values["release.artifacts." + name] = reference;
  return values;
}

StepId id_of(const std::string& service, const GateRun& run) {
  return {{gates_of(service), run.number}, run.gate};
}

struct GateWork {
  const State& state;
  const std::string& name;
  const ServiceState& service;
  const Context& context;

  // What is deployed, one version of each candidate.
  std::vector<std::string> deployed() const {
    std::vector<const Release*> found;
    for (const auto& environment : service.environments) {
      const auto* target = state.find({name, environment});
      if (!target || !target->current) continue;
      const auto& release = target->current->release;
      if (std::ranges::none_of(found, [&](const Release* other) { return other->same_candidate(release); })) {
        found.push_back(&release);
      }
    }
    std::vector<std::string> versions;
    for (const auto* release : found) versions.push_back(release->version);
    return versions;
  }

  // Of several times that have come, the latest alone.
  Events come_due() const {
    for (const auto& known : service.runs.schedules) {
      std::optional<Timestamp> latest;
      for (auto next = next_time(service, known); next && *next <= context.now;) {
        latest = next;
        const auto after = std::ranges::upper_bound(known.times, *next);
        next = after == known.times.end() ? std::nullopt : std::optional(*after);
      }
      if (latest) return {GateDue{{name}, known.gate, *latest, deployed()}};
    }
    return {};
  }

  // Why the gate is to be run for what the promotion brings; empty: it is not.
  std::string needed_by(const Promotion& p, const Gate& gate) const {
    const auto* step = first_of(p, StepKind::gates);
    if (p.phase != Phase::waiting || !step) return {};
    const auto& asked = step->step->gates;
    if (std::ranges::find(asked, gate.name, &Gate::name) == asked.end()) return {};
    const auto& release = p.to.release;
    if (passed_before(service.document->document, service, release, gate).size() < gate.after.size()) return {};
    const auto* result = service.gate(release, gate.name);
    if (!result) return to_string(p.id) + " waits for it";
    if (!reported_too_early(gate, *result).empty()) return to_string(p.id) + " waits for it, after what it comes after";
    if (gate.max_age && result->measured + state.stepped + *gate.max_age <= context.now) {
      return to_string(p.id) + " waits for a report that is no older than " + format_duration(*gate.max_age);
    }
    // It tells nothing of the release: somebody asked again since.
    if (result->status == GateStatus::error && result->position < p.planned_at) {
      return to_string(p.id) + " waits for it, and the last run told nothing";
    }
    return {};
  }

  Events start(const Gate& gate, const Release& release, std::string reason) const {
    GateStarted started{{name}, gate.name, service.runs.last_number + 1, 1, release, *gate.run, std::move(reason)};
    for (auto& argument : started.command.command) argument = interpolate(argument, values_of(name, release));
    return {std::move(started)};
  }

  Events begin() const {
    if (!service.document || state.effects_paused) return {};
    for (const auto& gate : service.document->document.gates) {
      if (!gate.run || !gate.schedule.empty()) continue;
      for (const auto& environment : service.environments) {
        const auto* target = state.find({name, environment});
        if (!target || !target->promotion) continue;
        if (auto why = needed_by(*target->promotion, gate); !why.empty()) {
          return start(gate, target->promotion->to.release, std::move(why));
        }
      }
    }
    for (const auto& due : service.runs.due) {
      const auto* gate = find_gate(service, due.gate);
      const auto release = service.releases.find(due.version);
      if (!gate || !gate->run || release == service.releases.end()) continue;
      return start(*gate, release->second.release,
                   "schedule " + gate->schedule + ", due at " + format_timestamp(due.due));
    }
    return {};
  }

  Events go_on(const GateRun& run) const {
    if (!run.retry_due || *run.retry_due > context.now || state.effects_paused) return {};
    return {GateStarted{{name}, run.gate, run.number, run.attempt + 1, run.release, run.command, run.reason}};
  }
};

}  // namespace

TargetId gates_of(const std::string& service) {
  return {service, std::string(gates_place)};
}

bool is_gates_place(const TargetId& id) {
  return id.environment == gates_place;
}

bool runs_gates(const ServiceState& service) {
  if (service.runs.active) return true;
  return service.document &&
         std::ranges::any_of(service.document->document.gates, [](const Gate& gate) { return gate.run.has_value(); });
}

void remember_scheduled(GateRuns& runs, const GateScheduled& event, Timestamp now) {
  auto at = std::ranges::find(runs.schedules, event.gate, &GateSchedule::gate);
  if (at == runs.schedules.end()) at = runs.schedules.insert(at, GateSchedule{event.gate, {}, {}, {}, {}});
  std::vector<Timestamp> times;
  if (at->schedule == event.schedule) {
    // A time that has come and was not followed yet still is.
    for (const auto time : at->times) {
      if (time <= now && (!at->followed || time > *at->followed)) times = {time};
    }
  } else {
    at->followed.reset();
  }
  times.insert(times.end(), event.times.begin(), event.times.end());
  at->schedule = event.schedule;
  at->until = event.until;
  at->times = std::move(times);
}

void remember_due(GateRuns& runs, const GateDue& event, Position position) {
  const auto at = std::ranges::find(runs.schedules, event.gate, &GateSchedule::gate);
  if (at != runs.schedules.end()) at->followed = event.due;
  std::erase_if(runs.due, [&](const DueGate& due) { return due.gate == event.gate; });
  for (const auto& version : event.versions) runs.due.push_back({event.gate, version, event.due, position});
  if (runs.due.size() > GateRuns::max_due) runs.due.erase(runs.due.begin(), runs.due.end() - GateRuns::max_due);
}

void remember_started(GateRuns& runs, const GateStarted& event, Position position) {
  runs.last_number = std::max(runs.last_number, event.run);
  std::erase_if(runs.due,
                [&](const DueGate& due) { return due.gate == event.gate && due.version == event.release.version; });
  runs.active = GateRun{event.gate, event.run, event.attempt, event.release, event.command, event.reason, {}, position};
}

void remember_retried(GateRuns& runs, const GateRetried& event) {
  if (runs.active && runs.active->number == event.run) runs.active->retry_due = event.due;
}

void remember_run_reported(GateRuns& runs, const GateReported& event) {
  if (event.run && runs.active && runs.active->number == *event.run) runs.active.reset();
}

void reckon_gates(State& state, const std::string& name) {
  const auto at = state.services.find(name);
  if (at == state.services.end()) return;
  auto& service = at->second;
  auto& runs = service.runs;
  std::optional<Timestamp> wakeup;
  const auto want = [&](std::optional<Timestamp> time) {
    if (time && (!wakeup || *time < *wakeup)) wakeup = time;
  };
  for (const auto& schedule : runs.schedules) want(next_time(service, schedule));
  if (runs.active && !state.effects_paused) want(std::as_const(runs.active)->retry_due);
  if (runs.wakeup == wakeup) return;
  const auto place = gates_of(name);
  if (runs.wakeup) state.flow_wakeups.erase({*runs.wakeup, place});
  if (wakeup) state.flow_wakeups.insert({*wakeup, place});
  runs.wakeup = wakeup;
}

std::vector<Event> advance_gates(const State& state, const std::string& name, const Context& context) {
  const auto* service = find_service(state, name);
  if (!service) return {};
  const GateWork work{state, name, *service, context};
  if (auto events = work.come_due(); !events.empty()) return events;
  return service->runs.active ? work.go_on(*service->runs.active) : work.begin();
}

std::optional<Activity> pending_gate_run(const State& state, const std::string& name) {
  const auto* service = find_service(state, name);
  if (!service || state.effects_paused || !service->runs.active) return std::nullopt;
  const auto& run = *service->runs.active;
  if (run.retry_due) return std::nullopt;
  Activity activity;
  activity.id = id_of(name, run);
  activity.attempt = run.attempt;
  activity.step.name = run.gate;
  activity.step.kind = StepKind::run;
  activity.step.run = run.command;
  activity.to.release = run.release;
  activity.gate = run.gate;
  return activity;
}

Result<std::vector<Event>> gate_run_done(const State& state, const CompleteActivity& c, const Context& context) {
  const auto& name = c.id.promotion.target.service;
  const auto* service = find_service(state, name);
  if (!service || c.id.promotion.number == 0 || c.id.promotion.number > service->runs.last_number) {
    return fail(ErrorCode::not_found, "no activity " + to_string(c.id));
  }
  const auto& active = service->runs.active;
  // Told twice, or of a run that was given up.
  if (!active || id_of(name, *active) != c.id) return Events{};
  const auto& run = *active;
  if (run.attempt != c.attempt || run.retry_due) return Events{};

  const auto& outcome = c.outcome;
  auto reason = cut_text(outcome.reason, max_summary_bytes);
  if (outcome.kind == Outcome::Kind::retryable && run.attempt < max_attempts) {
    return Events{GateRetried{{name},
                              run.gate,
                              run.number,
                              run.attempt + 1,
                              context.now + retry_delay(c.id, run.attempt),
                              std::move(reason)}};
  }
  GateReported report;
  report.service = {name};
  report.commit = run.release.commit;
  if (report.commit.empty()) report.version = run.release.version;
  report.gate = run.gate;
  report.run = run.number;
  report.evidence = outcome.evidence;
  report.report = outcome.output;
  report.summary = std::move(reason);
  switch (outcome.kind) {
    case Outcome::Kind::succeeded:
      report.status = GateStatus::passed;
      report.metrics = outcome.metrics;
      break;
    case Outcome::Kind::unhealthy:
      report.status = GateStatus::failed;
      report.metrics = outcome.metrics;
      break;
    case Outcome::Kind::retryable:
      report.summary += " (given up after " + std::to_string(run.attempt) + " attempts)";
      [[fallthrough]];
    case Outcome::Kind::terminal:
    case Outcome::Kind::stopped:
      report.status = GateStatus::error;
      break;
  }
  if (const auto* gate = find_gate(*service, run.gate)) {
    report.after = passed_by_now(state, report.service.text, run.release, *gate);
  }
  return Events{std::move(report)};
}

GateHelp gate_help(const State& state, const std::string& name, const std::string& gate_name, const Release& release,
                   Timestamp now) {
  const auto* service = find_service(state, name);
  const auto* gate = service ? find_gate(*service, gate_name) : nullptr;
  if (!gate || !gate->run) return {};
  const auto& runs = service->runs;
  if (runs.active && runs.active->gate == gate_name && runs.active->release.same_candidate(release)) {
    const auto& run = *runs.active;
    if (run.retry_due) return {"Headgate tries it again at " + format_timestamp(*run.retry_due), {run.position}};
    return {"Headgate runs it", {run.position}};
  }
  const auto due = std::ranges::find_if(
      runs.due, [&](const DueGate& d) { return d.gate == gate_name && d.version == release.version; });
  if (due != runs.due.end()) return {"Headgate runs it next", {due->position}};
  if (gate->schedule.empty()) return {"Headgate runs it by itself", {}};
  const auto known = std::ranges::find(runs.schedules, gate_name, &GateSchedule::gate);
  const auto next = known == runs.schedules.end() ? std::nullopt : next_time(*service, *known);
  return {"Headgate runs it for what is deployed, by its schedule " + gate->schedule +
              (next && *next > now ? ", next at " + format_timestamp(*next) : ""),
          {}};
}

}  // namespace headgate
