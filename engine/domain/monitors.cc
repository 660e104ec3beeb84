#include "engine/domain/monitors.h"

#include <algorithm>

#include "engine/domain/decide_parts.h"
#include "engine/domain/decimal.h"
#include "engine/domain/record_size.h"
#include "engine/domain/rollback.h"
#include "engine/domain/rollout.h"

namespace headgate {
namespace {

constexpr std::size_t max_monitor_reason = 1'024;

Duration whole_milliseconds(Duration duration) {
  return std::max<Duration>(std::chrono::floor<std::chrono::milliseconds>(duration), Duration::zero());
}

// What a failure means for one service.
struct Failure {
  const State& state;
  const ReportMonitor& report;
  const Context& context;
  const std::string what;  // monitor api fails: …

  void tell(Events& events, const TargetId& id, const std::string& release, const std::string& why_not,
            const std::string& next) const {
    const auto text = why_not.empty() ? what : what + "; nothing is rolled back: " + why_not;
    tell_incident(events, state, {id, {}, release, text, next, {}});
  }

  // The release of a promotion that is under way is to blame: its own way back is taken, while that is there.
  void take_back(Events& events, const Promotion& p) const {
    const auto& id = p.id.target;
    const auto& release = p.to.release;
    const auto* crossed = irreversible_step_begun(p);
    if (p.retires() || p.effects_since + state.stepped > report.since) {
      return tell(events, id, release.version, "it failed before " + to_string(p.id) + " began", look_at(id));
    }
    if (crossed) {
      return tell(events, id, release.version, "step " + crossed->step->name + " cannot be undone", by_hand(id, true));
    }
    if (!p.rules.rollback_automatic || p.rules.on_location_failure == OnLocationFailure::hold) {
      return tell(events, id, release.version, "the stage leaves it to a person", by_hand(id, false));
    }
    if (retires_old(p)) return go_back(events, id, release.version);
    const bool new_candidate = !p.from || !p.from->release.same_candidate(release);
    if (p.rules.rollback_quarantine && new_candidate) quarantine(events, id, release);
    tell(events, id, release.version, {}, {});
    begin_rollback(events, state, p, what, true);
  }

  // What runs there is to blame.
  void leave_current(Events& events, const TargetId& id, const TargetState& t) const {
    const auto release = t.current ? t.current->release.version : std::string();
    const auto not_now = [&](const std::string& why, const std::string& next) { tell(events, id, release, why, next); };
    const auto* stage = state.stage(id);
    if (!t.current || !t.promoted) {
      return not_now("no promotion brought what runs at " + to_string(id), look_at(id));
    }
    if (report.since < t.current_since + state.stepped) {
      return not_now("it failed before release " + release + " was there", look_at(id));
    }
    if (!stage || !stage->rollback_automatic || !t.held.empty() || (t.document && t.document->document.suspend)) {
      return not_now("the target is left to a person", by_hand(id, false));
    }
    go_back(events, id, release);
  }

  // By a promotion of its own, as by hand.
  void go_back(Events& events, const TargetId& id, const std::string& release) const {
    const auto not_now = [&](const std::string& why, const std::string& next) { tell(events, id, release, why, next); };
    const auto way = rollback_way(state, id, "previous");
    if (!way)
      return not_now(way.error().message, "look at " + to_string(id) + ", then headgate promote another release");
    if (!way->to) return not_now("no other release was verified at " + to_string(id), by_hand(id, false));
    if (!way->crosses.empty()) return not_now("step " + way->crosses + " cannot be undone", by_hand(id, true));
    const PromotionId as{id, state.find(id)->last_number + 1};
    if (const auto plan = rollback_plan(state, as, *way, false, context.digest); !plan) {
      return not_now(plan.error().message, look_at(id));
    }
    // With the same candidate before and after, the variables are to blame.
    if (state.stage(id)->rollback_quarantine && !way->to->release.same_candidate(way->leaves.release)) {
      quarantine(events, id, way->leaves.release);
    }
    events.emplace_back(RollbackRequested{as, what, way->leaves, way->to, false, "monitor " + report.monitor.name, {}});
    tell(events, id, release, {}, {});
  }

  void roll_back(Events& events, const TargetId& id, const TargetState& t) const {
    const auto& p = t.promotion;
    if (t.back.wanted || (p && p->phase == Phase::rolling_back)) {
      return tell(events, id, {}, "it goes back already", {});
    }
    if (p && p->deployed()) return take_back(events, *p);
    leave_current(events, id, t);
  }

  void quarantine(Events& events, const TargetId& id, const Release& release) const {
    if (state.quarantine(id.service, release)) return;
    events.emplace_back(ReleaseQuarantined{
        {id.service, release.version}, release.commit, release.artifacts, to_string(id) + ": " + what});
  }

  static std::string look_at(const TargetId& id) {
    return "look at " + to_string(id) + ", then headgate promote another release, or " + by_hand(id, false);
  }
  static std::string by_hand(const TargetId& id, bool break_glass) {
    return "headgate rollback --environment " + id.environment + " --service " + id.service +
           (break_glass ? " --break-glass" : "") + " --reason TEXT";
  }
};

std::vector<std::string> incidents_in(const Events& events) {
  std::vector<std::string> ids;
  for (const auto& event : events) {
    if (const auto* opened = std::get_if<IncidentOpened>(&event)) add_unique(ids, opened->id);
    if (const auto* noted = std::get_if<IncidentNoted>(&event)) add_unique(ids, noted->id);
  }
  return ids;
}

Events failed(const State& state, const Monitor& monitor, const ReportMonitor& c, const Context& context) {
  const auto& environment = c.monitor.environment;
  const auto reason = cut_text(c.reason, max_monitor_reason);
  const Failure failure{state, c, context, "monitor " + monitor.name + " fails: " + reason};
  Events follows;
  for (const auto& service : monitor.services) {
    const TargetId id{service, environment};
    const auto* target = state.find(id);
    if (!target) continue;
    if (monitor.on_failure == OnMonitorFailure::rollback) {
      failure.roll_back(follows, id, *target);
    } else {
      failure.tell(follows, id, target->current ? target->current->release.version : std::string(), {}, {});
    }
  }
  if (follows.empty()) failure.tell(follows, {{}, environment}, {}, {}, "look at environment " + environment);
  Events events{MonitorFailed{{environment}, monitor.name, reason, c.failures, c.since, incidents_in(follows)}};
  events.insert(events.end(), std::make_move_iterator(follows.begin()), std::make_move_iterator(follows.end()));
  return events;
}

Events recovered(const State& state, const MonitorState& known, const ReportMonitor& c, const Context& context) {
  const auto took = whole_milliseconds(context.now - known.since);
  Events events{MonitorRecovered{{c.monitor.environment}, c.monitor.name, took}};
  for (const auto& id : known.incidents) {
    const auto at = state.incidents.find(id);
    if (at == state.incidents.end()) continue;
    const auto& incident = at->second;
    events.emplace_back(IncidentNoted{incident.target,
                                      incident.promotion,
                                      id,
                                      "monitor " + c.monitor.name + " passes again, after " + format_duration(took),
                                      "headgate incident resolve " + id + " --review TEXT",
                                      {}});
  }
  return events;
}

// The hours that an sla looks at when `hour` is the newest.
void keep_window(std::vector<MonitorHour>& hours, Timestamp hour, Duration window) {
  std::erase_if(hours, [&](const MonitorHour& h) { return h.hour + window <= hour; });
}

MonitorHour hour_of(const MonitorSummarized& e) {
  return {e.hour, e.checks, e.failures, e.latency};
}

}  // namespace

const Monitor* find_monitor(const State& state, const MonitorId& id) {
  const auto environment = state.environments.find(id.environment);
  if (environment == state.environments.end()) return nullptr;
  const auto& all = environment->second.document.monitors;
  const auto at = std::ranges::find(all, id.name, &Monitor::name);
  return at == all.end() ? nullptr : &*at;
}

const MonitorState* monitor_state(const State& state, const MonitorId& id) {
  const auto at = state.monitors.find(id);
  return at == state.monitors.end() ? nullptr : &at->second;
}

bool is_silent(const Environment& environment, Timestamp now) {
  return std::ranges::any_of(environment.maintenance,
                             [&](const Maintenance& m) { return m.from <= now && now < m.to; });
}

std::vector<GoalStanding> standing_of(const Sla& sla, const std::vector<MonitorHour>& hours) {
  std::vector<GoalStanding> all;
  if (sla.availability) {
    GoalStanding standing{"availability", sla.availability->text + " % of the looks pass", 0, 0, true};
    for (const auto& hour : hours) {
      standing.checks += hour.checks;
      standing.missed += hour.failures;
    }
    const Decimal passed{std::to_string((standing.checks - std::min(standing.missed, standing.checks)) * 100)};
    const auto needed = product(*sla.availability, Decimal{std::to_string(standing.checks)});
    standing.met = !needed || compare(passed, *needed) >= 0;
    all.push_back(std::move(standing));
  }
  for (const auto& goal : sla.latency) {
    GoalStanding standing{
        "p" + std::to_string(goal.percentile),
        std::to_string(goal.percentile) + " % of the answers come within " + format_duration(goal.max), 0, 0, true};
    // Of a bucket that the bound lies in, nobody knows: it counts as too late. Those made under this sla end at it.
    const auto bound = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::milliseconds>(goal.max).count());
    for (const auto& hour : hours) {
      for (const auto& bucket : hour.latency) {
        standing.checks += bucket.count;
        if (bucket.up_to > bound) standing.missed += bucket.count;
      }
    }
    standing.met = (standing.checks - standing.missed) * 100 >= standing.checks * goal.percentile;
    all.push_back(std::move(standing));
  }
  return all;
}

Decision decide_command(const State& state, const ReportMonitor& c, const Context& context) {
  const auto* monitor = find_monitor(state, c.monitor);
  if (!monitor || is_silent(state.environments.find(c.monitor.environment)->second.document, context.now)) {
    return Events{};
  }
  const auto* known = monitor_state(state, c.monitor);
  const bool failing = known && known->failing;
  if (c.passed) return failing ? recovered(state, *known, c, context) : Events{};
  if (failing || c.failures < monitor->failure_limit) return Events{};
  return failed(state, *monitor, c, context);
}

Decision decide_command(const State& state, const SummarizeMonitor& c, const Context&) {
  const MonitorId id{c.seen.environment.text, c.seen.monitor};
  const auto* monitor = find_monitor(state, id);
  if (!monitor || c.seen.checks == 0) return Events{};
  HEADGATE_CHECK(c.seen.failures <= c.seen.checks && c.seen.latency.size() <= max_latency_buckets);
  auto seen = c.seen;
  seen.violates.clear();
  if (!monitor->sla) return Events{std::move(seen)};
  const auto* known = monitor_state(state, id);
  auto hours = known ? known->hours : std::vector<MonitorHour>{};
  hours.push_back(hour_of(seen));
  keep_window(hours, seen.hour, monitor->sla->window);
  Events violations;
  for (auto& standing : standing_of(*monitor->sla, hours)) {
    if (standing.met) continue;
    seen.violates.push_back(standing.goal);
    if (known && std::ranges::find(known->violated, standing.goal) != known->violated.end()) continue;
    violations.emplace_back(SlaViolated{c.seen.environment, c.seen.monitor, std::move(standing.goal),
                                        std::move(standing.promised), monitor->sla->window, standing.checks,
                                        standing.missed});
  }
  Events events{std::move(seen)};
  events.insert(events.end(), std::make_move_iterator(violations.begin()), std::make_move_iterator(violations.end()));
  return events;
}

void remember_monitor_failed(State& state, const MonitorFailed& e, Position position) {
  const MonitorId id{e.environment.text, e.monitor};
  if (!find_monitor(state, id)) return;
  auto& known = state.monitors[id];
  known.failing = true;
  known.reason = e.reason;
  known.since = e.since;
  known.incidents = e.incidents;
  known.position = position;
}

void remember_monitor_recovered(State& state, const MonitorRecovered& e, Position position) {
  const auto at = state.monitors.find({e.environment.text, e.monitor});
  if (at == state.monitors.end()) return;
  auto& known = at->second;
  known.failing = false;
  known.reason.clear();
  known.since = {};
  known.incidents.clear();
  known.position = position;
}

void remember_monitor_summary(State& state, const MonitorSummarized& e) {
  const MonitorId id{e.environment.text, e.monitor};
  const auto* monitor = find_monitor(state, id);
  if (!monitor || (!monitor->sla && !state.monitors.contains(id))) return;
  auto& known = state.monitors[id];
  known.violated = e.violates;
  if (!monitor->sla) return known.hours.clear();
  known.hours.push_back(hour_of(e));
  keep_window(known.hours, e.hour, monitor->sla->window);
}

void forget_other_monitors(State& state, const std::string& environment) {
  for (auto at = state.monitors.lower_bound({environment, {}});
       at != state.monitors.end() && at->first.environment == environment;) {
    at = find_monitor(state, at->first) ? std::next(at) : state.monitors.erase(at);
  }
}

void remember_downtime(Promotion& p, const DowntimeMeasured& e, Position position) {
  if (!p.downtime) p.downtime.emplace();
  if (p.downtime->position > 0 && p.downtime->longest >= e.longest) return;
  *p.downtime = {e.longest, e.max, e.id.step, position};
}

std::optional<Probe> probe_of(const State& state, const Promotion& p, const Step& step) {
  if (step.rollback || (step.kind != StepKind::deploy && step.kind != StepKind::traffic)) return std::nullopt;
  const auto* stage = state.stage(p.id.target);
  if (!stage || !stage->downtime) return std::nullopt;
  const auto of = std::ranges::find_if(p.steps, [&](const LiveStep& s) {
    return s.step->kind == StepKind::health && !s.step->rollback && s.step->check &&
           base_name(s.step) == stage->downtime->probe && s.step->location == step.location;
  });
  if (of == p.steps.end()) return std::nullopt;
  Probe probe{*of->step->check, stage->downtime->interval, stage->downtime->max};
  probe.check.attempts = 1;
  probe.check.successes = 1;
  probe.check.after = Duration::zero();
  return probe;
}

std::vector<Event> downtime_of(const State& state, const CompleteActivity& c) {
  const auto* stage = state.stage(c.id.promotion.target);
  if (!c.outcome.downtime || c.outcome.downtime->probes == 0 || !stage || !stage->downtime) return {};
  const auto& [probes, failures, longest] = *c.outcome.downtime;
  const auto took = whole_milliseconds(longest);
  return {DowntimeMeasured{c.id, c.attempt, stage->downtime->probe, probes, failures, took, stage->downtime->max,
                           took > stage->downtime->max}};
}

}  // namespace headgate
