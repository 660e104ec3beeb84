#include "tests/sim/rollout_oracle.h"

#include <algorithm>
#include <chrono>

namespace headgate::sim {
namespace {

std::string other_slot(const std::string& slot) {
  return slot == "blue" ? "green" : "blue";
}

}  // namespace

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

// What was told of a location that is none any more is forgotten with it.
void RolloutOracle::handle(const ConfigurationAccepted&) {
  for (auto& [id, weights] : weights_) {
    const auto& all = locations_.of(id.environment);
    std::erase_if(weights, [&](const auto& entry) {
      const auto& location = entry.first.first;
      return !location.empty() && std::ranges::find(all, location, &Location::name) == all.end();
    });
  }
}

void RolloutOracle::handle(const StepSucceeded& e) {
  const auto& course = courses_[e.id.promotion];
  const auto* step = step_of(e.id);
  if (!step || step->kind != StepKind::pause || step->name == "keep-old") return;
  if (!is_over(course, *step)) violated(to_string(e.id) + " ended before it was due and measured");
}

void RolloutOracle::handle(const ApprovalGranted& e) {
  auto& course = courses_[e.promotion];
  const bool another = course.approvers.insert(actor_).second;
  if (another && course.begun.contains("approve-switch")) course.switch_approved = true;
}

// Its limits count anew where they were breached.
void RolloutOracle::handle(const PromotionRetried& e) {
  auto& course = courses_[e.promotion];
  for (const auto& step : course.steps) {
    for (const auto& metric : step.metrics) {
      if (course.failures[metric.name] > metric.failure_limit) course.failures[metric.name] = 0;
      if (course.errors[metric.name] > metric.consecutive_error_limit) course.errors[metric.name] = 0;
    }
  }
}

void RolloutOracle::handle(const TargetRenamed& e) {
  weights_[e.target] = std::exchange(weights_[e.from], {});
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
  if (step->kind == StepKind::traffic) shifts(e.id, course, *step);
  brings(e.id, course, *step);
}

void RolloutOracle::shifts(const StepId& id, Course& course, const Step& step) {
  if (!step.weight || *step.weight > 100 || step.slot.empty()) return violated(to_string(id) + " shifts to nowhere");
  if (step.rollback) return;
  auto& weight = course.weight[step.location];
  if (*step.weight < weight) violated(to_string(id) + " takes traffic away from the candidate");
  weight = *step.weight;
  const bool asked = std::ranges::any_of(course.steps, [](const Step& s) { return s.name == "approve-switch"; });
  if (base_name(step) == "switch" && asked && !course.switch_approved) {
    violated(to_string(id) + " was approved by nobody once the preview was verified");
  }
}

void RolloutOracle::brings(const StepId& id, const Course& course, const Step& step) {
  if (step.slot.empty() || told(id.promotion.target, step.location, step.slot).value_or(0) == 0) return;
  const auto any = [&](auto is) {
    return std::ranges::any_of(course.steps, [&](const Step& s) { return s.location == step.location && is(s); });
  };
  const bool comes_back = any([](const Step& s) { return s.rollback && s.deploys; });
  const bool deploys = any([](const Step& s) { return !s.rollback && s.kind == StepKind::deploy; });
  if (step.kind == StepKind::retire && (step.rollback ? comes_back : deploys)) {
    violated(to_string(id) + " retires a slot with traffic");
  }
  const bool beside = any([](const Step& s) { return s.kind == StepKind::traffic; }) &&
                      told(id.promotion.target, step.location, other_slot(step.slot));
  // Where nothing runs in a slot by plan, nobody is asked what was left there: it is deployed to as it is.
  const bool stable = any([](const Step& s) { return base_name(s) == "shift-0"; });
  if (step.kind == StepKind::deploy && beside && !step.rollback && stable) {
    violated(to_string(id) + " deploys into a slot with traffic");
  }
}

std::optional<std::uint32_t> RolloutOracle::told(const TargetId& target, const std::string& location,
                                                 const std::string& slot) const {
  const auto of_target = weights_.find(target);
  if (of_target == weights_.end()) return std::nullopt;
  const auto at = of_target->second.find({location, slot});
  return at == of_target->second.end() ? std::nullopt : std::optional(at->second);
}

void RolloutOracle::handle(const ActivitySucceeded& e) {
  const auto* step = step_of(e.id);
  if (!step) return;
  auto& weights = weights_[e.id.promotion.target];
  if (step->kind == StepKind::retire) {  // nothing runs there that could have traffic
    std::erase_if(weights, [&](const auto& entry) {
      return entry.first.first == step->location && (step->slot.empty() || entry.first.second == step->slot);
    });
  }
  if (step->kind != StepKind::traffic || !step->weight) return;
  weights[{step->location, step->slot}] = *step->weight;
  weights[{step->location, other_slot(step->slot)}] = 100 - *step->weight;
}

}  // namespace headgate::sim
