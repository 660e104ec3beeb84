// What of a real repository belongs to a service, and which branches and tags are followed.
#include "reconciler/git_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/digest.h"
#include "reconciler/git_repository.h"
#include "reconciler/schedules.h"
#include "tests/reconciler/git_fixture.h"

namespace headgate::reconciler {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PathMatches, AsPatternsOfPathsAreRead) {
  EXPECT_TRUE(path_matches("gateway/**", "gateway/src/main.cc"));
  EXPECT_TRUE(path_matches("**/*.proto", "api/v1/a.proto"));
  EXPECT_TRUE(path_matches("**/*.proto", "a.proto"));
  EXPECT_TRUE(path_matches("a/*/c", "a/b/c"));
  EXPECT_FALSE(path_matches("a/*/c", "a/b/d/c"));
  EXPECT_FALSE(path_matches("gateway/**", "gateways/main.cc"));
  EXPECT_FALSE(path_matches("*.md", "docs/a.md"));
}

class Sources : public ::testing::Test {
 protected:
  std::unique_ptr<GitRepository> follow(std::vector<std::string> branches, std::vector<std::string> tags,
                                        const std::string& url = {}) {
    GitRepositoryConfig config;
    config.name = "monorepo";
    config.url = url.empty() ? upstream.path().string() : url;
    config.branches = std::move(branches);
    config.tags = std::move(tags);
    config.clone = folder.path() / "clone.git";
    auto made = GitRepository::create(std::move(config));
    EXPECT_TRUE(made);
    return std::move(*made);
  }
  std::vector<std::string> names(const std::vector<GitRef>& refs) {
    std::vector<std::string> all;
    for (const auto& ref : refs) all.push_back((ref.tag ? "tag " : "branch ") + ref.name);
    std::ranges::sort(all);
    return all;
  }

  TestFolder folder;
  TestRepository upstream{folder.path() / "upstream"};
};

TEST_F(Sources, FollowsTheBranchesAndTagsThatPatternsName) {
  upstream.commit_file("gateway/a", "1");
  upstream.git({"branch", "develop"});
  upstream.git({"branch", "feature/x"});
  upstream.git({"tag", "v1.0.0"});
  upstream.git({"tag", "-a", "v1.1.0", "-m", "annotated"});
  upstream.git({"tag", "nightly"});
  const auto repository = follow({"main", "feature/*"}, {"v*"});
  const auto refs = repository->fetch_refs({});
  ASSERT_TRUE(refs) << refs.error().message;
  EXPECT_THAT(names(*refs), ElementsAre("branch feature/x", "branch main", "tag v1.0.0", "tag v1.1.0"));
  for (const auto& ref : *refs) EXPECT_EQ(ref.commit, upstream.head()) << "of a tag, its commit";
}

TEST_F(Sources, FollowsARemoteToo) {
  upstream.commit_file("gateway/a", "1");
  upstream.git({"tag", "-a", "v1.0.0", "-m", "annotated"});
  GitDaemon daemon(folder.path());
  const auto repository = follow({"main"}, {"v*"}, daemon.url("upstream"));
  auto refs = repository->fetch_refs({});
  ASSERT_TRUE(refs) << refs.error().message;
  EXPECT_THAT(names(*refs), ElementsAre("branch main", "tag v1.0.0"));
  upstream.commit_file("gateway/a", "2");
  upstream.git({"tag", "v1.0.1"});
  refs = repository->fetch_refs({});
  ASSERT_TRUE(refs) << refs.error().message;
  EXPECT_THAT(names(*refs), ElementsAre("branch main", "tag v1.0.0", "tag v1.0.1"));
  EXPECT_EQ(refs->back().commit, upstream.head());
  EXPECT_TRUE(repository->source_at(upstream.head(), {"gateway/**"}));
}

TEST_F(Sources, ARefMayTakeTheNameOfAFolderThatAnotherOneHad) {
  upstream.commit_file("gateway/a", "1");
  const auto first = upstream.head();
  upstream.git({"branch", "release"});
  upstream.git({"tag", "v1"});
  upstream.git({"tag", "v2/rc"});
  GitDaemon daemon(folder.path());
  const auto repository = follow({"main", "release", "release/*"}, {"v*"}, daemon.url("upstream"));
  ASSERT_TRUE(repository->fetch_refs({}));
  upstream.git({"branch", "-D", "release"});
  upstream.git({"tag", "-d", "v1", "v2/rc"});
  upstream.commit_file("gateway/a", "2");
  upstream.git({"branch", "release/1.0"});
  upstream.git({"tag", "v1/rc"});
  upstream.git({"tag", "v2"});
  const auto refs = repository->fetch_refs({});
  ASSERT_TRUE(refs) << refs.error().message;
  EXPECT_THAT(names(*refs), ElementsAre("branch main", "branch release/1.0", "tag v1/rc", "tag v2"));
  for (const auto& ref : *refs) EXPECT_EQ(ref.commit, upstream.head()) << ref.name;
  EXPECT_TRUE(repository->source_at(first, {"gateway/**"})) << "what was read stays";
}

TEST_F(Sources, SaysWhenTheRepositoryHasDisappeared) {
  upstream.commit_file("gateway/a", "1");
  const auto repository = follow({"main"}, {});
  ASSERT_TRUE(repository->fetch_refs({}));
  const auto head = upstream.head();
  std::filesystem::rename(upstream.path(), folder.path() / "elsewhere");
  EXPECT_FALSE(repository->fetch_refs({}));
  EXPECT_TRUE(repository->source_at(head, {"gateway/**"})) << "what was read stays";
}

TEST_F(Sources, TheCommitIsTheOneThatTouchedThePathsLast) {
  const auto repository = follow({"main"}, {});
  upstream.commit_file("gateway/a", "1");
  const auto first = upstream.head();
  upstream.commit_file("research/a", "1");
  const auto second = upstream.head();
  ASSERT_TRUE(repository->fetch_refs({}));
  const auto before = repository->source_at(first, {"gateway/**"});
  const auto after = repository->source_at(second, {"gateway/**"});
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->commit, first);
  EXPECT_EQ(after->digest, before->digest);
  EXPECT_EQ(repository->source_at(second, {"research/**"})->commit, second);
  EXPECT_EQ(repository->source_at(second, {})->commit, second) << "without paths everything counts";
}

TEST_F(Sources, WhatIsTheSameUnderThePathsHasTheSameDigestWhereverItComesFrom) {
  upstream.commit_file("gateway/a", "1");
  upstream.git({"checkout", "-q", "-b", "work"});
  upstream.commit_file("gateway/a", "2");
  const auto reviewed = upstream.head();
  upstream.git({"checkout", "-q", "main"});
  upstream.commit_file("other", "x");
  upstream.git({"merge", "-q", "--squash", "work"});
  upstream.commit("squashed");
  const auto repository = follow({"main", "work"}, {});
  ASSERT_TRUE(repository->fetch_refs({}));
  const auto squashed = repository->source_at(upstream.head(), {"gateway/**"});
  ASSERT_TRUE(squashed);
  EXPECT_EQ(squashed->digest, repository->source_at(reviewed, {"gateway/**"})->digest);
  EXPECT_EQ(squashed->commit, upstream.head());
}

TEST_F(Sources, APathWithALineBreakIsNotTakenForTwo) {
  const std::string pattern = "policy/**/*.rego";
  upstream.commit_file("policy/a.rego", "deny");
  upstream.commit_file("policy/b.rego", "allow");
  const auto both = upstream.head();
  const auto a = upstream.git({"rev-parse", "HEAD:policy/a.rego"});
  const auto b = upstream.git({"rev-parse", "HEAD:policy/b.rego"});
  upstream.git({"rm", "-q", "-r", "policy"});
  const auto one = upstream.commit_file("policy/a.rego " + a + " 100644\npolicy/b.rego", "allow");
  const auto repository = follow({"main"}, {});
  ASSERT_TRUE(repository->fetch_refs({}));
  const auto before = repository->source_at(both, {pattern});
  const auto after = repository->source_at(one, {pattern});
  ASSERT_TRUE(before && after);
  EXPECT_NE(after->digest, before->digest);
  EXPECT_EQ(before->digest,
            sha256_digest(pattern + "\npolicy/a.rego " + a + " 100644\npolicy/b.rego " + b + " 100644\n"))
      << "logs hold digests of ordinary paths in this form";
}

TEST_F(Sources, NoFileIsCopiedForAndNoneMustBeSmall) {
  upstream.commit_file("gateway/a", std::string(1000, 'a'));
  const auto blob = upstream.git({"rev-parse", "HEAD:gateway/a"});
  GitRepositoryConfig config;
  config.name = "monorepo";
  config.url = upstream.path().string();
  config.branches = {"main"};
  config.clone = folder.path() / "clone.git";
  config.limits.file_bytes = 999;
  std::vector<std::string> notices;
  config.notice = [&](const std::string& text) { notices.push_back(text); };
  const auto repository = GitRepository::create(config).value();
  ASSERT_TRUE(repository->fetch_refs({}));
  const auto found = repository->source_at(upstream.head(), {"gateway/**"});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_NE(found->digest, "");
  EXPECT_FALSE(repository->read_blob(blob, 1000));
  const auto opened_again = GitRepository::create(config).value();
  ASSERT_TRUE(opened_again->fetch_refs({}));
  EXPECT_THAT(notices, IsEmpty()) << "a clone without files is whole";
}

TEST_F(Sources, NothingUnderThePathsIsNoSource) {
  upstream.commit_file("gateway/a", "1");
  const auto repository = follow({"main"}, {});
  ASSERT_TRUE(repository->fetch_refs({}));
  EXPECT_EQ(repository->source_at(upstream.head(), {"research/**", "docs/*.md"})->digest, "");
}

TEST_F(Sources, PatternsInTheMiddleLookAtEachFile) {
  upstream.commit_file("a/src/main.cc", "1");
  upstream.commit_file("b/doc/readme", "1");
  const auto documented = upstream.head();
  upstream.commit_file("b/src/main.cc", "1");
  const auto repository = follow({"main"}, {});
  ASSERT_TRUE(repository->fetch_refs({}));
  const auto before = repository->source_at(documented, {"*/src/**"});
  const auto after = repository->source_at(upstream.head(), {"*/src/**"});
  ASSERT_TRUE(before && after);
  EXPECT_NE(before->digest, after->digest);
  EXPECT_EQ(after->commit, upstream.head());
}

TEST_F(Sources, WakesWhenABranchMovesOrATagComes) {
  upstream.commit_file("gateway/a", "1");
  const auto repository = follow({"main"}, {"v*"});
  ASSERT_TRUE(repository->fetch_refs({}));
  repository->wait(std::chrono::milliseconds(1), {});
  upstream.git({"tag", "v1.0.0"});
  EXPECT_TRUE(repository->wait(std::chrono::seconds(10), {}));
  upstream.git({"branch", "feature/y"});
  EXPECT_TRUE(repository->wait(std::chrono::seconds(10), {}));
}

TEST(Schedules, AreWorkedOutAheadInUtc) {
  const Timestamp now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + std::chrono::hours(9)};  // a Friday
  const auto expanded = expand_schedule({"gateway", "production"}, "0 6 * * 1", now);
  ASSERT_TRUE(expanded);
  ASSERT_EQ(expanded->times.size(), 5U);
  EXPECT_EQ(format_timestamp(expanded->times[0]), "2026-11-23T06:00:00.000000Z");
  EXPECT_EQ(expanded->times[1] - expanded->times[0], std::chrono::days(7));
  EXPECT_EQ(expand_schedule({"gateway", "production"}, "* * * * *", now)->times.size(), max_schedule_times);
  EXPECT_FALSE(expand_schedule({"gateway", "production"}, "nonsense", now));
  const auto gate = expand_gate_schedule("gateway", "scan", "0 6 * * 1", now);
  ASSERT_TRUE(gate);
  EXPECT_EQ(gate->gate, "scan");
  EXPECT_EQ(gate->times, expanded->times);
  EXPECT_EQ(gate->until, expanded->until);
}

}  // namespace
}  // namespace headgate::reconciler
