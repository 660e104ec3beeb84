// How a log is verified: everything is computed anew from the records and compared with what is stored.
#include <fmt/core.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <system_error>
#include <thread>

#include "engine/base/digest.h"
#include "engine/ports/caught.h"
#include "store/codec.h"
#include "store/event_index.h"
#include "store/record_chain.h"
#include "store/rocksdb_log.h"
#include "store/rocksdb_store.h"

namespace headgate::store {
namespace {

using Family = RocksDbStore::Family;

constexpr Position kLongestRun = 8'192;  // records
constexpr unsigned kMostReaders = 4;

// Some records in a row, as one reader found them.
struct Run {
  RecordRun records;
  IndexSum index;
  Result<void> read;  // an Error is about the record after the last one

  Result<void> add(Position position, std::string_view record, bool indexed) {
    Envelope envelope;
    HEADGATE_TRY(const auto time, envelope_at(position, record, envelope));
    HEADGATE_TRY_VOID(records.add(envelope, time, record));
    if (indexed) index.add(envelope);
    return {};
  }
};

// Reads runs on threads of its own and gives them out in order, at most two a thread ahead.
class Runs {
 public:
  using Read = std::function<Run(Position from, Position to)>;

  Runs(Position size, Read read)
      : size_(size), length_(std::clamp<Position>(size / 16, 512, kLongestRun)), read_(std::move(read)) {
    const auto readers = std::clamp(std::thread::hardware_concurrency(), 1U, kMostReaders);
    ahead_ = 2 * readers;
    for (unsigned i = 0; i < readers; ++i) {
      try {
        threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
      } catch (const std::system_error&) {  // fewer do as well
        if (threads_.empty()) throw;
        break;
      }
    }
  }

  Run next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !runs_.empty() && runs_.front(); });
    auto run = std::move(*runs_.front());
    runs_.pop_front();
    ++given_;
    changed_.notify_all();
    return run;
  }

 private:
  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return runs_.size() < ahead_; })) {
      const auto number = given_ + runs_.size();
      const auto from = number * length_;
      if (from >= size_ || stop.stop_requested()) return;
      runs_.emplace_back();
      lock.unlock();
      auto run = read_(from, std::min(from + length_, size_));
      lock.lock();
      runs_[number - given_] = std::move(run);
      changed_.notify_all();
    }
  }

  const Position size_;
  const Position length_;  // of a run
  const Read read_;
  std::size_t ahead_ = 0;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::optional<Run>> runs_;  // in order; one that is being read is empty
  std::size_t given_ = 0;                // runs that were given out before
  std::vector<std::jthread> threads_;    // last: they end first
};

// Compares what the records give with what is stored, one run after the other.
class Verification {
 public:
  Verification(const RocksDbStore& store, Mark mark, LogChecks checks) : store_(store), mark_(mark), checks_(checks) {}

  Result<void> next(const Run& run) {
    verified_.bytes += run.records.bytes;
    index_sum_.add(run.index);
    HEADGATE_TRY_VOID(chain_.next(
        run.records, [this](TileId id, const TileHashes& hashes) { return check_tile(id, hashes); },
        [this] { return check_mark(); }));
    return run.read;
  }

  Result<RocksDbLog::Verified> end(const Hash& root, const std::string& origin, Result<std::uint64_t> stored_index,
                                   Position indexed) {
    HEADGATE_TRY_VOID(check_mark());
    const auto& tree = chain_.tree();
    if (tree.size() > 0 && chain_.origin() != origin) {
      return fail(ErrorCode::corrupt, fmt::format("the records of the log end under the origin {}, it calls itself {}",
                                                  chain_.origin(), origin));
    }
    verified_.records = tree.size();
    verified_.root = tree.root();
    if (verified_.root != root) {
      return fail(ErrorCode::corrupt, fmt::format("the {} records of the log have the root {}, it gives out {}",
                                                  tree.size(), hex(verified_.root), hex(root)));
    }
    HEADGATE_TRY(const auto stored, std::move(stored_index));
    if (stored != index_sum_.value() && checks_.has(LogCheck::index)) {
      return fail(ErrorCode::corrupt, fmt::format("the index does not say where the first {} records belong", indexed));
    }
    return verified_;
  }

 private:
  Result<void> check_mark() {
    const auto& tree = chain_.tree();
    if (tree.size() != mark_.size) return {};
    if (const auto root = tree.root(); root != mark_.root) {
      return fail(ErrorCode::corrupt, fmt::format("the first {} records have the root {}, the watermark says {}",
                                                  mark_.size, hex(root), hex(mark_.root)));
    }
    return {};
  }

  Result<void> check_tile(TileId id, const TileHashes& hashes) {
    HEADGATE_TRY(const auto stored, store_.get(Family::tree, tile_key(id)));
    ++verified_.tiles;
    if (!checks_.has(LogCheck::tiles)) return {};
    if (!stored) return fail(ErrorCode::corrupt, fmt::format("tile {}/{} is missing", id.level, id.number));
    if (*stored != bytes_of(hashes)) {
      return fail(ErrorCode::corrupt, fmt::format("tile {}/{} is not the one of its records", id.level, id.number));
    }
    return {};
  }

  const RocksDbStore& store_;
  const Mark mark_;
  const LogChecks checks_;
  RecordChain chain_;
  IndexSum index_sum_;
  RocksDbLog::Verified verified_;
};

}  // namespace

Result<void> RocksDbLog::verify_tables(const std::stop_token& stop) const {
  auto verified = store_->verify_tables(stop);
  if (!verified && verified.error().code == ErrorCode::corrupt) {
    verified.error().message += repair_advice(options_.dir);
  }
  return verified;
}

Result<RocksDbLog::Verified> RocksDbLog::verify(const std::function<void(Position, Position)>& progress,
                                                std::stop_token stop) const {
  const auto verified = caught([&]() -> Result<Verified> {
    const auto mark = this->mark();  // before the tree, as is the index: they are never ahead of it
    const auto indexed = index_->written();
    const auto now = tree();
    Verification verification(*store_, mark, options_.checks);
    Runs runs(now.size(), [&](Position from, Position to) {
      Run run;
      run.records.leaves.reserve(to - from);
      run.read = store_->scan(from, to, [&](Position position, std::string_view record) {
        return run.add(position, record, position < indexed);
      });
      return run;
    });
    auto stored_index = std::async(std::launch::async | std::launch::deferred,  // later, when there is no thread for it
                                   [&] { return index_->sum_of_blocks(indexed, stop); });
    if (progress) progress(0, now.size());
    for (Position done = 0, told = 0; done < now.size();) {
      if (stop.stop_requested()) return fail(ErrorCode::unavailable, "the verification was stopped");
      const auto run = runs.next();
      HEADGATE_TRY_VOID(verification.next(run));
      done += run.records.leaves.size();
      if (!progress || done - told < kLongestRun || done == now.size()) continue;
      progress(done, now.size());
      told = done;
    }
    if (progress) progress(now.size(), now.size());
    return verification.end(now.root(), origin_, stored_index.get(), indexed);
  });
  if (verified || verified.error().code != ErrorCode::corrupt) return verified;
  return fail(ErrorCode::corrupt, verified.error().message + repair_advice(options_.dir));
}

}  // namespace headgate::store
