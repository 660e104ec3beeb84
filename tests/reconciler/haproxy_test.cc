// Shifts of traffic through a real HAProxy (Debian's package).
#include "reconciler/haproxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/reconciler/test_directory.h"

extern char** environ;  // NOLINT: of POSIX

namespace headgate::reconciler {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr const char* haproxy = "/usr/sbin/haproxy";

class HaproxyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(haproxy)) << "make setup installs it";
    const auto config = folder_.path() / "haproxy.cfg";
    std::ofstream(config) << "global\n  stats socket " << socket() << " mode 600 level admin\n"
                          << "defaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n"
                          << "backend gateway\n  server blue 127.0.0.1:1 weight 1\n"
                          << "  server green 127.0.0.1:2 weight 100\n"
                          << "frontend unused\n  bind unix@" << (folder_.path() / "front.sock").string() << "\n"
                          << "  default_backend gateway\n";
    std::string path = config.string();
    const char* arguments[] = {haproxy, "-db", "-f", path.c_str(), nullptr};
    ASSERT_EQ(::posix_spawn(&child_, haproxy, nullptr, nullptr, const_cast<char**>(arguments), environ), 0);
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!std::filesystem::exists(socket()) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  }
  void TearDown() override {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  std::string socket() const { return (folder_.path() / "admin.sock").string(); }
  HaproxyTraffic traffic() const { return {socket(), "gateway", {{"blue", "blue"}, {"green", "green"}}, 0}; }

  TestDirectory folder_;
  pid_t child_ = 0;
};

TEST_F(HaproxyTest, WeightsAreAbsoluteWhateverTheFileGives) {
  const auto shifted = Haproxy().shift(traffic(), "green", 5, {});
  ASSERT_TRUE(shifted) << shifted.error().message;
  EXPECT_EQ(shifted->evidence,
            R"({"before":{"green":100,"blue":1},"asked":{"green":5,"blue":95},"read":{"green":5,"blue":95}})");
  const auto again = Haproxy().shift(traffic(), "green", 5, {});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_THAT(again->evidence, HasSubstr(R"("before":{"green":5,"blue":95})"));
}

TEST_F(HaproxyTest, AllTheWayAndBack) {
  for (const std::uint32_t percent : {0U, 25U, 50U, 100U, 0U}) {
    const auto shifted = Haproxy().shift(traffic(), "green", percent, {});
    ASSERT_TRUE(shifted) << shifted.error().message;
    EXPECT_THAT(shifted->evidence, HasSubstr("\"read\":{\"green\":" + std::to_string(percent) +
                                             ",\"blue\":" + std::to_string(100 - percent) + "}"));
  }
  const auto back = Haproxy().shift(traffic(), "blue", 100, {});
  ASSERT_TRUE(back) << back.error().message;
}

TEST_F(HaproxyTest, WhatIsNotThereIsSaidByName) {
  auto other = traffic();
  other.servers["green"] = "grün";
  EXPECT_EQ(Haproxy().shift(other, "green", 5, {}).error().code, ErrorCode::invalid_input);
  other.servers["green"] = "gren";
  auto wrong = Haproxy().shift(other, "green", 5, {});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::not_found);
  EXPECT_THAT(wrong.error().message, HasSubstr("gateway/gren"));
  other = traffic();
  other.backend = "gatway";
  EXPECT_EQ(Haproxy().shift(other, "green", 5, {}).error().code, ErrorCode::not_found);
}

TEST_F(HaproxyTest, ANameIsNeverACommand) {
  auto other = traffic();
  other.backend = "gateway/blue 100; shutdown frontend unused; get weight gateway";
  EXPECT_EQ(Haproxy().shift(other, "green", 5, {}).error().code, ErrorCode::invalid_input);
}

TEST(HaproxyAway, NobodyListensAndItMayPass) {
  const TestDirectory folder;
  const HaproxyTraffic traffic{(folder.path() / "none.sock").string(), "a", {{"blue", "b"}, {"green", "g"}}, 0};
  const auto shifted = Haproxy().shift(traffic, "blue", 5, {});
  ASSERT_FALSE(shifted);
  EXPECT_EQ(shifted.error().code, ErrorCode::io);
}

}  // namespace
}  // namespace headgate::reconciler
