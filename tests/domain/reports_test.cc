// What comes from outside: releases, commits, repositories, documents, tokens, refusals.
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Releases, AreRegisteredOnceAndNeverChange) {
  auto world = World::running_v1(stage("production"));
  RegisterRelease two{"gateway", release("v2"), "main", {"v2"}};
  EXPECT_THAT(world.when(two), ElementsAre("release.registered v2"));
  EXPECT_THAT(world.when(two), IsEmpty());
  EXPECT_THAT(world.when(RegisterRelease{"gateway", release("v2"), {}, {}}), IsEmpty())
      << "it says less, not otherwise";
  EXPECT_THAT(world.when(RegisterRelease{"gateway", release("v2"), "develop", {"v2", "v3"}}),
              Refused("another branch or other tags"));
  EXPECT_EQ(world.error.code, ErrorCode::conflict);
  EXPECT_EQ(world.error.fields,
            (std::vector<FieldError>{{"/branch", "develop", "main"}, {"/tags", "v3", "one of v2"}}));
  two.release.artifacts["image"] = "registry.example.com/gateway@sha256:other";
  EXPECT_THAT(world.when(two), Refused("a release never changes"));
  EXPECT_EQ(world.error.code, ErrorCode::conflict);
  two.release = release("v2");
  two.release.commit = release("v3").commit;
  EXPECT_THAT(world.when(two), Refused("a release never changes"));
}

TEST(Releases, ThatAreNotWellFormedAreRefusedFieldByField) {
  auto world = World::running_v1(stage("production"));
  const RegisterRelease bad{"gateway", {"v 2", "HEAD", {{"Image", "-x"}}}, {}, {}};
  EXPECT_THAT(world.when(bad), Refused("not well-formed"));
  Lines pointers;
  for (const auto& field : world.error.fields) pointers.push_back(field.pointer);
  EXPECT_THAT(pointers, ElementsAre("/version", "/commit", "/artifacts/Image", "/artifacts/Image"));
  EXPECT_THAT(world.when(RegisterRelease{"ghost", release("v2"), {}, {}}), Refused("known: gateway"));
}

TEST(Releases, NeverChangeAfterManyOthersEither) {
  auto world = World::running_v1(stage("production"));
  for (std::size_t i = 0; i < ServiceState::max_releases + 10; ++i) {
    world.when(RegisterRelease{"gateway", release("build-" + std::to_string(i)), {}, {}});
  }
  ASSERT_FALSE(world.state.release({"gateway", "build-0"}));
  auto other = release("build-0");
  other.commit = release("other").commit;
  EXPECT_THAT(world.when(RegisterRelease{"gateway", other, {}, {}}), Refused("a release never changes"));
  EXPECT_THAT(world.when(RegisterRelease{"gateway", release("build-0"), {}, {}}),
              ElementsAre("release.registered build-0"))
      << "as it was";
  world.push(target(production, {"build-1", other.commit, {}}));
  EXPECT_THAT(world.idle(production), HasSubstr("was registered with another commit"));
  // Under another name of the service as well.
  auto renamed = service({stage("production")});
  renamed.name = "edge";
  renamed.formerly = "gateway";
  world.push({{renamed}, {{DocumentKind::service, "gateway"}, {DocumentKind::target, "gateway.production"}}});
  EXPECT_THAT(world.when(RegisterRelease{"edge", {"build-2", other.commit, {}}, {}, {}}),
              Refused("a release never changes"));
}

// The oldest leave the state when there are many; what targets want or run does not.
TEST(Releases, InUseAreKeptHoweverManyFollow) {
  auto world = World::running_v1(stage("production"));
  for (std::size_t i = 0; i < ServiceState::max_releases + 10; ++i) {
    world.when(RegisterRelease{"gateway", release("build-" + std::to_string(i)), {}, {}});
  }
  EXPECT_NE(world.state.release({"gateway", "v1"}), nullptr);
  EXPECT_EQ(world.state.release({"gateway", "build-0"}), nullptr);
  EXPECT_LE(world.state.services.at("gateway").releases.size(), ServiceState::max_releases + 1);
  world.push(target(production, {"v1", {}, {}}, {{"replicas", "2"}}));
  EXPECT_THAT(world.effects(), ElementsAre("gateway/production/1/deploy#1"));
}

// No report of other commits may take away what an approval rests on.
TEST(Reports, OfWhatIsInUseAreKeptHoweverManyFollow) {
  auto s = stage("production");
  s.gates = {"lint"};
  s.approvals = {{"managers", 2, 35}};
  auto world = World::running_v1(s);
  world.push(target(production, release("v2")));
  world.gate("lint", "v2");
  world.approve(promotion(production, 1), "person:carol");
  for (std::size_t i = 0; i < ServiceState::max_gate_results + 10; ++i) {
    if (i == 500) world.gate("lint", "build-0");  // made anew
    world.gate("lint", "build-" + std::to_string(i));
  }
  const auto& service = world.state.services.at("gateway");
  EXPECT_EQ(service.gates.size(), ServiceState::max_gate_results);
  EXPECT_NE(service.gate(release("build-0"), "lint"), nullptr);
  EXPECT_EQ(service.gate(release("build-1"), "lint"), nullptr);
  EXPECT_THAT(world.approve(promotion(production, 1), "person:dave"), Contains("promotion.started #1"));
}

TEST(Repositories, TroubleIsToldWhenItBeginsAndWhenItEnds) {
  World world;
  EXPECT_THAT(world.when(ReportRepository{"environments", {}}, "engine"), IsEmpty());
  EXPECT_THAT(world.when(ReportRepository{"environments", "no route"}, "engine"),
              ElementsAre("repository.unreachable"));
  EXPECT_THAT(world.when(ReportRepository{"environments", "still no route"}, "engine"), IsEmpty());
  EXPECT_THAT(world.when(ReportRepository{"environments", {}}, "engine"), ElementsAre("repository.recovered"));
}

TEST(Repositories, TheSameHeadIsNotObservedTwice) {
  World world;
  CommitObserved commit;
  commit.repository = "environments";
  commit.branch = "main";
  commit.sha = commit_id(5);
  const ObserveCommits observe{"environments", "main", {}, {commit}};
  EXPECT_THAT(world.when(observe, "engine"), ElementsAre("commit.observed"));
  EXPECT_THAT(world.when(observe, "engine"), IsEmpty());
  auto rewritten = observe;
  rewritten.commits[0].sha = commit_id(6);
  rewritten.rewritten_from = commit_id(5);
  EXPECT_THAT(world.when(rewritten, "engine"), ElementsAre("history.rewritten", "commit.observed"));
}

// ----------------------------------------------------------------------------------------------------- configuration

TEST(Configuration, StagedDocumentsTakeForceTogether) {
  World world;
  const auto sha = commit_id(1);
  world.when(StageDocuments{sha, {{{"a.yaml", 1, "b"}, environment("production")}}, {}}, "engine");
  world.when(StageDocuments{sha, {{{"b.yaml", 1, "b"}, service({stage("production")})}}, {}}, "engine");
  EXPECT_TRUE(world.state.environments.empty());
  EXPECT_EQ(world.state.service("gateway"), nullptr);
  EXPECT_THAT(world.when(AcceptConfiguration{"environments", sha}, "engine"), ElementsAre("configuration.accepted"));
  EXPECT_TRUE(world.state.environments.contains("production"));
  EXPECT_NE(world.state.service("gateway"), nullptr);
  EXPECT_THAT(world.when(AcceptConfiguration{"environments", sha}, "engine"), IsEmpty());
}

TEST(Configuration, ARejectedOneKeepsTheLastGoodInForce) {
  auto world = World::running_v1(stage("production"));
  const auto bad = commit_id(1000);
  world.when(StageDocuments{bad, {{{"b.yaml", 1, "b"}, service({stage("staging")})}}, {}}, "engine");
  const RejectConfiguration reject{"environments", bad, {{"a.yaml", 3, 1, "unknown field", "x", "y"}}};
  EXPECT_THAT(world.when(reject, "engine"), ElementsAre("configuration.rejected"));
  EXPECT_THAT(world.when(reject, "engine"), IsEmpty());
  EXPECT_NE(world.state.stage(production), nullptr);
  EXPECT_EQ(world.state.configuration.rejected_commit, bad);
  EXPECT_THAT(world.state.configuration.staged, IsEmpty());
  EXPECT_THAT(world.push(target(production, release("v2"))), Contains("promotion.planned #1 v2"));
  EXPECT_EQ(world.state.configuration.rejected_commit, "");
}

// After a start it is looked at again: the host may have by now what it lacked.
TEST(Configuration, ARejectedOneWithOtherMistakesIsRejectedAgain) {
  auto world = World::running_v1(stage("production"));
  const auto bad = commit_id(1000);
  world.when(RejectConfiguration{"environments", bad, {{"a.yaml", 3, 1, "unknown secret", "x", "y"}}}, "engine");
  const RejectConfiguration again{"environments", bad, {{"b.yaml", 7, 1, "no smtp", "x", "y"}}};
  EXPECT_THAT(world.when(again, "engine"), ElementsAre("configuration.rejected"));
  EXPECT_EQ(world.state.configuration.diagnostics, again.diagnostics);
  EXPECT_THAT(world.when(again, "engine"), IsEmpty());
  world.when(StageDocuments{bad, {{{"b.yaml", 1, "b"}, service({stage("staging")})}}, {}}, "engine");
  EXPECT_THAT(world.when(AcceptConfiguration{"environments", bad}, "engine"), ElementsAre("configuration.accepted"));
  EXPECT_EQ(world.state.configuration.rejected_commit, "");
}

TEST(Configuration, ARejectedOneIsForgottenOnceTheBranchGoesBackToWhatIsInForce) {
  auto world = World::running_v1(stage("production"));
  const auto in_force = world.state.configuration.commit;
  const auto bad = commit_id(1000);
  CommitObserved commit;
  commit.repository = "environments";
  commit.branch = "main";
  commit.sha = bad;
  world.when(ObserveCommits{"environments", "main", {}, {commit}}, "engine");
  world.when(RejectConfiguration{"environments", bad, {{"a.yaml", 3, 1, "unknown field", "x", "y"}}}, "engine");
  commit.sha = in_force;
  EXPECT_THAT(world.when(ObserveCommits{"environments", "main", bad, {commit}}, "engine"),
              ElementsAre("history.rewritten", "commit.observed"));
  EXPECT_EQ(world.state.configuration.rejected_commit, "");
  EXPECT_THAT(world.state.configuration.diagnostics, IsEmpty());
}

TEST(Configuration, WhoWroteTheRejectedCommitsIsInsideTheNextOne) {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  auto world = World::running_v1(s);
  CommitObserved commit;
  commit.repository = "environments";
  commit.branch = "main";
  commit.sha = commit_id(1000);
  commit.author = commit.committer = "person:carol";
  world.when(ObserveCommits{"environments", "main", {}, {commit}}, "engine");
  world.when(RejectConfiguration{"environments", commit.sha, {{"a.yaml", 3, 1, "unknown field", "x", "y"}}}, "engine");
  world.push(target(production, release("v2")), "person:alice");
  EXPECT_THAT(world.approve(promotion(production, 1), "person:carol"), Refused("your own work"));
}

// Headgate ended between staging and accepting, and the branch has gone back to what is in force.
TEST(Configuration, DocumentsThatWereStagedForAnotherCommitAreLeftBehind) {
  auto world = World::running_v1(stage("production"));
  world.when(StageDocuments{commit_id(1000), {{{"b.yaml", 1, "b"}, service({stage("staging")})}}, {}}, "engine");
  EXPECT_THAT(world.when(AcceptConfiguration{"environments", commit_id(1001)}, "engine"),
              ElementsAre("configuration.accepted"));
  EXPECT_NE(world.state.stage(production), nullptr);
  EXPECT_EQ(std::get<ConfigurationAccepted>(world.log.back().event).documents, 0U);
  EXPECT_THAT(world.state.configuration.staged, IsEmpty());
}

TEST(Configuration, ADocumentThatFitsNoRecordIsRefusedWhereItStands) {
  World world;
  auto big = target(production, release("v1"));
  big.variables["text"].assign(20'000, 'x');
  EXPECT_THAT(world.when(StageDocuments{commit_id(1), {{{"targets/a.yaml", 7, "b"}, big}}, {}}, "engine"),
              Refused("targets/a.yaml:7: Target/gateway.production is too large"));
  EXPECT_EQ(world.error.code, ErrorCode::too_large);
}

TEST(Configuration, DiagnosticsAreBoundedAndTheRestIsCounted) {
  World world;
  RejectConfiguration reject{"environments", commit_id(1), {}};
  for (int i = 0; i < 5000; ++i) reject.diagnostics.push_back({"a.yaml", 1, 1, "unknown field", "x", "y"});
  world.when(reject, "engine");
  const auto& rejected = std::get<ConfigurationRejected>(world.log.back().event);
  EXPECT_GT(rejected.diagnostics.size(), 10U);
  EXPECT_EQ(rejected.diagnostics.size() + rejected.omitted, 5000U);
}

TEST(Log, IsCreatedOnce) {
  World world;
  EXPECT_THAT(world.when(CreateLog{"x", "y"}, "engine"), Refused("exists already"));
}

TEST(Clock, ThatHardlyMovedIsNoEvent) {
  World world;
  EXPECT_THAT(world.when(StepClock{400us}, "engine"), IsEmpty());
  EXPECT_THAT(world.when(StepClock{6s}, "engine"), ElementsAre("clock.stepped"));
}

// ------------------------------------------------------------------------------------------------------- idempotency

TEST(Requests, AreRememberedByActorAndKeyWithTheirOwnEvents) {
  State state;
  Recorded<Event> record;
  const auto write = [&](Event event, const std::string& actor, const std::string& key, std::optional<Position> cause) {
    record.meta = {state.next, Timestamp{}, actor, cause, key, key.empty() ? "" : "sha256:d"};
    record.event = std::move(event);
    evolve(state, record);
  };
  write(RepositoryRecovered{"x"}, "token:ci", "k1", std::nullopt);
  write(RepositoryRecovered{"x"}, "token:ci", "", 0);
  write(RepositoryRecovered{"x"}, "engine", "", 1);  // what followed by itself is not the request's own
  write(RepositoryRecovered{"x"}, "token:cd", "k1", std::nullopt);
  EXPECT_EQ(state.requests.at("token:ci\nk1"), (RequestState{"sha256:d", 0, 1}));
  EXPECT_EQ(state.requests.at("token:cd\nk1"), (RequestState{"sha256:d", 3, 3}));
}

}  // namespace
}  // namespace headgate::test
