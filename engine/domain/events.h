// Everything that can have happened. A stored shape is published: a changed shape is a new version
// (docs/adding-an-event.md).
//
// `describe` names an event's parts in their stored order. v.subject(id) is the CloudEvents subject; from it follow the
// attributes service, environment and correlation (of a promotion and its steps: the promotion). v.correlation(text) is
// that attribute where the subject does not tell it. v("name", member) is a field of `data`. Empty texts, lists, maps
// and unset optionals are not stored; everything else is.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/domain/analysis_events.h"
#include "engine/domain/authorship_events.h"
#include "engine/domain/event_type.h"
#include "engine/domain/flow_events.h"
#include "engine/domain/gate_run_events.h"
#include "engine/domain/governance_events.h"
#include "engine/domain/incident_events.h"
#include "engine/domain/monitor_events.h"
#include "engine/domain/notification_events.h"
#include "engine/domain/plan.h"
#include "engine/domain/protection_events.h"
#include "engine/domain/upkeep_events.h"

namespace headgate {

// -------------------------------------------------------------------------------------------------------- repository

struct CommitObserved {
  static constexpr EventType type{"commit.observed"};
  std::string repository;
  std::string branch;
  std::string sha;
  std::vector<std::string> parents;
  std::string author;  // person ids
  std::string committer;
  std::vector<std::string> co_authors;
  std::string message;        // first line
  std::uint64_t changed = 0;  // files that differ from the commit dealt with before
  bool operator==(const CommitObserved&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.sha);
    v("branch", s.branch);
    v("parents", s.parents);
    v("author", s.author);
    v("committer", s.committer);
    v("co_authors", s.co_authors);
    v("message", s.message);
    v("changed", s.changed);
  }
};

struct HistoryRewritten {
  static constexpr EventType type{"history.rewritten"};
  std::string repository;
  std::string branch;
  std::string from;
  std::string to;
  bool operator==(const HistoryRewritten&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.to);
    v("branch", s.branch);
    v("from", s.from);
  }
};

struct RepositoryUnreachable {
  static constexpr EventType type{"repository.unreachable"};
  std::string repository;
  std::string reason;
  bool operator==(const RepositoryUnreachable&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v("reason", s.reason);
  }
};

struct RepositoryRecovered {
  static constexpr EventType type{"repository.recovered"};
  std::string repository;
  bool operator==(const RepositoryRecovered&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
  }
};

// ----------------------------------------------------------------------------------------------------- configuration

// Staged; takes force with the configuration.accepted of the same commit.
struct DocumentAccepted {
  static constexpr EventType type{"document.accepted", 2};
  std::string name;  // Kind/name
  std::string commit;
  Source source;
  Document document;
  bool operator==(const DocumentAccepted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.name);
    v.correlation(s.commit);
    v("source", s.source);
    v("document", s.document);
  }
};

struct DocumentRemoved {
  static constexpr EventType type{"document.removed"};
  std::string name;  // Kind/name
  std::string commit;
  DocumentKind kind = DocumentKind::service;
  std::string document;  // its name
  bool operator==(const DocumentRemoved&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.name);
    v.correlation(s.commit);
    v("kind", s.kind);
    v("document", s.document);
  }
};

struct ConfigurationAccepted {
  static constexpr EventType type{"configuration.accepted"};
  std::string repository;
  std::string commit;
  std::uint64_t documents = 0;  // staged for this commit, accepted and removed
  bool operator==(const ConfigurationAccepted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.commit);
    v("documents", s.documents);
  }
};

struct ConfigurationRejected {
  static constexpr EventType type{"configuration.rejected"};
  std::string repository;
  std::string commit;
  std::vector<Diagnostic> diagnostics;  // the first ones that fit
  std::uint64_t omitted = 0;            // how many more there were
  bool operator==(const ConfigurationRejected&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.commit);
    v("diagnostics", s.diagnostics);
    v("omitted", s.omitted);
  }
};

// ----------------------------------------------------------------------------------------------------- release, gate

struct ReleaseRegistered {
  static constexpr EventType type{"release.registered"};
  ReleaseId id;
  std::string commit;
  StringMap artifacts;
  std::string branch;
  std::vector<std::string> tags;
  bool operator==(const ReleaseRegistered&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v.correlation(s.commit);
    v("artifacts", s.artifacts);
    v("branch", s.branch);
    v("tags", s.tags);
  }
};

struct ReleaseQuarantined {
  static constexpr EventType type{"release.quarantined"};
  ReleaseId id;
  std::string commit;
  StringMap artifacts;
  std::string reason;
  bool operator==(const ReleaseQuarantined&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v.correlation(s.commit);
    v("artifacts", s.artifacts);
    v("reason", s.reason);
  }
};

struct ReleaseReinstated {
  static constexpr EventType type{"release.reinstated"};
  ReleaseId id;
  std::string reason;
  bool operator==(const ReleaseReinstated&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("reason", s.reason);
  }
};

struct GateReported {
  static constexpr EventType type{"gate.reported", 2};
  ServiceName service;
  std::string commit;   // what it was reported for: a commit …
  std::string version;  // … or, where the release names no commit, its version
  std::string gate;
  GateStatus status = GateStatus::passed;
  std::map<std::string, Decimal, std::less<>> metrics;
  std::string url;
  std::string summary;
  std::string report;                  // digest of a blob
  std::vector<std::string> after;      // of the gates that it comes after, those that had passed when it was reported
  std::optional<std::uint64_t> run{};  // of Headgate itself, which gate.started tells of
  std::optional<Json> evidence{};      // what that run gave
  bool operator==(const GateReported&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.service);
    v.correlation(s.commit);
    v("version", s.version);
    v("gate", s.gate);
    v("status", s.status);
    v("metrics", s.metrics);
    v("url", s.url);
    v("summary", s.summary);
    v("report", s.report);
    v("after", s.after);
    v("run", s.run);
    v("evidence", s.evidence);
  }
};

// ------------------------------------------------------------------------------------------------------------ target

struct DesiredChanged {
  static constexpr EventType type{"desired.changed"};
  TargetId target;
  std::string commit;
  std::optional<Wish> from;
  Wish to;
  std::string file;
  std::uint32_t line = 0;
  std::vector<std::string> people;  // whose work brought the wish: authors, committers, co-authors
  bool operator==(const DesiredChanged&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v.correlation(s.commit);
    v("from", s.from);
    v("to", s.to);
    v("file", s.file);
    v("line", s.line);
    v("people", s.people);
  }
};

// What the driver reports to run there, written when it differs from what it reported before.
struct TargetObserved {
  static constexpr EventType type{"target.observed", 2};
  TargetId target;
  std::string version;  // empty: nothing runs there
  StringMap artifacts;
  std::string location{};  // empty: the environment is one place
  StringMap variables{};   // of those that the target sets, but for ignored ones, as far as the driver tells
  bool operator==(const TargetObserved&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("version", s.version);
    v("artifacts", s.artifacts);
    v("location", s.location);
    v("variables", s.variables);
  }
};

struct TargetAdopted {
  static constexpr EventType type{"target.adopted"};
  TargetId target;
  Wish wish;  // what it runs
  std::string reason;
  bool operator==(const TargetAdopted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("wish", s.wish);
    v("reason", s.reason);
  }
};

struct TargetOrphaned {
  static constexpr EventType type{"target.orphaned"};
  TargetId target;
  bool operator==(const TargetOrphaned&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
  }
};

// The target keeps what it runs although Git wishes something else, until Git's wish changes or agrees.
struct TargetPinned {
  static constexpr EventType type{"target.pinned"};
  TargetId target;
  std::string reason;
  bool operator==(const TargetPinned&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("reason", s.reason);
  }
};

struct TargetUnpinned {
  static constexpr EventType type{"target.unpinned"};
  TargetId target;
  std::string reason;
  bool operator==(const TargetUnpinned&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("reason", s.reason);
  }
};

struct DriftDetected {
  static constexpr EventType type{"drift.detected", 2};
  TargetId target;
  std::string expected;  // versions
  std::string found;
  std::string location{};  // likewise
  StringMap variables{};   // that differ, as they were found
  bool operator==(const DriftDetected&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("expected", s.expected);
    v("found", s.found);
    v("location", s.location);
    v("variables", s.variables);
  }
};

struct DriftResolved {
  static constexpr EventType type{"drift.resolved", 2};
  TargetId target;
  std::string location{};
  bool operator==(const DriftResolved&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("location", s.location);
  }
};

// --------------------------------------------------------------------------------------------------------- promotion

// Followed in the same batch by one step.planned per step.
struct PromotionPlanned {
  static constexpr EventType type{"promotion.planned", 2};
  PromotionId promotion;
  Trigger trigger = Trigger::desired;
  std::optional<Wish> from;
  Wish to;
  Rules rules;
  std::uint32_t steps = 0;
  std::string plan_digest;
  std::vector<std::string> people;  // whose work is inside, and who asked: they may not approve it
  std::string reason;
  std::vector<std::string> locations{};  // that were asked for by name; none: those in a wave
  bool operator==(const PromotionPlanned&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("trigger", s.trigger);
    v("from", s.from);
    v("to", s.to);
    v("rules", s.rules);
    v("steps", s.steps);
    v("plan_digest", s.plan_digest);
    v("people", s.people);
    v("reason", s.reason);
    v("locations", s.locations);
  }
};

struct StepPlanned {
  static constexpr EventType type{"step.planned", 2};
  StepId id;
  Shared<Step> step;  // its name is the id's
  bool operator==(const StepPlanned&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("step", bare(s.step));
  }
};

// Every protection passed: the first outside effect begins.
struct PromotionStarted {
  static constexpr EventType type{"promotion.started"};
  PromotionId promotion;
  bool operator==(const PromotionStarted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
  }
};

struct PromotionSucceeded {
  static constexpr EventType type{"promotion.succeeded"};
  PromotionId promotion;
  bool operator==(const PromotionSucceeded&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
  }
};

// The ends that carry a reason share one shape.
#define HEADGATE_PROMOTION_END(Name, text)        \
  struct Name {                                   \
    static constexpr EventType type{text};        \
    PromotionId promotion;                        \
    std::string reason;                           \
    bool operator==(const Name&) const = default; \
    template <class Self, class V>                \
    static void describe(Self& s, V& v) {         \
      v.subject(s.promotion);                     \
      v("reason", s.reason);                      \
    }                                             \
  }
HEADGATE_PROMOTION_END(PromotionFailed, "promotion.failed");
HEADGATE_PROMOTION_END(PromotionRejected, "promotion.rejected");
HEADGATE_PROMOTION_END(PromotionCancelled, "promotion.cancelled");
HEADGATE_PROMOTION_END(PromotionSuperseded, "promotion.superseded");
#undef HEADGATE_PROMOTION_END

// ---------------------------------------------------------------------------------------------------------- approval

struct ApprovalRequested {
  static constexpr EventType type{"approval.requested"};
  PromotionId promotion;
  std::vector<ApprovalRule> approvals;
  std::string plan_digest;
  bool operator==(const ApprovalRequested&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("approvals", s.approvals);
    v("plan_digest", s.plan_digest);
  }
};

// By the record's actor.
struct ApprovalGranted {
  static constexpr EventType type{"approval.granted", 2};
  PromotionId promotion;
  std::string team;
  std::string plan_digest;
  std::string comment;
  std::vector<Position> evidence;  // the gate reports that its giver saw
  Timestamp expires;
  // Metrics out of bounds that its giver saw and that take an approval: by gate/metric, as measured.
  std::map<std::string, Decimal, std::less<>> exceptions;
  std::vector<std::string> also{};             // further teams that ask for an approval and have its giver
  std::vector<std::string> unknown_authors{};  // that its giver saw, where they take an approval: person ids
  StringMap claims{};                          // of its giver's sign-in, those that their role asks for
  bool operator==(const ApprovalGranted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("team", s.team);
    v("plan_digest", s.plan_digest);
    v("comment", s.comment);
    v("evidence", s.evidence);
    v("expires", s.expires);
    v("exceptions", s.exceptions);
    v("also", s.also);
    v("unknown_authors", s.unknown_authors);
    v("claims", s.claims);
  }
};

struct ApprovalRejected {
  static constexpr EventType type{"approval.rejected"};
  PromotionId promotion;
  std::string team;
  std::string comment;
  bool operator==(const ApprovalRejected&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("team", s.team);
    v("comment", s.comment);
  }
};

struct ApprovalVoided {
  static constexpr EventType type{"approval.voided"};
  PromotionId promotion;
  std::string approver;
  std::string reason;  // what changed
  bool operator==(const ApprovalVoided&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("approver", s.approver);
    v("reason", s.reason);
  }
};

struct ApprovalExpired {
  static constexpr EventType type{"approval.expired"};
  PromotionId promotion;
  std::string approver;
  bool operator==(const ApprovalExpired&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("approver", s.approver);
  }
};

// -------------------------------------------------------------------------------------------------------- step, timer

struct StepStarted {
  static constexpr EventType type{"step.started"};
  StepId id;
  bool operator==(const StepStarted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
  }
};

struct StepWaiting {
  static constexpr EventType type{"step.waiting", 2};
  StepId id;
  std::vector<Condition> unmet;
  std::optional<Timestamp> until;  // when time alone changes what it waits for
  bool operator==(const StepWaiting&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("unmet", s.unmet);
    v("until", s.until);
  }
};

struct StepSucceeded {
  static constexpr EventType type{"step.succeeded"};
  StepId id;
  bool operator==(const StepSucceeded&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
  }
};

struct StepFailed {
  static constexpr EventType type{"step.failed"};
  StepId id;
  std::string reason;
  bool operator==(const StepFailed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("reason", s.reason);
  }
};

// A wait that a step promised: it fires when the wall clock reaches `due` (moved along by clock.stepped).
struct TimerSet {
  static constexpr EventType type{"timer.set"};
  StepId id;
  Timestamp due;
  bool operator==(const TimerSet&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("due", s.due);
  }
};

struct TimerFired {
  static constexpr EventType type{"timer.fired"};
  StepId id;
  bool operator==(const TimerFired&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
  }
};

// ---------------------------------------------------------------------------------------------------------- activity

// Written before the effect: whoever reads it must assume that the effect may have happened.
struct ActivityStarted {
  static constexpr EventType type{"activity.started"};
  StepId id;
  std::uint32_t attempt = 1;
  bool operator==(const ActivityStarted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
  }
};

struct ActivitySucceeded {
  static constexpr EventType type{"activity.succeeded"};
  StepId id;
  std::uint32_t attempt = 1;
  Json evidence;
  bool operator==(const ActivitySucceeded&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
    v("evidence", s.evidence);
  }
};

struct ActivityFailed {
  static constexpr EventType type{"activity.failed"};
  StepId id;
  std::uint32_t attempt = 1;
  std::string reason;
  bool retryable = false;
  bool unhealthy = false;  // a check ran and said no: evidence against the release, not broken infrastructure
  Json evidence;
  std::string output;  // digest of a blob
  bool operator==(const ActivityFailed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
    v("reason", s.reason);
    v("retryable", s.retryable);
    v("unhealthy", s.unhealthy);
    v("evidence", s.evidence);
    v("output", s.output);
  }
};

// Another attempt will start when `due` is reached.
struct ActivityRetried {
  static constexpr EventType type{"activity.retried"};
  StepId id;
  std::uint32_t attempt = 2;
  Timestamp due;
  bool operator==(const ActivityRetried&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
    v("due", s.due);
  }
};

// An outcome of it no longer counts. Written when the attempt is fenced, and again for an outcome that came after.
struct ActivityFenced {
  static constexpr EventType type{"activity.fenced"};
  StepId id;
  std::uint32_t attempt = 1;
  std::string reason;
  bool operator==(const ActivityFenced&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("attempt", s.attempt);
    v("reason", s.reason);
  }
};

// ---------------------------------------------------------------------------------------------------------- rollback

// Followed in the same batch by one step.planned per step of the rollback.
struct RollbackStarted {
  static constexpr EventType type{"rollback.started"};
  PromotionId promotion;
  std::string reason;
  bool automatic = true;
  std::optional<Wish> to;  // unset: nothing was verified here before, the candidate is retired
  bool operator==(const RollbackStarted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("reason", s.reason);
    v("automatic", s.automatic);
    v("to", s.to);
  }
};

struct RollbackSucceeded {
  static constexpr EventType type{"rollback.succeeded"};
  PromotionId promotion;
  Duration took{0};  // since rollback.started, whole milliseconds
  bool operator==(const RollbackSucceeded&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("took_ms", s.took);
  }
};

// The target is left as it is and held: nothing is promoted there by itself until a person promotes or adopts.
struct RollbackFailed {
  static constexpr EventType type{"rollback.failed"};
  PromotionId promotion;
  std::string reason;
  bool operator==(const RollbackFailed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("reason", s.reason);
  }
};

// In the order of the catalogue; the order is not stored.
using AnyEvent = std::variant<
    LogCreated, EngineStarted, EngineStopped, ClockStepped, KeyRotated, BackupCompleted, BackupVerified, BackupFailed,
    LogRestored, EffectsPaused, EffectsResumed, CommitObserved, HistoryRewritten, RepositoryUnreachable,
    RepositoryRecovered, DocumentAccepted, DocumentRemoved, ConfigurationAccepted, ConfigurationRejected,
    ReleaseRegistered, ReleaseQuarantined, ReleaseReinstated, GateReported, DesiredChanged, TargetObserved,
    TargetAdopted, TargetOrphaned, TargetPinned, TargetUnpinned, DriftDetected, DriftResolved, PromotionPlanned,
    StepPlanned, PromotionStarted, PromotionSucceeded, PromotionFailed, PromotionRejected, PromotionCancelled,
    PromotionSuperseded, ApprovalRequested, ApprovalGranted, ApprovalRejected, ApprovalVoided, ApprovalExpired,
    StepStarted, StepWaiting, StepSucceeded, StepFailed, TimerSet, TimerFired, ActivityStarted, ActivitySucceeded,
    ActivityFailed, ActivityRetried, ActivityFenced, RollbackRequested, RollbackStarted, RollbackSucceeded,
    RollbackFailed, PromotionRetried, PromotionExpedited, IncidentOpened, IncidentNoted, IncidentResolved,
    BreakGlassUsed, FreezeSet, FreezeLifted, FreezeOverridden, WindowOverridden, WindowExpanded, MeasurementStarted,
    MeasurementTaken, PauseResumed, TokenCreated, TokenRevoked, AccessDenied, AuditExported, PersonErased,
    ConfigurationProposed, ConfigurationApproved, ConfigurationDeclined, ConfigurationSuperseded, TargetRenamed,
    TargetRetired, CommitVerified, PromotionAttributed, SourceObserved, TriggerFired, TriggerDropped, ScheduleExpanded,
    GateScheduled, GateDue, GateStarted, GateRetried, MonitorFailed, MonitorRecovered, MonitorSummarized, SlaViolated,
    DowntimeMeasured, NotificationSent, NotificationFailed>;

// A variant to visit and to look into. What the compiler would write for it in every file that moves one (copies, moves
// and destructions of all those types) is compiled once, in events.cc.
struct Event : AnyEvent {
  Event();
  template <class E>
  requires requires { E::type.version; }
  Event(E event) : AnyEvent(std::in_place_type<E>, std::move(event)) {}
  Event(const Event&);
  Event(Event&&) noexcept;
  Event& operator=(const Event&);
  Event& operator=(Event&&) noexcept;
  ~Event();
  bool operator==(const Event&) const;
};

std::string_view type_name(const Event& event);

// What surrounds an event in its record.
struct Meta {
  Position position = 0;
  Timestamp time;
  std::string actor = "engine";   // person:<id>, token:<id>, engine
  std::optional<Position> cause;  // of the event that led to this one
  std::string idempotency_key;    // on the first event of a request that carried one
  std::string request_digest;     // sha256:<hex> of that request
  bool operator==(const Meta&) const = default;
};

template <class E>
struct Recorded {
  Meta meta;
  E event;
  bool operator==(const Recorded&) const = default;
};

// The attributes that follow from an event's subject.
struct Address {
  std::string subject;
  std::string service;
  std::string environment;
  std::string correlation;
};
Address address_of(const Event& event);

}  // namespace headgate
