// The plan as data: its steps, what its digest covers, how texts are filled in.
#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using testing::ElementsAre;

struct Input {
  InForce<Service> service_document{service({}), {"gateway.yaml", 1, "b1"}, commit_id(1)};
  InForce<Environment> environment_document{
      environment("production", true), {"production.yaml", 1, "b2"}, commit_id(1)};
  Stage stage_of = stage("production");
  PromotionId id = promotion(production, 1);
  std::optional<Wish> from = Wish{release("v1"), {}};
  std::optional<Wish> way_back = Wish{release("v1"), {}};
  Wish to{release("v2"), {{"replicas", "3"}}};

  Input() {
    stage_of.gates = {"unit-tests", "lint"};
    stage_of.healthy = {"staging"};
    stage_of.approvals = {{"managers", 2, 35}};
    stage_of.wait = 5min;
    stage_of.before = {hook("backup")};
    stage_of.verify = {health("smoke")};
  }
  Plan plan() const {
    return plan_promotion({id, &service_document, &stage_of, &environment_document, from, way_back, to}, &test_digest);
  }
};

Lines names(const Plan& plan) {
  Lines lines;
  for (const auto& step : plan.steps) lines.push_back(step.name);
  return lines;
}

TEST(Plan, HasItsStepsInTheOrderOfTheRules) {
  Input input;
  EXPECT_THAT(names(input.plan()), ElementsAre("gates", "approval", "wait", "backup", "deploy", "smoke",
                                               "rollback-deploy", "rollback-smoke"));
  input.way_back.reset();
  EXPECT_THAT(names(input.plan()),
              ElementsAre("gates", "approval", "wait", "backup", "deploy", "smoke", "rollback-retire"));
  input.environment_document.document.driver.retire.reset();
  input.stage_of = stage("production");
  EXPECT_THAT(names(input.plan()), ElementsAre("deploy"));
}

TEST(Plan, CarriesTheGatesWithTheirThresholds) {
  const auto plan = Input().plan();
  EXPECT_EQ(plan.steps[0].gates.at(0).metrics.at("coverage").min, Decimal{"90"});
  EXPECT_THAT(plan.steps[0].healthy, ElementsAre("staging"));
}

TEST(Plan, ThatRequiresAGateTheServiceDoesNotHaveStillWaitsForIt) {
  Input input;
  input.stage_of.gates = {"ghost"};
  EXPECT_EQ(input.plan().steps[0].gates.at(0).name, "ghost");
}

TEST(Plan, VerifiesARollbackAgainstWhatItBringsBack) {
  Input input;
  input.stage_of.verify[0].http->url = "http://example.com/${release.version}?was=${previous.version}";
  const auto plan = input.plan();
  EXPECT_EQ(plan.steps[5].check->http->url, "http://example.com/v2?was=v1");
  EXPECT_EQ(plan.steps[7].check->http->url, "http://example.com/v1?was=v1");
}

TEST(PlanDigest, CoversWhateverChangesWhatWouldBeDone) {
  using Change = void (*)(Input&);
  const std::vector<std::pair<const char*, Change>> changes{
      {"release", [](Input& i) { i.to.release = release("v3"); }},
      {"from", [](Input& i) { i.from->release = release("v0"); }},
      {"nothing ran", [](Input& i) { i.from.reset(); }},
      {"way back", [](Input& i) { i.way_back->release = release("v0"); }},
      {"variables", [](Input& i) { i.to.variables["replicas"] = "4"; }},
      {"a gate", [](Input& i) { i.stage_of.gates.pop_back(); }},
      {"a threshold", [](Input& i) { i.service_document.document.gates[0].metrics["coverage"].min = Decimal{"91"}; }},
      {"healthy", [](Input& i) { i.stage_of.healthy.clear(); }},
      {"approvals", [](Input& i) { i.stage_of.approvals[0].count = 1; }},
      {"self-approval", [](Input& i) { i.stage_of.self_approval = true; }},
      {"expiry", [](Input& i) { i.stage_of.approval_expiry = 1h; }},
      {"wait", [](Input& i) { i.stage_of.wait = 4min; }},
      {"a hook's script", [](Input& i) { i.stage_of.before[0].run.blob = "x"; }},
      {"the driver's script", [](Input& i) { i.environment_document.document.driver.deploy.blob = "x"; }},
      {"a driver of the stage",
       [](Input& i) {
         i.stage_of.driver = environment("production").driver;
         i.stage_of.driver->deploy.blob = "y";
       }},
      {"an argument", [](Input& i) { i.environment_document.document.driver.deploy.command.push_back("x"); }},
      {"a check", [](Input& i) { i.stage_of.verify[0].attempts = 9; }},
      {"its status", [](Input& i) { i.stage_of.verify[0].http->status = 204; }},
      {"rollback", [](Input& i) { i.stage_of.rollback_automatic = false; }},
      {"quarantine", [](Input& i) { i.stage_of.rollback_quarantine = false; }},
      {"how many at once",
       [](Input& i) {
         i.stage_of.max_concurrent = ConcurrencyRule{2, 41};
       }},
      {"another number",
       [](Input& i) {
         i.stage_of.max_concurrent = ConcurrencyRule{3, 41};
       }},
      {"a dependency",
       [](Input& i) {
         i.service_document.document.depends_on = {{"research", 7}};
       }},
      {"another one",
       [](Input& i) {
         i.service_document.document.depends_on = {{"pricing", 7}};
       }},
      {"both",
       [](Input& i) {
         i.service_document.document.depends_on = {{"research", 7}, {"pricing", 7}};
       }},
  };
  std::set<std::string> digests{Input().plan().digest};
  for (const auto& [what, change] : changes) {
    Input input;
    change(input);
    EXPECT_TRUE(digests.insert(input.plan().digest).second) << what;
  }
}

TEST(PlanDigest, DoesNotCoverWhereTheRulesStand) {
  Input input;
  const auto before = input.plan().digest;
  input.service_document.source = {"elsewhere.yaml", 99, "b9"};
  input.service_document.commit = commit_id(9);
  input.environment_document.source = {"elsewhere.yaml", 9, "b9"};
  input.stage_of.line = input.stage_of.requires_line = input.stage_of.wait_line = 99;
  input.stage_of.approvals[0].line = input.stage_of.before[0].line = input.stage_of.verify[0].line = 99;
  for (auto& gate : input.service_document.document.gates) gate.line = 99;
  input.id.number = 8;  // no text of the plan names the promotion
  input.stage_of.environment = "production";
  EXPECT_EQ(input.plan().digest, before);
}

TEST(PlanDigest, DoesNotCoverInWhichOrderDependenciesStand) {
  Input input;
  input.stage_of.max_concurrent = ConcurrencyRule{2, 41};
  input.service_document.document.depends_on = {{"research", 7}, {"pricing", 7}};
  const auto before = input.plan().digest;
  input.stage_of.max_concurrent->line = 99;
  input.service_document.document.depends_on = {{"pricing", 9}, {"research", 10}};
  EXPECT_EQ(input.plan().digest, before);
}

TEST(PlanDigest, TellsTextsApartThatReadTheSameTogether) {
  Input a;
  Input b;
  a.environment_document.document.driver.deploy.command = {"x", "a b"};
  b.environment_document.document.driver.deploy.command = {"x", "a", "b"};
  EXPECT_NE(a.plan().digest, b.plan().digest);
  a.environment_document.document.driver.deploy.command = {"x", "ab", "c"};
  b.environment_document.document.driver.deploy.command = {"x", "a", "bc"};
  EXPECT_NE(a.plan().digest, b.plan().digest);
}

TEST(Interpolation, IsDataAndNothingElse) {
  const StringMap values{
      {"service", "gateway"}, {"variables.path", "a b/../${service}?x=1&y"}, {"release.version", "v1"}};
  EXPECT_EQ(interpolate("${service}-${release.version}", values), "gateway-v1");
  EXPECT_EQ(interpolate("${variables.path}", values), "a b/../${service}?x=1&y");  // not interpolated again
  EXPECT_EQ(interpolate("http://x/${variables.path}", values, true),
            "http://x/a%20b%2F..%2F%24%7Bservice%7D%3Fx%3D1%26y");
  EXPECT_EQ(interpolate("$service $${service} ${", values), "$service $gateway ${");
  EXPECT_EQ(interpolate("${unknown} ${service", values), "${unknown} ${service");
}

TEST(Interpolation, OfAnAddressIsEncodedAndOfWhatIsComparedAsItIs) {
  Input input;
  input.to.variables["path"] = "a b/../c";
  input.to.variables["q"] = "1&y=2#z";
  auto& http = *input.stage_of.verify[0].http;
  http.url = "http://x/${variables.path}?v=${variables.q}";
  http.contains = "path ${variables.path}";
  http.header = {{"X-Query", "${variables.q}"}};
  Check reached;
  reached.name = "reached";
  reached.tcp = TcpCheck{"${variables.path}.example.com", 443};
  input.stage_of.verify.push_back(reached);
  input.way_back->variables = input.to.variables;
  const auto plan = input.plan();
  ASSERT_THAT(names(plan), ElementsAre("gates", "approval", "wait", "backup", "deploy", "smoke", "reached",
                                       "rollback-deploy", "rollback-smoke", "rollback-reached"));
  for (const std::size_t smoke : {5, 8}) {
    const auto& check = *plan.steps[smoke].check->http;
    EXPECT_EQ(check.url, "http://x/a%20b%2F..%2Fc?v=1%26y%3D2%23z");
    EXPECT_EQ(check.contains, "path a b/../c");
    EXPECT_EQ(check.header.begin()->second, "1&y=2#z");
    EXPECT_EQ(plan.steps[smoke + 1].check->tcp->host, "a b/../c.example.com");
  }
}

TEST(Interpolation, AValueIsOneArgument) {
  Input input;
  input.to.variables["text"] = "a b; rm -rf /";
  input.environment_document.document.driver.deploy.command = {"hooks/deploy.sh", "--text=${variables.text}",
                                                               "${release.artifacts.image}"};
  EXPECT_THAT(input.plan().steps[4].run->command,
              ElementsAre("hooks/deploy.sh", "--text=a b; rm -rf /", release("v2").artifacts.at("image")));
}

}  // namespace
}  // namespace headgate::test
