// What documents say of drift, of who is told, and of drivers and load balancers: values, and each mistake at its
// place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/reconciler/documents_support.h"

namespace headgate::reconciler::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Mistake {
  std::string text;  // § stands before what is wrong
  std::string expected;
};

std::string notified(const std::string& routes, const std::string& receivers) {
  return document("NotificationPolicy", "default", "  routes:\n" + routes + "  receivers:\n" + receivers);
}
std::string route(const std::string& fields) {
  return notified("    - {" + fields + "}\n", "    hook: {webhook: {url: \"https://example.com/hook\"}}\n");
}
std::string receiver(const std::string& what) {
  return notified("    - {events: [promotion.failed], to: [a]}\n", "    a: {" + what + "}\n");
}
std::string container(const std::string& fields) {
  return environment("  driver: {container: {" + fields + "}}\n");
}
std::string haproxy(const std::string& fields) {
  return environment_with_driver("  traffic: {haproxy: {" + fields + "}}\n");
}
const std::string good_engine = "engine: \"unix:///run/podman/podman.sock\", ";
const std::string good_image = "image: \"${release.artifacts.image}\", ";

const std::vector<Mistake>& mistakes() {
  static const std::vector<Mistake> all{
      // drift
      {environment_with_driver("  selfHeal: §sometimes\n"), "wrong type of 'selfHeal'"},
      {environment_with_driver("  ignoreDifferences: §replicas\n"), "wrong type of 'ignoreDifferences'"},
      {environment_with_driver("  ignoreDifferences: [§9a]\n"), "expected the name of a variable"},
      {environment_with_driver("  ignoreDifferences: [a, §a]\n"), "the variable 'a' is there twice"},
      // routes
      {document("NotificationPolicy", "default", "  §receivers: {a: {slack: {url: {secret: a}}}}\n"),
       "missing field 'routes' of a notification policy's spec"},
      {notified("    §[]\n", "    a: {slack: {url: {secret: a}}}\n"), "expected 1 to 100 routes"},
      {route("events: [§promotion.faild], to: [hook]"),
       "no event is called 'promotion.faild', did you mean 'promotion.failed'?"},
      {route("events: [§\"deploy.*\"], to: [hook]"), "no event is called 'deploy.*'"},
      {route("events: [§\"notification.*\"], to: [hook]"), "nobody is told of what notifications say of themselves"},
      {route("events: §[], to: [hook]"), "expected one event at least"},
      {route("events: [promotion.failed], to: [hook, §hok]"), "unknown receiver 'hok', did you mean 'hook'?"},
      {route("events: [promotion.failed], environments: §[], to: [hook]"), "expected one environment at least"},
      {route("events: [promotion.failed], to: [hook], §when: now"), "unknown field 'when' of a route"},
      // receivers
      {notified("    - {events: [promotion.failed], to: [a]}\n",
                "    a: {slack: {url: {secret: a}}}\n    §b: {slack: {url: {secret: b}}}\n"),
       "no route leads to the receiver 'b'"},
      {receiver("slack: {url: {secret: a}}, §slak: {}"), "unknown field 'slak' of a receiver, did you mean 'slack'?"},
      {receiver("slack: {url: §\"https://hooks.example.com/T0/B0/x\"}"), "a secret does not stand in a document"},
      {receiver("slack: {url: {secret: §Slack}}"), "wrong value of 'secret'"},
      {receiver("slack: {url: {secret: a}}, §teams: {url: {secret: a}}"), "has both 'slack' and 'teams'"},
      {receiver("pagerduty: §{}"), "missing field 'routingKey' of a PagerDuty service"},
      {receiver("smtp: {to: [§nobody]}"), "wrong address: expected an e-mail address"},
      {receiver("smtp: {to: [a@example.com, §a@example.com]}"), "an address twice"},
      {receiver("smtp: {to: §[]}"), "wrong number of addresses"},
      {receiver("webhook: {url: §ftp://example.com}"), "begins with http:// or https://"},
      {receiver("webhook: {url: §\"https://example.com/${service}\"}"), "no placeholder is filled in here"},
      {document("NotificationPolicy", "default, formerly: §old",
                "  routes: [{events: [\"*\"], to: [a]}]\n  receivers: {a: {slack: {url: {secret: a}}}}\n"),
       "a NotificationPolicy has no history"},
      // drivers
      {environment("  driver: §{}\n"), "a driver is incomplete"},
      {container("engine: §podman, " + good_image + "slots: {blue: {port: 1}}"), "wrong value of 'engine'"},
      {container(good_engine + "image: §nginx, slots: {blue: {port: 1}}"), "the image is the same for every release"},
      {container(good_engine + "image: §\"${release.artefacts.image}\", slots: {blue: {port: 1}}"),
       "unknown placeholder"},
      {container(good_engine + good_image + "slots: §{}"), "slots is incomplete"},
      {container(good_engine + good_image + "slots: {blue: §{}}"), "missing field 'port' of a slot"},
      {container(good_engine + good_image + "slots: {blue: {port: §0}}"), "a whole number from 1 to 65535"},
      {container(good_engine + good_image + "slots: {blue: {port: 1}, green: {port: §1}}"),
       "slot 'blue' has this port already"},
      {container(good_engine + good_image + "slots: {blue: {port: 1}, §red: {port: 2}}"),
       "unknown field 'red' of slots"},
      {environment("  driver: {webhook: {url: §deployer}}\n"), "begins with http:// or https://"},
      {environment("  driver: {webhook: {url: \"https://a.example.com\", signature: §topsecret}}\n"),
       "a secret does not stand in a document"},
      {environment("  driver: {command: {deploy: [/bin/true], observe: [/bin/true]}, §webhook: {url: \"http://a\"}}\n"),
       "has both 'command' and 'webhook'"},
      // traffic
      {haproxy("socket: §run/haproxy.sock, backend: a, servers: {blue: b, green: g}"), "wrong value of 'socket'"},
      {haproxy("socket: /run/haproxy.sock, backend: §\"a; shutdown\", servers: {blue: b, green: g}"),
       "wrong value of 'backend'"},
      {haproxy("socket: /run/haproxy.sock, backend: §\"${nothing}\", servers: {blue: b, green: g}"),
       "unknown placeholder"},
      {haproxy("socket: /run/haproxy.sock, backend: a, servers: §{blue: b}"), "missing field 'green' of the servers"},
      {haproxy("socket: /run/haproxy.sock, backend: a, servers: {blue: b, green: §b}"),
       "slot 'blue' has this server already"},
      {haproxy("socket: /run/haproxy.sock, backend: §\"${location}\", servers: {blue: b, green: g}"),
       "this environment has no locations"},
      {environment_with_driver("  traffic: {command: {shift: [/bin/true]}, §haproxy: {socket: /a, backend: a, servers: "
                               "{blue: b, green: g}}}\n"),
       "has both 'command' and 'haproxy'"},
  };
  return all;
}

TEST(DocumentsReach, EachMistakeIsReportedAloneAtItsPlace) {
  for (const auto& [marked, expected] : mistakes()) expect_reported_at_the_mark(marked, expected);
}

TEST(DocumentsReach, WhatIsWrittenIsWhatIsMeant) {
  auto parsed = parse(environment_with_driver("  selfHeal: false\n  ignoreDifferences: [replicas]\n"));
  ASSERT_THAT(parsed.diagnostics, IsEmpty());
  const auto& place = std::get<Environment>(parsed.documents.at(0).document);
  EXPECT_EQ(place.self_heal, (SelfHealRule{false, 6}));
  EXPECT_THAT(place.ignore_differences, ElementsAre("replicas"));

  parsed = parse(haproxy("socket: /run/haproxy/admin.sock, backend: \"${service}\", servers: {blue: b, green: g}"));
  ASSERT_THAT(parsed.diagnostics, IsEmpty());
  EXPECT_EQ(*std::get<Environment>(parsed.documents.at(0).document).haproxy,
            (HaproxyTraffic{"/run/haproxy/admin.sock", "${service}", {{"blue", "b"}, {"green", "g"}}, 6}));

  parsed = parse(container(good_engine + good_image + "slots: {blue: {port: 18081}}"));
  ASSERT_THAT(parsed.diagnostics, IsEmpty());
  EXPECT_EQ(*std::get<Environment>(parsed.documents.at(0).document).driver.container,
            (ContainerDriver{"unix:///run/podman/podman.sock", "${release.artifacts.image}", {{"blue", {18081}}}, 5}));
}

TEST(DocumentsReach, AddressesOfReceiversStayBesideTheLog) {
  OfflinePeople people;
  const auto parsed = parse(receiver("smtp: {to: [ops@example.com]}"), people);
  ASSERT_THAT(parsed.diagnostics, IsEmpty());
  const auto& policy = std::get<NotificationPolicy>(parsed.documents.at(0).document);
  ASSERT_EQ(policy.receivers.at(0).to.size(), 1U);
  EXPECT_THAT(policy.receivers.at(0).to.at(0), ::testing::StartsWith("person:"));
  EXPECT_THAT(people.find(policy.receivers.at(0).to.at(0))->emails, ElementsAre("ops@example.com"));
  for (const auto& diagnostic : parse(receiver("smtp: {to: [alice, bob@example.com, bob@example.com]}")).diagnostics) {
    EXPECT_THAT(to_string(diagnostic), ::testing::Not(HasSubstr("bob")));
    EXPECT_THAT(to_string(diagnostic), ::testing::Not(HasSubstr("alice")));
  }
}

// ------------------------------------------------------------------------------------------- what no file can tell
// alone

TEST(DocumentsReach, DriversThatAreNotCarriedOutAreRefusedWhereverTheyStand) {
  const auto driver = container(good_engine + good_image + "slots: {blue: {port: 1}}");
  EXPECT_EQ(checked({driver}),
            "1.yaml:5:23: error: the container driver is not carried out by this version: expected use command\n");
  EXPECT_EQ(checked({environment("  driver: {webhook: {url: \"https://a.example.com\"}}\n")}),
            "1.yaml:5:21: error: the webhook driver is not carried out by this version: expected use command\n");
  EXPECT_EQ(checked({environment_with_driver("  locations:\n    - {name: eu, wave: 1}\n    - name: us\n      wave: 1\n"
                                             "      driver: {webhook: {url: \"https://a.example.com\"}}\n")}),
            "1.yaml:10:25: error: the webhook driver is not carried out by this version: expected use command\n");
  EXPECT_EQ(
      checked({stage("      driver:\n        container: {" + good_engine + good_image + "slots: {blue: {port: 1}}}\n"),
               environment_with_driver("")}),
      "1.yaml:8:20: error: the container driver is not carried out by this version: expected use command\n");
}

TEST(DocumentsReach, TheHostMustHaveTheSecretsThatAreNamed) {
  const auto policy = receiver("slack: {url: {secret: slack-ur}}");
  EXPECT_EQ(checked({policy}), "") << "away from the server nobody knows";
  EXPECT_EQ(
      checked({policy}, HostOffers{{{"slack-url", {}}}, false}),
      "1.yaml:8:31: error: unknown secret 'slack-ur', did you mean 'slack-url'?: found 'slack-ur', expected one of "
      "'secrets' in the server's file\n");
  const auto driver = environment("  driver: {webhook: {url: \"https://a.example.com\", signature: {secret: hook}}}\n");
  EXPECT_THAT(checked({driver}, HostOffers{{{"hook", {{"staging"}, {}}}}, false}),
              HasSubstr("the secret 'hook' is not for environment production"));
}

TEST(DocumentsReach, MailNeedsAServerThatTakesIt) {
  const auto policy = receiver("smtp: {to: [ops@example.com]}");
  EXPECT_EQ(checked({policy}, HostOffers{{}, true}), "");
  EXPECT_EQ(checked({policy}, HostOffers{}),
            "1.yaml:8:15: error: the receiver 'a' takes mail, and no server sends any: expected 'smtp' in the server's "
            "file\n");
}

TEST(DocumentsReach, AServerTakesNoGrantThatAsksForClaimsWhichNoSignInHas) {
  const auto policy = access(
      "  teams: {release: {members: []}}\n"
      "  grants:\n"
      "    - {team: release, role: operator, environments: [production]}\n"
      "    - {team: release, role: approver, environments: [production], requireClaims: {amr: mfa}}\n");
  EXPECT_EQ(checked({policy, environment_with_driver("")}), "") << "away from the server nobody knows";
  OfflinePeople people;
  const auto parsed = YamlDocumentParser(people, HostOffers{}).parse({"access.yaml", "blob", policy}, find_hook);
  EXPECT_EQ(in_lines(parsed.diagnostics),
            "access.yaml:8:82: error: no sign-in of this server has claims: this grant would never count: expected no "
            "requireClaims\n");
  EXPECT_THAT(parsed.documents, IsEmpty());
}

TEST(DocumentsReach, RoutesNameEnvironmentsThatThereAre) {
  const auto policy = route("events: [\"*\"], environments: [producton], to: [hook]");
  EXPECT_EQ(checked({policy, environment_with_driver("")}),
            "1.yaml:6:38: error: a route names the unknown environment 'producton', did you mean 'production'?: found "
            "'producton', expected the name of an Environment\n");
}

TEST(DocumentsReach, IgnoredVariablesAreSetByATarget) {
  const auto place = environment_with_driver("  ignoreDifferences: [replica]\n");
  EXPECT_EQ(checked({place, stage(""), released_target("")}), "") << "nobody knows the variables";
  EXPECT_EQ(
      checked({place, stage(""), released_target("  variables: {replicas: 3}\n")}),
      "1.yaml:6:23: error: 'ignoreDifferences' names 'replica', which no target of 'production' sets, did you mean "
      "'replicas'?: found 'replica', expected a variable of a Target\n");
}

TEST(DocumentsReach, ASecondPolicyOfTheSameNameIsRefused) {
  EXPECT_THAT(checked({route("events: [\"*\"], to: [hook]"), route("events: [\"*\"], to: [hook]")}),
              HasSubstr("NotificationPolicy 'default' is there twice"));
}

TEST(DocumentsReach, AnHaproxyIsTrafficForStrategiesThatMoveIt) {
  const auto place = environment(
      "  driver: {command: {deploy: [/bin/true], observe: [/bin/true], retire: [/bin/true]}}\n"
      "  traffic: {haproxy: {socket: /run/haproxy.sock, backend: a, servers: {blue: b, green: g}}}\n");
  EXPECT_EQ(checked({stage("      strategy: {canary: {steps: [{setWeight: 100}]}}\n"), place}), "");
}

}  // namespace
}  // namespace headgate::reconciler::testing
