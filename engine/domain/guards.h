// What stands between a commit and production: one table of named predicates. `advance` asks it before the first
// outside effect, `explain` prints it, and a mutation test takes its rows away one by one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/state.h"

namespace headgate {

using DigestFunction = std::string (*)(std::string_view text);

struct Guard {
  std::string_view name;
  StepKind step;  // that waits for it: gates, approval, wait, pause; deploy: none, it is judged before the first effect
                  // alone
  std::vector<Condition> (*judge)(const State& state, const Promotion& promotion, Timestamp now);
};

std::span<const Guard> all_guards();

// Whether the guard tells how good the release is found to be: when such a verdict gets worse, approvals that were
// given before do not hold.
bool is_verdict(std::string_view guard);

// Every condition of a promotion, met or not, in the order of the table.
std::vector<Condition> judge(const State& state, const Promotion& promotion, Timestamp now,
                             std::span<const Guard> guards = all_guards());

// Why the target is not where its document wants it although no promotion is under way; empty when it is, or when a
// promotion will be planned at once. `after_failure` false: as if no promotion of the same wish had failed before.
std::vector<Condition> explain_idle(const State& state, const TargetId& target, bool after_failure = true);

// What the target's document wishes, its release resolved by what is registered. An Error says what is missing.
Result<Wish> resolve_wish(const State& state, const TargetId& target, const Release& release,
                          const StringMap& variables);

}  // namespace headgate
