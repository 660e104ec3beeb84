// A zip archive in memory, for bundles that people open with what they have at hand.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "engine/domain/error.h"
#include "engine/domain/time.h"

struct archive;

namespace headgate::store {

class ZipWriter {
 public:
  // `time`: of every file in it. An archive that grows over `max_bytes` is an Error (too_large).
  ZipWriter(Timestamp time, std::size_t max_bytes);
  ~ZipWriter();
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

  Result<void> add(const std::string& name, std::string_view bytes);
  // The whole archive; nothing can be added after.
  Result<std::string> finish();

 private:
  struct Output;
  std::unexpected<Error> failed() const;

  Timestamp time_;
  std::unique_ptr<Output> output_;
  archive* archive_;
};

}  // namespace headgate::store
