#include "api/rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace headgate::api {

RateLimiter::RateLimiter(double per_second, double burst, std::size_t max_peers)
    : per_second_(per_second), burst_(std::max(1.0, burst)), max_peers_(std::max<std::size_t>(1, max_peers)) {}

std::chrono::milliseconds RateLimiter::admit(std::string_view peer, TimePoint now) {
  if (per_second_ <= 0) return std::chrono::milliseconds(0);
  const std::scoped_lock lock(mutex_);
  if (const auto it = by_peer_.find(peer); it != by_peer_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, it->second);
  } else {
    if (buckets_.size() >= max_peers_) {
      by_peer_.erase(buckets_.back().peer);
      buckets_.pop_back();
    }
    buckets_.push_front(Bucket{std::string(peer), burst_, now});
    by_peer_.emplace(buckets_.front().peer, buckets_.begin());
  }
  Bucket& bucket = buckets_.front();
  const double elapsed_seconds = std::chrono::duration<double>(now - bucket.filled).count();
  if (elapsed_seconds > 0) {
    bucket.tokens = std::min(burst_, bucket.tokens + elapsed_seconds * per_second_);
    bucket.filled = now;
  }
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return std::chrono::milliseconds(0);
  }
  const double wait_ms = std::ceil((1 - bucket.tokens) / per_second_ * 1000);
  return std::chrono::milliseconds(std::max(1LL, static_cast<long long>(std::min(wait_ms, 86'400'000.0))));
}

}  // namespace headgate::api
