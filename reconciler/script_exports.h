// Scripts of the environments repository as files that can be run: <root>/<blob>/<basename>, read-only, each exactly
// the bytes of its Git blob id.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "engine/domain/error.h"

namespace headgate::reconciler {

class ScriptExports {
 public:
  static constexpr std::size_t max_script_bytes = 16 << 20;

  explicit ScriptExports(std::filesystem::path root) : root_(std::move(root)) {}

  // The file, durable and mode 0555. Its bytes are read and checked on every call; a file that somebody changed is
  // replaced by what `load` gives, which is otherwise called only for a new blob. corrupt: `load` gave other bytes than
  // the id stands for; too_large; invalid_input: the id or the name is none; else what `load` or the disk said.
  // Thread-safe.
  Result<std::filesystem::path> ensure(std::string_view blob, std::string_view basename,
                                       const std::function<Result<std::string>()>& load);
  // The bytes of an export that is there and intact; thread-safe.
  std::optional<std::string> read(std::string_view blob, std::string_view basename) const;

 private:
  std::filesystem::path root_;
  std::mutex mutex_;
};

}  // namespace headgate::reconciler
