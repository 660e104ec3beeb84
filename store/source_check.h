// Which origin the records of one log bear as their `source`. It is the same one from the first record on, until a
// second log.created, which a restore behind a known checkpoint writes: that record and all after it bear the origin
// that it names, and it names the one before it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/events.h"
#include "store/envelope.h"

namespace headgate::store {

// Of some records in a row: only what a SourceCheck has to look at, which is little.
class SourceSteps {
 public:
  struct Step {
    Position position = 0;
    std::string source;
    std::string created;  // the record itself, where it is a log.created
  };

  void add(const Envelope& envelope, std::string_view record);
  const std::vector<Step>& steps() const { return steps_; }

 private:
  std::vector<Step> steps_;
};

class SourceCheck {
 public:
  // In the order of the records, from position 0 on. corrupt, naming the record, when its source is not the origin that
  // is in force there.
  Result<void> next(const SourceSteps& of_records);
  const std::string& origin() const { return origin_; }  // in force; empty before the first record

 private:
  Result<void> next(const SourceSteps::Step& step);

  std::string origin_;
};

}  // namespace headgate::store
