#include "api/promotion_reads.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "api/json.h"
#include "api/record_view.h"
#include "api/views_promotion.h"
#include "engine/domain/guards.h"

namespace headgate::api {
namespace {

constexpr std::size_t quarantines_a_read = 100;

// The event that led to this one; nothing where nobody knows of one.
Result<std::optional<StoredRecord>> cause_of(const Core& core, const StoredRecord& record) {
  HEADGATE_TRY(const auto view, view_record(record.bytes));
  Position cause = 0;
  const auto [end, error] = std::from_chars(view.cause.data(), view.cause.data() + view.cause.size(), cause);
  if (view.cause.empty() || error != std::errc{} || end != view.cause.data() + view.cause.size()) return std::nullopt;
  HEADGATE_TRY(auto records, core.deps.log.read(cause, 1));
  if (records.empty()) return std::nullopt;
  return std::move(records.front());
}

}  // namespace

std::optional<FoundPromotion> live_promotion(const Core& core, const PromotionId& id) {
  const auto now = core.now();
  return core.deps.engine.read([&](const State& state) -> std::optional<FoundPromotion> {
    const auto* promotion = state.live(id);
    if (!promotion) return std::nullopt;
    return FoundPromotion{*promotion, explain_live(state, *promotion, now), true, state.next};
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

Result<EventPage> events_of_promotion(const Core& core, const PromotionId& id, std::optional<Position> after,
                                      std::size_t limit) {
  EventQuery own;
  own.filter.correlation = to_string(id);
  own.after = after;
  own.limit = limit;
  HEADGATE_TRY(auto page, core.deps.log.query(own));
  if (page.records.empty() && !after) return page;
  const auto last = page.records.empty() ? *after : page.records.back().position;

  EventQuery others;
  others.filter.type = "release.quarantined";
  others.filter.service = id.target.service;
  others.after = after ? *after : page.records.front().position;
  others.limit = quarantines_a_read;
  std::vector<StoredRecord> quarantines;
  for (bool more = true; more;) {
    HEADGATE_TRY(auto found, core.deps.log.query(others));
    more = found.more;
    for (auto& record : found.records) {
      others.after = record.position;
      HEADGATE_TRY(const auto cause, cause_of(core, record));
      if (!cause) continue;
      // Later ones are of a later page, or have a later cause.
      if (page.more ? record.position > last : cause->position > last) {
        more = false;
        break;
      }
      HEADGATE_TRY(const auto view, view_record(cause->bytes));
      if (view.correlation == own.filter.correlation) quarantines.push_back(std::move(record));
    }
  }
  std::ranges::move(quarantines, std::back_inserter(page.records));
  std::ranges::sort(page.records, {}, &StoredRecord::position);
  if (page.records.size() > limit) {
    page.records.resize(limit);
    page.more = true;
  }
  return page;
}

std::string detail_of(std::string_view data) {
  const auto value = parse_json(data);
  if (!value) return {};
  const auto text_of = [&](const char* field) {
    const auto* found = value->find(field);
    return found ? found->string() : nullptr;
  };
  const auto* approver = text_of("approver");
  for (const auto* field : {"reason", "note", "review", "comment"}) {
    if (const auto* text = text_of(field)) return approver ? *approver + ": " + *text : *text;
  }
  return approver ? *approver : std::string();
}

void write_promotion(JsonWriter& json, const FoundPromotion& found, const Names& names) {
  const bool waits = found.lives && found.promotion.phase == Phase::waiting;
  write_promotion(json, found.promotion, waits ? unmet_of(found.conditions) : std::vector<Condition>{}, names);
}

}  // namespace headgate::api
