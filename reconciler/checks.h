// Carries out a verification: attempts, successes in a row, waits in between, and what was seen as evidence.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "engine/domain/documents.h"
#include "engine/ports/http_client.h"
#include "engine/ports/pause.h"
#include "reconciler/check_attempt.h"
#include "reconciler/network_checks.h"
#include "reconciler/process_runner.h"

namespace headgate::reconciler {

struct CheckResult {
  enum class Verdict : std::uint8_t {
    passed,
    failed,  // the thing that was checked is not as expected: evidence against the release
    error,   // nothing was learnt: the command could not be run, or this host could not ask
    stopped,
  };
  Verdict verdict = Verdict::error;
  std::string reason;                 // valid UTF-8, one line; empty when passed
  std::string evidence;               // a compact JSON object, valid UTF-8, at most max_check_evidence_bytes
  std::optional<Duration> latency{};  // of the last attempt, where it was answered
};

inline constexpr std::size_t max_check_evidence_bytes = 8 << 10;
inline constexpr std::size_t max_check_body_bytes = 1 << 20;  // `contains` is searched in this much of a body

// Waits, and says false when `stop` came first.
using Sleeper = std::function<bool(Duration, std::stop_token)>;

class CheckRunner {
 public:
  // Runs a command of a check under the host's policy, within run.timeout.
  using RunCommand = std::function<Result<ProcessResult>(const Run&, std::stop_token)>;

  CheckRunner(HttpClient& http, RunCommand run_command, Sleeper sleeper = pause, NetworkOptions network = {})
      : http_(http), run_command_(std::move(run_command)), sleeper_(std::move(sleeper)), network_(std::move(network)) {}

  // Blocks for at most check.after + attempts x (interval + timeout). One attempt is bounded by check.timeout, one
  // command by check.run->timeout. Ends as soon as enough attempts in a row passed, or too few are left for it.
  // Thread-safe as far as the functions are.
  CheckResult run(const Check& check, std::stop_token stop) const;

 private:
  CheckAttempt try_once(const Check& check, const std::stop_token& stop) const;

  HttpClient& http_;
  RunCommand run_command_;
  Sleeper sleeper_;
  NetworkOptions network_;
};

}  // namespace headgate::reconciler
