// Pauses of a rollout: what a measurement says, and the person who lets it go on.
#include "engine/domain/decide_parts.h"
#include "engine/domain/rollout.h"

namespace headgate {

Decision decide_command(const State& state, const ResumePause& c, const Context&) {
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_reason_bytes));
  const auto* p = state.live(c.promotion);
  if (!p) return fail(ErrorCode::not_found, "no promotion " + to_string(c.promotion) + " is under way");
  const auto* step = p->current();
  if (!step || step->step->kind != StepKind::pause || step->status != StepStatus::started) {
    return fail(ErrorCode::conflict, to_string(p->id) + " does not pause now");
  }
  if (waits_for_person(*p, *step).empty()) {
    return fail(ErrorCode::conflict, step->resumed ? step->step->name + " is resumed already"
                                                   : step->step->name + " ends by itself: it waits for nobody");
  }
  return Events{PauseResumed{{p->id, step->step->name}, c.reason}};
}

}  // namespace headgate
