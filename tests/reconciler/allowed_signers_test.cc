// Files of allowed signers, and each mistake in them at its line.
#include "reconciler/allowed_signers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headgate::reconciler {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILYfetnbxUw5SWf/Hf97envz9dyJk2JnIdRWjAGB9dfS";

TEST(AllowedSigners, EachKeyIsAPersonByItsLine) {
  const auto keys = parse_allowed_signers(
      "allowed_signers", "# who may change the policy\n\nalice@example.com,bob@example.com " + key + " of a laptop\n" +
                             "carol@example.com namespaces=\"file,git\" " + key + "\r\n");
  ASSERT_TRUE(keys) << keys.error().message;
  ASSERT_EQ(keys->size(), 2U);
  EXPECT_EQ(keys->at(0).person, "line 3");
  EXPECT_EQ(keys->at(1).person, "line 4");
  EXPECT_EQ(keys->at(0).key.key, key);
  EXPECT_THAT(keys->at(0).key.fingerprint, ::testing::StartsWith("SHA256:"));
}

TEST(AllowedSigners, MistakesNameTheirLineAndNoKey) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"", "f:1:1: error: no key: nobody could change the policy"},
      {"alice@example.com\n", "f:1:1: error: no key: expected principals"},
      {key + "\n", "f:1:1: error: no key"},
      {"#\nalice ssh-ed25519 notakey\n", "f:2:1: error: "},
      {"alice cert-authority " + key, "f:1:1: error: of the options of a key namespaces=\"git\" alone is supported"},
      {"alice valid-before=\"20270101\" " + key, "namespaces=\"git\" alone is supported"},
      {"alice namespaces=\"file\" " + key, "the key is not for commits"},
      {"alice bob " + std::string("namespaces=\"git\" ") + key, "a word too many"},
  };
  for (const auto& [text, expected] : wrong) {
    const auto keys = parse_allowed_signers("f", text);
    ASSERT_FALSE(keys) << text;
    EXPECT_THAT(keys.error().message, HasSubstr(expected)) << text;
    EXPECT_THAT(keys.error().message, Not(HasSubstr("AAAAC3"))) << text;
  }
}

}  // namespace
}  // namespace headgate::reconciler
