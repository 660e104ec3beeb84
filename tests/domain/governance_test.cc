// A change of the policy, where the host asks for approvals of it: nothing of its commit is in force before they are
// given under the policy before it.
#include "engine/domain/governance.h"

#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

World given_governance(std::vector<ApprovalRule> rules = {{"managers", 2, 7}}) {
  auto s = stage("production");
  s.wait = 10min;
  auto world = World::running_v1(s);
  world.governance = std::move(rules);
  return world;
}

// As before, but without the wait.
Service weaker() {
  return service({stage("production")});
}

Lines conditions(const World& world) {
  Lines texts;
  for (const auto& condition : judge_proposal(world.state, *world.state.configuration.proposal)) {
    texts.push_back(std::string(condition.met ? "met: " : "unmet: ") + condition.text);
  }
  return texts;
}

TEST(Governance, AChangeOfTheWishAloneTakesForceAtOnce) {
  auto world = given_governance();
  EXPECT_THAT(world.push(target(production, release("v2"))), Contains("configuration.accepted"));
}

TEST(Governance, AChangeOfThePolicyWaitsAndWithItTheWishOfItsCommit) {
  auto world = given_governance();
  const auto before = world.state.configuration.commit;
  EXPECT_THAT(world.push({{weaker(), target(production, release("v2"))}, {}, "person:frank"}),
              ElementsAre("configuration.proposed"));
  EXPECT_EQ(world.state.configuration.commit, before);
  EXPECT_EQ(world.state.stage(production)->wait, Duration(10min));
  EXPECT_EQ(world.at(production).desired->release.version, "v1");
  EXPECT_THAT(world.pass(48h), IsEmpty());
  EXPECT_THAT(conditions(world), ElementsAre("unmet: 2 approvals of managers: 0 given"));
  EXPECT_THAT(explain_proposal(world.state, production)->text, HasSubstr("changes Service/gateway"));
}

TEST(Governance, TakesForceWithTheLastApprovalAndTheWishFollowsTheNewPolicy) {
  auto world = given_governance();
  world.push({{weaker(), target(production, release("v2"))}, {}, "person:frank"});
  EXPECT_THAT(world.approve_configuration("person:carol"), ElementsAre("configuration.approved managers"));
  EXPECT_THAT(world.approve_configuration("person:dave"),
              happened_in_order("configuration.approved managers", "configuration.accepted", "desired.changed v2",
                                "promotion.planned #1 v2", "activity.started deploy#1"));
  EXPECT_FALSE(world.state.configuration.proposal);
}

TEST(Governance, OnePersonCountsOnce) {
  auto world = given_governance();
  world.push(weaker(), "person:frank");
  world.approve_configuration("person:carol");
  EXPECT_THAT(world.approve_configuration("person:carol"), Refused("approved it already"));
}

TEST(Governance, NobodyApprovesTheirOwnWork) {
  auto world = given_governance();
  world.push({{weaker()}, {}, "person:carol", {"person:dave"}});
  EXPECT_THAT(world.approve_configuration("person:carol"), Refused("your own work is in it"));
  EXPECT_THAT(world.approve_configuration("person:dave"), Refused("your own work is in it"));
  EXPECT_THAT(world.approve_configuration("person:erin"), ElementsAre("configuration.approved managers"));
}

TEST(Governance, WorkOfAnEarlierCommitOfTheRangeIsOwnWorkToo) {
  auto world = given_governance({{"managers", 1, 7}});
  world.push(weaker(), "person:carol");
  world.push(service({stage("production"), stage("staging")}), "person:frank");
  EXPECT_THAT(world.approve_configuration("person:carol"), Refused("your own work is in it"));
}

TEST(Governance, AnotherNameOfThePersonIsTheSamePerson) {
  auto world = given_governance({{"managers", 1, 7}});
  world.governance.clear();
  auto policy = access_policy();
  policy.people[2].also = {"person:carol-at-home"};
  world.push(policy);
  world.governance = {{"managers", 1, 7}};
  world.push(weaker(), "person:carol-at-home");
  EXPECT_THAT(world.approve_configuration("person:carol"), Refused("your own work is in it"));
}

TEST(Governance, IsJudgedByThePolicyBeforeIt) {
  auto world = given_governance({{"managers", 1, 7}});
  auto policy = access_policy();
  policy.people.push_back({"person:mallory", {}, {}, {}});
  policy.teams[0].members = {"person:mallory"};
  world.push(policy, "person:frank");
  EXPECT_THAT(world.approve_configuration("person:mallory"), Refused("not a member"));
  EXPECT_THAT(world.approve_configuration("person:alice"), Refused("not a member"));
  EXPECT_THAT(world.approve_configuration("token:ci"), Refused("only a person"));
  EXPECT_THAT(world.approve_configuration("person:erin"), Contains("configuration.accepted"));
}

TEST(Governance, AMemberWithoutTheRoleDoesNotCount) {
  auto world = given_governance({{"managers", 1, 7}});
  world.governance.clear();
  auto policy = access_policy();
  policy.teams.push_back({"auditors", {"person:bob"}});
  policy.grants.erase(policy.grants.begin() + 1);  // of platform
  world.push(policy);
  world.governance = {{"auditors", 1, 7}};
  world.push(weaker(), "person:frank");
  EXPECT_THAT(world.approve_configuration("person:bob"), Refused("not a member with the approver role"));
  EXPECT_THAT(judge_proposal(world.state, *world.state.configuration.proposal).front().remedy, HasSubstr("nobody of"));
}

TEST(Governance, ANewerCommitReplacesItAndVoidsItsApprovals) {
  auto world = given_governance();
  world.push(weaker(), "person:frank");
  const auto first = world.state.configuration.proposal->change.digest;
  world.approve_configuration("person:carol");
  auto s = stage("production");
  s.wait = 1min;
  EXPECT_THAT(world.push(service({s}), "person:frank"),
              ElementsAre("configuration.superseded", "configuration.proposed"));
  const auto& superseded = std::get<ConfigurationSuperseded>((world.log.end() - 2)->event);
  EXPECT_THAT(superseded.approvers, ElementsAre("person:carol"));
  EXPECT_THAT(superseded.reason, HasSubstr("came after it"));
  EXPECT_THAT(world.when(ApproveConfiguration{first, {}, {}}, "person:dave"), Refused("another configuration"));
  EXPECT_THAT(conditions(world), ElementsAre("unmet: 2 approvals of managers: 0 given"));
}

TEST(Governance, ANewerCommitThatTakesItBackTakesForceByItself) {
  auto world = given_governance();
  auto s = stage("production");
  s.wait = 10min;
  world.push(weaker(), "person:frank");
  EXPECT_THAT(world.push(service({s}), "person:frank"),
              happened_in_order("configuration.superseded", "configuration.accepted"));
  EXPECT_EQ(world.state.stage(production)->wait, Duration(10min));
}

TEST(Governance, ANewerCommitThatIsWrongEndsItToo) {
  auto world = given_governance();
  world.push(weaker(), "person:frank");
  EXPECT_THAT(world.when(RejectConfiguration{"environments", commit_id(99), {{"x", 1, 1, "bad", {}, {}}}}, "engine"),
              ElementsAre("configuration.superseded", "configuration.rejected"));
  EXPECT_THAT(world.approve_configuration("person:carol"), Refused("no configuration waits"));
}

TEST(Governance, NothingIsApprovedWhileANewerCommitIsBeingRead) {
  auto world = given_governance({{"managers", 1, 7}});
  world.push(weaker(), "person:frank");
  CommitObserved newer{"environments", "main", commit_id(77), {}, "person:frank", "person:frank", {}, {}, 0};
  world.when(ObserveCommits{"environments", "main", {}, {newer}}, "engine");
  EXPECT_THAT(world.approve_configuration("person:carol"), Refused("came after what is proposed"));
}

TEST(Governance, DocumentsThatDifferFromAnotherConfigurationAreRefused) {
  auto world = given_governance();
  EXPECT_THAT(world.when(AcceptConfiguration{"environments", commit_id(78), {}, commit_id(79)}, "engine"),
              Refused("another configuration has taken force meanwhile"));
}

TEST(Governance, ToldTwiceItIsProposedOnce) {
  auto world = given_governance();
  world.push(weaker(), "person:frank");
  const auto commit = world.state.configuration.proposal->commit;
  EXPECT_THAT(world.when(AcceptConfiguration{"environments", commit, world.governance, {}}, "engine"), IsEmpty());
  world.when(StageDocuments{commit, {{{"gateway.yaml", 1, commit}, weaker()}}, {}}, "engine");
  EXPECT_THAT(world.when(AcceptConfiguration{"environments", commit, world.governance, {}}, "engine"), IsEmpty());
}

TEST(Governance, OtherRulesOfTheHostVoidWhatWasApproved) {
  auto world = given_governance();
  world.push(weaker(), "person:frank");
  world.approve_configuration("person:carol");
  const auto commit = world.state.configuration.proposal->commit;
  world.when(StageDocuments{commit, {{{"gateway.yaml", 1, commit}, weaker()}}, {}}, "engine");
  EXPECT_THAT(world.when(AcceptConfiguration{"environments", commit, {{"managers", 1, 7}}, {}}, "engine"),
              ElementsAre("configuration.superseded", "configuration.proposed"));
  EXPECT_THAT(world.state.configuration.proposal->approvals, IsEmpty());
}

// Where the host asks for signed changes of the policy, and this commit has none that counts.
Lines accept_unsigned(World& world, std::vector<Document> documents, const std::string& why) {
  const auto commit = commit_id(500 + world.log.size());
  StageDocuments stage{commit, {}, {}};
  for (auto& document : documents) {
    auto file = key_of(document).name + ".yaml";
    stage.accepted.push_back({{std::move(file), 3, commit}, std::move(document)});
  }
  world.when(stage, "engine");
  return world.when(AcceptConfiguration{"environments", commit, world.governance, {}, why}, "engine");
}

TEST(Governance, AChangeOfThePolicyThatIsNotSignedIsRejectedWithTheReason) {
  auto world = given_governance();
  EXPECT_THAT(accept_unsigned(world, {weaker()}, "it has no signature"), ElementsAre("configuration.rejected"));
  EXPECT_FALSE(world.state.configuration.proposal);
  ASSERT_EQ(world.state.configuration.diagnostics.size(), 1U);
  EXPECT_THAT(
      to_string(world.state.configuration.diagnostics[0]),
      testing::AllOf(HasSubstr("gateway.yaml:3:1: error: Service/gateway changes, and commit "),
                     HasSubstr(" is not signed by one of the allowed signers: it has no signature: expected a commit "
                               "signed by a key of governance.signedBy")));
  EXPECT_NE(world.state.stage(production)->wait, weaker().stages.front().wait);
}

TEST(Governance, AScriptThatChangedWithoutASignatureIsNamed) {
  auto world = given_governance();
  auto changed = environment("production");
  changed.driver.deploy.blob = commit_id(4711);
  EXPECT_THAT(accept_unsigned(world, {changed}, "it has no signature"), ElementsAre("configuration.rejected"));
  ASSERT_EQ(world.state.configuration.diagnostics.size(), 1U);
  EXPECT_THAT(
      to_string(world.state.configuration.diagnostics[0]),
      testing::StartsWith("hooks/deploy.sh:1:1: error: hooks/deploy.sh (used by Environment/production) changes, "
                          "and commit "));
}

TEST(Governance, ACommitOfTargetsAloneNeedsNoSignature) {
  auto world = given_governance();
  EXPECT_THAT(accept_unsigned(world, {target(production, release("v7"))}, "it has no signature"),
              Contains("configuration.accepted"));
}

TEST(Governance, ANewerUnsignedChangeEndsWhatWasProposed) {
  auto world = given_governance();
  world.push(weaker(), "person:frank");
  auto other = weaker();
  other.group = "other";
  EXPECT_THAT(accept_unsigned(world, {other}, "the key is nobody's"),
              ElementsAre("configuration.superseded", "configuration.rejected"));
}

TEST(Governance, WhoIsToldIsThePolicyToo) {
  auto world = given_governance();
  NotificationPolicy policy;
  policy.name = "default";
  policy.receivers = {{"hook", ReceiverKind::webhook, "https://example.com/hook", {}, {}, 7}};
  policy.routes = {{{"*"}, {}, {"hook"}, 5}};
  EXPECT_THAT(world.push(policy, "person:frank"), ElementsAre("configuration.proposed"));
  EXPECT_THAT(world.state.notification_policies, IsEmpty());
}

TEST(Governance, WhoCountsAsOnePersonIsThePolicyToo) {
  auto world = given_governance();
  auto policy = access_policy();
  policy.people[2].also = {"person:ghost"};  // as when the document gives them another address
  EXPECT_THAT(world.push(policy, "person:frank"), ElementsAre("configuration.proposed"));
}

TEST(Governance, ALineThatMovedIsNoChangeOfThePolicy) {
  auto world = given_governance();
  auto s = stage("production");
  s.wait = 10min;
  s.line += 5;
  s.wait_line += 5;
  EXPECT_THAT(world.push(service({s}), "person:frank"), Contains("configuration.accepted"));
}

TEST(Governance, EnvironmentsAccessAndRemovalsAreThePolicyToo) {
  auto world = given_governance();
  EXPECT_THAT(world.push(environment("production", true), "person:frank"), Contains("configuration.proposed"));
  EXPECT_THAT(world.push(environment("staging"), "person:frank"), Contains("configuration.proposed"));
  EXPECT_THAT(world.push({{}, {{DocumentKind::access_policy, "access"}}, "person:frank"}),
              Contains("configuration.proposed"));
}

TEST(Governance, AScriptThatChangedIsAChangeOfThePolicy) {
  auto world = given_governance();
  auto changed = environment("production");
  changed.driver.deploy.blob = commit_id(4711);
  EXPECT_THAT(world.push(changed, "person:frank"), Contains("configuration.proposed"));
}

std::string what_is_proposed(const World& world) {
  return describe_change(world.state.configuration.proposal->change);
}

TEST(Governance, AScriptThatChangedIsNamedOnceAndNotTheDocumentsThatUseIt) {
  const auto pushed = [](const std::string& blob) {
    Push push{{access_policy(), environment("production")}, {}, "person:frank"};
    for (int n = 0; n < 12; ++n) {
      auto s = stage("production");
      s.before = {hook("migrate")};
      s.before[0].run.blob = blob;
      auto document = service({s});
      document.name = "service-" + std::to_string(n);
      push.documents.emplace_back(document);
    }
    return push;
  };
  World world;
  world.push(pushed(commit_id(4711)));
  world.governance = {{"managers", 1, 7}};
  EXPECT_THAT(world.push(pushed(commit_id(4712))), ElementsAre("configuration.proposed"));
  EXPECT_EQ(what_is_proposed(world), "changes hooks/migrate.sh (used by 12 services)");
  EXPECT_EQ(world.state.configuration.proposal->change.policy, 1U);
  EXPECT_THAT(conditions(world), ElementsAre("unmet: 1 approval of managers: 0 given"));
  EXPECT_THAT(world.approve_configuration("person:carol"), Contains("configuration.accepted"));
  EXPECT_EQ(world.state.service("service-0")->stages[0].before[0].run.blob, commit_id(4712));
}

TEST(Governance, AScriptOfOneDocumentIsNamedWithIt) {
  auto world = given_governance();
  auto changed = environment("production");
  changed.driver.deploy.blob = commit_id(4711);
  world.push({{changed, weaker()}, {}, "person:frank"});
  EXPECT_EQ(what_is_proposed(world), "changes hooks/deploy.sh (used by Environment/production), Service/gateway");
}

TEST(Governance, ADocumentInWhichMoreChangedThanAScriptIsNamedToo) {
  auto world = given_governance();
  auto changed = environment("production", true);
  changed.driver.deploy.blob = commit_id(4711);
  world.push(changed, "person:frank");
  EXPECT_EQ(what_is_proposed(world),
            "changes hooks/deploy.sh (used by Environment/production), Environment/production");
}

TEST(Governance, AnotherScriptInPlaceOfOneIsAChangeOfTheDocument) {
  auto world = given_governance();
  auto changed = environment("production");
  changed.driver.deploy = script({"hooks/release.sh", "${release.version}"});
  world.push(changed, "person:frank");
  EXPECT_EQ(what_is_proposed(world), "changes Environment/production");
}

TEST(Governance, DeclinedItStaysOutUntilAnotherCommit) {
  auto world = given_governance();
  world.push(weaker(), "person:frank");
  EXPECT_THAT(world.decline_configuration("person:alice"), Refused("not a member"));
  EXPECT_THAT(world.decline_configuration("person:carol"), ElementsAre("configuration.declined"));
  EXPECT_EQ(world.state.configuration.declined->by, "person:carol");
  EXPECT_THAT(world.approve_configuration("person:dave"), Refused("no configuration waits"));
  EXPECT_THAT(world.push(weaker(), "person:frank"), ElementsAre("configuration.proposed"));
  EXPECT_FALSE(world.state.configuration.declined);
}

TEST(Governance, SeveralTeamsEachGiveTheirs) {
  auto world = given_governance({{"managers", 1, 7}, {"platform", 1, 8}});
  world.push(weaker(), "person:frank");
  EXPECT_THAT(world.approve_configuration("person:carol", "platform"), ElementsAre("configuration.approved platform"));
  EXPECT_THAT(conditions(world), ElementsAre("unmet: 1 approval of managers: 0 given",
                                             "met: 1 approval of platform: 1 given by person:carol"));
  EXPECT_THAT(world.approve_configuration("person:dave"), Contains("configuration.accepted"));
}

TEST(Governance, TheFirstConfigurationIsForAnAdministrator) {
  World world;
  world.governance = {{"managers", 1, 7}};
  world.when(CreateToken{"token:root", "hash", {Role::admin}, {}}, "engine");
  EXPECT_THAT(world.push({{access_policy(), environment("production"), weaker()}, {}, "person:alice"}),
              ElementsAre("configuration.proposed"));
  EXPECT_THAT(conditions(world), ElementsAre(HasSubstr("by an administrator")));
  EXPECT_THAT(world.approve_configuration("token:ci"), Refused("an administrator must approve"));
  EXPECT_THAT(world.approve_configuration("person:carol"), Refused("an administrator must approve"));
  EXPECT_THAT(world.approve_configuration("token:root"), Contains("configuration.accepted"));
}

TEST(Governance, WithoutItAChangeOfThePolicyTakesForceAtOnce) {
  auto world = given_governance({});
  EXPECT_THAT(world.push(weaker(), "person:frank"), Contains("configuration.accepted"));
}

}  // namespace
}  // namespace headgate::test
