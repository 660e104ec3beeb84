// A second opinion on locations: waves in their order, standby only when it is named and the release is verified
// elsewhere, a way back only from where a promotion has been, traffic to no slot that was taken away. It keeps lists of
// what the records said and shares no code with the engine.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/domain/events.h"

namespace headgate::sim {

class LocationOracle {
 public:
  void see(const Recorded<Event>& record);
  // Since the last call.
  std::vector<std::string> take_violations() { return std::exchange(violations_, {}); }

  // What was verified or adopted in the location last.
  const std::optional<Wish>& runs(const TargetId& target, const std::string& location) const;
  // What runs in each location that is not on standby; unset where they differ, or there are none.
  std::optional<std::optional<Wish>> whole(const TargetId& target) const;
  bool drifted(const TargetId& target) const;  // in any location
  // Whether a location is to be seen yet, or seen to run something that nobody brought there and that is not the wish.
  bool unknown(const TargetId& target, const Wish& wish) const;
  const std::vector<Location>& of(const std::string& environment) const;

 private:
  struct Course {
    PromotionPlanned planned;
    std::vector<Step> steps;
    std::set<std::string> done, begun, failed;
    bool rolling_back = false;
    bool automatic = false;
    bool same_places = true;  // since it was planned
    OnLocationFailure rule() const {
      return planned.rules.on_location_failure.value_or(OnLocationFailure::rollback_all);
    }
    bool retires() const;
  };
  struct Place {
    std::optional<Wish> runs;
    std::optional<Observation> observed;
    bool drifted = false;
    std::set<std::string> ending;  // slots that are being taken away
  };
  using Places = std::map<std::string, Place>;  // by location

  void handle(const auto&) {}
  void handle(const DocumentAccepted& e);
  void handle(const ConfigurationAccepted& e);
  void handle(const ConfigurationRejected&) { staged_.clear(); }
  void handle(const TargetAdopted& e);
  void handle(const TargetRenamed& e);
  void handle(const DriftDetected& e);
  void handle(const DriftResolved& e);
  void handle(const TargetObserved& e);
  void handle(const PromotionPlanned& e) { courses_[e.promotion].planned = e; }
  void handle(const StepPlanned& e) { courses_[e.id.promotion].steps.push_back(e.step); }
  void handle(const StepFailed& e) { courses_[e.id.promotion].failed.insert(e.id.step); }
  void handle(const PromotionRetried& e) { courses_[e.promotion].failed.erase(e.step); }
  void handle(const RollbackStarted& e);
  void handle(const PromotionSucceeded& e);
  void handle(const ActivityStarted& e);
  void handle(const StepSucceeded& e);

  void moves(const StepId& id, const Course& course, const Step& step);
  void goes_on(const StepId& id, const Course& course, const Step& step);
  void takes_back(const StepId& id, const Course& course, const Step& step);
  const Location* find(const TargetId& target, const std::string& name) const;
  void violated(const PromotionId& id, const std::string& what) { violations_.push_back(to_string(id) + ' ' + what); }

  std::map<std::string, std::vector<Location>> locations_;  // by environment
  std::vector<std::pair<std::string, Environment>> staged_;
  std::map<TargetId, Places> places_;
  std::map<PromotionId, Course> courses_;
  std::vector<std::string> violations_;
};

}  // namespace headgate::sim
