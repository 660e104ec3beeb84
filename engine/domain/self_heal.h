// Drift and what mends it: a promotion of what should run on the target, with trigger `drift`, under the whole policy
// of its stage, as any other. That release was let through before, but what it waited for then vouches for nothing now:
// its gates are judged anew, and people are asked again where people are asked.
//
// Whatever else is wished of the target goes before: drift is mended only where the target runs what it is wished to. A
// pin, a rollback, a hold and a newer wish stand. A mending that failed is not tried again until something that bears
// on it changes, and one that does not last is tried max_mendings times in a row.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/domain/decide.h"

namespace headgate {

inline constexpr std::uint32_t max_mendings = 3;
// A mending so long after the one before is not in a row with it.
inline constexpr Duration mendings_in_a_row = std::chrono::hours(1);

// What of the variables that a driver tells of is looked at: those that the wish sets and the environment does not
// ignore. `expected`: null where nothing is known to run.
StringMap variables_that_count(const State& state, const TargetId& target, const Wish* expected,
                               const StringMap& observed);
// Those of `counted` that are not as the wish sets them.
StringMap variables_that_differ(const Wish& expected, const StringMap& counted);

// Whether what should run does not, somewhere where it comes by itself: a location on standby is promoted on demand.
bool has_drifted(const State& state, const TargetId& target);
// Why drift is not mended, or not any more; unset when it is to be. Of a target with or without a promotion under way.
std::optional<Condition> bar_to_mending(const State& state, const TargetId& target);
// Of a target without a promotion: the promotion that mends its drift, planned; empty when none is to be.
std::vector<Event> mend_drift(const State& state, const TargetId& target, const Context& context);
// Of a target without a promotion, for who asks: that it has drifted, and why that is not mended.
std::vector<Condition> explain_drift(const State& state, const TargetId& target);

// evolve: a promotion has succeeded (`elapsed`: now, on a clock that never steps), and what is seen is right again.
void remember_mended(TargetState& target, const Promotion& promotion, Timestamp elapsed);
void drift_has_gone(TargetState& target);

}  // namespace headgate
