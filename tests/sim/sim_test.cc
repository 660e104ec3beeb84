// Random worlds in virtual time. HEADGATE_SIM_SEED=n replays one, HEADGATE_SIM_RUNS=n looks at more of them (0: from a
// seed of chance on, until one breaks a promise: make sim), HEADGATE_SIM_PRINT=1 prints their records.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>

#include "tests/domain/fixture.h"
#include "tests/sim/actors.h"
#include "tests/sim/world.h"
#include "tests/torture.h"

namespace headgate::sim {
namespace {

constexpr std::uint64_t usual_runs = 400;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// A failed check ends the process: the seed must be told all the same.
std::uint64_t seed_under_way = 0;
void tell_seed(int) {
  std::fprintf(stderr, "HEADGATE_SIM_SEED=%llu\n", static_cast<unsigned long long>(seed_under_way));
}

struct Ends {
  std::map<std::string, std::uint64_t> types;
  Position events = 0;
};

void run(std::uint64_t seed, Ends& ends) {
  SCOPED_TRACE("HEADGATE_SIM_SEED=" + std::to_string(seed));
  seed_under_way = seed;
  std::signal(SIGABRT, tell_seed);
  World world(seed);
  world.crash_probability = seed % 3 == 0 ? 0.1 : 0.01;
  Actors actors(world);
  for (int i = 0; i < 200 && world.ok(); ++i) actors.act();
  if (world.ok()) {
    world.crash_probability = 0.01;
    for (const auto& what : actors.do_their_best()) ADD_FAILURE() << what;
  }
  world.finish();
  for (const auto& what : world.failures()) ADD_FAILURE() << what;
  for (const auto& [type, count] : world.seen()) ends.types[type] += count;
  ends.events += world.events();
}

TEST(Simulation, KeepsItsPromisesWhateverHappens) {
  Ends ends;
  if (const auto seed = given_world()) return run(*seed, ends);
  const auto runs = number_from("HEADGATE_SIM_RUNS", usual_runs);
  const std::uint64_t first = runs == 0 ? std::random_device{}() : 1;
  auto seed = first;
  for (; (runs == 0 || seed - first < runs) && !testing::Test::HasFailure(); ++seed) {
    run(seed, ends);
    if (runs == 0 && (seed - first) % 1'000 == 999) std::cout << seed - first + 1 << " worlds" << std::endl;
  }
  std::cout << "seeds " << first << " to " << seed - 1 << ", " << ends.events << " events\n";
  for (const auto& [type, count] : ends.types) std::cout << "  " << count << ' ' << type << '\n';
  // A world in which nothing of interest happens proves nothing.
  if (runs < usual_runs || testing::Test::HasFailure()) return;
  for (const auto* type : {"promotion.succeeded",
                           "promotion.failed",
                           "promotion.rejected",
                           "promotion.cancelled",
                           "promotion.superseded",
                           "rollback.succeeded",
                           "rollback.failed",
                           "release.quarantined",
                           "release.reinstated",
                           "approval.voided",
                           "approval.expired",
                           "activity.retried",
                           "activity.fenced",
                           "target.pinned",
                           "target.unpinned",
                           "target.orphaned",
                           "target.adopted",
                           "drift.detected",
                           "drift.resolved",
                           "clock.stepped",
                           "timer.fired",
                           "configuration.rejected",
                           "freeze.set",
                           "freeze.overridden",
                           "window.expanded",
                           "window.overridden",
                           "rollback.requested",
                           "promotion.retried",
                           "promotion.expedited",
                           "incident.opened",
                           "incident.resolved",
                           "breakglass.used",
                           "configuration.proposed",
                           "configuration.approved",
                           "configuration.superseded",
                           "target.retired",
                           "gate.scheduled",
                           "gate.due",
                           "gate.started",
                           "gate.retried",
                           "monitor.failed",
                           "monitor.recovered",
                           "monitor.summarized",
                           "sla.violated"}) {
    EXPECT_GE(ends.types[type], 5U) << type << " hardly ever happened";
  }
}

}  // namespace
}  // namespace headgate::sim
