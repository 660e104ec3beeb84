// What somebody who mistyped a name most likely meant.
#pragma once

#include <string_view>
#include <vector>

namespace headgate {

// The candidate with the fewest edits (insertions, deletions, substitutions, swaps of neighbours) to `name`; empty when
// even that takes more than one, and more than one for three bytes of it. Names of more than 64 bytes are near to none.
std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& candidates);

}  // namespace headgate
