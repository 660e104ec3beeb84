// A second opinion on locations: waves in their order, standby only when it is named and the release is verified
// elsewhere, a way back only from where a promotion has been, traffic to no slot that was taken away. It keeps lists of
// what the records said of one target and shares no code with the engine.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/domain/events.h"

namespace headgate::sim {

class LocationOracle {
 public:
  void see(const Recorded<Event>& record) {
    std::visit([&](const auto& e) { handle(e); }, record.event);
  }
  std::vector<std::string> violations;
  std::map<std::string, std::string> runs;  // verified release by location
  std::uint64_t succeeded = 0, taken_back = 0, mixed = 0, on_demand = 0;

 private:
  struct Course {
    PromotionPlanned planned;
    std::vector<Step> steps;
    std::set<std::string> done, begun, failed;
    bool approved = false;
    bool rolling_back = false;
    bool automatic = false;
    bool same_places = true;  // since it was planned
    OnLocationFailure rule() const {
      return planned.rules.on_location_failure.value_or(OnLocationFailure::rollback_all);
    }
  };

  void handle(const auto&) {}
  void handle(const DocumentAccepted& e) {
    const auto* place = std::get_if<Environment>(&e.document);
    if (!place) return;
    locations_ = place->locations;
    std::erase_if(runs, [&](const auto& entry) { return !find(entry.first); });
    std::erase_if(drifted_, [&](const auto& name) { return !find(name); });
    std::erase_if(observed_, [&](const auto& entry) { return !find(entry.first); });
    std::erase_if(ending_, [&](const auto& slot) { return !find(slot.first); });
    for (auto& [id, course] : courses_) course.same_places = false;
  }
  void handle(const TargetAdopted& e) {
    for (const auto& [location, version] : observed_) {
      if (version != e.wish.release.version || !find(location)) continue;
      runs[location] = version;
      drifted_.erase(location);
    }
    ending_.clear();  // what these worlds observe does not follow the traffic
  }
  void handle(const DriftDetected& e) { drifted_.insert(e.location); }
  void handle(const DriftResolved& e) { drifted_.erase(e.location); }
  void handle(const TargetObserved& e) { observed_[e.location] = e.version; }
  void handle(const ReleaseQuarantined& e) { quarantined_.insert(e.id.version); }
  void handle(const ReleaseReinstated& e) { quarantined_.erase(e.id.version); }
  void handle(const PromotionPlanned& e) { courses_[e.promotion].planned = e; }
  void handle(const StepPlanned& e) { courses_[e.id.promotion].steps.push_back(e.step); }
  void handle(const ApprovalGranted& e) { courses_[e.promotion].approved = true; }
  void handle(const ApprovalVoided& e) { courses_[e.promotion].approved = false; }
  void handle(const ApprovalExpired& e) { courses_[e.promotion].approved = false; }
  void handle(const StepFailed& e) { courses_[e.id.promotion].failed.insert(e.id.step); }
  void handle(const PromotionRetried& e) { courses_[e.promotion].failed.erase(e.step); }
  void handle(const RollbackStarted& e) {
    auto& course = courses_[e.promotion];
    course.rolling_back = true;
    course.automatic = e.automatic;
    if (e.automatic && course.rule() == OnLocationFailure::hold && !course.failed.empty()) {
      violated(e.promotion, "went back by itself where it should hold");
    }
  }
  void handle(const RollbackSucceeded&) { ++taken_back; }
  void handle(const PromotionFailed& e) {
    if (courses_[e.promotion].rolling_back) ++mixed;
  }
  void handle(const PromotionSucceeded& e) {
    ++succeeded;
    const auto& course = courses_[e.promotion];
    if (!course.planned.locations.empty()) ++on_demand;
    if (!course.same_places) return;
    for (const auto& location : locations_) {
      if (!location.standby && runs[location.name] != course.planned.to.release.version) {
        violated(e.promotion, "succeeded, and location " + location.name + " does not run its release");
      }
    }
  }
  void handle(const ActivityStarted& e) {
    auto& course = courses_[e.id.promotion];
    const auto* step = course_step(course, e.id.step);
    if (step->rollback) {
      takes_back(e.id, course, *step);
    } else {
      goes_on(e.id, course, *step);
    }
    moves(e.id, course, *step);
    course.begun.insert(e.id.step);
  }
  void handle(const StepSucceeded& e) {
    auto& course = courses_[e.id.promotion];
    course.done.insert(e.id.step);
    const auto* step = course_step(course, e.id.step);
    if (step->location.empty() || cleans_up(course, *step) || !find(step->location)) return;
    std::string version;
    for (const auto& other : course.steps) {
      const bool belongs = other.location == step->location && other.rollback == step->rollback;
      if (!belongs || cleans_up(course, other)) continue;
      if (!course.done.contains(other.name)) return;
      if (other.deploys) version = other.deploys->release.version;
    }
    runs[step->location] = observed_[step->location] = version;
    drifted_.erase(step->location);
  }

  // Where another slot is left, no traffic goes to one whose end has begun, before it is deployed to again.
  void moves(const StepId& id, const Course& course, const Step& step) {
    if (step.slot.empty()) return;
    const std::pair here(step.location, step.slot);
    const std::pair other(step.location, std::string(step.slot == "blue" ? "green" : "blue"));
    if (step.kind == StepKind::retire && cleans_up(course, step)) ending_.insert(here);
    if (step.kind == StepKind::deploy) ending_.erase(here);
    if (step.kind != StepKind::traffic || !step.weight) return;
    if ((*step.weight > 0 && ending_.contains(here)) || (*step.weight < 100 && ending_.contains(other))) {
      violated(id.promotion, step.name + " sends traffic to a slot that was taken away");
    }
  }

  static bool cleans_up(const Course& course, const Step& step) {
    if (base_name(step) == "retire-old") return true;
    return step.rollback && step.kind == StepKind::retire && std::ranges::any_of(course.steps, [&](const Step& s) {
             return s.rollback && s.deploys && s.location == step.location;
           });
  }

  // Forward: after the waves before, only where it was asked to, approved, and not what is known to be bad.
  void goes_on(const StepId& id, const Course& course, const Step& step) {
    const auto& to = course.planned.to.release.version;
    if (course.rolling_back) violated(id.promotion, "goes forward in a rollback");
    const bool asks = std::ranges::any_of(course.steps, [](const Step& s) { return s.name == "approval"; });
    if (asks && !course.approved) violated(id.promotion, "was not approved");
    const bool brings = step.kind == StepKind::deploy || step.kind == StepKind::traffic || step.kind == StepKind::run;
    if (brings && quarantined_.contains(to)) violated(id.promotion, "brings what is quarantined");
    if (step.location.empty()) return;
    const bool named = std::ranges::find(course.planned.locations, step.location) != course.planned.locations.end();
    if (!course.planned.locations.empty() && !named) violated(id.promotion, "goes where nobody asked");
    if (const auto* location = find(step.location); course.same_places && location && location->standby && !named) {
      violated(id.promotion, "touches standby " + step.location);
    }
    if (named && course.begun.empty() && course.same_places) {
      for (const auto& other : locations_) {
        const bool asked = std::ranges::find(course.planned.locations, other.name) != course.planned.locations.end();
        if (!other.standby && !asked && (runs[other.name] != to || drifted_.contains(other.name))) {
          violated(id.promotion, "goes to " + step.location + " before " + other.name + " is verified");
        }
      }
    }
    for (const auto& before : course.steps) {
      if (before.rollback || before.location.empty() || base_name(before) == "retire-old") continue;
      const bool earlier = base_name(step) == "retire-old" || before.wave.value_or(1000) < step.wave.value_or(1000);
      if (earlier && !course.done.contains(before.name)) {
        violated(id.promotion, step.name + " began before " + before.name + " was done");
      }
    }
  }
  void takes_back(const StepId& id, const Course& course, const Step& step) {
    if (!course.rolling_back) violated(id.promotion, "takes back what stands");
    if (course.planned.trigger == Trigger::rollback || step.location.empty()) return;
    const auto any = [&](const std::set<std::string>& names) {
      return std::ranges::any_of(course.steps, [&](const Step& s) {
        return !s.rollback && s.location == step.location && names.contains(s.name);
      });
    };
    if (!any(course.begun)) violated(id.promotion, "takes back " + step.location + ", which it never touched");
    if (course.automatic && course.rule() == OnLocationFailure::rollback_location && !any(course.failed)) {
      violated(id.promotion, "takes back " + step.location + ", which stands");
    }
  }

  const Location* find(const std::string& name) const {
    const auto at = std::ranges::find(locations_, name, &Location::name);
    return at == locations_.end() ? nullptr : &*at;
  }
  static const Step* course_step(const Course& course, const std::string& name) {
    const auto at = std::ranges::find(course.steps, name, &Step::name);
    HEADGATE_CHECK(at != course.steps.end());
    return &*at;
  }
  void violated(const PromotionId& id, const std::string& what) { violations.push_back(to_string(id) + ' ' + what); }

  std::vector<Location> locations_;
  std::map<std::string, std::string> observed_;
  std::set<std::string> quarantined_;
  std::set<std::string> drifted_;
  std::set<std::pair<std::string, std::string>> ending_;  // location and slot
  std::map<PromotionId, Course> courses_;
};

}  // namespace headgate::sim
