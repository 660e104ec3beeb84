// What is checked before a log is opened and while it is verified: each check by a name, so that the damage test can
// take one away and see that its damage then goes unnoticed. The program always makes all of them.
#pragma once

#include <bitset>
#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/domain/enums.h"

namespace headgate::store {

enum class LogCheck : std::uint8_t {
  database_files,     // records without CURRENT, or a CURRENT that names no file
  format,             // a database that does not say what it is: its table of that, or the list of tables, is damaged
  look_first,         // open for reading and judge, before opening for writing changes anything
  wal_sequences,      // a write-ahead log in which sequences do not grow: batches stand in it twice or out of order
  nothing_left,       // no records and no watermark, but a checkpoint, snapshots or people of a log that was there
  watermark_there,    // records without a watermark
  watermark_sectors,  // one damaged sector of it: told, and refused where the log ends with the other one
  watermark_reached,  // fewer records than were durable
  watermark_root,     // other records than were durable
  index_position,     // an index of more records than there are
  tiles,              // verify: stored tiles are those of the records
  index,              // verify: the index holds each record where it belongs, and nothing else
  kept_tables,        // repair: the tables that it cannot make anew are whole, before it drops the others
};

// A set of checks.
class LogChecks {
 public:
  static LogChecks all() { return {}; }
  static LogChecks without(LogCheck check) {
    LogChecks checks;
    checks.left_out_.set(static_cast<std::size_t>(check));
    return checks;
  }
  bool has(LogCheck check) const { return !left_out_.test(static_cast<std::size_t>(check)); }

 private:
  std::bitset<13> left_out_;
};

// The ends of refusals: what to do.
inline std::string repair_advice(const std::filesystem::path& data) {
  return "; run 'headgate log repair --data " + data.string() +
         "': it tells whether the records are whole, and computes the rest from them";
}
inline std::string restore_advice() {
  return "; restore a backup ('headgate backup restore')";
}

}  // namespace headgate::store

namespace headgate {

HEADGATE_ENUM_NAMES(store::LogCheck, "database_files", "format", "look_first", "wal_sequences", "nothing_left",
                    "watermark_there", "watermark_sectors", "watermark_reached", "watermark_root", "index_position",
                    "tiles", "index", "kept_tables");

}  // namespace headgate
