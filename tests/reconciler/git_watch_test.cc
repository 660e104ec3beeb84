// What wakes a waiting Headgate, and what does not.
#include "reconciler/git_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>

#include "reconciler/git_repository.h"
#include "tests/reconciler/git_fixture.h"

namespace headgate::reconciler {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Woken = GitWatch::Woken;

constexpr auto kLong = seconds(20);  // ends a test that would hang
constexpr auto kShort = milliseconds(60);

class GitWatchTest : public testing::Test {
 protected:
  GitWatch watch(const std::string& branch = "main") { return GitWatch(remote_.path(), branch, say()); }
  GitWatch::Notice say() {
    return [this](const std::string& text) { notices_.push_back(text); };
  }
  // Reads what is pending, so that the next answer is of what comes.
  static void settle(GitWatch& watch) {
    while (watch.wait(kShort, {}) != Woken::timed_out) {
    }
  }

  TestFolder folder_;
  TestRepository remote_{folder_.path() / "deep" / "er" / "remote"};
  std::vector<std::string> notices_;
};

TEST_F(GitWatchTest, ACommitWakesOnceHoweverManyFilesItTouches) {
  remote_.commit_file("a", "1");
  GitWatch watch(remote_.path(), "main", say());
  EXPECT_EQ(watch.wait(kShort, {}), Woken::timed_out);
  remote_.commit_file("a", "2");
  remote_.commit_file("a", "3");
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);  // between two calls: not missed
  EXPECT_EQ(watch.wait(kShort, {}), Woken::timed_out);
  auto waiting = std::async(std::launch::async, [&] { return watch.wait(kLong, {}); });
  remote_.commit_file("a", "4");
  EXPECT_EQ(waiting.get(), Woken::changed);
}

TEST_F(GitWatchTest, WhatIsNotTheBranchDoesNotWake) {
  remote_.commit_file("a", "1");
  GitWatch watch(remote_.path(), "main", say());
  settle(watch);
  write_file(remote_.path() / "a", "2");
  remote_.git({"add", "-A"});
  remote_.git({"branch", "other"});
  remote_.git({"tag", "v1"});
  EXPECT_EQ(watch.wait(kShort, {}), Woken::timed_out);
}

TEST_F(GitWatchTest, PushToABareRepositoryAndPackedRefsWake) {
  remote_.commit_file("a", "1");
  const fs::path bare = folder_.path() / "bare.git";
  remote_.git({"clone", "-q", "--bare", remote_.path().string(), bare.string()});
  GitWatch watch(bare, "main", say());
  settle(watch);
  remote_.commit_file("a", "2");
  remote_.git({"push", "-q", bare.string(), "main"});
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
  settle(watch);
  ASSERT_EQ(run({"git", "pack-refs", "--all"}, bare).exit_code, 0);
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
  settle(watch);
  remote_.commit_file("a", "3");
  remote_.git({"push", "-q", bare.string(), "main"});
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
}

TEST_F(GitWatchTest, ABranchWithSlashesIsFollowedThroughItsFolders) {
  remote_.commit_file("a", "1");
  GitWatch watch(remote_.path(), "release/2026/v1", say());
  settle(watch);
  remote_.git({"branch", "release/2026/v1"});
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
  settle(watch);
  remote_.git({"update-ref", "refs/heads/release/2026/v1", remote_.commit_file("a", "2")});
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
  settle(watch);
  remote_.git({"branch", "-D", "release/2026/v1"});
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
  settle(watch);
  remote_.git({"branch", "release/2026/v1"});
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
}

TEST_F(GitWatchTest, ARepositoryThatVanishesAndComesBackIsHeard) {
  remote_.commit_file("a", "1");
  GitWatch watch(remote_.path(), "main", say());
  settle(watch);
  fs::remove_all(folder_.path() / "deep");
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
  settle(watch);
  TestRepository again(remote_.path());
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
  settle(watch);
  again.commit_file("a", "2");
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
  settle(watch);
  again.commit_file("a", "3");
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
}

TEST_F(GitWatchTest, AFolderAboveThatIsReplacedIsFoundByLooking) {
  remote_.commit_file("a", "1");
  GitWatch watch(remote_.path(), "main", say());
  settle(watch);
  fs::rename(folder_.path() / "deep", folder_.path() / "aside");
  TestRepository other(remote_.path());
  other.commit_file("b", "1");
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
  settle(watch);
  other.commit_file("b", "2");
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
}

TEST_F(GitWatchTest, ALinkedWorkTreeListensToItsCommonRefs) {
  remote_.commit_file("a", "1");
  const fs::path linked = folder_.path() / "linked";
  remote_.git({"worktree", "add", "-q", "-b", "side", linked.string()});
  GitWatch watch(linked, "main", say());
  settle(watch);
  remote_.commit_file("a", "2");
  EXPECT_EQ(watch.wait(kLong, {}), Woken::changed);
}

TEST_F(GitWatchTest, NudgeAndStopWakeAtOnce) {
  GitWatch watch(std::nullopt, "main", say());
  EXPECT_EQ(watch.wait(kShort, {}), Woken::timed_out);
  watch.nudge();
  watch.nudge();
  EXPECT_EQ(watch.wait(kLong, {}), Woken::nudged);
  EXPECT_EQ(watch.wait(kShort, {}), Woken::timed_out);
  std::stop_source stop;
  auto waiting = std::async(std::launch::async, [&] { return watch.wait(kLong, stop.get_token()); });
  stop.request_stop();
  EXPECT_EQ(waiting.get(), Woken::stopped);
  EXPECT_EQ(watch.wait(kLong, stop.get_token()), Woken::stopped);
  EXPECT_TRUE(notices_.empty());
}

TEST_F(GitWatchTest, ARepositoryAsksForALookWhenItsPollIsDue) {
  remote_.commit_file("a", "1");
  GitRepositoryConfig config;
  config.name = "environments";
  config.url = remote_.path().string();
  config.clone = folder_.path() / "clone.git";
  config.poll = milliseconds(150);
  auto repository = GitRepository::create(config);
  ASSERT_TRUE(repository.has_value());
  EXPECT_TRUE((*repository)->wait(kLong, {}));  // never looked
  ASSERT_TRUE((*repository)->fetch("", 1, {}).has_value());
  EXPECT_FALSE((*repository)->wait(milliseconds(1), {}));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE((*repository)->wait(kLong, {}));
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(5));
  (*repository)->nudge();
  EXPECT_TRUE((*repository)->wait(kLong, {}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE((*repository)->wait(kLong, stop.get_token()));
}

}  // namespace
}  // namespace headgate::reconciler
