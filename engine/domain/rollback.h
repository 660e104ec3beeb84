// Going back. There is one way: steps with rollback: true, run in the phase rollingBack. A promotion has them behind
// its own steps, for when it fails; a rollback by hand is a promotion of its own that has nothing else.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/decide.h"
#include "engine/domain/planner.h"

namespace headgate {

inline constexpr std::size_t max_rollback_targets = 120;  // of one request; each makes two events at most

// What a rollback by hand would do on one target.
struct RollbackWay {
  Wish leaves;
  std::optional<Wish> to;  // unset: nothing was verified here before, what runs is retired
  std::string crosses;     // the irreversible step that lies between
};

// `version` is "previous" or the version of a release that was verified there. An Error says why there is no way.
Result<RollbackWay> rollback_way(const State& state, const TargetId& target, const std::string& version);

// Why a rollback of more than named services leaves the target out although there is a way, to nothing; and what does
// retire what is left.
std::string retired_only_by_name(const State& state, const TargetId& target, const RollbackWay& way);

// Its plan under the policy in force. An Error where no stage leads there, the driver cannot retire what would have to
// be, or `restore` is asked for and no restore point fits.
Result<Plan> rollback_plan(const State& state, const PromotionId& as, const RollbackWay& way, bool restore,
                           DigestFunction digest);

// Whatever comes of the activity that runs, or is to be tried again, does not count any more.
void fence_in_flight(std::vector<Event>& events, const Promotion& promotion, const std::string& why);

// A rollback that was asked for begins: what is under way is fenced and ended, the plan made.
std::vector<Event> begin_wanted_rollback(const State& state, const TargetId& target, const Context& context);

// Fences what is in flight and begins the way back that was planned with the promotion; ends it as failed where there
// is none. `failing`: the location that failed, where it is one.
void begin_rollback(std::vector<Event>& events, const State& state, const Promotion& promotion,
                    const std::string& reason, bool automatic, const std::string& failing = {});

// The rollback cannot go on: the target is frozen, and an incident names the next step.
void fail_rollback(std::vector<Event>& events, const State& state, const Promotion& promotion,
                   const std::string& reason);

// The promotion failed and left the target to a person.
void fail_for_a_person(std::vector<Event>& events, const State& state, const Promotion& promotion,
                       const std::string& reason);

// The rollback came to its end: whatever was opened and frozen for it is resolved.
std::vector<Event> finish_rollback(const State& state, const Promotion& promotion, Timestamp now);

// What a rollback leaves, and what it brings back.
const Wish& left_by(const Promotion& promotion);
std::optional<Wish> brought_back_by(const Promotion& promotion);

// Whether the release was left on the target by a rollback of its own, and nobody has wished it since: no automatic
// trigger may bring it.
bool is_barred(const State& state, const TargetId& target, const Release& release);

// Whether the document still wishes what was left so, on a target that is pinned because of that: no wish to follow.
bool wishes_what_was_left(const State& state, const TargetId& target);

// The guard: what was left so is brought by a person's wish only.
std::vector<Condition> judge_barred(const State& state, const Promotion& promotion, Timestamp now);

// The irreversible step that lies between what was verified then and now; empty when there is none.
std::string step_between(const TargetState& target, const Wish& verified);
// The irreversible step that the promotion itself has begun; null when it has not.
const LiveStep* irreversible_step_begun(const Promotion& promotion);

// Which slot has all the traffic of a place, where all of it was seen to reach the release: after a promotion that
// failed half-way, in the slot where its plan has that release; else where it was before. Unset: the plan has it in
// both, or in neither. `location`: empty where the target is one place.
std::optional<std::string> slot_seen_with(const TargetState& target, const Release& release,
                                          std::string_view location = {});

// Of the step that restores: what its hook said, recorded before.
Json restore_point_of(const TargetState& target, const Promotion& promotion, const std::string& name);

// Whether it may end at once, for a newer wish or another plan: it waits, and leaves nothing half done behind. One that
// is retried may wait although it has deployed.
bool may_give_way(const Promotion& promotion);
// For a refusal, behind its name: how far it has got that may not.
std::string how_far(const Promotion& promotion);

// ---- incidents

// What is told of a target, or of an environment where there is no service.
struct Tiding {
  const TargetId& target;
  std::string promotion;  // whose rollback or failure it is; may be empty
  std::string release;
  std::string what;
  std::string next;
  std::string freeze;  // id of the freeze that is set with it
};
// Opens an incident, or adds to the one that is open, or that `events` open.
void tell_incident(std::vector<Event>& events, const State& state, Tiding tiding);

// What the open incident says to do next is done, or leads elsewhere by now: the release is verified there. That of a
// monitor is the monitor's.
void tell_verified(std::vector<Event>& events, const State& state, const Promotion& promotion, const Release& release);
// A person tries another release on a target that is held: what failed before is over with that.
void tell_another_try(std::vector<Event>& events, const State& state, const PromotionId& next);

bool has_open_incident(const State& state, const TargetId& target);
// The open one of a target and its id; null when there is none.
const std::pair<const std::string, Incident>* open_incident(const State& state, const TargetId& target);

// The event by which the candidate was verified there last; unset where it was at most adopted.
std::optional<Position> last_verified(const TargetState& there, const Release& release);

// ---- what the state remembers of it

void remember_verified(TargetState& target, const Wish& wish, Position position);
void remember_adopted(TargetState& target, const Wish& wish);  // a way back that nobody has verified here
// A rollback has brought it back: verified, if it ever was.
void remember_brought_back(TargetState& target, const Wish& wish, Position position);
void remember_end(TargetState& target, const Promotion& promotion);  // that has just ended
void leave(TargetState& target, const Release& release);             // barred from automatic triggers
void somebody_wishes(TargetState& target, const Release& release);

}  // namespace headgate
