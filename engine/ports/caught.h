// For threads that go on and on: what one round throws (there is no memory, or no thread to be had) fails that round
// alone.
#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include "engine/domain/error.h"

namespace headgate {

// What `round`, which returns a Result, returns; unavailable when it throws.
template <class Round>
std::invoke_result_t<Round> caught(Round&& round) {
  try {
    return std::forward<Round>(round)();
  } catch (const std::exception& exception) {
    return fail(ErrorCode::unavailable, exception.what());
  }
}

}  // namespace headgate
