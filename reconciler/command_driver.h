// Runs the commands of the documents by the host's policy: a script as a read-only export of exactly its blob, under a
// supervisor, with its variables in HEADGATE_*.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "engine/domain/activity.h"
#include "engine/ports/blobs.h"
#include "reconciler/command_policy.h"
#include "reconciler/process_runner.h"
#include "reconciler/script_exports.h"
#include "reconciler/secrets_in_use.h"

namespace headgate::reconciler {

// Bytes of a script by its Git blob id.
using LoadScript = std::function<Result<std::string>(const std::string& blob)>;

class CommandDriver {
 public:
  // `work`: under it each target has a folder of its own, in which its commands run; with another user theirs, who must
  // be able to reach it. `redactor`: from any thread.
  CommandDriver(ProcessRunner& runner, ScriptExports& exports, const CommandPolicy& policy, LoadScript load,
                std::filesystem::path work, RedactorOfNow redactor)
      : runner_(runner),
        exports_(exports),
        policy_(policy),
        load_(std::move(load)),
        work_(std::move(work)),
        redactor_(std::move(redactor)) {}

  // No two commands of one `lock_name` run at a time. Errors as of CommandPolicy, ScriptExports and ProcessRunner.
  Result<ProcessResult> run(const Run& run, const TargetId& target, const std::string& lock_name, StringMap environment,
                            std::stop_token stop);
  // Exports a script while its repository is at hand, so that a later run needs no Git.
  Result<void> prepare(const Run& run);

 private:
  ProcessRunner& runner_;
  ScriptExports& exports_;
  const CommandPolicy& policy_;
  LoadScript load_;
  std::filesystem::path work_;
  RedactorOfNow redactor_;
};

// HEADGATE_ACTIVITY, _ATTEMPT, _PROMOTION, _STEP, _SERVICE, _ENVIRONMENT, _RELEASE_VERSION, _RELEASE_COMMIT,
// _ARTIFACT_<NAME>, _VARIABLE_<NAME>, _PREVIOUS_VERSION and _SLOT (empty where the target has none); where the step has
// them _LOCATION, _WEIGHT (percent of the traffic, or of the instances), and _RESTORE_POINT (JSON, {} where nothing was
// kept): names in upper case, other characters as '_'.
StringMap activity_environment(const Activity& activity);
StringMap target_environment(const TargetId& target, const StringMap& variables);

}  // namespace headgate::reconciler
