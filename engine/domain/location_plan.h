// What a plan holds for each location: the strategy's steps once more, with the location's name behind their own.
#pragma once

#include "engine/domain/planner.h"

namespace headgate {

// Wave by wave; what ran before is kept in every location until the last one is verified, then retired.
void add_rollout_in_places(Plan& plan, const PlanInput& input);
// Traffic first, then the rest, newest wave first.
void add_way_back_in_places(Plan& plan, const PlanInput& input, bool restore);
void add_retirement_in_places(Plan& plan, const PlanInput& input);

}  // namespace headgate
