// The log of an installation at work: 500 services, three environments, promotions of 8 steps and an approval one after
// the other, with the gate reports and wishes that lead to them. The same for the same seed.
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

class Workload {
 public:
  explicit Workload(std::uint64_t seed = 1) : random_(seed) {}
  Recorded<Event> next();
  std::vector<Recorded<Event>> next(std::size_t count);

 private:
  void plan_one();
  void push(Event event, std::string actor = "engine");

  std::mt19937_64 random_;
  std::deque<Recorded<Event>> ready_;
  std::vector<std::uint64_t> numbers_ = std::vector<std::uint64_t>(1'500);
  Position position_ = 0;
  Timestamp time_ = Timestamp{} + std::chrono::seconds(1'795'186'800);
};

// A log of `count` such records in `dir`, reopened, so that they lie in files and not in memory.
std::unique_ptr<store::RocksDbLog> filled_log(const std::filesystem::path& dir, Position count);

}  // namespace headgate::bench
