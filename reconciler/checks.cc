#include "reconciler/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

#include "engine/base/json_string.h"
#include "engine/base/utf8.h"
#include "reconciler/command_outcome.h"
#include "reconciler/json_expectation.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kept_attempts = 10;

using Attempt = CheckAttempt;

long long milliseconds_of(Duration duration) {
  return std::chrono::floor<std::chrono::milliseconds>(duration).count();
}

std::string header_problem(const HttpCheck& expected, const HttpResponse& response) {
  for (const auto& [name, value] : expected.header) {
    const auto found = response.headers.find(name);
    if (found == response.headers.end()) return fmt::format("no header '{}', expected '{}'", name, value);
    if (found->second != value) return fmt::format("header '{}' is '{}', expected '{}'", name, found->second, value);
  }
  return {};
}

Attempt judge(const HttpCheck& expected, const HttpResponse& response, std::string_view body) {
  Attempt attempt;
  attempt.status = response.status;
  attempt.latency = response.latency;
  if (response.status != static_cast<int>(expected.status)) {
    attempt.reason = fmt::format("status {}, expected {}", response.status, expected.status);
  } else if (expected.latency_max && response.latency > *expected.latency_max) {
    attempt.reason = fmt::format("answered in {} ms, expected at most {} ms", milliseconds_of(response.latency),
                                 milliseconds_of(*expected.latency_max));
  } else if (body.find(expected.contains) == std::string_view::npos) {
    attempt.reason = fmt::format("the body ({} bytes looked at) does not contain '{}'", body.size(), expected.contains);
  } else {
    attempt.reason = header_problem(expected, response);
    if (attempt.reason.empty() && expected.json) attempt.reason = json_problem(*expected.json, body);
    attempt.passed = attempt.reason.empty();
  }
  return attempt;
}

Attempt try_http(HttpClient& http, const Check& check, const std::stop_token& stop) {
  std::string body;
  HttpRequest request;
  request.url = check.http->url;
  request.timeout = check.timeout;
  request.follow_redirects = check.http->follow_redirects.value_or(false);
  // A body of any length is fine, only its beginning is looked at.
  request.on_data = [&body](std::string_view piece) {
    body += piece.substr(0, max_check_body_bytes - body.size());
    return body.size() < max_check_body_bytes;
  };
  const auto response = http.send(request, stop);
  if (response) return judge(*check.http, *response, body);
  Attempt attempt;
  // A request that cannot be made, by a URL of a variable that is none, says nothing of the release.
  attempt.hopeless = response.error().code == ErrorCode::invalid_input;
  attempt.judged = !attempt.hopeless && response.error().code != ErrorCode::unavailable;
  attempt.reason = response.error().message;
  if (attempt.hopeless) attempt.reason += "; the check's is " + request.url;
  return attempt;
}

Attempt try_command(const CheckRunner::RunCommand& run_command, const Run& run, const std::stop_token& stop) {
  Attempt attempt;
  const auto result = run_command(run, stop);
  if (!result) {
    attempt.judged = false;
    attempt.hopeless = result.error().code == ErrorCode::forbidden || result.error().code == ErrorCode::invalid_input;
    attempt.reason = result.error().message;
    return attempt;
  }
  auto outcome = command_outcome(*result);
  attempt.passed = outcome.kind == CommandOutcome::Kind::succeeded;
  if (result->end == ProcessResult::End::exited) attempt.exit_code = result->exit_code;
  attempt.latency = result->duration;
  if (!attempt.passed) attempt.reason = std::move(outcome.reason);
  attempt.evidence_json = std::move(outcome.evidence_json);
  return attempt;
}

struct Summary {
  const Check& check;
  CheckResult::Verdict verdict = CheckResult::Verdict::failed;
  std::uint32_t made = 0;
  std::uint32_t passed = 0;
  std::deque<Attempt> last;
};

std::string_view name_of(CheckResult::Verdict verdict) {
  switch (verdict) {
    case CheckResult::Verdict::passed:
      return "passed";
    case CheckResult::Verdict::failed:
      return "failed";
    case CheckResult::Verdict::error:
      return "error";
    case CheckResult::Verdict::stopped:
      return "stopped";
  }
  return "unknown";
}

void add_text(std::string& json, std::string_view key, std::string_view text, std::size_t max_bytes) {
  json += fmt::format(",\"{}\":", key);
  append_json_string(json, valid_utf8(text, max_bytes));
}

std::string write_attempt(const Attempt& attempt, std::size_t max_text) {
  auto json = fmt::format("{{\"attempt\":{},\"passed\":{}", attempt.number, attempt.passed);
  if (attempt.status) json += fmt::format(",\"status\":{}", *attempt.status);
  if (attempt.exit_code) json += fmt::format(",\"exit\":{}", *attempt.exit_code);
  if (attempt.latency) json += fmt::format(",\"latency_ms\":{}", milliseconds_of(*attempt.latency));
  if (!attempt.reason.empty()) add_text(json, "reason", attempt.reason, max_text);
  return json + "}";
}

std::string write_evidence(const Summary& summary, std::size_t max_text, bool with_output) {
  std::string json = "{\"check\":";
  append_json_string(json, valid_utf8(summary.check.name, max_text));
  if (summary.check.http) add_text(json, "url", summary.check.http->url, max_text);
  if (summary.check.tcp) add_text(json, "host", summary.check.tcp->host, max_text);
  if (summary.check.tls) add_text(json, "host", summary.check.tls->host, max_text);
  if (summary.check.dns) add_text(json, "name", summary.check.dns->name, max_text);
  if (summary.check.run && !summary.check.run->command.empty()) {
    add_text(json, "command", summary.check.run->command.front(), max_text);
  }
  json += fmt::format(",\"verdict\":\"{}\",\"attempts_made\":{},\"attempts_passed\":{},\"attempts\":[",
                      name_of(summary.verdict), summary.made, summary.passed);
  for (std::size_t i = 0; i < summary.last.size(); ++i) {
    if (i > 0) json += ',';
    json += write_attempt(summary.last[i], max_text);
  }
  json += ']';
  if (with_output && !summary.last.empty() && !summary.last.back().evidence_json.empty()) {
    json += ",\"output\":" + summary.last.back().evidence_json;
  }
  return json + "}";
}

// The most that fits: an escaped byte can take six.
std::string bounded_evidence(const Summary& summary) {
  for (const bool with_output : {true, false}) {
    for (const std::size_t max_text : {512U, 256U, 64U}) {
      if (auto json = write_evidence(summary, max_text, with_output); json.size() <= max_check_evidence_bytes)
        return json;
    }
  }
  return write_evidence(summary, 16, false);
}

CheckResult conclude(Summary& summary, CheckResult::Verdict verdict, std::string_view reason) {
  summary.verdict = verdict;
  return {verdict, valid_utf8(reason, 1024), bounded_evidence(summary),
          summary.last.empty() ? std::nullopt : summary.last.back().latency};
}

}  // namespace

CheckAttempt CheckRunner::try_once(const Check& check, const std::stop_token& stop) const {
  if (check.http) return try_http(http_, check, stop);
  if (check.tcp) return try_tcp(*check.tcp, check.timeout, network_, stop);
  if (check.tls) return try_tls(*check.tls, check.timeout, network_, stop);
  if (check.dns) return try_dns(*check.dns, check.timeout, network_, stop);
  return try_command(run_command_, *check.run, stop);
}

CheckResult CheckRunner::run(const Check& check, std::stop_token stop) const {
  HEADGATE_CHECK(check.http.has_value() + check.run.has_value() + check.tcp.has_value() + check.tls.has_value() +
                     check.dns.has_value() ==
                 1);
  using Verdict = CheckResult::Verdict;
  Summary summary{check, Verdict::failed, 0, 0, {}};
  const auto needed = std::max(check.successes, 1U);
  if (check.attempts < needed) {
    return conclude(
        summary, Verdict::error,
        fmt::format("the check can never pass: {} attempts, {} successes in a row", check.attempts, needed));
  }
  if (!sleeper_(check.after, stop)) return conclude(summary, Verdict::stopped, "stopped");
  std::uint32_t in_a_row = 0;
  bool judged_bad = false;
  std::string reason;
  for (std::uint32_t number = 1; number <= check.attempts; ++number) {
    if (number > 1 && !sleeper_(check.interval, stop)) return conclude(summary, Verdict::stopped, "stopped");
    auto attempt = try_once(check, stop);
    // What a stop cut short says nothing about the thing that is checked.
    if (!attempt.passed && stop.stop_requested()) return conclude(summary, Verdict::stopped, "stopped");
    attempt.number = number;
    summary.made = number;
    summary.passed += attempt.passed ? 1 : 0;
    in_a_row = attempt.passed ? in_a_row + 1 : 0;
    judged_bad = judged_bad || (attempt.judged && !attempt.passed);
    if (!attempt.passed) reason = attempt.reason;
    const bool hopeless = attempt.hopeless;
    summary.last.push_back(std::move(attempt));
    if (summary.last.size() > kept_attempts) summary.last.pop_front();
    if (in_a_row >= needed) return conclude(summary, Verdict::passed, "");
    if (hopeless || check.attempts - number < needed - in_a_row) break;
  }
  return conclude(summary, judged_bad ? Verdict::failed : Verdict::error,
                  fmt::format("{} of {} attempts passed, {} in a row needed; last: {}", summary.passed, summary.made,
                              needed, reason));
}

}  // namespace headgate::reconciler
