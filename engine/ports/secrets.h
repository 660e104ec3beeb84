// What the host keeps secret, by name. A value is read when it is needed and kept nowhere.
#pragma once

#include <string>
#include <string_view>

#include "engine/domain/error.h"

namespace headgate {

class Secrets {
 public:
  virtual ~Secrets() = default;
  // not_found, or io; the message never holds a value. Thread-safe.
  virtual Result<std::string> read(std::string_view name) const = 0;
};

}  // namespace headgate
