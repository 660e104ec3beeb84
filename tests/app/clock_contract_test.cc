// What the port promises of time, of the real clock and of the one that tests move.
#include <gtest/gtest.h>

#include <thread>

#include "app/system_clock.h"
#include "tests/fakes/clock.h"

namespace headgate::app {
namespace {

template <class C>
class ClockContract : public ::testing::Test {
 protected:
  // Until the steady one says so.
  void let_some_pass() {
    if constexpr (std::is_same_v<C, fakes::ManualClock>) {
      clock_.pass(std::chrono::microseconds(1));
    } else {
      for (const auto began = clock_.steady(); clock_.steady() == began;) std::this_thread::yield();
    }
  }
  C clock_;
};

struct Names {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, SystemClock> ? "Real" : "Manual";
  }
};
using Clocks = ::testing::Types<SystemClock, fakes::ManualClock>;
TYPED_TEST_SUITE(ClockContract, Clocks, Names);

TYPED_TEST(ClockContract, TheSteadyOneNeverGoesBack) {
  auto last = this->clock_.steady();
  for (int i = 0; i < 1'000; ++i) {
    if (i % 100 == 0) this->let_some_pass();
    const auto now = this->clock_.steady();
    ASSERT_GE(now, last);
    last = now;
  }
}

TYPED_TEST(ClockContract, BothGoOnTogether) {
  const auto wall = this->clock_.now();
  const auto steady = this->clock_.steady();
  this->let_some_pass();
  EXPECT_GT(this->clock_.steady(), steady);
  EXPECT_GE(this->clock_.now(), wall);
}

TYPED_TEST(ClockContract, TheWallClockIsTheTimeOfThisCentury) {
  EXPECT_GT(this->clock_.now(), Timestamp(std::chrono::sys_days(std::chrono::year(2020) / 1 / 1)));
  EXPECT_LT(this->clock_.now(), Timestamp(std::chrono::sys_days(std::chrono::year(2100) / 1 / 1)));
}

TEST(ManualClock, AStepOfTheWallClockIsNoPassingTime) {
  fakes::ManualClock clock;
  const auto wall = clock.now();
  const auto steady = clock.steady();
  clock.step(-std::chrono::hours(1));
  EXPECT_EQ(clock.now(), wall - std::chrono::hours(1));
  EXPECT_EQ(clock.steady(), steady);
}

}  // namespace
}  // namespace headgate::app
