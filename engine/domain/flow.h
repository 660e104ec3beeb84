// Triggers, queues and concurrency: the parts of evolve, advance and the guards that know of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/domain/decide.h"

namespace headgate {

// ------------------------------------------------------------------------------------------------------------ evolve

void remember_source(SourceState& source, const SourceObserved& event, Position position);
void remember_fired(TargetState& target, const TriggerFired& event, Position position);
void remember_dropped(TargetState& target, const TriggerDropped& event, Position position);
void remember_schedule(TargetState& target, const ScheduleExpanded& event);
void remember_planned(TargetState& target, const PromotionPlanned& event);  // its wish does not wait any more
void wish_again(TargetState& target, const Promotion& promotion);  // which ends before it began: its trigger's wish
// Where order is kept: what runs now had its turn, or is what the first in line wishes. Who is behind it is behind
// nothing that waits.
void remember_turn(TargetState& target, bool had_its_turn);
// The last of TargetState::back.fulfilled is what runs now, and whoever is behind it.
void remember_runs(TargetState& target, const Wish& wish);
// They are taken from `people`, or from all that was planned and from what was left.
void remember_fulfilled(TargetState& target, std::vector<std::string>& people);
void remember_fulfilled(TargetState& target);
// A way back leaves what came since `to`: whoever is behind that is inside what is planned next.
void leave_fulfilled(TargetState& target, const std::optional<Wish>& to);
void remember_not_promoted(TargetState& target, const FailedAttempt& failed);
// Whether what runs on a target may be brought on from there: it was verified there, and nothing speaks against it.
bool soaks(const State& state, const std::string& service, const TargetState& there);
std::uint64_t followed_upto(const TargetState& target, const StageTrigger& trigger);
// Anew: when a trigger of the target's stage wants to be looked at.
void reckon_flow(State& state, const TargetId& target);
void reckon_flow(State& state, const TargetId& id, TargetState& target);  // the same, where it is at hand
// Who may be affected when a promotion of the environment begins or ends.
std::vector<TargetId> in_line_at(const State& state, const std::string& environment);

// ----------------------------------------------------------------------------------------------------------- advance

std::string rule_text(const StageTrigger& trigger);            // branch develop
bool follows_a_trigger(Trigger trigger);                       // of the stage: no document's or person's wish
bool keeps_order(const State& state, const TargetId& target);  // supersede: queue
// What came to run, and by whom, is remembered where order is kept, and goes on being where it was kept once.
bool remembers_fulfilled(const State& state, const TargetId& id, const TargetState& target);

// The next thing that a trigger of the target's stage makes happen; empty when there is none.
std::vector<Event> fire_triggers(const State& state, const TargetId& target, const Context& context);
// Of a target with no promotion under way: the wish of a trigger that is its turn, planned or dropped.
std::vector<Event> follow_triggers(const State& state, const TargetId& target, const Context& context);
// The wish of a trigger that takes the place of this promotion, or, with `queued`, comes after it; null when there is
// none.
const TriggeredWish* newer_wish(const State& state, const Promotion& promotion, bool queued = false);
// Why no trigger of the stage has led to a promotion; empty when the stage has none.
std::vector<Condition> explain_triggers(const State& state, const TargetId& target);

// ------------------------------------------------------------------------------------------------------------ guards

std::vector<Condition> judge_concurrency(const State& state, const Promotion& promotion, Timestamp now);
std::vector<Condition> judge_depends_on(const State& state, const Promotion& promotion, Timestamp now);

}  // namespace headgate
