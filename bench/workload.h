// The log of an installation at work: 500 services, three environments, promotions of 8 steps and an approval one after
// the other, with the gate reports and wishes that lead to them. The same every time.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "engine/domain/events.h"
#include "store/rocksdb_log.h"

namespace headgate::bench {

inline constexpr const char* kOrigin = "headgate.example.com";

inline constexpr Timestamp kFirst = Timestamp{} + std::chrono::seconds(1'795'186'800);

class Workload {
 public:
  explicit Workload(Timestamp first = kFirst) : time_(first) {}
  Recorded<Event> next();
  std::vector<Recorded<Event>> next(std::size_t count);

 private:
  void plan_one();
  void push(Event event, std::string actor = "engine");

  std::mt19937_64 random_{1};
  std::deque<Recorded<Event>> ready_;
  std::vector<std::uint64_t> numbers_ = std::vector<std::uint64_t>(1'500);
  Position position_ = 0;
  Timestamp time_;
};

// A log of `count` such records in `dir`, reopened, so that they lie in files and not in memory. They are a second
// apart.
std::unique_ptr<store::RocksDbLog> filled_log(const std::filesystem::path& dir, Position count,
                                              Timestamp first = kFirst);

}  // namespace headgate::bench
