#include "reconciler/git_checkpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "reconciler/git_clone.h"
#include "reconciler/git_remote.h"
#include "reconciler/git_repository.h"
#include "reconciler/git_url.h"
#include "reconciler/libgit.h"

namespace headgate::reconciler {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "checkpoint";

using SignatureHandle = GitHandle<git_signature, git_signature_free>;
using BlobHandle = GitHandle<git_blob, git_blob_free>;
using TreebuilderHandle = GitHandle<git_treebuilder, git_treebuilder_free>;

std::unexpected<Error> cannot(std::string_view what) {
  return std::unexpected(libgit_error(ErrorCode::io, fmt::format("the checkpoint cannot be {}", what)));
}

// What a checkpoint (c2sp.org/tlog-checkpoint) begins with.
struct Head {
  std::string_view origin;
  std::uint64_t size = 0;
};

std::optional<Head> head_of(std::string_view text) {
  const auto origin = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(origin.size() + 1, text.size()));
  Head head{origin};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), head.size);
  if (error != std::errc{} || end == text.data() + text.size() || *end != '\n') return std::nullopt;
  return head;
}

// Whoever holds the newer checkpoint would be told that it never was.
Result<void> check_growth(git_repository* clone, const git_oid& before, std::string_view text) {
  BlobHandle blob;
  if (git_blob_lookup(out(blob), clone, &before) != 0) {
    return std::unexpected(unreadable_object(clone, before, "checkpoint"));
  }
  const auto old = head_of({static_cast<const char*>(git_blob_rawcontent(blob.get())),
                            static_cast<std::size_t>(git_blob_rawsize(blob.get()))});
  const auto now = head_of(text);
  if (!old || !now || old->origin != now->origin || old->size <= now->size) return {};
  return fail(ErrorCode::conflict,
              fmt::format("it holds a checkpoint of {} records, the log has {}: it was restored without its end, or "
                          "another log uses its name",
                          old->size, now->size));
}

// The commit with the file on top of `parent` (null: the first one); nothing when it holds that text already.
Result<std::optional<git_oid>> commit_file(git_repository* clone, const git_oid* parent, const std::string& text,
                                           const std::string& message, Timestamp time) {
  git_oid blob;
  if (git_blob_create_from_buffer(&blob, clone, text.data(), text.size()) != 0) return cannot("written");
  CommitHandle before;
  TreeHandle tree;
  if (parent != nullptr) {
    HEADGATE_TRY(before, read_commit_object(clone, *parent));
    HEADGATE_TRY(tree, read_tree_object(clone, *git_commit_tree_id(before.get())));
    const git_tree_entry* entry = git_tree_entry_byname(tree.get(), kFile);
    if (entry != nullptr && git_oid_equal(git_tree_entry_id(entry), &blob)) return std::nullopt;
    if (entry != nullptr && git_tree_entry_type(entry) == GIT_OBJECT_BLOB) {
      HEADGATE_TRY_VOID(check_growth(clone, *git_tree_entry_id(entry), text));
    }
  }
  // Other files of the branch stay as they are.
  TreebuilderHandle builder;
  git_oid tree_id;
  if (git_treebuilder_new(out(builder), clone, tree.get()) != 0 ||
      git_treebuilder_insert(nullptr, builder.get(), kFile, &blob, GIT_FILEMODE_BLOB) != 0 ||
      git_treebuilder_write(&tree_id, builder.get()) != 0) {
    return cannot("written");
  }
  HEADGATE_TRY(const TreeHandle after, read_tree_object(clone, tree_id));
  SignatureHandle author;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  if (git_signature_new(out(author), "Headgate", "headgate@localhost", seconds, 0) != 0) return cannot("committed");
  git_oid commit;
  const git_commit* const parents[] = {before.get()};
  // The array of parents lost and gained its const between versions of libgit2.
  if (git_commit_create(&commit, clone, nullptr, author.get(), author.get(), nullptr, message.c_str(), after.get(),
                        parent != nullptr ? 1 : 0, const_cast<const git_commit**>(parents)) != 0) {
    return cannot("committed");
  }
  return commit;
}

}  // namespace

class GitCheckpoints::Impl {
 public:
  Impl(GitRepositoryConfig config, GitUrl url) : config_(std::move(config)), url_(std::move(url)) {}

  Result<void> push(const std::string& text, const std::string& message, Timestamp time, const std::stop_token& stop) {
    auto done = try_push(text, message, time, stop);
    if (!done && done.error().code == ErrorCode::corrupt) {
      std::error_code ignored;
      fs::remove_all(config_.clone, ignored);  // of our own; everything in it is at the remote
      done = try_push(text, message, time, stop);
    }
    if (!done) {
      done.error().message =
          without_secrets(fmt::format("{}: {}", url_.display, done.error().message), url_, token_now(config_));
    }
    return done;
  }

 private:
  Result<void> try_push(const std::string& text, const std::string& message, Timestamp time,
                        const std::stop_token& stop) {
    std::error_code ignored;
    if (!fs::exists(config_.clone, ignored)) HEADGATE_TRY_VOID(create_clone(config_.clone));
    HEADGATE_TRY(const RepositoryHandle clone, open_clone(config_.clone, config_.branch, true));
    const auto head = bring_head(clone.get(), config_, url_, stop);
    if (!head && head.error().code != ErrorCode::not_found) return std::unexpected(head.error());
    HEADGATE_TRY(const auto commit, commit_file(clone.get(), head ? &*head : nullptr, text, message, time));
    if (!commit) return {};
    HEADGATE_TRY_VOID(push_head(clone.get(), config_, url_, *commit, stop));
    // Trouble with our own housekeeping is no failure of the push.
    static_cast<void>(tidy_clone(clone.get(), {}));
    return {};
  }

  GitRepositoryConfig config_;
  GitUrl url_;
};

Result<std::unique_ptr<GitCheckpoints>> GitCheckpoints::create(GitCheckpointsConfig config) {
  GitRepositoryConfig git;
  git.name = "checkpoints";
  git.url = std::move(config.url);
  git.branch = std::move(config.branch);
  git.clone = std::move(config.clone);
  git.token = std::move(config.token);
  git.limits.total = std::chrono::minutes(2);
  HEADGATE_TRY_VOID(GitRepository::create(git));  // the same rules for URL, branch and credentials
  HEADGATE_TRY(auto url, parse_git_url(git.url));
  git.clone = fs::absolute(git.clone).lexically_normal();
  return std::unique_ptr<GitCheckpoints>(new GitCheckpoints(std::make_unique<Impl>(std::move(git), std::move(url))));
}

GitCheckpoints::GitCheckpoints(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GitCheckpoints::~GitCheckpoints() = default;

Result<void> GitCheckpoints::push(const std::string& checkpoint, const std::string& message, Timestamp time,
                                  std::stop_token stop) {
  return impl_->push(checkpoint, message, time, stop);
}

}  // namespace headgate::reconciler
