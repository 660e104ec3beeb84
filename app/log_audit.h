// The log as a stranger checks it: nothing but what the server gives out is used, and nothing of it is believed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/log_checkpoints.h"

namespace headgate::app {

struct AuditOptions {
  std::optional<store::VerifierKey> key{};  // known beforehand; without it the log's own word is taken
  std::optional<std::string> earlier{};     // a checkpoint that this log gave out before
  std::function<void(Position done, Position all)> progress{};
};

struct Audited {
  store::Checkpoint checkpoint;
  std::optional<store::Checkpoint> earlier;
  std::vector<api::LogKey> keys;  // as the records name them
  std::uint64_t bytes = 0;        // of records
  std::uint64_t tiles = 0;
};

// The body of the answer to a GET of this path.
using Fetch = std::function<Result<std::string>(const std::string& path)>;

// Takes the newest checkpoint, then every record below it as entry bundles, and computes the whole tree from them: each
// tile that the server gives must be the one computed, and so must the root of the checkpoint and that of `earlier`.
// Each record must bear the origin in force there, and the checkpoint the one that they end under.
// The checkpoint must be signed by `key`, and by the key that the records name. corrupt, naming the first thing that
// differs; unavailable when the server gives no checkpoint at all.
Result<Audited> audit_log(const Fetch& fetch, const AuditOptions& options);

}  // namespace headgate::app
