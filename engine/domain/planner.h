// From policy to plan: pure data.
#pragma once

#include "engine/domain/guards.h"
#include "engine/domain/plan.h"
#include "engine/domain/state.h"

namespace headgate {

// Hooks and checks that a stage may have: with each check once more for the way back, the events of its plan stay
// within max_events_per_command.
inline constexpr std::size_t max_stage_steps = 96;

// A location of the target, and what is there.
struct Place {
  const Location* location = nullptr;
  std::optional<Wish> from;
  std::optional<Wish> way_back;
  std::optional<Wish> stable;  // what runs in `stable_slot`
  std::string stable_slot;
  std::string left_slot;
};

struct PlanInput {
  PromotionId id;
  const InForce<Service>* service = nullptr;
  const Stage* stage = nullptr;
  const InForce<Environment>* environment = nullptr;
  std::optional<Wish> from;      // what runs there
  std::optional<Wish> way_back;  // what a rollback brings back: the newest verified there
  Wish to;
  std::optional<Wish> stable{};  // what runs in `stable_slot`; the slot is empty where nothing runs in one
  std::string stable_slot{};
  std::string left_slot{};               // where that runs which a way back leaves
  bool expedited = false;                // its waits are cut to what the stage's `expedite` says; the stage has one
  std::vector<Place> places{};           // in the order in which they are promoted; none: the environment is one place
  std::vector<std::string> locations{};  // those that were asked for by name
  const Location* location = nullptr;    // the one of `places` that is being planned
  bool goes_back = false;                // it is a way back and nothing else
};

// Forward steps: gates?, approval?, wait?, before-hooks, deploy, verifications; then, with rollback: true,
// rollback-deploy and rollback-<check> each, or rollback-retire when there is no way back and the driver can retire.
Plan plan_promotion(const PlanInput& input, DigestFunction digest);

// Of taking `input.to` away: approval?, wait?, retire. Nothing leads back.
Plan plan_retirement(const PlanInput& input, DigestFunction digest);

// The same steps of a way back as a plan of their own: input.from is what is left, input.way_back what comes back.
// `restore`: with what the restore point names.
Plan plan_way_back(const PlanInput& input, bool restore, DigestFunction digest);

// What brings releases to the targets of the stage: its own driver, else the location's, else the environment's.
const Driver& driver_of(const Stage& stage, const Environment& environment, const Location* location = nullptr);

// Replaces ${name} by its value; an unknown name stays as it is (the document parser has refused it before).
// `percent_encode`: for URLs.
std::string interpolate(std::string_view text, const StringMap& values, bool percent_encode = false);

}  // namespace headgate
