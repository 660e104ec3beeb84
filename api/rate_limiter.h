// A token bucket for each peer: `per_second` requests on average, `burst` at once.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace headgate::api {

// Thread-safe. Keeps at most `max_peers` buckets and forgets the one that was used longest ago.
class RateLimiter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // per_second 0: everything is admitted.
  RateLimiter(double per_second, double burst, std::size_t max_peers = 16'384);

  // Zero: admitted, and counted. Else how long until the next request would be.
  std::chrono::milliseconds admit(std::string_view peer, TimePoint now);

 private:
  struct Bucket {
    std::string peer;
    double tokens;
    TimePoint filled;
  };

  const double per_second_;
  const double burst_;
  const std::size_t max_peers_;
  std::mutex mutex_;
  std::list<Bucket> buckets_;                                                  // the last used first
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> by_peer_;  // keys live in buckets_
};

}  // namespace headgate::api
