// A second opinion on rollouts: weights only as the plan says, no step further before a pause is over and measured or
// after a breach, traffic back before processes go, no switch without its approval. It keeps lists of what the records
// said and shares no code with the engine.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/location_oracle.h"

namespace headgate::sim {

class RolloutOracle {
 public:
  // `locations`: sees each record first.
  explicit RolloutOracle(const LocationOracle& locations) : locations_(locations) {}
  void see(const Recorded<Event>& record, Duration elapsed);  // how much time has really passed
  // Since the last call.
  std::vector<std::string> take_violations() { return std::exchange(violations_, {}); }

 private:
  struct Look {  // at a metric, during one pause
    Duration at;
    bool counts = false;  // passed or failed: something was learnt
  };
  struct Course {
    std::vector<Step> steps;
    std::map<std::string, Duration> begun;                                  // by step, on a clock that never steps
    std::map<std::string, Duration> resumed;                                // by step: when last
    std::map<std::string, std::map<std::string, std::vector<Look>>> looks;  // by pause, by metric
    std::map<std::string, std::uint32_t> failures;                          // by metric
    std::map<std::string, std::uint32_t> errors;                            // in a row
    std::set<std::string> approvers;
    bool switch_approved = false;
    std::map<std::string, std::uint32_t> weight;  // that the candidate was given last, by location
  };

  void handle(const auto&) {}
  void handle(const ConfigurationAccepted&);
  void handle(const PromotionPlanned& e) { courses_[e.promotion] = {}; }
  void handle(const StepPlanned& e) { courses_[e.id.promotion].steps.push_back(e.step); }
  void handle(const StepStarted& e) { courses_[e.id.promotion].begun[e.id.step] = elapsed_; }
  void handle(const StepSucceeded& e);
  void handle(const PauseResumed& e) { courses_[e.id.promotion].resumed[e.id.step] = elapsed_; }
  void handle(const ApprovalGranted& e);
  void handle(const ApprovalVoided& e) { courses_[e.promotion].approvers.erase(e.approver); }
  void handle(const ApprovalExpired& e) { courses_[e.promotion].approvers.erase(e.approver); }
  void handle(const PromotionRetried& e);
  void handle(const TargetRenamed& e);
  void handle(const MeasurementStarted& e);
  void handle(const MeasurementTaken& e);
  void handle(const ActivityStarted& e);
  void handle(const ActivitySucceeded& e);

  void shifts(const StepId& id, Course& course, const Step& step);
  void brings(const StepId& id, const Course& course, const Step& step);
  // What the load balancer was told last, unless it was never told of that slot.
  std::optional<std::uint32_t> told(const TargetId& target, const std::string& location, const std::string& slot) const;
  const Step* step_of(const StepId& id) const;
  bool is_over(const Course& course, const Step& pause) const;
  void violated(const std::string& what) { violations_.push_back(what); }

  const LocationOracle& locations_;
  std::string actor_;
  Duration elapsed_{0};
  std::map<PromotionId, Course> courses_;
  std::map<TargetId, std::map<std::pair<std::string, std::string>, std::uint32_t>> weights_;  // by location and slot
  std::vector<std::string> violations_;
};

}  // namespace headgate::sim
