#include "reconciler/git_repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "reconciler/git_clone.h"
#include "reconciler/git_diff.h"
#include "reconciler/git_history.h"
#include "reconciler/git_remote.h"
#include "reconciler/git_source.h"
#include "reconciler/git_url.h"
#include "reconciler/git_watch.h"
#include "reconciler/libgit.h"

namespace headgate::reconciler {
namespace fs = std::filesystem;
namespace {

using std::chrono::steady_clock;

constexpr const char* kUrlNote = "headgate.url";

fs::path beside(const fs::path& clone, std::string_view ending) {
  fs::path path = clone;
  path += ending;
  return path;
}

Result<git_oid> parse_commit(const std::string& text, std::string_view what) {
  if (const auto id = parse_oid(text)) return *id;
  return fail(ErrorCode::invalid_input,
              fmt::format("found '{}' for {}, expected 40 hexadecimal digits", clean_text(text, 80), what));
}

bool has_object(git_repository* repository, const git_oid& id) {
  OdbHandle odb;
  return git_repository_odb(out(odb), repository) == 0 && git_odb_exists(odb.get(), &id) != 0;
}

Result<bool> is_ancestor(git_repository* repository, const git_oid& known, const git_oid& head) {
  const int code = git_graph_descendant_of(repository, &head, &known);
  if (code < 0) return std::unexpected(libgit_error(ErrorCode::corrupt, "the clone's history cannot be read"));
  return code == 1;
}

}  // namespace

class GitRepository::Impl {
 public:
  Impl(GitRepositoryConfig config, GitUrl url, std::string folder)
      : config_(std::move(config)),
        url_(std::move(url)),
        folder_(std::move(folder)),
        watch_(url_.kind == GitUrl::Kind::local ? std::optional(url_.path) : std::nullopt,
               watches_refs() ? std::string(GitWatch::kAnyRef) : config_.branch,
               [this](const std::string& text) { say(text); }) {}

  Result<Head> fetch(const std::string& known, std::size_t max_commits, const std::stop_token& stop) {
    const std::scoped_lock lock(fetch_mutex_);
    last_look_ = steady_clock::now();
    std::optional<git_oid> known_id;
    if (!known.empty()) {
      HEADGATE_TRY(known_id, parse_commit(known, "the known commit"));
    }
    std::optional<Error> damage;
    if (suspect_.exchange(false)) {
      damage = Error{ErrorCode::corrupt, "an object could not be read"};
    } else {
      Result<Head> head = fetch_once(known_id, max_commits, stop);
      if (head) return head;
      if (head.error().code != ErrorCode::corrupt) return named(std::move(head));
      damage = head.error();
    }
    if (Result<void> made = clone_again(*damage, stop); !made) {
      suspect_ = true;
      return named(Result<Head>(std::unexpected(std::move(made).error())));
    }
    return named(fetch_once(known_id, max_commits, stop));
  }

  bool has_fetched() const { return fetched_; }
  bool watches_refs() const { return !config_.branches.empty() || !config_.tags.empty(); }

  Result<std::vector<GitRef>> fetch_refs(const std::stop_token& stop) {
    const std::scoped_lock lock(fetch_mutex_);
    last_look_ = steady_clock::now();
    Result<std::vector<GitRef>> refs = fail(ErrorCode::corrupt, "an object could not be read");
    if (!suspect_.exchange(false)) refs = refs_once(stop);
    if (refs || refs.error().code != ErrorCode::corrupt) return named(std::move(refs));
    if (Result<void> made = clone_again(refs.error(), stop); !made) {
      suspect_ = true;
      return named(Result<std::vector<GitRef>>(std::unexpected(std::move(made).error())));
    }
    return named(refs_once(stop));
  }

  // Runs `use(git_repository*)` on the reading handle; a damaged clone is remembered for the next fetch.
  template <class Use>
  auto read(Use use) const -> decltype(use(static_cast<git_repository*>(nullptr))) {
    const std::scoped_lock lock(read_mutex_);
    if (reader_ == nullptr) {
      std::error_code ignored;
      if (!fs::exists(config_.clone, ignored)) {
        return named(fail(ErrorCode::not_found, "nothing was fetched yet"));
      }
      constexpr unsigned kFlags = GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE;
      if (git_repository_open_ext(out(reader_), config_.clone.c_str(), kFlags, nullptr) != 0) {
        suspect_ = true;
        return named(std::unexpected(libgit_error(ErrorCode::corrupt, "the local clone cannot be opened")));
      }
    }
    auto result = use(reader_.get());
    if (result) return result;
    if (result.error().code == ErrorCode::corrupt) {
      suspect_ = true;
      reader_.reset();
      result.error().message += "; the next fetch makes the local clone again";
    }
    return named(std::move(result));
  }

  // The commit must be in the clone before a missing part of it counts as damage.
  Result<void> expect_commit(git_repository* repository, const git_oid& id) const {
    if (has_object(repository, id)) return {};
    return fail(ErrorCode::not_found, fmt::format("commit {} is not in the local clone: it was never fetched, or the "
                                                  "clone was made again after history was rewritten",
                                                  format_oid(id)));
  }

  struct Range {
    std::optional<git_oid> from;  // nothing: from the beginning
    git_oid to;
  };
  Result<Range> range(git_repository* repository, const std::string& from, const std::string& to) const {
    Range range{};
    if (!from.empty()) {
      HEADGATE_TRY(range.from, parse_commit(from, "the older commit"));
      HEADGATE_TRY_VOID(expect_commit(repository, *range.from));
    }
    HEADGATE_TRY(range.to, parse_commit(to, "the newer commit"));
    HEADGATE_TRY_VOID(expect_commit(repository, range.to));
    return range;
  }

  Result<std::string> read_blob(git_repository* repository, const git_oid& id, std::size_t max_bytes) const {
    OdbHandle odb;
    std::size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    if (git_repository_odb(out(odb), repository) != 0) {
      return std::unexpected(libgit_error(ErrorCode::io, "the local clone's objects cannot be read"));
    }
    if (const int code = git_odb_read_header(&size, &type, odb.get(), &id); code != 0) {
      if (code != GIT_ENOTFOUND) return std::unexpected(unreadable_object(repository, id, "blob"));
      HEADGATE_TRY_VOID(check_clone(repository, config_.branch, !watches_refs()));
      return fail(ErrorCode::not_found, fmt::format("blob {} is not in the local clone", format_oid(id)));
    }
    if (type != GIT_OBJECT_BLOB) {
      return fail(ErrorCode::not_found,
                  fmt::format("{} is a {}, expected a blob", format_oid(id), git_object_type2string(type)));
    }
    if (size > max_bytes) {
      return fail(ErrorCode::too_large,
                  fmt::format("the file (blob {}) has {} bytes, at most {} are read", format_oid(id), size, max_bytes));
    }
    OdbObjectHandle object;
    if (git_odb_read(out(object), odb.get(), &id) != 0)
      return std::unexpected(unreadable_object(repository, id, "blob"));
    return std::string(static_cast<const char*>(git_odb_object_data(object.get())), git_odb_object_size(object.get()));
  }

  bool wait(Duration timeout, const std::stop_token& stop) {
    tidy();
    const Duration since = std::chrono::duration_cast<Duration>(steady_clock::now() - last_look_.load());
    const Duration until_poll = std::max(config_.poll - since, Duration::zero());
    const bool poll_first = until_poll <= timeout;
    const GitWatch::Woken woken = watch_.wait(poll_first ? until_poll : timeout, stop);
    return woken == GitWatch::Woken::changed || woken == GitWatch::Woken::nudged ||
           (woken == GitWatch::Woken::timed_out && poll_first);
  }

  template <class T>
  T named(T result) const {
    if constexpr (requires { result.has_value(); }) {
      if (!result) name(result.error());
    }
    return result;
  }
  std::unexpected<Error> named(std::unexpected<Error> failure) const {
    Error error = std::move(failure).error();
    name(error);
    return std::unexpected(std::move(error));
  }

  const GitRepositoryConfig config_;
  const GitUrl url_;
  const std::string folder_;
  GitWatch watch_;

 private:
  void name(Error& error) const {
    error.message = fmt::format("repository {} ({}): {}", config_.name, url_.display,
                                without_secrets(std::move(error.message), url_, token_now(config_)));
  }

  void say(const std::string& text) const {
    if (config_.notice) {
      config_.notice(fmt::format("repository {} ({}): {}", config_.name, url_.display,
                                 without_secrets(text, url_, token_now(config_))));
    }
  }

  Result<Head> fetch_once(const std::optional<git_oid>& known, std::size_t max_commits, const std::stop_token& stop) {
    HEADGATE_TRY_VOID(open());
    HEADGATE_TRY(const git_oid head, bring_head(fetcher_.get(), config_, url_, stop));
    untidy_ = true;
    fetched_ = true;
    return describe(known, head, max_commits);
  }

  Result<std::vector<GitRef>> refs_once(const std::stop_token& stop) {
    HEADGATE_TRY_VOID(open());
    HEADGATE_TRY(auto brought, bring_refs(fetcher_.get(), config_, url_, stop));
    auto refs = std::move(brought.refs);
    if (std::exchange(left_out_, brought.left_out) == 0 && brought.left_out > 0) {
      say(fmt::format(
          "{} branches and tags are not followed: more than {} fit the patterns of branches and tags, narrow "
          "them",
          brought.left_out, GitRepository::max_refs));
    }
    untidy_ = true;
    fetched_ = true;
    for (auto& ref : refs) {
      const auto id = parse_oid(ref.commit);
      HEADGATE_CHECK(id);
      HEADGATE_TRY(const CommitHandle commit, read_commit_object(fetcher_.get(), *id));
      ref.time = Timestamp(std::chrono::seconds(git_commit_time(commit.get())));
    }
    std::ranges::stable_sort(refs, {}, &GitRef::time);
    return refs;
  }

  Result<void> bring(git_repository* clone, const std::stop_token& stop) {
    if (watches_refs()) {
      HEADGATE_TRY_VOID(bring_refs(clone, config_, url_, stop));
    } else {
      HEADGATE_TRY_VOID(bring_head(clone, config_, url_, stop));
    }
    return {};
  }

  Result<Head> describe(const std::optional<git_oid>& known, const git_oid& id, std::size_t max_commits) {
    git_repository* clone = fetcher_.get();
    Head head{.sha = format_oid(id), .rewritten = false, .commits = {}, .commit_count = 0};
    if (known && git_oid_equal(&*known, &id)) return head;
    // The clone holds the whole history of the head: a commit it does not have is not among the ancestors.
    const bool found = known && has_object(clone, *known);
    if (known) {
      head.rewritten = true;
      if (found) {
        HEADGATE_TRY_VOID(read_commit_object(clone, *known));
        HEADGATE_TRY(const bool ancestor, is_ancestor(clone, *known, id));
        head.rewritten = !ancestor;
      }
    }
    HEADGATE_TRY(History history, history_between(clone, found ? &*known : nullptr, id,
                                                  found ? max_commits : std::min<std::size_t>(max_commits, 1),
                                                  config_.limits.counted_commits));
    head.commits = std::move(history.commits);
    head.commit_count = history.count;
    return head;
  }

  // The clone, opened and checked once; made when absent.
  Result<void> open() {
    std::error_code error;
    const bool present = fs::exists(config_.clone, error);
    if (error) {
      return fail(ErrorCode::io, fmt::format("{} cannot be looked at: {}", config_.clone.string(), error.message()));
    }
    if (!present) {
      close();
      HEADGATE_TRY_VOID(create_clone(config_.clone));
    }
    if (fetcher_ != nullptr) return {};
    fs::remove_all(beside(config_.clone, ".new"), error);  // of a crash
    fs::remove_all(beside(config_.clone, ".damaged"), error);
    HEADGATE_TRY(RepositoryHandle clone, open_clone(config_.clone, config_.branch, !watches_refs()));
    HEADGATE_TRY(const std::string before, clone_note(clone.get(), kUrlNote));
    if (before != url_.display) {
      if (!before.empty() && watches_refs() && url_.kind != GitUrl::Kind::local) {
        // Copied from a host it lacks the files that a transport takes for there.
        return fail(ErrorCode::corrupt, fmt::format("it is of {}", before));
      }
      // The objects stay: they tell whether the new place continues the same history.
      if (!before.empty()) say(fmt::format("the URL was {}; the history is compared with the new place", before));
      HEADGATE_TRY_VOID(set_clone_note(clone.get(), kUrlNote, url_.display));
    }
    fetcher_ = std::move(clone);
    return {};
  }

  void close() {
    fetcher_.reset();
    const std::scoped_lock lock(read_mutex_);
    reader_.reset();
  }

  // A complete new clone first, then the damaged one goes: without the remote, nothing readable is lost.
  Result<void> clone_again(const Error& damage, const std::stop_token& stop) {
    const fs::path fresh = beside(config_.clone, ".new");
    const fs::path damaged = beside(config_.clone, ".damaged");
    std::error_code error;
    fs::remove_all(fresh, error);
    fs::remove_all(damaged, error);
    HEADGATE_TRY_VOID(create_clone(fresh));
    {
      HEADGATE_TRY(const RepositoryHandle clone, open_clone(fresh, config_.branch, !watches_refs()));
      HEADGATE_TRY_VOID(set_clone_note(clone.get(), kUrlNote, url_.display));
      if (Result<void> brought = bring(clone.get(), stop); !brought) {
        Error failure = std::move(brought).error();
        fs::remove_all(fresh, error);
        failure.message = fmt::format("the local clone is damaged ({}) and cannot be made again: {}", damage.message,
                                      failure.message);
        return std::unexpected(std::move(failure));
      }
    }
    close();
    fs::rename(config_.clone, damaged, error);
    if (!error) fs::rename(fresh, config_.clone, error);
    if (error) {
      return fail(ErrorCode::io,
                  fmt::format("the damaged clone {} cannot be replaced: {}", config_.clone.string(), error.message()));
    }
    fs::remove_all(damaged, error);
    say(fmt::format("the local clone was damaged and has been made again ({})", damage.message));
    return {};
  }

  // In wait, not in fetch: no push waits for it.
  void tidy() {
    const std::scoped_lock lock(fetch_mutex_);
    if (!std::exchange(untidy_, false) || fetcher_ == nullptr) return;
    TidyLimits limits;
    limits.packs = config_.limits.small_packs;
    const Result<bool> tidied = tidy_clone(fetcher_.get(), limits);
    if (!tidied) {
      if (tidied.error().code == ErrorCode::corrupt) suspect_ = true;
      say(tidied.error().message);
    } else if (*tidied) {
      close();
    }
  }

  std::mutex fetch_mutex_;    // one fetch or tidying at a time; taken before read_mutex_
  RepositoryHandle fetcher_;  // guarded by fetch_mutex_
  std::size_t left_out_ = 0;  // guarded by fetch_mutex_: refs of the last look
  bool untidy_ = false;       // guarded by fetch_mutex_: something may have been added
  mutable std::mutex read_mutex_;
  mutable RepositoryHandle reader_;            // guarded by read_mutex_
  mutable std::atomic<bool> suspect_ = false;  // the clone was seen damaged
  std::atomic<bool> fetched_ = false;          // once, at least, in this process
  std::atomic<steady_clock::time_point> last_look_ = steady_clock::time_point{};
};

Result<std::unique_ptr<GitRepository>> GitRepository::create(GitRepositoryConfig config) {
  start_libgit();
  const auto refuse = [&](std::string_view field, const std::string& message) -> std::unexpected<Error> {
    return fail(ErrorCode::invalid_input,
                fmt::format("repository {}: {}: {}", clean_text(config.name, 80), field, message));
  };
  if (config.name.empty() || config.clone.empty())
    return refuse("name", "a name and a folder for the clone are needed");
  Result<GitUrl> url = parse_git_url(config.url);
  if (!url) return refuse("url", url.error().message);
  int valid = 0;
  if (git_reference_name_is_valid(&valid, ("refs/heads/" + config.branch).c_str()) != 0 || valid == 0) {
    return refuse("branch", fmt::format("'{}' is not a branch name", clean_text(config.branch, 80)));
  }
  Result<std::string> folder = parse_folder(config.path);
  if (!folder) return refuse("path", folder.error().message);
  const bool readable = url->kind == GitUrl::Kind::git || (url->kind == GitUrl::Kind::http && !is_loopback(url->host));
  if (readable && (config.token || !url->secret.empty())) {
    return refuse("credentials", fmt::format("{} would send them readable over the network: use https", url->display));
  }
  config.clone = fs::absolute(config.clone).lexically_normal();
  return std::unique_ptr<GitRepository>(
      new GitRepository(std::make_unique<Impl>(std::move(config), *std::move(url), *std::move(folder))));
}

GitRepository::GitRepository(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GitRepository::~GitRepository() = default;

Result<Head> GitRepository::fetch(const std::string& known, std::size_t max_commits, std::stop_token stop) {
  return impl_->fetch(known, max_commits, stop);
}

Result<std::vector<GitRef>> GitRepository::fetch_refs(std::stop_token stop) {
  return impl_->fetch_refs(stop);
}

Result<SourceTree> GitRepository::source_at(const std::string& commit, const std::vector<std::string>& paths) const {
  return impl_->read([&](git_repository* repository) -> Result<SourceTree> {
    HEADGATE_TRY(const git_oid id, parse_commit(commit, "a commit"));
    HEADGATE_TRY_VOID(impl_->expect_commit(repository, id));
    return source_tree(repository, id, paths, impl_->config_.limits.changes);
  });
}

Result<std::vector<FileChange>> GitRepository::changes(const std::string& from, const std::string& to) const {
  return impl_->read([&](git_repository* repository) -> Result<std::vector<FileChange>> {
    HEADGATE_TRY(const auto range, impl_->range(repository, from, to));
    return tree_changes(repository, range.from ? &*range.from : nullptr, range.to, impl_->folder_,
                        impl_->config_.limits.changes);
  });
}

Result<std::optional<std::string>> GitRepository::blob_at(const std::string& commit, const std::string& path) const {
  return impl_->read([&](git_repository* repository) -> Result<std::optional<std::string>> {
    HEADGATE_TRY(const git_oid id, parse_commit(commit, "a commit"));
    HEADGATE_TRY(const std::string file, parse_folder(path));
    HEADGATE_TRY_VOID(impl_->expect_commit(repository, id));
    if (file.empty()) return std::nullopt;
    return blob_id_at(repository, id, impl_->folder_, file);
  });
}

Result<std::string> GitRepository::read_blob(const std::string& blob, std::size_t max_bytes) const {
  auto bytes = impl_->read([&](git_repository* repository) -> Result<std::string> {
    HEADGATE_TRY(const git_oid id, parse_commit(blob, "a blob"));
    return impl_->read_blob(repository, id, max_bytes);
  });
  if (!bytes && bytes.error().code == ErrorCode::not_found && !impl_->has_fetched()) {
    bytes.error().code = ErrorCode::unavailable;
    bytes.error().message += "; the repository was not fetched yet since the start";
  }
  return bytes;
}

Result<SignedCommit> GitRepository::signed_commit(const std::string& commit) const {
  return impl_->read([&](git_repository* repository) -> Result<SignedCommit> {
    HEADGATE_TRY(const git_oid id, parse_commit(commit, "a commit"));
    HEADGATE_TRY_VOID(impl_->expect_commit(repository, id));
    return read_signed_commit(repository, id);
  });
}

Result<Head> GitRepository::history(const std::string& from, const std::string& to, std::size_t max_commits) const {
  return impl_->read([&](git_repository* repository) -> Result<Head> {
    HEADGATE_TRY(const auto range, impl_->range(repository, from, to));
    Head head{to, false, {}, 1};
    if (!range.from) {
      HEADGATE_TRY(auto commit, read_commit(repository, range.to));
      head.commits.push_back(std::move(commit));
      return head;
    }
    HEADGATE_TRY(auto between, history_between(repository, &*range.from, range.to, max_commits,
                                               impl_->config_.limits.counted_commits));
    head.commits = std::move(between.commits);
    head.commit_count = between.count;
    return head;
  });
}

Result<Head> GitRepository::whole_history(const std::string& to, std::size_t max_commits) const {
  return impl_->read([&](git_repository* repository) -> Result<Head> {
    HEADGATE_TRY(const git_oid id, parse_commit(to, "a commit"));
    HEADGATE_TRY_VOID(impl_->expect_commit(repository, id));
    HEADGATE_TRY(auto whole,
                 history_between(repository, nullptr, id, max_commits, impl_->config_.limits.counted_commits));
    return Head{to, false, std::move(whole.commits), whole.count};
  });
}

bool GitRepository::wait(Duration timeout, std::stop_token stop) {
  return impl_->wait(timeout, stop);
}
void GitRepository::nudge() {
  impl_->watch_.nudge();
}
const std::string& GitRepository::display_url() const {
  return impl_->url_.display;
}

}  // namespace headgate::reconciler
