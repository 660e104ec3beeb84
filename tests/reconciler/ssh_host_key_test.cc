#include "reconciler/ssh_host_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headgate::reconciler {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(SshHostKey, FindsHostsAsOpenSshWritesThem) {
  const std::string key = " ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  const auto known = "# ours\ngit.example.com,192.0.2.1" + key + "\n[ports.example.com]:2222" + key +
                     "\r\nno line\n@revoked old.example.com" + key +
                     "\n|1|c2FsdHNhbHRzYWx0c2FsdHNhbHQ=|H6kYmtQ1mpybKTb5X/fgCW2KIV0=" + key;
  EXPECT_TRUE(knows_host(known, "git.example.com", 22));
  EXPECT_TRUE(knows_host(known, "192.0.2.1", 22));
  EXPECT_TRUE(knows_host(known, "ports.example.com", 2222));
  EXPECT_TRUE(knows_host(known, "hashed.example.com", 22));
  EXPECT_TRUE(knows_host(known, "git.example.com", 2223)) << "on whatever port";
  EXPECT_FALSE(knows_host(known, "ports.example.com", 2223));
  EXPECT_FALSE(knows_host(known, "ports.example.com", 22));
  EXPECT_FALSE(knows_host(known, "example.com", 22));
  EXPECT_FALSE(knows_host(known, "old.example.com", 22));
  EXPECT_FALSE(knows_host("", "git.example.com", 22));
}

TEST(SshHostKey, TakesThePortOfAUrl) {
  EXPECT_EQ(ssh_port_of("ssh://git.example.com/x.git"), 22);
  EXPECT_EQ(ssh_port_of("ssh://git.example.com:2222/x.git"), 2222);
  EXPECT_EQ(ssh_port_of("ssh://[2001:db8::1]/x.git"), 22);
  EXPECT_EQ(ssh_port_of("ssh://[2001:db8::1]:2222/x.git"), 2222);
  EXPECT_EQ(ssh_port_of("git@git.example.com:team/x.git"), 22);
}

TEST(SshHostKey, OfAChangedOneSomebodyMayBeInBetween) {
  const auto changed = host_key_refused("git.example.com", true, std::string(32, '\0'));
  EXPECT_THAT(changed, HasSubstr("somebody may be in between"));
  EXPECT_THAT(changed, HasSubstr("(SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA)"));
  const auto unknown = host_key_refused("git.example.com", false, "");
  EXPECT_THAT(unknown, HasSubstr("is not known"));
  EXPECT_THAT(unknown, Not(HasSubstr("SHA256")));
}

}  // namespace
}  // namespace headgate::reconciler
