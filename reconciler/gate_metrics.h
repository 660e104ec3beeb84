// What the evidence of a gate's run says of its metrics.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/domain/names.h"

namespace headgate::reconciler {

inline constexpr std::size_t max_gate_metrics = 64;

// The numbers of {"metrics": {"coverage": 91.2}}, digit by digit as they were written; what is no number there is left
// out, and so is what comes after the first max_gate_metrics. `evidence`: one JSON object (compact_json_object).
std::map<std::string, Decimal, std::less<>> gate_metrics(std::string_view evidence);

}  // namespace headgate::reconciler
