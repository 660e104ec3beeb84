// A second opinion on rollouts: weights only as the plan says, no step further before a pause is over and measured or
// after a breach, traffic back before processes go, no switch without its approval. It keeps lists of what the records
// said and shares no code with the engine.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/domain/events.h"

namespace headgate::sim {

class RolloutOracle {
 public:
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
    std::map<std::string, Duration> begun;  // by step, on a clock that never steps
    std::set<std::string> done;
    std::map<std::string, Duration> resumed;                                // by step: when last
    std::map<std::string, std::map<std::string, std::vector<Look>>> looks;  // by pause, by metric
    std::map<std::string, std::uint32_t> failures;                          // by metric
    std::map<std::string, std::uint32_t> errors;                            // in a row
    std::set<std::string> approvers;
    bool switch_approved = false;
    std::uint32_t weight = 0;  // that the candidate was given last
  };

  void handle(const auto&) {}
  void handle(const PromotionPlanned& e) { courses_[e.promotion] = {}; }
  void handle(const StepPlanned& e) { courses_[e.id.promotion].steps.push_back(e.step); }
  void handle(const StepStarted& e) { courses_[e.id.promotion].begun[e.id.step] = elapsed_; }
  void handle(const StepSucceeded& e);
  void handle(const PauseResumed& e) { courses_[e.id.promotion].resumed[e.id.step] = elapsed_; }
  void handle(const ApprovalGranted& e);
  void handle(const MeasurementStarted& e);
  void handle(const MeasurementTaken& e);
  void handle(const ActivityStarted& e);
  void handle(const ActivitySucceeded& e);

  const Step* step_of(const StepId& id) const;
  bool is_over(const Course& course, const Step& pause) const;
  void violated(const std::string& what) { violations_.push_back(what); }

  std::string actor_;
  Duration elapsed_{0};
  std::map<PromotionId, Course> courses_;
  std::map<std::pair<TargetId, std::string>, std::uint32_t> weights_;  // by slot, as the load balancer was told
  std::vector<std::string> violations_;
};

}  // namespace headgate::sim
