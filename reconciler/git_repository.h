// A watched Git repository through libgit2: one branch, fetched into a bare clone of Headgate's own. Everything that
// Headgate read stays in that clone when the remote vanishes, is rewritten or collects its garbage.
//
// Threads: one thread fetches and waits; changes, blob_at and read_blob may be called from any thread meanwhile and do
// not wait for a fetch. nudge from any thread.
//
// Errors of fetch, beside those of the port: io (the remote is gone, refuses, or belongs to another user), timed_out,
// unavailable (stopped), too_large (over a limit), corrupt (the clone is damaged and could not be made again; the next
// fetch tries anew). Messages name the repository and what to do, and never hold a password or token.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/ports/repository.h"
#include "reconciler/source_tree.h"

namespace headgate::reconciler {

struct GitLimits {
  Duration connect = std::chrono::seconds(10);
  Duration silence = std::chrono::seconds(30);
  Duration total = std::chrono::minutes(10);
  std::uint64_t objects = 5'000'000;             // new ones in one fetch
  std::uint64_t bytes = std::uint64_t{4} << 30;  // of one fetch: received, or copied from this host
  std::uint64_t file_bytes = 64 << 20;           // of one file that is copied from this host
  std::uint64_t counted_commits = 100'000;       // Head::commit_count counts so far
  std::size_t changes = 200'000;                 // files in one changes()
  std::size_t small_packs = 50;                  // kept in the clone before they are made into one
};

struct GitRepositoryConfig {
  std::string name;  // for messages
  std::string url;   // path, file://, git://, http(s)://, ssh://, user@host:path
  std::string branch = "main";
  std::string path = ".";  // folder inside the repository
  // Patterns of what is watched where that is more than one branch; then `branch` counts for nothing.
  std::vector<std::string> branches{};
  std::vector<std::string> tags{};
  Duration poll = std::chrono::minutes(1);       // wait() asks for a look at least so often
  std::filesystem::path clone;                   // <data>/repositories/<name>.git; its parent is made
  std::function<Result<std::string>()> token{};  // https: password of the user x-access-token; asked whenever needed
  std::optional<std::filesystem::path> ssh_key;  // ssh: private key; without it the ssh agent is asked
  GitLimits limits{};
  std::function<void(const std::string&)> notice{};  // what an operator should know; called from fetch and wait
};

// A branch or tag that a pattern names.
struct GitRef {
  bool tag = false;
  std::string name;
  std::string commit;
  Timestamp time;  // of the commit
};

class GitRepository final : public Repository {
 public:
  // invalid_input when the configuration cannot work. Touches neither the remote nor the clone.
  static Result<std::unique_ptr<GitRepository>> create(GitRepositoryConfig config);
  ~GitRepository() override;

  // First (`known` empty), and when `known` is no longer to be found anywhere: the head commit alone and the count of
  // all. A clone that turns out damaged is made again within the call, once; the old one goes when the new is complete.
  Result<Head> fetch(const std::string& known, std::size_t max_commits, std::stop_token stop) override;
  // All branches and tags that the patterns of the configuration name, oldest commit first; at most max_refs of them:
  // that there are more is told. Errors as fetch, but that nothing needs to be there.
  static constexpr std::size_t max_refs = 10'000;
  Result<std::vector<GitRef>> fetch_refs(std::stop_token stop);
  // What is under a service's paths at a commit, and the commit that made it so (git_source.h).
  Result<SourceTree> source_at(const std::string& commit, const std::vector<std::string>& paths) const;
  // not_found when a commit is not in the clone. Symbolic links and submodules count as absent; see git_diff.h.
  Result<std::vector<FileChange>> changes(const std::string& from, const std::string& to) const override;
  Result<std::optional<std::string>> blob_at(const std::string& commit, const std::string& path) const override;
  // unavailable instead of not_found until a fetch has ended: it may bring the blob, into a clone that was lost.
  Result<std::string> read_blob(const std::string& blob, std::size_t max_bytes) const override;
  Result<SignedCommit> signed_commit(const std::string& commit) const override;
  Result<Head> history(const std::string& from, const std::string& to, std::size_t max_commits) const override;
  Result<Head> whole_history(const std::string& to, std::size_t max_commits) const override;
  // True also when `poll` has passed since the last look, and after a nudge.
  bool wait(Duration timeout, std::stop_token stop) override;

  void nudge();                            // a webhook or an operator says: look now
  const std::string& display_url() const;  // without secrets

 private:
  class Impl;
  explicit GitRepository(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::reconciler
