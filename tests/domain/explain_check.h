// What every condition of every guard owes its reader.
#pragma once

#include <string>

#include "engine/domain/guards.h"

namespace headgate::test {

// What is missing; empty: nothing.
inline std::string not_explained(const Guard& guard, const Condition& c) {
  const bool has_rule = !c.file.empty() && c.line > 0 && !c.commit.empty();
  std::string missing;
  const auto want = [&](bool there, const char* what) {
    if (!there) missing += (missing.empty() ? "" : "; ") + std::string(what);
  };
  want(c.guard == guard.name, "its guard's name");
  want(!c.text.empty(), "a text");
  want(c.met || !c.remedy.empty(), "what would make it true");
  want(!c.met || c.remedy.empty(), "that nothing is left to do");
  want(c.met || has_rule || !c.events.empty(), "the rule (file, line, commit), or the event that set it by hand");
  want(c.file.empty() || has_rule, "the whole place of its rule: file, line and commit");
  return missing.empty() ? missing : std::string(guard.name) + " ('" + c.text + "') lacks " + missing;
}

}  // namespace headgate::test
