// Which records of the log somebody may see: an auditor all of them, a viewer those of their services and environments.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/record_view.h"
#include "engine/domain/access.h"
#include "engine/ports/event_log.h"
#include "engine/runtime/engine.h"

namespace headgate::api {

// Holds references: it lives inside one read of the state.
class Visibility {
 public:
  Visibility(const State& state, const Principal& principal);

  bool everything() const { return everything_; }
  bool shows(const RecordView& record);

 private:
  bool shows_place(const TargetId& place);

  const State& state_;
  const Principal& principal_;
  bool everything_;
  bool general_;                     // records of no service or environment: commits, documents, the engine
  std::map<TargetId, bool> places_;  // of records; one half may be empty
};

// Drops what may not be seen; reads the records without the engine's lock. corrupt: one of them cannot be read.
Result<void> keep_visible(std::vector<StoredRecord>& records, const runtime::Engine& engine,
                          const Principal& principal);

}  // namespace headgate::api
