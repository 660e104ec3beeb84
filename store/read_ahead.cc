#include "store/read_ahead.h"

#include <utility>

namespace headgate::store {
namespace {

constexpr std::size_t kChunkBytes = 256 << 10;
constexpr std::size_t kChunksAhead = 4;

}  // namespace

ReadAhead::ReadAhead(Scan scan) : thread_([this, scan = std::move(scan)] { read(scan); }) {}

ReadAhead::~ReadAhead() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ReadAhead::read(const Scan& scan) {
  Chunk chunk;
  auto outcome = scan([&](Position position, std::string_view record) -> Result<void> {
    if (chunk.ends.empty()) chunk.first = position;
    chunk.bytes += record;
    chunk.ends.push_back(chunk.bytes.size());
    if (chunk.bytes.size() < kChunkBytes || put(chunk)) return {};
    return fail(ErrorCode::unavailable, "the reading was given up");
  });
  if (!chunk.ends.empty()) put(chunk);
  const std::scoped_lock lock(mutex_);
  outcome_ = std::move(outcome);
  ended_ = true;
  changed_.notify_all();
}

bool ReadAhead::put(Chunk& chunk) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopped_ || ready_.size() < kChunksAhead; });
  if (stopped_) return false;
  ready_.push_back(std::move(chunk));
  chunk = {};
  if (!spare_.empty()) {
    chunk = std::move(spare_.back());
    spare_.pop_back();
  }
  changed_.notify_all();
  return true;
}

Result<void> ReadAhead::each(const Visit& visit) {
  for (;;) {
    Chunk chunk;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ended_ || !ready_.empty(); });
      if (ready_.empty()) return std::move(outcome_);
      chunk = std::move(ready_.front());
      ready_.pop_front();
      changed_.notify_all();
    }
    std::size_t begin = 0;
    for (std::size_t i = 0; i < chunk.ends.size(); ++i) {
      HEADGATE_TRY_VOID(visit(chunk.first + i, std::string_view(chunk.bytes).substr(begin, chunk.ends[i] - begin)));
      begin = chunk.ends[i];
    }
    chunk.bytes.clear();
    chunk.ends.clear();
    const std::scoped_lock lock(mutex_);
    spare_.push_back(std::move(chunk));
  }
}

}  // namespace headgate::store
