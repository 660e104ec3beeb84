// Where to find events by type, actor, service, environment, target and correlation: a projection of the log, computed
// from it alone. The appending thread hands over each batch (a copy of a few texts); a follower sorts it into lists in
// memory and writes the lists to disk now and then, together with the position up to which they go. Whoever asks first
// sorts in what is still waiting, so that an answer covers all that was handed over. Blocks on disk:
//
//   key    field u8 | length of value u16 big-endian | value | first position u64 big-endian
//   value  the distances from each position to the next, LEB128; at most kMaxBlockPositions positions
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "engine/ports/event_log.h"
#include "store/envelope.h"
#include "store/posting_list.h"
#include "store/rocksdb_store.h"

namespace headgate::store {

// The sum over the index's entries of a hash of each. Equal sums are equal entries, but for a chance of 2^-64.
class IndexSum {
 public:
  void add(const Envelope& record);  // all entries of one record; mostly quick where its neighbour has the same values
  void add(std::uint64_t field_and_value, Position position);
  static std::uint64_t hash(std::uint8_t field, std::string_view value);
  void add(const IndexSum& other) { sum_ += other.sum_; }
  std::uint64_t value() const { return sum_; }

 private:
  struct Known {
    std::string value;  // empty: none
    std::uint64_t hash = 0;
  };
  std::uint64_t sum_ = 0;
  std::array<Known, 7> last_;  // by field
};

class EventIndex {
 public:
  struct Options {
    bool read_only = false;             // everything newer than what is on disk stays in memory
    std::size_t flush_events = 32'768;  // written to disk by so many
  };

  // `written` is the position up to which the blocks on disk go; the next event fed must be that one.
  EventIndex(RocksDbStore& store, Position written, Options options);
  ~EventIndex();  // does not write what is in memory: `flush` does
  EventIndex(const EventIndex&) = delete;
  EventIndex& operator=(const EventIndex&) = delete;

  // Events as they are handed over: type u8, then actor, service, environment and correlation, each with its length.
  struct Packed {
    std::string bytes;
    std::size_t count = 0;
    void add(const Recorded<Event>& event);
  };

  // By one thread, in order.
  void feed(const Packed& events);

  // Everything below is thread-safe.

  // At most `limit` positions in [begin, end) that meet all of the filter but its times; ascending, or descending.
  Result<std::vector<Position>> find(const EventFilter& filter, Position begin, Position end, bool descending,
                                     std::size_t limit) const;
  // Writes everything that was fed so far.
  Result<void> flush();
  Position written() const;
  // Of the blocks on disk, as far as they go below `written`. Reads them all.
  Result<std::uint64_t> sum_of_blocks(Position written, const std::stop_token& stop) const;

 private:
  friend class IndexSum;
  enum class Field : std::uint8_t { type = 1, actor, service, environment, target, correlation };
  class Lists;

  void sort_in() const;  // under lists_mutex_
  void follow();
  Result<void> write_lists(const Lists& lists);
  std::vector<Position> recent(Field field, std::string_view value, Position begin, Position end) const;
  PostingList list_of(Field field, std::string_view value, Position begin, Position end, Position persisted) const;

  RocksDbStore& store_;
  const Options options_;

  mutable std::mutex tail_mutex_;  // innermost
  std::condition_variable wake_;
  mutable Packed tail_;
  bool stopping_ = false;

  std::mutex flush_mutex_;  // outermost: one flush at a time
  mutable std::mutex lists_mutex_;
  mutable Packed sorting_;
  mutable std::shared_ptr<Lists> live_;
  std::shared_ptr<const Lists> leaving_;  // being written
  Position written_;
  std::thread follower_;
};

}  // namespace headgate::store
