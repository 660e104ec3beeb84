// A promotion wherever it is: in the live state, or, when it has ended, in the log.
#pragma once

#include "api/core.h"

namespace headgate::api {

// Calls `live` under the engine's lock with the state and the promotion when it lives, else `ended` with what its own
// events tell. Reads the log: for workers. not_found: there never was one.
template <class Live, class Ended>
auto read_promotion(const Core& core, const PromotionId& id, Live&& live, Ended&& ended)
    -> decltype(ended(std::declval<const Promotion&>())) {
  using R = decltype(ended(std::declval<const Promotion&>()));
  Position seen = 0;
  auto now = core.deps.engine.read([&](const State& state) -> std::optional<R> {
    seen = state.next;
    const auto* promotion = state.live(id);
    if (!promotion) return std::nullopt;
    return live(state, *promotion);
  });
  if (!now) {
    const bool known = core.deps.engine.read([&](const State& state) {
      const auto* target = state.find(id.target);
      return target && id.number > 0 && id.number <= target->last_number;
    });
    if (!known) return fail(ErrorCode::not_found, "no promotion " + to_string(id));
    HEADGATE_TRY(const auto promotion, runtime::promotion_of_log(core.deps.log, id));
    seen = std::max(seen, promotion.last_position + 1);
    now = ended(promotion);
  }
  if (*now) Core::set_position(**now, seen);
  return std::move(*now);
}

}  // namespace headgate::api
