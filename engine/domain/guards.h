// What stands between a commit and production: one table of named predicates. `advance` asks it before the first
// outside effect, `explain` prints it, and a mutation test takes its rows away one by one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/state.h"

namespace headgate {

using DigestFunction = std::string (*)(std::string_view text);

// Whether a guard holds a promotion that is under way, too: each of its steps that changes the target.
enum class Holds : std::uint8_t { nothing, always, unless_overrun };

// One row. Everything that is asked of a guard stands in its columns: the name is for people and for the log.
struct Guard {
  std::string_view name;
  StepKind step;  // that waits for it: gates, approval, wait, pause; deploy: none, it is judged before the first effect
                  // alone
  std::vector<Condition> (*judge)(const State& state, const Promotion& promotion, Timestamp now);
  // It tells how good the release is found to be: when such a verdict gets worse, approvals given before do not hold.
  bool verdict = false;
  bool evidence = false;     // an approval cites the events of its conditions
  bool of_switch = false;    // of the approval between a verified candidate and its traffic, not of the first one
  bool bars = false;         // what is under way fails at the next step that brings the release on
  bool overridable = false;  // its conditions are passed by a window.overridden each
  bool in_line = false;      // the end of another promotion in the environment may meet it
  Holds holds = Holds::nothing;
};

std::span<const Guard> all_guards();
// Of a condition as it was recorded.
bool waits_in_line(const Condition& condition);

// Every condition of a promotion, met or not, in the order of the table; with a column, of the guards that have it.
std::vector<Condition> judge(const State& state, const Promotion& promotion, Timestamp now,
                             std::span<const Guard> guards = all_guards(), bool Guard::*column = nullptr);

// What bears on a promotion as it stands: all its conditions; of a way back, which no gate, window or freeze holds,
// only what its step waits for and a pause of effects.
std::vector<Condition> explain_live(const State& state, const Promotion& promotion, Timestamp now);

// Where a promotion that failed or goes back turned from its way: the first outcome of a step that failed, or where
// none did before, the beginning of the way back. Unset: it has not turned.
struct TurningPoint {
  Position position = 0;  // of the event
  std::optional<Timestamp> time;
};
std::optional<TurningPoint> turning_point_of(const Promotion& promotion);

// What failed on such a promotion's way, and the incident that is open `now`, with its next step. `then`: the state
// just before it turned, whose documents the failed step is of.
std::vector<Condition> explain_failure(const State& then, const State& now, const Promotion& promotion);

// Why the target is not where its document wants it although no promotion is under way; empty when it is, or when a
// promotion will be planned at once. `after_failure` false: as if no promotion of the same wish had failed before.
std::vector<Condition> explain_idle(const State& state, const TargetId& target, bool after_failure = true);

// What the target's document wishes, its release resolved by what is registered. An Error says what is missing.
Result<Wish> resolve_wish(const State& state, const TargetId& target, const Release& release,
                          const StringMap& variables);

}  // namespace headgate
