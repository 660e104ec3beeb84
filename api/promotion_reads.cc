#include "api/promotion_reads.h"

#include <algorithm>

#include "api/views_promotion.h"
#include "engine/domain/guards.h"

namespace headgate::api {

std::optional<FoundPromotion> live_promotion(const Core& core, const PromotionId& id) {
  const auto now = core.now();
  return core.deps.engine.read([&](const State& state) -> std::optional<FoundPromotion> {
    const auto* promotion = state.live(id);
    if (!promotion) return std::nullopt;
    return FoundPromotion{*promotion, judge(state, *promotion, now), true, state.next};
  });
}

Result<FoundPromotion> find_promotion(const Core& core, const PromotionId& id) {
  if (auto live = live_promotion(core, id)) return std::move(*live);
  Position seen = 0;
  bool none_yet = false;
  const bool known = core.deps.engine.read([&](const State& state) {
    seen = state.next;
    const auto* target = state.find(id.target);
    none_yet = target && target->last_number == 0;
    return target && id.number > 0 && id.number <= target->last_number;
  });
  if (none_yet) {
    return fail(ErrorCode::not_found, "no promotion " + to_string(id) + ": there is none of this target yet; what it " +
                                          "waits for: headgate status " + id.target.service);
  }
  if (!known) return fail(ErrorCode::not_found, "no promotion " + to_string(id));
  HEADGATE_TRY(auto promotion, runtime::promotion_of_log(core.deps.log, id));
  seen = std::max(seen, promotion.last_position + 1);
  return FoundPromotion{.promotion = std::move(promotion), .seen = seen};
}

void write_promotion(JsonWriter& json, const FoundPromotion& found, const Names& names) {
  const bool waits = found.lives && found.promotion.phase == Phase::waiting;
  write_promotion(json, found.promotion, waits ? unmet_of(found.conditions) : std::vector<Condition>{}, names);
}

}  // namespace headgate::api
