#include "tests/sim/oracle.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <tuple>
#include <utility>

namespace headgate::sim {
namespace {

// The world reports metrics with at most three digits of fraction.
long long thousandths(const Decimal& value) {
  const double number = std::strtod(value.text.c_str(), nullptr) * 1000;
  return static_cast<long long>(number + (number < 0 ? -0.5 : 0.5));
}

bool has(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}
bool covers(const std::vector<std::string>& scope, const std::string& value) {
  return scope.empty() || has(scope, "*") || has(scope, value);
}

}  // namespace

void Oracle::see(const Recorded<Event>& record, Duration elapsed) {
  HEADGATE_CHECK(record.meta.position == position_);
  actor_ = record.meta.actor;
  elapsed_ = elapsed;
  if (!origin_) origin_ = record.meta.time;
  wall_ = *origin_ + elapsed_ + stepped_;
  const auto must_freeze = std::exchange(must_freeze_, std::nullopt);
  std::visit([this](const auto& e) { handle(e); }, record.event);
  if (must_freeze && !frozen_alone(*must_freeze)) {
    violated("the rollback of " + to_string(*must_freeze) + " failed and the target is not frozen");
  }
  ++position_;
}

void Oracle::violated(const std::string& what) {
  violations_.push_back("at position " + std::to_string(position_) + ": " + what);
}

Oracle::Course* Oracle::live(const PromotionId& id) {
  const auto at = courses_.find(id);
  if (at == courses_.end() || !at->second.live) {
    violated("something happened to " + to_string(id) + ", which is not under way");
    return nullptr;
  }
  return &at->second;
}

// ----------------------------------------------------------------------------------------------------- configuration

void Oracle::handle(const CommitObserved& e) {
  commit_people_.insert({e.author, e.committer});
  commit_people_.insert(e.co_authors.begin(), e.co_authors.end());
}

void Oracle::handle(const ConfigurationAccepted& e) {
  for (const auto& [commit, event] : staged_) {
    if (commit != e.commit) continue;
    if (const auto* accepted = std::get_if<DocumentAccepted>(&event)) {
      if (const auto* service = std::get_if<Service>(&accepted->document)) services_[service->name] = *service;
      if (const auto* policy = std::get_if<AccessPolicy>(&accepted->document)) access_ = *policy;
      if (const auto* place = std::get_if<Environment>(&accepted->document)) {
        const auto when = [](const Window& w) {
          return std::tuple(w.kind, w.schedule, w.duration, w.time_zone, w.from, w.to);
        };
        const auto& before = environments_[place->name].windows;
        bool same = before.size() == place->windows.size();
        for (std::size_t i = 0; same && i < before.size(); ++i) same = when(before[i]) == when(place->windows[i]);
        if (!same) expanded_.erase(place->name);
        environments_[place->name] = *place;
        std::erase_if(failing_, [&](const auto& monitor) {
          return monitor.first == place->name &&
                 std::ranges::find(place->monitors, monitor.second, &Monitor::name) == place->monitors.end();
        });
      }
      if (const auto* target = std::get_if<Target>(&accepted->document)) {
        const auto before = targets_.find(target->id);
        const bool same = before != targets_.end() && before->second.release == target->release &&
                          before->second.variables == target->variables;
        if (!same) places_[target->id].work.push_back({*target, commit_people_});
        targets_[target->id] = *target;
        places_[target->id].orphaned = places_[target->id].retiring = false;
      }
    }
    if (const auto* removed = std::get_if<DocumentRemoved>(&event)) {
      if (removed->kind == DocumentKind::service) services_.erase(removed->document);
      if (removed->kind == DocumentKind::access_policy) access_.reset();
      if (removed->kind == DocumentKind::target) {
        const auto dot = removed->document.find('.');
        const TargetId id{removed->document.substr(0, dot), removed->document.substr(dot + 1)};
        const auto before = targets_.find(id);
        auto& place = places_[id];
        if (before != targets_.end() && before->second.on_delete == OnDelete::retire) {
          place.retiring = true;
          place.failed.reset();
          place.work.push_back({before->second, commit_people_});
        } else {
          place.work.clear();
        }
        targets_.erase(id);
      }
    }
  }
  staged_.clear();
  commit_people_.clear();
}

// ------------------------------------------------------------------------------------------------- releases and gates

void Oracle::handle(const ReleaseRegistered& e) {
  const Release release{e.id.version, e.commit, e.artifacts};
  const auto [at, fresh] = releases_.try_emplace(e.id, release);
  if (!fresh && at->second != release) violated("release " + to_string(e.id) + " changed");
}

void Oracle::handle(const GateReported& e) {
  if (e.run) run_ended(e);
  Report made{e.service.text, e.commit, e.version, e.gate, e.status, e.metrics, elapsed_, {}};
  for (const auto& gate : services_[e.service.text].gates) {
    const auto* before = latest_report(e.service.text, {e.version, e.commit, {}}, gate.name);
    if (before && passes(gate, *before)) made.passed_before.insert(gate.name);
  }
  reports_.push_back(std::move(made));
}

const Oracle::Report* Oracle::latest_report(const std::string& service, const Release& release,
                                            const std::string& gate) const {
  const auto latest = std::find_if(reports_.rbegin(), reports_.rend(), [&](const Report& report) {
    const bool concerns = release.commit.empty() ? report.commit.empty() && report.version == release.version
                                                 : report.commit == release.commit;
    return concerns && report.service == service && report.gate == gate;
  });
  return latest == reports_.rend() ? nullptr : &*latest;
}

// Metrics that only take an approval when they are out of bounds do not keep it from passing.
bool Oracle::passes(const Gate& gate, const Report& report) const {
  if (report.status != GateStatus::passed) return false;
  for (const auto& [metric, threshold] : gate.metrics) {
    if (!threshold.min && !threshold.max) continue;
    const auto measured = report.metrics.find(metric);
    if (measured == report.metrics.end()) return false;
    if (threshold.otherwise) continue;
    if (threshold.min && thousandths(measured->second) < thousandths(*threshold.min)) return false;
    if (threshold.max && thousandths(measured->second) > thousandths(*threshold.max)) return false;
  }
  return std::all_of(gate.after.begin(), gate.after.end(),
                     [&](const std::string& name) { return report.passed_before.contains(name); });
}

Oracle::Exceptions Oracle::exceptions(const PromotionId& id, const Course& course, const Stage& policy) const {
  Exceptions found;
  const auto service = services_.find(id.target.service);
  if (service == services_.end()) return found;
  for (const auto& gate : service->second.gates) {
    if (!has(policy.gates, gate.name)) continue;
    const auto* report = latest_report(id.target.service, course.planned.to.release, gate.name);
    if (!report) continue;
    for (const auto& [metric, threshold] : gate.metrics) {
      const auto measured = report->metrics.find(metric);
      if (!threshold.otherwise || measured == report->metrics.end()) continue;
      const auto value = thousandths(measured->second);
      long long by = 0;
      if (threshold.max) by = std::max(by, value - thousandths(*threshold.max));
      if (threshold.min) by = std::max(by, thousandths(*threshold.min) - value);
      if (by > 0) found[gate.name + "/" + metric] = by;
    }
  }
  return found;
}

// One run of a service's gates at a time, and one attempt of it.
void Oracle::handle(const GateStarted& e) {
  const auto name = "run " + std::to_string(e.run) + " of gate " + e.gate + " of " + e.service.text;
  if (paused_) violated(name + " began while effects were paused");
  const auto before = gate_runs_.find(e.service.text);
  if (before == gate_runs_.end()) {
    if (e.attempt != 1) violated(name + " began with another attempt than the first");
  } else {
    const auto& [run, attempt, retry] = before->second;
    if (run != e.run || !retry) violated(name + " began while another was under way");
    if (attempt + 1 != e.attempt || (retry && wall_ < *retry)) violated(name + " was tried again too early");
  }
  gate_runs_[e.service.text] = {e.run, e.attempt, {}};
}

void Oracle::handle(const GateRetried& e) {
  gate_runs_[e.service.text].retry = e.due;
}

void Oracle::run_ended(const GateReported& e) {
  const auto at = gate_runs_.find(e.service.text);
  if (at == gate_runs_.end() || at->second.run != *e.run || at->second.retry) {
    violated("a run of gate " + e.gate + " ended that was not under way");
  }
  gate_runs_.erase(e.service.text);
}

void Oracle::handle(const FreezeOverridden& e) {
  if (auto* course = live(e.promotion)) course->freezes_passed.insert(e.freezes.begin(), e.freezes.end());
}

void Oracle::handle(const WindowOverridden& e) {
  if (auto* course = live(e.promotion)) {
    if (!e.maintenance.empty()) {
      course->maintenance_passed[e.maintenance] = e.until.value_or(Timestamp{});
      return;
    }
    course->window_passed = true;
    course->window_passed_until = e.until;
  }
}

bool Oracle::window_is_open(const std::string& name) const {
  const auto place = environments_.find(name);
  if (place == environments_.end() || place->second.windows.empty()) return true;
  const auto known = expanded_.find(name);
  if (known == expanded_.end() || wall_ < known->second.from || wall_ >= known->second.until) return false;
  bool allowed = true;
  for (const auto& window : place->second.windows) allowed = allowed && window.kind != WindowKind::allow;
  for (const auto& interval : known->second.intervals) {
    if (wall_ < interval.from || wall_ >= interval.to) continue;
    if (place->second.windows.at(interval.window).kind == WindowKind::deny) return false;
    allowed = true;
  }
  return allowed;
}

void Oracle::check_closures(const StepId& id, const Course& course, bool first, bool changes) {
  const auto& target = id.promotion.target;
  const auto passed = course.window_passed && (!course.window_passed_until || wall_ < *course.window_passed_until);
  const auto place = environments_.find(target.environment);
  const bool overrun = place == environments_.end() || place->second.overrun.value_or(true);
  if ((first || (changes && !overrun)) && !passed && !window_is_open(target.environment)) {
    violated(to_string(id) + " began while the window was closed");
  }
  for (const auto& work : place == environments_.end() ? std::vector<Maintenance>{} : place->second.maintenance) {
    if (!(first || (changes && !overrun)) || wall_ < work.from || wall_ >= work.to) continue;
    const auto let_pass = course.maintenance_passed.find(work.name);
    if (let_pass == course.maintenance_passed.end() || wall_ >= let_pass->second) {
      violated(to_string(id) + " began during the maintenance " + work.name);
    }
  }
  for (const auto& [number, freeze] : freezes_) {
    if (!(first || changes) || freeze.environment.text != target.environment) continue;
    if (!freeze.services.empty() && !has(freeze.services, target.service)) continue;
    if ((!freeze.until || wall_ < *freeze.until) && !course.freezes_passed.contains(number)) {
      violated(to_string(id) + " began during freeze " + number);
    }
  }
}

void Oracle::handle(const ReleaseQuarantined& e) {
  const Release release{e.id.version, e.commit, e.artifacts};
  quarantined_.emplace_back(e.id.service, release);
  bool evidence = false;
  for (auto& [id, course] : courses_) {
    if (!course.live || id.target.service != e.id.service || !course.planned.to.release.same_candidate(release))
      continue;
    course.barred = true;
    for (const auto& step : course.steps) {
      const auto at = course.attempts.find(step.name);
      evidence |=
          step.kind == StepKind::health && !step.rollback && at != course.attempts.end() && at->second.unhealthy;
    }
  }
  evidence = evidence || std::ranges::any_of(places_, [&](const auto& entry) {
               return entry.first.service == e.id.service && demanded(entry.first);
             });
  if (actor_ == "engine" && !evidence)
    violated("release " + to_string(e.id) + " was quarantined without a failed verification");
}

void Oracle::handle(const ReleaseReinstated& e) {
  const auto at = std::find_if(quarantined_.begin(), quarantined_.end(), [&](const auto& entry) {
    return entry.first == e.id.service && entry.second.version == e.id.version;
  });
  if (at == quarantined_.end()) return violated(to_string(e.id) + " was reinstated and not quarantined");
  const auto release = at->second;
  std::erase_if(quarantined_,
                [&](const auto& entry) { return entry.first == e.id.service && entry.second.same_candidate(release); });
  for (auto& [id, place] : places_) {
    if (id.service != e.id.service) continue;
    if (place.failed && place.failed->second.release.same_candidate(release)) place.failed.reset();
  }
}

bool Oracle::quarantined(const std::string& service, const Release& release) const {
  return std::any_of(quarantined_.begin(), quarantined_.end(),
                     [&](const auto& entry) { return entry.first == service && entry.second.same_candidate(release); });
}

// -------------------------------------------------------------------------------------------------------- promotions

void Oracle::handle(const PromotionPlanned& e) {
  const auto& id = e.promotion;
  if (e.trigger == Trigger::manual || e.trigger == Trigger::rollback) wished(id.target, e.to.release);
  for (const auto& [other, course] : courses_) {
    if (course.live && other.target == id.target)
      violated(to_string(id) + " was planned while " + to_string(other) + " was under way");
  }
  auto& place = places_[id.target];
  if (place.orphaned) violated(to_string(id) + " was planned although the target is orphaned");
  if (place.retiring) {
    if (place.current != e.to) violated(to_string(id) + " retires what does not run there");
    if (place.failed == std::pair(e.plan_digest, e.to))
      violated(to_string(id) + " failed to retire it before and nothing has changed");
    place.failed.reset();
  } else if (e.trigger == Trigger::desired) {
    const auto wish = targets_.find(id.target);
    if (wish == targets_.end() || wish->second.release.version != e.to.release.version ||
        wish->second.variables != e.to.variables) {
      violated(to_string(id) + " was planned and no document wishes it");
    }
    if (place.current == e.to) violated(to_string(id) + " was planned although the target runs it");
    if (place.pinned) violated(to_string(id) + " was planned although the target is pinned");
    if (place.held) violated(to_string(id) + " was planned although the target is held");
    if (place.failed == std::pair(e.plan_digest, e.to))
      violated(to_string(id) + " failed before and nothing has changed");
    place.failed.reset();  // something has changed: another wish or another plan
  } else if (e.trigger == Trigger::drift) {
    mends(e, place);
  }
  Course course;
  course.planned = e;
  course.asked_by = actor_;
  course.retires = place.retiring;
  if (const auto before = courses_.find({id.target, id.number - 1});
      e.trigger == Trigger::manual && actor_ == "engine" && before != courses_.end()) {
    course.asked_by = before->second.asked_by;  // the same promotion under a changed policy
  }
  if (!courses_.emplace(id, std::move(course)).second) violated(to_string(id) + " was planned twice");
}

// Mending drift brings back what should run, and stands back for everything else that is wished.
void Oracle::mends(const PromotionPlanned& e, Place& place) {
  const auto& id = e.promotion;
  const auto violates = [&](const std::string& what) { violated(to_string(id) + " mends drift " + what); };
  if (!place.drifted) violates("where there is none");
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
  }
}

void Oracle::ended(const PromotionId& id, bool failed) {
  auto* course = live(id);
  if (!course) return;
  course->live = false;
  if (failed) places_[id.target].failed = {course->planned.plan_digest, course->planned.to};
  const auto& planned = course->planned;
  const bool new_candidate = !planned.from || !planned.from->release.same_candidate(planned.to.release);
  for (const auto& step : course->steps) {
    const auto at = course->attempts.find(step.name);
    if (step.rollback || step.kind != StepKind::health || at == course->attempts.end() || !at->second.unhealthy)
      continue;
    if (planned.rules.rollback_quarantine && new_candidate && !course->barred) {
      violated(to_string(id) + " failed its verification and its release is not quarantined");
    }
  }
  for (const auto& [step, attempt] : course->attempts) {
    if (attempt.running) violated(to_string(id) + " ended while " + step + " was running");
  }
}

void Oracle::brought(const TargetId& id, const std::optional<Wish>& wish) {
  auto& place = places_[id];
  place.current = wish;
  place.promoted = false;
  place.drifted = false;
  place.held = false;
  if (!wish) return;
  const auto last = std::find_if(place.work.rbegin(), place.work.rend(), [&](const Work& work) {
    return work.wished.release.version == wish->release.version && work.wished.variables == wish->variables;
  });
  place.work.erase(place.work.begin(), last.base());
}

void Oracle::handle(const TargetAdopted& e) {
  brought(e.target, e.wish);
  verified(e.target, e.wish);
  places_[e.target].failed.reset();
}

void Oracle::handle(const PromotionSucceeded& e) {
  ended(e.promotion, false);
  const auto& course = courses_[e.promotion];
  for (const auto& step : course.steps) {
    if (!step.rollback && !course.done.contains(step.name))
      violated(to_string(e.promotion) + " succeeded without " + step.name);
  }
  brought(e.promotion.target, course.retires ? std::nullopt : std::optional(course.planned.to));
  places_[e.promotion.target].promoted = !course.retires;
  if (!course.retires) verified(e.promotion.target, course.planned.to);
  places_[e.promotion.target].failed.reset();
}

void Oracle::handle(const TargetRetired& e) {
  auto& place = places_[e.target];
  if (!place.retiring) violated(to_string(e.target) + " was retired although its document did not go");
  if (place.current) violated(to_string(e.target) + " was retired although something runs there");
  place.retiring = place.pinned = place.held = false;
  place.work.clear();
  place.failed.reset();
}

void Oracle::handle(const PromotionFailed& e) {
  ended(e.promotion, true);
  const auto& course = courses_[e.promotion];
  const bool half_done = std::any_of(course.steps.begin(), course.steps.end(), [&](const Step& step) {
    return step.irreversible == true && course.attempts.contains(step.name);
  });
  if (course.attempts.contains("deploy") || half_done) places_[e.promotion.target].held = true;
}

void Oracle::verified(const TargetId& id, const Wish& wish) {
  auto& place = places_[id];
  place.verified.push_back(wish.release);
  std::erase_if(place.verified_at, [&](const auto& entry) { return entry.first == wish; });
  place.verified_at.emplace_back(wish, position_);
}

bool Oracle::frozen_alone(const TargetId& id) const {
  return std::any_of(freezes_.begin(), freezes_.end(), [&](const auto& entry) {
    return entry.second.environment.text == id.environment &&
           entry.second.services == std::vector<std::string>{id.service};
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
    if (!by_hand && !course->attempts.contains("deploy")) {
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
      places_[e.promotion.target].left.push_back(by_hand && planned.from ? planned.from->release : planned.to.release);
    }
    for (const auto& [step, attempt] : course->attempts) {
      if (attempt.running) violated(to_string(e.promotion) + " rolls back while " + step + " is running");
    }
    course->rolling_back = true;
  }
}

void Oracle::handle(const RollbackSucceeded& e) {
  ended(e.promotion, courses_[e.promotion].planned.trigger != Trigger::rollback);
  std::optional<Wish> back;
  for (const auto& step : courses_[e.promotion].steps) {
    if (step.rollback && step.deploys) back = step.deploys;
  }
  brought(e.promotion.target, back);
  if (back) verified(e.promotion.target, *back);
}

void Oracle::handle(const RollbackFailed& e) {
  ended(e.promotion, courses_[e.promotion].planned.trigger != Trigger::rollback);
  places_[e.promotion.target].held = true;
  must_freeze_ = e.promotion.target;
}

// --------------------------------------------------------------------------------------------------------- approvals

bool Oracle::eligible(const std::string& person, const std::string& team, const TargetId& target) const {
  if (!access_) return false;
  const auto in_team = [&](const std::string& name) {
    return std::any_of(access_->teams.begin(), access_->teams.end(),
                       [&](const Team& t) { return t.name == name && has(t.members, person); });
  };
  return in_team(team) && std::any_of(access_->grants.begin(), access_->grants.end(), [&](const Grant& grant) {
           if (grant.role != Role::approver || !grant.token.empty()) return false;
           if (!covers(grant.services, target.service) || !covers(grant.environments, target.environment)) return false;
           return grant.person == person || (grant.person.empty() && in_team(grant.team));
         });
}

void Oracle::handle(const ApprovalGranted& e) {
  auto* course = live(e.promotion);
  if (!course) return;
  auto& given = course->approvals.emplace_back(Given{actor_, e.plan_digest, elapsed_, {}});
  for (auto teams = e.also; const auto& team : (teams.push_back(e.team), teams)) {
    if (eligible(actor_, team, e.promotion.target)) given.teams.insert(team);
  }
  given.unknown.insert(e.unknown_authors.begin(), e.unknown_authors.end());
  if (const auto* policy = stage(e.promotion.target)) given.seen = exceptions(e.promotion, *course, *policy);
}

void Oracle::handle(const PromotionAttributed& e) {
  attributes_ = true;
  if (auto* course = live(e.promotion)) {
    course->attributed = true;
    course->authors.insert(e.people.begin(), e.people.end());
  }
}

void Oracle::drop(const PromotionId& id, const std::string& approver) {
  auto* course = live(id);
  if (!course) return;
  for (auto& given : course->approvals) {
    if (given.approver == approver) given.counts = false;
  }
}

// ---------------------------------------------------------------------------------------------------- steps and
// effects

void Oracle::handle(const StepSucceeded& e) {
  if (auto* course = live(e.id.promotion)) course->done.insert(e.id.step);
}

void Oracle::handle(const TimerSet& e) {
  if (auto* course = live(e.id.promotion)) course->timer_set = elapsed_;
}

void Oracle::handle(const ActivityStarted& e) {
  auto* course = live(e.id.promotion);
  if (!course) return;
  const auto name = to_string(e.id);
  if (paused_) violated(name + " was started while effects were paused");
  auto& attempt = course->attempts[e.id.step];
  if (attempt.running) violated(name + " was started while an attempt of it was running");
  if (e.attempt != attempt.number + 1) violated(name + " skipped an attempt");
  attempt = {e.attempt, true, false, false};

  const auto step =
      std::find_if(course->steps.begin(), course->steps.end(), [&](const Step& s) { return s.name == e.id.step; });
  if (step == course->steps.end()) return violated(name + " is not in the plan");
  if (step->rollback != course->rolling_back) violated(name + " belongs to another plan than the one under way");
  for (auto before = course->steps.begin(); before != step; ++before) {
    if (before->rollback == step->rollback && !course->done.contains(before->name)) {
      violated(name + " began before " + before->name + " was done");
    }
  }
  if (step->deploys && quarantined(e.id.promotion.target.service, step->deploys->release)) {
    violated(name + " deploys the quarantined release " + step->deploys->release.version);
  }
  if (step->irreversible == true) places_[e.id.promotion.target].irreversible = position_;
  if (!step->rollback) {
    check_closures(e.id, *course, !course->began, step->kind == StepKind::run || step->kind == StepKind::deploy);
  }
  if (!course->began && !step->rollback) first_effect(e.id.promotion, *course);
  course->began = true;
}

void Oracle::answered(const StepId& id, std::uint32_t number, bool unhealthy) {
  auto* course = live(id.promotion);
  if (!course) return;
  auto& attempt = course->attempts[id.step];
  if (!attempt.running || attempt.number != number) {
    return violated("attempt " + std::to_string(number) + " of " + to_string(id) +
                    " counted although it was not running");
  }
  attempt.running = false;
  attempt.answered = true;
  attempt.unhealthy = unhealthy;
  course->barred |= quarantined(id.promotion.target.service, course->planned.to.release);
}

void Oracle::handle(const ActivityFenced& e) {
  const auto at = courses_.find(e.id.promotion);
  if (at == courses_.end()) return violated(to_string(e.id) + " was fenced and never planned");
  auto& attempt = at->second.attempts[e.id.step];
  if (attempt.number == e.attempt) attempt.running = false;
}

// ------------------------------------------------------------------------------------------------- the first effect

const Stage* Oracle::stage(const TargetId& id) const {
  const auto service = services_.find(id.service);
  if (service == services_.end()) return nullptr;
  for (const auto& stage : service->second.stages) {
    if (stage.environment == id.environment) return &stage;
  }
  return nullptr;
}

void Oracle::first_effect(const PromotionId& id, const Course& course) {
  const auto& release = course.planned.to.release;
  const auto* policy = stage(id.target);
  if (!policy) return violated(to_string(id) + " began and no stage leads there");
  if (course.retires) {
    if (targets_.contains(id.target)) violated(to_string(id) + " retires what a document wishes");
  } else if (quarantined(id.target.service, release)) {
    violated(to_string(id) + " began with a quarantined release");
  }
  const auto trigger = course.planned.trigger;
  const auto& left = places_[id.target].left;
  if (trigger != Trigger::desired && trigger != Trigger::manual &&
      std::any_of(left.begin(), left.end(), [&](const Release& known) { return known.same_candidate(release); })) {
    violated(to_string(id) + " brings what was rolled back by hand, and nobody wished it");
  }
  const auto document = targets_.find(id.target);
  if (document != targets_.end() && document->second.suspend) violated(to_string(id) + " began on a suspended target");
  if (!course.retires) {
    check_gates(id, course, *policy);
    check_healthy(id, course, *policy);
  }
  check_approvals(id, course, *policy);
  check_authorship(id, course, *policy);
  const bool shorter = course.expedited && policy->expedite && policy->expedite->wait;
  const auto wait = shorter ? std::min(policy->wait, *policy->expedite->wait) : policy->wait;
  if (wait > Duration::zero() && (!course.timer_set || elapsed_ - *course.timer_set < wait)) {
    violated(to_string(id) + " began before its wait was over");
  }
}

void Oracle::check_gates(const PromotionId& id, const Course& course, const Stage& policy) {
  const auto& release = course.planned.to.release;
  for (const auto& name : policy.gates) {
    const auto* latest = latest_report(id.target.service, release, name);
    if (!latest) {
      violated(to_string(id) + " began without a report of gate " + name);
      continue;
    }
    if (latest->status != GateStatus::passed)
      violated(to_string(id) + " began although gate " + name + " did not pass");
    for (const auto& gate : services_[id.target.service].gates) {
      if (gate.name != name) continue;
      if (gate.max_age && elapsed_ - latest->at >= *gate.max_age + slack_) {
        violated(to_string(id) + " began although the report of gate " + name + " was too old");
      }
      for (const auto& before : gate.after) {
        if (!latest->passed_before.contains(before)) {
          violated(to_string(id) + " began although gate " + name + " was reported before " + before + " had passed");
        }
      }
      for (const auto& [metric, threshold] : gate.metrics) {
        if ((!threshold.min && !threshold.max) || threshold.otherwise) continue;
        const auto measured = latest->metrics.find(metric);
        const bool within = measured != latest->metrics.end() &&
                            (!threshold.min || thousandths(measured->second) >= thousandths(*threshold.min)) &&
                            (!threshold.max || thousandths(measured->second) <= thousandths(*threshold.max));
        if (!within) violated(to_string(id) + " began although " + metric + " of gate " + name + " is out of bounds");
      }
    }
  }
}

void Oracle::check_healthy(const PromotionId& id, const Course& course, const Stage& policy) {
  const auto& release = course.planned.to.release;
  for (const auto& environment : policy.healthy) {
    const auto& there = places_[{id.target.service, environment}];
    const bool verified = std::any_of(there.verified.begin(), there.verified.end(),
                                      [&](const Release& known) { return known.same_candidate(release); });
    if (!verified) violated(to_string(id) + " began although it is not verified in " + environment);
    if (there.drifted && there.current && there.current->release.same_candidate(release)) {
      violated(to_string(id) + " began although " + environment + " has drifted from it");
    }
  }
}

std::set<std::string> Oracle::inside(const PromotionId& id, const Course& course) const {
  auto people = course.authors;
  if (const auto place = places_.find(id.target); place != places_.end()) {
    const auto& [to, runs, work] = std::tie(course.planned.to, place->second.current, place->second.work);
    auto end = work.end();
    if (course.planned.trigger != Trigger::desired) {
      // Of the document it brings the variables: the work up to where they were written, unless they run already.
      const auto wrote = std::ranges::find(work, to.variables, [](const Work& w) { return w.wished.variables; });
      const bool new_ones = runs ? runs->variables != to.variables : !to.variables.empty();
      end = new_ones && wrote != work.end() ? wrote + 1 : work.begin();
    }
    for (auto at = work.begin(); at != end; ++at) people.insert(at->people.begin(), at->people.end());
  }
  if (course.asked_by != "engine") people.insert(course.asked_by);
  return people;
}

bool Oracle::same(const std::string& one, const std::string& other) const {
  const auto is = [](const Person& p, const std::string& id) { return p.id == id || has(p.also, id); };
  return one == other || (access_ && std::any_of(access_->people.begin(), access_->people.end(),
                                                 [&](const Person& p) { return is(p, one) && is(p, other); }));
}

std::set<std::string> Oracle::strangers(const std::set<std::string>& people) const {
  std::set<std::string> all;
  for (const auto& id : people) {
    const bool known = access_ && std::any_of(access_->people.begin(), access_->people.end(),
                                              [&](const Person& p) { return p.id == id || has(p.also, id); });
    if (id.starts_with("person:") && !known) all.insert(id);
  }
  return all;
}

void Oracle::check_approvals(const PromotionId& id, const Course& course, const Stage& policy) {
  const auto people = inside(id, course);
  const auto asks = exceptions(id, course, policy);
  const bool one_for_strangers =
      policy.unknown_authors && policy.unknown_authors->then == UnknownAuthors::extra_approval;
  const auto unknown = one_for_strangers ? strangers(people) : std::set<std::string>{};
  const auto good = [&](const Given& given) {
    if (!given.counts || given.digest != course.planned.plan_digest || elapsed_ - given.at >= policy.approval_expiry) {
      return false;
    }
    if (!policy.self_approval &&
        std::any_of(people.begin(), people.end(), [&](const auto& p) { return same(p, given.approver); })) {
      return false;
    }
    return std::includes(given.unknown.begin(), given.unknown.end(), unknown.begin(), unknown.end()) &&
           std::all_of(asks.begin(), asks.end(), [&](const auto& exception) {
             const auto seen = given.seen.find(exception.first);
             return seen != given.seen.end() && seen->second >= exception.second;
           });
  };
  std::vector<const Given*> all;
  for (const auto& given : course.approvals) {
    const bool twice =
        std::any_of(all.begin(), all.end(), [&](const auto* g) { return same(g->approver, given.approver); });
    if (good(given) && !twice) all.push_back(&given);
  }
  // With `left_out` of them left out, as bits.
  const auto short_of = [&](std::size_t left_out) -> const ApprovalRule* {
    for (const auto& rule : policy.approvals) {
      std::size_t count = 0;
      for (std::size_t i = 0; i < all.size(); ++i) {
        if ((left_out >> i & 1) == 0 && all[i]->teams.contains(rule.team)) ++count;
      }
      if (count < rule.count) return &rule;
    }
    return nullptr;
  };
  if (const auto* rule = short_of(0)) {
    violated(to_string(id) + " began with too few of " + std::to_string(rule->count) + " approvals of " + rule->team);
  }
  const int more = (asks.empty() ? 0 : 1) + (unknown.empty() ? 0 : 1);
  if (more == 0 || policy.approvals.empty()) return;
  for (std::size_t left_out = 0; left_out < std::size_t{1} << all.size(); ++left_out) {
    if (std::popcount(left_out) == more && !short_of(left_out)) return;
  }
  violated(to_string(id) + " began without the approvals that a metric or an unknown author asked for");
}

void Oracle::check_authorship(const PromotionId& id, const Course& course, const Stage& policy) {
  const auto& commit = course.planned.to.release.commit;
  if (policy.signed_commit) {
    const auto signature = signatures_.find(commit);
    const bool good = signature != signatures_.end() && signature->second.verdict == SignatureVerdict::good &&
                      access_ && std::any_of(access_->people.begin(), access_->people.end(), [&](const Person& p) {
                        return has(p.keys, signature->second.key);
                      });
    if (!good) violated(to_string(id) + " began with a commit that is not signed by anybody known");
  }
  const bool matters = policy.unknown_authors || (!policy.approvals.empty() && !policy.self_approval);
  if (attributes_ && matters && !commit.empty() && !course.attributed) {
    violated(to_string(id) + " began before it was known whose work it is");
  }
  if (policy.unknown_authors && policy.unknown_authors->then == UnknownAuthors::refuse &&
      !strangers(inside(id, course)).empty()) {
    violated(to_string(id) + " began with the work of somebody unknown");
  }
}

}  // namespace headgate::sim
