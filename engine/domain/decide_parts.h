// One function a command; decide.cc picks.
#pragma once

#include "engine/domain/decide.h"

namespace headgate {

using Events = std::vector<Event>;
using Decision = Result<Events>;

inline constexpr std::size_t max_reason_bytes = 4096;
Result<void> check_text(std::string_view pointer, std::string_view text, std::size_t max_bytes);

Result<void> check_release(const Release& release);
// Whether the stage there has `expedite`, and the reason that it needs is given.
Result<void> may_be_expedited(const State& state, const TargetId& target, const std::string& reason);

Decision decide_command(const State& state, const AcceptConfiguration& command, const Context& context);
Decision decide_command(const State& state, const RejectConfiguration& command, const Context& context);
Decision decide_command(const State& state, const ApproveConfiguration& command, const Context& context);
Decision decide_command(const State& state, const DeclineConfiguration& command, const Context& context);
Decision decide_command(const State& state, const RegisterRelease& command, const Context& context);
Decision decide_command(const State& state, const ReportGate& command, const Context& context);
Decision decide_command(const State& state, const QuarantineRelease& command, const Context& context);
Decision decide_command(const State& state, const ReinstateRelease& command, const Context& context);
Decision decide_command(const State& state, const RecordObservation& command, const Context& context);
Decision decide_command(const State& state, const AdoptTarget& command, const Context& context);
Decision decide_command(const State& state, const RequestPromotion& command, const Context& context);
Decision decide_command(const State& state, const Approve& command, const Context& context);
Decision decide_command(const State& state, const Reject& command, const Context& context);
Decision decide_command(const State& state, const Cancel& command, const Context& context);
Decision decide_command(const State& state, const OverrideProtection& command, const Context& context);
Decision decide_command(const State& state, const RollBack& command, const Context& context);
Decision decide_command(const State& state, const RetryPromotion& command, const Context& context);
Decision decide_command(const State& state, const ExpeditePromotion& command, const Context& context);
Decision decide_command(const State& state, const NoteIncident& command, const Context& context);
Decision decide_command(const State& state, const ResolveIncident& command, const Context& context);
Decision decide_command(const State& state, const SetFreeze& command, const Context& context);
Decision decide_command(const State& state, const LiftFreeze& command, const Context& context);
Decision decide_command(const State& state, const ExpandWindows& command, const Context& context);
Decision decide_command(const State& state, const ResumePause& command, const Context& context);
Decision decide_command(const State& state, const RecordSignature& command, const Context& context);
Decision decide_command(const State& state, const RecordAuthors& command, const Context& context);
Decision decide_command(const State& state, const ObserveSource& command, const Context& context);
Decision decide_command(const State& state, const ExpandSchedule& command, const Context& context);
Decision decide_command(const State& state, const ExpandGateSchedule& command, const Context& context);
Decision decide_command(const State& state, const ReportMonitor& command, const Context& context);
Decision decide_command(const State& state, const SummarizeMonitor& command, const Context& context);
Decision decide_command(const State& state, const CompleteActivity& command, const Context& context);

}  // namespace headgate
