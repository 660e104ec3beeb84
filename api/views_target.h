// One target: what it should run, what it runs, and why these differ.
#pragma once

#include "api/json_writer.h"
#include "api/names_view.h"
#include "engine/domain/state.h"

namespace headgate::api {

// What is shown of a target: a copy, so that whoever shows it holds up nobody.
struct TargetRow {
  TargetId id;
  TargetState target;
  std::vector<Location> locations;
  std::vector<Condition> waiting_for;
};
TargetRow row_of(const State& state, const TargetId& id, const TargetState& target, Timestamp now);
void write_target(JsonWriter& json, const TargetRow& row, const Names& names);

}  // namespace headgate::api
