#include "reconciler/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/utf8.h"
#include "reconciler/command_outcome.h"
#include "tests/fakes/http_client.h"

namespace headgate::reconciler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Verdict = CheckResult::Verdict;

struct Answer {
  int status = 200;
  std::string body{};
  Duration latency = milliseconds(12);
  std::optional<Error> error{};
};

class ChecksTest : public testing::Test {
 protected:
  static Check http_check() {
    Check check;
    check.name = "health";
    check.http.emplace().url = "http://gateway.example.com/health";
    check.attempts = 5;
    check.interval = seconds(30);
    return check;
  }
  CheckResult run(const Check& check, const std::vector<Answer>& answers, std::stop_token stop = {}) {
    // The answers in turn, the last one again and again.
    made_ = 0;
    fakes::FakeHttpClient http{[&](const HttpRequest&, const std::stop_token&) -> Result<HttpResponse> {
      const auto& answer = answers[std::min(made_++, answers.size() - 1)];
      if (answer.error) return std::unexpected(*answer.error);
      return HttpResponse{answer.status, {}, answer.body, answer.latency};
    }};
    CheckRunner runner{http, run_command_, [this](Duration duration, std::stop_token token) {
                         waits_.push_back(duration);
                         if (on_wait_) on_wait_();
                         return !token.stop_requested();
                       }};
    auto result = runner.run(check, std::move(stop));
    EXPECT_LE(result.evidence.size(), max_check_evidence_bytes);
    const auto valid = compact_json_object(result.evidence);
    EXPECT_TRUE(valid) << valid.error().message;
    EXPECT_EQ(valid.value_or(""), result.evidence);
    EXPECT_EQ(valid_utf8(result.reason, 4096), result.reason);
    return result;
  }

  CheckRunner::RunCommand run_command_;
  std::function<void()> on_wait_;
  std::vector<Duration> waits_;
  std::size_t made_ = 0;
};

TEST_F(ChecksTest, PassesWithTheFirstSuccess) {
  auto check = http_check();
  check.after = seconds(60);
  const auto result = run(check, {{.status = 503}, {.status = 200, .latency = milliseconds(7)}});
  EXPECT_EQ(result.verdict, Verdict::passed);
  EXPECT_EQ(result.reason, "");
  EXPECT_THAT(waits_, ElementsAre(seconds(60), seconds(30)));
  EXPECT_EQ(result.evidence,
            R"({"check":"health","url":"http://gateway.example.com/health","verdict":"passed","attempts_made":2,)"
            R"("attempts_passed":1,"attempts":[{"attempt":1,"passed":false,"status":503,"latency_ms":12,)"
            R"("reason":"status 503, expected 200"},{"attempt":2,"passed":true,"status":200,"latency_ms":7}]})");
}

TEST_F(ChecksTest, FailsWhenTheAttemptsAreUsedUp) {
  const auto result =
      run(http_check(), {{.error = Error{ErrorCode::io, "no answer from http://gateway.example.com:80"}}});
  EXPECT_EQ(result.verdict, Verdict::failed);
  EXPECT_EQ(made_, 5U);
  EXPECT_THAT(result.reason, HasSubstr("0 of 5 attempts passed"));
  EXPECT_THAT(result.reason, HasSubstr("no answer from"));
}

TEST_F(ChecksTest, AUrlThatIsNoneIsNoEvidence) {
  auto check = http_check();
  check.http->url = "http://127.0.0.1%3A8080/health";
  const auto result = run(check, {{.error = Error{ErrorCode::invalid_input, "a request's URL is not valid"}}});
  EXPECT_EQ(result.verdict, Verdict::error);
  EXPECT_EQ(made_, 1U);
  EXPECT_THAT(result.reason, HasSubstr("is not valid; the check's is http://127.0.0.1%3A8080/health"));
}

TEST_F(ChecksTest, SuccessesCountInARow) {
  auto check = http_check();
  check.successes = 2;
  check.attempts = 6;
  EXPECT_EQ(run(check, {{}, {.status = 500}, {}, {}}).verdict, Verdict::passed);
  EXPECT_EQ(made_, 4U);
}

TEST_F(ChecksTest, EndsWhenItCannotPassAnyMore) {
  auto check = http_check();
  check.successes = 3;
  EXPECT_EQ(run(check, {{}, {}, {.status = 500}}).verdict, Verdict::failed);
  EXPECT_EQ(made_, 3U);
  check.successes = 6;
  EXPECT_EQ(run(check, {{}}).verdict, Verdict::error);
  EXPECT_EQ(made_, 0U);
}

TEST_F(ChecksTest, LooksAtLatencyAndBody) {
  auto check = http_check();
  check.attempts = 1;
  check.http->latency_max = milliseconds(10);
  EXPECT_THAT(run(check, {{}}).reason, HasSubstr("answered in 12 ms, expected at most 10 ms"));
  check.http->latency_max = milliseconds(12);
  EXPECT_EQ(run(check, {{}}).verdict, Verdict::passed);
  check.http->contains = "\"ready\"";
  EXPECT_EQ(run(check, {{.body = std::string(5000, ' ') + "{\"ready\":1}"}}).verdict, Verdict::passed);
  EXPECT_THAT(run(check, {{.body = "{}"}}).reason, HasSubstr("does not contain '\"ready\"'"));
}

TEST_F(ChecksTest, LooksAtTheFirstMiBOfABody) {
  auto check = http_check();
  check.attempts = 1;
  check.http->contains = "needle";
  const std::string most(max_check_body_bytes - 6, 'x');
  EXPECT_EQ(run(check, {{.body = most + "needle and more"}}).verdict, Verdict::passed);
  EXPECT_EQ(run(check, {{.body = most + ".needle and more"}}).verdict, Verdict::failed);
}

TEST_F(ChecksTest, AStopEndsAnyWait) {
  std::stop_source stop;
  on_wait_ = [&] {
    if (waits_.size() == 3) stop.request_stop();
  };
  const auto result = run(http_check(), {{.status = 500}}, stop.get_token());
  EXPECT_EQ(result.verdict, Verdict::stopped);
  EXPECT_EQ(made_, 2U);
  EXPECT_THAT(result.evidence, HasSubstr("\"verdict\":\"stopped\""));
}

TEST_F(ChecksTest, EvidenceIsBoundedAndValidWhateverComes) {
  auto check = http_check();
  check.name = std::string(3000, 'n');
  check.attempts = 200;
  check.http->url += std::string(5000, '\x01');
  const auto result = run(check, {{.error = Error{ErrorCode::io, std::string(5000, '\xFF') + "\x02"}}});
  EXPECT_EQ(result.verdict, Verdict::failed);
  EXPECT_THAT(result.evidence, HasSubstr("\"attempts_made\":200"));
  EXPECT_THAT(result.evidence, HasSubstr("\"attempt\":191,"));
  EXPECT_THAT(result.evidence, Not(HasSubstr("\"attempt\":190,")));
}

TEST_F(ChecksTest, ACommandPassesByItsExitCode) {
  Check check;
  check.name = "smoke";
  check.run = headgate::Run{{"hooks/smoke.sh", "staging"}, std::string(40, 'a'), seconds(90)};
  check.attempts = 3;
  int calls = 0;
  run_command_ = [&](const headgate::Run& run, std::stop_token) -> Result<ProcessResult> {
    EXPECT_EQ(run.timeout, seconds(90));
    ProcessResult result;
    result.exit_code = ++calls == 1 ? 75 : 0;
    result.err.head = calls == 1 ? "not ready yet\n" : "";
    result.duration = milliseconds(40);
    result.last_line = "{\"requests\": 1.50}";
    return result;
  };
  const auto result = run(check, {{}});
  EXPECT_EQ(result.verdict, Verdict::passed);
  EXPECT_EQ(result.evidence,
            R"({"check":"smoke","command":"hooks/smoke.sh","verdict":"passed","attempts_made":2,"attempts_passed":1,)"
            R"("attempts":[{"attempt":1,"passed":false,"exit":75,"latency_ms":40,"reason":"exit 75: not ready yet"},)"
            R"({"attempt":2,"passed":true,"exit":0,"latency_ms":40}],"output":{"requests":1.50}})");
}

TEST_F(ChecksTest, ACommandThatMayNotRunIsNoEvidence) {
  Check check;
  check.name = "smoke";
  check.run = headgate::Run{{"hooks/smoke.sh"}, std::string(40, 'a'), seconds(90)};
  check.attempts = 3;
  auto code = ErrorCode::forbidden;
  int calls = 0;
  run_command_ = [&](const headgate::Run&, std::stop_token) -> Result<ProcessResult> {
    ++calls;
    return fail(code, "add to commands.allow");
  };
  const auto result = run(check, {{}});
  EXPECT_EQ(result.verdict, Verdict::error);
  EXPECT_EQ(calls, 1);
  EXPECT_THAT(result.reason, HasSubstr("add to commands.allow"));
  code = ErrorCode::unavailable;
  EXPECT_EQ(run(check, {{}}).verdict, Verdict::error);
  EXPECT_EQ(calls, 4);
}

TEST(Pause, EndsWithAStop) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(pause(std::chrono::hours(1), stop.get_token()));
  EXPECT_TRUE(pause(Duration{1}, {}));
}

}  // namespace
}  // namespace headgate::reconciler
