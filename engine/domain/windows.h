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

}  // namespace headgate
