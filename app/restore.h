// Puts a log back into an empty data directory: from a backup or from a mirror.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/error.h"
#include "engine/ports/clock.h"

namespace headgate::app {

struct RestoreRequest {
  std::filesystem::path data;                  // empty, or not there
  std::filesystem::path backups;               // a folder of backups, or
  std::filesystem::path mirror;                // a mirror
  std::optional<std::uint64_t> id{};           // of the backup; else the newest good one
  std::vector<std::filesystem::path> known{};  // checkpoints; mirrors and data directories that hold one
  std::string origin{};                        // to go on under, when the newest known checkpoint is not reached
  std::string verifier_key{};                  // that a known checkpoint may be signed by, besides the log's own keys
  bool without_damaged_people = false;         // else a damaged file of one ends it; the name in it is lost
};

struct Restored {
  std::uint64_t backup = 0;  // 0: from a mirror
  std::uint64_t size = 0;    // records that were put back
  std::uint64_t lost = 0;    // records that a known checkpoint covers and the log has not
  std::string origin;        // that it goes on under
  bool origin_changed = false;
  bool has_key = false;
  bool has_people = false;
  std::vector<std::string> passed_over{};  // newer backups that are damaged: which, and what is wrong
  std::vector<std::string> left_out{};     // damaged files of blobs and people, as paths in the data directory
};

// Everything is read again and compared before the log goes on: with log.restored and effects.paused, and first of all,
// where it falls behind a known checkpoint, with the log.created of another origin and a new key. What was not finished
// is not taken for a log by anybody; conflict when `data` holds something.
Result<Restored> restore_data(const RestoreRequest& request, const Clock& clock);

}  // namespace headgate::app
