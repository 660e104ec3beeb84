// Exact arithmetic on measured numbers.
#pragma once

#include <optional>

#include "engine/domain/names.h"

namespace headgate {

// Unset when the result is longer than a Decimal may be. Both must be decimals.
std::optional<Decimal> sum(const Decimal& a, const Decimal& b);
std::optional<Decimal> product(const Decimal& a, const Decimal& b);

}  // namespace headgate
