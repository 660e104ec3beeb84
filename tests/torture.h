// Randomized tests: HEADGATE_SEED replays one, HEADGATE_TORTURE=N makes N times as many rounds (make torture).
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
  const auto seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  std::printf("%s: HEADGATE_SEED=%llu\n", what, static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  return seed;
}

inline std::size_t torture_rounds(std::size_t rounds) {
  const char* factor = std::getenv("HEADGATE_TORTURE");
  return factor != nullptr ? rounds * std::stoull(factor) : rounds;
}

}  // namespace headgate
