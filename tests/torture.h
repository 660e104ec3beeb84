// Randomized tests: HEADGATE_SEED replays one, HEADGATE_TORTURE=N makes N times as many rounds, of a new seed each time
// (make torture). Otherwise the seed is always the same: a change is judged by what it changes. No test takes a seed
// from anywhere else.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>

namespace headgate {

// What somebody wants to see again. HEADGATE_SIM_SEED (make sim SEED=n) means the simulated worlds alone, which name it
// when they fail; they take either.
inline std::optional<std::uint64_t> given_seed(const char* variable = "HEADGATE_SEED") {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  return std::stoull(text);
}
inline std::optional<std::uint64_t> given_world() {
  const auto world = given_seed("HEADGATE_SIM_SEED");
  return world ? world : given_seed();
}

// Printed, so that what fails can be run again.
inline std::uint64_t torture_seed(const char* what) {
  const bool torture = std::getenv("HEADGATE_TORTURE") != nullptr;
  const auto seed = given_seed().value_or(torture ? std::random_device{}() : 20'260'229ULL);
  std::printf("%s: HEADGATE_SEED=%llu\n", what, static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  return seed;
}

inline std::size_t torture_rounds(std::size_t rounds) {
  const char* factor = std::getenv("HEADGATE_TORTURE");
  return factor != nullptr ? rounds * std::stoull(factor) : rounds;
}

}  // namespace headgate
