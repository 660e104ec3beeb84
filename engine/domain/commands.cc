#include "engine/domain/commands.h"

namespace headgate {

Command::Command() = default;
Command::Command(const Command&) = default;
Command::Command(Command&&) noexcept = default;
Command& Command::operator=(const Command&) = default;
Command& Command::operator=(Command&&) noexcept = default;
Command::~Command() = default;

std::string_view name_of(const Command& command) {
  struct {
    std::string_view operator()(const CreateLog&) const { return "create_log"; }
    std::string_view operator()(const StartEngine&) const { return "start_engine"; }
    std::string_view operator()(const StopEngine&) const { return "stop_engine"; }
    std::string_view operator()(const RotateKey&) const { return "rotate_key"; }
    std::string_view operator()(const PauseEffects&) const { return "pause_effects"; }
    std::string_view operator()(const ResumeEffects&) const { return "resume_effects"; }
    std::string_view operator()(const RecordBackup&) const { return "record_backup"; }
    std::string_view operator()(const RestoreLog&) const { return "restore_log"; }
    std::string_view operator()(const StepClock&) const { return "step_clock"; }
    std::string_view operator()(const ObserveCommits&) const { return "observe_commits"; }
    std::string_view operator()(const ReportRepository&) const { return "report_repository"; }
    std::string_view operator()(const StageDocuments&) const { return "stage_documents"; }
    std::string_view operator()(const AcceptConfiguration&) const { return "accept_configuration"; }
    std::string_view operator()(const RejectConfiguration&) const { return "reject_configuration"; }
    std::string_view operator()(const ApproveConfiguration&) const { return "approve_configuration"; }
    std::string_view operator()(const DeclineConfiguration&) const { return "decline_configuration"; }
    std::string_view operator()(const RegisterRelease&) const { return "register_release"; }
    std::string_view operator()(const ReportGate&) const { return "report_gate"; }
    std::string_view operator()(const QuarantineRelease&) const { return "quarantine_release"; }
    std::string_view operator()(const ReinstateRelease&) const { return "reinstate_release"; }
    std::string_view operator()(const RequestPromotion&) const { return "request_promotion"; }
    std::string_view operator()(const RecordObservation&) const { return "record_observation"; }
    std::string_view operator()(const AdoptTarget&) const { return "adopt_target"; }
    std::string_view operator()(const Approve&) const { return "approve"; }
    std::string_view operator()(const Reject&) const { return "reject"; }
    std::string_view operator()(const Cancel&) const { return "cancel"; }
    std::string_view operator()(const OverrideProtection&) const { return "override_protection"; }
    std::string_view operator()(const RollBack&) const { return "roll_back"; }
    std::string_view operator()(const RetryPromotion&) const { return "retry_promotion"; }
    std::string_view operator()(const ExpeditePromotion&) const { return "expedite_promotion"; }
    std::string_view operator()(const NoteIncident&) const { return "note_incident"; }
    std::string_view operator()(const ResolveIncident&) const { return "resolve_incident"; }
    std::string_view operator()(const SetFreeze&) const { return "set_freeze"; }
    std::string_view operator()(const LiftFreeze&) const { return "lift_freeze"; }
    std::string_view operator()(const ExpandWindows&) const { return "expand_windows"; }
    std::string_view operator()(const ResumePause&) const { return "resume_pause"; }
    std::string_view operator()(const CompleteActivity&) const { return "complete_activity"; }
    std::string_view operator()(const CreateToken&) const { return "create_token"; }
    std::string_view operator()(const RevokeToken&) const { return "revoke_token"; }
    std::string_view operator()(const RecordDenied&) const { return "record_denied"; }
    std::string_view operator()(const RecordExport&) const { return "record_export"; }
    std::string_view operator()(const ErasePerson&) const { return "erase_person"; }
    std::string_view operator()(const RecordSignature&) const { return "record_signature"; }
    std::string_view operator()(const RecordAuthors&) const { return "record_authors"; }
    std::string_view operator()(const ObserveSource&) const { return "observe_source"; }
    std::string_view operator()(const ExpandSchedule&) const { return "expand_schedule"; }
    std::string_view operator()(const ExpandGateSchedule&) const { return "expand_gate_schedule"; }
    std::string_view operator()(const ReportMonitor&) const { return "report_monitor"; }
    std::string_view operator()(const SummarizeMonitor&) const { return "summarize_monitor"; }
    std::string_view operator()(const RecordNotification&) const { return "record_notification"; }
  } name;
  return std::visit(name, command);
}

}  // namespace headgate
