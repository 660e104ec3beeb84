// The parts of a decision about promotions that commands and `advance` share.
#pragma once

#include "engine/domain/decide.h"

namespace headgate {

// The plan of bringing `to` to a target under the policy in force. `as` is the promotion's id; `way_back` what a
// rollback would bring back. not_found when no stage or environment leads there, too_large when a step fits no record.
Result<Plan> plan_for(const State& state, const PromotionId& as, const Wish& to, const std::optional<Wish>& way_back,
                      DigestFunction digest);

// The newest wish verified on the target that is neither `to`, nor quarantined, nor what would have failed with `to`.
std::optional<Wish> way_back_from(const State& state, const TargetId& target, const Wish& to);

// promotion.planned and a step.planned for each step, of the target's next promotion.
void plan_events(std::vector<Event>& events, const PromotionId& id, Trigger trigger, const Plan& plan,
                 std::vector<std::string> people, std::string reason);

// Fences what is in flight and begins the way back; ends the promotion as failed where there is none.
void begin_rollback(std::vector<Event>& events, const Promotion& promotion, const std::string& reason, bool automatic);

}  // namespace headgate
