// Time that a test moves. Held to the contract of the real one by tests/app/clock_contract_test.cc.
#pragma once

#include <atomic>

#include "engine/ports/clock.h"

namespace headgate::fakes {

// Thread-safe.
class ManualClock final : public Clock {
 public:
  Timestamp now() const override { return Timestamp(Duration(wall_.load())); }
  Duration steady() const override { return Duration(steady_.load()); }
  void pass(Duration time) {  // time goes by
    wall_ += time.count();
    steady_ += time.count();
  }
  void step(Duration time) { wall_ += time.count(); }  // somebody sets the wall clock

 private:
  std::atomic<Duration::rep> wall_{
      Duration(std::chrono::sys_days(std::chrono::year(2026) / 11 / 20).time_since_epoch()).count()};
  std::atomic<Duration::rep> steady_{0};
};

}  // namespace headgate::fakes
