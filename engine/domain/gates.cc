#include "engine/domain/gates.h"

#include <algorithm>

#include "engine/domain/names.h"

namespace headgate {
namespace {

// Empty: within its bounds.
std::string out_of_bounds(const Threshold& threshold, const Decimal& measured) {
  if (threshold.min && compare(measured, *threshold.min) < 0) {
    return "is " + measured.text + ", below the minimum of " + threshold.min->text;
  }
  if (threshold.max && compare(measured, *threshold.max) > 0) {
    return "is " + measured.text + ", above the maximum of " + threshold.max->text;
  }
  return {};
}

bool farther_out(const Threshold& threshold, const Decimal& now, const Decimal& before) {
  if (threshold.max && compare(now, *threshold.max) > 0) return compare(now, before) > 0;
  return compare(now, before) < 0;
}

}  // namespace

bool is_metric_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

GateOpinion opinion_of(const Gate& gate, const GateResult& result) {
  GateOpinion opinion;
  if (result.status == GateStatus::failed) opinion.objection = "failed";
  if (result.status == GateStatus::error) opinion.objection = "could not be judged (error)";
  for (const auto& [name, threshold] : gate.metrics) {
    if (!opinion.objection.empty()) break;
    if (!threshold.min && !threshold.max) continue;  // tracked
    const auto measured = result.metrics.find(name);
    if (measured == result.metrics.end()) {
      opinion.objection = "metric " + name + " was not reported";
      break;
    }
    const auto why = out_of_bounds(threshold, measured->second);
    if (why.empty()) continue;
    if (threshold.otherwise == Otherwise::approval) {
      opinion.exceptions.push_back({gate.name + "/" + name, measured->second, threshold,
                                    "metric " + name + " of gate " + gate.name + " " + why, gate.line,
                                    result.position});
    } else {
      opinion.objection = "metric " + name + " " + why;
    }
  }
  if (!opinion.objection.empty()) opinion.exceptions.clear();
  return opinion;
}

std::vector<std::string> reported_too_early(const Gate& gate, const GateResult& result) {
  std::vector<std::string> missing;
  for (const auto& name : gate.after) {
    if (std::ranges::find(result.after, name) == result.after.end()) missing.push_back(name);
  }
  return missing;
}

std::vector<std::string> passed_before(const Service& service, const ServiceState& reports, const Release& release,
                                       const Gate& gate) {
  std::vector<std::string> passed;
  for (const auto& name : gate.after) {
    const auto before = std::ranges::find(service.gates, name, &Gate::name);
    const auto* result = reports.gate(release, name);
    if (before == service.gates.end() || !result || !opinion_of(*before, *result).objection.empty()) continue;
    if (reported_too_early(*before, *result).empty()) passed.push_back(name);
  }
  return passed;
}

std::vector<std::string> passed_by_now(const State& state, const std::string& name, const Release& release, Gate gate) {
  const auto& service = state.services.find(name)->second;
  for (auto at = state.active.lower_bound({name, {}}); at != state.active.end() && at->service == name; ++at) {
    for (const auto& step : state.find(*at)->promotion->steps) {
      for (const auto& planned : step.step->gates) {
        if (planned.name != gate.name) continue;
        for (const auto& before : planned.after) add_unique(gate.after, before);
      }
    }
  }
  return passed_before(service.document->document, service, release, gate);
}

std::vector<GateException> exceptions_of(const State& state, const Promotion& promotion) {
  std::vector<GateException> all;
  const auto service = state.services.find(promotion.id.target.service);
  if (service == state.services.end()) return all;
  for (const auto& step : promotion.steps) {
    for (const auto& gate : step.step->gates) {
      const auto* result = service->second.gate(promotion.to.release, gate.name);
      if (!result) continue;
      for (auto& exception : opinion_of(gate, *result).exceptions) all.push_back(std::move(exception));
    }
  }
  return all;
}

std::string new_reason(const std::vector<GateException>& now, const std::map<std::string, Decimal, std::less<>>& seen) {
  for (const auto& exception : now) {
    const auto before = seen.find(exception.key);
    if (before == seen.end()) return "a new reason for approval: " + exception.text;
    if (farther_out(exception.threshold, exception.measured, before->second)) {
      return "it was " + before->second.text + " when it was approved: " + exception.text;
    }
  }
  return {};
}

}  // namespace headgate
