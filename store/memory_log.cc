#include "store/memory_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>

#include "engine/base/digest.h"
#include "store/event_filter.h"

namespace headgate::store {

struct MemoryLog::Pending final : StagedRecords {
  Batch batch;
  std::vector<Timestamp> times;
};

MemoryLog::MemoryLog(std::string origin) : origin_(std::move(origin)) {}
MemoryLog::~MemoryLog() = default;

Result<void> MemoryLog::stage(Position expected, std::span<const Recorded<Event>> events) {
  if (expected != staged_) {
    return fail(ErrorCode::conflict, fmt::format("the log has {} records, the caller expected {}", staged_, expected));
  }
  if (events.empty()) return {};
  if (!open_) open_ = std::make_unique<Pending>();
  HEADGATE_TRY_VOID(open_->batch.add(origin_, staged_, latest_, events));
  for (const auto& event : events) open_->times.push_back(event.meta.time);
  staged_ += events.size();
  latest_ = events.back().meta.time;
  return {};
}

std::unique_ptr<StagedRecords> MemoryLog::seal() {
  if (!open_ || open_->batch.size() == 0) return nullptr;
  return std::move(open_);
}

Result<Appended> MemoryLog::commit(std::unique_ptr<StagedRecords> staged) {
  const auto& pending = static_cast<Pending&>(*staged);
  const std::unique_lock lock(mutex_);
  for (std::size_t i = 0; i < pending.batch.size(); ++i) {
    entries_.push_back({std::string(pending.batch.record(i)), pending.times[i]});
    tree_.append(pending.batch.leaves()[i],
                 [&](TileId id, const TileHashes& hashes) { tiles_.full.emplace(id, hashes); });
  }
  return Appended{entries_.size(), pending.batch.leaves()};
}

Position MemoryLog::size() const {
  const std::shared_lock lock(mutex_);
  return entries_.size();
}

Result<std::vector<StoredRecord>> MemoryLog::read(Position from, std::size_t limit) const {
  const std::shared_lock lock(mutex_);
  std::vector<StoredRecord> records;
  if (from >= entries_.size()) return records;
  const auto end = from + std::min<Position>(limit, entries_.size() - from);
  records.reserve(end - from);
  for (; from < end; ++from) records.push_back({from, entries_[from].bytes});
  return records;
}

Result<void> MemoryLog::fold(Position from, Position to,
                             const std::function<void(const Recorded<Event>&)>& visit) const {
  if (const auto available = size(); to > available) return fail_past_the_end(to, available);
  Recorded<Event> record;
  for (; from < to; ++from) {
    const Entry* entry = nullptr;
    {
      const std::shared_lock lock(mutex_);
      entry = &entries_[from];
    }
    HEADGATE_TRY_VOID(decode_at(from, entry->bytes, record));
    visit(record);
  }
  return {};
}

Result<EventPage> MemoryLog::query(const EventQuery& query) const {
  const std::shared_lock lock(mutex_);
  EventPage page;
  Position begin = query.filter.from ? position_at_locked(*query.filter.from) : 0;
  Position end = query.filter.to ? position_at_locked(*query.filter.to) : entries_.size();
  if (query.after) {
    if (query.descending) {
      end = std::min(end, *query.after);
    } else {
      begin = std::max(begin, *query.after == UINT64_MAX ? UINT64_MAX : *query.after + 1);
    }
  }
  const auto limit = std::min(query.limit, kMaxPageRecords);
  Recorded<Event> record;
  while (begin < end) {
    const auto position = query.descending ? --end : begin++;
    HEADGATE_TRY_VOID(decode_at(position, entries_[position].bytes, record));
    if (!matches(query.filter, record)) continue;
    if (page.records.size() == limit) {
      page.more = true;
      break;
    }
    page.records.push_back({position, entries_[position].bytes});
  }
  return page;
}

Result<Position> MemoryLog::position_at(Timestamp time) const {
  const std::shared_lock lock(mutex_);
  return position_at_locked(time);
}

Position MemoryLog::position_at_locked(Timestamp time) const {
  const auto found = std::ranges::lower_bound(entries_, time, {}, &Entry::time);
  return static_cast<Position>(found - entries_.begin());
}

Result<void> MemoryLog::Tiles::read_tile(TileId id, TileHashes& out) const {
  const auto found = full.find(id);
  HEADGATE_CHECK(found != full.end());
  out = found->second;
  return {};
}

Result<Hash> MemoryLog::leaf_hash(Position position) const {
  const std::shared_lock lock(mutex_);
  if (position >= entries_.size()) return fail_past_the_end(position + 1, entries_.size());
  return store::leaf_hash(entries_[position].bytes);
}

Result<Hash> MemoryLog::root(Position size) const {
  const std::shared_lock lock(mutex_);
  if (size > entries_.size()) return fail_past_the_end(size, entries_.size());
  return tree_.root_at(size, tiles_);
}

}  // namespace headgate::store
