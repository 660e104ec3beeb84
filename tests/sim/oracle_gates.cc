// Reports of gates, what must be healthy, windows and freezes, and whether a step came through them.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "tests/sim/oracle.h"

namespace headgate::sim {
namespace {

// The world reports metrics with at most three digits of fraction.
long long thousandths(const Decimal& value) {
  const double number = std::strtod(value.text.c_str(), nullptr) * 1000;
  return static_cast<long long>(number + (number < 0 ? -0.5 : 0.5));
}

}  // namespace

void Oracle::handle(const GateReported& e) {
  if (e.run) run_ended(e);
  Report made{e.service.text, e.commit, e.version, e.gate, e.status, e.metrics, elapsed_, {}};
  for (const auto& gate : services_[e.service.text].gates) {
    const auto* before = latest_report(e.service.text, {e.version, e.commit, {}}, gate.name);
    if (before && passes(gate, *before)) made.passed_before.insert(gate.name);
  }
  reports_.push_back(std::move(made));
}

// Nothing that is the service's differs between them.
bool Oracle::same_work(const std::string& service, const std::string& one, const std::string& other) const {
  if (one == other) return true;
  const auto known = trees_.find(service);
  if (known == trees_.end()) return false;
  const auto a = known->second.find(one);
  const auto b = known->second.find(other);
  return a != known->second.end() && b != known->second.end() && a->second == b->second;
}

const Oracle::Report* Oracle::latest_report(const std::string& service, const Release& release,
                                            const std::string& gate) const {
  const auto latest = std::find_if(reports_.rbegin(), reports_.rend(), [&](const Report& report) {
    const bool concerns = release.commit.empty() ? report.commit.empty() && report.version == release.version
                                                 : same_work(service, report.commit, release.commit);
    return report.service == service && report.gate == gate && concerns;
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
  const TargetId target{called(id.promotion.target.service), id.promotion.target.environment};
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
    const TargetId other{id.target.service, environment};
    const auto& there = places_[other];
    const bool verified = std::any_of(there.verified.begin(), there.verified.end(),
                                      [&](const Release& known) { return known.same_candidate(release); });
    if (!verified) violated(to_string(id) + " began although it is not verified in " + environment);
    if (drifted(other) && there.current && there.current->release.same_candidate(release)) {
      violated(to_string(id) + " began although " + environment + " has drifted from it");
    }
    if (incidents_[other] > 0) violated(to_string(id) + " began although an incident of " + environment + " is open");
  }
}

}  // namespace headgate::sim
