// Why a promotion failed or goes back: the step that failed, and the incident that is open since.
#include <algorithm>

#include "engine/domain/conditions.h"
#include "engine/domain/guards.h"
#include "engine/domain/renames.h"
#include "engine/domain/rollback.h"

namespace headgate {
namespace {

bool has_turned_back(const Promotion& p) {
  return p.phase == Phase::rolling_back || p.phase == Phase::rolled_back || p.phase == Phase::failed;
}

bool failed(const LiveStep& step) {
  return step.status == StepStatus::failed && step.failed_at > 0;
}

// Whether the line that the step bears is of the environment's document, which has its driver.
bool is_of_environment(const Step& step) {
  return step.kind == StepKind::deploy || step.kind == StepKind::retire ||
         (step.kind == StepKind::traffic && (step.rollback || base_name(step) == "shift-0"));
}

// Its own, or of the target while the promotion is what left that half done: an incident that was open before is noted.
const std::pair<const std::string, Incident>* incident_of(const State& state, const Promotion& p) {
  const auto own = std::ranges::find_if(state.incidents,
                                        [&](const auto& entry) { return entry.second.promotion == to_string(p.id); });
  if (own != state.incidents.end()) return &*own;
  const auto* target = state.find(p.id.target);
  if (!target) return nullptr;
  const bool leaves_it_so =
      (target->promotion && target->promotion->id == p.id) || (target->back.failed && target->back.failed->id == p.id);
  return leaves_it_so ? open_incident(state, p.id.target) : nullptr;
}

Condition explain_step(const State& then, const Promotion& p, const LiveStep& step) {
  auto c = condition_of(p, "step", step.step->line);
  if (is_of_environment(step.step)) {
    const auto place = then.environments.find(called_now(then, p.id.target).environment);
    const bool as_planned = place != then.environments.end() && place->second.since < p.planned_at;
    c.file = as_planned ? place->second.source.file : std::string();
    c.line = as_planned ? place->second.source.line : 0;
    c.commit = as_planned ? place->second.commit : std::string();
  }
  if (c.line == 0) {
    c.file.clear();
    c.commit.clear();
  }
  c.text = "step " + step.step->name + " failed: " + step.reason;
  c.events = {step.failed_at};
  return c;
}

Condition explain_incident(const State& now, const Promotion& p, const std::string& id, const Incident& incident) {
  Condition c;
  c.guard = "incident";
  c.text = "incident " + id + " is open: " + incident.reason;
  c.events = {incident.position};
  if (const auto freeze = now.freezes.find(incident.freeze); freeze != now.freezes.end()) {
    c.text +=
        "; freeze " + incident.freeze + " of environment " + freeze->second.environment + " lasts until it is resolved";
    c.events.push_back(freeze->second.position);
  }
  const auto resolve = "headgate incident resolve " + id + " --review TEXT";
  const auto meanwhile = p.ended ? resolve : "wait for the way back: headgate wait " + to_string(p.id);
  c.remedy = incident.next.empty() ? meanwhile : incident.next;
  return c;
}

}  // namespace

std::optional<TurningPoint> turning_point_of(const Promotion& p) {
  std::optional<TurningPoint> first;
  if (!has_turned_back(p)) return first;
  // Of a rollback by hand going back is no turn.
  if (p.rollback_at > 0 && p.trigger != Trigger::rollback) first = {p.rollback_at, p.rollback_began};
  for (const auto& step : p.steps) {
    if (failed(step) && (!first || step.failed_at < first->position)) first = {step.failed_at, step.ended};
  }
  return first;
}

std::vector<Condition> explain_failure(const State& then, const State& now, const Promotion& p) {
  std::vector<Condition> all;
  if (!has_turned_back(p)) return all;
  const auto* incident = incident_of(now, p);
  const auto* target = now.find(p.id.target);
  const bool may_be_retried = p.phase == Phase::failed && target && !target->promotion && target->back.failed &&
                              target->back.failed->id == p.id;
  for (const auto& step : p.steps) {
    if (!failed(step)) continue;
    auto c = explain_step(then, p, step);
    if (incident) {
      c.remedy = "see incident " + incident->first;
    } else if (p.phase == Phase::rolling_back) {
      c.remedy = "wait for the way back: headgate wait " + to_string(p.id);
    } else if (may_be_retried) {
      c.remedy = "mend the cause and headgate retry " + to_string(p.id) + " --reason TEXT, or promote another release";
    }
    all.push_back(std::move(c));
  }
  if (incident) all.push_back(explain_incident(now, p, incident->first, incident->second));
  return all;
}

}  // namespace headgate
