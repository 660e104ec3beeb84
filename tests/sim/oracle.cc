#include "tests/sim/oracle.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace headgate::sim {

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
  if (e.repository != "environments") return;
  commit_people_.insert({e.author, e.committer});
  commit_people_.insert(e.co_authors.begin(), e.co_authors.end());
}

void Oracle::handle(const ConfigurationAccepted& e) {
  for (const auto& [commit, event] : staged_) {
    const auto* accepted = std::get_if<DocumentAccepted>(&event);
    const auto* service = accepted && commit == e.commit ? std::get_if<Service>(&accepted->document) : nullptr;
    if (service && !service->formerly.empty()) renamed_[service->formerly] = service->name;
  }
  for (const auto& [commit, event] : staged_) {
    if (commit == e.commit) take_force(event);
  }
  for (const auto& [commit, event] : staged_) {
    const auto* accepted = std::get_if<DocumentAccepted>(&event);
    const auto* service = accepted && commit == e.commit ? std::get_if<Service>(&accepted->document) : nullptr;
    if (service && !service->formerly.empty()) called_otherwise(service->formerly, service->name);
  }
  staged_.clear();
  commit_people_.clear();
}

void Oracle::take_force(const Event& staged) {
  if (const auto* removed = std::get_if<DocumentRemoved>(&staged)) {
    if (removed->kind == DocumentKind::service) services_.erase(removed->document);
    if (removed->kind == DocumentKind::access_policy) access_.reset();
    if (removed->kind != DocumentKind::target) return;
    const auto dot = removed->document.find('.');
    const TargetId id{removed->document.substr(0, dot), removed->document.substr(dot + 1)};
    const auto before = targets_.find(id);
    auto& place = places_[id];
    if (before != targets_.end() && before->second.on_delete == OnDelete::retire) {
      place.retiring = true;
      place.failed.reset();
      place.work.push_back({before->second, commit_people_, position_});
    } else if (called(id.service) == id.service) {
      place.work.clear();
    }
    targets_.erase(id);
    return;
  }
  const auto& document = std::get<DocumentAccepted>(staged).document;
  if (const auto* service = std::get_if<Service>(&document)) services_[service->name] = *service;
  if (const auto* policy = std::get_if<AccessPolicy>(&document)) access_ = *policy;
  if (const auto* place = std::get_if<Environment>(&document)) {
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
  if (const auto* target = std::get_if<Target>(&document)) {
    const auto before = targets_.find(target->id);
    const bool same = before != targets_.end() && before->second.release == target->release &&
                      before->second.variables == target->variables;
    if (!same) places_[target->id].work.push_back({*target, commit_people_, position_});
    targets_[target->id] = *target;
    places_[target->id].orphaned = places_[target->id].retiring = false;
  }
}

std::string Oracle::called(const std::string& service) const {
  const auto at = renamed_.find(service);
  return at == renamed_.end() ? service : called(at->second);
}

// What is known of its releases is known of them under the new name; what was reported under that one goes before.
void Oracle::called_otherwise(const std::string& from, const std::string& to) {
  for (auto& [id, freeze] : freezes_) std::ranges::replace(freeze.services, from, to);
  if (services_.contains(from)) return;
  std::map<ReleaseId, Release> releases;
  for (const auto& [id, release] : releases_) {
    if (id.service == from) releases.emplace(ReleaseId{to, id.version}, release);
  }
  releases_.merge(releases);
  std::vector<Report> reports;
  for (const auto& report : reports_) {
    if (report.service != from) continue;
    reports.push_back(report);
    reports.back().service = to;
  }
  reports_.insert(reports_.begin(), reports.begin(), reports.end());
  trees_[to].merge(trees_[from]);
}

void Oracle::handle(const TargetRenamed& e) {
  auto& place = places_[e.target];
  auto known = std::exchange(places_[e.from], {});
  for (auto& work : place.work) {  // of what is wished next
    known.work.push_back(std::move(work));
    known.work.back().at = position_;
  }
  known.orphaned = known.orphaned && !targets_.contains(e.target);
  known.retiring = false;
  place = std::move(known);
  incidents_[e.target] += std::exchange(incidents_[e.from], 0);
}

// ----------------------------------------------------------------------------------------------------------- releases

void Oracle::handle(const ReleaseRegistered& e) {
  const Release release{e.id.version, e.commit, e.artifacts};
  const auto [at, fresh] = releases_.try_emplace(e.id, release);
  if (!fresh && at->second != release) violated("release " + to_string(e.id) + " changed");
}

void Oracle::handle(const ReleaseQuarantined& e) {
  const Release release{e.id.version, e.commit, e.artifacts};
  quarantined_.emplace_back(e.id.service, release);
  bool evidence = false;
  for (auto& [id, course] : courses_) {
    if (!course.live || id.target.service != e.id.service || !course.planned.to.release.same_candidate(release))
      continue;
    course.barred = true;
    evidence |= unhealthy(course) || breached(course);
  }
  evidence = evidence || std::ranges::any_of(places_, [&](const auto& entry) {
               return entry.first.service == e.id.service && demanded(entry.first);
             });
  if (actor_ == "engine" && !evidence)
    violated("release " + to_string(e.id) + " was quarantined without a failed verification");
}

void Oracle::handle(const ReleaseReinstated& e) {
  const auto at = std::find_if(quarantined_.begin(), quarantined_.end(), [&](const auto& entry) {
    return called(entry.first) == called(e.id.service) && entry.second.version == e.id.version;
  });
  if (at == quarantined_.end()) return violated(to_string(e.id) + " was reinstated and not quarantined");
  const auto release = at->second;
  std::erase_if(quarantined_, [&](const auto& entry) {
    return called(entry.first) == called(e.id.service) && entry.second.same_candidate(release);
  });
  for (auto& [id, place] : places_) {
    if (called(id.service) != called(e.id.service)) continue;
    if (place.failed && place.failed->second.release.same_candidate(release)) place.failed.reset();
  }
}

bool Oracle::unhealthy(const Course& course) {
  return std::ranges::any_of(course.steps, [&](const Step& step) {
    const auto at = course.attempts.find(step.name);
    return step.kind == StepKind::health && !step.rollback && at != course.attempts.end() && at->second.unhealthy;
  });
}

bool Oracle::breached(const Course& course) {
  return std::ranges::any_of(course.steps, [&](const Step& step) {
    return std::ranges::any_of(step.metrics, [&](const Metric& metric) {
      const auto at = course.failures.find(metric.name);
      return at != course.failures.end() && at->second > metric.failure_limit;
    });
  });
}

void Oracle::handle(const MeasurementTaken& e) {
  if (auto* course = live(e.id.promotion); course && e.verdict == Verdict::failed) ++course->failures[e.metric];
}

bool Oracle::quarantined(const std::string& service, const Release& release) const {
  return std::any_of(quarantined_.begin(), quarantined_.end(), [&](const auto& entry) {
    return called(entry.first) == called(service) && entry.second.same_candidate(release);
  });
}

// ---------------------------------------------------------------------------------------------- steps and effects

void Oracle::handle(const StepSucceeded& e) {
  if (auto* course = live(e.id.promotion)) course->done.insert(e.id.step);
}

void Oracle::handle(const TimerSet& e) {
  if (auto* course = live(e.id.promotion); course && e.id.step == "wait") course->timer_set = elapsed_;
}

// What is retried may go on with a pause: that is where everything is judged once more.
void Oracle::handle(const PromotionStarted& e) {
  auto* course = live(e.promotion);
  if (!course || course->began || !course->goes_on) return;
  check_closures({e.promotion, "start"}, *course, true, false);
  first_effect(e.promotion, *course);
  course->began = true;
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
    if (before->rollback != step->rollback || course->done.contains(before->name)) continue;
    if (step->rollback && before->location != step->location) continue;  // it may not have been touched
    violated(name + " began before " + before->name + " was done");
  }
  const auto& service = e.id.promotion.target.service;
  const bool brings = step->kind == StepKind::deploy || step->kind == StepKind::traffic || step->kind == StepKind::run;
  if (step->kind == StepKind::deploy && quarantined(service, step->deploys->release)) {
    violated(name + " deploys the quarantined release " + step->deploys->release.version);
  } else if (brings && !step->rollback && quarantined(service, course->planned.to.release)) {
    violated(name + " brings the quarantined release " + course->planned.to.release.version);
  }
  if (step->irreversible == true) places_[e.id.promotion.target].irreversible = position_;
  if (!step->rollback) {
    check_closures(e.id, *course, !course->began, brings);
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
  const auto in_force = services_.find(id.target.service);
  const bool under_its_own =
      course.goes_on && (in_force == services_.end() || !course.policy || *course.policy != in_force->second);
  if (!policy && !under_its_own) return violated(to_string(id) + " began and no stage leads there");
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
  if (under_its_own) return;  // what is under way is not altered by another policy
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

}  // namespace headgate::sim
