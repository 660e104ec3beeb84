#include "reconciler/command_driver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/base/unique_fd.h"
#include "reconciler/process_launch.h"

namespace headgate::reconciler {
namespace {

std::string variable_name(std::string_view prefix, std::string_view name) {
  std::string text(prefix);
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    const bool lower = c >= 'a' && c <= 'z';
    const bool upper = c >= 'A' && c <= 'Z';
    text += lower ? static_cast<char>(c - 'a' + 'A') : digit || upper ? c : '_';
  }
  return text;
}

void add_variables(StringMap& environment, const StringMap& variables) {
  for (const auto& [name, value] : variables) environment[variable_name("HEADGATE_VARIABLE_", name)] = value;
}

std::string basename_of(const Run& run) {
  return std::filesystem::path(run.command.front()).filename().string();
}

// Made, and the user's own, who else could write nothing there.
Result<void> make_work_folder(const std::filesystem::path& folder, const std::string& user) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(ErrorCode::io, "cannot make " + folder.string() + ": " + error.message());
  HEADGATE_TRY(const auto identity, resolve_user(user));
  if (!identity) return {};
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd || ::fchown(fd.get(), identity->uid, identity->gid) != 0 || ::fchmod(fd.get(), 0700) != 0) {
    return fail(ErrorCode::io, "cannot give " + folder.string() + " to " + user + ": " + std::strerror(errno));
  }
  return {};
}

}  // namespace

StringMap target_environment(const TargetId& target, const StringMap& variables) {
  StringMap environment{{"HEADGATE_SERVICE", target.service}, {"HEADGATE_ENVIRONMENT", target.environment}};
  add_variables(environment, variables);
  return environment;
}

StringMap activity_environment(const Activity& activity) {
  const auto& target = activity.id.promotion.target;
  const auto& wish = activity.step.deploys ? *activity.step.deploys : activity.to;
  auto environment = target_environment(target, wish.variables);
  environment["HEADGATE_ACTIVITY"] = to_string(activity.id);
  environment["HEADGATE_ATTEMPT"] = std::to_string(activity.attempt);
  environment["HEADGATE_PROMOTION"] = to_string(activity.id.promotion);
  environment["HEADGATE_STEP"] = activity.id.step;
  environment["HEADGATE_RELEASE_VERSION"] = wish.release.version;
  environment["HEADGATE_RELEASE_COMMIT"] = wish.release.commit;
  environment["HEADGATE_PREVIOUS_VERSION"] = activity.from ? activity.from->release.version : "";
  if (!activity.step.restores.empty()) {
    environment["HEADGATE_RESTORE_POINT"] = activity.restore_point.text.empty() ? "{}" : activity.restore_point.text;
  }
  environment["HEADGATE_SLOT"] = activity.step.slot;
  if (!activity.step.location.empty()) environment["HEADGATE_LOCATION"] = activity.step.location;
  if (activity.step.weight) environment["HEADGATE_WEIGHT"] = std::to_string(*activity.step.weight);
  for (const auto& [name, reference] : wish.release.artifacts) {
    environment[variable_name("HEADGATE_ARTIFACT_", name)] = reference;
  }
  return environment;
}

Result<void> CommandDriver::prepare(const Run& run) {
  if (run.blob.empty()) return {};
  HEADGATE_TRY_VOID(exports_.ensure(run.blob, basename_of(run), [&] { return load_(run.blob); }));
  return {};
}

Result<ProcessResult> CommandDriver::run(const Run& run, const TargetId& target, const std::string& lock_name,
                                         StringMap environment, std::stop_token stop) {
  HEADGATE_CHECK(!run.command.empty());
  // What was exported is known to be the blob: the repository is asked only for what was not.
  HEADGATE_TRY(const auto permit, policy_.permit(run, [&]() -> Result<std::string> {
    if (auto exported = exports_.read(run.blob, basename_of(run))) return std::move(*exported);
    return load_(run.blob);
  }));
  ProcessSpec spec;
  spec.program = run.command.front();
  if (!run.blob.empty()) {
    HEADGATE_TRY(spec.program, exports_.ensure(run.blob, basename_of(run), [&] { return load_(run.blob); }));
  }
  spec.arguments.assign(run.command.begin() + 1, run.command.end());
  spec.lock_name = lock_name;
  spec.environment = std::move(environment);
  spec.directory = work_ / (target.service + "." + target.environment);
  spec.timeout = std::min(run.timeout, permit.timeout);
  spec.user = permit.user;
  spec.redactor = redactor_();
  HEADGATE_TRY_VOID(make_work_folder(spec.directory, spec.user));
  return runner_.run(spec, stop);
}

}  // namespace headgate::reconciler
