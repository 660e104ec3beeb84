// Who stands behind a release: signatures of its commit, whose work is inside, and authors whom nobody knows.
#include "engine/domain/authorship.h"

#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const PromotionId first = promotion(production, 1);

AccessPolicy with_keys() {
  auto policy = access_policy();
  policy.people[0].keys = {"SHA256:alice"};
  policy.people[1].keys = {"SHA256:bob"};
  return policy;
}

World given(const Stage& s, const std::string& author = "person:alice") {
  auto world = World::running_v1(s);
  world.push(with_keys(), "person:alice");
  world.push(target(production, release("v2")), author);
  return world;
}

Lines verified(World& world, SignatureVerdict verdict, const std::string& key = {}, const std::string& version = "v2") {
  const bool good = verdict == SignatureVerdict::good;
  return world.when(RecordSignature{{"environments", release(version).commit, verdict, good ? "person:alice" : "", key,
                                     good ? "" : "the reason"}},
                    "engine");
}

Lines attributed(World& world, std::vector<std::string> people, bool known = true) {
  const auto& p = world.live(production);
  return world.when(RecordAuthors{{p.id, known ? "environments" : "", p.from->release.commit, p.to.release.commit,
                                   known, people.size(), std::move(people)}},
                    "engine");
}

Condition of_guard(const World& world, std::string_view guard) {
  for (auto& condition : judge(world.state, world.live(production), world.now)) {
    if (condition.guard == guard) return condition;
  }
  return {};
}

// --------------------------------------------------------------------------------------------------- signed commits

Stage signed_stage() {
  auto s = stage("production");
  s.signed_commit = SignedCommitRule{33};
  return s;
}

TEST(SignedCommit, WaitsUntilItIsVerifiedAndPassesWithAGoodOne) {
  auto world = given(signed_stage());
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("is not verified yet")));
  EXPECT_THAT(verified(world, SignatureVerdict::good, "SHA256:alice"),
              happened_in_order("step.succeeded gates", "promotion.started #1"));
}

TEST(SignedCommit, AnythingElseHoldsThePromotionAndSaysWhatToDo) {
  struct Row {
    SignatureVerdict verdict;
    const char* key;
    const char* remedy;
  };
  for (const auto& [verdict, key, remedy] :
       {Row{SignatureVerdict::unsigned_, "", "git commit -S"}, Row{SignatureVerdict::bad, "", "may have been altered"},
        Row{SignatureVerdict::unknown_key, "SHA256:mallory", "add it to their signingKeys"},
        Row{SignatureVerdict::expired_key, "0123", "extend the key"},
        Row{SignatureVerdict::missing, "", "push it to where Headgate watches"}}) {
    auto world = given(signed_stage());
    EXPECT_THAT(verified(world, verdict, key), Not(Contains("promotion.started #1"))) << name_of(verdict);
    EXPECT_THAT(world.effects(), IsEmpty());
    const auto condition = of_guard(world, "signedCommit");
    EXPECT_FALSE(condition.met);
    EXPECT_THAT(condition.text, HasSubstr("has no good signature: the reason"));
    EXPECT_THAT(condition.remedy, HasSubstr(remedy));
    EXPECT_EQ(condition.line, 33U);
    EXPECT_EQ(condition.events.size(), 1U);
  }
}

TEST(SignedCommit, TheKeyMustBeSomebodysNow) {
  auto world = given(signed_stage());
  EXPECT_THAT(verified(world, SignatureVerdict::good, "SHA256:mallory"), Not(Contains("promotion.started #1")));
  EXPECT_THAT(of_guard(world, "signedCommit").text, HasSubstr("which is nobody's any more"));
}

TEST(SignedCommit, AKeyThatIsTakenAwayVoidsWhatWasApproved) {
  auto s = signed_stage();
  s.approvals = {{"managers", 2, 35}};
  auto world = given(s);
  verified(world, SignatureVerdict::good, "SHA256:alice");
  world.approve(first, "person:carol");
  EXPECT_THAT(world.push(access_policy()), Contains("approval.voided person:carol"));
  EXPECT_THAT(world.approve(first, "person:dave"), Refused("cannot be approved now"));
}

TEST(SignedCommit, IsWrittenAgainOnlyWhenItComesOutOtherwise) {
  auto world = given(signed_stage());
  EXPECT_THAT(verified(world, SignatureVerdict::bad), Contains(HasSubstr("commit.verified")));
  EXPECT_THAT(verified(world, SignatureVerdict::bad), IsEmpty());
  EXPECT_THAT(verified(world, SignatureVerdict::good, "SHA256:bob"), Contains("promotion.started #1"));
}

TEST(SignedCommit, OfAnotherCommitSaysNothing) {
  auto world = given(signed_stage());
  EXPECT_THAT(verified(world, SignatureVerdict::good, "SHA256:alice", "v1"), Not(Contains("promotion.started #1")));
}

TEST(SignedCommit, AReleaseWithoutACommitCannotHaveOne) {
  auto world = World::running_v1(signed_stage());
  world.push(target(production, {"v2", {}, {{"image", "registry.example.com/gateway@sha256:v2"}}}));
  EXPECT_THAT(world.unmet(production), ElementsAre("release v2 names no commit that could be signed"));
}

TEST(SignedCommit, BelongsToTheDigest) {
  auto s = stage("production");
  s.wait = 1h;
  auto world = given(s);
  s.signed_commit = SignedCommitRule{33};
  EXPECT_THAT(world.push(service({s})), Contains("promotion.superseded #1"));
  s.signed_commit = SignedCommitRule{44};
  EXPECT_THAT(world.push(service({s})), Not(Contains("promotion.superseded #2")));
}

// --------------------------------------------------------------------------------------------------- whose work it is

Stage approved() {
  auto s = stage("production");
  s.approvals = {{"managers", 1, 35}};
  return s;
}

TEST(Authors, OfAnythingBetweenTheReleasesMayNotApprove) {
  auto world = given(approved());
  EXPECT_THAT(attributed(world, {"person:carol", "person:bob"}), Contains(HasSubstr("promotion.attributed")));
  EXPECT_THAT(world.approve(first, "person:carol"), Refused("your own work"));
  EXPECT_THAT(world.approve(first, "person:dave"), Contains("promotion.started #1"));
}

TEST(Authors, FoundOutLaterVoidTheirApprovals) {
  auto s = approved();
  s.wait = 1h;
  auto world = given(s);
  world.approve(first, "person:carol");
  EXPECT_THAT(attributed(world, {"person:carol"}), Contains("approval.voided person:carol"));
  EXPECT_THAT(std::get<ApprovalVoided>(world.log.back().event).reason, HasSubstr("the work of person:carol is inside"));
  EXPECT_THAT(world.pass(2h), Not(Contains("promotion.started #1")));
}

TEST(Authors, AreWaitedForOncePromotionsAreAttributed) {
  auto world = given(approved());
  attributed(world, {"person:bob"});
  world.approve(first, "person:carol");
  world.finish_all(production);
  world.push(target(production, release("v3")));
  world.approve(promotion(production, 2), "person:carol");
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("brings is not known yet")));
  EXPECT_THAT(attributed(world, {"person:bob"}), Contains("promotion.started #2"));
}

TEST(Authors, ThatNobodyCanTellHoldUpNothing) {
  auto world = given(approved());
  EXPECT_THAT(attributed(world, {}, false), Contains(HasSubstr("promotion.attributed")));
  EXPECT_THAT(attributed(world, {}, false), IsEmpty());
  EXPECT_THAT(of_guard(world, "authors").text, HasSubstr("no watched repository holds commit"));
  EXPECT_THAT(attributed(world, {"person:carol"}), Not(IsEmpty()));  // pushed later
  EXPECT_THAT(world.approve(first, "person:carol"), Refused("your own work"));
}

// Where it is known where the commits come from, one that is not there yet may be anybody's.
TEST(Authors, ThatCannotBeToldYetHoldItWhereTheServiceHasASource) {
  auto sourced = service({approved()});
  sourced.source = ServiceSource{"monorepo", {"gateway/**"}, 5};
  auto world = given(approved());
  world.push(sourced);
  attributed(world, {}, false);
  EXPECT_THAT(world.approve(first, "person:dave"), Not(Contains("promotion.started #1")));
  const auto condition = of_guard(world, "authors");
  EXPECT_FALSE(condition.met);
  EXPECT_THAT(condition.text, HasSubstr("is not known: no watched repository holds it"));
  EXPECT_THAT(condition.remedy, HasSubstr("push it to a branch of monorepo"));
  auto own_work = world;
  EXPECT_THAT(attributed(own_work, {"person:dave"}), Contains("approval.voided person:dave"));
  EXPECT_THAT(attributed(world, {"person:bob"}), Contains("promotion.started #1"));
}

// However soon it comes: nobody has looked yet whose work it is, and the log tells of no look before.
TEST(Authors, AreWaitedForFromTheFirstPromotionOnWhereTheServiceHasASource) {
  auto sourced = service({approved()});
  sourced.source = ServiceSource{"monorepo", {"gateway/**"}, 5};
  auto world = World::running_v1(approved());
  world.push(sourced);
  world.push(target(production, release("v2")));
  world.approve(first, "person:carol");
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.unmet(production), ElementsAre(HasSubstr("brings is not known yet")));
  auto own_work = world;
  EXPECT_THAT(attributed(own_work, {"person:carol"}), Contains("approval.voided person:carol"));
  EXPECT_THAT(own_work.effects(), IsEmpty());
  EXPECT_THAT(attributed(world, {"person:bob"}), Contains("promotion.started #1"));
}

// What takes away or mends brings nobody's work.
TEST(Authors, OfWhatRunsAlreadyAreNotAskedFor) {
  auto sourced = service({approved()});
  sourced.source = ServiceSource{"monorepo", {"gateway/**"}, 5};
  auto world = given(approved());
  world.push(sourced);
  auto again = world.live(production);
  again.attribution = Attribution{};
  EXPECT_FALSE(judge_authors(world.state, again, world.now).front().met);
  again.from->release.commit = again.to.release.commit;
  EXPECT_TRUE(judge_authors(world.state, again, world.now).front().met);
}

TEST(Authors, WhoAreTooManyToBeToldHoldItAndSaySo) {
  auto world = given(approved());
  const auto& p = world.live(production);
  const RecordAuthors too_many{{first, "environments", p.from->release.commit, p.to.release.commit, false, 25'000, {}}};
  EXPECT_THAT(world.when(too_many, "engine"), Contains(HasSubstr("promotion.attributed")));
  EXPECT_THAT(world.when(too_many, "engine"), IsEmpty());
  EXPECT_THAT(attributed(world, {}, false), IsEmpty()) << "that its repository is gone for a while changes nothing";
  EXPECT_THAT(world.approve(first, "person:carol"), Not(Contains("promotion.started #1")));
  const auto condition = of_guard(world, "authors");
  EXPECT_FALSE(condition.met);
  EXPECT_THAT(condition.text, HasSubstr("cannot be told: 25000 commits are too many"));
  EXPECT_THAT(condition.remedy, HasSubstr("promote a release in between first"));
  EXPECT_THAT(attributed(world, {"person:bob"}), Contains("promotion.started #1"));
}

TEST(Authors, MayApproveWhereTheStageAllowsIt) {
  auto s = approved();
  s.self_approval = true;
  auto world = given(s);
  attributed(world, {"person:carol"});
  EXPECT_THAT(world.approve(first, "person:carol"), Contains("promotion.started #1"));
}

// ---------------------------------------------------------------------------------------------------- unknown authors

Stage asking(UnknownAuthors then) {
  auto s = approved();
  s.unknown_authors = UnknownAuthorsRule{then, 37};
  return s;
}

TEST(UnknownAuthors, AskForOneMorePersonOfTheStagesTeams) {
  auto world = given(asking(UnknownAuthors::extra_approval), "person:stranger");
  world.approve(first, "person:carol");
  const auto condition = of_guard(world, "extraApproval");
  EXPECT_EQ(condition.text,
            "one more approval of managers: 0 given; since the AccessPolicy does not know "
            "person:stranger, whose work is inside");
  EXPECT_THAT(condition.remedy, HasSubstr("person:dave, person:erin can give it"));
  EXPECT_EQ(condition.line, 37U);
  EXPECT_THAT(world.effects(), IsEmpty());
  EXPECT_THAT(world.approve(first, "person:dave"), Contains("promotion.started #1"));
}

TEST(UnknownAuthors, AskForNothingWhereEverybodyIsKnown) {
  auto world = given(asking(UnknownAuthors::extra_approval));
  EXPECT_THAT(world.approve(first, "person:carol"), Contains("promotion.started #1"));
}

TEST(UnknownAuthors, AskForOnePersonBesidesTheOneThatAGateAsksFor) {
  auto s = asking(UnknownAuthors::extra_approval);
  s.gates = {"scan"};
  auto asks = service({s});
  asks.gates[1].metrics["critical"].otherwise = Otherwise::approval;
  auto world = World::running_v1(s);
  world.push(asks, "person:alice");
  world.push(target(production, release("v2")), "person:stranger");
  world.gate("scan", "v2", GateStatus::passed, {{"critical", {"2"}}});
  world.approve(first, "person:carol");
  EXPECT_THAT(world.approve(first, "person:dave"), Not(Contains("promotion.started #1")));
  EXPECT_THAT(world.approve(first, "person:erin"), Contains("promotion.started #1"));
}

TEST(UnknownAuthors, FoundOutLaterVoidWhatWasGivenWithoutKnowing) {
  auto s = asking(UnknownAuthors::extra_approval);
  s.wait = 1h;
  auto world = given(s);
  world.approve(first, "person:carol");
  EXPECT_THAT(attributed(world, {"person:stranger"}), Contains("approval.voided person:carol"));
  EXPECT_THAT(std::get<ApprovalVoided>(world.log.back().event).reason,
              HasSubstr("a new reason for approval: the AccessPolicy does not know person:stranger"));
  world.approve(first, "person:carol");
  EXPECT_THAT(world.live(production).approvals.front().unknown_authors, ElementsAre("person:stranger"));
}

TEST(UnknownAuthors, AreRefusedUntilTheAccessPolicyKnowsThem) {
  auto s = stage("production");
  s.unknown_authors = UnknownAuthorsRule{UnknownAuthors::refuse, 37};
  auto world = given(s, "person:stranger");
  EXPECT_THAT(world.steps(production), Contains(HasSubstr("gates")));
  EXPECT_THAT(world.unmet(production),
              ElementsAre("the AccessPolicy does not know person:stranger, whose work is inside"));
  auto policy = with_keys();
  policy.people[0].also = {"person:stranger"};
  EXPECT_THAT(world.push(policy, "person:alice"), Contains("promotion.started #1"));
}

}  // namespace
}  // namespace headgate::test
