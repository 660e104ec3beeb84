// Large evidence beside the log: content-addressed bytes, synced before the event that names them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/domain/error.h"
#include "engine/domain/time.h"

namespace headgate {

struct BlobRef {
  std::string digest;  // sha256:<64 lower-case hex digits>
  std::uint64_t size = 0;
  std::string media_type;
};

// Every call reads or writes files and may wait for the disk: never within StateView::with_state, nor on the engine's
// or a socket's thread. Thread-safe.
class Blobs {
 public:
  virtual ~Blobs() = default;
  // Durable on return; storing the same bytes twice stores them once.
  virtual Result<BlobRef> put(std::string_view bytes, std::string_view media_type) = 0;
  virtual Result<std::string> get(std::string_view digest) const = 0;  // not_found, corrupt
  // When a policy gave the bytes up; nothing while they are there, and where they never were.
  virtual std::optional<Timestamp> expired(std::string_view digest) const = 0;
};

}  // namespace headgate
