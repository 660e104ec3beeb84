// When a failed attempt is tried again: 1 s, 2 s, 4 s, 8 s, 16 s after it, each up to a quarter longer, so that what
// failed together does not come back together. The jitter follows from the activity's id: a decision stays repeatable.
#pragma once

#include <algorithm>

#include "engine/domain/names.h"
#include "engine/domain/time.h"

namespace headgate {

inline constexpr std::uint32_t max_attempts = 6;

inline Duration retry_delay(const StepId& id, std::uint32_t failed_attempt) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : to_string(id) + '#' + std::to_string(failed_attempt)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  const Duration base = std::chrono::seconds(1LL << std::min<std::uint32_t>(failed_attempt - 1, 8));
  const auto quarter = static_cast<std::uint64_t>(base.count() / 4);
  return std::chrono::floor<std::chrono::milliseconds>(base + Duration{static_cast<Duration::rep>(hash % quarter)});
}

}  // namespace headgate
