// Strategies, metrics, traffic: what is read of them, and every mistake at its place (the mark § stands before it).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/reconciler/documents_support.h"

namespace headgate::reconciler::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Row {
  const char* name;
  std::string text;
  const char* message;
};

std::string canary(std::string_view steps) {
  return stage("      strategy: {canary: {steps: " + std::string(steps) + "}}\n");
}
std::string metric(std::string_view fields) {
  return service("  stages: [{environment: x}]\n  analysis:\n    - {name: errors, " + std::string(fields) + "}\n");
}
const std::string query = "prometheus: {query: up}, ";
std::string measured(std::string_view fields) {
  return metric(query + std::string(fields));
}
std::string blue_green(std::string_view fields) {
  return stage("      strategy: {blueGreen: {" + std::string(fields) + "}}\n");
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {"TwoStrategies", stage("      strategy: {direct: {}, §canary: {steps: [{setWeight: 100}]}}\n"),
       "a strategy has both 'direct' and 'canary'"},
      {"NoStrategy", stage("      strategy: §{}\n"), "a strategy is incomplete"},
      {"NoSteps", canary("§[]"), "expected at least one step"},
      {"StepsMissing", stage("      strategy: {canary: §{}}\n"), "missing field 'steps' of a canary strategy"},
      {"WeightsFall", canary("[{setWeight: 50}, {setWeight: §25}, {setWeight: 100}]"),
       "weights must rise: found 25 after 50, expected more than 50"},
      {"WeightTwice", canary("[{setWeight: 50}, {setWeight: §50}, {setWeight: 100}]"), "weights must rise"},
      {"WeightsEndEarly", canary("[{setWeight: 5}, §{setWeight: 50}]"),
       "the steps do not bring all traffic: expected setWeight: 100 as the last weight"},
      {"PauseAlone", canary("[§{pause: {}}]"), "the steps do not bring all traffic"},
      {"PauseLastTooEarly", canary("[{setWeight: 50}, §{pause: {}}]"), "the steps do not bring all traffic"},
      {"NoTrafficToCompareWith",
       service("  analysis: [{name: errors, prometheus: {query: up}, baseline: {against: stable, maxDelta: 1}}]\n"
               "  stages:\n    - environment: x\n      strategy: {canary: {steps: [{setWeight: 100}, {pause: {}}], "
               "analysis: [§errors]}}\n"),
       "metric 'errors' is compared with the stable slot, which has no traffic in the pause after setWeight: 100"},
      {"WeightTooHigh", canary("[{setWeight: §101}]"), "from 1 to 100"},
      {"WeightZero", canary("[{setWeight: §0}, {setWeight: 100}]"), "from 1 to 100"},
      {"WeightAndPause", canary("[{setWeight: 5, §pause: {}}, {setWeight: 100}]"), "has both 'setWeight' and 'pause'"},
      {"EmptyStep", canary("[§{}, {setWeight: 100}]"), "a canary step is incomplete"},
      {"PauseText", canary("[{pause: §30m}, {setWeight: 100}]"), "found '30m', expected a pause (a map)"},
      {"PauseZero", canary("[{pause: {duration: §0s}}, {setWeight: 100}]"), "expected a duration of 10ms or more"},
      {"PauseNoUnit", canary("[{pause: {duration: §30}}, {setWeight: 100}]"), "expected a duration"},
      {"MisspeltWeight", canary("[{§setWieght: 100, pause: {}}, {setWeight: 100}]"), "did you mean 'setWeight'?"},
      {"UnknownMetric",
       service(
           "  analysis: [{name: errors, prometheus: {query: up}, threshold: {max: 1}}]\n  stages:\n    - environment: "
           "x\n      strategy: {canary: {steps: [{pause: {}}, {setWeight: 100}], analysis: [§error]}}\n"),
       "unknown metric 'error', did you mean 'errors'?: expected a metric of this service's analysis"},
      {"NothingToPause",
       service(
           "  analysis: [{name: errors, prometheus: {query: up}, threshold: {max: 1}}]\n  stages:\n    - environment: "
           "x\n      strategy: {canary: {steps: [{setWeight: 100}], analysis: §[errors]}}\n"),
       "nothing is measured: no step pauses"},
      {"NothingObserved",
       service(
           "  analysis: [{name: errors, prometheus: {query: up}, threshold: {max: 1}}]\n  stages:\n    - environment: "
           "x\n      strategy: {blueGreen: {analysis: §[errors]}}\n"),
       "nothing is measured without a time to observe"},
      {"MetricTwice",
       service(
           "  stages: [{environment: x}]\n  analysis:\n    - {name: a, prometheus: {query: up}, threshold: {max: 1}}\n"
           "    - {name: §a, prometheus: {query: up}, threshold: {max: 1}}\n"),
       "duplicate metric 'a'"},
      {"NoQuery", metric("prometheus: §{}, threshold: {max: 1}"), "missing field 'query' of a prometheus query"},
      {"EmptyQuery", metric("prometheus: {query: §\"\"}, threshold: {max: 1}"), "expected a query of at most"},
      {"PlaceholderOutsideOfQuotes",
       metric("prometheus: {query: §\"up{a='b'} > ${variables.max}\"}, threshold: {max: 1}"),
       "a placeholder outside of quotes: found '${variables.max}'"},
      {"PlaceholderBehindAQuoteThatIsEscaped",
       metric("prometheus: {query: §'up{a=\"\\\"\", b=${slot}}'}, threshold: {max: 1}"),
       "a placeholder outside of quotes: found '${slot}'"},
      {"PlaceholderBetweenBackquotes", metric("prometheus: {query: §'up{a=`\\${slot}`}'}, threshold: {max: 1}"),
       "a placeholder between backquotes: found '${slot}'"},
      {"PlaceholderInAComment", metric("prometheus: {query: §\"up # it's ${slot}\"}, threshold: {max: 1}"),
       "a placeholder outside of quotes: found '${slot}'"},
      {"QueryPlaceholder", metric("prometheus: {query: §\"up{a='${slott}'}\"}, threshold: {max: 1}"),
       "did you mean 'slot'?"},
      {"NothingJudged",
       service("  stages: [{environment: x}]\n  analysis:\n    - §{name: a, prometheus: {query: up}}\n"),
       "a metric is incomplete: expected threshold or baseline"},
      {"ThresholdEmpty", measured("threshold: §{}"), "a threshold is incomplete: expected min or max"},
      {"ThresholdTurned", measured("threshold: {min: 2, max: §1}"), "no value can pass"},
      {"ThresholdText", measured("threshold: {max: §low}"), "wrong"},
      {"BaselineNothing", measured("baseline: §{against: stable}"), "expected maxDelta or maxRatio"},
      {"BaselineAgainst", measured("baseline: {against: §canary, maxDelta: 1}"), "found 'canary', expected stable"},
      {"BaselineBoth", measured("baseline: {against: stable, §window: 1h, maxDelta: 1}"),
       "has both 'against' and 'window'"},
      {"BaselineNeither", measured("baseline: §{maxDelta: 1}"), "a baseline is incomplete"},
      {"LimitNegative", measured("threshold: {max: 1}, failureLimit: §-1"), "failureLimit"},
      {"IntervalShort", measured("threshold: {max: 1}, interval: §100ms"),
       "not measured more often than once a second"},
      {"SamplesNoMin", measured("threshold: {max: 1}, minSamples: §{query: up}"), "missing field 'min'"},
      {"RollingCount", stage("      strategy: {rolling: {batch: §2}}\n"),
       "a count of instances is not supported by this version"},
      {"RollingText", stage("      strategy: {rolling: {batch: §half}}\n"), "expected 5% to 100%"},
      {"RollingTooMuch", stage("      strategy: {rolling: {batch: §120%}}\n"), "expected 5% to 100%"},
      {"RollingNoBatch", stage("      strategy: {rolling: §{pause: 5s}}\n"), "missing field 'batch'"},
      {"SwitchWithoutApprovers", blue_green("approveSwitch: §true"), "nobody can approve the switch"},
      {"PreviewName", blue_green("verifyPreview: [{name: §switch, http: {url: \"http://a/\"}}]"),
       "the step name 'switch' is reserved"},
      {"PreviewTwice",
       stage("      strategy: {blueGreen: {verifyPreview: [{name: a, http: {url: \"http://a/\"}}]}}\n"
             "      verify: [{name: §a, http: {url: \"http://a/\"}}]\n"),
       "duplicate step name 'a'"},
      {"ReservedShift", stage("      verify: [{name: §shift-5, http: {url: \"http://a/\"}}]\n"),
       "the step name 'shift-5' is reserved"},
      {"TrafficEmpty", environment_with_driver("  traffic: §{}\n"), "traffic is incomplete"},
      {"ShiftMissing", environment_with_driver("  traffic: {command: §{}}\n"), "missing field 'shift'"},
      {"ShiftNoScript", environment_with_driver("  traffic: {command: {shift: [§hooks/missing.sh]}}\n"), "no file"},
      {"PrometheusNoAddress", environment_with_driver("  prometheus: §{}\n"), "missing field 'address'"},
      {"PrometheusScheme", environment_with_driver("  prometheus: {address: §\"127.0.0.1:9090\"}\n"), "http://127"},
      {"PrometheusUser", environment_with_driver("  prometheus: {address: §\"http://a:b@c:9090\"}\n"), "without user"},
      {"LocationsNone", environment_with_driver("  locations: §[]\n"), "expected 1 to 16 locations"},
      {"LocationsNoList", environment_with_driver("  locations: §{name: eu}\n"), "expected a list"},
      {"LocationTwice", environment_with_driver("  locations: [{name: eu, wave: 1}, §{name: eu, wave: 2}]\n"),
       "location 'eu' is there twice"},
      {"LocationNoName", environment_with_driver("  locations: [§{wave: 1}]\n"), "missing field 'name' of a location"},
      {"LocationNoWave", environment_with_driver("  locations: [§{name: eu}]\n"), "location 'eu' is in no wave"},
      {"LocationWaveZero", environment_with_driver("  locations: [{name: eu, wave: §0}]\n"),
       "a whole number from 1 to 100"},
      {"LocationWaveText", environment_with_driver("  locations: [{name: eu, wave: §first}]\n"), "number"},
      {"LocationStandbyInAWave",
       environment_with_driver("  locations: [{name: eu, wave: 1}, {name: ap, wave: §2, standby: true}]\n"),
       "location 'ap' is on standby and in a wave"},
      {"LocationsAllStandby", environment_with_driver("  locations: §[{name: ap, standby: true}]\n"),
       "every location is on standby"},
      {"LocationUnknownField", environment_with_driver("  locations: [{name: eu, wave: 1, §waves: 2}]\n"),
       "unknown field 'waves'"},
      {"LocationDriver", environment_with_driver("  locations: [{name: eu, wave: 1, driver: {webhook: §{}}}]\n"),
       "missing field 'url' of a webhook driver"},
      {"OnLocationFailureWord",
       environment_with_driver("  locations: [{name: eu, wave: 1}]\n  onLocationFailure: §ignore\n"), "rollbackAll"},
      {"OnLocationFailureAlone", environment_with_driver("  onLocationFailure: §hold\n"),
       "onLocationFailure of an environment without locations"},
      {"DeployLocation",
       environment("  driver: {command: {deploy: [/bin/echo, §\"${location}\"], observe: [/bin/true]}}\n"),
       "this environment has no locations"},
      {"ShiftLocation", environment_with_driver("  traffic: {command: {shift: [/bin/echo, §\"${location}\"]}}\n"),
       "this environment has no locations"},
      {"RestoreLocation",
       stage("      before: [{name: a, run: {command: [/bin/true]}, keeps: point}]\n"
             "      rollback: {restore: {point: point, run: {command: [/bin/echo, §\"${location}\"]}}}\n"),
       "what is restored is shared by all locations"},
      {"ObserveSlot", environment("  driver: {command: {deploy: [/bin/true], observe: [/bin/echo, §\"${slot}\"]}}\n"),
       "an observe command knows of no promotion"},
  };
  return all;
}

TEST(StrategyDocuments, ReportEachMistakeOnceAtItsPlace) {
  for (const auto& row : rows()) {
    SCOPED_TRACE(row.name);
    expect_reported_at_the_mark(row.text, row.message);
  }
}

TEST(StrategyDocuments, AreReadWhole) {
  const auto parsed =
      parse(service("  analysis:\n"
                    "    - name: error-rate\n"
                    "      prometheus: {query: 'errors{slot=\"${slot}\"} or vector(0)'}\n"
                    "      interval: 30s\n"
                    "      minSamples: {query: requests, min: 50}\n"
                    "      threshold: {max: 0.05}\n"
                    "      baseline: {window: 1h, maxRatio: 1.2}\n"
                    "      failureLimit: 1\n"
                    "      inconclusiveLimit: 5\n"
                    "      consecutiveErrorLimit: 3\n"
                    "  stages:\n"
                    "    - environment: production\n"
                    "      strategy:\n"
                    "        canary:\n"
                    "          steps:\n"
                    "            - setWeight: 5\n"
                    "            - pause: {duration: 30m}\n"
                    "            - pause: {}\n"
                    "            - setWeight: 100\n"
                    "          analysis: [error-rate]\n"
                    "    - environment: other\n"
                    "      strategy: {rolling: {batch: 25%, pause: 30s}}\n"));
  ASSERT_EQ(in_lines(parsed.diagnostics), "");
  const auto& read = std::get<Service>(parsed.documents.at(0).document);
  const auto& metric = read.analysis.at(0);
  EXPECT_EQ(metric.query, "errors{slot=\"${slot}\"} or vector(0)");
  EXPECT_EQ(metric.interval, std::chrono::seconds(30));
  EXPECT_EQ(metric.min_samples->min.text, "50");
  EXPECT_EQ(metric.max->text, "0.05");
  EXPECT_EQ(metric.baseline->window, Duration(std::chrono::hours(1)));
  EXPECT_EQ(metric.baseline->max_ratio->text, "1.2");
  EXPECT_EQ(metric.failure_limit, 1U);
  EXPECT_EQ(metric.inconclusive_limit, 5U);
  EXPECT_EQ(metric.consecutive_error_limit, 3U);
  const auto& canary = *read.stages.at(0).strategy->canary;
  EXPECT_THAT(canary.analysis, ElementsAre("error-rate"));
  ASSERT_EQ(canary.steps.size(), 4U);
  EXPECT_EQ(canary.steps[0].weight, 5U);
  EXPECT_EQ(canary.steps[0].line, 20U);
  EXPECT_EQ(canary.steps[1].pause, Duration(std::chrono::minutes(30)));
  EXPECT_FALSE(canary.steps[2].pause);
  EXPECT_EQ(read.stages.at(1).strategy->rolling->percent, 25U);
}

TEST(StrategyDocuments, APauseMayFollowTheLastWeight) {
  const auto parsed =
      parse(service("  analysis:\n"
                    "    - {name: errors, prometheus: {query: up}, baseline: {window: 1h, maxDelta: 0.01}}\n"
                    "    - {name: cpu, prometheus: {query: up}, threshold: {max: 0.8}}\n"
                    "  stages:\n"
                    "    - environment: production\n"
                    "      strategy:\n"
                    "        canary: {steps: [{setWeight: 5}, {setWeight: 100}, {pause: {duration: 30m}}], "
                    "analysis: [errors, cpu]}\n"));
  ASSERT_EQ(in_lines(parsed.diagnostics), "");
  const auto& read = std::get<Service>(parsed.documents.at(0).document);
  EXPECT_EQ(read.stages.at(0).strategy->canary->steps.back().pause, Duration(std::chrono::minutes(30)));
}

TEST(StrategyDocuments, NeedAPlaceThatCanCarryThemOut) {
  const auto service_text = service(
      "  analysis: [{name: a, prometheus: {query: up}, threshold: {max: 1}}]\n  stages:\n    - environment: "
      "production\n"
      "      strategy: {canary: {steps: [{pause: {}}, {setWeight: 100}], analysis: [a]}}\n");
  const auto bare = checked({service_text, environment_with_driver("")});
  EXPECT_THAT(bare, HasSubstr("1.yaml:8:17: error: the strategy of this stage moves traffic, and environment "
                              "'production' has no traffic"));
  EXPECT_THAT(bare, HasSubstr("retires what ran before, and environment 'production' has no retire command"));
  EXPECT_THAT(bare, HasSubstr("measures, and environment 'production' has no prometheus"));
  EXPECT_EQ(
      checked({service_text,
               environment("  driver: {command: {deploy: [/bin/true], observe: [/bin/true], retire: [/bin/true]}}\n"
                           "  traffic: {command: {shift: [/bin/true]}}\n"
                           "  prometheus: {address: \"http://127.0.0.1:9090/\"}\n")}),
      "");
}

}  // namespace
}  // namespace headgate::reconciler::testing
