// Which origin the records of one log bear as their `source`. It is the same one from the first record on, until a
// second log.created, which a restore behind a known checkpoint writes: that record and all after it bear the origin
// that it names, and it names the one before it.
#pragma once

#include <string>
#include <string_view>

#include "engine/domain/events.h"

namespace headgate::store {

class SourceCheck {
 public:
  // For each record from position 0 on, of which the attributes can be read. corrupt, naming the record, when its
  // source is not the origin that is in force there.
  Result<void> next(Position position, std::string_view record);
  const std::string& origin() const { return origin_; }  // in force; empty before the first record

 private:
  std::string origin_;
  std::string stored_;  // the source as records have it, escaped: what follows can be compared byte by byte
};

}  // namespace headgate::store
