// Incidents: acknowledged and noted, resolved.
#include "engine/domain/decide_parts.h"

namespace headgate {
namespace {

Result<const Incident*> find_open(const State& state, const std::string& id) {
  const auto at = state.incidents.find(id);
  if (at != state.incidents.end()) return &at->second;
  return fail(ErrorCode::not_found, "no incident '" + id + "' is open");
}

}  // namespace

Decision decide_command(const State& state, const NoteIncident& c, const Context&) {
  HEADGATE_TRY_VOID(check_text("/note", c.note, max_reason_bytes));
  if (c.note.empty()) return fail(ErrorCode::invalid_input, "nothing to note", {{"/note", "nothing", "a text"}});
  HEADGATE_TRY(const Incident* incident, find_open(state, c.id));
  return Events{IncidentNoted{incident->target, incident->promotion, c.id, c.note, {}, {}}};
}

Decision decide_command(const State& state, const ResolveIncident& c, const Context&) {
  HEADGATE_TRY_VOID(check_text("/review", c.review, max_reason_bytes));
  if (c.review.empty()) {
    return fail(ErrorCode::invalid_input, "an incident is resolved with its review",
                {{"/review", "nothing", "what happened, and what was learned"}});
  }
  HEADGATE_TRY(const Incident* incident, find_open(state, c.id));
  Events events;
  if (state.freezes.contains(incident->freeze)) {
    events.emplace_back(
        FreezeLifted{{incident->target.environment}, incident->freeze, "incident " + c.id + " is resolved"});
  }
  events.emplace_back(IncidentResolved{incident->target, incident->promotion, c.id, c.review});
  return events;
}

}  // namespace headgate
