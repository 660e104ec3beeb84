// Environments of several places: which locations a promotion goes to, and what runs in them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/planner.h"
#include "engine/domain/rollback.h"
#include "engine/domain/state.h"

namespace headgate {

inline constexpr std::size_t max_locations = 16;  // of an environment

// Of the target's environment, in the document's order; none: it is one place.
std::span<const Location> locations_of(const State& state, const TargetId& target);
// What is known of the location; of one that nothing is known of, nothing.
const LocationState& at_location(const TargetState& target, std::string_view location);

// What runs in every location that is not standby; unset where they differ, or there are no locations. The inner one is
// unset where nothing runs.
std::optional<std::optional<Wish>> runs_as_a_whole(const State& state, const TargetId& target);
// Whether the target as a whole runs it: each of its locations that is not standby does.
bool runs_everywhere(const State& state, const TargetId& target, const Wish& wish);
// Why nobody knows whether a first promotion may go to the locations where Headgate brought nothing yet, each of which
// is to run the wish; empty when it may.
std::string unknown_in_locations(const State& state, const TargetId& target, const Wish& wish);
// The same of a target of one place, too: whether what is seen there waits for a person, or to be seen.
bool unknown_at_first_sight(const State& state, const TargetId& target, const Wish& wish);
// Whether each of those locations runs it already.
bool shown_in_locations(const State& state, const TargetId& target, const Wish& wish);

// Where a promotion to the wish goes: the locations in a wave that do not run it yet, by wave; with `named`, those. An
// Error says why the named ones cannot be gone to: every other one that is not standby must run the release, verified.
// `way_back`: of a location where nothing of its own is left to go back to.
Result<std::vector<Place>> places_to_promote(const State& state, const TargetId& target, const Wish& to,
                                             const std::optional<Wish>& way_back,
                                             const std::vector<std::string>& named);
// The guard: what was asked for in some locations begins while it is verified in the others.
std::vector<Condition> judge_locations(const State& state, const Promotion& promotion, Timestamp now);
// Where a rollback by hand goes: what runs what is left, or may.
std::vector<Place> places_to_go_back(const State& state, const TargetId& target, const RollbackWay& way);
// Where something is to be taken away; an Error where a driver cannot.
Result<std::vector<Place>> places_to_retire(const State& state, const TargetId& target);

// "eu, us"
std::string names_of(const std::vector<std::string>& locations);

// Whether the promotion has steps in locations.
bool has_locations(const Promotion& promotion);
// What a rollback of the promotion brings back to the location; unset: nothing.
std::optional<Wish> brought_back_at(const Promotion& promotion, std::string_view location);
// Whether the step takes away what its place does not need any more: what ran before, or what a way back has left.
bool cleans_up(const Promotion& promotion, const Step& step);
// Why the rollback that a failure in `failing` (empty: in no location) would begin cannot take back whatever it should;
// empty when it can.
std::string no_way_back_in(const Promotion& promotion, std::string_view failing);
// Where the candidate stays after the rule rollbackLocation took another location back.
std::vector<std::string> locations_that_stand(const State& state, const Promotion& promotion);
// The end of such a promotion: it failed, and the locations differ.
std::vector<Event> fail_mixed(const State& state, const Promotion& promotion);
// Those in a wave that do not run the wish.
std::vector<std::string> locations_without(const State& state, const TargetId& target, const Wish& wish);

// Since when what plans of the target are made of has said the same.
PolicySince policy_of(const State& state, const TargetId& target);

// ---- the parts of evolve

void step_done(const State& state, TargetState& target, const Promotion& promotion, const LiveStep& step,
               Position position);
void look_at_the_whole(const State& state, const TargetId& id, TargetState& target);  // what was observed there
void observed_in(const State& state, const TargetId& id, TargetState& target, const TargetObserved& event);
void adopted_in_locations(const State& state, const TargetId& id, TargetState& target, const Wish& wish,
                          Position position);
// Locations in a wave that do not run the wish, which others of the target do.
void ended_mixed(const State& state, const TargetId& id, TargetState& target, const Wish& wish);
void forget_other_locations(const State& state, const TargetId& id, TargetState& target);
bool any_drifted(const TargetState& target);

}  // namespace headgate
