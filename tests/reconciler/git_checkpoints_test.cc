// Checkpoints as commits in a repository elsewhere, against real bare repositories on disk and behind a real daemon.
#include "reconciler/git_checkpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reconciler/git_clone.h"
#include "reconciler/git_remote.h"
#include "tests/reconciler/git_fixture.h"

namespace headgate::reconciler {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr Timestamp kTime = Timestamp{} + std::chrono::seconds(1'795'186'800);

class GitCheckpointsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(
        run({"git", "init", "--quiet", "--bare", "--initial-branch=checkpoints", remote_.string()}, folder_.path())
            .exit_code,
        0);
  }
  std::string git(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all{"git", "--git-dir", remote_.string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto ran = run(all, folder_.path());
    EXPECT_EQ(ran.exit_code, 0) << ran.output;
    return ran.output;
  }
  void open(const std::string& url) {
    auto opened = GitCheckpoints::create({.url = url, .branch = "checkpoints", .clone = clone_, .token = {}});
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    checkpoints_ = std::move(*opened);
  }
  Result<void> push(const std::string& text) { return checkpoints_->push(text, "Checkpoint: " + text, kTime, {}); }
  void expect_pushed(const std::string& text) {
    const auto pushed = push(text);
    EXPECT_TRUE(pushed.has_value()) << pushed.error().message;
    EXPECT_EQ(git({"show", "checkpoints:checkpoint"}) + "\n", text);  // what ran was trimmed
    EXPECT_EQ(git({"cat-file", "-s", "checkpoints:checkpoint"}), std::to_string(text.size()));
  }
  std::string count() const { return git({"rev-list", "--count", "checkpoints"}); }
  // Somebody else's commit on the branch, with a file of their own.
  void push_by_somebody() {
    const auto tree = folder_.path() / "somebody";
    ASSERT_EQ(run({"git", "clone", "--quiet", "--branch=checkpoints", remote_.string(), tree.string()}, folder_.path())
                  .exit_code,
              0);
    write_file(tree / "README", "what this is\n");
    for (const auto& command : std::vector<std::vector<std::string>>{
             {"git", "add", "README"}, {"git", "commit", "-q", "-m", "Say it"}, {"git", "push", "-q"}}) {
      ASSERT_EQ(run(command, tree).exit_code, 0);
    }
    fs::remove_all(tree);
  }
  void go_through_a_life() {
    expect_pushed("one\n");
    EXPECT_EQ(count(), "1");
    EXPECT_EQ(git({"log", "-1", "--format=%an %ct %s", "checkpoints"}), "Headgate 1795186800 Checkpoint: one");
    expect_pushed("one\n");
    EXPECT_EQ(count(), "1") << "the same checkpoint again is no commit";
    expect_pushed("two\n");
    push_by_somebody();
    expect_pushed("three\n");
    EXPECT_EQ(count(), "4");
    EXPECT_EQ(git({"show", "checkpoints:README"}), "what this is");
    EXPECT_EQ(git({"fsck", "--strict", "--no-dangling"}), "");
  }

  TestFolder folder_;
  fs::path remote_ = folder_.path() / "remote.git";
  fs::path clone_ = folder_.path() / "data" / "checkpoints.git";
  std::unique_ptr<GitCheckpoints> checkpoints_;
};

TEST_F(GitCheckpointsTest, APath) {
  open(remote_.string());
  go_through_a_life();
}

TEST_F(GitCheckpointsTest, AFileUrl) {
  open("file://" + remote_.string());
  go_through_a_life();
}

TEST_F(GitCheckpointsTest, ADaemonThatGoesAndComesBack) {
  git({"config", "daemon.receivepack", "true"});
  GitDaemon daemon(folder_.path());
  open(daemon.url("remote.git"));
  go_through_a_life();
  daemon.stop();
  const auto gone = push("four\n");
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code, ErrorCode::io);
  EXPECT_THAT(gone.error().message, HasSubstr("cannot be reached"));
  daemon.start();
  expect_pushed("five\n");
  EXPECT_EQ(count(), "5") << "what was not pushed is not in between";
}

TEST_F(GitCheckpointsTest, ARemoteThatRefuses) {
  GitDaemon daemon(folder_.path());
  open(daemon.url("remote.git"));
  EXPECT_FALSE(push("one\n").has_value()) << "the daemon serves reading only";
  git({"config", "daemon.receivepack", "true"});
  write_file(remote_ / "hooks" / "update", "#!/bin/sh\nexit 1\n");
  fs::permissions(remote_ / "hooks" / "update", fs::perms::owner_all);
  const auto refused = push("one\n");
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("the remote refuses the push: "));
  fs::remove(remote_ / "hooks" / "update");
  expect_pushed("one\n");
}

TEST_F(GitCheckpointsTest, NothingIsForced) {
  open(remote_.string());
  expect_pushed("one\n");
  push_by_somebody();
  const auto theirs = git({"rev-parse", "checkpoints"});
  // As if they had pushed between our fetch and our push.
  const auto clone = open_clone(clone_, "checkpoints", true);
  ASSERT_TRUE(clone.has_value());
  git_oid ours;
  ASSERT_EQ(git_reference_name_to_id(&ours, clone->get(), "refs/heads/checkpoints"), 0);
  GitRepositoryConfig config;
  config.branch = "checkpoints";
  const auto pushed = push_head(clone->get(), config, *parse_git_url(remote_.string()), ours, {});
  ASSERT_FALSE(pushed.has_value());
  EXPECT_EQ(pushed.error().code, ErrorCode::conflict) << pushed.error().message;
  EXPECT_EQ(git({"rev-parse", "checkpoints"}), theirs);
  expect_pushed("two\n");
  EXPECT_EQ(count(), "3");
}

TEST_F(GitCheckpointsTest, ANewerCheckpointStays) {
  open(remote_.string());
  expect_pushed("log.example.com\n99\nroot\n\nsigned\n");
  for (const auto* older : {"log.example.com\n98\nroot\n\nsigned\n", "log.example.com\n9\nroot\n\nsigned\n"}) {
    const auto refused = push(older);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("it holds a checkpoint of 99 records, the log has 9"));
  }
  EXPECT_EQ(count(), "1");
  expect_pushed("log.example.com\n99\nroot\n\nsigned and cosigned\n");
  expect_pushed("log.example.com\n100\nroot\n\nsigned\n");
  expect_pushed("second.example.com\n50\nroot\n\nsigned\n");  // the log goes on under another name
  EXPECT_EQ(count(), "4");
}

TEST_F(GitCheckpointsTest, ADamagedCloneIsFetchedAgain) {
  open(remote_.string());
  expect_pushed("one\n");
  write_file(clone_ / "HEAD", "nonsense");
  expect_pushed("two\n");
  fs::remove_all(clone_ / "objects");
  fs::create_directory(clone_ / "objects");
  expect_pushed("three\n");
  EXPECT_EQ(count(), "3");
}

TEST_F(GitCheckpointsTest, AConfigurationThatCannotWork) {
  for (const auto& [url, branch, words] : {std::tuple{"", "checkpoints", "url"}, std::tuple{"/a", "a..b", "branch"}}) {
    const auto opened = GitCheckpoints::create({.url = url, .branch = branch, .clone = clone_, .token = {}});
    ASSERT_FALSE(opened.has_value()) << url;
    EXPECT_THAT(opened.error().message, HasSubstr(words));
  }
  const auto readable = GitCheckpoints::create(
      {.url = "http://git.example.com/a.git", .branch = "checkpoints", .clone = clone_, .token = [] {
         return "secret";
       }});
  ASSERT_FALSE(readable.has_value());
  EXPECT_THAT(readable.error().message, HasSubstr("use https"));
}

}  // namespace
}  // namespace headgate::reconciler
