// Everything that decisions depend on: a fold of the log, nothing else.
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
#include "engine/domain/configuration_state.h"
#include "engine/domain/events.h"
#include "engine/domain/flow_state.h"
#include "engine/domain/gate_run_state.h"
#include "engine/domain/indexed_map.h"
#include "engine/domain/monitor_state.h"
#include "engine/domain/promotion_state.h"
#include "engine/domain/service_state.h"
#include "engine/domain/target_state.h"

namespace headgate {

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

// Routes that led to a receiver before the present ones, for what it is still to be told of that time.
struct EarlierRoutes {
  Position until = 0;  // the last position for which they hold: that of the record which changed them
  std::vector<Route> routes;
  bool operator==(const EarlierRoutes&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("until", s.until);
    v("routes", s.routes);
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
  // By policy/receiver, oldest first: only of those whose routes have changed since what they were told of last.
  std::map<std::string, std::vector<EarlierRoutes>, std::less<>> earlier_routes;
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
    v("earlier_routes", s.earlier_routes);
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
