// Whose turn it is among looks that share few workers, so that those that hang do not keep the others waiting:
// - of the looks that are due, the one whose environment has the fewest under way goes first, then the one that has
//   waited longest;
// - those that were slow the last time hold at most half of the workers.
// So looks that hang for the first time, however many of an environment, keep the others waiting for no longer than one
// time limit, and their own environment until each of them had its turn; from then on they keep nobody waiting. Only
// where more environments than there are workers begin to hang at once do the others wait for several time limits.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "engine/domain/error.h"
#include "engine/domain/time.h"

namespace headgate::reconciler {

// Takes no lock: its user has one.
class FairTurns {
 public:
  static constexpr Duration slow_after = std::chrono::seconds(10);  // a look that took so long was slow

  explicit FairTurns(std::size_t workers) : max_slow_(std::max<std::size_t>(workers / 2, 1)) {}

  bool allows(bool slow) const { return !slow || slow_ < max_slow_; }
  std::size_t under_way(const std::string& environment) const {
    const auto found = under_way_.find(environment);
    return found == under_way_.end() ? 0 : found->second;
  }

  void begin(const std::string& environment, bool slow) {
    ++under_way_[environment];
    slow_ += slow ? 1 : 0;
  }
  // `slow`: as it began.
  void end(const std::string& environment, bool slow) {
    const auto found = under_way_.find(environment);
    HEADGATE_CHECK(found != under_way_.end());
    if (--found->second == 0) under_way_.erase(found);
    slow_ -= slow ? 1 : 0;
  }

 private:
  std::size_t max_slow_;
  std::size_t slow_ = 0;                          // that are under way
  std::map<std::string, std::size_t> under_way_;  // by environment; those with none are not in it
};

}  // namespace headgate::reconciler
