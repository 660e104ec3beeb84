// What fetch, changes, blob_at and read_blob say of repositories on this host, made by the real git.
#include "reconciler/git_repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/reconciler/git_fixture.h"

namespace headgate::reconciler {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

MATCHER_P3(IsChange, path, has_blob, executable, "") {
  return arg.path == path && arg.blob.empty() == !has_blob && arg.executable == executable;
}

class GitRepositoryTest : public testing::Test {
 protected:
  GitRepositoryConfig config(const std::string& url) {
    GitRepositoryConfig config;
    config.name = "environments";
    config.url = url;
    config.clone = folder_.path() / "data" / "repositories" / "environments.git";
    config.notice = [this](const std::string& text) { notices_.push_back(text); };
    return config;
  }
  std::unique_ptr<GitRepository> open(GitRepositoryConfig config) {
    auto repository = GitRepository::create(std::move(config));
    EXPECT_TRUE(repository.has_value()) << repository.error().message;
    return repository ? std::move(*repository) : nullptr;
  }
  std::unique_ptr<GitRepository> open() { return open(config(remote_.path().string())); }

  static Head fetch(GitRepository& repository, const std::string& known = {}, std::size_t max_commits = 100) {
    auto head = repository.fetch(known, max_commits, {});
    EXPECT_TRUE(head.has_value()) << head.error().message;
    return head ? *head : Head{};
  }
  static Error refusal(GitRepository& repository, const std::string& known = {}) {
    auto head = repository.fetch(known, 100, {});
    EXPECT_FALSE(head.has_value());
    return head ? Error{} : head.error();
  }
  static std::vector<FileChange> changes(const GitRepository& repository, const std::string& from,
                                         const std::string& to) {
    auto found = repository.changes(from, to);
    EXPECT_TRUE(found.has_value()) << found.error().message;
    return found ? *found : std::vector<FileChange>{};
  }

  TestFolder folder_;
  TestRepository remote_{folder_.path() / "remote"};
  std::vector<std::string> notices_;
};

TEST_F(GitRepositoryTest, ABlobIsMissingForGoodOnlyAfterAFetch) {
  remote_.commit_file("deploy.sh", "exit 0");
  std::string blob;
  {
    auto repository = open();
    blob = repository->blob_at(fetch(*repository).sha, "deploy.sh").value().value();
  }
  fs::remove_all(config("").clone);
  auto repository = open();
  const auto early = repository->read_blob(blob, 100);
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().code, ErrorCode::unavailable);
  fetch(*repository);
  EXPECT_EQ(repository->read_blob(blob, 100).value_or("?"), "exit 0");
  const auto absent = repository->read_blob(std::string(40, '1'), 10);
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().code, ErrorCode::not_found);
}

TEST_F(GitRepositoryTest, FirstFetchGivesTheHeadCommitAndTheCountOfAll) {
  remote_.commit_file("a.yaml", "one");
  remote_.commit_file("a.yaml", "two");
  const std::string last = remote_.commit_file("b.yaml", "three", "Third\n\nbody");
  auto repository = open();

  const Head head = fetch(*repository);

  EXPECT_EQ(head.sha, last);
  EXPECT_FALSE(head.rewritten);
  EXPECT_EQ(head.commit_count, 3u);
  ASSERT_THAT(head.commits, SizeIs(1));
  EXPECT_EQ(head.commits[0].sha, last);
  EXPECT_EQ(head.commits[0].subject, "Third");
  EXPECT_EQ(head.commits[0].author.name, "Test Author");
  EXPECT_EQ(head.commits[0].author.email, "author@example.com");
  EXPECT_EQ(head.commits[0].committer.email, "committer@example.com");
  EXPECT_THAT(head.commits[0].parents, ElementsAre(remote_.git({"rev-parse", "HEAD^"})));
  EXPECT_EQ(
      std::to_string(std::chrono::duration_cast<std::chrono::seconds>(head.commits[0].time.time_since_epoch()).count()),
      remote_.git({"log", "-1", "--format=%ct"}));
  EXPECT_THAT(changes(*repository, "", last),
              ElementsAre(IsChange("a.yaml", true, false), IsChange("b.yaml", true, false)));
}

TEST_F(GitRepositoryTest, LaterFetchesGiveTheNewestCommitsOldestFirst) {
  const std::string first = remote_.commit_file("a", "0");
  auto repository = open();
  fetch(*repository);
  std::vector<std::string> made;
  for (int i = 1; i <= 5; ++i) made.push_back(remote_.commit_file("a", std::to_string(i)));

  const Head head = fetch(*repository, first, 3);
  EXPECT_FALSE(head.rewritten);
  EXPECT_EQ(head.commit_count, 5u);
  ASSERT_THAT(head.commits, SizeIs(3));
  EXPECT_EQ(head.commits[0].sha, made[2]);
  EXPECT_EQ(head.commits[2].sha, made[4]);

  const Head again = fetch(*repository, made[4]);
  EXPECT_EQ(again.sha, made[4]);
  EXPECT_EQ(again.commit_count, 0u);
  EXPECT_THAT(again.commits, IsEmpty());
}

TEST_F(GitRepositoryTest, MergesBringBothSides) {
  const std::string base = remote_.commit_file("a", "0");
  auto repository = open();
  fetch(*repository);
  remote_.git({"checkout", "-q", "-b", "side"});
  const std::string side = remote_.commit_file("side", "1");
  remote_.git({"checkout", "-q", "main"});
  const std::string main = remote_.commit_file("main", "1");
  remote_.git({"merge", "-q", "--no-ff", "-m", "Merge", "side"});

  const Head head = fetch(*repository, base);
  EXPECT_EQ(head.commit_count, 3u);
  ASSERT_THAT(head.commits, SizeIs(3));
  EXPECT_THAT(head.commits[2].parents, ElementsAre(main, side));
  EXPECT_THAT(changes(*repository, base, head.sha),
              ElementsAre(IsChange("main", true, false), IsChange("side", true, false)));
}

TEST_F(GitRepositoryTest, PeopleAndTextAreReadAndCleaned) {
  const std::string message =
      "\xFF\x1b[31mred " + std::string(300, 'x') +
      "\n\nCo-authored-by: Alice <alice@example.com>\n\nmiddle\nCO-AUTHORED-BY: Bob  <bob@example.com>  \n"
      "Co-authored-by: Alice <alice@example.com>\nco-authored-by: nameless\n";
  // git itself would turn such bytes into UTF-8, other programs do not.
  const std::string empty_tree = remote_.git({"write-tree"});
  write_file(folder_.path() / "raw", "tree " + empty_tree +
                                         "\nauthor Zo\xC3\xAB \xC3( <zoe@example.com> 1700000000 +0100\n" +
                                         "committer Zo\xC3\xAB <zoe@example.com> 1700000001 +0100\n\n" + message);
  const std::string id = remote_.git({"hash-object", "-t", "commit", "-w", (folder_.path() / "raw").string()});
  remote_.git({"update-ref", "refs/heads/main", id});
  auto repository = open();

  const Commit commit = fetch(*repository).commits.at(0);
  EXPECT_THAT(commit.subject, testing::StartsWith("\xEF\xBF\xBD [31mred xxx"));
  EXPECT_EQ(commit.subject.size(), 200u);
  EXPECT_EQ(commit.author.name, "Zo\xC3\xAB \xEF\xBF\xBD(");
  ASSERT_THAT(commit.co_authors, SizeIs(3));
  EXPECT_EQ(commit.co_authors[0].email, "alice@example.com");
  EXPECT_EQ(commit.co_authors[1].name, "Bob");
  EXPECT_EQ(commit.co_authors[2].name, "nameless");
}

TEST_F(GitRepositoryTest, SubjectIsCutBetweenCharacters) {
  std::string subject(199, 'x');
  subject += "\xC3\xA9\xC3\xA9";
  write_file(remote_.path() / "a", "1");
  remote_.commit(subject);
  auto repository = open();
  EXPECT_EQ(fetch(*repository).commits.at(0).subject, std::string(199, 'x'));
}

TEST_F(GitRepositoryTest, FilesWhoseNamesReadAlikeStayApart) {
  write_file(remote_.path() / "caf\xE8.yaml", "one");
  write_file(remote_.path() / "caf\xE9.yaml", "two");
  write_file(remote_.path() / "a\tb.sh", "three");
  const auto both = remote_.commit("latin");
  auto repository = open();
  fetch(*repository);
  EXPECT_THAT(changes(*repository, "", both),
              ElementsAre(IsChange("a\tb.sh", true, false), IsChange("caf\xE8.yaml", true, false),
                          IsChange("caf\xE9.yaml", true, false)));
}

TEST_F(GitRepositoryTest, ChangesAreThoseOfTheFolderAndOfRegularFiles) {
  write_file(remote_.path() / "deploy/keep.yaml", "keep");
  write_file(remote_.path() / "deploy/edit.yaml", "old");
  write_file(remote_.path() / "deploy/gone/deep.yaml", "gone");
  write_file(remote_.path() / "deploy/hook.sh", "#!/bin/sh\n");
  write_file(remote_.path() / "deploy/becomes-link", "file");
  write_file(remote_.path() / "deploy/becomes-folder", "file");
  write_file(remote_.path() / "elsewhere.yaml", "x");
  const std::string before = remote_.commit("before");

  write_file(remote_.path() / "deploy/edit.yaml", "new");
  fs::remove_all(remote_.path() / "deploy/gone");
  fs::permissions(remote_.path() / "deploy/hook.sh", fs::perms::owner_exec, fs::perm_options::add);
  fs::remove(remote_.path() / "deploy/becomes-link");
  fs::create_symlink("/etc/passwd", remote_.path() / "deploy/becomes-link");
  fs::remove(remote_.path() / "deploy/becomes-folder");
  write_file(remote_.path() / "deploy/becomes-folder/file", "inside");
  write_file(remote_.path() / "deploy/new/deep/file.yaml", "new");
  write_file(remote_.path() / "elsewhere.yaml", "y");
  remote_.git({"update-index", "--add", "--cacheinfo", "160000," + before + ",deploy/module"});
  const std::string after = remote_.commit("after");

  auto with_path = config(remote_.path().string());
  with_path.path = "./deploy/";
  auto repository = open(std::move(with_path));
  fetch(*repository);

  EXPECT_THAT(changes(*repository, before, after),
              ElementsAre(IsChange("becomes-folder", false, false), IsChange("becomes-folder/file", true, false),
                          IsChange("becomes-link", false, false), IsChange("edit.yaml", true, false),
                          IsChange("gone/deep.yaml", false, false), IsChange("hook.sh", true, true),
                          IsChange("new/deep/file.yaml", true, false)));
  EXPECT_THAT(changes(*repository, after, after), IsEmpty());

  const auto blob = repository->blob_at(after, "edit.yaml");
  ASSERT_TRUE(blob.has_value() && blob->has_value());
  EXPECT_EQ(**blob, remote_.git({"rev-parse", "HEAD:deploy/edit.yaml"}));
  EXPECT_EQ(repository->read_blob(**blob, 100).value_or("?"), "new");
  for (const char* absent : {"becomes-link", "module", "new", "nothing", "becomes-link/x"}) {
    const auto none = repository->blob_at(after, absent);
    ASSERT_TRUE(none.has_value()) << absent << none.error().message;
    EXPECT_FALSE(none->has_value()) << absent;
  }
  for (const char* bad : {"../elsewhere.yaml", "/etc/passwd", "a//b"}) {
    const auto refused = repository->blob_at(after, bad);
    ASSERT_FALSE(refused.has_value()) << bad;
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_input);
  }
}

TEST_F(GitRepositoryTest, AFolderThatIsALinkIsNotFollowed) {
  write_file(remote_.path() / "real/a.yaml", "a");
  fs::create_symlink("real", remote_.path() / "deploy");
  remote_.commit("link");
  auto with_path = config(remote_.path().string());
  with_path.path = "deploy";
  auto repository = open(std::move(with_path));
  const Head head = fetch(*repository);

  const auto found = repository->changes("", head.sha);
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::not_found);
  EXPECT_THAT(found.error().message, HasSubstr("no folder deploy"));
}

TEST_F(GitRepositoryTest, BoundsHold) {
  const std::string before = remote_.commit_file("first", "1");
  write_file(remote_.path() / "large", std::string(1000, 'x'));
  for (int i = 0; i < 20; ++i) write_file(remote_.path() / ("f" + std::to_string(i)), std::to_string(i));
  const std::string after = remote_.commit("many");
  auto bounded = config(remote_.path().string());
  bounded.limits.changes = 10;
  auto repository = open(std::move(bounded));
  fetch(*repository);

  const auto many = repository->changes(before, after);
  ASSERT_FALSE(many.has_value());
  EXPECT_EQ(many.error().code, ErrorCode::too_large);
  const auto blob = repository->blob_at(after, "large");
  ASSERT_TRUE(blob.has_value() && blob->has_value());
  const auto large = repository->read_blob(**blob, 999);
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(large.error().code, ErrorCode::too_large);
  EXPECT_EQ(repository->read_blob(**blob, 1000).value_or("").size(), 1000u);
  const auto absent = repository->read_blob(std::string(40, '1'), 10);
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().code, ErrorCode::not_found);
  const auto not_blob = repository->read_blob(after, 1000);
  ASSERT_FALSE(not_blob.has_value());
  EXPECT_EQ(not_blob.error().code, ErrorCode::not_found);

  auto small = config(remote_.path().string());
  small.clone = folder_.path() / "small.git";
  small.limits.bytes = 500;
  auto refused = open(std::move(small));
  EXPECT_EQ(refusal(*refused).code, ErrorCode::too_large);
}

TEST_F(GitRepositoryTest, NoObjectOverItsBoundIsLoaded) {
  remote_.commit_file("large", std::string(1000, 'x'));
  auto bounded = config(remote_.path().string());
  bounded.limits.file_bytes = 999;
  bounded.clone = folder_.path() / "bounded.git";
  auto refused = open(std::move(bounded));
  const Error file = refusal(*refused);
  EXPECT_EQ(file.code, ErrorCode::too_large);
  EXPECT_THAT(file.message, HasSubstr("has 1000 bytes, expected at most 999"));

  write_file(folder_.path() / "message", std::string(5 << 20, 'a'));
  remote_.git({"commit", "-q", "--allow-empty", "-F", (folder_.path() / "message").string()});
  auto repository = open();
  const Error commit = refusal(*repository);
  EXPECT_EQ(commit.code, ErrorCode::too_large);
  EXPECT_THAT(commit.message, HasSubstr("commit " + remote_.head()));
}

TEST_F(GitRepositoryTest, CommitsAndFoldersCountAsWellAsFiles) {
  remote_.commit_file("a", "1", std::string(2000, 'm'));
  auto small = config(remote_.path().string());
  small.limits.bytes = 1000;
  auto refused = open(std::move(small));
  EXPECT_EQ(refusal(*refused).code, ErrorCode::too_large);
}

TEST_F(GitRepositoryTest, ForcePushIsSeenAsRewritten) {
  const std::string base = remote_.commit_file("a", "0");
  const std::string lost = remote_.commit_file("a", "lost");
  auto repository = open();
  fetch(*repository);
  remote_.git({"reset", "-q", "--hard", base});
  const std::string other = remote_.commit_file("b", "other");
  remote_.git({"reflog", "expire", "--expire=now", "--all"});
  remote_.git({"gc", "-q", "--prune=now"});

  const Head head = fetch(*repository, lost);
  EXPECT_TRUE(head.rewritten);
  EXPECT_EQ(head.sha, other);
  ASSERT_THAT(head.commits, SizeIs(1));  // lost..other
  EXPECT_EQ(head.commit_count, 1u);
  EXPECT_THAT(changes(*repository, lost, other), ElementsAre(IsChange("a", true, false), IsChange("b", true, false)));

  remote_.git({"reset", "-q", "--hard", base});
  const Head back = fetch(*repository, other);
  EXPECT_TRUE(back.rewritten);
  EXPECT_EQ(back.sha, base);
  EXPECT_THAT(back.commits, IsEmpty());

  const Head unknown = fetch(*repository, std::string(40, 'a'));
  EXPECT_TRUE(unknown.rewritten);
  EXPECT_THAT(unknown.commits, SizeIs(1));
}

TEST_F(GitRepositoryTest, WhatWasReadSurvivesTheRemote) {
  write_file(remote_.path() / "a", "content");
  for (int i = 0; i < 400; ++i)
    write_file(remote_.path() / "many" / std::to_string(i), std::to_string(i));  // as a pack
  const std::string first = remote_.commit("first");
  auto repository = open();
  fetch(*repository);
  const std::string second = remote_.commit_file("b", "later");  // as loose objects
  fetch(*repository, first);
  fs::remove_all(remote_.path());

  const Error gone = refusal(*repository, second);
  EXPECT_EQ(gone.code, ErrorCode::io);
  EXPECT_THAT(gone.message, HasSubstr("does not exist"));
  EXPECT_THAT(gone.message, HasSubstr("repository environments"));
  repository = open();  // a restart
  EXPECT_EQ(refusal(*repository, second).code, ErrorCode::io);
  const auto found = changes(*repository, "", second);
  EXPECT_THAT(found, SizeIs(402));
  for (const FileChange& change : found)
    EXPECT_TRUE(repository->read_blob(change.blob, 100).has_value()) << change.path;
}

TEST_F(GitRepositoryTest, ARepositoryThatComesBackIsFollowedAgain) {
  const std::string first = remote_.commit_file("a", "1");
  auto repository = open();
  fetch(*repository);
  const fs::path away = folder_.path() / "away";
  fs::rename(remote_.path(), away);
  EXPECT_EQ(refusal(*repository, first).code, ErrorCode::io);
  fs::rename(away, remote_.path());
  const std::string second = remote_.commit_file("a", "2");
  const Head head = fetch(*repository, first);
  EXPECT_EQ(head.sha, second);
  EXPECT_FALSE(head.rewritten);
}

TEST_F(GitRepositoryTest, AnotherRepositoryInTheSamePlaceIsARewrite) {
  const std::string first = remote_.commit_file("a", "1");
  auto repository = open();
  fetch(*repository);
  fs::remove_all(remote_.path());
  TestRepository other(remote_.path());
  const std::string second = other.commit_file("z", "other");
  const Head head = fetch(*repository, first);
  EXPECT_TRUE(head.rewritten);
  EXPECT_EQ(head.sha, second);
  EXPECT_THAT(changes(*repository, first, second),
              ElementsAre(IsChange("a", false, false), IsChange("z", true, false)));
}

TEST_F(GitRepositoryTest, EmptyRepositoryAndMissingBranchSayWhatIsThere) {
  auto repository = open();
  const Error empty = refusal(*repository);
  EXPECT_EQ(empty.code, ErrorCode::not_found);
  EXPECT_THAT(empty.message, HasSubstr("repository is empty"));

  remote_.commit_file("a", "1");
  remote_.git({"branch", "-m", "trunk"});
  remote_.git({"branch", "develop"});
  const Error missing = refusal(*repository);
  EXPECT_EQ(missing.code, ErrorCode::not_found);
  EXPECT_THAT(missing.message, HasSubstr("no branch main; found develop, trunk"));

  remote_.git({"branch", "main"});
  EXPECT_EQ(fetch(*repository).sha, remote_.head());
}

TEST_F(GitRepositoryTest, BareRepositoryFileUrlPackedRefsAndBranchWithSlash) {
  remote_.commit_file("a", "1");
  remote_.git({"checkout", "-q", "-b", "release/v1"});
  const std::string head = remote_.commit_file("b", "2");
  const fs::path bare = folder_.path() / "with space.git";
  remote_.git({"clone", "-q", "--bare", remote_.path().string(), bare.string()});
  ASSERT_EQ(run({"git", "pack-refs", "--all"}, bare).exit_code, 0);
  auto sliced = config("file://" + folder_.path().string() + "/with%20space.git");
  sliced.branch = "release/v1";
  auto repository = open(std::move(sliced));
  EXPECT_EQ(fetch(*repository).sha, head);
}

TEST_F(GitRepositoryTest, ANewBranchMayTakeTheNameOfAFolderOfTheOld) {
  remote_.commit_file("a", "1");
  remote_.git({"branch", "release"});
  auto one = config(remote_.path().string());
  one.branch = "release";
  fetch(*open(std::move(one)));
  remote_.git({"branch", "-D", "release"});
  remote_.git({"branch", "release/v1"});
  auto two = config(remote_.path().string());
  two.branch = "release/v1";
  EXPECT_EQ(fetch(*open(std::move(two))).sha, remote_.head());
}

TEST_F(GitRepositoryTest, AChangedUrlKeepsHistoryAndSaysSo) {
  const std::string first = remote_.commit_file("a", "1");
  fetch(*open());
  const fs::path moved = folder_.path() / "moved";
  remote_.git({"clone", "-q", remote_.path().string(), moved.string()});
  auto repository = open(config(moved.string()));
  const Head head = fetch(*repository, first);
  EXPECT_EQ(head.sha, first);
  EXPECT_FALSE(head.rewritten);
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("the URL was " + remote_.path().string())));

  TestRepository other(folder_.path() / "other");
  other.commit_file("z", "z");
  auto elsewhere = open(config(other.path().string()));
  EXPECT_TRUE(fetch(*elsewhere, first).rewritten);
  EXPECT_THAT(changes(*elsewhere, first, other.head()), SizeIs(2));
}

TEST_F(GitRepositoryTest, ShallowRemoteIsRefusedWithTheRemedy) {
  remote_.commit_file("a", "1");
  remote_.commit_file("a", "2");
  const fs::path shallow = folder_.path() / "shallow";
  remote_.git({"clone", "-q", "--depth=1", "file://" + remote_.path().string(), shallow.string()});
  auto repository = open(config(shallow.string()));
  const Error error = refusal(*repository);
  EXPECT_EQ(error.code, ErrorCode::io);
  EXPECT_THAT(error.message, HasSubstr("--unshallow"));
}

TEST_F(GitRepositoryTest, ADamagedObjectOfTheRemoteDoesNotEnterTheClone) {
  const std::string first = remote_.commit_file("a", "1");
  auto repository = open();
  fetch(*repository);
  const std::string second = remote_.commit_file("b", "2");
  const auto file_of = [&](const std::string& id) {
    return remote_.path() / ".git" / "objects" / id.substr(0, 2) / id.substr(2);
  };
  const fs::path blob = file_of(remote_.git({"rev-parse", "HEAD:b"}));
  const fs::path aside = folder_.path() / "aside";
  fs::rename(blob, aside);
  fs::copy_file(file_of(remote_.git({"rev-parse", "HEAD:a"})), blob);  // sound in itself, under another's name
  const Error error = refusal(*repository, first);
  EXPECT_EQ(error.code, ErrorCode::io);
  EXPECT_THAT(error.message, HasSubstr("git fsck"));
  fs::remove(blob);
  fs::rename(aside, blob);
  EXPECT_EQ(fetch(*repository, first).sha, second);
  const auto id = repository->blob_at(second, "b");
  ASSERT_TRUE(id.has_value() && id->has_value());
  EXPECT_EQ(repository->read_blob(**id, 10).value_or("?"), "2");
  EXPECT_THAT(notices_, IsEmpty());
}

TEST_F(GitRepositoryTest, NotARepositoryAndWrongConfiguration) {
  fs::create_directories(folder_.path() / "plain");
  auto plain = open(config((folder_.path() / "plain").string()));
  EXPECT_THAT(refusal(*plain).message, HasSubstr("is not a Git repository"));

  const auto refused = [&](auto change) {
    GitRepositoryConfig wrong = config(remote_.path().string());
    change(wrong);
    const auto made = GitRepository::create(std::move(wrong));
    EXPECT_FALSE(made.has_value());
    return made ? std::string() : made.error().message;
  };
  EXPECT_THAT(refused([](auto& c) { c.branch = "a..b"; }), HasSubstr("branch"));
  EXPECT_THAT(refused([](auto& c) { c.path = "../x"; }), HasSubstr("path"));
  EXPECT_THAT(refused([](auto& c) { c.url = "gopher://x/y"; }), HasSubstr("gopher"));
  EXPECT_THAT(refused([](auto& c) { c.url = "file://elsewhere/y"; }), HasSubstr("file:///path"));
  const std::string readable = refused([](auto& c) {
    c.url = "http://example.com/x.git";
    c.token = [] { return "s3cret"; };
  });
  EXPECT_THAT(readable, HasSubstr("use https"));
  EXPECT_THAT(readable, Not(HasSubstr("s3cret")));

  auto repository = open();
  remote_.commit_file("a", "1");
  EXPECT_EQ(refusal(*repository, "main").code, ErrorCode::invalid_input);
  fetch(*repository);
  const auto unknown = repository->changes(std::string(40, 'b'), remote_.head());
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, ErrorCode::not_found);
}

TEST_F(GitRepositoryTest, ReadingBeforeTheFirstFetchSaysSo) {
  auto repository = open();
  const auto found = repository->changes("", std::string(40, 'a'));
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::not_found);
}

TEST_F(GitRepositoryTest, AForeignOwnerIsRefusedWithTheRemedy) {
  remote_.commit_file("a", "1");
  fs::path foreign = remote_.path();
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(remote_.path().c_str(), 65534, 65534), 0);
    ASSERT_EQ(::chown((remote_.path() / ".git").c_str(), 65534, 65534), 0);
  } else {
    // Who is not root cannot give a folder away: a link to root's file system stands in the work tree's place.
    foreign = folder_.path() / "foreign";
    fs::create_directory_symlink("/usr", foreign);
  }
  auto repository = open(config(foreign.string()));
  const Error error = refusal(*repository);
  EXPECT_EQ(error.code, ErrorCode::io);
  if (::geteuid() == 0) {
    EXPECT_THAT(error.message, HasSubstr("belongs to another user"));
    EXPECT_THAT(error.message, HasSubstr("safe.directory"));
  }
}

// Each way of damaging the clone, and whether the damage is seen when it is opened or when something is read.
class DamagedCloneTest : public GitRepositoryTest, public testing::WithParamInterface<int> {
 protected:
  void damage(int how) const {
    const fs::path clone = folder_.path() / "data" / "repositories" / "environments.git";
    switch (how) {
      case 0:
        fs::remove(clone / "HEAD");
        return;
      case 1:
        write_file(clone / "config", "[core\nbroken");
        return;
      case 2:
        write_file(clone / "refs" / "heads" / "main", "nonsense");
        return;
      case 3:
        fs::remove_all(clone / "objects");
        return;
      case 4:
        fs::remove_all(clone);
        fs::create_directories(clone);
        return;
      default:
        break;
    }
    for (const auto& entry : fs::recursive_directory_iterator(clone / "objects")) {
      if (!entry.is_regular_file()) continue;
      fs::permissions(entry.path(), fs::perms::owner_write, fs::perm_options::add);
      if (how == 5) fs::resize_file(entry.path(), 0);
      if (how == 6) write_file(entry.path(), std::string(100, 'x'));
    }
  }
};

TEST_P(DamagedCloneTest, IsMadeAgainOnceWithANotice) {
  const std::string first = remote_.commit_file("a", "1");
  fetch(*open());
  damage(GetParam());
  const std::string second = remote_.commit_file("b", "2");

  auto repository = open();
  const Head head = fetch(*repository, first);
  EXPECT_EQ(head.sha, second);
  EXPECT_FALSE(head.rewritten);
  EXPECT_EQ(head.commit_count, 1u);
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("made again")));
  EXPECT_THAT(changes(*repository, first, second), ElementsAre(IsChange("b", true, false)));
  fetch(*repository, second);
  EXPECT_THAT(notices_, SizeIs(1));
}

TEST_P(DamagedCloneTest, WithoutTheRemoteNothingIsThrownAway) {
  const std::string first = remote_.commit_file("a", "1");
  fetch(*open());
  damage(GetParam());
  const fs::path away = folder_.path() / "away";
  fs::rename(remote_.path(), away);
  auto repository = open();
  EXPECT_EQ(refusal(*repository, first).code, ErrorCode::io);
  EXPECT_TRUE(fs::exists(folder_.path() / "data" / "repositories" / "environments.git"));
  fs::rename(away, remote_.path());
  EXPECT_EQ(fetch(*repository, first).sha, first);
  EXPECT_THAT(changes(*repository, "", first), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(Ways, DamagedCloneTest, testing::Range(0, 7));

TEST_F(GitRepositoryTest, DamageFoundWhileReadingIsMendedByTheNextFetch) {
  const std::string first = remote_.commit_file("a", "content of a");
  auto repository = open();
  fetch(*repository);
  const std::string blob = changes(*repository, "", first).at(0).blob;
  const fs::path object =
      folder_.path() / "data/repositories/environments.git/objects" / blob.substr(0, 2) / blob.substr(2);
  ASSERT_TRUE(fs::exists(object));
  fs::remove(object);
  repository = open();
  const auto damaged = repository->read_blob(blob, 100);
  ASSERT_FALSE(damaged.has_value());
  EXPECT_EQ(damaged.error().code, ErrorCode::corrupt);
  EXPECT_EQ(fetch(*repository, first).sha, first);
  EXPECT_EQ(repository->read_blob(blob, 100).value_or("?"), "content of a");
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("made again")));
}

TEST_F(GitRepositoryTest, LeftoversOfACrashAreCleared) {
  const std::string first = remote_.commit_file("a", "1");
  fetch(*open());
  const fs::path clone = folder_.path() / "data" / "repositories" / "environments.git";
  write_file(clone / "refs/heads/main.lock", "");
  write_file(clone.string() + ".new/half", "x");
  write_file(clone.string() + ".damaged/half", "x");
  const std::string second = remote_.commit_file("a", "2");
  auto repository = open();
  EXPECT_EQ(fetch(*repository, first).sha, second);
  EXPECT_FALSE(fs::exists(clone.string() + ".new"));
  EXPECT_FALSE(fs::exists(clone.string() + ".damaged"));
}

TEST_F(GitRepositoryTest, AStopEndsACopy) {
  for (int i = 0; i < 300; ++i) write_file(remote_.path() / std::to_string(i), std::to_string(i));
  remote_.commit("many");
  auto repository = open();
  std::stop_source stop;
  stop.request_stop();
  const auto head = repository->fetch("", 10, stop.get_token());
  ASSERT_FALSE(head.has_value());
  EXPECT_EQ(head.error().code, ErrorCode::unavailable);
  EXPECT_EQ(fetch(*repository).sha, remote_.head());
}

TEST_F(GitRepositoryTest, ReadersGoOnBesideFetches) {
  std::string known = remote_.commit_file("a", "0");
  auto repository = open();
  fetch(*repository);
  const std::string first = known;
  const std::string blob = changes(*repository, "", first).at(0).blob;
  std::atomic<int> failures = 0;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        if (repository->read_blob(blob, 10).value_or("") != "0" || !repository->changes("", first).has_value())
          ++failures;
      }
    });
  }
  for (int i = 1; i <= 10; ++i) {
    remote_.commit_file("a", std::to_string(i));
    known = fetch(*repository, known).sha;
  }
  readers.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(known, remote_.head());
}

}  // namespace
}  // namespace headgate::reconciler
