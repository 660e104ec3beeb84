#include "reconciler/command_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/digest.h"
#include "engine/base/hex.h"
#include "engine/base/json_string.h"
#include "engine/base/utf8.h"

namespace headgate::reconciler {
namespace {

bool is_absolute(std::string_view path) {
  return path.starts_with('/');
}

// A YAML scalar for a flow sequence; quoted where it is not plainly a path.
std::string yaml_scalar(const std::string& text) {
  const bool plain = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+") ==
                         std::string::npos &&
                     !text.starts_with('-');
  if (plain) return text;
  std::string quoted;
  append_json_string(quoted, valid_utf8(text, 4096));
  return quoted;
}

std::string entry_for(const std::string& path, const std::string& sha256) {
  if (sha256.empty()) return yaml_scalar(path);
  return fmt::format("{{path: {}, sha256: {}}}", yaml_scalar(path), sha256);
}

Result<void> check_entry(const AllowedCommand& entry) {
  const auto bad = [&](std::string_view what) {
    return fail(ErrorCode::invalid_input, fmt::format("commands.allow: '{}' {}", entry.path, what),
                {{"/commands/allow", entry.path, "an absolute path, or {path, sha256} of a script"}});
  };
  if (entry.path.empty()) return bad("is empty: expected a path");
  if (is_absolute(entry.path)) {
    if (!entry.sha256.empty()) return bad("is an absolute path, which takes no sha256: write the path alone");
    return {};
  }
  if (entry.sha256.empty()) return bad("is a script of the repository and needs its sha256 (sha256sum gives it)");
  if (!is_lower_hex(entry.sha256, 64)) return bad("has a sha256 that is not 64 lower-case hexadecimal digits");
  return {};
}

}  // namespace

Result<CommandPolicy> CommandPolicy::make(CommandSettings settings) {
  for (const auto& entry : settings.allow) HEADGATE_TRY_VOID(check_entry(entry));
  if (settings.timeout <= Duration::zero()) {
    return fail(ErrorCode::invalid_input, "commands.timeout is not positive",
                {{"/commands/timeout", format_duration(settings.timeout), "a duration such as 15m"}});
  }
  return CommandPolicy{std::move(settings)};
}

Result<CommandPermit> CommandPolicy::permit(const Run& run, const std::function<Result<std::string>()>& load) const {
  if (run.command.empty() || run.command.front().empty()) {
    return fail(ErrorCode::invalid_input, "a command names no program: expected a script or an absolute path first");
  }
  const auto& path = run.command.front();
  const bool script = !is_absolute(path);
  if (script && run.blob.empty()) {
    return fail(ErrorCode::invalid_input, fmt::format("the script {} is bound to no blob of the repository", path));
  }
  const CommandPermit permit{settings_.user, std::min(run.timeout, settings_.timeout)};
  if (settings_.mode == CommandMode::repository && script) return permit;

  std::string sha256;
  if (script) {
    HEADGATE_TRY(const auto bytes, load());
    sha256 = hex(headgate::sha256(bytes));
  }
  const auto listed = [&](const AllowedCommand& entry) { return entry.path == path && entry.sha256 == sha256; };
  if (settings_.mode != CommandMode::off && std::ranges::any_of(settings_.allow, listed)) return permit;

  const auto entry = entry_for(path, sha256);
  if (settings_.mode == CommandMode::off) {
    return fail(ErrorCode::forbidden,
                fmt::format("commands are off on this server, so {} does not run; to allow it, "
                            "put into the server's file: commands: {{mode: allowlist, allow: [{}]}}",
                            path, entry));
  }
  const bool other_digest = std::ranges::any_of(settings_.allow, [&](const auto& each) { return each.path == path; });
  return fail(ErrorCode::forbidden,
              fmt::format("{} {}; to allow it, add to commands.allow of the server's file: - {}", path,
                          other_digest ? "is allowed with another sha256 only, its bytes have changed"
                                       : "is not among the commands that the server allows",
                          entry));
}

}  // namespace headgate::reconciler
