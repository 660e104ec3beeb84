// The steps of a strategy, there and back.
#pragma once

#include <string>

#include "engine/domain/planner.h"

namespace headgate {

// Whether the stage brings releases in beside what runs, in a slot of their own.
bool uses_slots(const Stage& stage);
// The slot beside `stable`; the first one where nothing is stable.
std::string candidate_slot(std::string_view stable);

// From the deployment to the last verification and the end of what ran before.
void add_rollout(Plan& plan, const PlanInput& input);

// Parts of a way back. What comes back runs still, beside what is left: traffic alone brings it back, and first of all.
// False where that is not so.
bool shift_back(Plan& plan, const PlanInput& input);
// Deploys what comes back, and brings traffic to it.
void bring_back(Plan& plan, const PlanInput& input);
// Where what comes back runs; empty where there are no slots.
std::string back_slot(const PlanInput& input);
// Retires what is left, where it runs beside what comes back or nothing comes back.
void retire_left(Plan& plan, const PlanInput& input);

}  // namespace headgate
