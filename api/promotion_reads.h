// A promotion wherever it is: in the live state, or, when it has ended, in the log.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/core.h"

namespace headgate::api {

// A copy, so that whoever shows it holds up nobody.
struct FoundPromotion {
  Promotion promotion;
  std::vector<Condition> conditions{};  // what its guards say, while it lives
  bool lives = false;
  Position seen = 0;  // what is said of it reflects every event before
};

// From the state alone; nullopt: it does not live.
std::optional<FoundPromotion> live_promotion(const Core& core, const PromotionId& id);

// One that has ended is put together from its own events: for workers. not_found: there never was one.
Result<FoundPromotion> find_promotion(const Core& core, const PromotionId& id);

// Its events, and the quarantines that followed from one of them, which are of its release: for workers.
Result<EventPage> events_of_promotion(const Core& core, const PromotionId& id, std::optional<Position> after,
                                      std::size_t limit);

// What the data of an event says of why, and of an approval that is lost, whose it was. Empty: nothing.
std::string detail_of(std::string_view data);

// Shows it, with the conditions that it waits for.
void write_promotion(JsonWriter& json, const FoundPromotion& found, const Names& names);

}  // namespace headgate::api
