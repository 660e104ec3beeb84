// What well-formed documents mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reconciler/document_set.h"
#include "tests/reconciler/documents_support.h"

namespace headgate::reconciler::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;

template <class T>
T only(const std::string& text) {
  const auto parsed = parse(text);
  EXPECT_EQ(in_lines(parsed.diagnostics), "");
  EXPECT_EQ(parsed.documents.size(), 1U);
  return parsed.documents.empty() ? T{} : std::get<T>(parsed.documents[0].document);
}

TEST(DocumentValues, Service) {
  const auto service = only<Service>(R"(# a comment
apiVersion: headgate.dev/v1
kind: Service
metadata:
  name: gateway
spec:
  group: backend
  gates:
    - name: lint
    - name: unit-tests
      metrics: {coverage: {min: 90}}
    - name: security-scan
      metrics:
        critical: {max: 0}
        ratio: {min: 0.10, max: 1e2}
  stages:
    - environment: staging
      requires: {gates: [lint, unit-tests, security-scan]}
      protection:
        approvals: [{team: platform, count: 1}]
        wait: 5m
      supersede: newest
      verify:
        - {name: health, http: {url: "http://gateway.staging.example.com/health", expect: {status: 204, latency: {max: 1s}, body: {contains: "ok ${release.version}"}}}, attempts: 10, interval: 30s}
        - {name: smoke, run: {command: [hooks/smoke.sh, "${environment}"], timeout: 5m}}
    - environment: production
      trigger: {manual: true}
      requires:
        healthy: [staging]
        gates: [lint]
      protection:
        approvals:
          - {team: release-managers, count: 2}
          - team: platform
        selfApproval: true
        approvalExpiry: 1h30m
        wait: 30m
      before:
        - {name: backup, run: {command: [hooks/backup.sh, "-x", "", "a b"]}}
        - name: migrate
          run: {command: [/usr/bin/true]}
      strategy: {direct: {}}
      verify:
        - {name: health, http: {url: "https://gateway.example.com/health"}, attempts: 15, interval: 30s, after: 60s, successes: 3, timeout: 2s}
      rollback:
        automatic: false
        to: previous
        quarantine: false
)");
  EXPECT_EQ(service.name, "gateway");
  EXPECT_EQ(service.group, "backend");
  ASSERT_EQ(service.gates.size(), 3U);
  EXPECT_EQ(service.gates[0], (Gate{"lint", {}, 9, {}, {}}));
  EXPECT_EQ(service.gates[1], (Gate{"unit-tests", {{"coverage", {Decimal{"90"}, {}, {}}}}, 10, {}, {}}));
  EXPECT_EQ(service.gates[2],
            (Gate{"security-scan",
                  {{"critical", {{}, Decimal{"0"}, {}}}, {"ratio", {Decimal{"0.10"}, Decimal{"1e2"}, {}}}},
                  12,
                  {},
                  {}}));
  ASSERT_EQ(service.stages.size(), 2U);

  const auto& staging = service.stages[0];
  EXPECT_EQ(staging.environment, "staging");
  EXPECT_THAT(staging.gates, ElementsAre("lint", "unit-tests", "security-scan"));
  EXPECT_TRUE(staging.healthy.empty());
  EXPECT_THAT(staging.approvals, ElementsAre(ApprovalRule{"platform", 1, 20}));
  EXPECT_FALSE(staging.self_approval);
  EXPECT_EQ(staging.approval_expiry, 24h);
  EXPECT_EQ(staging.wait, 5min);
  EXPECT_TRUE(staging.rollback_automatic);
  EXPECT_TRUE(staging.rollback_quarantine);
  EXPECT_EQ(staging.line, 17U);
  EXPECT_EQ(staging.requires_line, 18U);
  EXPECT_EQ(staging.wait_line, 21U);
  ASSERT_EQ(staging.verify.size(), 2U);
  EXPECT_EQ(staging.verify[0],
            (Check{"health",
                   HttpCheck{"http://gateway.staging.example.com/health", 204, 1s, "ok ${release.version}"},
                   {},
                   10,
                   1,
                   30s,
                   0s,
                   10s,
                   24}));
  EXPECT_EQ(staging.verify[1],
            (Check{"smoke",
                   {},
                   headgate::Run{{"hooks/smoke.sh", "${environment}"}, "blob-of-hooks/smoke.sh", 5min},
                   1,
                   1,
                   10s,
                   0s,
                   5min,
                   25}))
      << "one attempt of a command has the command's own time";

  const auto& production = service.stages[1];
  EXPECT_THAT(production.healthy, ElementsAre("staging"));
  EXPECT_THAT(production.approvals,
              ElementsAre(ApprovalRule{"release-managers", 2, 33}, ApprovalRule{"platform", 1, 34}));
  EXPECT_TRUE(production.self_approval);
  EXPECT_EQ(production.approval_expiry, 90min);
  EXPECT_EQ(production.wait, 30min);
  EXPECT_EQ(production.line, 26U);
  EXPECT_EQ(production.requires_line, 28U);
  EXPECT_EQ(production.wait_line, 37U);
  ASSERT_EQ(production.before.size(), 2U);
  EXPECT_EQ(
      production.before[0],
      (Hook{"backup", headgate::Run{{"hooks/backup.sh", "-x", "", "a b"}, "blob-of-hooks/backup.sh", 15min}, 39}));
  EXPECT_EQ(production.before[1], (Hook{"migrate", headgate::Run{{"/usr/bin/true"}, "", 15min}, 40}));
  ASSERT_EQ(production.verify.size(), 1U);
  EXPECT_EQ(
      production.verify[0],
      (Check{"health", HttpCheck{"https://gateway.example.com/health", 200, {}, ""}, {}, 15, 3, 30s, 60s, 2s, 44}));
  EXPECT_FALSE(production.rollback_automatic);
  EXPECT_FALSE(production.rollback_quarantine);
}

TEST(DocumentValues, DefaultsOfAStage) {
  const auto service = only<Service>(document("Service", "a", "  stages: [{environment: x}]\n"));
  Stage expected;
  expected.environment = "x";
  expected.line = 5;
  EXPECT_THAT(service.stages, ElementsAre(expected));
}

TEST(DocumentValues, TheTimeoutOfAVerificationHoldsForItsCommand) {
  const auto service = only<Service>(verification("run: {command: [/bin/true]}, timeout: 3s"));
  EXPECT_EQ(service.stages[0].verify[0].timeout, 3s);
  EXPECT_EQ(service.stages[0].verify[0].run->timeout, 3s);
}

TEST(DocumentValues, RetentionOfBlobs) {
  const auto with = [](const std::string& retention) {
    return environment_with_driver("  retention: " + retention + "\n");
  };
  EXPECT_EQ(only<Environment>(with("{blobs: 90d}")).blob_retention, 90 * 24h);
  EXPECT_EQ(only<Environment>(environment_with_driver("")).blob_retention, std::nullopt);
  for (const char* wrong : {"{}", "{blobs: 0s}", "{blobs: long}", "{logs: 90d}", "90d"}) {
    EXPECT_FALSE(parse(with(wrong)).diagnostics.empty()) << wrong;
  }
}

TEST(DocumentValues, Environment) {
  const auto environment = only<Environment>(R"(apiVersion: headgate.dev/v1
kind: Environment
metadata: {name: production}
spec:
  driver:
    command: {deploy: [hooks/deploy.sh, "${release.artifacts.image}", "${previous.version}"], observe: [/usr/bin/observe, "${service}"], retire: [hooks/retire.sh, "${promotion}"]}
  observeEvery: 30s
)");
  EXPECT_EQ(environment,
            (Environment{"production",
                         {headgate::Run{{"hooks/deploy.sh", "${release.artifacts.image}", "${previous.version}"},
                                        "blob-of-hooks/deploy.sh"},
                          headgate::Run{{"/usr/bin/observe", "${service}"}, ""},
                          headgate::Run{{"hooks/retire.sh", "${promotion}"}, "blob-of-hooks/retire.sh"}},
                         30s,
                         {},
                         {},
                         {}}));
}

TEST(DocumentValues, GatesWithExceptionsOrderAndAge) {
  const auto service = only<Service>(R"(apiVersion: headgate.dev/v1
kind: Service
metadata: {name: gateway}
spec:
  gates:
    - {name: scan, metrics: {high: {max: 0, otherwise: approval}, medium: {track: true}}, maxAge: 24h}
    - {name: images, after: [scan]}
  stages: [{environment: production, requires: {gates: [scan, images]}, protection: {approvals: [{team: managers}]}}]
)");
  ASSERT_EQ(service.gates.size(), 2U);
  EXPECT_EQ(service.gates[0].max_age, 24h);
  EXPECT_EQ(service.gates[0].metrics.at("high"), (Threshold{{}, Decimal{"0"}, Otherwise::approval}));
  EXPECT_EQ(service.gates[0].metrics.at("medium"), Threshold{});
  EXPECT_THAT(service.gates[1].after, ElementsAre("scan"));
}

TEST(DocumentValues, Windows) {
  const auto environment = only<Environment>(R"(apiVersion: headgate.dev/v1
kind: Environment
metadata: {name: production}
spec:
  driver: {command: {deploy: [/bin/true], observe: [/bin/true]}}
  windows:
    - {kind: allow, schedule: "0 9 * * 1-5", duration: 8h, timeZone: Europe/Rome}
    - {kind: deny, name: year-end, from: 2026-12-20T00:00:00+01:00, to: 2027-01-03T00:00:00Z}
  overrun: false
)");
  const auto at = [](const char* text) { return *parse_timestamp(text); };
  EXPECT_THAT(
      environment.windows,
      ElementsAre(
          Window{WindowKind::allow, "", "0 9 * * 1-5", 8h, "Europe/Rome", {}, {}, 7},
          Window{WindowKind::deny, "year-end", "", {}, "", at("2026-12-19T23:00:00Z"), at("2027-01-03T00:00:00Z"), 8}));
  EXPECT_EQ(environment.overrun, false);
}

TEST(DocumentValues, MaintenanceOfAnEnvironment) {
  const auto environment = only<Environment>(environment_with_driver(
      "  maintenance:\n    - {name: upgrade, from: 2026-12-01T02:00:00Z, to: 2026-12-01T05:00:00+01:00}\n"));
  const auto at = [](const char* text) { return *parse_timestamp(text); };
  EXPECT_THAT(environment.maintenance,
              ElementsAre(Maintenance{"upgrade", at("2026-12-01T02:00:00Z"), at("2026-12-01T04:00:00Z"), 7}));
}

TEST(DocumentValues, ADriverOfAStageAndARunOfAGateAreBoundToTheirScripts) {
  const auto service = only<Service>(R"(apiVersion: headgate.dev/v1
kind: Service
metadata: {name: gateway}
spec:
  gates:
    - {name: scan, schedule: "0 2 * * *", run: {command: [hooks/scan.sh, "${release.commit}"], timeout: 5m}}
  stages:
    - environment: production
      driver: {command: {deploy: [hooks/own.sh, "${release.version}"], observe: [hooks/observe.sh], retire: [/bin/true]}}
)");
  const auto& gate = service.gates.at(0);
  EXPECT_EQ(gate.schedule, "0 2 * * *");
  EXPECT_THAT(gate.run->command, ElementsAre("hooks/scan.sh", "${release.commit}"));
  EXPECT_FALSE(gate.run->blob.empty());
  EXPECT_EQ(gate.run->timeout, 5min);
  const auto& driver = service.stages.at(0).driver;
  ASSERT_TRUE(driver);
  EXPECT_THAT(driver->deploy.command, ElementsAre("hooks/own.sh", "${release.version}"));
  EXPECT_FALSE(driver->deploy.blob.empty());
  EXPECT_TRUE(driver->retire);
  std::vector<std::string> programs;
  const Document document = service;
  for (const auto* run : runs_of(document)) programs.push_back(run->command.front());
  EXPECT_THAT(programs, ElementsAre("hooks/scan.sh", "hooks/own.sh", "hooks/observe.sh", "/bin/true"));
}

TEST(DocumentValues, ClaimsThatAGrantRequires) {
  const auto policy =
      only<AccessPolicy>(access("  teams: {release: {members: []}}\n"
                                "  grants: [{team: release, role: admin, requireClaims: {amr: mfa, acr: 2}}]\n"));
  EXPECT_THAT(policy.grants.at(0).require_claims, ElementsAre(Pair("acr", "2"), Pair("amr", "mfa")));
}

TEST(DocumentValues, Target) {
  const auto target = only<Target>(R"(apiVersion: headgate.dev/v1
kind: Target
metadata: {name: gateway.production}
spec:
  service: gateway
  environment: production
  release:
    version: 1.10
    commit: 9f3c1a0000000000000000000000000000000000
    artifacts: {image: "registry.example.com/gateway@sha256:0123"}
  variables: {replicas: 3, cpu: 1000m, memory: 2Gi, ratio: 0.50, on: yes, empty: "", quoted: "a: b # c"}
  suspend: true
  onDelete: retain
)");
  EXPECT_EQ(target.id, (TargetId{"gateway", "production"}));
  EXPECT_EQ(target.release, (Release{"1.10",
                                     "9f3c1a0000000000000000000000000000000000",
                                     {{"image", "registry.example.com/gateway@sha256:0123"}}}));
  EXPECT_THAT(target.variables,
              ElementsAre(Pair("cpu", "1000m"), Pair("empty", ""), Pair("memory", "2Gi"), Pair("on", "yes"),
                          Pair("quoted", "a: b # c"), Pair("ratio", "0.50"), Pair("replicas", "3")));
  EXPECT_TRUE(target.suspend);
  EXPECT_EQ(target.on_delete, OnDelete::retain);
  EXPECT_FALSE(target.formerly);
}

TEST(DocumentValues, OldNames) {
  EXPECT_EQ(only<Service>(document("Service", "edge, formerly: gateway", "  stages: [{environment: a}]\n")).formerly,
            "gateway");
  EXPECT_EQ(only<Environment>(document("Environment", "live, formerly: production",
                                       "  driver: {command: {deploy: [/bin/true], observe: [/bin/true]}}\n"))
                .formerly,
            "production");
  const auto moved =
      only<Target>(document("Target", "gateway.live, formerly: gateway.production",
                            "  service: gateway\n  environment: live\n  release: {version: v1}\n  onDelete: retire\n"));
  EXPECT_EQ(moved.formerly, (TargetId{"gateway", "production"}));
  EXPECT_EQ(moved.on_delete, OnDelete::retire);
}

TEST(DocumentValues, AccessPolicy) {
  OfflinePeople people;
  const auto parsed = parse(R"(apiVersion: headgate.dev/v1
kind: AccessPolicy
metadata: {name: access}
spec:
  people:
    alice: {emails: [alice@example.com], oidc: ["https://issuer.example.com#8f2a"], tokens: [alice-laptop], signingKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}
    bob: {}
  teams:
    platform: {members: [bob, alice]}
  grants:
    - {team: platform, role: operator, environments: ["*"]}
    - {person: bob, role: breakGlass, environments: [production], services: [gateway]}
    - {token: ci, role: reporter, services: ["*"]}
    - {team: platform, role: admin}
)",
                            people);
  ASSERT_EQ(in_lines(parsed.diagnostics), "");
  const auto& policy = std::get<AccessPolicy>(parsed.documents.at(0).document);
  ASSERT_EQ(policy.people.size(), 2U);
  const auto& alice = policy.people[0].id;
  const auto& bob = policy.people[1].id;
  EXPECT_NE(alice, bob);
  EXPECT_EQ(policy.people[0].tokens, std::vector{people.token_id("alice-laptop").value()});
  EXPECT_THAT(policy.people[0].keys, ElementsAre(::testing::StartsWith("SHA256:")));
  EXPECT_EQ(policy.people[0].also.size(), 3U) << "the address, the subject and the key have ids of their own";
  EXPECT_TRUE(policy.people[1].also.empty());
  ASSERT_TRUE(people.join({alice, policy.people[0].also}));  // as when it takes force
  EXPECT_THAT(policy.teams, ElementsAre(Team{"platform", {bob, alice}}));
  EXPECT_THAT(policy.grants, ElementsAre(Grant{"platform", "", "", Role::operator_, {"*"}, {"*"}},
                                         Grant{"", bob, "", Role::break_glass, {"production"}, {"gateway"}},
                                         Grant{"", "", people.token_id("ci").value(), Role::reporter, {"*"}, {"*"}},
                                         Grant{"platform", "", "", Role::admin, {"*"}, {"*"}}));
  const auto record = people.find(alice);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->name, "alice");
  EXPECT_THAT(record->emails, ElementsAre("alice@example.com"));
  EXPECT_THAT(record->oidc, ElementsAre("https://issuer.example.com#8f2a"));
  EXPECT_THAT(record->signing_keys,
              ElementsAre("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
  EXPECT_EQ(people.person_by_email("Alice", "ALICE@example.com").value(), alice);
}

// Whoever committed under two addresses before the policy says that they are one person's has two ids until then.
TEST(DocumentValues, AnAccessPolicyHoldsAllIdsOfOnePerson) {
  OfflinePeople people;
  const std::vector ids{people.person_by_email("Alice", "alice@example.com").value(),
                        people.person_by_email("Alice", "alice@home.example.com").value()};
  ASSERT_NE(ids[0], ids[1]);
  const auto parsed = parse(R"(apiVersion: headgate.dev/v1
kind: AccessPolicy
metadata: {name: access}
spec:
  people:
    alice: {emails: [alice@example.com, alice@home.example.com]}
)",
                            people);
  ASSERT_EQ(in_lines(parsed.diagnostics), "");
  const auto& alice = std::get<AccessPolicy>(parsed.documents.at(0).document).people.at(0);
  EXPECT_EQ(alice.also, ids);
  EXPECT_EQ(people.person_by_email("Alice", "alice@home.example.com").value(), ids[1]) << "it is not in force";
}

TEST(DocumentValues, SignedCommitsAndUnknownAuthors) {
  OfflinePeople people;
  const auto parsed = parse(R"(apiVersion: headgate.dev/v1
kind: Service
metadata: {name: gateway}
spec:
  stages:
    - environment: staging
      requires:
        signedCommit: true
      protection:
        unknownAuthors: refuse
    - environment: production
      requires: {signedCommit: false}
      protection:
        approvals: [{team: crew}]
        unknownAuthors: extraApproval
)",
                            people);
  ASSERT_EQ(in_lines(parsed.diagnostics), "");
  const auto& stages = std::get<Service>(parsed.documents.at(0).document).stages;
  EXPECT_EQ(stages.at(0).signed_commit, SignedCommitRule{8});
  EXPECT_EQ(stages.at(0).unknown_authors, (UnknownAuthorsRule{UnknownAuthors::refuse, 10}));
  EXPECT_EQ(stages.at(1).signed_commit, std::nullopt);
  EXPECT_EQ(stages.at(1).unknown_authors, (UnknownAuthorsRule{UnknownAuthors::extra_approval, 15}));
}

TEST(DocumentValues, OfflineIdsAreTheSameInEveryRun) {
  const auto text = access("  people: {alice: {tokens: [t]}}\n");
  EXPECT_EQ(parse(text).documents.at(0), parse(text).documents.at(0));
}

TEST(DocumentValues, SeveralDocumentsInOneFile) {
  const auto parsed =
      parse("---\n# nothing\n---\n" + released_target("") + "---\n---\n" + environment_with_driver("") + "...\n");
  ASSERT_EQ(in_lines(parsed.diagnostics), "");
  ASSERT_EQ(parsed.documents.size(), 2U);
  EXPECT_EQ(parsed.documents[0].source.line, 4U);
  EXPECT_EQ(key_of(parsed.documents[0].document), (DocumentKey{DocumentKind::target, "gateway.production"}));
  EXPECT_EQ(parsed.documents[1].source.line, 13U);
}

TEST(DocumentValues, LineEndsAndByteOrderMark) {
  auto text = released_target("  variables: {a: é}\n");
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 2)) text.insert(at, "\r");
  const auto target = only<Target>("\xEF\xBB\xBF" + text);
  EXPECT_THAT(target.variables, ElementsAre(Pair("a", "é")));
  const auto broken = parse("\xEF\xBB\xBFx: 1\n");
  ASSERT_FALSE(broken.diagnostics.empty());
  EXPECT_EQ(broken.diagnostics[0].column, 1U);
}

TEST(DocumentValues, NothingInAFileIsNoMistake) {
  for (const auto* text : {"", "\n", "# only a comment\n", "---\n", "---\n...\n", "~\n"}) {
    const auto parsed = parse(text);
    EXPECT_TRUE(parsed.documents.empty()) << text;
    EXPECT_EQ(in_lines(parsed.diagnostics), "") << text;
  }
}

TEST(DocumentValues, DocumentFiles) {
  for (const auto* path : {"a.yaml", "services/a.yml", "a.b/c.yaml"}) EXPECT_TRUE(is_document_file(path)) << path;
  for (const auto* path : {"a.json", "yaml", "a.yaml.bak", "hooks/deploy.sh", ".github/workflows/ci.yml",
                           ".pre-commit-config.yaml", "x/.cache/a.yaml", ""}) {
    EXPECT_FALSE(is_document_file(path)) << path;
  }
}

}  // namespace
}  // namespace headgate::reconciler::testing
