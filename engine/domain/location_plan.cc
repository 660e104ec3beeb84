#include "engine/domain/location_plan.h"

#include <algorithm>
#include <iterator>
#include <ranges>
#include <set>

#include "engine/domain/plan_steps.h"
#include "engine/domain/rollout.h"
#include "engine/domain/rollout_plan.h"

namespace headgate {
namespace {

PlanInput input_at(const PlanInput& input, const Place& place) {
  auto at = input;
  at.places.clear();
  at.location = place.location;
  at.from = place.from;
  at.way_back = place.way_back;
  at.stable = place.stable;
  at.stable_slot = place.stable_slot;
  at.left_slot = place.left_slot;
  return at;
}

// From `first` on they belong to the location.
void belong_to(std::vector<Step>& steps, std::size_t first, const Location& location) {
  for (auto& step : steps | std::views::drop(first)) {
    step.name += '.' + location.name;
    step.location = location.name;
    if (!location.standby) step.wave = location.wave;
    for (auto& metric : step.metrics) metric.name += '.' + location.name;  // limits count in each location
  }
}

}  // namespace

void add_rollout_in_places(Plan& plan, const PlanInput& input) {
  std::vector<Step> keeping;
  std::vector<Step> retiring;
  for (const auto& place : input.places) {
    Plan part;
    add_rollout(part, input_at(input, place));
    const auto take = [&](std::string_view name, std::vector<Step>& to) {
      const auto at = std::ranges::find(part.steps, name, &Step::name);
      if (at == part.steps.end()) return;
      to.push_back(std::move(*at));
      part.steps.erase(at);
    };
    take(keep_old, keeping);
    // Who approves the first switch has seen the preview; the other locations follow when it is verified there.
    std::vector<Step> approval;
    take(approve_switch, approval);
    const auto before_switch = std::ranges::find(part.steps, "switch", &Step::name) - part.steps.begin();
    const auto retire = retiring.size();
    take(retire_old, retiring);
    belong_to(retiring, retire, *place.location);
    belong_to(part.steps, 0, *place.location);
    if (!approval.empty() && &place == &input.places.front()) {
      part.steps.insert(part.steps.begin() + before_switch, std::move(approval.front()));
    }
    std::ranges::move(part.steps, std::back_inserter(plan.steps));
  }
  if (!keeping.empty()) plan.steps.push_back(std::move(keeping.front()));
  std::ranges::move(retiring, std::back_inserter(plan.steps));
}

void add_way_back_in_places(Plan& plan, const PlanInput& input, bool restore) {
  std::set<const Place*> instant;
  for (const auto& place : input.places | std::views::reverse) {
    const auto first = plan.steps.size();
    if (place.way_back && shift_back(plan, input_at(input, place))) instant.insert(&place);
    belong_to(plan.steps, first, *place.location);
  }
  const auto back = std::ranges::find_if(input.places, [](const Place& place) { return place.way_back.has_value(); });
  if (const auto& with = input.stage->restore; with && restore && back != input.places.end()) {
    plan.steps.push_back(restore_step(*with, input, *back->way_back));
  }
  for (const auto& place : input.places | std::views::reverse) {
    const auto first = plan.steps.size();
    const auto at = input_at(input, place);
    if (at.way_back) {
      if (!instant.contains(&place)) bring_back(plan, at);
      add_verifications(plan, at, *at.way_back, "rollback-", back_slot(at));
    }
    retire_left(plan, at);
    belong_to(plan.steps, first, *place.location);
  }
}

void add_retirement_in_places(Plan& plan, const PlanInput& input) {
  for (const auto& place : input.places | std::views::reverse) {
    const auto first = plan.steps.size();
    const auto at = input_at(input, place);
    plan.steps.push_back(retire_step("retire", at, place.from ? *place.from : input.to, at.stable_slot));
    belong_to(plan.steps, first, *place.location);
  }
}

}  // namespace headgate
