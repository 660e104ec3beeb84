// Promotions, conditions and what targets run, as the API shows them.
#pragma once

#include <string_view>
#include <vector>

#include "api/json_writer.h"
#include "api/names_view.h"
#include "engine/domain/state.h"

namespace headgate::api {

// {"version", "commit", "artifacts", "variables"}; null for none.
void write_wish(JsonWriter& json, const std::optional<Wish>& wish);
void write_string_map(JsonWriter& json, const StringMap& map);
void write_time(JsonWriter& json, const std::optional<Timestamp>& time);

void write_condition(JsonWriter& json, const Condition& condition, const Names& names);
void write_conditions(JsonWriter& json, const std::vector<Condition>& conditions, const Names& names);
std::vector<Condition> unmet_of(std::vector<Condition> conditions);

// The whole promotion, with the conditions that it waits for.
void write_promotion(JsonWriter& json, const Promotion& promotion, const std::vector<Condition>& unmet,
                     const Names& names);
// What its target's row shows of it.
void write_promotion_summary(JsonWriter& json, const Promotion& promotion);

// The longest time that the service was away while it was promoted; null where nobody measured it.
void write_downtime(JsonWriter& json, const Promotion& promotion);

// One line: where it stands or how it ended.
std::string summary_of(const Promotion& promotion, std::size_t unmet, const Names& names);

}  // namespace headgate::api
