// A second opinion on promise 1: whether what happened was allowed, told from plain lists of what the records said. It
// shares no code with the guards, the state or the planner, so that both would have to be wrong in the same way.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/location_oracle.h"

namespace headgate::sim {

class Oracle {
 public:
  // `locations`: sees each record first.
  explicit Oracle(const LocationOracle& locations) : locations_(locations) {}
  // `elapsed`: how much time has really passed since the world began, whatever the clocks say.
  void see(const Recorded<Event>& record, Duration elapsed);
  // Since the last call.
  std::vector<std::string> take_violations() { return std::exchange(violations_, {}); }

 private:
  struct Report {
    std::string service, commit, version, gate;
    GateStatus status;
    std::map<std::string, Decimal, std::less<>> metrics;
    Duration at{0};
    std::set<std::string> passed_before;  // gates of the same candidate that had passed when it was made
  };
  using Exceptions = std::map<std::string, long long>;  // gate/metric out of bounds that takes an approval: by how much
  struct Given {
    std::string approver, digest;
    Duration at;
    std::set<std::string> teams;  // that it speaks for, and whose member with the role its giver was
    bool counts = true;           // neither voided nor expired
    Exceptions seen{};
    std::set<std::string> unknown{};  // authors whom nobody knew, that its giver was told of
  };
  struct Attempt {
    std::uint32_t number = 0;
    bool running = false;
    bool answered = false;
    bool unhealthy = false;
  };
  struct Course {
    PromotionPlanned planned;
    std::string asked_by;
    bool retires = false;
    bool has_its_turn = false;  // of several wishes in their order
    bool waited = false;        // for its turn
    Position upto = 0;          // of the work that its document's wish brings: nothing since
    bool in_locations = false;
    std::vector<Step> steps;
    std::vector<Given> approvals;
    std::optional<Duration> timer_set;
    std::set<std::string> done;
    std::map<std::string, Attempt> attempts;
    std::map<std::string, std::uint32_t> failures;  // of metrics
    bool began = false;
    bool goes_on = false;           // it was retried, and had left something half done
    std::optional<Service> policy;  // that it was planned under
    bool rolling_back = false;
    bool barred = false;  // its release was in quarantine at some moment since it failed its verification
    bool live = true;
    std::optional<Position> superseded;
    bool window_passed = false;  // somebody overrode it, …
    bool expedited = false;
    std::optional<Timestamp> window_passed_until;
    std::map<std::string, Timestamp> maintenance_passed;  // until when
    std::set<std::string> freezes_passed;
    bool attributed = false;        // it is known whose work it is, or that nobody can tell
    bool unattributed = false;      // it is known to be of too many
    std::set<std::string> authors;  // as the repository tells
  };
  // Work that was wished for a target and has not been brought there: whose it is, and the document that wished it.
  struct Work {
    Target wished;
    std::set<std::string> people;
    Position at = 0;
  };
  struct Waiting {
    Wish to;
    Position upto = 0;  // of work, as Course::upto
  };
  struct Place {
    std::optional<Wish> current;
    bool drifted = false;         // where it is one place
    std::vector<Wish> half_done;  // first releases that did not come to run
    std::vector<Wish> in_line;    // of documents, that wait for their turn
    std::optional<Wish> turn;     // the one that has it
    std::optional<Wish> desired;  // by its document
    bool pinned = false;
    bool held = false;
    bool orphaned = false;
    bool promoted = false;  // a promotion brought `current`
    bool retiring = false;  // its document went, and what runs there is to go with it
    std::vector<Release> verified;
    std::vector<std::pair<Wish, Position>> verified_at;  // or adopted
    std::optional<Position> irreversible;                // where the last such step began
    std::vector<Release> left;                           // by hand, and not wished since
    std::vector<Work> work;                              // oldest first
    std::deque<Waiting> waiting;                         // of documents, in their order
    Position upto = 0;                                   // of the last one that had its turn
    std::optional<std::pair<std::string, Wish>> failed;  // the plan's digest and what it would have brought
  };

  void handle(const auto&) {}
  void handle(const EffectsPaused&) { paused_ = true; }
  void handle(const EffectsResumed&) { paused_ = false; }
  void handle(const ClockStepped& e) {
    stepped_ += e.delta;
    for (auto& [service, run] : gate_runs_) {
      if (run.retry) *run.retry += e.delta;
    }
    if (e.delta < Duration::zero()) slack_ -= e.delta;
  }
  void handle(const FreezeSet& e) { freezes_[e.id] = e; }
  void handle(const FreezeLifted& e) { freezes_.erase(e.id); }
  void handle(const FreezeOverridden& e);
  void handle(const WindowOverridden& e);
  void handle(const GateStarted& e);
  void handle(const GateRetried& e);
  void handle(const WindowExpanded& e) { expanded_[e.environment.text] = e; }
  void handle(const CommitObserved& e);
  void handle(const MeasurementTaken& e);
  void handle(const SourceObserved& e) {
    for (const auto& commit : {e.commit, e.head}) trees_[e.service.text][commit] = e.tree;
  }
  void handle(const CommitVerified& e) { signatures_[e.commit] = e; }
  void handle(const PromotionAttributed& e);
  void handle(const DocumentAccepted& e) { staged_.emplace_back(e.commit, Event(e)); }
  void handle(const DocumentRemoved& e) { staged_.emplace_back(e.commit, Event(e)); }
  void handle(const ConfigurationAccepted& e);
  void handle(const ConfigurationRejected&) { staged_.clear(); }
  void handle(const ReleaseRegistered& e);
  void handle(const GateReported& e);
  void handle(const ReleaseQuarantined& e);
  void handle(const ReleaseReinstated& e);
  void handle(const DesiredChanged& e) {
    places_[e.target].failed.reset();
    places_[e.target].desired = e.to;
    wished(e.target, e.to.release);
  }
  void handle(const TargetAdopted& e);
  void handle(const TargetPinned& e) { places_[e.target].pinned = true; }
  void handle(const TargetUnpinned& e);
  void handle(const TargetOrphaned& e) {
    places_[e.target].pinned = false;
    places_[e.target].orphaned = true;
    places_[e.target].in_line.clear();
    places_[e.target].waiting.clear();
    places_[e.target].work.clear();
  }
  void handle(const TargetRenamed& e);
  void handle(const TriggerFired& e) {
    if (e.trigger != Trigger::desired) return;
    places_[e.target].in_line.push_back(e.to);
    places_[e.target].waiting.push_back({e.to, position_});
  }
  void handle(const TriggerDropped& e);
  void handle(const TargetRetired& e);
  void handle(const DriftDetected& e) { places_[e.target].drifted = e.location.empty(); }
  void handle(const DriftResolved& e);
  void handle(const PromotionPlanned& e);
  void handle(const StepPlanned& e);
  void handle(const PromotionSucceeded& e);
  void handle(const PromotionFailed& e);
  void handle(const PromotionRejected& e) { ended(e.promotion, true); }
  void handle(const PromotionCancelled& e) { ended(e.promotion, actor_ != "engine"); }
  void handle(const PromotionSuperseded& e);
  void handle(const ApprovalGranted& e);
  void handle(const ApprovalVoided& e) { drop(e.promotion, e.approver); }
  void handle(const ApprovalExpired& e) { drop(e.promotion, e.approver); }
  void handle(const StepSucceeded& e);
  void handle(const TimerSet& e);
  void handle(const PromotionStarted& e);
  void handle(const ActivityStarted& e);
  void handle(const ActivitySucceeded& e) { answered(e.id, e.attempt, false); }
  void handle(const ActivityFailed& e) { answered(e.id, e.attempt, e.unhealthy); }
  void handle(const ActivityFenced& e);
  void handle(const RollbackRequested& e);
  void handle(const RollbackStarted& e);
  void handle(const PromotionRetried& e);
  void handle(const PromotionExpedited& e);
  void handle(const BreakGlassUsed& e) { glass_.insert({e.promotion, e.action}); }
  void handle(const IncidentOpened& e) { ++incidents_[e.target]; }
  void handle(const IncidentResolved& e) { --incidents_[e.target]; }
  void handle(const MonitorFailed& e);
  void handle(const MonitorRecovered& e);
  void handle(const RollbackSucceeded& e);
  void handle(const RollbackFailed& e);

  static bool has(const std::vector<std::string>& list, const std::string& value) {
    return std::ranges::find(list, value) != list.end();
  }
  bool demanded(const TargetId& id) const;  // by the monitor that has just failed
  bool drifted(const TargetId& id) const;
  bool same_work(const std::string& service, const std::string& one, const std::string& other) const;  // commits
  static bool breached(const Course& course);  // the release was measured, and found to be bad
  static bool unhealthy(const Course& course);
  void take_force(const Event& staged);
  void called_otherwise(const std::string& from, const std::string& to);  // a service
  // As it is called by now: something may go on under the name that it had.
  std::string called(const std::string& service) const;
  void violated(const std::string& what);
  Course* live(const PromotionId& id);
  void ended(const PromotionId& id, bool failed);
  void takes_its_turn(Place& place, Course& course) const;
  void mends(const PromotionPlanned& e, Place& place);
  void drop(const PromotionId& id, const std::string& approver);
  void answered(const StepId& id, std::uint32_t attempt, bool unhealthy);
  // `upto`: where order is kept, that of the document's wish whose turn it was.
  void brought(const TargetId& id, const std::optional<Wish>& wish, Position upto = 0);
  void verified(const TargetId& id, const Wish& wish);
  void came(const TargetId& id, const Wish& wish);  // verified or adopted: a way back
  void wished(const TargetId& id, const Release& release) {
    std::erase_if(places_[id].left, [&](const Release& left) { return left.same_candidate(release); });
  }
  bool frozen_alone(const TargetId& id) const;
  bool quarantined(const std::string& service, const Release& release) const;
  bool eligible(const std::string& person, const std::string& team, const TargetId& target) const;
  const Stage* stage(const TargetId& id) const;
  static bool deployed(const Course& course);
  static bool half_done(const Course& course);
  void ended_in_locations(const TargetId& id, bool anew, Position upto = 0);
  void first_effect(const PromotionId& id, const Course& course);
  void check_gates(const PromotionId& id, const Course& course, const Stage& stage);
  const Report* latest_report(const std::string& service, const Release& release, const std::string& gate) const;
  bool passes(const Gate& gate, const Report& report) const;
  Exceptions exceptions(const PromotionId& id, const Course& course, const Stage& stage) const;
  bool window_is_open(const std::string& environment) const;
  void run_ended(const GateReported& e);
  void check_closures(const StepId& id, const Course& course, bool first, bool changes);
  void check_healthy(const PromotionId& id, const Course& course, const Stage& stage);
  void check_approvals(const PromotionId& id, const Course& course, const Stage& stage);
  void check_authorship(const PromotionId& id, const Course& course, const Stage& stage);
  std::set<std::string> inside(const PromotionId& id, const Course& course) const;
  std::set<std::string> strangers(const std::set<std::string>& people) const;
  bool same(const std::string& one, const std::string& other) const;

  const LocationOracle& locations_;
  std::string actor_;
  Position position_ = 0;
  bool paused_ = false;  // nothing outside may begin
  Duration elapsed_{0};
  Duration stepped_{0};  // jumps of the wall clock, added up
  Duration slack_{0};    // those that went back
  std::optional<Timestamp> origin_;
  Timestamp wall_;
  std::vector<std::string> violations_;

  std::vector<std::pair<std::string, Event>> staged_;
  std::set<std::string> commit_people_;  // of commits since the last configuration that took force
  std::map<std::string, Service> services_;
  std::map<std::string, std::string> renamed_;  // services, from the name before
  std::map<std::string, Environment> environments_;
  struct GateUnderWay {
    std::uint64_t run = 0;
    std::uint32_t attempt = 0;
    std::optional<Timestamp> retry;
  };
  std::map<std::string, GateUnderWay> gate_runs_;                    // by service
  std::map<std::string, std::map<std::string, std::string>> trees_;  // by service, by commit
  std::map<std::string, WindowExpanded> expanded_;
  std::map<std::string, FreezeSet> freezes_;
  std::map<TargetId, Target> targets_;
  std::map<std::string, CommitVerified> signatures_;
  bool attributes_ = false;
  std::optional<AccessPolicy> access_;
  std::map<ReleaseId, Release> releases_;
  std::vector<Report> reports_;
  std::vector<std::pair<std::string, Release>> quarantined_;
  std::map<TargetId, Place> places_;
  std::map<PromotionId, Course> courses_;
  std::set<PromotionId> asked_back_;                       // rollbacks that a person or a monitor asked for
  std::set<std::pair<std::string, std::string>> failing_;  // monitors, by environment and name
  std::optional<MonitorFailed> last_failure_;
  Position last_failure_at_ = 0;
  std::set<std::pair<PromotionId, std::string>> glass_;  // uses of breakGlass
  std::map<TargetId, int> incidents_;                    // that are open
  std::optional<TargetId> must_freeze_;                  // its rollback has failed
};

}  // namespace headgate::sim
