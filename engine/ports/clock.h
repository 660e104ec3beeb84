// The one seam to time.
#pragma once

#include "engine/domain/time.h"

namespace headgate {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;    // wall clock, UTC; may jump
  virtual Duration steady() const = 0;  // since an arbitrary point; never goes back
};

}  // namespace headgate
