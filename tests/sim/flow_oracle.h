// A second opinion on what begins by itself: triggers fire for what has come and only once, a soak is over by elapsed
// time, queues keep order, no more are under way at once than there are places, and what depends on others comes after
// them. It keeps lists of what the records said and shares no code with the engine.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/location_oracle.h"

namespace headgate::sim {

class FlowOracle {
 public:
  // `locations`: sees each record first.
  explicit FlowOracle(const LocationOracle& locations) : locations_(locations) {}
  // `elapsed`: how much time has really passed since the world began, whatever the clocks say.
  void see(const Recorded<Event>& record, Duration elapsed);
  // Since the last call.
  std::vector<std::string> take_violations() { return std::exchange(violations_, {}); }

 private:
  struct Course {
    Wish to;
    bool begun = false;  // an effect of it
    bool back = false;
    bool deploys = false;
    bool in_locations = false;
    std::optional<Wish> back_to;
  };
  struct Place {
    std::optional<Wish> runs;
    std::vector<Release> verified;
    Duration since{0};
    bool drifted = false;  // where it is one place
    int incidents = 0;
    std::optional<OnDelete> on_delete;  // of its document
    bool retiring = false;              // its document went, and what runs there goes with it
    std::optional<Wish> planned;
    std::optional<Wish> withdrawn;               // by the engine last, or for a new name: its turn comes again
    std::deque<std::pair<Trigger, Wish>> queue;  // of wishes in order
  };

  void handle(const auto&) {}
  void handle(const DocumentAccepted& e) { staged_.emplace_back(e.commit, Event(e)); }
  void handle(const DocumentRemoved& e) { staged_.emplace_back(e.commit, Event(e)); }
  void handle(const ConfigurationAccepted& e);
  void handle(const ConfigurationRejected&) { staged_.clear(); }
  void handle(const SourceObserved& e) { observed_[e.service.text].push_back(e); }
  void handle(const TriggerFired& e);
  void handle(const TriggerDropped& e);
  void handle(const TargetOrphaned& e) { places_[e.target].queue.clear(); }
  void handle(const TargetRetired& e);
  void handle(const TargetAdopted& e);
  void handle(const TargetRenamed& e);
  void handle(const DriftDetected& e) { places_[e.target].drifted = e.location.empty(); }
  void handle(const DriftResolved& e) { places_[e.target].drifted = false; }
  void handle(const IncidentOpened& e) { ++places_[e.target].incidents; }
  void handle(const IncidentResolved& e) { --places_[e.target].incidents; }
  void handle(const PromotionPlanned& e);
  void handle(const StepPlanned& e);
  void handle(const PromotionRetried& e) { courses_[e.promotion] = kept_[e.promotion]; }
  void handle(const RollbackStarted& e);
  void handle(const PromotionStarted& e) { begins(e.promotion); }
  void handle(const ActivityStarted& e) { begins(e.id.promotion); }
  void handle(const PromotionSucceeded& e);
  void handle(const RollbackSucceeded& e);
  void handle(const RollbackFailed& e) { ended(e.promotion); }
  void handle(const PromotionFailed& e) { ended(e.promotion); }
  void handle(const PromotionRejected& e) { ended(e.promotion); }
  void handle(const PromotionCancelled& e);
  void handle(const PromotionSuperseded& e);

  void take_force(const Event& staged);
  void runs(const TargetId& id, const std::optional<Wish>& wish, bool verified);
  void ended_in_locations(const TargetId& id, bool anew);
  void ended(const PromotionId& id);
  void begins(const PromotionId& id);
  void first_effect(const PromotionId& id);
  const Stage* stage(const TargetId& id) const;
  void violated(const std::string& what) { violations_.push_back(what); }

  const LocationOracle& locations_;
  Duration elapsed_{0};
  bool by_engine_ = false;
  std::vector<std::string> violations_;
  std::vector<std::pair<std::string, Event>> staged_;
  std::map<std::string, Service> services_;
  std::map<std::string, Environment> environments_;
  std::map<std::string, std::vector<SourceObserved>> observed_;  // by service
  std::map<TargetId, Place> places_;
  std::map<PromotionId, Course> courses_;  // under way
  std::map<PromotionId, Course> kept_;     // that have ended
  std::set<std::tuple<TargetId, std::string, std::uint64_t>> fired_;
};

}  // namespace headgate::sim
