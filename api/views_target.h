// One target: what it should run, what it runs, and why these differ.
#pragma once

#include "api/json_writer.h"
#include "api/names_view.h"
#include "engine/domain/state.h"

namespace headgate::api {

void write_target(JsonWriter& json, const State& state, const TargetId& id, const TargetState& target, Timestamp now,
                  const Names& names);

}  // namespace headgate::api
