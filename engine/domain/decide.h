// The calculation: what a command makes happen, how what happened changes the state, and what follows from a state.
// Pure and synchronous; safe to call from any thread on states that nobody writes meanwhile.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/domain/access.h"
#include "engine/domain/commands.h"
#include "engine/domain/guards.h"
#include "engine/domain/state.h"

namespace headgate {

struct Context {
  Timestamp now;                    // wall clock
  std::string actor = "engine";     // person:<id>, token:<id>, engine
  DigestFunction digest = nullptr;  // sha256:<hex> of a text
  std::span<const Guard> guards = all_guards();
  Claims claims{};  // of the actor's sign-in
};

// One command makes at most this many events, so that a batch stays bounded.
inline constexpr std::size_t max_events_per_command = 256;

// Remembers. Total: it never refuses the past. Targets whose situation may have changed are added to `touched`.
void evolve(State& state, const Recorded<Event>& recorded, std::set<TargetId>* touched = nullptr);

// The part of evolve that concerns one promotion; it also folds an ended promotion from its own events alone.
void evolve(Promotion& promotion, const Recorded<Event>& recorded);

// Judges. An Error writes nothing. No events: nothing changed, which is a success.
Result<std::vector<Event>> decide(const State& state, const Command& command, const Context& context);

// The next thing that follows by itself for a target, given the time: call it for touched and due targets, evolve by
// what it returns, and call again until it returns nothing. Nothing follows a step.waiting at the same time.
std::vector<Event> advance(const State& state, const TargetId& target, const Context& context);

// Outside effects that should be under way: derived, never stored. An effect that is not in it any more is fenced.
std::vector<Activity> pending_effects(const State& state);
std::optional<Activity> pending_effect(const State& state, const TargetId& target);

}  // namespace headgate
