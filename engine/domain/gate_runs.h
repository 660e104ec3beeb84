// Gates that Headgate runs itself: a gate with `run` and a `schedule` for what is deployed whenever the schedule comes
// due, one without for the release of a promotion that waits for its report.
//
// They are looked at like a target, under an id that no target has: the service's gates place.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/decide.h"

namespace headgate {

inline constexpr std::string_view gates_place = "@gates";  // no name of an environment
TargetId gates_of(const std::string& service);
bool is_gates_place(const TargetId& id);

// Whether the service has gates to run, or a run under way.
bool runs_gates(const ServiceState& service);

// ------------------------------------------------------------------------------------------------------------ evolve

void remember_scheduled(GateRuns& runs, const GateScheduled& event, Timestamp now);
void remember_due(GateRuns& runs, const GateDue& event, Position position);
void remember_started(GateRuns& runs, const GateStarted& event, Position position);
void remember_retried(GateRuns& runs, const GateRetried& event);
void remember_run_reported(GateRuns& runs, const GateReported& event);
// Anew: when the gates of the service want to be looked at.
void reckon_gates(State& state, const std::string& service);

// ----------------------------------------------------------------------------------------------------------- advance

// The next run that is due or begins; empty when there is none.
std::vector<Event> advance_gates(const State& state, const std::string& service, const Context& context);
std::optional<Activity> pending_gate_run(const State& state, const std::string& service);
Result<std::vector<Event>> gate_run_done(const State& state, const CompleteActivity& command, const Context& context);

// What Headgate does by itself about a gate that a release lacks the report of, in words; empty: nothing.
struct GateHelp {
  std::string text;
  std::vector<Position> events;
};
GateHelp gate_help(const State& state, const std::string& service, const std::string& gate, const Release& release,
                   Timestamp now);

}  // namespace headgate
