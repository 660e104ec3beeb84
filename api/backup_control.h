// The backups and the mirror of the log, as the API shows them and asks for them. The application implements it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"

namespace headgate::api {

struct BackupRow {
  std::uint64_t id = 0;
  Timestamp time;
  std::string origin;
  std::uint64_t size = 0;  // records
  std::string root;        // sha256:<hex>
  std::uint64_t bytes = 0;
  std::optional<Timestamp> verified;
  std::string failure;  // empty while it is to be trusted
};

struct BackupReport {
  std::vector<BackupRow> backups;  // the oldest first
  bool running = false;
  std::uint64_t runs = 0;                 // that have ended since the start
  std::string last_error;                 // of the last of them; empty when it went well
  std::optional<std::uint64_t> last_id;   // of the backup that the last of them was about
  std::optional<std::uint64_t> mirrored;  // records in the mirror, where there is one
  std::uint64_t mirror_lag = 0;           // records that are durable and not in it
  std::string mirror_error;
};

class BackupControl {
 public:
  virtual ~BackupControl() = default;
  // Reads files.
  virtual Result<BackupReport> report() const = 0;
  // Begins a backup, or reads one again. Returns the number that `runs` reaches when it has ended. conflict while
  // another one runs, or where no folder for backups is configured.
  virtual Result<std::uint64_t> start(std::optional<std::uint64_t> verify) = 0;
};

}  // namespace headgate::api
