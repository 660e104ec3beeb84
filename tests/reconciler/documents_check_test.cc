// What no file can tell alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ranges>
#include <sstream>

#include "reconciler/document_set.h"
#include "reconciler/scaffold.h"
#include "reconciler/yaml_diagnostics.h"
#include "tests/reconciler/documents_support.h"

namespace headgate::reconciler::testing {
namespace {

std::string named_environment(std::string_view name) {
  return document("Environment", name, "  driver: {command: {deploy: [/bin/true], observe: [/bin/true]}}\n");
}

// A document whose names stand in lines of their own. The spec begins in line 7.
std::string renamed(std::string_view kind, std::string_view name, std::string_view formerly, std::string_view spec) {
  return "apiVersion: headgate.dev/v1\nkind: " + std::string(kind) + "\nmetadata:\n  name: " + std::string(name) +
         "\n  formerly: " + std::string(formerly) + "\nspec:\n" + std::string(spec);
}

std::string renamed_environment(std::string_view name, std::string_view formerly) {
  return renamed("Environment", name, formerly, "  driver: {command: {deploy: [/bin/true], observe: [/bin/true]}}\n");
}

std::string policy(std::string_view grants) {
  return access(
      "  people: {alice: {tokens: [alice-laptop]}, bob: {}, carol: {}}\n"
      "  teams: {managers: {members: [alice, bob]}, others: {members: [carol]}}\n"
      "  grants: [" +
      std::string(grants) + "]\n");
}

std::string approved_by(std::string_view rule) {
  return stage("      protection:\n        approvals:\n          - " + std::string(rule) + "\n");
}

TEST(DocumentsCheck, AGoodRepositoryHasNoMistakes) {
  EXPECT_EQ(checked({approved_by("{team: managers, count: 2}"), named_environment("production"), released_target(""),
                     policy("{team: managers, role: approver, environments: [production], services: [gateway]}")}),
            "");
}

// As `checked`, of files with mistakes of their own.
std::string found_together(const std::vector<std::string>& files) {
  Texts texts;
  for (const auto& text : files) texts[std::to_string(texts.size() + 1) + ".yaml"] = text;
  auto said = said_of(texts);
  append_new(said.own, std::move(said.between));
  return in_lines(said.own);
}

TEST(DocumentsCheck, AMistakeInOneFileHidesNoneBetweenTheOthers) {
  const auto broken = document("Environment", "staging", "  drivr: {}\n");
  const auto all =
      found_together({approved_by("{team: manager, count: 2}"), named_environment("production"), released_target(""),
                      policy("{team: managers, role: approver, environments: [stagin]}"), broken});
  EXPECT_THAT(all, ::testing::HasSubstr("5.yaml:5:3: error: unknown field 'drivr'"));
  EXPECT_THAT(all, ::testing::HasSubstr("unknown team 'manager', did you mean 'managers'?"));
  EXPECT_THAT(all, ::testing::HasSubstr("a grant names the unknown environment 'stagin'"));
}

TEST(DocumentsCheck, WhatRefersToADocumentWithMistakesIsNotAtFault) {
  const auto environment = document("Environment", "production", "  drivr: {}\n");
  const auto service = approved_by("{team: managers, count: 2}");
  const auto grants = policy("{team: managers, role: approver, environments: [production], services: [gateway]}");
  const auto only = [](const std::string& found, std::string_view file) {
    std::istringstream lines(found);
    for (std::string line; std::getline(lines, line);) EXPECT_TRUE(line.starts_with(file)) << line;
    EXPECT_NE(found, "");
  };
  only(found_together({environment, service, released_target(""), grants}), "1.yaml:");
  only(found_together({stage("      protecton: {}\n"), named_environment("production"), released_target(""), grants}),
       "1.yaml:");
  only(found_together({access("  peple: {}\n"), service, named_environment("production"), released_target("")}),
       "1.yaml:");
  only(found_together({"kind: [\n", service, released_target("")}), "1.yaml:");  // whatever it may be
}

TEST(DocumentsCheck, AMistakeOfItsOwnHidesNoneOfADocument) {
  const auto asked = document("Service", "gateway",
                              "  dependsOn: [nope]\n"
                              "  stages:\n"
                              "    - environment: production\n"
                              "      wait: 5m\n"
                              "      protection:\n"
                              "        approvals: [{team: nobody}, {team: managers, count: 3}]\n");
  const auto all = found_together(
      {asked, named_environment("production"), policy("{team: managers, role: approver, environments: [\"*\"]}")});
  EXPECT_THAT(all, ::testing::HasSubstr("1.yaml:8:7: error: unknown field 'wait' of a stage"));
  EXPECT_THAT(all, ::testing::HasSubstr("1.yaml:5:15: error: unknown service 'nope'"));
  EXPECT_THAT(all, ::testing::HasSubstr("1.yaml:10:28: error: unknown team 'nobody'"));
  EXPECT_THAT(all, ::testing::HasSubstr("team 'managers' has 2 members, and 3 must approve: found '3'"));
  EXPECT_EQ(std::ranges::count(all, '\n'), 4) << all;
}

TEST(DocumentsCheck, EachKindIsAskedForWhomItNamesWhateverElseIsWrong) {
  const auto said_of_one = [](const std::string& text, std::string_view own, std::string_view between) {
    const auto all = found_together({text});
    EXPECT_THAT(all, ::testing::HasSubstr(std::string(own)));
    EXPECT_THAT(all, ::testing::HasSubstr(std::string(between)));
  };
  said_of_one(environment_with_driver(
                  "  wait: 1m\n  monitors: [{name: a, tcp: {host: a, port: 1}, every: 1m, services: [nope]}]\n"),
              "unknown field 'wait'", "is of the unknown service 'nope'");
  said_of_one(released_target("  wait: 1m\n"), "unknown field 'wait'", "1.yaml:6:16: error: unknown environment");
  said_of_one(access("  wait: 1m\n  grants: [{team: a, role: operator, environments: [nope], services: [\"*\"]}]\n"),
              "unknown team 'a'", "a grant names the unknown environment 'nope'");
  said_of_one(document("NotificationPolicy", "default",
                       "  routes: [{events: [\"*\"], environments: [nope], to: [hook], wait: 1m}]\n"
                       "  receivers: {hook: {webhook: {url: \"https://example.com/hook\"}}}\n"),
              "unknown field 'wait'", "a route names the unknown environment 'nope'");
}

TEST(DocumentsCheck, OneOfTwoDocumentsOfAName) {
  const auto all = found_together({named_environment("a"), document("Environment", "a", "  drivr: {}\n")});
  EXPECT_THAT(all, ::testing::HasSubstr("1.yaml:3:18: error: Environment 'a' is there twice"));
  EXPECT_THAT(all, ::testing::HasSubstr("2.yaml:3:18: error: Environment 'a' is there twice"));
}

// A field that is misspelled may hold what is missed.
TEST(DocumentsCheck, NothingFollowsFromWhatAMistakeLeavesOut) {
  const auto misspelled = stage("      drivr: {}\n      strategy: {canary: {steps: [{setWeight: 100}]}}\n");
  const auto place = environment(
      "  driver: {command: {deploy: [/bin/true], observe: [/bin/true]}}\n  traffic: {command: {shift: [/bin/true]}}\n");
  const auto strategy = found_together({misspelled, place});
  EXPECT_THAT(strategy, ::testing::HasSubstr("unknown field 'drivr'"));
  EXPECT_EQ(std::ranges::count(strategy, '\n'), 1) << strategy;
  const auto retired = found_together({stage("      drivr: {}\n"), place, released_target("  onDelete: retire\n")});
  EXPECT_THAT(retired, ::testing::HasSubstr("unknown field 'drivr'"));
  EXPECT_EQ(std::ranges::count(retired, '\n'), 1) << retired;
  const auto of_nothing =
      document("Target", "gateway.production", "  environment: production\n  release: {version: v1}\n");
  const auto targets = found_together({of_nothing, of_nothing, place});
  EXPECT_THAT(targets, ::testing::HasSubstr("2.yaml:5:3: error: missing field 'service'"));
  EXPECT_EQ(std::ranges::count(targets, '\n'), 2) << targets;
  const auto nowhere = document("Target", "gateway.production", "  service: gateway\n  release: {version: v1}\n");
  const auto placeless = found_together({nowhere, stage(""), place});
  EXPECT_THAT(placeless, ::testing::HasSubstr("missing field 'environment'"));
  EXPECT_EQ(std::ranges::count(placeless, '\n'), 1) << placeless;
}

TEST(DocumentsCheck, AnotherVersionHidesNoUnknownKind) {
  EXPECT_EQ(in_lines(parse("apiVersion: v1\nkind: Servce\nmetadata: {name: a}\nspec: {}\n").diagnostics),
            "file.yaml:1:13: error: wrong value of 'apiVersion': found 'v1', expected headgate.dev/v1\n"
            "file.yaml:2:7: error: wrong value of 'kind', did you mean 'Service'?: found 'Servce', expected Service, "
            "Environment, Target, AccessPolicy or NotificationPolicy\n");
}

TEST(DocumentsCheck, TheDriverOfAStageRetiresInPlaceOfTheEnvironments) {
  const auto with_driver = [](std::string_view more) {
    return stage("      driver: {command: {deploy: [/bin/true], observe: [/bin/true]" + std::string(more) + "}}\n");
  };
  const auto gone = released_target("  onDelete: retire\n");
  EXPECT_EQ(checked({with_driver(", retire: [/bin/true]"), named_environment("production"), gone}), "");
  EXPECT_EQ(
      checked({with_driver(""), named_environment("production"), gone}),
      "3.yaml:8:13: error: 'onDelete: retire', and the driver of its stage has no retire command: found 'retire', "
      "expected driver.command.retire in 1.yaml:6\n");
}

TEST(DocumentsCheck, OldNamesThatAreStillThereOrTakenTwice) {
  EXPECT_EQ(checked({named_environment("a"), renamed_environment("b", "a")}),
            "2.yaml:5:13: error: Environment 'a' is still there, so that nothing was renamed: found 'a', expected no "
            "'formerly', or 1.yaml:1 removed\n");
  EXPECT_EQ(checked({renamed_environment("b", "a"), renamed_environment("c", "a")}),
            "2.yaml:5:13: error: two documents were formerly the Environment 'a': found 'a', expected one; the other "
            "is at 1.yaml:1\n");
  EXPECT_EQ(checked({named_environment("b, formerly: a")}), "");
}

TEST(DocumentsCheck, ATargetGoesOnAsOneOfItsServiceOnly) {
  const auto moved = renamed("Target", "gateway.production", "other.production",
                             "  service: gateway\n  environment: production\n  release: {version: v1}\n");
  EXPECT_EQ(
      checked({stage(""), named_environment("production"), moved}),
      "3.yaml:5:13: error: a target of service 'other' cannot go on as one of service 'gateway': found "
      "'other.production', expected the same service, or 'formerly: other' in the metadata of service 'gateway'\n");
  const auto renamed = document("Service", "gateway, formerly: other", "  stages: [{environment: production}]\n");
  EXPECT_EQ(checked({renamed, named_environment("production"), moved}), "");
}

// Development would vouch for what staging has never verified.
TEST(DocumentsCheck, ATargetGoesOnInItsEnvironmentOnly) {
  const auto moved = renamed("Target", "gateway.production", "gateway.development",
                             "  service: gateway\n  environment: production\n  release: {version: v1}\n");
  EXPECT_EQ(
      checked({stage(""), named_environment("production"), moved}),
      "3.yaml:5:13: error: a target of environment 'development' cannot go on as one of environment 'production': "
      "found 'gateway.development', expected the same environment, or 'formerly: development' in the metadata of "
      "environment 'production'\n");
  EXPECT_EQ(checked({stage(""), named_environment("production, formerly: development"), moved}), "");
}

TEST(DocumentsCheck, WhatIsToBeRetiredNeedsACommandForIt) {
  EXPECT_EQ(checked({stage(""), named_environment("production"), released_target("  onDelete: retire\n")}),
            "3.yaml:8:13: error: 'onDelete: retire', and the driver of environment 'production' has no retire command: "
            "found 'retire', expected driver.command.retire in 2.yaml:1\n");
}

TEST(DocumentsCheck, DuplicateNamesAtBothPlaces) {
  EXPECT_EQ(
      checked({named_environment("a"), "# moved\n" + named_environment("a"), named_environment("b")}),
      "1.yaml:3:18: error: Environment 'a' is there twice: found 'a', expected it once; the other is at 2.yaml:2\n"
      "2.yaml:4:18: error: Environment 'a' is there twice: found 'a', expected it once; the other is at 1.yaml:1\n");
  EXPECT_EQ(checked({stage("") + "---\n" + stage(""), named_environment("production"),
                     released_target("") + "---\n" + released_target("")}),
            "1.yaml:3:18: error: Service 'gateway' is there twice: found 'gateway', expected it once; the other is at "
            "1.yaml:8\n"
            "1.yaml:10:18: error: Service 'gateway' is there twice: found 'gateway', expected it once; the other is at "
            "1.yaml:1\n"
            "3.yaml:6:16: error: Target 'gateway.production' is there twice: found 'production', expected it once; "
            "the other is at 3.yaml:9\n"
            "3.yaml:14:16: error: Target 'gateway.production' is there twice: found 'production', expected it once; "
            "the other is at 3.yaml:1\n");
}

TEST(DocumentsCheck, EqualNamesOfDifferentKindsAreNoMistake) {
  EXPECT_EQ(checked({document("Service", "production", "  stages: [{environment: production}]\n"),
                     named_environment("production")}),
            "");
}

TEST(DocumentsCheck, ATargetOfWhatIsUnknown) {
  EXPECT_EQ(checked({released_target("")}),
            "1.yaml:5:12: error: unknown service 'gateway': found 'gateway', expected the name of a Service\n"
            "1.yaml:6:16: error: unknown environment 'production': found 'production', expected the name of an "
            "Environment\n");
  EXPECT_EQ(
      checked({"# first\n" + released_target(""),
               document("Service", "gatewy", "  stages: [{environment: production}]\n"),
               named_environment("production")}),
      "1.yaml:6:12: error: unknown service 'gateway', did you mean 'gatewy'?: found 'gateway', expected the name of "
      "a Service\n");
}

TEST(DocumentsCheck, ATargetWithoutItsStage) {
  EXPECT_EQ(checked({released_target(""), document("Service", "gateway", "  stages: [{environment: staging}]\n"),
                     named_environment("production"), named_environment("staging")}),
            "1.yaml:6:16: error: service 'gateway' has no stage for environment 'production': found 'production', "
            "expected a stage in 2.yaml:1\n");
}

TEST(DocumentsCheck, AStageInAnUnknownEnvironment) {
  EXPECT_EQ(checked({stage(""), named_environment("productoin")}),
            "1.yaml:6:20: error: unknown environment 'production', did you mean 'productoin'?: found 'production', "
            "expected the name of an Environment\n");
}

TEST(DocumentsCheck, ApprovalsByAnUnknownTeam) {
  EXPECT_EQ(
      checked({approved_by("{team: manager}"), named_environment("production"),
               policy("{team: managers, role: approver, environments: [\"*\"]}")}),
      "1.yaml:9:20: error: unknown team 'manager', did you mean 'managers'?: found 'manager', expected a team of the "
      "AccessPolicy\n");
  EXPECT_EQ(checked({approved_by("{team: managers}"), named_environment("production")}),
            "1.yaml:9:20: error: unknown team 'managers': found 'managers', expected a team of the AccessPolicy\n");
}

TEST(DocumentsCheck, MoreApprovalsThanMembers) {
  EXPECT_EQ(
      checked({approved_by("{team: managers, count: 3}"), named_environment("production"),
               policy("{team: managers, role: approver, environments: [\"*\"]}")}),
      "1.yaml:9:37: error: team 'managers' has 2 members, and 3 must approve: found '3', expected at least as many "
      "members as approvals\n");
}

TEST(DocumentsCheck, MoreApprovalsThanMembersWhoMayApprove) {
  const auto with = [](std::string_view grants) {
    return checked({approved_by("{team: managers, count: 2}"), named_environment("production"),
                    named_environment("staging"), policy(grants)});
  };
  const auto refusal = [](int able) {
    return "1.yaml:9:20: error: " + std::to_string(able) +
           " members of team 'managers' hold the role approver for 'gateway' in 'production', and 2 must approve: "
           "found 'managers', expected a grant of the role approver to the team\n";
  };
  EXPECT_EQ(with(""), refusal(0));
  EXPECT_EQ(with("{team: managers, role: operator, environments: [\"*\"]}"), refusal(0));
  EXPECT_EQ(with("{team: managers, role: approver, environments: [staging]}"), refusal(0));
  EXPECT_EQ(with("{team: others, role: approver, environments: [\"*\"]}"), refusal(0));
  EXPECT_EQ(with("{person: alice, role: approver, environments: [production]}"), refusal(1));
  EXPECT_EQ(with("{token: alice-laptop, role: approver, environments: [production]}"), refusal(1));
  EXPECT_EQ(with("{person: alice, role: approver, environments: [production]}, {person: bob, role: approver, "
                 "environments: [production]}"),
            "");
}

TEST(DocumentsCheck, OneAccessPolicy) {
  const auto second = document("AccessPolicy", "more", "  people: {}\n");
  EXPECT_EQ(
      checked({policy(""), second}),
      "1.yaml:2:7: error: more than one AccessPolicy: found 'AccessPolicy', expected one in the whole repository; "
      "another is at 2.yaml:1\n"
      "2.yaml:2:7: error: more than one AccessPolicy: found 'AccessPolicy', expected one in the whole repository; "
      "another is at 1.yaml:1\n");
}

TEST(DocumentsCheck, GrantsInUnknownPlaces) {
  EXPECT_EQ(
      checked({policy("{team: managers, role: operator, environments: [production], services: [gatewya]}"), stage(""),
               named_environment("production")}),
      "1.yaml:7:84: error: a grant names the unknown service 'gatewya', did you mean 'gateway'?: found 'gatewya', "
      "expected the name of a Service, or \"*\"\n");
  EXPECT_EQ(checked({policy("{team: managers, role: operator, environments: [production]}")}),
            "1.yaml:7:60: error: a grant names the unknown environment 'production': found 'production', expected the "
            "name of an Environment, or \"*\"\n");
}

TEST(DocumentsCheck, EachOccurrenceIsCitedWhereItStands) {
  const auto grants = access(
      "  people: {alice: {}, bob: {}}\n"
      "  teams: {managers: {members: [alice, bob]}}\n"
      "  grants:\n"
      "    - team: managers\n"
      "      role: operator\n"
      "      environments:\n"
      "        - production\n"
      "        - prodution\n"
      "      services: [gateway]\n"
      "    - {person: alice, role: operator, environments: [prodution, production]}\n");
  const auto said = [](std::string_view place) {
    return "1.yaml:" + std::string(place) +
           ": error: a grant names the unknown environment 'prodution', did you mean 'production'?: found 'prodution', "
           "expected the name of an Environment, or \"*\"\n";
  };
  EXPECT_EQ(checked({grants, stage(""), named_environment("production")}), said("12:11") + said("14:54"));
}

// A document in force is known by the text that it was read from; another one in its file may have grown since.
TEST(DocumentsCheck, ADocumentThatHasMovedIsCitedWhereItStandsNow) {
  OfflinePeople people;
  const YamlDocumentParser parser(people);
  const auto before = parser.parse({"t.yaml", "before", released_target("")}, find_hook);
  const auto now = named_environment("production") + "---\n" + released_target("");
  const CommitFiles commit{[](std::string_view) { return std::optional<std::string>("now"); },
                           [&](const std::string&, std::size_t) -> Result<std::string> { return now; }};
  EXPECT_EQ(in_lines(parser.check({&before.documents.at(0)}, commit)),
            "t.yaml:11:12: error: unknown service 'gateway': found 'gateway', expected the name of a Service\n"
            "t.yaml:12:16: error: unknown environment 'production': found 'production', expected the name of an "
            "Environment\n");
}

TEST(DocumentsCheck, AnAccessPolicyThatRefersToNobody) {
  AccessPolicy policy;
  policy.name = "access";
  policy.teams = {{"a", {"person:1"}}};
  policy.grants = {{"b", "", "", Role::admin, {"*"}, {"*"}}, {"", "person:2", "", Role::admin, {"*"}, {"*"}}};
  const SourcedDocument sourced{{"p.yaml", 3, "blob"}, policy};
  OfflinePeople people;
  EXPECT_EQ(in_lines(YamlDocumentParser(people).check({&sourced}, find_hook)),
            "p.yaml:3:1: error: team 'a' has an unknown member: expected people of the same document\n"
            "p.yaml:3:1: error: a grant to the unknown team 'b': expected a team of the same document\n"
            "p.yaml:3:1: error: a grant to an unknown person: expected a person of the same document\n");
}

TEST(DocumentsCheck, MistakesAreListedUpToALimit) {
  std::string targets;
  for (int i = 0; i < 1200; ++i) {
    const auto name = "s" + std::to_string(i);
    targets += document("Target", name + ".production",
                        "  service: " + name + "\n  environment: production\n  release: {version: v1}\n") +
               "---\n";
  }
  const auto text = checked({targets, named_environment("production")});
  EXPECT_EQ(std::ranges::count(text, '\n'), 1001);
  EXPECT_THAT(text, ::testing::HasSubstr("200 more mistakes are not listed"));
}

// A metric out of bounds asks for one person more than the stage asks anyway.
TEST(DocumentsCheck, AnExceptionThatNobodyIsLeftToApprove) {
  const auto service_with = [](int count) {
    return document("Service", "gateway",
                    "  gates: [{name: scan, metrics: {high: {max: 0, otherwise: approval}}}]\n"
                    "  stages:\n"
                    "    - environment: production\n"
                    "      requires: {gates: [scan]}\n"
                    "      protection: {approvals: [{team: managers, count: " +
                        std::to_string(count) + "}]}\n");
  };
  const auto grants = policy("{team: managers, role: approver, environments: [production], services: [gateway]}");
  EXPECT_EQ(checked({service_with(1), named_environment("production"), grants}), "");
  EXPECT_EQ(
      checked({service_with(2), named_environment("production"), grants}),
      "1.yaml:9:32: error: 2 people can approve for 'gateway' in 'production', which is too few when a gate's metric "
      "out of bounds asks for one more: expected one member more with the role approver\n");
}

TEST(Scaffold, ValidatesClean) {
  OfflinePeople people;
  const YamlDocumentParser parser(people);
  const auto files = scaffold_files();
  const FindBlob find = [&](std::string_view path) -> std::optional<std::string> {
    for (const auto& file : files) {
      if (file.path == path) return "blob";
    }
    return std::nullopt;
  };
  std::vector<ParsedDocuments> parsed;
  std::map<DocumentKind, int> kinds;
  for (const auto& file : files) {
    EXPECT_TRUE(file.text.ends_with('\n')) << file.path;
    EXPECT_EQ(file.executable, file.text.starts_with("#!/bin/sh\n")) << file.path;
    if (!is_document_file(file.path)) continue;
    parsed.push_back(parser.parse({std::string(file.path), "blob", std::string(file.text)}, find));
    EXPECT_EQ(in_lines(parsed.back().diagnostics), "");
  }
  std::vector<const SourcedDocument*> all;
  for (const auto& file : parsed) {
    for (const auto& document : file.documents) {
      all.push_back(&document);
      ++kinds[key_of(document.document).kind];
    }
  }
  EXPECT_EQ(in_lines(parser.check(all, find)), "");
  EXPECT_EQ(kinds, (std::map<DocumentKind, int>{{DocumentKind::service, 1},
                                                {DocumentKind::environment, 2},
                                                {DocumentKind::target, 2},
                                                {DocumentKind::access_policy, 1}}));
}

std::string in_locations(std::string_view rest = {}) {
  return document("Environment", "production",
                  "  driver: {command: {deploy: [/bin/echo, \"${location}\"], observe: [/bin/echo, \"${location}\"]}}\n"
                  "  locations: [{name: eu, wave: 1}, {name: us, wave: 2}, {name: ap, standby: true}]\n" +
                      std::string(rest));
}

TEST(DocumentsCheck, AStageMaySpeakOfTheLocationWhereThereAreSome) {
  const auto verified = stage("      verify: [{name: smoke, run: {command: [/bin/echo, \"${location}\"]}}]\n");
  EXPECT_EQ(checked({verified, in_locations()}), "");
  EXPECT_EQ(checked({verified, named_environment("production")}),
            "1.yaml:7:57: error: the check 'smoke' holds ${location}, and environment 'production' has no locations: "
            "found '${location}', expected a text without it, or locations in 2.yaml:1\n");
}

TEST(DocumentsCheck, AMetricMaySpeakOfTheLocationWhereThereAreSome) {
  const auto measured =
      stage("      strategy: {canary: {steps: [{pause: {duration: 1m}}, {setWeight: 100}], analysis: [errors]}}\n") +
      "  analysis: [{name: errors, prometheus: {query: \"e{l='${location}'}\"}, threshold: {max: 1}}]\n";
  const auto place = [](std::string_view texts) {
    return document("Environment", "production",
                    "  driver: {command: {deploy: [/bin/true], observe: [/bin/true], retire: [/bin/true]}}\n"
                    "  traffic: {command: {shift: [/bin/true]}}\n  prometheus: {address: \"http://127.0.0.1:9090\"}\n" +
                        std::string(texts));
  };
  EXPECT_EQ(checked({measured, place("  locations: [{name: eu, wave: 1}]\n")}), "");
  EXPECT_THAT(checked({measured, place("")}), ::testing::HasSubstr("the metric 'errors' holds ${location}"));
  EXPECT_THAT(
      checked({measured, place("  locations: [{name: eu, wave: 1, driver: {command: {deploy: [/bin/true], observe: "
                               "[/bin/true]}}}]\n")}),
      ::testing::HasSubstr("has no retire command of the driver of location 'eu'"));
}

TEST(DocumentsCheck, OneLocationDoesNotTakeBackWhatAllShare) {
  const auto restores = stage(
      "      before: [{name: a, run: {command: [/bin/true]}, keeps: point}]\n"
      "      rollback: {restore: {point: point, run: {command: [/bin/true]}}}\n");
  EXPECT_EQ(checked({restores, in_locations("  onLocationFailure: rollbackAll\n")}), "");
  EXPECT_EQ(checked({restores, in_locations("  onLocationFailure: rollbackLocation\n")}),
            "1.yaml:8:27: error: this restores what all locations of 'production' share, and 'onLocationFailure: "
            "rollbackLocation' takes one of them back alone: expected no restore, or another rule in 2.yaml:1\n");
}

TEST(DocumentsCheck, APlanInManyLocationsHasAnEnd) {
  std::string checks;
  for (int i = 0; i < 40; ++i) {
    checks += (i == 0 ? "" : ", ") + ("{name: c" + std::to_string(i)) + ", run: {command: [/bin/true]}}";
  }
  EXPECT_THAT(checked({stage("      verify: [" + checks + "]\n"), in_locations()}),
              ::testing::HasSubstr("the plans of this stage take up to 258 steps in the 3 locations of 'production'"));
}

// ------------------------------------------------------------------------------------------- when Targets alone change

std::string target_of(std::string_view service, std::string_view environment, std::string_view more = {},
                      std::string_view formerly = {}) {
  return document("Target",
                  std::string(service) + "." + std::string(environment) +
                      (formerly.empty() ? std::string() : ", formerly: " + std::string(formerly)),
                  "  service: " + std::string(service) + "\n  environment: " + std::string(environment) +
                      "\n  release: {version: v1}\n" + std::string(more));
}
std::string service_of(std::string_view name, std::string_view more = {}) {
  return document("Service", name, std::string(more) + "  stages: [{environment: production}]\n");
}

struct Pushed {
  std::string all;      // what is said when everything is read together
  std::string closure;  // what is said of what the change refers to
};

Pushed pushed(const Texts& before, const Texts& change) {
  OfflinePeople people;
  const YamlDocumentParser parser(people);
  const auto read = [&](const Texts& texts) {
    DocumentSet::Files files;
    for (const auto& [name, text] : texts) {
      auto parsed = parser.parse({name, "blob", text}, find_hook);
      EXPECT_EQ(in_lines(parsed.diagnostics), "");
      files[name] = std::move(parsed.documents);
    }
    return files;
  };
  DocumentSet set;
  set.replace(read(before));
  const auto files = read(change);
  auto after = before;
  for (const auto& [name, text] : change) after[name] = text;
  const auto whole = read(after);
  std::vector<const SourcedDocument*> all;
  for (const auto& [name, documents] : whole) {
    for (const auto& document : documents) all.push_back(&document);
  }
  const CommitFiles commit{[&](std::string_view path) {
                             return after.contains(std::string(path)) ? std::optional(std::string(path))
                                                                      : find_hook(path);
                           },
                           [&](const std::string& blob, std::size_t) -> Result<std::string> { return after.at(blob); }};
  return {in_lines(parser.check(all, commit)), in_lines(parser.check(set.to_check(files), commit))};
}

TEST(DocumentsCheck, WhenTargetsAloneChangeTheSameIsSaidAsWhenAllIsRead) {
  const Texts common{{"e.yaml", named_environment("production")}, {"a.yaml", service_of("a")}};
  const auto with = [&](Texts more) {
    more.insert(common.begin(), common.end());
    return more;
  };
  const auto ignoring = document("Environment", "production",
                                 "  driver: {command: {deploy: [/bin/true], observe: [/bin/true]}}\n"
                                 "  ignoreDifferences: [replicas]\n");
  const auto with_replicas = target_of("b", "production", "  variables: {replicas: 3}\n");
  struct Case {
    Texts before;
    Texts change;
    std::string said;  // part of it; empty: nothing
  };
  const std::vector<Case> cases{
      // services that come before, and those before them
      {with({{"b.yaml", service_of("b", "  dependsOn: [c]\n")},
             {"c.yaml", service_of("c", "  dependsOn: [a]\n")},
             {"t.yaml", target_of("b", "production")}}),
       {{"t.yaml", target_of("b", "production", "  suspend: true\n")}},
       ""},
      // grants
      {with({{"p.yaml", policy("{team: managers, role: operator, environments: [production], services: [b]}")},
             {"b.yaml", service_of("b")}}),
       {{"t.yaml", target_of("a", "production")}},
       ""},
      // variables that another target sets, now or not any more
      {{{"e.yaml", ignoring}, {"a.yaml", service_of("a")}, {"b.yaml", service_of("b")}, {"tb.yaml", with_replicas}},
       {{"ta.yaml", target_of("a", "production", "  variables: {cpu: 1}\n")}},
       ""},
      {{{"e.yaml", ignoring},
        {"a.yaml", service_of("a")},
        {"b.yaml", service_of("b")},
        {"ta.yaml", target_of("a", "production", "  variables: {cpu: 1}\n")},
        {"tb.yaml", with_replicas}},
       {{"tb.yaml", target_of("b", "production")}},
       "'ignoreDifferences' names 'replicas', which no target of 'production' sets"},
      // old names
      {with({{"b.yaml", service_of("b, formerly: a")}, {"ta.yaml", target_of("a", "production")}}),
       {{"tb.yaml", target_of("b", "production", {}, "a.production")}},
       "Target 'a.production' is still there"},
      {with({{"b.yaml", service_of("b, formerly: z")},
             {"c.yaml", service_of("c, formerly: y")},
             {"tb.yaml", target_of("b", "production", {}, "z.production")}}),
       {{"tc.yaml", target_of("c", "production", {}, "z.production")}},
       "two documents were formerly the Target 'z.production'"},
      {with({{"b.yaml", service_of("b, formerly: z")},
             {"z.yaml", service_of("z")},
             {"tb.yaml", target_of("b", "production", {}, "z.production")}}),
       {{"tz.yaml", target_of("z", "production")}},
       "Target 'z.production' is still there"},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto said = pushed(cases[i].before, cases[i].change);
    // Mistakes of what did not change were told when that was read.
    if (cases[i].said.empty()) {
      EXPECT_EQ(said.all, "") << i;
      EXPECT_EQ(said.closure, "") << i;
    } else {
      EXPECT_THAT(said.all, ::testing::HasSubstr(cases[i].said)) << i;
      EXPECT_THAT(said.closure, ::testing::HasSubstr(cases[i].said)) << i;
    }
  }
}

}  // namespace
}  // namespace headgate::reconciler::testing
