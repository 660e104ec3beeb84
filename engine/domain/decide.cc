#include "engine/domain/decide.h"

#include <algorithm>

#include "engine/domain/admins.h"
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
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_reason_bytes));
  if (state.effects_paused) return Events{};
  return Events{EffectsPaused{c.reason}};
}
Decision decide_command(const State& state, const ResumeEffects& c, const Context&) {
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_reason_bytes));
  if (!state.effects_paused) return Events{};
  return Events{EffectsResumed{c.reason}};
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
    events.emplace_back(
        HistoryRewritten{c.repository, c.branch, c.rewritten_from, c.head.empty() ? c.commits.back().sha : c.head});
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
  return Events{RepositoryUnreachable{c.repository, cut_text(c.unreachable, max_reason_bytes)}};
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
Decision decide_command(const State& state, const RevokeToken& c, const Context& context) {
  if (!state.tokens.contains(c.id)) return fail(ErrorCode::not_found, "no such token");
  if (hold_last_admin(state, {c.id}, context.now)) {
    return fail(ErrorCode::conflict,
                "no other token lets an administrator in: create one first (headgate token create --role admin), "
                "nobody could do it afterwards");
  }
  return Events{TokenRevoked{c.id}};
}
Decision decide_command(const State&, const RecordDenied& c, const Context&) {
  return Events{AccessDenied{c.reason, c.count, cut_text(c.route, 256)}};
}
Decision decide_command(const State&, const RecordExport& c, const Context&) {
  return Events{c.exported};
}
Decision decide_command(const State& state, const RecordNotification& c, const Context&) {
  const auto told = state.told.find(c.receiver);
  if (told == state.told.end() || told->second >= c.about) return Events{};
  if (c.failure.empty()) return Events{NotificationSent{c.receiver, c.about, c.event_type, c.attempts}};
  return Events{
      NotificationFailed{c.receiver, c.about, c.event_type, c.attempts, cut_text(c.failure, max_reason_bytes)}};
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

}  // namespace headgate
