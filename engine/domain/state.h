// Everything that decisions depend on: a fold of the log, nothing else.
//
// The life of a promotion (one at a time on a target):
//
//            gates, approval, wait            first effect              every step done
//   planned ───────► waiting ──────────────────► running ─────────────────► succeeded
//                      │ rejected, cancelled,      │ a step failed, cancelled
//                      │ superseded (newer wish,   ├───────────────► failed          (nothing was deployed, or the
//                      ▼ changed plan)             ▼                                  rules leave it to a person)
//                    ended                     rolling back ──► rolled back
//                                                  └──────────► failed               (the rollback failed: target held)
//
// `planned` is an event, no phase. A failed one that a person retries goes on where it failed: to waiting, or to
// rolling back. Ended promotions leave the state, but for the last failed one (WaysBack::failed), which may be retried;
// the log keeps them all.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/domain/analysis.h"
#include "engine/domain/events.h"
#include "engine/domain/flow_state.h"
#include "engine/domain/gate_run_state.h"
#include "engine/domain/indexed_map.h"
#include "engine/domain/monitor_state.h"

namespace headgate {

enum class StepStatus : std::uint8_t { pending, started, succeeded, failed };
HEADGATE_ENUM_NAMES(StepStatus, "pending", "started", "succeeded", "failed");

enum class ActivityStatus : std::uint8_t { none, running, retrying, succeeded, failed, fenced };
HEADGATE_ENUM_NAMES(ActivityStatus, "none", "running", "retrying", "succeeded", "failed", "fenced");

struct LiveStep {
  Shared<Step> step;
  StepStatus status = StepStatus::pending;
  std::optional<Timestamp> started;
  std::optional<Timestamp> ended;
  std::string reason;              // of a failure
  std::vector<Condition> unmet;    // as last recorded by step.waiting
  std::optional<Timestamp> until;  // likewise: when time alone changes them
  std::optional<Timestamp> due;    // of its timer, while it runs
  bool fired = false;              // its timer did
  Position timer = 0;              // the event that set it, or by which it fired
  ActivityStatus activity = ActivityStatus::none;
  std::uint32_t attempt = 0;  // the last one that began
  std::optional<Timestamp> retry_due;
  std::uint32_t attempts_before = 0;  // a person retried it after so many
  bool unhealthy = false;             // the activity failed with evidence against the release
  Json evidence;
  bool resumed = false;  // a person let the pause go on
  bool operator==(const LiveStep&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", bare(s.step).name);
    v("step", bare(s.step));
    v("status", s.status);
    v("started", s.started);
    v("ended", s.ended);
    v("reason", s.reason);
    v("unmet", s.unmet);
    v("until", s.until);
    v("due", s.due);
    v("fired", s.fired);
    v("timer", s.timer);
    v("activity", s.activity);
    v("attempt", s.attempt);
    v("retry_due", s.retry_due);
    v("attempts_before", s.attempts_before);
    v("unhealthy", s.unhealthy);
    v("evidence", s.evidence);
    v("resumed", s.resumed);
  }
};

struct Approval {
  std::string approver;  // person id
  std::string team;
  std::string comment;
  Position position = 0;
  Timestamp time;
  Timestamp expires;
  std::map<std::string, Decimal, std::less<>> exceptions;  // metrics out of bounds that its giver saw, by gate/metric
  std::vector<std::string> also{};                         // further teams that it counts for
  std::vector<std::string> unknown_authors{};              // that its giver saw
  StringMap claims{};                                      // that their role asks for
  bool operator==(const Approval&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("approver", s.approver);
    v("team", s.team);
    v("comment", s.comment);
    v("position", s.position);
    v("time", s.time);
    v("expires", s.expires);
    v("exceptions", s.exceptions);
    v("also", s.also);
    v("unknown_authors", s.unknown_authors);
    v("claims", s.claims);
  }
};

// Somebody let a promotion pass closed windows.
struct WindowOverride {
  std::string by;
  std::string reason;
  Position position = 0;
  std::optional<Timestamp> until;  // when the window would have opened
  bool operator==(const WindowOverride&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("by", s.by);
    v("reason", s.reason);
    v("position", s.position);
    v("until", s.until);
  }
};

// Whose work lies between the release that runs and the one to come, as its repository tells; the people are among
// Promotion::people.
struct Attribution {
  bool known = false;  // false: no watched repository holds the commits, or there are too many, so many
  std::uint64_t commits = 0;
  Position position = 0;
  bool operator==(const Attribution&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("known", s.known);
    v("commits", s.commits);
    v("position", s.position);
  }
};

// How long the service was away at a time while it was promoted, as far as the probe of its stage saw.
struct MeasuredDowntime {
  Duration longest{0};
  Duration max{0};
  std::string step;  // in which that was
  Position position = 0;
  bool operator==(const MeasuredDowntime&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("longest", s.longest);
    v("max", s.max);
    v("step", s.step);
    v("position", s.position);
  }
};

struct Promotion {
  PromotionId id;
  Trigger trigger = Trigger::desired;
  Phase phase = Phase::waiting;
  std::optional<Wish> from;
  Wish to;
  Rules rules;
  std::string plan_digest;
  std::vector<std::string> people;  // may not approve it, unless the rules allow self-approval
  std::string asked_because;
  std::vector<LiveStep> steps;  // forward steps, then those of the rollback
  bool approval_requested = false;
  std::vector<Approval> approvals;  // that count
  std::optional<WindowOverride> window_override;
  std::vector<std::string> freezes_overridden;  // ids
  std::optional<Attribution> attribution{};     // unset: nobody has looked yet who wrote from..to
  Position planned_at = 0;
  Timestamp planned;
  std::optional<Timestamp> effects_began;
  Timestamp effects_since{};  // the same on a clock that never steps: less State::stepped as it was then
  std::optional<Timestamp> rollback_began;
  bool rollback_automatic = false;
  std::string end_reason;       // why it rolled back or ended otherwise than well
  std::string rollback_reason;  // why it rolled back, whatever came of that
  std::optional<Timestamp> ended;
  Position last_position = 0;  // of the last event that belongs to it
  std::string expedited{};     // why its waits are shorter; empty: they are not
  std::vector<MetricProgress> analysis{};
  std::string measuring{};               // the metric that is under measurement
  std::vector<std::string> locations{};  // that were asked for by name; none: those in a wave
  std::map<std::string, WindowOverride, std::less<>> maintenance_overrides{};  // by name of the maintenance
  Boxed<MeasuredDowntime> downtime{};
  bool operator==(const Promotion&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("id", s.id);
    v("trigger", s.trigger);
    v("phase", s.phase);
    v("from", s.from);
    v("to", s.to);
    v("rules", s.rules);
    v("plan_digest", s.plan_digest);
    v("people", s.people);
    v("asked_because", s.asked_because);
    v("steps", s.steps);
    v("approval_requested", s.approval_requested);
    v("approvals", s.approvals);
    v("window_override", s.window_override);
    v("freezes_overridden", s.freezes_overridden);
    v("attribution", s.attribution);
    v("planned_at", s.planned_at);
    v("planned", s.planned);
    v("effects_began", s.effects_began);
    v("effects_since", s.effects_since);
    v("rollback_began", s.rollback_began);
    v("rollback_automatic", s.rollback_automatic);
    v("end_reason", s.end_reason);
    v("rollback_reason", s.rollback_reason);
    v("ended", s.ended);
    v("last_position", s.last_position);
    v("expedited", s.expedited);
    v("analysis", s.analysis);
    v("measuring", s.measuring);
    v("locations", s.locations);
    v("maintenance_overrides", s.maintenance_overrides);
    v("downtime", s.downtime);
  }

  // The step that the promotion stands at; null when every step of the plan under way is done.
  const LiveStep* current() const;
  LiveStep* find(std::string_view step);
  const LiveStep* find(std::string_view step) const;
  // Whether the driver may have touched the target: the deploy step's activity began.
  bool deployed() const;
  // When it wants to be looked at again without anything happening.
  // While effects are paused nothing of what is under way is due: their end touches it.
  std::optional<Timestamp> next_due(bool effects_paused) const;
  // Whether it takes away what runs on the target: its document has gone.
  bool retires() const;
  // Whether it may have changed what is in the location.
  bool touched(std::string_view location) const;
  // Whether the rollback that is under way, or would be, needs the step of its plan: what was never touched is not
  // taken back, nor is, by the rule rollbackLocation, what stands.
  bool takes_back(const Step& step) const;
  // Whether that rule lets locations stand while another one is taken back.
  bool takes_back_one_location() const;
};

template <class D>
struct InForce {
  D document;
  Source source;
  std::string commit;
  // Of a service or an environment: of the configuration.accepted from which on it has said the same. A commit in which
  // its lines have moved says nothing else.
  Position since = 0;
  bool operator==(const InForce&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("document", s.document);
    v("source", s.source);
    v("commit", s.commit);
    v("since", s.since);
  }
};

struct Observation {
  std::string version;  // empty: nothing runs there
  StringMap artifacts;
  StringMap variables{};  // as TargetObserved has them
  bool operator==(const Observation&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("version", s.version);
    v("artifacts", s.artifacts);
    v("variables", s.variables);
  }
  bool shows(const Release& release) const {
    return version == release.version &&
           (artifacts.empty() || release.artifacts.empty() || artifacts == release.artifacts);
  }
};

// A rollback that was asked for and is not planned yet.
struct WantedRollback {
  std::uint64_t number = 0;  // of the promotion that carries it out
  Wish leaves;
  std::optional<Wish> to;
  bool restore = false;
  std::string reason;
  std::string by;
  bool operator==(const WantedRollback&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("number", s.number);
    v("leaves", s.leaves);
    v("to", s.to);
    v("restore", s.restore);
    v("reason", s.reason);
    v("by", s.by);
  }
};

// What a before-hook said can be restored, before its promotion deployed.
struct RestorePoint {
  std::string name;
  Release of;  // what ran when it was taken
  Json evidence;
  Position position = 0;
  bool operator==(const RestorePoint&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("of", s.of);
    v("evidence", s.evidence);
    v("position", s.position);
  }
};

// The last irreversible step that began here: whatever was verified before its promotion lies behind it.
struct Irreversible {
  std::uint64_t number = 0;  // of the promotion
  std::string step;
  bool operator==(const Irreversible&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("number", s.number);
    v("step", s.step);
  }
};

// Ways back and what bars them. Empty for most targets.
struct WaysBack {
  std::vector<std::uint64_t> verified_by;  // of each of TargetState::verified, the promotions that there were by then
  std::vector<Position> verified_at;       // likewise, the event that says so; 0: it was only adopted
  std::vector<Release> barred;             // left by hand: no automatic trigger brings them until somebody wishes them
  Boxed<Irreversible> irreversible;
  Boxed<RestorePoint> restore_point;  // of the promotion that deployed last
  Boxed<WantedRollback> wanted;
  Boxed<Promotion> failed;  // the last one, while it may be retried
  bool operator==(const WaysBack&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("verified_by", s.verified_by);
    v("verified_at", s.verified_at);
    v("barred", s.barred);
    v("irreversible", s.irreversible);
    v("restore_point", s.restore_point);
    v("wanted", s.wanted);
    v("failed", s.failed);
  }
};

// One location of a target.
struct LocationState {
  std::optional<Wish> current;  // what Headgate brought and verified, or adopted, here last
  Position current_at = 0;
  std::string stable_slot;              // what runs it; empty: it runs in no slot
  std::optional<Observation> observed;  // unset: not observed yet
  std::optional<Wish> missed;           // what others of the target run and this one should, but was not brought to
  bool drifted = false;
  bool operator==(const LocationState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("current", s.current);
    v("current_at", s.current_at);
    v("stable_slot", s.stable_slot);
    v("observed", s.observed);
    v("missed", s.missed);
    v("drifted", s.drifted);
  }
};

struct TargetState {
  std::optional<InForce<Target>> document;
  std::vector<std::string> document_people;  // whose commits brought the document to what it is since the last wish
  Boxed<Wish> desired;                       // what the document wished when it was last looked at, release resolved
  std::string desired_commit;
  Position desired_at = 0;
  std::vector<std::string> people;  // behind all wishes that are not fulfilled yet
  Boxed<Wish> current;              // what Headgate brought or adopted here last
  Position current_at = 0;
  Timestamp current_since;  // on a clock that never steps: less State::stepped as it was then
  Position brought_at = 0;  // as current_at, but of the mending of drift: that brings nothing that is news
  std::optional<Observation> observed;
  bool drifted = false;
  std::string pinned;             // why Git's wish is not followed; empty: it is
  std::string held;               // why nothing is promoted here by itself until a person acts
  bool orphaned = false;          // its document has gone: what runs there, if anything, is left alone
  bool retiring = false;          // its document went with onDelete: retire
  bool promoted = false;          // a promotion brought `current`: it was neither adopted nor came back by a rollback
  std::uint64_t last_number = 0;  // of promotions
  Boxed<Promotion> promotion;     // the live one
  std::vector<Wish> verified;     // what was verified or adopted here, newest last, at most 16
  Boxed<FailedAttempt> failed;    // the last promotion of what the document wishes, or that should mend drift
  WaysBack back{};
  std::uint32_t open_incidents = 0;
  std::uint32_t mendings = 0;                                     // of drift in a row, each soon after the one before
  Timestamp mended{};                                             // when the last one succeeded, as current_since
  std::string stable_slot{};                                      // what runs `current`; empty: it runs in no slot
  Boxed<FlowState> flow{};                                        // where the stage has triggers
  std::map<std::string, LocationState, std::less<>> locations{};  // by name, where the environment has several
  bool operator==(const TargetState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("document", s.document);
    v("document_people", s.document_people);
    v("desired", s.desired);
    v("desired_commit", s.desired_commit);
    v("desired_at", s.desired_at);
    v("people", s.people);
    v("current", s.current);
    v("current_at", s.current_at);
    v("current_since", s.current_since);
    v("brought_at", s.brought_at);
    v("observed", s.observed);
    v("drifted", s.drifted);
    v("pinned", s.pinned);
    v("held", s.held);
    v("orphaned", s.orphaned);
    v("retiring", s.retiring);
    v("promoted", s.promoted);
    v("last_number", s.last_number);
    v("promotion", s.promotion);
    v("verified", s.verified);
    v("failed", s.failed);
    v("back", s.back);
    v("open_incidents", s.open_incidents);
    v("mendings", s.mendings);
    v("mended", s.mended);
    v("stable_slot", s.stable_slot);
    v("flow", s.flow);
    v("locations", s.locations);
  }

  // Whether nothing runs there, as was seen last.
  bool is_empty() const { return !current && observed && observed->version.empty(); }
};

struct RegisteredRelease {
  Release release;
  std::string branch;
  std::vector<std::string> tags;
  Position position = 0;
  Timestamp time;
  bool operator==(const RegisteredRelease&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("release", s.release);
    v("branch", s.branch);
    v("tags", s.tags);
    v("position", s.position);
    v("time", s.time);
  }
};

struct Quarantine {
  Release release;
  std::string reason;
  Position position = 0;
  bool operator==(const Quarantine&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("release", s.release);
    v("reason", s.reason);
    v("position", s.position);
  }
};

struct GateResult {
  GateStatus status = GateStatus::passed;
  std::map<std::string, Decimal, std::less<>> metrics;
  std::string url;
  std::string report;              // digest of a blob
  std::vector<std::string> after;  // gates that had passed when it was reported
  Position position = 0;
  Timestamp time;
  Timestamp measured;  // `time` on a clock that never steps: less State::stepped as it was then
  std::string summary{};
  std::optional<std::uint64_t> run{};  // of Headgate itself
  bool operator==(const GateResult&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("status", s.status);
    v("metrics", s.metrics);
    v("url", s.url);
    v("report", s.report);
    v("after", s.after);
    v("position", s.position);
    v("time", s.time);
    v("measured", s.measured);
    v("summary", s.summary);
    v("run", s.run);
  }
};

// A gate's result belongs to a commit, or to a version where the release names no commit. Versions are kept apart from
// commits by a prefix: a version may read like the commit of another release.
using GateKey = std::pair<std::string, std::string>;  // commit or "version:" version, gate
GateKey gate_key(const std::string& commit, const std::string& version, const std::string& gate);

// What is in play of one service. Bounded: when the bounds are passed, the oldest leave that no target wants or runs;
// the log keeps them. Quarantine is for ever until a person lifts it.
struct ServiceState {
  static constexpr std::size_t max_releases = 256;
  static constexpr std::size_t max_gate_results = 1024;

  std::optional<InForce<Service>> document;
  std::map<std::string, RegisteredRelease, std::less<>> releases;  // by version
  std::deque<std::string> release_order;                           // oldest first
  // Those that have left, by version: a fingerprint of each, for ever (some 100 bytes), since a release never changes.
  std::map<std::string, std::uint64_t, std::less<>> forgotten;
  std::map<GateKey, GateResult> gates;
  std::deque<GateKey> gate_order;  // the one that was reported last stands last
  std::vector<Quarantine> quarantined;
  std::set<std::string, std::less<>> environments;  // where it has targets
  Boxed<SourceState> source;
  GateRuns runs;
  bool operator==(const ServiceState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("document", s.document);
    v("releases", s.releases);
    v("release_order", s.release_order);
    v("forgotten", s.forgotten);
    v("gates", s.gates);
    v("gate_order", s.gate_order);
    v("quarantined", s.quarantined);
    v("environments", s.environments);
    v("source", s.source);
    v("runs", s.runs);
  }

  // The latest report of the gate that counts for the release; null when there is none.
  const GateResult* gate(const Release& release, const std::string& name) const;
  void forget_release(std::deque<std::string>::iterator at);  // in release_order
};

struct RepositoryState {
  std::string branch;
  std::string head;                 // last commit observed
  std::string unreachable;          // why, empty while it answers
  std::vector<std::string> people;  // of the commits since the last configuration that took force
  StringMap heads;                  // last commit observed, by branch
  bool operator==(const RepositoryState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("branch", s.branch);
    v("head", s.head);
    v("unreachable", s.unreachable);
    v("people", s.people);
    v("heads", s.heads);
  }
};

// A document that waits for the configuration.accepted of its commit.
struct Staged {
  DocumentKey key;
  std::optional<SourcedDocument> document;  // unset: removed
  bool operator==(const Staged&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("key", s.key);
    v("document", s.document);
  }
};

// An approval of what is proposed.
struct ConfigurationApproval {
  std::string approver;  // person:<id> or token:<id>
  std::string team;      // empty: as an administrator or operator
  std::string comment;
  Position position = 0;
  Timestamp time;
  bool operator==(const ConfigurationApproval&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("approver", s.approver);
    v("team", s.team);
    v("comment", s.comment);
    v("position", s.position);
    v("time", s.time);
  }
};

// A commit that waits for approvals before its documents take force. One at a time.
struct Proposal {
  std::string repository;
  std::string commit;
  ConfigurationChange change;
  std::vector<ConfigurationApproval> approvals;
  std::vector<Staged> staged;
  Position position = 0;
  Timestamp time;
  bool operator==(const Proposal&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("repository", s.repository);
    v("commit", s.commit);
    v("change", s.change);
    v("approvals", s.approvals);
    v("staged", s.staged);
    v("position", s.position);
    v("time", s.time);
  }
};

// The newest commit, where somebody declined it.
struct DeclinedConfiguration {
  std::string commit;
  std::string by;
  std::string comment;
  Position position = 0;
  bool operator==(const DeclinedConfiguration&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("commit", s.commit);
    v("by", s.by);
    v("comment", s.comment);
    v("position", s.position);
  }
};

struct ConfigurationState {
  std::string repository;
  std::string commit;  // whose documents are in force
  Position position = 0;
  Timestamp time;
  std::string staged_commit;
  std::vector<Staged> staged;
  std::string rejected_commit;  // the newest one that was refused, empty when the newest is in force
  Position rejected_at = 0;
  std::vector<Diagnostic> diagnostics;  // why
  std::optional<InForce<AccessPolicy>> access;
  std::optional<Proposal> proposal;
  std::optional<DeclinedConfiguration> declined;
  bool operator==(const ConfigurationState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("repository", s.repository);
    v("commit", s.commit);
    v("position", s.position);
    v("time", s.time);
    v("staged_commit", s.staged_commit);
    v("staged", s.staged);
    v("rejected_commit", s.rejected_commit);
    v("rejected_at", s.rejected_at);
    v("diagnostics", s.diagnostics);
    v("access", s.access);
    v("proposal", s.proposal);
    v("declined", s.declined);
  }
};

struct TokenState {
  std::string hash;
  std::vector<Role> roles;
  std::optional<Timestamp> expires;
  Timestamp created;
  bool operator==(const TokenState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("hash", s.hash);
    v("roles", s.roles);
    v("expires", s.expires);
    v("created", s.created);
  }
};

// A request that carried an idempotency key: its own events are [first, last].
struct RequestState {
  std::string digest;
  Position first = 0;
  Position last = 0;
  bool operator==(const RequestState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("digest", s.digest);
    v("first", s.first);
    v("last", s.last);
  }
};

// What the signature of a commit was found to be, last.
struct CommitSignature {
  SignatureVerdict verdict = SignatureVerdict::missing;
  std::string signer;  // person id, of a good one
  std::string key;     // fingerprint, where the signature names one
  std::string reason;
  Position position = 0;
  bool operator==(const CommitSignature&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("verdict", s.verdict);
    v("signer", s.signer);
    v("key", s.key);
    v("reason", s.reason);
    v("position", s.position);
  }
};

// Since when nothing outside is done, and why.
struct EffectsPause {
  std::string reason;
  Position position = 0;
  Timestamp time;
  bool operator==(const EffectsPause&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("reason", s.reason);
    v("position", s.position);
    v("time", s.time);
  }
};

struct Freeze {
  std::string environment;
  std::vector<std::string> services;  // empty: all of them
  std::string reason;
  std::optional<Timestamp> until;
  std::string by;
  Position position = 0;
  Timestamp time;
  bool operator==(const Freeze&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("environment", s.environment);
    v("services", s.services);
    v("reason", s.reason);
    v("until", s.until);
    v("by", s.by);
    v("position", s.position);
    v("time", s.time);
  }
  bool in_force(Timestamp now) const { return !until || now < *until; }
  bool covers(const TargetId& target) const;
};

// What is known of an environment's windows: every interval that meets [from, until).
struct ExpandedWindows {
  Timestamp from;
  Timestamp until;
  std::vector<WindowInterval> intervals;
  Position position = 0;
  bool operator==(const ExpandedWindows&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("from", s.from);
    v("until", s.until);
    v("intervals", s.intervals);
    v("position", s.position);
  }
};

// An open one. The log keeps those that are resolved.
struct Incident {
  static constexpr std::size_t max_notes = 16;
  TargetId target;
  std::string promotion;
  std::string release;
  std::string reason;
  std::string next;    // what a person does about it
  std::string freeze;  // id of the freeze that was set with it
  std::string acknowledged_by;
  Position position = 0;
  Timestamp time;
  std::vector<std::string> notes;  // the newest, at most max_notes
  bool operator==(const Incident&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("target", s.target);
    v("promotion", s.promotion);
    v("release", s.release);
    v("reason", s.reason);
    v("next", s.next);
    v("freeze", s.freeze);
    v("acknowledged_by", s.acknowledged_by);
    v("position", s.position);
    v("time", s.time);
    v("notes", s.notes);
  }
};

struct State {
  static constexpr std::size_t max_requests = 10'000;
  static constexpr std::size_t max_freezes = 1'000;
  static constexpr std::size_t max_signatures = 4'096;

  State();  // its copies, moves and end are compiled once, in state.cc
  State(const State&);
  State(State&&) noexcept;
  State& operator=(const State&);
  State& operator=(State&&) noexcept;
  ~State();

  Position next = 0;  // how many events are folded in
  Timestamp last_time;
  Duration stepped{0};  // by how much the wall clock has jumped, all in all
  // The time of records never goes back. Where the wall clock did, `behind` what they had reached, records go on from
  // there at half its pace until it has caught up with them: so each still tells when it was by the wall clock.
  Duration behind{0};
  Timestamp slowed_since;
  // Promotions are told whose work they hold (promotion.attributed): approvals wait for it from the first time on.
  bool attributes = false;
  std::string origin;
  std::string verifier_key;
  std::optional<EffectsPause> effects_paused;
  ConfigurationState configuration;
  std::map<std::string, RepositoryState, std::less<>> repositories;
  IndexedMap<std::string, ServiceState> services;
  std::map<std::string, InForce<Environment>, std::less<>> environments;
  std::map<std::string, ExpandedWindows, std::less<>> windows;     // by environment
  std::map<std::string, Freeze, std::less<>> freezes;              // by id; some may have run out
  std::uint64_t last_freeze = 0;                                   // id of the newest
  std::map<std::string, Incident, std::less<>> incidents;          // by id: those that are open
  std::uint64_t last_incident = 0;                                 // id of the newest
  std::map<MonitorId, MonitorState> monitors;                      // of monitors in force
  std::map<std::string, CommitSignature, std::less<>> signatures;  // by commit; the oldest leave
  std::deque<std::string> signature_order;                         // oldest first
  IndexedMap<TargetId, TargetState> targets;
  std::map<std::string, InForce<NotificationPolicy>, std::less<>> notification_policies;
  // By policy/receiver: up to which position it was told what its routes say, or never will be.
  std::map<std::string, Position, std::less<>> told;
  std::map<std::string, TokenState, std::less<>> tokens;         // by id
  std::map<std::string, std::string, std::less<>> token_hashes;  // hash -> id
  std::map<std::string, RequestState, std::less<>> requests;     // by actor '\n' key
  std::deque<std::string> request_order;
  // Targets with another name from the configuration in force on, until what runs under the old one has ended.
  std::map<TargetId, TargetId> renamed_to;                              // old -> new
  std::map<TargetId, TargetId> renamed_from;                            // new -> old
  std::set<TargetId> active;                                            // targets with a live promotion
  std::set<std::pair<Timestamp, TargetId>> wakeups;                     // each live promotion's next_due
  std::set<std::pair<Timestamp, TargetId>> flow_wakeups;                // each FlowState's due, each GateRuns' wakeup
  std::map<std::string, std::set<std::string>, std::less<>> under_way;  // environment -> services: effects began
  std::set<TargetId> in_line;  // targets that wait for a place or for another service
  bool operator==(const State&) const;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("next", s.next);
    v("last_time", s.last_time);
    v("stepped", s.stepped);
    v("behind", s.behind);
    v("slowed_since", s.slowed_since);
    v("attributes", s.attributes);
    v("origin", s.origin);
    v("verifier_key", s.verifier_key);
    v("effects_paused", s.effects_paused);
    v("configuration", s.configuration);
    v("repositories", s.repositories);
    v("services", s.services);
    v("environments", s.environments);
    v("windows", s.windows);
    v("freezes", s.freezes);
    v("last_freeze", s.last_freeze);
    v("incidents", s.incidents);
    v("last_incident", s.last_incident);
    v("monitors", s.monitors);
    v("signatures", s.signatures);
    v("signature_order", s.signature_order);
    v("targets", s.targets);
    v("notification_policies", s.notification_policies);
    v("told", s.told);
    v("tokens", s.tokens);
    v("token_hashes", s.token_hashes);
    v("requests", s.requests);
    v("request_order", s.request_order);
    v("renamed_to", s.renamed_to);
    v("renamed_from", s.renamed_from);
    v("active", s.active);
    v("wakeups", s.wakeups);
    v("flow_wakeups", s.flow_wakeups);
    v("under_way", s.under_way);
    v("in_line", s.in_line);
  }

  const TargetState* find(const TargetId& id) const;
  const Promotion* live(const PromotionId& id) const;
  const Service* service(std::string_view name) const;  // in force
  const Stage* stage(const TargetId& id) const;
  const RegisteredRelease* release(const ReleaseId& id) const;
  // Whether the version was registered with another commit or other artifacts and has been forgotten since.
  bool was_another(const std::string& service, const Release& release) const;
  const Quarantine* quarantine(std::string_view service, const Release& release) const;
  const AccessPolicy* access() const;
  // The time of a record that is written when the wall clock stands at `now`, and what the wall clock stood at.
  Timestamp record_time(const Event& event, Timestamp now) const;
  Timestamp wall_time(Timestamp record) const;
};

}  // namespace headgate
