// What of the configuration waits for people, as the API shows it.
#pragma once

#include "api/json_writer.h"
#include "api/names_view.h"
#include "engine/domain/state.h"

namespace headgate::api {

// What is proposed, with every approval given and missing; null for nothing.
void write_proposal(JsonWriter& json, const State& state, const Names& names);
// The newest commit, where somebody declined it; null where nobody did.
void write_declined(JsonWriter& json, const State& state, const Names& names);

}  // namespace headgate::api
