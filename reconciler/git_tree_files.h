// The files of one commit of a local repository, as somebody has it on their disk. Nothing is fetched or written.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "engine/domain/error.h"

namespace headgate::reconciler {

class GitTreeFiles {
 public:
  // `directory` is a work tree or a folder in one; `revision` is whatever `git rev-parse` takes: HEAD~1, main, v1, an
  // id. not_found when there is no repository or no such revision; io, corrupt.
  static Result<GitTreeFiles> open(const std::filesystem::path& directory, const std::string& revision);
  ~GitTreeFiles();
  GitTreeFiles(GitTreeFiles&&) noexcept;
  GitTreeFiles& operator=(GitTreeFiles&&) noexcept;

  const std::string& commit() const { return commit_; }
  // Paths relative to `directory`, with the ids of their blobs.
  const std::map<std::string, std::string>& blobs() const { return blobs_; }
  Result<std::string> read(const std::string& blob, std::size_t max_bytes) const;

 private:
  struct Repository;
  GitTreeFiles();

  std::unique_ptr<Repository> repository_;
  std::string commit_;
  std::map<std::string, std::string> blobs_;
};

// Which files of a work tree git leaves out of a commit.
class GitIgnored {
 public:
  // `directory` is a work tree or a folder in one. Where it is in none, or is ignored itself, nothing is ignored.
  explicit GitIgnored(const std::filesystem::path& directory);
  ~GitIgnored();
  bool operator()(const std::string& path) const;  // relative to `directory`; false of a file that is in the index

 private:
  struct Repository;
  std::unique_ptr<Repository> repository_;
};

}  // namespace headgate::reconciler
