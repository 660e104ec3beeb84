// What the reports about a release say of its gates.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/state.h"

namespace headgate {

// A metric out of its bounds whose gate asks for an approval then, instead of failing.
struct GateException {
  std::string key;  // gate/metric
  Decimal measured;
  Threshold threshold;
  std::string text;  // "metric high of gate scan is 3, above the maximum of 0"
  std::uint32_t line = 0;
  Position position = 0;  // of the report
};

struct GateOpinion {
  std::string objection;  // why the report does not pass the gate; empty: it does
  std::vector<GateException> exceptions;
};

// Up to 63 letters, digits and . _ -
bool is_metric_name(std::string_view text);

// By the report's status and metrics alone.
GateOpinion opinion_of(const Gate& gate, const GateResult& result);

// The gates that `gate` comes after and that have not passed when its report was made.
std::vector<std::string> reported_too_early(const Gate& gate, const GateResult& result);

// Of the gates that `gate` comes after, those that the release has passed by now.
std::vector<std::string> passed_before(const Service& service, const ServiceState& reports, const Release& release,
                                       const Gate& gate);
// The same of a report that is made now: also of those that it comes after in a plan under way, by a policy before.
std::vector<std::string> passed_by_now(const State& state, const std::string& service, const Release& release,
                                       Gate gate);

// Of every gate that the promotion requires, by the latest reports.
std::vector<GateException> exceptions_of(const State& state, const Promotion& promotion);

// Why an approval by somebody who saw `seen` is not enough any more: an exception that was not there, or was not as
// bad. Empty: it is.
std::string new_reason(const std::vector<GateException>& now, const std::map<std::string, Decimal, std::less<>>& seen);

}  // namespace headgate
