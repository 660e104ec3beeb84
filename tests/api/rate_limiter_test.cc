#include "api/rate_limiter.h"

#include <gtest/gtest.h>

namespace headgate::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const RateLimiter::TimePoint start{seconds(1000)};

TEST(RateLimiter, ABurstPassesThenTheRate) {
  RateLimiter limiter(2, 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.admit("a", start), milliseconds(0));
  EXPECT_EQ(limiter.admit("a", start), milliseconds(500));
  EXPECT_EQ(limiter.admit("a", start + milliseconds(250)), milliseconds(250));
  EXPECT_EQ(limiter.admit("a", start + milliseconds(500)), milliseconds(0));
  EXPECT_EQ(limiter.admit("a", start + milliseconds(500)), milliseconds(500));
  // Idle time earns no more than a burst.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.admit("a", start + seconds(3600)), milliseconds(0));
  EXPECT_GT(limiter.admit("a", start + seconds(3600)), milliseconds(0));
}

TEST(RateLimiter, PeersDoNotShare) {
  RateLimiter limiter(1, 1);
  EXPECT_EQ(limiter.admit("a", start), milliseconds(0));
  EXPECT_EQ(limiter.admit("b", start), milliseconds(0));
  EXPECT_GT(limiter.admit("a", start), milliseconds(0));
}

TEST(RateLimiter, ZeroAdmitsEverything) {
  RateLimiter limiter(0, 1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(limiter.admit("a", start), milliseconds(0));
}

TEST(RateLimiter, ForgetsThePeerThatWasSilentLongest) {
  RateLimiter limiter(1, 1, 2);
  limiter.admit("a", start);
  limiter.admit("b", start);
  limiter.admit("a", start);  // refused, but seen
  limiter.admit("c", start);  // in place of b
  EXPECT_GT(limiter.admit("a", start), milliseconds(0));
  EXPECT_EQ(limiter.admit("b", start), milliseconds(0));
}

TEST(RateLimiter, ATimeThatGoesBackEarnsNothing) {
  RateLimiter limiter(1, 1);
  limiter.admit("a", start);
  EXPECT_GT(limiter.admit("a", start - seconds(10)), milliseconds(0));
}

}  // namespace
}  // namespace headgate::api
