// What the handlers stand on. The application owns all of it and outlives the Api.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/backup_control.h"
#include "engine/ports/blobs.h"
#include "engine/ports/clock.h"
#include "engine/ports/event_log.h"
#include "engine/ports/people.h"
#include "engine/ports/snapshots.h"
#include "engine/runtime/engine.h"

namespace headgate::api {

class Metrics;

// The log as a C2SP transparency log. Thread-safe; called from worker threads, may read files.
class LogReadSide {
 public:
  virtual ~LogReadSide() = default;
  // The newest signed checkpoint, as text. unavailable: none is signed yet.
  virtual Result<std::string> checkpoint() const = 0;
  // When it was signed.
  virtual std::optional<Timestamp> checkpoint_time() const = 0;
  // The tlog-proof file of a record under that checkpoint. not_found: no such record; unavailable: not covered yet.
  virtual Result<std::string> proof(Position position) const = 0;
  // `width` hashes (1 to 256) of 32 bytes of a tile. not_found: the log has not grown that far.
  virtual Result<std::string> tile(unsigned level, std::uint64_t number, unsigned width) const = 0;
};

struct RepositoryStatus {
  std::string name;
  std::string url;  // without user information
  std::string branch;
  std::string head;
  std::optional<Timestamp> fetched;  // last time that the remote answered
  std::string error;                 // of the last fetch; empty when it went well
};

// The watched repositories. Thread-safe, never blocks.
class RepositoryControl {
 public:
  virtual ~RepositoryControl() = default;
  virtual std::vector<RepositoryStatus> list() const = 0;
  virtual Result<void> sync(std::string_view name) = 0;  // asks for a fetch now; not_found
};

// The zip of an evidence bundle: these records and, last, the one that records their export. Blocks for seconds.
using EvidenceDoor = std::function<Result<std::string>(std::span<const StoredRecord> records, const StoredRecord&)>;

// What is known of the newest look at what runs in one place (`location` empty: the environment is one place), since
// the start. Thread-safe.
struct Look {
  std::optional<Timestamp> observed;  // when one was last answered
  std::string error;                  // why the newest one was not; empty when it was
};
using LastLook = std::function<Look(const TargetId& target, const std::string& location)>;

struct ApiDependencies {
  runtime::Engine& engine;
  const EventLog& log;
  const Snapshots& snapshots;
  Blobs& blobs;
  People& people;
  Clock& clock;
  const LogReadSide& proofs;
  RepositoryControl& repositories;
  Metrics& metrics;
  // Why the server should get no traffic now; nothing while it is ready. May be empty. Called from socket threads.
  std::function<std::optional<std::string>()> not_ready{};
  BackupControl* backups = nullptr;  // null where neither backups nor a mirror are configured
  EvidenceDoor evidence{};
  LastLook last_look{};                    // may be empty
  std::vector<ApprovalRule> governance{};  // that a change of the policy takes; empty: none
};

struct ApiOptions {
  std::size_t workers = 2;        // threads for long reads
  std::size_t queue_limit = 256;  // long reads that wait; more are 503
  Duration min_position_wait = std::chrono::seconds(5);
  Duration denial_window = std::chrono::minutes(1);  // refusals are added up over it
  std::size_t max_blob_bytes = 16 << 20;
  std::size_t max_streams = 1024;                       // live event streams: half of the connections (HttpLimits)
  Duration export_counting = std::chrono::seconds(40);  // an export is counted before it begins, and answered in time
};

}  // namespace headgate::api
