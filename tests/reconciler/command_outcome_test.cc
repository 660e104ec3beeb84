#include "reconciler/command_outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "reconciler/gate_metrics.h"

namespace headgate::reconciler {
namespace {

using testing::HasSubstr;
using Kind = CommandOutcome::Kind;
using End = ProcessResult::End;

ProcessResult ended(int exit_code, std::string last_line = "", std::string err = "") {
  ProcessResult result;
  result.exit_code = exit_code;
  result.last_line = std::move(last_line);
  result.err.head = std::move(err);
  return result;
}

TEST(CommandOutcome, HidesSecretsThatEscapesHadHidden) {
  auto result = ended(0, R"({"a":"hunter2\u002dpassword","hunter2\u002dpassword":["x hunter2-p\u0061ssword"]})");
  EXPECT_THAT(command_outcome(result).evidence_json, HasSubstr("hunter2-password"));
  result.redactor = std::make_shared<Redactor>(std::vector<NamedSecret>{{"db", "hunter2-password"}});
  EXPECT_EQ(command_outcome(result).evidence_json, R"({"a":"[redacted]","[redacted]":["x [redacted]"]})");
}

TEST(CommandOutcome, FollowsTheDriverContract) {
  EXPECT_EQ(command_outcome(ended(0)).kind, Kind::succeeded);
  EXPECT_EQ(command_outcome(ended(75)).kind, Kind::retryable);
  EXPECT_EQ(command_outcome(ended(1)).kind, Kind::terminal);
  ProcessResult result;
  result.end = End::stopped;
  EXPECT_EQ(command_outcome(result).kind, Kind::retryable);
  result.end = End::timed_out;
  result.timeout = std::chrono::milliseconds(1500);
  result.duration = std::chrono::milliseconds(6503);  // with the grace that it was given to end
  EXPECT_EQ(command_outcome(result).kind, Kind::terminal);
  EXPECT_EQ(command_outcome(result).reason, "timed out after 1s500ms");
  result.end = End::signalled;
  result.signal = SIGSEGV;
  EXPECT_EQ(command_outcome(result).reason, "ended by SIGSEGV");
}

TEST(CommandOutcome, AFailureQuotesTheLastWords) {
  EXPECT_EQ(command_outcome(ended(2, "", "first\nno such host\xFF\n\n")).reason, "exit 2: no such host\xEF\xBF\xBD");
  EXPECT_LE(command_outcome(ended(2, "", std::string(100'000, 'x'))).reason.size(), 1024U);
}

TEST(CommandOutcome, EvidenceKeepsNumbersAsWritten) {
  const auto outcome = command_outcome(
      ended(0, R"( { "rate" : 0.10, "big": 12345678901234567890123, "e": 1.50E-07, "s":"a\u00e9\n\"", "l":[1, -0,{}],)"
               R"("n":null , "t" : true} )"));
  EXPECT_EQ(outcome.evidence_json,
            "{\"rate\":0.10,\"big\":12345678901234567890123,\"e\":1.50E-07,\"s\":\"a\xC3\xA9\\n\\\"\",\"l\":[1,-0,{}],"
            "\"n\":null,\"t\":true}");
  EXPECT_EQ(outcome.reason, "");
}

TEST(CommandOutcome, WhatIsNoEvidenceIsSaidToBeNone) {
  const auto why = [](std::string line) {
    const auto outcome = command_outcome(ended(0, std::move(line)));
    EXPECT_EQ(outcome.kind, Kind::succeeded);
    EXPECT_EQ(outcome.evidence_json, "");
    return outcome.reason;
  };
  EXPECT_THAT(why(""), HasSubstr("nothing on standard output"));
  EXPECT_THAT(why("done"), HasSubstr("not a JSON object"));
  EXPECT_THAT(why("[1]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(why("{\"a\":1"), HasSubstr("not valid JSON"));
  EXPECT_THAT(why("{\"a\":1} x"), HasSubstr("more follows"));
  EXPECT_THAT(why("{\"a\":1,\"a\":2}"), HasSubstr("'a' comes twice"));
  EXPECT_THAT(why("{\"o\":{\"b\":1,\"b\":2}}"), HasSubstr("'b' comes twice"));
  EXPECT_THAT(why("{\"a\":\"\xFF\"}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(why("{\"a\":NaN}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(why("{\"a\":" + std::string(40, '[') + std::string(40, ']') + "}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(why("{\"a\":\"" + std::string(17 << 10, 'x') + "\"}"), HasSubstr("at most 16384"));
  ProcessResult cut = ended(0, "{\"a\":1}");
  cut.last_line_complete = false;
  EXPECT_EQ(command_outcome(cut).evidence_json, "");
}

TEST(CapturedOutput, KeepsBothEndsInAnyPieces) {
  std::string all;
  for (int i = 0; i < 1000; ++i) all += std::to_string(i) + "\n";
  for (const std::size_t size : {1U, 7U, 64U, 1000U, 100'000U}) {
    OutputCapture capture{50};
    for (std::size_t at = 0; at < all.size(); at += size) capture.append(std::string_view(all).substr(at, size));
    const auto kept = capture.take();
    EXPECT_EQ(kept.head, all.substr(0, 50));
    EXPECT_EQ(kept.tail, all.substr(all.size() - 50));
    EXPECT_EQ(kept.dropped_bytes, all.size() - 100);
    EXPECT_EQ(kept.last_line().text, "999");
    EXPECT_TRUE(kept.last_line().complete);
  }
}

TEST(CapturedOutput, KnowsWhenItsLastLineIsCut) {
  OutputCapture capture{4};
  capture.append("ab\n0123");
  const auto whole = capture.take();
  EXPECT_EQ(whole.text(), "ab\n0123");
  EXPECT_EQ(whole.last_line().text, "0123");  // over the border of the two parts
  EXPECT_TRUE(whole.last_line().complete);
  capture.append("ab\n0123456789");
  EXPECT_FALSE(capture.take().last_line().complete);
}

TEST(GateMetrics, AreTheNumbersOfTheEvidenceDigitByDigit) {
  const auto metrics = gate_metrics(
      R"({"a":1,"metrics":{"coverage":91.250,"critical":0,"big":12345678901234567890123,"e":1e-7,"text":"5","list":[7],)"
      R"("deep":{"x":8},"last":-3},"more":{"y":9}})");
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : metrics) texts.emplace(name, value.text);
  EXPECT_EQ(texts, (std::map<std::string, std::string>{{"big", "12345678901234567890123"},
                                                       {"coverage", "91.250"},
                                                       {"critical", "0"},
                                                       {"e", "1e-7"},
                                                       {"last", "-3"}}));
  EXPECT_TRUE(gate_metrics(R"({"metrics":[1,2]})").empty());
  EXPECT_TRUE(gate_metrics(R"({"metrics":5})").empty());
  EXPECT_TRUE(gate_metrics("{}").empty());
  EXPECT_TRUE(gate_metrics("nonsense").empty());
}

}  // namespace
}  // namespace headgate::reconciler
