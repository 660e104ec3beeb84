#include "engine/domain/rollout.h"

#include <algorithm>

namespace headgate {
namespace {

MetricProgress* progress_of(Promotion& p, std::string_view metric) {
  const auto at = std::ranges::find(p.analysis, metric, &MetricProgress::name);
  return at == p.analysis.end() ? nullptr : &*at;
}

bool ended(const LiveStep& pause) {
  return pause.fired || pause.step->wait == Duration::zero();
}

}  // namespace

const Metric* find_metric(const Step& pause, std::string_view name) {
  const auto at = std::ranges::find(pause.metrics, name, &Metric::name);
  return at == pause.metrics.end() ? nullptr : &*at;
}

void pause_began(Promotion& p, const LiveStep& pause, Timestamp time) {
  for (const auto& metric : pause.step->metrics) {
    auto* progress = progress_of(p, metric.name);
    if (!progress) {
      progress = &p.analysis.emplace_back();
      progress->name = metric.name;
    }
    progress->covered = Duration::zero();
    // A step that is tried again begins with what is left of its limits as a fresh one.
    if (progress->failures > metric.failure_limit) progress->failures = 0;
    if (progress->errors > metric.consecutive_error_limit) progress->errors = 0;
    progress->last = progress->asked = time;
    const auto wait = pause.step->wait;
    progress->due = time + (wait > Duration::zero() ? std::min(wait, metric.interval) : metric.interval);
  }
}

// Measurements keep to a grid of intervals, so that one which is left out makes a gap of two and no more. The pause's
// own end is measured as well.
void measurement_began(Promotion& p, LiveStep& pause, const MeasurementStarted& e) {
  pause.activity = ActivityStatus::running;
  pause.attempt = e.attempt;
  p.measuring = e.metric;
  auto* progress = progress_of(p, e.metric);
  const auto* metric = find_metric(pause.step, e.metric);
  if (!progress || !metric) return;
  progress->asked = e.at > progress->due + metric->interval ? e.at : progress->due;
  progress->due = progress->asked + metric->interval;
  if (!ended(pause) && pause.due && *pause.due > progress->asked) progress->due = std::min(progress->due, *pause.due);
}

void measurement_taken(Promotion& p, LiveStep& pause, const MeasurementTaken& e) {
  pause.activity = ActivityStatus::none;
  p.measuring.clear();
  if (e.verdict != Verdict::passed) pause.reason = e.reason;
  auto* progress = progress_of(p, e.metric);
  const auto* metric = find_metric(pause.step, e.metric);
  if (!progress || !metric) return;
  switch (e.verdict) {
    case Verdict::error:
      ++progress->errors;
      return;
    case Verdict::inconclusive:
      progress->errors = 0;
      ++progress->inconclusive;
      return;
    case Verdict::failed:
      ++progress->failures;
      break;
    case Verdict::passed:
      break;
  }
  progress->errors = 0;
  const auto gap = progress->asked - progress->last;
  if (gap <= 2 * metric->interval) progress->covered += gap;
  progress->last = progress->asked;
}

// Who resumes has looked at what could not be measured: so far it is forgiven, and counts as measured.
void pause_resumed(Promotion& p, LiveStep& pause) {
  pause.resumed = true;
  for (auto& progress : p.analysis) {
    progress.inconclusive = 0;
    if (!pause.due || !find_metric(pause.step, progress.name)) continue;
    progress.covered = progress.asked - (*pause.due - pause.step->wait);
    progress.last = progress.asked;
  }
}

void switch_approved(Promotion& p) {
  if (auto* step = p.find(approve_switch)) step->resumed = true;
}

void shift(MetricProgress& progress, Duration delta) {
  progress.last += delta;
  progress.asked += delta;
  progress.due += delta;
}

std::string slot_after(const Promotion& p, const std::string& before) {
  if (p.phase == Phase::succeeded && p.trigger != Trigger::rollback) {
    for (const auto& s : p.steps) {
      if (!s.step->rollback && s.step->kind == StepKind::deploy) return s.step->slot;
    }
    return before;
  }
  // Where nothing was brought back, what was retired leaves no slot behind.
  std::string slot;
  for (const auto& s : p.steps) {
    if (s.step->rollback && s.step->deploys) slot = s.step->slot;
  }
  return slot;
}

bool retires_old(const Promotion& p) {
  return p.phase == Phase::running && std::ranges::any_of(p.steps, [](const LiveStep& s) {
           return base_name(s.step) == retire_old && s.attempt > 0;
         });
}

std::optional<Breach> breach_of(const Promotion& p, const LiveStep& pause) {
  for (const auto& progress : p.analysis) {
    const auto* metric = find_metric(pause.step, progress.name);
    if (!metric) continue;
    const auto times = [](std::uint32_t count) { return std::to_string(count) + (count == 1 ? " time" : " times"); };
    if (progress.failures > metric->failure_limit) {
      return Breach{"metric " + metric->name + " failed " + times(progress.failures) + ", failureLimit is " +
                        std::to_string(metric->failure_limit) + ": " + pause.reason,
                    true};
    }
    if (progress.errors > metric->consecutive_error_limit) {
      return Breach{"metric " + metric->name + " could not be measured " + times(progress.errors) +
                        " in a row, consecutiveErrorLimit is " + std::to_string(metric->consecutive_error_limit) +
                        ": " + pause.reason,
                    false};
    }
  }
  return std::nullopt;
}

std::string waits_for_person(const Promotion& p, const LiveStep& pause) {
  const bool endless = pause.step->wait == Duration::zero();
  if (endless && pause.resumed) return {};
  for (const auto& progress : p.analysis) {
    const auto* metric = find_metric(pause.step, progress.name);
    if (!metric || progress.inconclusive <= metric->inconclusive_limit) continue;
    return "metric " + metric->name + " was inconclusive more often than its inconclusiveLimit of " +
           std::to_string(metric->inconclusive_limit) + ": " + pause.reason;
  }
  return endless ? "the pause has no duration" : std::string();
}

std::vector<std::string> not_covered(const Promotion& p, const LiveStep& pause) {
  std::vector<std::string> names;
  for (const auto& progress : p.analysis) {
    if (find_metric(pause.step, progress.name) && progress.covered < pause.step->wait) names.push_back(progress.name);
  }
  return names;
}

const MetricProgress* next_measurement(const Promotion& p, const LiveStep& pause) {
  if (pause.status != StepStatus::started || pause.activity == ActivityStatus::running) return nullptr;
  const MetricProgress* next = nullptr;
  for (const auto& progress : p.analysis) {
    if (find_metric(pause.step, progress.name) && (!next || progress.due < next->due)) next = &progress;
  }
  return next;
}

}  // namespace headgate
