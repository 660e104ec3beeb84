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

#include "engine/domain/events.h"

namespace headgate::sim {

class FlowOracle {
 public:
  // `elapsed`: how much time has really passed since the world began, whatever the clocks say.
  void see(const Recorded<Event>& record, Duration elapsed);
  // Since the last call.
  std::vector<std::string> take_violations() { return std::exchange(violations_, {}); }

 private:
  struct Course {
    TargetId target;
    bool begun = false;  // an effect of it
    bool back = false;
  };
  struct Place {
    std::optional<Release> runs;
    std::vector<Release> verified;
    Duration since{0};
    Position at = 0;
    bool drifted = false;
    int incidents = 0;
    std::deque<Wish> queue;  // of wishes in order
  };

  void handle(const auto&) {}
  void handle(const DocumentAccepted& e) { staged_.emplace_back(e.commit, e.document); }
  void handle(const ConfigurationAccepted& e);
  void handle(const ConfigurationRejected&) { staged_.clear(); }
  void handle(const SourceObserved& e) { observed_[e.service.text].push_back(e); }
  void handle(const TriggerFired& e);
  void handle(const TriggerDropped& e);
  void handle(const TargetOrphaned& e) { places_[e.target].queue.clear(); }
  void handle(const TargetRetired& e) { places_[e.target].queue.clear(); }
  void handle(const TargetAdopted& e) { runs(e.target, e.wish.release); }
  void handle(const TargetRenamed& e);
  void handle(const DriftDetected& e) { places_[e.target].drifted = true; }
  void handle(const DriftResolved& e) { places_[e.target].drifted = false; }
  void handle(const IncidentOpened& e) { ++places_[e.target].incidents; }
  void handle(const IncidentResolved& e) { --places_[e.target].incidents; }
  void handle(const PromotionPlanned& e);
  void handle(const RollbackStarted& e) {
    courses_[e.promotion].back = true;
    if (e.to) back_to_.insert_or_assign(e.promotion, e.to->release);
  }
  void handle(const ActivityStarted& e);
  void handle(const PromotionSucceeded& e);
  void handle(const RollbackSucceeded& e);
  void handle(const RollbackFailed& e) { ended(e.promotion); }
  void handle(const PromotionFailed& e) { ended(e.promotion); }
  void handle(const PromotionRejected& e) { ended(e.promotion); }
  void handle(const PromotionCancelled& e) {
    if (by_engine_) withdrawn_.insert_or_assign(e.promotion.target, planned_[e.promotion]);
    ended(e.promotion);
  }
  void handle(const PromotionSuperseded& e) { ended(e.promotion); }

  void runs(const TargetId& id, const Release& release);
  void ended(const PromotionId& id) { courses_.erase(id); }
  void first_effect(const PromotionId& id);
  const Stage* stage(const TargetId& id) const;
  void violated(const std::string& what) { violations_.push_back(what); }

  Position position_ = 0;
  Duration elapsed_{0};
  bool by_engine_ = false;
  std::vector<std::string> violations_;
  std::vector<std::pair<std::string, Document>> staged_;
  std::map<std::string, Service> services_;
  std::map<std::string, Environment> environments_;
  std::map<std::string, std::vector<SourceObserved>> observed_;  // by service
  std::map<TargetId, Place> places_;
  std::map<PromotionId, Course> courses_;  // under way
  std::map<PromotionId, Wish> planned_;
  std::map<TargetId, Wish> withdrawn_;      // by the engine last: its turn comes again
  std::map<PromotionId, Release> back_to_;  // of rollbacks
  std::set<std::tuple<TargetId, std::string, std::uint64_t>> fired_;
};

}  // namespace headgate::sim
