// Checkpoints of the log as commits on one branch of a Git repository somewhere else: one file, `checkpoint`, and a
// history that only grows. Whoever clones it holds what the log committed to, out of the reach of whoever runs
// Headgate.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "engine/domain/error.h"
#include "engine/domain/time.h"

namespace headgate::reconciler {

struct GitCheckpointsConfig {
  std::string url;     // as of a watched repository
  std::string branch;  // made by the first push
  std::filesystem::path clone;
  std::function<Result<std::string>()> token{};  // as of a watched repository
};

// Used by one thread.
class GitCheckpoints {
 public:
  // invalid_input when the configuration cannot work. Touches neither the remote nor the clone.
  static Result<std::unique_ptr<GitCheckpoints>> create(GitCheckpointsConfig config);
  ~GitCheckpoints();

  // Fetches the branch, commits the file on top and pushes, never by force: when somebody else pushed meanwhile, the
  // next call builds on that. Nothing is committed when the branch holds this text already. A damaged clone is thrown
  // away and fetched again. conflict, and the branch stays as it is, when it holds a checkpoint of the same origin and
  // more records; else Errors as of GitRepository::fetch.
  Result<void> push(const std::string& checkpoint, const std::string& message, Timestamp time, std::stop_token stop);

 private:
  class Impl;
  explicit GitCheckpoints(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::reconciler
