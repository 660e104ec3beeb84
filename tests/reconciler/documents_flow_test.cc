// Sources, triggers, order, places and dependencies as documents write them, and what is said of mistakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/reconciler/documents_support.h"

namespace headgate::reconciler::testing {
namespace {

const std::string source = "  source: {repository: monorepo, paths: [\"gateway/**\"]}\n";

std::string triggered(const std::string& trigger, const std::string& spec = source) {
  return service(spec + "  stages:\n    - environment: production\n      trigger: " + trigger + "\n");
}
const Stage& first_stage(const ParsedDocuments& parsed) {
  return std::get<Service>(parsed.documents.at(0).document).stages.at(0);
}

TEST(DocumentsFlow, EachTrigger) {
  const auto read = [](const std::string& trigger) {
    const auto parsed = parse(triggered(trigger));
    EXPECT_EQ(in_lines(parsed.diagnostics), "");
    return first_stage(parsed).triggers;
  };
  EXPECT_EQ(read("{branch: develop}").at(0).branch, "develop");
  EXPECT_EQ(read("{tag: \"v*.*.*\"}").at(0).kind, Trigger::tag);
  EXPECT_EQ(read("{manual: true}").at(0).kind, Trigger::manual);
  EXPECT_EQ(read("{schedule: \"0 6 * * 1\"}").at(0).schedule, "0 6 * * 1");
  EXPECT_EQ(read("desired").at(0).kind, Trigger::desired);
  EXPECT_EQ(read("{branch: develop}").at(0).line, 8U);
}

TEST(DocumentsFlow, AfterAStageWithSoakInAList) {
  const auto parsed = parse(
      service(source + "  stages:\n    - environment: staging\n    - environment: production\n      trigger: [{after: "
                       "staging, soak: 1h}, {tag: \"v*\"}]\n      supersede: queue\n      maxConcurrent: 2\n"));
  ASSERT_EQ(in_lines(parsed.diagnostics), "");
  const auto& stage = std::get<Service>(parsed.documents.at(0).document).stages.at(1);
  EXPECT_EQ(stage.triggers.at(0).soak, std::chrono::hours(1));
  EXPECT_EQ(stage.triggers.at(1).tag, "v*");
  EXPECT_EQ(stage.supersede, Supersede::queue);
  EXPECT_EQ(stage.max_concurrent->max, 2U);
}

TEST(DocumentsFlow, AnEnvironmentBoundsWhatIsUnderWay) {
  const auto parsed = parse(environment_with_driver("  maxConcurrent: 5\n"));
  ASSERT_EQ(in_lines(parsed.diagnostics), "");
  EXPECT_EQ(std::get<Environment>(parsed.documents.at(0).document).max_concurrent->max, 5U);
}

struct Mistake {
  const char* name;
  std::string text;
  const char* says;  // at its line
};

class DocumentsFlowMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(DocumentsFlowMistake, IsSaidWhereItIs) {
  const auto parsed = parse(GetParam().text);
  EXPECT_THAT(in_lines(parsed.diagnostics), ::testing::StartsWith(GetParam().says));
  for (const auto& said : parsed.diagnostics) {
    expect_gone(said, parse(without_line(GetParam().text, said.line)).diagnostics);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, DocumentsFlowMistake,
    ::testing::Values(
        Mistake{"Two", triggered("{branch: main, tag: \"v*\"}"), "file.yaml:8:"},
        Mistake{"NoSource", triggered("{branch: main}", ""), "file.yaml:7:16: error: a branch of what repository?"},
        Mistake{"NoSourceOfTag", triggered("{tag: v1}", ""), "file.yaml:7:16: error: a tag of what repository?"},
        Mistake{"UnknownStage", triggered("{after: stagging}"),
                "file.yaml:8:16: error: this service has no stage for environment 'stagging'"},
        Mistake{"AfterItself", triggered("{after: production}"),
                "file.yaml:7:20: error: stages wait for each other in a circle: production -> production"},
        Mistake{"SoakOfNothing", triggered("{tag: v1, soak: 1h}"), "file.yaml:8:32: error: nothing to soak"},
        Mistake{"PatternOfBranches", triggered("{branch: \"feature/*\"}"),
                "file.yaml:8:25: error: wrong value of 'branch'"},
        Mistake{"NotManual", triggered("{manual: false}"), "file.yaml:8:25: error: wrong value of 'manual'"},
        Mistake{"ManualAndMore", triggered("[{manual: true}, {branch: main}]"),
                "file.yaml:8:17: error: 'manual' among other triggers"},
        Mistake{"Twice", triggered("[{branch: main}, {branch: main}]"),
                "file.yaml:8:33: error: a trigger that is there twice"},
        Mistake{"NoTrigger", triggered("[]"), "file.yaml:8:16: error: wrong value of 'trigger'"},
        Mistake{"WrongCron", triggered("{schedule: \"0 25 * * *\"}"), "file.yaml:8:27: error: wrong schedule"},
        Mistake{"NeverCron", triggered("{schedule: \"0 0 31 2 *\"}"),
                "file.yaml:8:27: error: the schedule never comes"},
        Mistake{"AbsolutePath",
                service("  source: {repository: monorepo, paths: [/gateway]}\n  stages: [{environment: a}]\n"),
                "file.yaml:5:42: error: wrong value of 'paths'"},
        Mistake{"NoRepository", service("  source: {paths: [gateway]}\n  stages: [{environment: a}]\n"),
                "file.yaml:5:11: error: missing field 'repository' of a source"},
        Mistake{"NoPlaces", stage("      maxConcurrent: 0\n"), "file.yaml:7:22: error: wrong value of 'maxConcurrent'"},
        Mistake{"NoOrder", stage("      supersede: newer\n"), "file.yaml:7:18: error: wrong value of 'supersede'"}),
    name_of_case);

std::string named_service(const std::string& name, const std::string& depends_on) {
  return document("Service", name, "  dependsOn: [" + depends_on + "]\n  stages: [{environment: production}]\n");
}
TEST(DocumentsFlow, AnUnknownServiceAmongThoseThatItComesAfter) {
  EXPECT_THAT(checked({named_service("agent", "gatway"), named_service("gateway", ""), environment_with_driver("")}),
              ::testing::StartsWith("1.yaml:5:15: error: unknown service 'gatway'"));
}

TEST(DocumentsFlow, ServicesThatComeAfterEachOtherInACircle) {
  const auto said = checked({named_service("agent", "gateway"), named_service("gateway", "research"),
                             named_service("research", "agent"), environment_with_driver("")});
  EXPECT_THAT(said, ::testing::HasSubstr("1.yaml:5:15: error: services are promoted after each other in a circle: "
                                         "agent -> gateway -> research -> agent"));
  EXPECT_THAT(said, ::testing::HasSubstr("2.yaml:5:15: error: services are promoted after each other in a circle"));
}

TEST(DocumentsFlow, TheServiceThatACircleLeadsThroughIsCited) {
  EXPECT_THAT(checked({named_service("agent", "other, gateway"), named_service("gateway", "agent"),
                       named_service("other", ""), environment_with_driver("")}),
              ::testing::StartsWith("1.yaml:5:22: error: services are promoted after each other in a circle: agent -> "
                                    "gateway -> agent: found 'gateway', expected"));
}

TEST(DocumentsFlow, AServiceThatComesAfterItself) {
  EXPECT_THAT(checked({named_service("agent", "agent"), environment_with_driver("")}),
              ::testing::HasSubstr("in a circle: agent -> agent"));
}

}  // namespace
}  // namespace headgate::reconciler::testing
