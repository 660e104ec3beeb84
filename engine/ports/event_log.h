// The one log. A stored record is the exact text of a CloudEvents 1.0 JSON document; its RFC 6962 leaf hash is
// SHA-256(0x00 || text).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/domain/events.h"

namespace headgate {

struct StoredRecord {
  Position position = 0;
  std::string bytes;
};

struct Appended {
  Position next = 0;         // position after the last one written
  std::vector<Hash> leaves;  // leaf hash of each record, in order
};

// All conditions hold together; an empty one holds always.
struct EventFilter {
  std::string type{};  // short form, glob with '*': approval.granted, rollback.*
  std::string service{};
  std::string environment{};
  std::string actor{};
  std::string correlation{};
  std::optional<Timestamp> from{};  // inclusive
  std::optional<Timestamp> to{};    // exclusive
};

struct EventQuery {
  EventFilter filter{};
  std::optional<Position> after{};  // ascending: positions above it; descending: positions below it
  bool descending = false;
  std::size_t limit = 50;
};

struct EventPage {
  std::vector<StoredRecord> records;  // in the order asked for
  bool more = false;                  // the query has matches beyond the last of them
};

// Records on their way into the log: encoded and hashed, not durable, seen by no reader.
class StagedRecords {
 public:
  virtual ~StagedRecords() = default;
};

class EventLog {
 public:
  virtual ~EventLog() = default;

  // An append in its parts, so that one thread stages the next batch while another waits for the disk.
  //
  // stage: adds to the open batch, all or nothing. `expected` must be the number of records in the log and staged, and
  // meta.position of each event expected, expected+1, …; times never go back; else conflict. A record over 65,535
  // bytes: too_large. One thread stages and seals.
  virtual Result<void> stage(Position expected, std::span<const Recorded<Event>> events) = 0;
  // Closes the open batch; null when nothing was staged since the last one. Every sealed batch must be committed.
  virtual std::unique_ptr<StagedRecords> seal() = 0;
  // Durable on return, all or nothing. HEADGATE_CHECK: batches come in the order in which they were sealed. An Error
  // means that the outcome is unknown: stop the process; nothing more is accepted. One thread commits.
  virtual Result<Appended> commit(std::unique_ptr<StagedRecords> batch) = 0;

  // All three at once, where one thread does everything.
  Result<Appended> append(Position expected, std::span<const Recorded<Event>> events);

  // Everything below is thread-safe and sees all that commit has returned for.
  virtual Position size() const = 0;
  // Records at from, from+1, …, at most `limit`; fewer at the end of the log.
  virtual Result<std::vector<StoredRecord>> read(Position from, std::size_t limit) const = 0;
  // Decodes records [from, to) in order into `visit`. An unknown type or a damaged record is an Error that names it.
  virtual Result<void> fold(Position from, Position to,
                            const std::function<void(const Recorded<Event>&)>& visit) const = 0;
  virtual Result<EventPage> query(const EventQuery& query) const = 0;
  virtual Result<Hash> leaf_hash(Position position) const = 0;
  // RFC 6962 root over the first `size` records; size <= size().
  virtual Result<Hash> root(Position size) const = 0;
  // The first position whose time is at or after `time`; size() when there is none.
  virtual Result<Position> position_at(Timestamp time) const = 0;
};

inline Result<Appended> EventLog::append(Position expected, std::span<const Recorded<Event>> events) {
  HEADGATE_TRY_VOID(stage(expected, events));
  auto batch = seal();
  if (!batch) return Appended{expected, {}};
  return commit(std::move(batch));
}

}  // namespace headgate
