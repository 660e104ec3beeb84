#include "reconciler/step_executor.h"

#include "engine/ports/caught.h"
#include "reconciler/command_outcome.h"
#include "reconciler/gate_metrics.h"
#include "reconciler/haproxy.h"
#include "reconciler/probe.h"
#include "reconciler/prometheus.h"

namespace headgate::reconciler {
namespace {

// Errors of starting a command: what waiting may mend, and what it will not.
Outcome outcome_of(const Error& error) {
  const bool final = error.code == ErrorCode::forbidden || error.code == ErrorCode::not_found ||
                     error.code == ErrorCode::invalid_input || error.code == ErrorCode::too_large;
  return {final ? Outcome::Kind::terminal : Outcome::Kind::retryable, error.message, {}, {}};
}

// One command at a time on a target, whatever its activity: what a fenced one left is gone before the next begins.
std::string lock_of(const Activity& activity) {
  return "target/" + to_string(activity.id.promotion.target);
}

}  // namespace

std::string StepExecutor::keep_output(const Activity& activity, const ProcessResult& result) {
  const auto text = "== standard output\n" + result.out.text() + "\n== standard error\n" + result.err.text() + "\n";
  const auto blob = blobs_.put(text, "text/plain; charset=utf-8");
  if (blob) return blob->digest;
  notice_(NoticeLevel::warning, "the output could not be kept: " + blob.error().message, to_string(activity.id));
  return {};
}

Outcome StepExecutor::run_command(const Activity& activity, std::stop_token stop) {
  HEADGATE_CHECK(activity.step.run);
  const auto& target = activity.id.promotion.target;
  const auto result = driver_.run(*activity.step.run, target, lock_of(activity), activity_environment(activity), stop);
  if (!result) return outcome_of(result.error());
  if (result->end == ProcessResult::End::stopped) return {Outcome::Kind::stopped, "stopped", {}, {}};
  const auto command = command_outcome(*result);
  Outcome outcome;
  outcome.reason = command.reason;
  if (!command.evidence_json.empty()) outcome.evidence.text = command.evidence_json;
  switch (command.kind) {
    case CommandOutcome::Kind::succeeded:
      return outcome;
    case CommandOutcome::Kind::retryable:
      outcome.kind = Outcome::Kind::retryable;
      break;
    case CommandOutcome::Kind::terminal:
      outcome.kind = Outcome::Kind::terminal;
      break;
  }
  outcome.output = keep_output(activity, *result);
  return outcome;
}

Outcome StepExecutor::perform(const Activity& activity, std::stop_token stop) {
  return activity.step.haproxy ? shift_traffic(activity, stop) : run_command(activity, stop);
}

Outcome StepExecutor::run_probed(const Activity& activity, std::stop_token stop) {
  auto environment = activity_environment(activity);
  environment["HEADGATE_ACTIVITY"] = "probe/" + to_string(activity.id);
  ProbeRun probe(*activity.probe, [&](const Check& check, std::stop_token ends) {
    const CheckRunner checks(http_, [&](const Run& run, std::stop_token inner) {
      return driver_.run(run, activity.id.promotion.target, "probe/" + lock_of(activity), environment, inner);
    });
    return checks.run(check, std::move(ends));
  });
  auto outcome = perform(activity, stop);
  outcome.downtime = probe.finish(stop);
  return outcome;
}

// By the driver contract, but that an exit with a failure is what the gate found out about the release. What ended the
// command otherwise tells nothing of it.
Outcome StepExecutor::run_gate(const Activity& activity, std::stop_token stop) {
  HEADGATE_CHECK(activity.step.run);
  auto environment = activity_environment(activity);
  environment.erase("HEADGATE_ENVIRONMENT");
  environment.erase("HEADGATE_PROMOTION");
  environment.erase("HEADGATE_STEP");
  environment.erase("HEADGATE_PREVIOUS_VERSION");
  environment.erase("HEADGATE_SLOT");
  environment["HEADGATE_GATE"] = activity.gate;
  const auto result =
      driver_.run(*activity.step.run, activity.id.promotion.target, lock_of(activity), std::move(environment), stop);
  if (!result) return outcome_of(result.error());
  if (result->end == ProcessResult::End::stopped) return {Outcome::Kind::stopped, "stopped", {}, {}};
  const auto command = command_outcome(*result);
  Outcome outcome;
  if (!command.evidence_json.empty()) {
    outcome.evidence.text = command.evidence_json;
    outcome.metrics = gate_metrics(command.evidence_json);
  }
  if (command.kind == CommandOutcome::Kind::retryable) {
    outcome.kind = Outcome::Kind::retryable;
  } else if (command.kind == CommandOutcome::Kind::terminal) {
    const bool said_no = result->end == ProcessResult::End::exited;
    outcome.kind = said_no ? Outcome::Kind::unhealthy : Outcome::Kind::terminal;
  }
  if (command.kind != CommandOutcome::Kind::succeeded) outcome.reason = command.reason;
  outcome.output = keep_output(activity, *result);
  return outcome;
}

Outcome StepExecutor::run_check(const Activity& activity, std::stop_token stop) {
  HEADGATE_CHECK(activity.step.check);
  const CheckRunner checks(http_, [&](const Run& run, std::stop_token inner) {
    return driver_.run(run, activity.id.promotion.target, lock_of(activity), activity_environment(activity), inner);
  });
  auto result = checks.run(*activity.step.check, stop);
  Outcome outcome{Outcome::Kind::succeeded, std::move(result.reason), {}, {}};
  if (!result.evidence.empty()) outcome.evidence.text = std::move(result.evidence);
  switch (result.verdict) {
    case CheckResult::Verdict::passed:
      break;
    case CheckResult::Verdict::failed:
      outcome.kind = Outcome::Kind::unhealthy;
      break;
    case CheckResult::Verdict::error:
      outcome.kind = Outcome::Kind::retryable;
      break;
    case CheckResult::Verdict::stopped:
      outcome.kind = Outcome::Kind::stopped;
      break;
  }
  return outcome;
}

Outcome StepExecutor::measure(const Activity& activity, std::stop_token stop) {
  HEADGATE_CHECK(activity.measure);
  auto measured = Prometheus(http_).measure(activity.step.prometheus, *activity.measure, stop);
  Outcome outcome;
  if (measured) {
    outcome.measured = std::move(*measured);
  } else {
    outcome.kind = stop.stop_requested() ? Outcome::Kind::stopped : Outcome::Kind::retryable;
    outcome.reason = measured.error().message;
  }
  return outcome;
}

Outcome StepExecutor::shift_traffic(const Activity& activity, std::stop_token stop) {
  const auto& step = activity.step;
  HEADGATE_CHECK(step.haproxy && step.weight);
  const auto shifted = Haproxy().shift(*step.haproxy, step.slot, *step.weight, stop);
  Outcome outcome;
  if (shifted) {
    outcome.evidence.text = shifted->evidence;
  } else if (shifted.error().code == ErrorCode::unavailable) {
    outcome.kind = Outcome::Kind::stopped;
    outcome.reason = "stopped";
  } else {
    outcome = outcome_of(shifted.error());
  }
  return outcome;
}

Outcome StepExecutor::execute(const Activity& activity, std::stop_token stop) {
  const auto outcome = caught([&]() -> Result<Outcome> {
    if (!activity.gate.empty()) return run_gate(activity, stop);
    if (activity.step.kind == StepKind::pause) return measure(activity, stop);
    if (activity.probe) return run_probed(activity, stop);
    return activity.step.kind == StepKind::health ? run_check(activity, stop) : perform(activity, stop);
  });
  return outcome ? *outcome : outcome_of(outcome.error());
}

}  // namespace headgate::reconciler
