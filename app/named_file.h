// What an option or the server's file names: when it is not there, the name is wrong, and nothing was answered.
#pragma once

#include <utility>

#include "engine/domain/error.h"

namespace headgate::app {

// not_found becomes invalid_input.
template <class T>
Result<T> as_named(Result<T> read) {
  if (!read && read.error().code == ErrorCode::not_found) read.error().code = ErrorCode::invalid_input;
  return read;
}

}  // namespace headgate::app
