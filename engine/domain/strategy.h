// How a stage brings a release in: the strategies of the documents, and the metrics that are measured meanwhile.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/names.h"
#include "engine/domain/time.h"

namespace headgate {

// Places that a target can run in. Which one is stable and which the candidate is state, and changes with a switch.
inline constexpr std::array<std::string_view, 2> slot_names{"blue", "green"};

// A value counts only when this many samples are behind it.
struct MinSamples {
  std::string query;
  Decimal min;
  bool operator==(const MinSamples&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("query", s.query);
    v("min", s.min);
  }
};

// What the value is compared with: the stable slot in the same window, or with `window` the time before the rollout.
// After the switch of a blueGreen the plan has a window, as long as what is observed.
struct Baseline {
  std::optional<Duration> window;
  std::optional<Decimal> max_delta;  // value <= baseline + max_delta
  std::optional<Decimal> max_ratio;  // value <= baseline * max_ratio
  std::string query;                 // resolved for the stable slot; empty in a document
  bool operator==(const Baseline&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("window_ms", s.window);
    v("max_delta", s.max_delta);
    v("max_ratio", s.max_ratio);
    v("query", s.query);
  }
};

// Limits count over a whole promotion; one more than a limit ends it (failures, errors in a row) or makes it wait for a
// person (inconclusive).
struct Metric {
  std::string name;
  std::string query;
  Duration interval = std::chrono::minutes(1);
  std::optional<MinSamples> min_samples;
  std::optional<Decimal> min;
  std::optional<Decimal> max;
  std::optional<Baseline> baseline;
  std::uint32_t failure_limit = 0;
  std::uint32_t inconclusive_limit = 0;
  std::uint32_t consecutive_error_limit = 4;
  std::uint32_t line = 0;
  bool operator==(const Metric&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("query", s.query);
    v("interval_ms", s.interval);
    v("min_samples", s.min_samples);
    v("min", s.min);
    v("max", s.max);
    v("baseline", s.baseline);
    v("failure_limit", s.failure_limit);
    v("inconclusive_limit", s.inconclusive_limit);
    v("consecutive_error_limit", s.consecutive_error_limit);
    v("line", s.line);
  }
};

// Either a weight of the candidate, in percent, or a pause; a pause without a duration waits for a person.
struct CanaryStep {
  std::optional<std::uint32_t> weight;
  std::optional<Duration> pause;
  std::uint32_t line = 0;
  bool operator==(const CanaryStep&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("weight", s.weight);
    v("pause_ms", s.pause);
    v("line", s.line);
  }
};

struct Canary {
  std::vector<CanaryStep> steps;
  std::vector<std::string> analysis;  // names of metrics
  bool operator==(const Canary&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("steps", s.steps);
    v("analysis", s.analysis);
  }
};

// Its checks of the preview are Stage::verify_preview.
struct BlueGreen {
  bool approve_switch = false;
  Duration observe{0};
  std::vector<std::string> analysis;
  Duration keep_old{0};
  std::uint32_t line = 0;
  bool operator==(const BlueGreen&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("approve_switch", s.approve_switch);
    v("observe_ms", s.observe);
    v("analysis", s.analysis);
    v("keep_old_ms", s.keep_old);
    v("line", s.line);
  }
};

// Instances are replaced so many percent at a time.
struct Rolling {
  std::uint32_t percent = 25;
  Duration pause{0};
  std::uint32_t line = 0;
  bool operator==(const Rolling&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("percent", s.percent);
    v("pause_ms", s.pause);
    v("line", s.line);
  }
};

// At most one is set.
struct Strategy {
  std::optional<Canary> canary;
  std::optional<BlueGreen> blue_green;
  std::optional<Rolling> rolling;
  bool operator==(const Strategy&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("canary", s.canary);
    v("blue_green", s.blue_green);
    v("rolling", s.rolling);
  }
};

}  // namespace headgate
