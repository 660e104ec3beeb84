// What one measurement says of a release.
#include "engine/domain/decimal.h"
#include "engine/domain/rollout.h"

namespace headgate {
namespace {

Judgement no_more_than(const Metric& metric, const Decimal& value, const std::optional<Decimal>& bound,
                       const std::string& what) {
  if (!bound) return {Verdict::error, metric.name + ": " + what + " cannot be reckoned: the numbers are too long"};
  if (compare(value, *bound) <= 0) return {};
  return {Verdict::failed, metric.name + " is " + value.text + ", at most " + bound->text + " (" + what + ")"};
}

}  // namespace

Judgement judge_measurement(const Metric& metric, const Measured& measured) {
  const auto inconclusive = [&](const std::string& why) { return Judgement{Verdict::inconclusive, metric.name + why}; };
  if (const auto& rule = metric.min_samples) {
    if (!measured.samples) return inconclusive(": the query of minSamples found no sample");
    if (compare(*measured.samples, rule->min) < 0) {
      return inconclusive(": " + measured.samples->text + " samples, minSamples is " + rule->min.text);
    }
  }
  if (!measured.value) return inconclusive(": the query found no sample");
  const auto& value = *measured.value;
  if (metric.max && compare(value, *metric.max) > 0) {
    return {Verdict::failed, metric.name + " is " + value.text + ", at most " + metric.max->text};
  }
  if (metric.min && compare(value, *metric.min) < 0) {
    return {Verdict::failed, metric.name + " is " + value.text + ", at least " + metric.min->text};
  }
  if (!metric.baseline) return {};
  if (!measured.baseline) return inconclusive(": the baseline has no sample");
  const auto& base = *measured.baseline;
  if (const auto& delta = metric.baseline->max_delta) {
    auto judged = no_more_than(metric, value, sum(base, *delta), "baseline " + base.text + " + " + delta->text);
    if (judged.verdict != Verdict::passed) return judged;
  }
  if (const auto& ratio = metric.baseline->max_ratio) {
    return no_more_than(metric, value, product(base, *ratio), "baseline " + base.text + " x " + ratio->text);
  }
  return {};
}

}  // namespace headgate
