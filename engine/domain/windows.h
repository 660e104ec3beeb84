// Whether an environment's windows let a promotion begin, judged from their expansion in the state alone.
#pragma once

#include <optional>
#include <string>

#include "engine/domain/state.h"

namespace headgate {

struct WindowVerdict {
  bool open = true;
  std::string text;              // which window, and when it opens
  std::uint32_t line = 0;        // of that window in the environment's document; 0: none in particular
  std::optional<Timestamp> due;  // when time alone changes the verdict, as far as that is known
};

// `windows` is not empty. What is not expanded, null or beyond its bounds, counts as closed.
WindowVerdict window_verdict(const std::vector<Window>& windows, const ExpandedWindows* expanded, Timestamp now);

// Those of the promotion's environment that are on, and that nobody has let it pass.
std::vector<const Maintenance*> maintenance_before(const State& state, const Promotion& promotion, Timestamp now);
std::string maintenance_text(
    const Maintenance& maintenance);  // maintenance database-upgrade until 2026-12-01T04:00:00Z

// The guard that says so.
std::vector<Condition> judge_maintenance(const State& state, const Promotion& promotion, Timestamp now);

}  // namespace headgate
