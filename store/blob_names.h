// Which events name a blob, as far as its expiry asks: by whom and when last. One small file a blob,
// <folder>/<2 hex digits>/<62 hex digits>, that stays when the blob has expired and says so:
//
//   {"environments":{"staging":"<time>"},"services":{"gateway":"<time>"},"expired":"<time>"}
//
// All of it follows from the log and from what is stored: the folder may be lost, and is made anew by the next sweeps.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "engine/domain/error.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"

namespace headgate::store {

struct BlobNaming {
  // When an event of this environment, or one of this service that belongs to no environment, named the blob last.
  std::map<std::string, Timestamp> environments;
  std::map<std::string, Timestamp> services;
  std::optional<Timestamp> expired;
  bool operator==(const BlobNaming&) const = default;
};

class BlobNames {
 public:
  // Makes the folder when it is missing (its parent must exist).
  static Result<BlobNames> open(const std::filesystem::path& folder);

  // Nothing where no event is known to name the blob. corrupt, naming the file.
  Result<BlobNaming> read(const Hash& digest) const;
  Result<void> write(const Hash& digest, const BlobNaming& naming);

  const std::filesystem::path& folder() const { return folder_; }

 private:
  BlobNames(std::filesystem::path folder, std::filesystem::path unfinished)
      : folder_(std::move(folder)), unfinished_(std::move(unfinished)) {}
  std::filesystem::path folder_;
  std::filesystem::path unfinished_;
};

// <folder>/unfinished, made when it is missing and cleared of what a crash left in it.
Result<std::filesystem::path> unfinished_folder(const std::filesystem::path& folder);

}  // namespace headgate::store
