#include "reconciler/command_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/digest.h"
#include "reconciler/git_blob_id.h"

namespace headgate::reconciler {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;
using testing::Not;

const std::string script_bytes = "#!/bin/sh\nexit 0\n";

Run script() {
  return {{"hooks/deploy.sh", "arg"}, git_blob_id(script_bytes), minutes(5)};
}
Run program() {
  return {{"/usr/local/bin/deploy"}, "", minutes(30)};
}

Result<CommandPermit> permit(CommandSettings settings, const Run& run) {
  auto policy = CommandPolicy::make(std::move(settings));
  if (!policy) return std::unexpected(policy.error());
  return policy->permit(run, [] { return Result<std::string>(script_bytes); });
}

std::string refusal(CommandSettings settings, const Run& run) {
  const auto result = permit(std::move(settings), run);
  if (result) return "permitted";
  EXPECT_EQ(result.error().code, ErrorCode::forbidden);
  return result.error().message;
}

CommandSettings settings(CommandMode mode, std::vector<AllowedCommand> allow = {}) {
  return {mode, std::move(allow), "headgate-run", minutes(15)};
}

TEST(CommandPolicy, OffRefusesEverything) {
  const AllowedCommand listed{"/usr/local/bin/deploy", ""};
  EXPECT_THAT(refusal(settings(CommandMode::off, {listed}), program()),
              HasSubstr("commands: {mode: allowlist, allow: [/usr/local/bin/deploy]}"));
  EXPECT_THAT(refusal(settings(CommandMode::off), script()), HasSubstr(hex(sha256(script_bytes))));
}

TEST(CommandPolicy, AListedProgramRunsWithinTheServersTime) {
  const auto result = permit(settings(CommandMode::allowlist, {{"/usr/local/bin/deploy", ""}}), program());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->user, "headgate-run");
  EXPECT_EQ(result->timeout, minutes(15));
}

TEST(CommandPolicy, AnUnlistedProgramIsNamedAsItWouldBeListed) {
  EXPECT_THAT(refusal(settings(CommandMode::allowlist, {{"/usr/local/bin/other", ""}}), program()),
              HasSubstr("add to commands.allow of the server's file: - /usr/local/bin/deploy"));
  auto sneaky = program();
  sneaky.command = {"/usr/local/bin/../bin/deploy"};
  EXPECT_THAT(refusal(settings(CommandMode::allowlist, {{"/usr/local/bin/deploy", ""}}), sneaky), Not("permitted"));
  EXPECT_THAT(refusal(settings(CommandMode::repository), program()), HasSubstr("- /usr/local/bin/deploy"));
}

TEST(CommandPolicy, AScriptIsKnownByPathAndDigest) {
  const auto digest = hex(sha256(script_bytes));
  const auto allowed = permit(settings(CommandMode::allowlist, {{"hooks/deploy.sh", digest}}), script());
  ASSERT_TRUE(allowed) << allowed.error().message;
  EXPECT_EQ(allowed->timeout, minutes(5));
  EXPECT_THAT(refusal(settings(CommandMode::allowlist, {{"hooks/other.sh", digest}}), script()),
              HasSubstr("- {path: hooks/deploy.sh, sha256: " + digest + "}"));
  const auto changed = refusal(settings(CommandMode::allowlist, {{"hooks/deploy.sh", hex(sha256("old"))}}), script());
  EXPECT_THAT(changed, HasSubstr("its bytes have changed"));
  EXPECT_THAT(changed, HasSubstr("- {path: hooks/deploy.sh, sha256: " + digest + "}"));
}

TEST(CommandPolicy, RepositoryModeTrustsItsScripts) {
  EXPECT_TRUE(permit(settings(CommandMode::repository), script()));
  auto unbound = script();
  unbound.blob.clear();
  const auto result = permit(settings(CommandMode::repository), unbound);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::invalid_input);
}

TEST(CommandPolicy, AScriptThatCannotBeReadIsNotPermitted) {
  const auto policy = CommandPolicy::make(settings(CommandMode::allowlist, {{"hooks/deploy.sh", hex(sha256(""))}}));
  ASSERT_TRUE(policy);
  const auto result = policy->permit(script(), []() -> Result<std::string> { return fail(ErrorCode::io, "disk"); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "disk");
}

TEST(CommandPolicy, EntriesThatMatchNothingAreMistakes) {
  for (const auto& entry : std::vector<AllowedCommand>{
           {"", ""}, {"hooks/deploy.sh", ""}, {"hooks/deploy.sh", "3b1f"}, {"/bin/deploy", hex(sha256("x"))}}) {
    const auto policy = CommandPolicy::make(settings(CommandMode::allowlist, {entry}));
    ASSERT_FALSE(policy) << entry.path;
    EXPECT_EQ(policy.error().code, ErrorCode::invalid_input);
  }
}

}  // namespace
}  // namespace headgate::reconciler
