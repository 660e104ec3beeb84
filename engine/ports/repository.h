// A watched Git repository: one fetch, the difference of two trees, and only the blobs that changed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/time.h"

namespace headgate {

struct CommitPerson {
  std::string name;
  std::string email;
};

struct Commit {
  std::string sha;
  std::vector<std::string> parents;
  CommitPerson author;
  CommitPerson committer;
  std::vector<CommitPerson> co_authors;  // of Co-authored-by trailers
  std::string subject;                   // first line of the message, at most 200 bytes, valid UTF-8
  Timestamp time;                        // committer's time
};

// A commit as it was signed.
struct SignedCommit {
  std::string payload;    // the commit object without its signature
  std::string signature;  // armored; empty: it has none
};

struct FileChange {
  std::string path;  // relative to the configured path; any bytes
  std::string blob;  // new blob id; empty when removed
  bool executable = false;
};

// What one fetch found.
struct Head {
  std::string sha;
  bool rewritten = false;          // `known` is not an ancestor: history was rewritten
  std::vector<Commit> commits;     // known..sha, oldest first, the newest `max_commits` of them
  std::uint64_t commit_count = 0;  // all of them
};

class Repository {
 public:
  virtual ~Repository() = default;
  // Fetches the watched branch. `known` is the last commit that was dealt with, empty at first. io when the remote
  // cannot be reached, not_found when the branch does not exist (the message says which branches do).
  virtual Result<Head> fetch(const std::string& known, std::size_t max_commits, std::stop_token stop) = 0;
  // Files under the configured path that differ between two commits; `from` empty: all files of `to`.
  virtual Result<std::vector<FileChange>> changes(const std::string& from, const std::string& to) const = 0;
  // Git blob id of a path (relative to the configured path) at a commit; nullopt when there is no such file.
  virtual Result<std::optional<std::string>> blob_at(const std::string& commit, const std::string& path) const = 0;
  virtual Result<std::string> read_blob(const std::string& blob, std::size_t max_bytes) const = 0;
  // not_found when the commit is not at hand.
  virtual Result<SignedCommit> signed_commit(const std::string& commit) const = 0;
  // The newest `max_commits` of those that `to` holds and `from` does not (of `from` empty: `to` alone), with their
  // whole number. not_found when one of the two is not at hand.
  virtual Result<Head> history(const std::string& from, const std::string& to, std::size_t max_commits) const = 0;
  // The newest `max_commits` of all that `to` holds, with their number as far as it is counted. not_found as above.
  virtual Result<Head> whole_history(const std::string& to, std::size_t max_commits) const = 0;
  // Blocks until something may have changed (a local repository's refs were touched), `timeout` passed, or `stop`.
  // A remote repository only waits. True: look now.
  virtual bool wait(Duration timeout, std::stop_token stop) = 0;
};

}  // namespace headgate
