#include "tests/sim/rollout_oracle.h"

#include <algorithm>
#include <chrono>

namespace headgate::sim {

void RolloutOracle::see(const Recorded<Event>& record, Duration elapsed) {
  actor_ = record.meta.actor;
  elapsed_ = elapsed;
  std::visit([this](const auto& e) { handle(e); }, record.event);
}

const Step* RolloutOracle::step_of(const StepId& id) const {
  const auto course = courses_.find(id.promotion);
  if (course == courses_.end()) return nullptr;
  for (const auto& step : course->second.steps) {
    if (step.name == id.step) return &step;
  }
  return nullptr;
}

// When it is due, and each metric was looked at from its beginning on without a gap of more than two intervals, or with
// as much time more as the gaps took. Until a person resumed it nothing had to be learnt.
bool RolloutOracle::is_over(const Course& course, const Step& pause) const {
  const auto began = course.begun.find(pause.name);
  const auto resumed = course.resumed.find(pause.name);
  if (pause.wait == Duration::zero()) return resumed != course.resumed.end();
  if (began == course.begun.end()) return false;
  const bool is_resumed = resumed != course.resumed.end() && resumed->second >= began->second;
  if (elapsed_ - began->second < pause.wait) return false;
  for (const auto& metric : pause.metrics) {
    auto last = is_resumed ? resumed->second : began->second;
    auto covered = last - began->second;
    const auto of_pause = course.looks.find(pause.name);
    if (of_pause != course.looks.end() && of_pause->second.contains(metric.name)) {
      for (const auto& look : of_pause->second.at(metric.name)) {
        if (!look.counts || look.at < last) continue;
        // A look may begin up to an interval later than it was due, and counts for when it was due.
        if (look.at - last <= 3 * metric.interval) covered += look.at - last;
        last = look.at;
      }
    }
    if (covered + metric.interval < pause.wait) return false;
  }
  return true;
}

void RolloutOracle::handle(const StepSucceeded& e) {
  auto& course = courses_[e.id.promotion];
  const auto* step = step_of(e.id);
  course.done.insert(e.id.step);
  if (!step || step->kind != StepKind::pause || step->name == "keep-old") return;
  if (!is_over(course, *step)) violated(to_string(e.id) + " ended before it was due and measured");
}

void RolloutOracle::handle(const ApprovalGranted& e) {
  auto& course = courses_[e.promotion];
  const bool another = course.approvers.insert(actor_).second;
  if (another && course.begun.contains("approve-switch")) course.switch_approved = true;
}

void RolloutOracle::handle(const MeasurementStarted& e) {
  courses_[e.id.promotion].looks[e.id.step][e.metric].push_back({elapsed_, false});
}

void RolloutOracle::handle(const MeasurementTaken& e) {
  auto& course = courses_[e.id.promotion];
  auto& looks = course.looks[e.id.step][e.metric];
  if (looks.empty()) return violated(to_string(e.id) + " was measured before anybody looked");
  looks.back().counts = e.verdict == Verdict::passed || e.verdict == Verdict::failed;
  if (e.verdict == Verdict::failed) ++course.failures[e.metric];
  course.errors[e.metric] = e.verdict == Verdict::error ? course.errors[e.metric] + 1 : 0;
}

void RolloutOracle::handle(const ActivityStarted& e) {
  const auto* step = step_of(e.id);
  if (!step) return;
  auto& course = courses_[e.id.promotion];
  const auto& target = e.id.promotion.target;
  for (const auto& before : course.steps) {
    if (&before == step) break;
    if (before.rollback == step->rollback && !course.done.contains(before.name)) {
      violated(to_string(e.id) + " began before " + before.name + " was done");
    }
  }
  if (!step->rollback) {
    for (const auto& pause : course.steps) {
      for (const auto& metric : pause.metrics) {
        if (course.failures[metric.name] > metric.failure_limit ||
            course.errors[metric.name] > metric.consecutive_error_limit) {
          return violated(to_string(e.id) + " went further after " + metric.name + " had breached its limit");
        }
      }
    }
  }
  if (step->kind == StepKind::traffic) {
    if (!step->weight || *step->weight > 100 || step->slot.empty()) violated(to_string(e.id) + " shifts to nowhere");
    if (!step->rollback && step->weight && *step->weight < course.weight) {
      violated(to_string(e.id) + " takes traffic away from the candidate");
    }
    if (!step->rollback) course.weight = step->weight.value_or(0);
    const bool asked = std::ranges::any_of(course.steps, [](const Step& s) { return s.name == "approve-switch"; });
    if (step->name == "switch" && asked && !course.switch_approved) {
      violated(to_string(e.id) + " was approved by nobody once the preview was verified");
    }
  }
  const auto weight = weights_.find({target, step->slot});
  const bool has_traffic = !step->slot.empty() && weight != weights_.end() && weight->second > 0;
  const bool comes_back = std::ranges::any_of(course.steps, [](const Step& s) { return s.rollback && s.deploys; });
  if (has_traffic && step->kind == StepKind::retire && (!step->rollback || comes_back)) {
    violated(to_string(e.id) + " retires a slot with traffic");
  }
  if (has_traffic && step->kind == StepKind::deploy &&
      weights_.contains({target, step->slot == "blue" ? "green" : "blue"})) {
    const bool beside = std::ranges::any_of(course.steps, [](const Step& s) { return s.kind == StepKind::traffic; });
    if (beside && !step->rollback) violated(to_string(e.id) + " deploys into a slot with traffic");
  }
}

void RolloutOracle::handle(const ActivitySucceeded& e) {
  const auto* step = step_of(e.id);
  if (!step || step->kind != StepKind::traffic || !step->weight) return;
  const auto& target = e.id.promotion.target;
  weights_[{target, step->slot}] = *step->weight;
  weights_[{target, step->slot == "blue" ? "green" : "blue"}] = 100 - *step->weight;
}

}  // namespace headgate::sim
