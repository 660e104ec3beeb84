// Freezes, windows, and passing them.
#include <algorithm>

#include "engine/domain/decide_parts.h"

namespace headgate {

Decision decide_command(const State& state, const SetFreeze& c, const Context& context) {
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_reason_bytes));
  if (c.reason.empty())
    return fail(ErrorCode::invalid_input, "a freeze needs a reason", {{"/reason", "nothing", "a text"}});
  if (!state.environments.contains(c.environment)) {
    return fail(ErrorCode::not_found, "no environment '" + c.environment + "' in the configuration in force");
  }
  if (c.services.size() > 256) {
    return fail(ErrorCode::invalid_input, "too many services",
                {{"/services", std::to_string(c.services.size()), "at most 256, or none for all of them"}});
  }
  for (const auto& service : c.services) {
    if (!state.service(service))
      return fail(ErrorCode::not_found, "no service '" + service + "' in the configuration in force");
  }
  if (c.until && *c.until <= context.now) {
    return fail(ErrorCode::invalid_input, "the freeze would have ended already",
                {{"/until", format_timestamp(*c.until), "a time to come"}});
  }
  const auto in_force =
      std::ranges::count_if(state.freezes, [&](const auto& entry) { return entry.second.in_force(context.now); });
  if (static_cast<std::size_t>(in_force) >= State::max_freezes) {
    return fail(ErrorCode::conflict, "there are " + std::to_string(in_force) + " freezes: lift some first");
  }
  Events events;
  for (const auto& [id, freeze] : state.freezes) {  // they make room, a few at a time
    if (freeze.in_force(context.now) || events.size() >= 100) continue;
    events.emplace_back(FreezeLifted{{freeze.environment}, id, "it had run out"});
  }
  events.emplace_back(FreezeSet{{c.environment}, std::to_string(state.last_freeze + 1), c.services, c.reason, c.until});
  return events;
}

Decision decide_command(const State& state, const LiftFreeze& c, const Context& context) {
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_reason_bytes));
  const auto at = state.freezes.find(c.id);
  if (at == state.freezes.end() || !at->second.in_force(context.now)) {
    return fail(ErrorCode::not_found, "no freeze '" + c.id + "' is in force");
  }
  return Events{FreezeLifted{{at->second.environment}, c.id, c.reason}};
}

Decision decide_command(const State& state, const ExpandWindows& c, const Context&) {
  HEADGATE_CHECK(c.expanded.from < c.expanded.until);
  const auto& name = c.expanded.environment.text;
  const auto at = state.environments.find(name);
  if (at == state.environments.end() || !same_times(at->second.document.windows, c.windows)) return Events{};
  return Events{c.expanded};
}

}  // namespace headgate
