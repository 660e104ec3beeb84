// What guards share when they put a condition into words.
#pragma once

#include <algorithm>
#include <ranges>
#include <string>
#include <string_view>

#include "engine/domain/state.h"

namespace headgate {

// Of a rule in the service's document, as the promotion was planned by it.
inline Condition condition_of(const Promotion& p, std::string_view guard, std::uint32_t line) {
  Condition c;
  c.guard = guard;
  c.file = p.rules.file;
  c.line = line;
  c.commit = p.rules.commit;
  return c;
}

// The first step of a kind on the way forward; null when the plan has none.
inline const LiveStep* first_of(const Promotion& p, StepKind kind) {
  const auto at =
      std::ranges::find_if(p.steps, [&](const LiveStep& s) { return s.step->kind == kind && !s.step->rollback; });
  return at == p.steps.end() ? nullptr : &*at;
}

std::string joined(const auto& words, std::string_view between) {
  std::string text;
  for (const auto& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

}  // namespace headgate
