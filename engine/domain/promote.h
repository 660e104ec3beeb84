// The parts of a decision about promotions that commands and `advance` share.
#pragma once

#include "engine/domain/decide.h"
#include "engine/domain/planner.h"

namespace headgate {

// What every plan of the target is made of: the policy in force, what runs there, and in which slot. not_found when no
// stage or environment leads there.
Result<PlanInput> plan_input(const State& state, const PromotionId& as);
// The plan of bringing `to` to a target under the policy in force. `as` is the promotion's id; `way_back` what a
// rollback would bring back; `locations`: that were asked for by name. not_found as above, too_large when a step fits
// no record, conflict when the release may not come to those locations yet.
Result<Plan> plan_for(const State& state, const PromotionId& as, const Wish& to, const std::optional<Wish>& way_back,
                      DigestFunction digest, bool expedited = false, const std::vector<std::string>& locations = {});
// The plan of taking `runs` away from a target whose document has gone: the stage's approvals and wait, then the
// driver's retire command. Errors as above; not_found too when the driver has no such command.
Result<Plan> plan_retirement(const State& state, const PromotionId& as, const Wish& runs, DigestFunction digest);
// What is to be taken away with the document: what runs, or a first release that was left half deployed. Null where
// nothing is known to be there.
const Wish* to_be_retired(const TargetState& target);
// Why what runs on a target whose document has gone with onDelete: retire is still there.
std::string why_not_retired(const State& state, const TargetId& target);
// A promotion.planned and its steps are one command's events, with room for what else it decides.
inline constexpr std::size_t max_plan_steps = 224;
// too_large when there are too many of them, or one fits no record.
Result<void> check_steps_fit(const PromotionId& as, const Plan& plan);

// The newest wish verified on the target that is neither `to`, nor quarantined, nor left by hand before, nor what would
// have failed with `to`. Unless `across`, none behind an irreversible step.
std::optional<Wish> way_back_from(const State& state, const TargetId& target, const Wish& to, bool across = false);

// Whether nothing has changed in the plan of what failed: it is not tried again by itself.
bool would_fail_again(const State& state, const TargetId& target, const FailedAttempt& failed, DigestFunction digest);

// Whether the wish has other variables than what runs. Then its promotion holds the work of whoever wrote them into the
// Target document, whatever asked for the release.
bool brings_variables(const TargetState& target, const Wish& wish);

// Behind all wishes of the document that are not fulfilled yet.
std::vector<std::string> people_behind_wishes(const TargetState& target);
// Those, and whoever has written the document since: their work is inside what is planned of all that.
std::vector<std::string> people_inside(const TargetState& target);
// Whose work is inside the document's wish that is the first in line: nobody's who stands behind what comes after it.
std::vector<std::string> people_behind(const TargetState& target, const TriggeredWish& first);

// Ends a promotion that waits, because its plan would be another one: approvals of this one are void.
void supersede(std::vector<Event>& events, const Promotion& promotion, const std::string& why);
// promotion.planned and a step.planned for each step, of the target's next promotion.
void plan_events(std::vector<Event>& events, const PromotionId& id, Trigger trigger, Plan plan,
                 std::vector<std::string> people, std::string reason);

}  // namespace headgate
