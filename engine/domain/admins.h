// Whether an administrator can still come in: who takes the last way in away shuts everybody out.
#pragma once

#include <set>
#include <string>

#include "engine/domain/state.h"

namespace headgate {

// Whether one of these tokens lets its holder in as an administrator, by its own roles or by a grant, and none besides
// them does for as long.
bool hold_last_admin(const State& state, const std::set<std::string>& tokens, Timestamp now);

}  // namespace headgate
