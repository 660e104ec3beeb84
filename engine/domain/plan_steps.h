// The pieces that plans are made of.
#pragma once

#include <string>
#include <string_view>

#include "engine/domain/planner.h"

namespace headgate {

// What the placeholders of a text stand for; put together once a text has one.
class Values {
 public:
  Values(const PlanInput& input, const Wish& wish, std::string_view slot = {})
      : input_(&input), wish_(&wish), slot_(slot) {}
  explicit Values(StringMap all) : all_(std::move(all)) {}
  const StringMap& all() const;

 private:
  const PlanInput* const input_ = nullptr;
  const Wish* const wish_ = nullptr;
  const std::string_view slot_;
  mutable StringMap all_;
};
Run resolved(Run run, const Values& values);
Check resolved(Check check, const Values& values);
HaproxyTraffic resolved(HaproxyTraffic haproxy, const Values& values);

// Of the location that is being planned, else the environment's.
const Driver& driver_of(const PlanInput& input);

Step step_of(StepKind kind, std::string name, std::uint32_t line);
Step deploy_step(std::string name, const PlanInput& input, const Wish& wish, std::string slot);
Step retire_step(std::string name, const PlanInput& input, const Wish& wish, const std::string& slot);
Step restore_step(const Restore& restore, const PlanInput& input, const Wish& wish);
void add_verifications(Plan& plan, const PlanInput& input, const Wish& wish, std::string_view prefix,
                       std::string_view slot);

}  // namespace headgate
