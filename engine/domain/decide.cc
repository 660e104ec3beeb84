#include "engine/domain/decide.h"

#include <algorithm>

#include "engine/domain/decide_parts.h"
#include "engine/domain/planner.h"
#include "engine/domain/record_size.h"

namespace headgate {
namespace {

Decision decide_command(const State& state, const CreateLog& c, const Context&) {
  if (state.next != 0) return fail(ErrorCode::conflict, "the log exists already");
  return Events{LogCreated{c.origin, c.verifier_key, {}}};
}
Decision decide_command(const State& state, const RotateKey& c, const Context&) {
  if (state.verifier_key == c.verifier_key) return Events{};
  return Events{KeyRotated{c.verifier_key, state.verifier_key}};
}
Decision decide_command(const State& state, const PauseEffects& c, const Context&) {
  if (state.effects_paused) return Events{};
  return Events{EffectsPaused{c.reason.substr(0, max_reason_bytes)}};
}
Decision decide_command(const State& state, const ResumeEffects& c, const Context&) {
  if (!state.effects_paused) return Events{};
  return Events{EffectsResumed{c.reason.substr(0, max_reason_bytes)}};
}
Decision decide_command(const State&, const RecordBackup& c, const Context&) {
  return std::visit([](const auto& outcome) { return Events{outcome}; }, c.outcome);
}
Decision decide_command(const State& state, const RestoreLog& c, const Context&) {
  HEADGATE_CHECK(state.next == c.restored.size);
  Events events;
  if (c.previous) {
    if (c.origin == state.origin || c.origin.empty()) {
      return fail(ErrorCode::invalid_input, "a log that falls behind a checkpoint of " + state.origin +
                                                " goes on under another origin, not under the same one");
    }
    events.emplace_back(LogCreated{c.origin, c.verifier_key, c.previous});
  }
  events.emplace_back(c.restored);
  if (!state.effects_paused) events.emplace_back(EffectsPaused{"the log was restored from a backup"});
  return events;
}
Decision decide_command(const State&, const StartEngine& c, const Context&) {
  return Events{EngineStarted{c.version}};
}
Decision decide_command(const State&, const StopEngine&, const Context&) {
  return Events{EngineStopped{}};
}
Decision decide_command(const State&, const StepClock& c, const Context&) {
  const auto delta = std::chrono::round<std::chrono::milliseconds>(c.delta);
  if (delta == delta.zero()) return Events{};
  return Events{ClockStepped{delta}};
}

Decision decide_command(const State& state, const ObserveCommits& c, const Context&) {
  HEADGATE_CHECK(c.commits.size() < max_events_per_command);
  Events events;
  if (!c.rewritten_from.empty() && !c.commits.empty()) {
    events.emplace_back(HistoryRewritten{c.repository, c.branch, c.rewritten_from, c.commits.back().sha});
  }
  const auto known = state.repositories.find(c.repository);
  for (const auto& commit : c.commits) {
    if (known != state.repositories.end() && known->second.head == commit.sha) continue;
    events.emplace_back(commit);
  }
  return events;
}

Decision decide_command(const State& state, const ReportRepository& c, const Context&) {
  const auto known = state.repositories.find(c.repository);
  const bool was_unreachable = known != state.repositories.end() && !known->second.unreachable.empty();
  if (c.unreachable.empty()) return was_unreachable ? Events{RepositoryRecovered{c.repository}} : Events{};
  if (was_unreachable) return Events{};
  return Events{RepositoryUnreachable{c.repository, c.unreachable.substr(0, max_reason_bytes)}};
}

std::string document_name(const DocumentKey& key) {
  return std::string(name_of(key.kind)) + "/" + key.name;
}

Decision decide_command(const State&, const StageDocuments& c, const Context&) {
  HEADGATE_CHECK(c.accepted.size() + c.removed.size() <= max_events_per_command);
  Events events;
  for (const auto& document : c.accepted) {
    const auto key = key_of(document.document);
    const auto bytes = stored_size_bound(document.document);
    if (bytes > max_document_bytes(key.kind)) {
      return fail(ErrorCode::too_large, document.source.file + ":" + std::to_string(document.source.line) + ": " +
                                            document_name(key) + " is too large: about " + std::to_string(bytes) +
                                            " bytes resolved, at most " + std::to_string(max_document_bytes(key.kind)));
    }
    if (const auto* service = std::get_if<Service>(&document.document)) {
      for (const auto& stage : service->stages) {
        if (stage.before.size() + stage.verify_preview.size() + stage.verify.size() <= max_stage_steps) continue;
        return fail(ErrorCode::too_large, document.source.file + ":" + std::to_string(stage.line) + ": the stage " +
                                              stage.environment + " has more hooks and checks than " +
                                              std::to_string(max_stage_steps));
      }
    }
    events.emplace_back(DocumentAccepted{document_name(key), c.commit, document.source, document.document});
  }
  for (const auto& key : c.removed)
    events.emplace_back(DocumentRemoved{document_name(key), c.commit, key.kind, key.name});
  return events;
}

Decision decide_command(const State& state, const CreateToken& c, const Context&) {
  if (state.tokens.contains(c.id))
    return fail(ErrorCode::conflict, "a token of that name exists: revoke it first, or take another name");
  return Events{TokenCreated{c.id, c.hash, c.roles, c.expires}};
}
Decision decide_command(const State& state, const RevokeToken& c, const Context&) {
  if (!state.tokens.contains(c.id)) return fail(ErrorCode::not_found, "no such token");
  return Events{TokenRevoked{c.id}};
}
Decision decide_command(const State&, const RecordDenied& c, const Context&) {
  return Events{AccessDenied{c.reason, c.count, c.route.substr(0, 256)}};
}
Decision decide_command(const State&, const RecordExport& c, const Context&) {
  return Events{c.exported};
}
Decision decide_command(const State&, const ErasePerson& c, const Context&) {
  return Events{PersonErased{c.person}};
}

}  // namespace

Result<std::vector<Event>> decide(const State& state, const Command& command, const Context& context) {
  HEADGATE_CHECK(context.digest);
  HEADGATE_TRY(auto events, std::visit([&](const auto& c) { return decide_command(state, c, context); }, command));
  for (const auto& event : events) {
    if (const auto bytes = stored_size_bound(event); bytes > max_event_bytes) {
      return fail(ErrorCode::too_large, "the record of " + std::string(type_name(event)) + " would take up to " +
                                            std::to_string(bytes) + " bytes, at most " +
                                            std::to_string(max_event_bytes));
    }
  }
  return events;
}

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
  } name;
  return std::visit(name, command);
}

}  // namespace headgate
