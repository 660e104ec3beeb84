// Randomized tests: HEADGATE_SEED replays one, HEADGATE_TORTURE=N makes N times as many rounds, of a new seed each time
// (make torture). Otherwise the seed is always the same: a change is judged by what it changes.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

namespace headgate {

// Printed, so that what fails can be run again.
inline std::uint64_t torture_seed(const char* what) {
  const char* given = std::getenv("HEADGATE_SEED");
  const bool torture = std::getenv("HEADGATE_TORTURE") != nullptr;
  const auto seed = given != nullptr ? std::stoull(given) : torture ? std::random_device{}() : 20'260'229ULL;
  std::printf("%s: HEADGATE_SEED=%llu\n", what, static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  return seed;
}

inline std::size_t torture_rounds(std::size_t rounds) {
  const char* factor = std::getenv("HEADGATE_TORTURE");
  return factor != nullptr ? rounds * std::stoull(factor) : rounds;
}

}  // namespace headgate
