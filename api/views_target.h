// One target: what it should run, what it runs, and why these differ.
#pragma once

#include "api/dependencies.h"
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
  std::vector<Look> looks{};  // one a location, or the one of the target; none of a state that was
};
TargetRow row_of(const State& state, const TargetId& id, const TargetState& target, Timestamp now);
// Not under the lock of the state.
void add_looks(TargetRow& row, const LastLook& last_look);
void write_target(JsonWriter& json, const TargetRow& row, const Names& names);

}  // namespace headgate::api
