// What the host keeps secret: read from files that not everybody may read, and kept out of what commands print.
#include "tests/fakes/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reconciler/host_secrets.h"
#include "reconciler/secret_file.h"
#include "tests/reconciler/test_directory.h"

namespace headgate::reconciler {
namespace {

using std::filesystem::perms;
using testing::HasSubstr;
using testing::Not;

class SecretsTest : public testing::Test {
 protected:
  std::filesystem::path file(std::string_view text, perms mode = perms{0600}) const {
    auto path = directory_.path() / "secret";
    std::ofstream(path, std::ios::binary) << text;
    std::filesystem::permissions(path, mode);
    return path;
  }
  HostSecrets secrets_of(const std::filesystem::path& path) {
    return HostSecrets({{"hook", {.file = path, .variable = {}}}}, in_use_);
  }

  TestDirectory directory_;
  SecretsInUse in_use_;
};

TEST_F(SecretsTest, AFileIsReadWithoutTheWhiteSpaceAtItsEnd) {
  EXPECT_EQ(*read_secret_file(file("hunter2-password \r\n\n")), "hunter2-password");
  EXPECT_EQ(*read_secret_file(file("hunter2", perms{0440})), "hunter2") << "of a group, as services have them";
  const std::string longest(max_secret_bytes, 'x');
  EXPECT_EQ(*read_secret_file(file(longest)), longest);
}

TEST_F(SecretsTest, AFileThatIsNoneIsRefusedByNameAndWithoutItsText) {
  EXPECT_EQ(read_secret_file(directory_.path() / "none").error().code, ErrorCode::not_found);
  EXPECT_THAT(read_secret_file(file(" \n")).error().message, HasSubstr("secret is empty"));
  EXPECT_THAT(read_secret_file(file(std::string(max_secret_bytes + 1, 'x'))).error().message,
              HasSubstr("more than 16384 bytes"));
  for (const auto mode : {perms{0604}, perms{0644}, perms{0602}}) {
    const auto open = read_secret_file(file("hunter2", mode));
    ASSERT_FALSE(open.has_value());
    EXPECT_EQ(open.error().code, ErrorCode::invalid_input);
    EXPECT_THAT(open.error().message, HasSubstr("chmod o= " + (directory_.path() / "secret").string()));
    EXPECT_THAT(open.error().message, Not(HasSubstr("hunter2")));
  }
}

TEST_F(SecretsTest, ASecretThatWasReadIsRedactedFromThenOnAndSoIsTheOneBefore) {
  const auto secrets = secrets_of(file("the first value\n"));
  EXPECT_EQ(in_use_.redactor()->redact("the first value"), "the first value") << "nobody has read it";
  ASSERT_EQ(*secrets.read("hook"), "the first value");
  const auto before = in_use_.redactor();
  EXPECT_EQ(before->redact("the first value"), "[redacted]");
  EXPECT_EQ(in_use_.redactor(), before) << "made once";
  file("the second value\n");
  ASSERT_EQ(*secrets.read("hook"), "the second value");
  EXPECT_EQ(in_use_.redactor()->redact("the first value, the second value"), "[redacted], [redacted]");
}

TEST_F(SecretsTest, OfOneNameTheNewestValuesAreKept) {
  const auto value = [](std::size_t i) { return "value number " + std::to_string(i) + "!"; };
  for (std::size_t i = 0; i <= SecretsInUse::kept_values; ++i) in_use_.add("hook", value(i));
  in_use_.add("another", "value of another");
  const auto redactor = in_use_.redactor();
  EXPECT_EQ(redactor->redact(value(0)), value(0));
  for (std::size_t i = 1; i <= SecretsInUse::kept_values; ++i) EXPECT_EQ(redactor->redact(value(i)), "[redacted]");
}

TEST_F(SecretsTest, ATroubleNamesTheSecret) {
  const auto open = secrets_of(file("hunter2", perms{0644})).read("hook");
  ASSERT_FALSE(open.has_value());
  EXPECT_THAT(open.error().message, HasSubstr("secret hook: "));
  EXPECT_EQ(secrets_of(directory_.path()).read("other").error().code, ErrorCode::not_found);
}

// ------------------------------------------------------------------------------------------- what the port promises

struct OfTheHost {
  TestDirectory directory;
  SecretsInUse in_use;
  HostSecrets secrets{{{"hook", {.file = directory.path() / "hook", .variable = {}}}}, in_use};
  void set(std::string_view value) {
    std::ofstream(directory.path() / "hook", std::ios::binary) << value;
    std::filesystem::permissions(directory.path() / "hook", perms{0600});
  }
};

struct OfTheTests {
  fakes::FixedSecrets secrets{{}};
  void set(std::string_view value) { secrets.set("hook", std::string(value)); }
};

template <class Holder>
class SecretsContract : public testing::Test {
 protected:
  const Secrets& secrets() const { return holder_.secrets; }
  Holder holder_;
};

struct HolderNames {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, OfTheHost> ? "OfTheHost" : "OfTheTests";
  }
};
using Holders = testing::Types<OfTheHost, OfTheTests>;
TYPED_TEST_SUITE(SecretsContract, Holders, HolderNames);

TYPED_TEST(SecretsContract, GiveTheValueOfTheMoment) {
  this->holder_.set("the first value");
  EXPECT_EQ(this->secrets().read("hook").value_or("none"), "the first value");
  this->holder_.set("the second value");
  EXPECT_EQ(this->secrets().read("hook").value_or("none"), "the second value");
}

TYPED_TEST(SecretsContract, NameWhatIsNotThere) {
  this->holder_.set("the first value");
  const auto unknown = this->secrets().read("another");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, ErrorCode::not_found);
  EXPECT_THAT(unknown.error().message, HasSubstr("another"));
  this->holder_.set("");
  const auto empty = this->secrets().read("hook");
  ASSERT_FALSE(empty.has_value());
  EXPECT_THAT(empty.error().message, HasSubstr("hook"));
}

}  // namespace
}  // namespace headgate::reconciler
