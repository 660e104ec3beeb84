// How a pause goes on by itself.
#include <algorithm>

#include "engine/domain/access.h"
#include "engine/domain/approvals.h"
#include "engine/domain/flow.h"
#include "engine/domain/record_size.h"
#include "engine/domain/rollback.h"
#include "engine/domain/rollout.h"

namespace headgate {
namespace {

// Whether anything else was wished after the promotion was planned. What the document wished before that may differ
// from what a trigger or a person brings.
bool wished_since(const State& state, const Promotion& p) {
  const auto* target = state.find(p.id.target);
  const bool by_document = target && target->desired && *target->desired != p.to && target->desired_at > p.planned_at &&
                           !wishes_what_was_left(state, p.id.target);
  return by_document || newer_wish(state, p, true) != nullptr;
}

}  // namespace

std::vector<Event> advance_pause(const State& state, const Promotion& p, const LiveStep& pause,
                                 const std::vector<Condition>& unmet, Timestamp now) {
  const StepId id{p.id, pause.step->name};
  if (pause.status == StepStatus::pending) {
    std::vector<Event> events{StepStarted{id}};
    if (pause.step->wait > Duration::zero()) events.emplace_back(TimerSet{id, now + pause.step->wait});
    return events;
  }
  if (pause.due && !pause.fired && *pause.due <= now) return {TimerFired{id}};
  if (pause.activity == ActivityStatus::running) return {};
  if (unmet.empty()) return {StepSucceeded{id}};
  if (const auto* next = next_measurement(p, pause); next && next->due <= now && !state.effects_paused) {
    return {MeasurementStarted{id, pause.attempt + 1, next->name, now}};
  }
  if (unmet != pause.unmet) return {StepWaiting{id, unmet, std::nullopt}};
  return {};
}

std::vector<Condition> judge_pause(const State& state, const Promotion& p, Timestamp) {
  const auto* pause = p.current();
  if (!pause || pause->step->kind != StepKind::pause || pause->status != StepStatus::started) return {};
  Condition c;
  c.guard = "pause";
  c.file = p.rules.file;
  c.line = pause->step->line;
  c.commit = p.rules.commit;
  if (pause->step->name == keep_old && wished_since(state, p)) {
    c.met = true;
    c.text = "what ran before is not kept any longer: there is a newer wish";
    return {std::move(c)};
  }
  if (const auto why = waits_for_person(p, *pause); !why.empty()) {
    c.text = pause->step->name + " waits for a person: " + why;
    c.remedy = "headgate resume " + to_string(p.id) + ", or headgate cancel " + to_string(p.id);
    return {std::move(c)};
  }
  const auto missing = not_covered(p, *pause);
  c.met = missing.empty() && (pause->fired || pause->step->wait == Duration::zero());
  c.text = pause->step->name;
  if (c.met) {
    c.text += " is over";
  } else if (!pause->fired) {
    c.text += " of " + format_duration(pause->step->wait) + " runs until " +
              (pause->due ? format_timestamp(*pause->due) : std::string("its timer is set"));
    c.remedy = "wait";
  } else {
    std::string names;
    for (const auto& name : missing) names += (names.empty() ? "" : ", ") + name;
    c.text += " goes on until its measurements cover " + format_duration(pause->step->wait) + ": " + names;
    c.remedy = "wait; see that measurements succeed";
  }
  return {std::move(c)};
}

std::vector<Condition> judge_approve_switch(const State& state, const Promotion& p, Timestamp) {
  const auto* step = p.find(approve_switch);
  if (!step || step->status == StepStatus::pending) return {};
  Condition c;
  c.guard = "approveSwitch";
  c.file = p.rules.file;
  c.line = step->step->line;
  c.commit = p.rules.commit;
  c.met = step->resumed;
  c.text = c.met ? "the switch is approved" : "one more approval, of the switch, now that the preview is verified";
  if (c.met) {  // by the last one: it takes one alone
    if (!p.approvals.empty() && p.approvals.back().time >= step->started) {
      c.text += " by " + p.approvals.back().approver;
      c.events = {p.approvals.back().position};
    }
    return {std::move(c)};
  }
  std::string names;
  for (const auto& rule : step->step->approvals) {
    if (!state.access()) break;
    for (const auto& person : approvers(*state.access(), rule.team, p.id.target)) {
      const bool given = std::ranges::find(p.approvals, person, &Approval::approver) != p.approvals.end();
      const bool inside = !p.rules.self_approval && is_inside(state, p, person);
      if (!given && !inside && names.find(person) == std::string::npos) names += (names.empty() ? "" : ", ") + person;
    }
  }
  c.remedy = names.empty() ? "nobody is left who could: headgate cancel " + to_string(p.id)
                           : names + " can approve: headgate approve " + to_string(p.id);
  return {std::move(c)};
}

std::vector<Event> measurement_taken(const Promotion& p, const LiveStep& pause, const Outcome& outcome) {
  MeasurementTaken taken{{p.id, pause.step->name}, pause.attempt, p.measuring, Verdict::error, {}, {}, {}, {}};
  const auto* metric = find_metric(pause.step, p.measuring);
  if (outcome.kind != Outcome::Kind::succeeded || !metric) {
    taken.reason = p.measuring + ": " + cut_text(outcome.reason, 2048);
    return {std::move(taken)};
  }
  auto judged = judge_measurement(*metric, outcome.measured);
  taken.verdict = judged.verdict;
  taken.reason = std::move(judged.reason);
  taken.value = outcome.measured.value;
  taken.samples = outcome.measured.samples;
  taken.baseline = outcome.measured.baseline;
  return {std::move(taken)};
}

}  // namespace headgate
