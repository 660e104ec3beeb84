// What somebody who mistyped a name most likely meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headgate {

// The candidate with the fewest edits (insertions, deletions, substitutions, swaps of neighbours) to `name`; empty when
// even that takes more than one, and more than one for three bytes of it. Names of more than 64 bytes are near to none.
std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& candidates);

// "; the nearest is 'gateway'", or nothing, for a name that the map does not have.
template <class Map>
std::string nearest_of(std::string_view name, const Map& known) {
  std::vector<std::string_view> names;
  for (const auto& [key, value] : known) names.push_back(key);
  const auto nearest = nearest_name(name, names);
  return nearest.empty() ? std::string() : "; the nearest is '" + std::string(nearest) + "'";
}

}  // namespace headgate
