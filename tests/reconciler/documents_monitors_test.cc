// Monitors, downtime and objectives: what is read of them, and every mistake at its place (the mark § stands before
// it).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reconciler/document_set.h"
#include "tests/reconciler/documents_support.h"

namespace headgate::reconciler::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string check = "tcp: {host: example.com, port: 443}, every: 1m";

std::string monitors(std::string_view list) {
  return environment_with_driver("  monitors:\n    - " + std::string(list) + "\n");
}
std::string monitor(std::string_view fields) {
  return monitors("{name: api, " + check + ", " + std::string(fields) + "}");
}
std::string verified(std::string_view fields) {
  return stage("      verify: [{name: health, tcp: {host: example.com, port: 443}}]\n" + std::string(fields));
}

struct Row {
  std::string text;
  const char* message;
};

TEST(DocumentMonitors, EveryMistakeIsReportedOnceAtItsPlace) {
  const std::vector<Row> rows{
      {monitors("§{" + check + "}"), "missing field 'name' of a monitor"},
      {monitors("§{name: api, every: 1m}"), "a monitor is incomplete"},
      {monitors("{name: api, http: {url: \"http://a/\"}, §tcp: {host: a, port: 1}, every: 1m}"),
       "a monitor has both 'http' and 'tcp'"},
      {monitors("§{name: api, tcp: {host: a, port: 1}}"), "missing field 'every' of a monitor"},
      {monitors("{name: api, tcp: {host: a, port: 1}, every: §500ms}"), "expected a duration of 1s or more"},
      {monitor("§evry: 5m"), "unknown field 'evry' of a monitor, did you mean 'every'?"},
      {monitor("failureLimit: §0"), "from 1 to 1000"},
      {monitor("onFailure: §panic"), "'onFailure'"},
      {monitor("onFailure: §rollback"),
       "a monitor of no service has nothing to roll back: found rollback, expected services beside it, or incident"},
      {monitor("services: [], onFailure: §rollback"), "a monitor of no service has nothing to roll back"},
      {monitor("during: [§{every: 5m, schedule: \"0 8 * * 1-5\", duration: 10h}]"),
       "missing field 'timeZone' of hours of a monitor"},
      {monitor("during: [{every: 5m, schedule: §\"0 25 * * *\", duration: 10h, timeZone: UTC}]"), "wrong schedule"},
      {monitor("during: [{every: 5m, schedule: \"0 8 * * *\", duration: 10h, timeZone: §Europe/Roma}]"),
       "did you mean 'Europe/Rome'?"},
      {monitor("sla: §{availability: 99.9}"), "missing field 'window' of an sla"},
      {monitor("sla: §{window: 30d}"), "an sla is incomplete"},
      {monitor("sla: {window: §90d, availability: 99.9}"), "expected a duration of 1h to 31d"},
      {monitor("sla: {window: 30d, availability: §100.1}"), "expected percent: a number of 0 to 100"},
      {monitor("sla: {window: 30d, latency: §{}}"), "latencies of an sla is incomplete"},
      {monitor("sla: {window: 30d, latency: {p95: 1s, §p96: 2s}}"), "unknown field 'p96' of latencies of an sla"},
      {monitors("{name: api, http: {url: §\"http://${variables.host}/\"}, every: 1m}"),
       "a monitor knows of no release, target or variable: found 'http://${variables.host}/', expected ${environment} "
       "alone, and ${service} where it is of one service"},
      {monitors("{name: api, services: [a, b], http: {url: §\"http://${service}/\"}, every: 1m}"),
       "a monitor knows of no release, target or variable"},
      {monitors("{name: api, services: [a], run: {command: [/bin/true, §\"${release.version}\"]}, every: 1m}"),
       "expected ${service} and ${environment} alone"},
      {monitors("{name: api, " + check + "}\n    - §{name: api, " + check + "}"),
       "a second monitor 'api': expected a name of its own; line 7 has it already"},
      {verified("      downtime: §{max: 30s}\n"), "missing field 'probe' of a downtime"},
      {verified("      downtime: §{probe: health}\n"), "missing field 'max' of a downtime"},
      {verified("      downtime: {probe: §helth, max: 30s}\n"), "unknown check 'helth', did you mean 'health'?"},
      {verified("      objectives: §{}\n"), "objectives is incomplete"},
      {verified("      objectives: {changeFailureRate: §101}\n"), "expected percent"},
      {verified("      objectives: {leadTime: §soon}\n"), "'leadTime'"},
  };
  for (const auto& [marked, message] : rows) expect_reported_at_the_mark(marked, message);
}

TEST(DocumentMonitors, AreReadWhole) {
  const auto parsed = parse(environment_with_driver(R"(  monitors:
    - name: api
      services: [gateway]
      http: {url: "https://${service}.example.com/health", expect: {latency: {max: 1s}}}
      every: 15m
      during: [{every: 5m, schedule: "0 8 * * 1-5", duration: 10h, timeZone: Europe/Rome}]
      failureLimit: 3
      sla: {window: 30d, availability: 99.9, latency: {p95: 2s}}
      onFailure: rollback
    - {name: certificate, tls: {host: api.example.com, port: 443, expiresIn: {min: 14d}}, every: 12h}
    - {name: script, run: {command: [hooks/look.sh, "${environment}"]}, timeout: 5s, every: 1h}
)"));
  ASSERT_THAT(parsed.diagnostics, IsEmpty()) << in_lines(parsed.diagnostics);
  const auto& all = std::get<Environment>(parsed.documents.at(0).document).monitors;
  ASSERT_EQ(all.size(), 3U);
  const auto& api = all[0];
  EXPECT_EQ(api.name, "api");
  EXPECT_EQ(api.check.name, "api");
  EXPECT_THAT(api.services, ElementsAre("gateway"));
  EXPECT_EQ(api.check.http->latency_max, 1s);
  EXPECT_EQ(api.every, 15min);
  EXPECT_THAT(api.during, ElementsAre(MonitorHours{5min, "0 8 * * 1-5", 10h, "Europe/Rome", 11}));
  EXPECT_EQ(api.failure_limit, 3U);
  EXPECT_EQ(*api.sla, (Sla{720h, Decimal{"99.9"}, {{95, 2s, 13}}, 13}));
  EXPECT_EQ(api.on_failure, OnMonitorFailure::rollback);
  EXPECT_EQ(api.line, 7U);
  EXPECT_EQ(all[1].failure_limit, 1U);
  EXPECT_EQ(all[1].on_failure, OnMonitorFailure::incident);
  EXPECT_EQ(all[1].check.tls->expires_in_min, 336h);
  EXPECT_EQ(all[2].check.run->timeout, 5s);
  EXPECT_FALSE(all[2].check.run->blob.empty());
  std::vector<std::string> programs;
  const Document document = std::get<Environment>(parsed.documents.at(0).document);
  for (const auto* run : runs_of(document)) programs.push_back(run->command.front());
  EXPECT_THAT(programs, ::testing::Contains("hooks/look.sh"));
}

TEST(DocumentMonitors, DowntimeAndObjectivesAreRead) {
  const auto parsed =
      parse(verified("      downtime: {probe: health, max: 0s}\n"
                     "      objectives: {leadTime: 1h, recovery: 15m, rollback: 10m, changeFailureRate: 5}\n"));
  ASSERT_THAT(parsed.diagnostics, IsEmpty()) << in_lines(parsed.diagnostics);
  const auto& s = std::get<Service>(parsed.documents.at(0).document).stages.at(0);
  EXPECT_EQ(*s.downtime, (Downtime{"health", 1s, 0s, 8}));
  EXPECT_EQ(*s.objectives, (Objectives{1h, 15min, 10min, Decimal{"5"}, 9}));
}

TEST(DocumentMonitors, AreOfServicesThatThereAre) {
  EXPECT_EQ(checked({monitor("services: [gatewya]"), stage("")}),
            "1.yaml:7:78: error: monitor 'api' is of the unknown service 'gatewya', did you mean 'gateway'?: found "
            "'gatewya', expected the name of a Service\n");
}

// A push of Targets alone is checked with what they refer to, and with what that refers to.
TEST(DocumentMonitors, ServicesOfMonitorsAreAtHandWhenATargetChanges) {
  DocumentSet set;
  set.replace(
      {{"e.yaml",
        {{{"e.yaml", 1, "b"}, std::get<Environment>(parse(monitor("services: [other]")).documents.at(0).document)}}},
       {"o.yaml",
        {{{"o.yaml", 1, "b"},
          [] {
            Service other;
            other.name = "other";
            return other;
          }()}}},
       {"s.yaml", {{{"s.yaml", 1, "b"}, std::get<Service>(parse(stage("")).documents.at(0).document)}}}});
  const DocumentSet::Files change{
      {"t.yaml", {{{"t.yaml", 1, "b"}, std::get<Target>(parse(released_target("")).documents.at(0).document)}}}};
  OfflinePeople people;
  EXPECT_EQ(in_lines(YamlDocumentParser(people).check(set.to_check(change), find_hook)), "");
}

}  // namespace
}  // namespace headgate::reconciler::testing
