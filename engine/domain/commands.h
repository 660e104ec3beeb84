// What can be asked of the engine. A command is an order and may be refused; what came of it is events.
#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/domain/activity.h"
#include "engine/domain/record_size.h"
#include "engine/domain/state.h"

namespace headgate {

struct CreateLog {
  std::string origin;
  std::string verifier_key;
};
struct StartEngine {
  std::string version;
};
struct StopEngine {};
struct RotateKey {
  std::string verifier_key;
};
struct PauseEffects {
  std::string reason;
};
struct ResumeEffects {
  std::string reason;
};
// How a backup went.
struct RecordBackup {
  std::variant<BackupCompleted, BackupVerified, BackupFailed> outcome;
};
// The first command in a log that was put back from a backup. `previous` is set when a checkpoint is known that the
// backup does not reach: then the log goes on under another origin.
struct RestoreLog {
  LogRestored restored;
  std::string origin{};  // the new one, where there is a previous one
  std::optional<PreviousLog> previous{};
  std::string verifier_key{};  // of the new origin
};
struct StepClock {
  Duration delta{0};
};

// A fetch: the new commits, oldest first, of a large push a part of them. `rewritten_from` is the head that is no
// ancestor any more, else empty.
struct ObserveCommits {
  std::string repository;
  std::string branch;
  std::string rewritten_from;
  std::vector<CommitObserved> commits;
  std::string head{};  // where the branch is; empty: at the last of the commits
};
struct ReportRepository {
  std::string repository;
  std::string unreachable;  // why; empty: it answers
};
// At most 200 documents a command; they take force with AcceptConfiguration of the same commit.
struct StageDocuments {
  std::string commit;
  std::vector<SourcedDocument> accepted;
  std::vector<DocumentKey> removed;
};
struct AcceptConfiguration {
  std::string repository;
  std::string commit;
  std::vector<ApprovalRule> governance{};  // that the host asks for when the policy changes; empty: none
  std::optional<std::string> base{};  // the commit in force that the staged documents differ from, where it matters
  // Where the host asks for signed changes of the policy: why this commit is not signed as it asks.
  std::optional<std::string> not_signed{};
};
// Of what was proposed under this digest.
struct ApproveConfiguration {
  std::string digest;
  std::string team;  // empty: the one that still needs somebody and has the actor among its members
  std::string comment;
};
struct DeclineConfiguration {
  std::string digest;
  std::string comment;
};
struct RejectConfiguration {
  std::string repository;
  std::string commit;
  std::vector<Diagnostic> diagnostics;
};

struct RegisterRelease {
  std::string service;
  Release release;
  std::string branch;
  std::vector<std::string> tags;
};
struct ReportGate {
  std::string service;
  std::string commit;   // one of commit
  std::string version;  // and version
  std::string gate;
  GateStatus status = GateStatus::passed;
  std::map<std::string, Decimal, std::less<>> metrics;
  std::string url;
  std::string summary;
  std::string report;
};
struct QuarantineRelease {
  ReleaseId release;
  std::string reason;
};
struct ReinstateRelease {
  ReleaseId release;
  std::string reason;
};

struct RequestPromotion {
  TargetId target;
  Release release;  // commit and artifacts may be absent where it is registered
  std::string reason;
  bool expedite = false;
  std::vector<std::string> locations{};  // by name; none: all that are in a wave
};
struct RecordObservation {
  TargetId target;
  Observation observed;
  Position begun = std::numeric_limits<Position>::max();  // size of the log when the driver was asked
  std::string location{};                                 // empty: the environment is one place
};
struct AdoptTarget {
  TargetId target;
  std::string reason;
};

struct Approve {
  PromotionId promotion;
  std::string plan_digest;
  std::string team;  // empty: the one that still needs somebody and has the actor among its members
  std::string comment;
  std::optional<Position> seen{};  // the last event that what its giver looked at reflects
};
struct Reject {
  PromotionId promotion;
  std::string comment;
};
struct Cancel {
  PromotionId promotion;
  std::string reason;
};
// Brings targets back to what was verified there.
struct RollBack {
  std::vector<TargetId> targets;
  std::string to;  // a version, or previous
  std::string reason;
  std::string scope;         // in words: what was asked for
  bool restore = false;      // put back what the restore point names, too
  bool break_glass = false;  // the actor may pass an irreversible step
  bool named = true;         // every target was named: one that has no way back refuses all, else it is left out
};
// Of a promotion that failed and was the last one of its target; of one that is under way, the attempt that runs.
struct RetryPromotion {
  PromotionId promotion;
  std::string reason;
};
// Plans a waiting promotion anew with the shorter waits of its stage.
struct ExpeditePromotion {
  PromotionId promotion;
  std::string reason;
};
struct NoteIncident {
  std::string id;
  std::string note;
};
struct ResolveIncident {
  std::string id;
  std::string review;
};
// Of a closed window or a freeze, for this promotion.
struct OverrideProtection {
  PromotionId promotion;
  std::string reason;
};
struct SetFreeze {
  std::string environment;
  std::vector<std::string> services;  // empty: all of them
  std::string reason;
  std::optional<Timestamp> until;
};
struct LiftFreeze {
  std::string id;
  std::string reason;
};
// What `windows` come to. Dropped when the environment has other windows by now.
struct ExpandWindows {
  std::vector<Window> windows;
  WindowExpanded expanded;
};
// Of a pause that waits for a person.
struct ResumePause {
  PromotionId promotion;
  std::string reason;
};
// Of a commit that a promotion needs signed; nothing when it is what is known already.
struct RecordSignature {
  CommitVerified verified;
};
// Of a promotion that waits.
struct RecordAuthors {
  PromotionAttributed attributed;
};
// Of one commit of a source repository, for the services that have it as their source.
struct ObserveSource {
  std::vector<SourceObserved> observed;
};
// What the schedule of a stage comes to. Dropped when the stage has another one by now.
struct ExpandSchedule {
  ScheduleExpanded expanded;
};
// What the schedule of a gate comes to, likewise.
struct ExpandGateSchedule {
  GateScheduled expanded;
};
// What a monitor sees now: nothing when that is known, or when the environment is under maintenance.
struct ReportMonitor {
  MonitorId monitor;
  bool passed = false;
  std::uint32_t failures = 0;  // in a row
  Timestamp since{};           // when the first of them began
  std::string reason{};        // of the last one
};
// What it saw in an hour; `violates` is the decision's.
struct SummarizeMonitor {
  MonitorSummarized seen;
};
struct CompleteActivity {
  StepId id;
  std::uint32_t attempt = 1;
  Outcome outcome;
};

struct CreateToken {
  std::string id;
  std::string hash;
  std::vector<Role> roles;
  std::optional<Timestamp> expires;
};
struct RevokeToken {
  std::string id;
};
struct RecordDenied {
  std::string reason;
  std::uint64_t count = 1;
  std::string route;
};

struct RecordExport {
  AuditExported exported;
};
struct ErasePerson {
  std::string person;
};

// What came of telling a receiver of an event; nothing when that is known already, or the receiver has gone.
struct RecordNotification {
  std::string receiver;  // policy/name
  Position about = 0;
  std::string event_type{};
  std::uint32_t attempts = 1;
  std::string failure{};  // why it was given up; empty: it was sent
};

using AnyCommand =
    std::variant<CreateLog, StartEngine, StopEngine, RotateKey, PauseEffects, ResumeEffects, RecordBackup, RestoreLog,
                 StepClock, ObserveCommits, ReportRepository, StageDocuments, AcceptConfiguration, RejectConfiguration,
                 ApproveConfiguration, DeclineConfiguration, RegisterRelease, ReportGate, QuarantineRelease,
                 ReinstateRelease, RequestPromotion, RecordObservation, AdoptTarget, Approve, Reject, Cancel,
                 OverrideProtection, RollBack, RetryPromotion, ExpeditePromotion, NoteIncident, ResolveIncident,
                 SetFreeze, LiftFreeze, ExpandWindows, ResumePause, CompleteActivity, CreateToken, RevokeToken,
                 RecordDenied, RecordExport, ErasePerson, RecordSignature, RecordAuthors, ObserveSource, ExpandSchedule,
                 ExpandGateSchedule, ReportMonitor, SummarizeMonitor, RecordNotification>;

// A variant to visit, whose moves and destruction are compiled once (as an Event's are).
struct Command : AnyCommand {
  Command();
  template <class C>
  requires(!std::same_as<C, Command> && std::constructible_from<AnyCommand, std::in_place_type_t<C>, C>)
      Command(C command)
      : AnyCommand(std::in_place_type<C>, std::move(command)) {}
  Command(const Command&);
  Command(Command&&) noexcept;
  Command& operator=(const Command&);
  Command& operator=(Command&&) noexcept;
  ~Command();
};

std::string_view name_of(const Command& command);  // report_gate: for metrics and log lines

}  // namespace headgate
