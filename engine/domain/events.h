// Everything that can have happened. A stored shape is published: a changed shape is a new version
// (docs/adding-an-event.md).
//
// `describe` names an event's parts in their stored order. v.subject(id) is the CloudEvents subject; from it follow the
// attributes service, environment and correlation (of a promotion and its steps: the promotion). v.correlation(text) is
// that attribute where the subject does not tell it. v("name", member) is a field of `data`. Empty texts, lists, maps
// and unset optionals are not stored; everything else is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "engine/domain/analysis_events.h"
#include "engine/domain/authorship_events.h"
#include "engine/domain/configuration_events.h"
#include "engine/domain/event_type.h"
#include "engine/domain/flow_events.h"
#include "engine/domain/gate_run_events.h"
#include "engine/domain/governance_events.h"
#include "engine/domain/incident_events.h"
#include "engine/domain/monitor_events.h"
#include "engine/domain/notification_events.h"
#include "engine/domain/plan.h"
#include "engine/domain/promotion_events.h"
#include "engine/domain/protection_events.h"
#include "engine/domain/release_events.h"
#include "engine/domain/repository_events.h"
#include "engine/domain/step_events.h"
#include "engine/domain/target_events.h"
#include "engine/domain/upkeep_events.h"

namespace headgate {

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
