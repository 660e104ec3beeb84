#include "tests/sim/location_oracle.h"

#include <algorithm>

namespace headgate::sim {
namespace {

const Step* step_named(const std::vector<Step>& steps, const std::string& name) {
  const auto at = std::ranges::find(steps, name, &Step::name);
  HEADGATE_CHECK(at != steps.end());
  return &*at;
}

bool cleans_up(const std::vector<Step>& steps, const Step& step) {
  if (base_name(step) == "retire-old") return true;
  return step.rollback && step.kind == StepKind::retire && std::ranges::any_of(steps, [&](const Step& s) {
           return s.rollback && s.deploys && s.location == step.location;
         });
}

}  // namespace

bool LocationOracle::Course::retires() const {
  return std::ranges::none_of(steps, [](const Step& s) { return !s.rollback && s.kind == StepKind::deploy; });
}

void LocationOracle::see(const Recorded<Event>& record) {
  std::visit([&](const auto& e) { handle(e); }, record.event);
}

const std::optional<Wish>& LocationOracle::runs(const TargetId& target, const std::string& location) const {
  static const std::optional<Wish> nothing;
  const auto places = places_.find(target);
  if (places == places_.end()) return nothing;
  const auto place = places->second.find(location);
  return place == places->second.end() ? nothing : place->second.runs;
}

std::optional<std::optional<Wish>> LocationOracle::whole(const TargetId& target) const {
  std::optional<std::optional<Wish>> all;
  for (const auto& location : of(target.environment)) {
    if (location.standby) continue;
    const auto& here = runs(target, location.name);
    if (all && *all != here) return std::nullopt;
    all = here;
  }
  return all;
}

bool LocationOracle::drifted(const TargetId& target) const {
  const auto places = places_.find(target);
  return places != places_.end() &&
         std::ranges::any_of(places->second, [](const auto& entry) { return entry.second.drifted; });
}

bool LocationOracle::unknown(const TargetId& target, const Wish& wish) const {
  const auto places = places_.find(target);
  return std::ranges::any_of(of(target.environment), [&](const Location& location) {
    if (location.standby || runs(target, location.name)) return false;
    if (places == places_.end() || !places->second.contains(location.name)) return true;
    const auto& seen = places->second.at(location.name).observed;
    return !seen || (!seen->version.empty() && !seen->shows(wish.release));
  });
}

const std::vector<Location>& LocationOracle::of(const std::string& environment) const {
  static const std::vector<Location> none;
  const auto at = locations_.find(environment);
  return at == locations_.end() ? none : at->second;
}

const Location* LocationOracle::find(const TargetId& target, const std::string& name) const {
  const auto& all = of(target.environment);
  const auto at = std::ranges::find(all, name, &Location::name);
  return at == all.end() ? nullptr : &*at;
}

void LocationOracle::handle(const DocumentAccepted& e) {
  if (const auto* place = std::get_if<Environment>(&e.document)) staged_.emplace_back(e.commit, *place);
}

void LocationOracle::handle(const ConfigurationAccepted& e) {
  for (const auto& [commit, environment] : staged_) {
    if (commit != e.commit) continue;
    locations_[environment.name] = environment.locations;
    for (auto& [id, places] : places_) {
      if (id.environment != environment.name) continue;
      std::erase_if(places, [&](const auto& entry) { return !find(id, entry.first); });
    }
    for (auto& [id, course] : courses_) course.same_places &= id.target.environment != environment.name;
  }
  staged_.clear();
}

void LocationOracle::handle(const TargetAdopted& e) {
  for (auto& [location, place] : places_[e.target]) {
    if (place.runs != e.wish && place.observed && place.observed->shows(e.wish.release)) {
      place.runs = e.wish;
      place.drifted = false;
    }
    place.ending.clear();  // what is observed does not tell of slots
  }
}

void LocationOracle::handle(const TargetRenamed& e) {
  places_[e.target] = std::exchange(places_[e.from], {});
}

void LocationOracle::handle(const DriftDetected& e) {
  if (!e.location.empty()) places_[e.target][e.location].drifted = true;
}

void LocationOracle::handle(const DriftResolved& e) {
  if (!e.location.empty()) places_[e.target][e.location].drifted = false;
}

void LocationOracle::handle(const TargetObserved& e) {
  if (!e.location.empty()) places_[e.target][e.location].observed = {e.version, e.artifacts, e.variables};
}

void LocationOracle::handle(const RollbackStarted& e) {
  auto& course = courses_[e.promotion];
  course.rolling_back = true;
  course.automatic = e.automatic;
  if (e.automatic && course.rule() == OnLocationFailure::hold && !course.failed.empty()) {
    violated(e.promotion, "went back by itself where it should hold");
  }
}

void LocationOracle::handle(const PromotionSucceeded& e) {
  const auto& course = courses_[e.promotion];
  if (!course.same_places || course.retires()) return;
  for (const auto& location : of(e.promotion.target.environment)) {
    if (!location.standby && runs(e.promotion.target, location.name) != course.planned.to) {
      violated(e.promotion, "succeeded, and location " + location.name + " does not run its release");
    }
  }
}

void LocationOracle::handle(const ActivityStarted& e) {
  const auto at = courses_.find(e.id.promotion);
  if (at == courses_.end()) return;
  auto& course = at->second;
  const auto* step = step_named(course.steps, e.id.step);
  if (step->rollback) {
    takes_back(e.id, course, *step);
  } else {
    goes_on(e.id, course, *step);
  }
  moves(e.id, course, *step);
  course.begun.insert(e.id.step);
}

void LocationOracle::handle(const StepSucceeded& e) {
  auto& course = courses_[e.id.promotion];
  course.done.insert(e.id.step);
  const auto* step = step_named(course.steps, e.id.step);
  const auto& target = e.id.promotion.target;
  if (step->location.empty() || cleans_up(course.steps, *step) || !find(target, step->location)) return;
  std::optional<Wish> brought;
  for (const auto& other : course.steps) {
    const bool belongs = other.location == step->location && other.rollback == step->rollback;
    if (!belongs || cleans_up(course.steps, other)) continue;
    if (!course.done.contains(other.name)) return;
    if (other.deploys) brought = other.deploys;
  }
  auto& place = places_[target][step->location];
  place.runs = brought;
  place.observed = brought ? Observation{brought->release.version, brought->release.artifacts} : Observation{};
  place.drifted = false;
}

// Where another slot is left, no traffic goes to one whose end has begun, before it is deployed to again.
void LocationOracle::moves(const StepId& id, const Course& course, const Step& step) {
  if (step.slot.empty()) return;
  auto& ending = places_[id.promotion.target][step.location].ending;
  const std::string other = step.slot == "blue" ? "green" : "blue";
  if (step.kind == StepKind::retire && cleans_up(course.steps, step)) ending.insert(step.slot);
  if (step.kind == StepKind::deploy) ending.erase(step.slot);
  if (step.kind != StepKind::traffic || !step.weight) return;
  if ((*step.weight > 0 && ending.contains(step.slot)) || (*step.weight < 100 && ending.contains(other))) {
    violated(id.promotion, step.name + " sends traffic to a slot that was taken away");
  }
}

// Forward: after the waves before, and only where it was asked to.
void LocationOracle::goes_on(const StepId& id, const Course& course, const Step& step) {
  const auto& target = id.promotion.target;
  const auto& to = course.planned.to;
  const auto& asked = course.planned.locations;
  if (course.rolling_back) violated(id.promotion, "goes forward in a rollback");
  if (step.location.empty()) return;
  const bool named = std::ranges::find(asked, step.location) != asked.end();
  if (!asked.empty() && !named) violated(id.promotion, "goes where nobody asked");
  const auto* location = find(target, step.location);
  if (course.same_places && location && location->standby && !named && !course.retires()) {
    violated(id.promotion, "touches standby " + step.location);
  }
  if (named && course.begun.empty() && course.same_places) {
    for (const auto& other : of(target.environment)) {
      if (other.standby || std::ranges::find(asked, other.name) != asked.end()) continue;
      if (runs(target, other.name) != to || places_[target][other.name].drifted) {
        violated(id.promotion, "goes to " + step.location + " before " + other.name + " is verified");
      }
    }
  }
  if (course.retires()) return;
  for (const auto& before : course.steps) {
    if (before.rollback || before.location.empty() || base_name(before) == "retire-old") continue;
    const bool earlier = base_name(step) == "retire-old" || before.wave.value_or(1000) < step.wave.value_or(1000);
    if (earlier && !course.done.contains(before.name)) {
      violated(id.promotion, step.name + " began before " + before.name + " was done");
    }
  }
}

void LocationOracle::takes_back(const StepId& id, const Course& course, const Step& step) {
  if (!course.rolling_back) violated(id.promotion, "takes back what stands");
  if (course.planned.trigger == Trigger::rollback || step.location.empty()) return;
  const auto any = [&](const std::set<std::string>& names) {
    return std::ranges::any_of(course.steps, [&](const Step& s) {
      return !s.rollback && s.location == step.location && names.contains(s.name);
    });
  };
  if (!any(course.begun)) violated(id.promotion, "takes back " + step.location + ", which it never touched");
  const bool one = course.automatic && course.rule() == OnLocationFailure::rollback_location && !course.failed.empty();
  if (one && !any(course.failed)) {
    violated(id.promotion, "takes back " + step.location + ", which stands");
  }
}

}  // namespace headgate::sim
