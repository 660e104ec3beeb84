// How promotions and rollbacks begin and end, and what they leave behind.
#include <algorithm>
#include <tuple>
#include <utility>

#include "tests/sim/oracle.h"

namespace headgate::sim {

void Oracle::handle(const PromotionPlanned& e) {
  const auto& id = e.promotion;
  if (e.trigger == Trigger::manual || e.trigger == Trigger::rollback) wished(id.target, e.to.release);
  for (const auto& [other, course] : courses_) {
    if (course.live && other.target == id.target)
      violated(to_string(id) + " was planned while " + to_string(other) + " was under way");
  }
  auto& place = places_[id.target];
  bool has_its_turn = false;
  if (place.orphaned) violated(to_string(id) + " was planned although the target is orphaned");
  if (place.retiring) {
    const bool half_done =
        !place.current && place.held && std::ranges::find(place.half_done, e.to) != place.half_done.end();
    if (place.current != e.to && !half_done) {
      violated(to_string(id) + " retires what does not run there");
    }
    if (place.failed == std::pair(e.plan_digest, e.to))
      violated(to_string(id) + " failed to retire it before and nothing has changed");
    place.failed.reset();
  } else if (e.trigger == Trigger::desired) {
    const auto wish = targets_.find(id.target);
    const bool wished = wish != targets_.end() && wish->second.release.version == e.to.release.version &&
                        wish->second.variables == e.to.variables;
    // In order: nothing that is wished since takes its turn away, and the same may be wished again behind others.
    const auto* policy = stage(id.target);
    const auto at = std::ranges::find(place.in_line, e.to);
    const bool its_turn = at != place.in_line.end();
    const auto before = courses_.find({id.target, id.number - 1});  // the same under another policy
    const bool replanned = before != courses_.end() && before->second.superseded == position_ - 1;
    const bool again = place.turn == e.to && (replanned || (policy && policy->supersede == Supersede::queue));
    has_its_turn = its_turn || again;
    if (its_turn && !again && !wished) place.in_line.erase(at);
    place.turn = e.to;
    if (!wished && !has_its_turn) violated(to_string(id) + " was planned and no document wishes it");
    if (place.current == e.to &&
        (locations_.of(id.target.environment).empty() || locations_.whole(id.target) == e.to)) {
      violated(to_string(id) + " was planned although the target runs it");
    }
    if (place.pinned && !has_its_turn) violated(to_string(id) + " was planned although the target is pinned");
    if (place.held) violated(to_string(id) + " was planned although the target is held");
    if (place.failed == std::pair(e.plan_digest, e.to) && !its_turn)
      violated(to_string(id) + " failed before and nothing has changed");
    place.failed.reset();  // something has changed: another wish or another plan
  } else if (e.trigger == Trigger::drift) {
    mends(e, place);
  }
  Course course;
  course.planned = e;
  course.asked_by = actor_;
  course.retires = place.retiring;
  course.upto = position_;
  if (e.trigger == Trigger::desired && !place.retiring) takes_its_turn(place, course);
  course.has_its_turn = has_its_turn;
  if (const auto policy = services_.find(id.target.service); policy != services_.end()) course.policy = policy->second;
  if (const auto before = courses_.find({id.target, id.number - 1});
      e.trigger == Trigger::manual && actor_ == "engine" && before != courses_.end()) {
    course.asked_by = before->second.asked_by;  // the same promotion under a changed policy
  }
  if (!courses_.emplace(id, std::move(course)).second) violated(to_string(id) + " was planned twice");
}

// Up to where the document's wish goes: what waits behind it has people of its own.
void Oracle::takes_its_turn(Place& place, Course& course) const {
  const auto& [id, to] = std::tie(course.planned.promotion, course.planned.to);
  const auto before = courses_.find({id.target, id.number - 1});
  const bool replanned = before != courses_.end() && before->second.superseded == position_ - 1 &&
                         before->second.planned.trigger == Trigger::desired && before->second.planned.to == to;
  const auto at = std::ranges::find(place.waiting, to, &Waiting::to);
  if (replanned) {
    std::tie(course.upto, course.waited) = std::tie(before->second.upto, before->second.waited);
  } else if (at != place.waiting.end()) {
    course.upto = at->upto;
    course.waited = true;
    place.waiting.erase(place.waiting.begin(), at + 1);
  } else if (!place.waiting.empty()) {
    course.upto = place.upto;
  }
  place.upto = course.upto;
}

void Oracle::handle(const TriggerDropped& e) {
  auto& place = places_[e.target];
  if (place.waiting.empty() || place.waiting.front().to.release != e.release) return;
  place.upto = place.waiting.front().upto;
  place.waiting.pop_front();
}

// What the document wishes is followed again.
void Oracle::handle(const TargetUnpinned& e) {
  auto& place = places_[e.target];
  place.pinned = false;
  if (place.desired) wished(e.target, place.desired->release);
}

bool Oracle::drifted(const TargetId& id) const {
  const auto place = places_.find(id);
  return locations_.of(id.environment).empty() ? place != places_.end() && place->second.drifted
                                               : locations_.drifted(id);
}

// Mending drift brings back what should run, and stands back for everything else that is wished.
void Oracle::mends(const PromotionPlanned& e, Place& place) {
  const auto& id = e.promotion;
  const auto violates = [&](const std::string& what) { violated(to_string(id) + " mends drift " + what); };
  if (!drifted(id.target)) violates("where there is none");
  if (place.current != e.to) violates("by what did not run");
  if (place.pinned) violates("of a pinned target");
  if (place.held) violates("of a target that a person must look at");
  const auto wish = targets_.find(id.target);
  if (wish != targets_.end() && (wish->second.suspend || wish->second.release.version != e.to.release.version ||
                                 wish->second.variables != e.to.variables)) {
    violates("against its document");
  }
  const auto& rule = environments_[id.target.environment].self_heal;
  if (rule && !rule->mends) violates("although selfHeal is off");
  if (place.failed == std::pair(e.plan_digest, e.to)) violates("as it failed to before");
  place.failed.reset();
}

void Oracle::handle(const DriftResolved& e) {
  auto& place = places_[e.target];
  place.drifted = false;
  if (place.failed && place.failed->second == place.current) place.failed.reset();
}

void Oracle::handle(const StepPlanned& e) {
  if (auto* course = live(e.id.promotion)) {
    course->steps.push_back(e.step);
    course->steps.back().name = e.id.step;
    course->in_locations |= !e.step->location.empty();
  }
}

void Oracle::ended(const PromotionId& id, bool failed) {
  auto* course = live(id);
  if (!course) return;
  course->live = false;
  if (failed) places_[id.target].failed = {course->planned.plan_digest, course->planned.to};
  const auto& planned = course->planned;
  const bool new_candidate = !planned.from || !planned.from->release.same_candidate(planned.to.release);
  if ((unhealthy(*course) || breached(*course)) && planned.rules.rollback_quarantine && new_candidate &&
      !course->barred) {
    violated(to_string(id) + " failed its verification and its release is not quarantined");
  }
  for (const auto& [step, attempt] : course->attempts) {
    if (attempt.running) violated(to_string(id) + " ended while " + step + " was running");
  }
}

// A wish whose turn it was has it once more under the target's new name.
void Oracle::handle(const PromotionSuperseded& e) {
  auto* course = live(e.promotion);
  if (course) course->superseded = position_;
  if (course && e.reason.find(" is called ") != std::string::npos) {
    auto& place = places_[e.promotion.target];
    place.in_line.push_back(course->planned.to);
    if (course->waited) place.waiting.push_front({course->planned.to, course->upto});
  }
  ended(e.promotion, false);
}

void Oracle::brought(const TargetId& id, const std::optional<Wish>& wish, Position upto) {
  auto& place = places_[id];
  place.current = wish;
  place.promoted = false;
  place.drifted = false;
  place.held = false;
  place.half_done.clear();
  if (!wish) return;
  const auto wished = [&](const Work& work) {
    return work.wished.release.version == wish->release.version && work.wished.variables == wish->variables;
  };
  const auto last = std::find_if(place.work.rbegin(), place.work.rend(), wished).base();
  const auto* policy = stage(id);
  if (!policy || policy->supersede != Supersede::queue) {
    place.work.erase(place.work.begin(), last);
    return;
  }
  // The same may be wished again, and where order is kept that wish waits yet.
  auto end = std::ranges::find_if(place.work, [&](const Work& work) { return work.at > upto; });
  const auto first = std::ranges::find_if(place.work, wished);
  if (first != place.work.end()) end = std::max(end, first + 1);
  for (auto at = place.work.begin(); at != place.work.end(); ++at) {
    if (!place.waiting.empty() && at->at > place.waiting.front().upto) break;
    if (wished(*at)) end = std::max(end, at + 1);
  }
  place.work.erase(place.work.begin(), end);
}

// What the target as a whole runs once something has ended in its locations.
void Oracle::ended_in_locations(const TargetId& id, bool anew, Position upto) {
  auto& place = places_[id];
  place.held = false;
  const auto whole = locations_.whole(id);
  if (!whole || (!anew && *whole == place.current)) return;
  brought(id, *whole, upto);
  if (*whole) verified(id, **whole);
}

void Oracle::handle(const TargetAdopted& e) {
  if (!locations_.of(e.target.environment).empty() && places_[e.target].current == e.wish) {
    places_[e.target].held = false;
    return;
  }
  brought(e.target, e.wish);
  came(e.target, e.wish);
  places_[e.target].failed.reset();
}

void Oracle::handle(const PromotionSucceeded& e) {
  ended(e.promotion, false);
  const auto& course = courses_[e.promotion];
  for (const auto& step : course.steps) {
    if (!step.rollback && !course.done.contains(step.name) && base_name(step) != "retire-old")
      violated(to_string(e.promotion) + " succeeded without " + step.name);
  }
  auto& place = places_[e.promotion.target];
  const auto upto = course.planned.trigger == Trigger::desired ? course.upto : 0;
  if (course.in_locations) {
    ended_in_locations(e.promotion.target, false, upto);
  } else {
    brought(e.promotion.target, course.retires ? std::nullopt : std::optional(course.planned.to), upto);
    if (!course.retires) verified(e.promotion.target, course.planned.to);
  }
  place.promoted = place.current == course.planned.to;
  place.failed.reset();
}

void Oracle::handle(const TargetRetired& e) {
  auto& place = places_[e.target];
  if (!place.retiring) violated(to_string(e.target) + " was retired although its document did not go");
  if (place.current) violated(to_string(e.target) + " was retired although something runs there");
  place.retiring = place.pinned = place.held = false;
  place.orphaned = true;
  place.in_line.clear();
  place.waiting.clear();
  place.work.clear();
  place.failed.reset();
}

void Oracle::handle(const PromotionFailed& e) {
  ended(e.promotion, true);
  const auto& course = courses_[e.promotion];
  auto& place = places_[e.promotion.target];
  if (!half_done(course)) return;
  place.held = !course.rolling_back;  // or some locations were taken back
  if (!place.current) place.half_done.push_back(course.planned.to);
}

bool Oracle::deployed(const Course& course) {
  return std::ranges::any_of(course.steps, [&](const Step& step) {
    return !step.rollback && step.kind == StepKind::deploy && course.attempts.contains(step.name);
  });
}

bool Oracle::half_done(const Course& course) {
  return deployed(course) || std::any_of(course.steps.begin(), course.steps.end(), [&](const Step& step) {
           return step.irreversible == true && course.attempts.contains(step.name);
         });
}

void Oracle::verified(const TargetId& id, const Wish& wish) {
  places_[id].verified.push_back(wish.release);
  came(id, wish);
}

void Oracle::came(const TargetId& id, const Wish& wish) {
  auto& place = places_[id];
  std::erase_if(place.verified_at, [&](const auto& entry) { return entry.first == wish; });
  place.verified_at.emplace_back(wish, position_);
}

bool Oracle::frozen_alone(const TargetId& id) const {
  return std::any_of(freezes_.begin(), freezes_.end(), [&](const auto& entry) {
    return entry.second.environment.text == id.environment &&
           entry.second.services == std::vector<std::string>{called(id.service)};
  });
}

void Oracle::handle(const RollbackRequested& e) {
  const auto& id = e.promotion.target;
  if (actor_ == "engine" && !demanded(id)) violated(to_string(e.promotion) + " was asked for by nobody");
  if (actor_ == "engine" && (!places_[id].promoted || !e.to || !e.crosses.empty())) {
    violated(to_string(e.promotion) + " was demanded by a monitor although a person should decide");
  }
  asked_back_.insert(e.promotion);
}

// In the same command: its events follow each other.
bool Oracle::demanded(const TargetId& id) const {
  if (!last_failure_ || position_ > last_failure_at_ + 3 * 32 || last_failure_->environment.text != id.environment) {
    return false;
  }
  const auto place = environments_.find(id.environment);
  if (place == environments_.end()) return false;
  const auto& all = place->second.monitors;
  const auto monitor = std::ranges::find(all, last_failure_->monitor, &Monitor::name);
  return monitor != all.end() && monitor->on_failure == OnMonitorFailure::rollback &&
         std::ranges::find(monitor->services, id.service) != monitor->services.end();
}

void Oracle::handle(const MonitorFailed& e) {
  const std::pair name(e.environment.text, e.monitor);
  if (!failing_.insert(name).second) violated("monitor " + e.monitor + " failed twice");
  const auto place = environments_.find(e.environment.text);
  for (const auto& work : place == environments_.end() ? std::vector<Maintenance>{} : place->second.maintenance) {
    if (work.from <= wall_ && wall_ < work.to) violated("monitor " + e.monitor + " failed during " + work.name);
  }
  last_failure_ = e;
  last_failure_at_ = position_;
}

void Oracle::handle(const MonitorRecovered& e) {
  if (failing_.erase({e.environment.text, e.monitor}) == 0)
    violated("monitor " + e.monitor + " recovered from nothing");
}

void Oracle::handle(const PromotionRetried& e) {
  const auto at = courses_.find(e.promotion);
  if (at == courses_.end() || at->second.live) return violated(to_string(e.promotion) + " was retried under way");
  for (const auto& [other, course] : courses_) {
    if (course.live && other.target == e.promotion.target) violated(to_string(other) + " is under way beside a retry");
  }
  auto& course = at->second;
  course.live = true;
  places_[e.promotion.target].held = false;        // a person has acted
  if (!course.rolling_back) course.began = false;  // everything is judged once more
  course.goes_on = half_done(course);
  for (const auto& step : course.steps) {  // limits that were breached count anew
    for (const auto& metric : step.metrics) {
      if (course.failures[metric.name] > metric.failure_limit) course.failures[metric.name] = 0;
    }
  }
  auto& attempt = course.attempts[e.step];
  if (attempt.running) violated(to_string(e.promotion) + " was retried while an attempt was running");
  attempt.unhealthy = false;
}

void Oracle::handle(const PromotionExpedited& e) {
  if (auto* course = live(e.promotion)) course->expedited = true;
  const auto* policy = stage(e.promotion.target);
  if (!policy || !policy->expedite) violated(to_string(e.promotion) + " was expedited against the policy");
}

void Oracle::handle(const RollbackStarted& e) {
  if (auto* course = live(e.promotion)) {
    const bool by_hand = course->planned.trigger == Trigger::rollback;
    if (by_hand && !asked_back_.contains(e.promotion)) violated(to_string(e.promotion) + " was asked for by nobody");
    if (!by_hand && !deployed(*course)) {
      violated(to_string(e.promotion) + " rolls back what it did not deploy");
    }
    const auto& place = places_[e.promotion.target];
    if (e.to && place.irreversible && !glass_.contains({e.promotion, "rollback"})) {
      const bool behind = std::none_of(place.verified_at.begin(), place.verified_at.end(), [&](const auto& entry) {
        return entry.first == *e.to && entry.second > *place.irreversible;
      });
      if (behind) violated(to_string(e.promotion) + " goes back across an irreversible step");
    }
    if (!e.automatic || by_hand) {
      const auto& planned = course->planned;
      const auto& leaves = by_hand && planned.from ? *planned.from : planned.to;
      if (e.to != leaves) places_[e.promotion.target].left.push_back(leaves.release);
    }
    for (const auto& [step, attempt] : course->attempts) {
      if (attempt.running) violated(to_string(e.promotion) + " rolls back while " + step + " is running");
    }
    course->rolling_back = true;
  }
}

void Oracle::handle(const RollbackSucceeded& e) {
  const auto& course = courses_[e.promotion];
  ended(e.promotion, course.planned.trigger != Trigger::rollback);
  if (course.in_locations) {
    return ended_in_locations(e.promotion.target, places_[e.promotion.target].current != course.planned.to);
  }
  std::optional<Wish> back;
  for (const auto& step : course.steps) {
    if (step.rollback && step.deploys) back = step.deploys;
  }
  brought(e.promotion.target, back);
  if (back) verified(e.promotion.target, *back);
}

void Oracle::handle(const RollbackFailed& e) {
  ended(e.promotion, courses_[e.promotion].planned.trigger != Trigger::rollback);
  auto& place = places_[e.promotion.target];
  place.held = true;
  if (const auto& planned = courses_[e.promotion].planned; !place.current) place.half_done.push_back(planned.to);
  must_freeze_ = e.promotion.target;
}

}  // namespace headgate::sim
