#include "store/rocksdb_log.h"

#include <fmt/core.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <system_error>
#include <utility>

#include "engine/base/digest.h"
#include "store/event_filter.h"
#include "store/event_index.h"
#include "store/files.h"
#include "store/read_ahead.h"
#include "store/rocksdb_store.h"

namespace headgate::store {
namespace {

using Family = RocksDbStore::Family;

constexpr std::size_t kProtectionBytes = 8;
constexpr std::size_t kReservedBytes = 4'096;  // a handful of records: most batches of a quiet log
constexpr std::chrono::seconds kCheckpointInterval{1};
constexpr Position kMilestoneRecords = 256;    // a power of two
constexpr Position kReadAheadRecords = 4'096;  // from so many on a second thread is worth its start

// Its time stays in memory.
bool is_milestone(Position position) {
  return position % kMilestoneRecords == kMilestoneRecords - 1;
}

rocksdb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

struct RocksDbLog::Pending final : StagedRecords {
  explicit Pending(Position first) : before(first), write(kReservedBytes, 0, kProtectionBytes, 0) {}

  Position before;  // of the first record
  Batch records;
  rocksdb::WriteBatch write;
  EventIndex::Packed index;
  std::vector<std::pair<Position, Timestamp>> milestones;
  MerkleTree tree;  // with them
  Hash root{};      // of it
};

RocksDbLog::RocksDbLog(Options options) : options_(std::move(options)) {}

RocksDbLog::~RocksDbLog() {
  static_cast<void>(close());
}

Result<void> RocksDbLog::close() {
  if (!store_) return {};
  Result<void> result;
  if (index_ && !failure() && !options_.read_only) result = index_->flush();
  index_.reset();
  if (watermark_) {
    if (auto marked = watermark_->wait_until(size()); !marked && result) result = std::move(marked);
    if (result && options_.key) {
      HEADGATE_TRY(const auto note, sign_checkpoint_now());
      result = write_file_durably(options_.dir / "checkpoint", note, 0644);
    }
  }
  watermark_.reset();
  store_.reset();
  return result;
}

std::unexpected<Error> RocksDbLog::fail_for_good(Error error) {
  error.message += "; whether the last records were kept is unknown until the log is opened again";
  const std::scoped_lock lock(failure_mutex_);
  failure_ = error;
  return std::unexpected(std::move(error));
}

std::optional<Error> RocksDbLog::failure() const {
  const std::scoped_lock lock(failure_mutex_);
  return failure_;
}

Result<void> RocksDbLog::stage(Position expected, std::span<const Recorded<Event>> events) {
  if (auto error = failure()) return std::unexpected(std::move(*error));
  if (options_.read_only) return fail(ErrorCode::conflict, "the log is open for reading only");
  const auto next = next_tree_.size();
  if (expected != next) {
    return fail(ErrorCode::conflict, fmt::format("the log has {} records, the caller expected {}", next, expected));
  }
  if (events.empty()) return {};
  if (!open_) open_ = std::make_unique<Pending>(next);
  auto& batch = *open_;
  const auto first = batch.records.size();
  HEADGATE_TRY_VOID(batch.records.add(origin_, next, latest_, events));
  std::string key;
  for (std::size_t i = first; i < batch.records.size(); ++i) {
    key.clear();
    append_big_endian(key, batch.before + i);
    batch.write.Put(store_->family(Family::events), key, slice(batch.records.record(i)));
    next_tree_.append(batch.records.leaves()[i], [&](TileId id, const TileHashes& hashes) {
      batch.write.Put(store_->family(Family::tree), tile_key(id), slice(bytes_of(hashes)));
    });
  }
  for (const auto& event : events) {
    batch.index.add(event);
    if (is_milestone(event.meta.position)) batch.milestones.emplace_back(event.meta.position, event.meta.time);
  }
  latest_ = events.back().meta.time;
  return {};
}

std::unique_ptr<StagedRecords> RocksDbLog::seal() {
  if (!open_ || open_->records.size() == 0) return nullptr;
  open_->tree = next_tree_;
  open_->root = next_tree_.root();
  return std::move(open_);
}

Result<Appended> RocksDbLog::commit(std::unique_ptr<StagedRecords> staged) {
  if (auto error = failure()) return std::unexpected(std::move(*error));
  auto& batch = static_cast<Pending&>(*staged);
  const auto before = size();
  HEADGATE_CHECK(batch.before == before);
  rocksdb::WriteOptions options;
  options.sync = true;
  options.protection_bytes_per_key = kProtectionBytes;
  if (const auto status = store_->db().Write(options, &batch.write); !status.ok()) {
    auto error = fail_status("write to the log", status).error();
    if (error.code != ErrorCode::corrupt) error.code = ErrorCode::io;
    return fail_for_good(std::move(error));
  }

  const auto after = before + batch.records.size();
  index_->feed(batch.index);
  for (const auto& [position, time] : batch.milestones) remember(position, time);
  {
    const std::scoped_lock lock(tree_mutex_);
    tree_ = std::move(batch.tree);
    size_.store(after, std::memory_order_release);
  }
  watermark_->follow(after, batch.root);
  if (auto marked = watermark_->wait_until(options_.durability == Durability::strict ? after : before); !marked) {
    return fail_for_good(std::move(marked).error());
  }
  return Appended{after, batch.records.leaves()};
}

Result<std::vector<StoredRecord>> RocksDbLog::read(Position from, std::size_t limit) const {
  std::vector<StoredRecord> found;
  const auto available = size();
  if (from >= available) return found;
  const auto to = from + std::min<Position>(limit, available - from);
  found.reserve(to - from);
  HEADGATE_TRY_VOID(store_->scan(from, to, [&](Position position, std::string_view bytes) -> Result<void> {
    found.push_back({position, std::string(bytes)});
    return {};
  }));
  return found;
}

Result<void> RocksDbLog::fold(Position from, Position to,
                              const std::function<void(const Recorded<Event>&)>& visit) const {
  if (const auto available = size(); to > available) return fail_past_the_end(to, available);
  Recorded<Event> record;
  const auto decode_and_visit = [&](Position position, std::string_view bytes) -> Result<void> {
    HEADGATE_TRY_VOID(decode_at(position, bytes, record));
    visit(record);
    return {};
  };
  if (to - std::min(from, to) < kReadAheadRecords) return store_->scan(from, to, decode_and_visit);
  std::optional<ReadAhead> ahead;
  try {
    ahead.emplace([&](const ReadAhead::Visit& take) { return store_->scan(from, to, take); });
  } catch (const std::system_error&) {  // there is no thread for it: the same without one, only slower
  }
  return ahead ? ahead->each(decode_and_visit) : store_->scan(from, to, decode_and_visit);
}

// Records that lie far from each other, in one go.
Result<std::vector<StoredRecord>> RocksDbLog::read_all(const std::vector<Position>& positions) const {
  std::vector<std::string> keys;
  std::vector<rocksdb::Slice> slices;
  for (const auto position : positions) keys.push_back(event_key(position));
  for (const auto& key : keys) slices.push_back(slice(key));
  std::vector<rocksdb::PinnableSlice> values(positions.size());
  std::vector<rocksdb::Status> statuses(positions.size());
  store_->db().MultiGet(rocksdb::ReadOptions(), store_->family(Family::events), positions.size(), slices.data(),
                        values.data(), statuses.data());
  std::vector<StoredRecord> records;
  records.reserve(positions.size());
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (statuses[i].IsNotFound())
      return fail(ErrorCode::corrupt, fmt::format("record {} of the log is missing", positions[i]));
    if (!statuses[i].ok()) return fail_status(fmt::format("read record {} of the log", positions[i]), statuses[i]);
    records.push_back({positions[i], values[i].ToString()});
  }
  return records;
}

Result<std::string> RocksDbLog::read_one(Position position) const {
  HEADGATE_TRY(auto bytes, store_->get(Family::events, event_key(position)));
  if (!bytes) return fail(ErrorCode::corrupt, fmt::format("record {} of the log is missing", position));
  return std::move(*bytes);
}

void RocksDbLog::remember(Position position, Timestamp time) const {
  const auto milestone = position / kMilestoneRecords;
  const std::scoped_lock lock(milestones_mutex_);
  if (milestone >= milestones_.size()) milestones_.resize(milestone + 1, Timestamp::min());
  milestones_[milestone] = time;
}

Result<Timestamp> RocksDbLog::time_at(Position position) const {
  if (is_milestone(position)) {
    const auto milestone = position / kMilestoneRecords;
    const std::scoped_lock lock(milestones_mutex_);
    if (milestone < milestones_.size() && milestones_[milestone] != Timestamp::min()) return milestones_[milestone];
  }
  HEADGATE_TRY(const auto record, read_one(position));
  HEADGATE_TRY(const auto time, time_of(record));
  if (is_milestone(position)) remember(position, time);
  return time;
}

// The first position of that time or later.
Result<Position> RocksDbLog::position_at(Timestamp time) const {
  const auto end = size();
  // Down to a milestone steps halve, so that the first ones always meet the same milestones.
  Position before = 0;  // so many records are earlier
  for (auto step = std::bit_ceil(end + 1); step >= kMilestoneRecords; step /= 2) {
    if (before + step > end) continue;
    HEADGATE_TRY(const auto at, time_at(before + step - 1));
    if (at < time) before += step;
  }
  if (before == end) return end;
  // Between two of them time mostly runs evenly: a guess by proportion lands beside the place, and asks for few blocks.
  // Every other step halves, which bounds their number.
  Position low = before == 0 ? 0 : before - 1;  // is earlier
  Position high = std::min(before + kMilestoneRecords, end) - 1;
  HEADGATE_TRY(auto low_time, time_at(low));
  if (low_time >= time) return low;
  HEADGATE_TRY(auto high_time, time_at(high));
  if (high_time < time) return high + 1;
  for (bool halve = false; high - low > 1; halve = !halve) {
    const auto distance = high - low;
    const auto share = distance * static_cast<std::uint64_t>((time - low_time).count()) /
                       static_cast<std::uint64_t>((high_time - low_time).count());
    const auto middle = low + (halve ? distance / 2 : std::clamp<Position>(share, 1, distance - 1));
    HEADGATE_TRY(const auto at, time_at(middle));
    (at < time ? low : high) = middle;
    (at < time ? low_time : high_time) = at;
  }
  return high;
}

Result<EventPage> RocksDbLog::query(const EventQuery& query) const {
  Position begin = 0;
  Position end = size();
  if (query.filter.from) {
    HEADGATE_TRY(begin, position_at(*query.filter.from));
  }
  if (query.filter.to) {
    HEADGATE_TRY(const auto to, position_at(*query.filter.to));
    end = std::min(end, to);
  }
  if (query.after && query.descending) end = std::min(end, *query.after);
  if (query.after && !query.descending)
    begin = std::max(begin, *query.after == UINT64_MAX ? UINT64_MAX : *query.after + 1);
  const auto limit = std::min(query.limit, kMaxPageRecords);
  auto found = index_->find(query.filter, begin, end, query.descending, limit + 1);
  if (!found && found.error().code == ErrorCode::corrupt) found.error().message += repair_advice(options_.dir);
  if (!found) return std::unexpected(std::move(found).error());
  auto& positions = *found;
  EventPage page;
  page.more = positions.size() > limit;
  if (page.more) positions.pop_back();
  HEADGATE_TRY(page.records, read_all(positions));
  return page;
}

MerkleTree RocksDbLog::tree() const {
  const std::scoped_lock lock(tree_mutex_);
  return tree_;
}

Mark RocksDbLog::mark() const {
  return watermark_ ? watermark_->durable() : mark_at_open_;
}

bool RocksDbLog::wait_for_mark(std::uint64_t size, Duration time, std::stop_token stop) const {
  return watermark_ ? watermark_->wait_for(size, time, std::move(stop)) : mark_at_open_.size >= size;
}

Result<void> RocksDbLog::read_tile(TileId id, TileHashes& out) const {
  return store_->read_tile(id, out);
}

Result<std::vector<Hash>> RocksDbLog::tile(TileId id, std::size_t width) const {
  if (width == 0 || width > kTileWidth || id.level >= kTileLevels) {
    return fail(ErrorCode::invalid_input, "a tile is of level 0 to 7 and has 1 to 256 hashes");
  }
  const auto now = tree();
  const auto hashes = now.size() >> (kTileHeight * id.level);  // of that level
  const auto number = hashes / kTileWidth;                     // of the unfinished tile
  if (id.number > number || (id.number == number && width > hashes % kTileWidth)) {
    return fail(ErrorCode::not_found,
                fmt::format("tile {}/{} does not have {} hashes yet", id.level, id.number, width));
  }
  if (id.number == number) {
    const auto unfinished = now.unfinished_tile(id.level);
    return std::vector<Hash>(unfinished.begin(), unfinished.begin() + static_cast<std::ptrdiff_t>(width));
  }
  TileHashes full;
  HEADGATE_TRY_VOID(read_tile(id, full));
  return std::vector<Hash>(full.begin(), full.begin() + static_cast<std::ptrdiff_t>(width));
}

Result<Hash> RocksDbLog::leaf_hash(Position position) const {
  if (const auto available = size(); position >= available) return fail_past_the_end(position + 1, available);
  HEADGATE_TRY(const auto hashes, tile({0, position / kTileWidth}, position % kTileWidth + 1));
  return hashes.back();
}

Result<Hash> RocksDbLog::root(Position size) const {
  const auto now = tree();
  if (size > now.size()) return fail_past_the_end(size, now.size());
  return now.root_at(size, *this);
}

Result<std::vector<Hash>> RocksDbLog::inclusion_proof(Position index, std::uint64_t size) const {
  return tree().inclusion_proof(index, size, *this);
}

Result<std::vector<Hash>> RocksDbLog::consistency_proof(std::uint64_t from, std::uint64_t size) const {
  return tree().consistency_proof(from, size, *this);
}

Result<std::string> RocksDbLog::checkpoint() const {
  const std::scoped_lock lock(checkpoint_mutex_);
  const bool fresh = options_.steady() - signed_at_ < kCheckpointInterval;
  if (!checkpoint_.empty() && fresh) return checkpoint_;
  return sign_newest();
}

Result<std::string> RocksDbLog::sign_checkpoint_now() const {
  const std::scoped_lock lock(checkpoint_mutex_);
  return sign_newest();
}

// checkpoint_mutex_ is held.
Result<std::string> RocksDbLog::sign_newest() const {
  if (!options_.key) return fail(ErrorCode::unavailable, "the log was opened without a key: it signs no checkpoints");
  const auto reached = mark();
  if (checkpoint_.empty() || checkpoint_size_ != reached.size) {
    checkpoint_ = sign_checkpoint({origin_, reached.size, reached.root}, *options_.key);
    checkpoint_size_ = reached.size;
    signed_at_ = options_.steady();
  }
  return checkpoint_;
}

std::optional<std::chrono::steady_clock::time_point> RocksDbLog::signed_at() const {
  const std::scoped_lock lock(checkpoint_mutex_);
  if (checkpoint_.empty()) return std::nullopt;
  return signed_at_;
}

}  // namespace headgate::store
