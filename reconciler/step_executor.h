// Carries out the activities of plans: hooks, deploys, shifts of traffic and retirements by the command driver, or
// shifts of traffic through an HAProxy, verifications by checks, measurements by queries to Prometheus; and the runs of
// gates.
#pragma once

#include "engine/ports/executor.h"
#include "engine/ports/http_client.h"
#include "reconciler/checks.h"
#include "reconciler/command_driver.h"
#include "reconciler/notice.h"

namespace headgate::reconciler {

class StepExecutor final : public Executor {
 public:
  StepExecutor(CommandDriver& driver, HttpClient& http, Blobs& blobs, Notice notice)
      : driver_(driver), http_(http), blobs_(blobs), notice_(std::move(notice)) {}

  Outcome execute(const Activity& activity, std::stop_token stop) override;

 private:
  Outcome perform(const Activity& activity, std::stop_token stop);  // what a step does by a command or a load balancer
  Outcome run_probed(const Activity& activity, std::stop_token stop);
  Outcome run_command(const Activity& activity, std::stop_token stop);
  Outcome run_gate(const Activity& activity, std::stop_token stop);
  Outcome run_check(const Activity& activity, std::stop_token stop);
  Outcome shift_traffic(const Activity& activity, std::stop_token stop);
  Outcome measure(const Activity& activity, std::stop_token stop);
  std::string keep_output(const Activity& activity, const ProcessResult& result);

  CommandDriver& driver_;
  HttpClient& http_;
  Blobs& blobs_;
  Notice notice_;
};

}  // namespace headgate::reconciler
