// What the watch finds out in a real repository, and what the domain makes of it.
#include "reconciler/authorship_watch.h"

#include <fstream>
#include <iterator>

#include "reconciler/git_repository.h"
#include "reconciler/offline_people.h"
#include "tests/domain/fixture.h"
#include "tests/reconciler/git_fixture.h"

namespace headgate::reconciler {
namespace {

using namespace test;  // NOLINT: the little world of the domain's tests

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class Watch : public testing::Test, public StateView, public CommandSink, public Clock {
 protected:
  void with_state(const std::function<void(const State&)>& read) const override { read(world_.state); }
  bool submit(Submission submission, std::function<void(Result<Receipt>)> done) override {
    for (auto& line : world_.when(submission.command, "engine")) lines_.push_back(std::move(line));
    done(Receipt{});
    return true;
  }
  Timestamp now() const override { return world_.now; }
  Duration steady() const override { return steady_; }

  // v1 runs from `from`, v2 of `to` is wished where `last` protects.
  void given(const Stage& last, const std::string& from, const std::string& to, const std::string& key) {
    auto policy = access_policy();
    PersonRecord record;
    record.name = "alice";
    if (!key.empty()) {
      record.signing_keys = {key};
      const auto ids = people_.claim(record).value();
      policy.people[0].id = ids.id;
      policy.people[0].also = ids.also;
      policy.people[0].keys = {parse_signing_key(key)->fingerprint};
    }
    world_ = World();
    world_.push(
        {{policy, environment("production"), service({last}), target(production, {"v1", from, {}})}, {}, "person:bob"});
    world_.observe(production, "v1");
    world_.push(target(production, {"v2", to, {}}), "person:bob");
  }
  void look() {
    GitRepositoryConfig config;
    config.name = "source";
    config.url = source_.path().string();
    config.clone = folder_.path() / "clone.git";
    auto repository = GitRepository::create(std::move(config));
    ASSERT_TRUE(repository);
    ASSERT_TRUE((*repository)->fetch({}, 1, {}));
    AuthorshipWatch watch({{"source", repository->get()}}, verifier_, people_, *this, *this, *this,
                          [](NoticeLevel, std::string_view message, std::string_view) { ADD_FAILURE() << message; });
    watch.look({});
    const auto told = lines_.size();
    watch.look({});
    EXPECT_EQ(lines_.size(), told) << "the same was told twice";
  }
  std::string commit(const std::string& author) {
    const auto by = [&](const std::string& who) { return "GIT_" + who + "_EMAIL=" + author + "@example.com"; };
    write_file(source_.path() / "file", std::to_string(++commits_));
    return source_.commit("a change", {by("AUTHOR"), by("COMMITTER")});
  }

  TestFolder folder_;
  TestRepository source_{folder_.path() / "source"};
  int commits_ = 0;
  World world_;
  Lines lines_;
  Duration steady_{0};
  OfflinePeople people_;
  ProcessRunner runner_{{.lock_directory = folder_.path() / "locks", .supervisor = HEADGATE_PROCESS_HOST}};
  CommitSignatureVerifier verifier_{runner_, folder_.path() / "work"};
};

TEST_F(Watch, TellsWhoseWorkLiesBetweenTheReleases) {
  commit("dave");
  const auto from = commit("dave");
  commit("erin");
  const auto to = commit("carol");
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  given(s, from, to, {});
  look();
  const auto& p = world_.live(production);
  ASSERT_TRUE(p.attribution);
  EXPECT_TRUE(p.attribution->known);
  EXPECT_EQ(p.attribution->commits, 2U);
  EXPECT_THAT(p.people,
              testing::UnorderedElementsAre("person:bob", people_.person_by_email("", "erin@example.com").value(),
                                            people_.person_by_email("", "carol@example.com").value()));
}

TEST_F(Watch, SaysWhenNoRepositoryHoldsTheCommits) {
  commit("dave");
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  s.signed_commit = SignedCommitRule{33};
  given(s, std::string(40, 'a'), std::string(40, 'b'), {});
  look();
  EXPECT_FALSE(world_.live(production).attribution->known);
  EXPECT_EQ(world_.state.signatures.at(std::string(40, 'b')).verdict, SignatureVerdict::missing);
}

TEST_F(Watch, BarsEverybodyWhereTheCommitThatRunsIsNotAtHand) {
  commit("dave");
  const auto to = commit("carol");
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  given(s, std::string(40, 'a'), to, {});
  look();
  const auto& p = world_.live(production);
  ASSERT_TRUE(p.attribution);
  EXPECT_TRUE(p.attribution->known);
  EXPECT_EQ(p.attribution->commits, 2U);
  EXPECT_THAT(p.people, testing::IsSupersetOf({people_.person_by_email("", "dave@example.com").value(),
                                               people_.person_by_email("", "carol@example.com").value()}));
}

TEST_F(Watch, SaysWhenThereAreTooManyToTell) {
  const auto from = commit("dave");
  std::string to;
  for (int i = 0, person = 0; i < 10; ++i) {
    std::string message = "a change\n\n";
    for (int n = 0; n < 250; ++n) {
      const auto name = "author" + std::to_string(++person);
      message += "Co-authored-by: " + name + " <" + name + "@example.com>\n";
    }
    write_file(source_.path() / "file", std::to_string(i));
    to = source_.commit(message);
  }
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  given(s, from, to, {});
  look();
  const auto& p = world_.live(production);
  ASSERT_TRUE(p.attribution);
  EXPECT_FALSE(p.attribution->known);
  EXPECT_EQ(p.attribution->commits, 10U);
  world_.approve(p.id, "person:erin");
  EXPECT_THAT(world_.unmet(production), ElementsAre(HasSubstr("cannot be told: 10 commits are too many")));
}

TEST_F(Watch, VerifiesTheCommitOfTheRelease) {
  const auto key = folder_.path() / "key";
  ASSERT_EQ(run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key.string()}, folder_.path()).exit_code, 0);
  std::ifstream file(key.string() + ".pub");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto from = commit("dave");
  write_file(source_.path() / "file", "signed");
  source_.git({"add", "-A"});
  source_.git(
      {"-c", "gpg.format=ssh", "-c", "user.signingkey=" + key.string() + ".pub", "commit", "-q", "-S", "-m", "x"});
  auto s = stage("production");
  s.signed_commit = SignedCommitRule{33};
  given(s, from, source_.head(), text);
  EXPECT_THAT(world_.unmet(production), ElementsAre(HasSubstr("is not verified yet")));
  look();
  EXPECT_THAT(lines_, Contains("promotion.started #1"));
}

}  // namespace
}  // namespace headgate::reconciler
