#include "engine/base/nearest_name.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace headgate {
namespace {

constexpr std::size_t kMaxComparedBytes = 64;  // bounds the work for a name that is nothing like a candidate

// Optimal string alignment.
std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::size_t, kMaxComparedBytes + 1> before_last{};
  std::array<std::size_t, kMaxComparedBytes + 1> last{};
  std::array<std::size_t, kMaxComparedBytes + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& candidates) {
  if (name.size() > kMaxComparedBytes) return {};
  std::string_view best;
  auto best_distance = std::max<std::size_t>(name.size() / 3, 1) + 1;
  for (const auto candidate : candidates) {
    if (candidate.size() > kMaxComparedBytes) continue;
    if (const auto d = distance(name, candidate); d < best_distance) {
      best_distance = d;
      best = candidate;
    }
  }
  return best;
}

}  // namespace headgate
