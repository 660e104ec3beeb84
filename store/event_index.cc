#include "store/event_index.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>

#include "engine/base/glob.h"
#include "store/attributes.h"
#include "store/event_filter.h"
#include "store/shapes.h"

namespace headgate::store {
namespace {

constexpr std::size_t kTypes = std::variant_size_v<AnyEvent>;
// The follower is woken by so many waiting events; the appending thread sorts in by itself beyond kMaxWaitingBytes.
constexpr std::size_t kWakeEvents = 1024;
constexpr std::size_t kMaxWaitingBytes = 4 << 20;

const std::array<std::string_view, kTypes>& type_names() {
  static const auto names = [] {
    std::array<std::string_view, kTypes> all;
    std::size_t at = 0;
    for_each_event_type([&]<class E>() { all[at++] = E::type.name; });
    return all;
  }();
  return names;
}

void append_length(std::string& out, std::size_t length) {
  out.push_back(static_cast<char>(length >> 8));
  out.push_back(static_cast<char>(length & 0xff));
}

std::string_view take_text(std::string_view& bytes) {
  const auto length = static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[0])) << 8 |
                      static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[1]));
  const auto text = bytes.substr(2, length);
  bytes.remove_prefix(2 + length);
  return text;
}

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace

std::uint64_t IndexSum::hash(std::uint8_t field, std::string_view value) {
  return std::hash<std::string_view>{}(value)*31 + field;
}

void IndexSum::add(std::uint64_t field_and_value, Position position) {
  // The finalizer of MurmurHash3: every bit of the input moves every bit of the sum.
  auto mixed = field_and_value ^ position * 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 33) * 0xff51afd7ed558ccd;
  mixed = (mixed ^ mixed >> 33) * 0xc4ceb9fe1a85ec53;
  sum_ += mixed ^ mixed >> 33;
}

void IndexSum::add(const Envelope& record) {
  using Field = EventIndex::Field;
  const auto add_value = [&](Field field, std::string_view value) {
    if (value.empty()) return;
    auto& last = last_[static_cast<std::size_t>(field)];
    if (last.value != value) {
      last.value = value;
      last.hash = hash(static_cast<std::uint8_t>(field), value);
    }
    add(last.hash, record.position);
  };
  constexpr std::string_view prefix = "dev.headgate.";
  const auto type = record.type.substr(std::min(prefix.size(), record.type.size()));
  add_value(Field::type, type.substr(0, type.rfind(".v")));
  add_value(Field::actor, record.actor);
  add_value(Field::service, record.service);
  add_value(Field::environment, record.environment);
  if (!record.environment.empty()) {
    const auto& last = last_[static_cast<std::size_t>(Field::target)];
    const std::string_view known = last.value;
    const auto length = record.service.size();
    if (known.size() == length + 1 + record.environment.size() && known.starts_with(record.service) &&
        known[length] == '/' && known.ends_with(record.environment)) {
      add(last.hash, record.position);
    } else {
      add_value(Field::target, std::string(record.service).append("/").append(record.environment));
    }
  }
  add_value(Field::correlation, record.correlation);
}

// Lists in memory: positions of the events [first, first + count) by field and value.
class EventIndex::Lists {
 public:
  explicit Lists(Position first) : first_(first) {}

  Position first() const { return first_; }
  Position end() const { return first_ + count_; }
  std::size_t count() const { return count_; }

  void add(std::uint8_t type, std::string_view actor, std::string_view service, std::string_view environment,
           std::string_view correlation) {
    const auto offset = static_cast<std::uint32_t>(count_++);
    types_[type].push_back(offset);
    add(Field::actor, actor, offset);
    add(Field::service, service, offset);
    add(Field::environment, environment, offset);
    if (!environment.empty()) {
      target_.assign(service);
      target_ += '/';
      target_ += environment;
      add(Field::target, target_, offset);
    }
    add(Field::correlation, correlation, offset);
  }

  // Those of [begin, end).
  void copy(Field field, std::string_view value, Position begin, Position end, std::vector<Position>& out) const {
    const auto* list = find(field, value);
    if (list == nullptr || end <= first_) return;
    const auto low = begin <= first_ ? 0 : begin - first_;
    for (auto at = std::ranges::lower_bound(*list, low); at != list->end() && first_ + *at < end; ++at) {
      out.push_back(first_ + *at);
    }
  }

  // use(field, value, offsets) for each list.
  template <class Use>
  void each(Use&& use) const {
    for (std::size_t type = 0; type < kTypes; ++type) {
      if (!types_[type].empty()) use(Field::type, type_names()[type], types_[type]);
    }
    for (const auto& [key, list] : values_) use(static_cast<Field>(key[0]), std::string_view(key).substr(1), list);
  }

 private:
  using List = std::vector<std::uint32_t>;  // offsets from first_

  void add(Field field, std::string_view value, std::uint32_t offset) {
    if (value.empty()) return;
    // Neighbours mostly share their values: the last list of each field is remembered.
    auto& last = last_[static_cast<std::size_t>(field)];
    if (last == nullptr || std::string_view(last->first).substr(1) != value) {
      key_.assign(1, static_cast<char>(field));
      key_ += value;
      last = &*values_.try_emplace(key_).first;
    }
    last->second.push_back(offset);
  }

  const List* find(Field field, std::string_view value) const {
    if (field == Field::type) {
      const auto at = std::ranges::find(type_names(), value);
      return at == type_names().end() ? nullptr : &types_[static_cast<std::size_t>(at - type_names().begin())];
    }
    std::string key(1, static_cast<char>(field));
    key += value;
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }

  Position first_;
  std::size_t count_ = 0;
  std::array<List, kTypes> types_;
  std::unordered_map<std::string, List, TextHash, std::equal_to<>> values_;  // by field ‖ value
  std::array<std::pair<const std::string, List>*, 8> last_{};
  std::string key_;
  std::string target_;
};

EventIndex::EventIndex(RocksDbStore& store, Position written, Options options)
    : store_(store), options_(options), live_(std::make_shared<Lists>(written)), written_(written) {
  if (!options_.read_only) follower_ = std::thread([this] { follow(); });
}

EventIndex::~EventIndex() {
  {
    const std::scoped_lock lock(tail_mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (follower_.joinable()) follower_.join();
}

void EventIndex::Packed::add(const Recorded<Event>& event) {
  const auto append = [&](std::string_view text) {
    // A record has at most 65,535 bytes, and so has each of its texts.
    HEADGATE_CHECK(text.size() <= 0xffff);
    append_length(bytes, text.size());
    bytes += text;
  };
  bytes.push_back(static_cast<char>(event.event.index()));
  append(event.meta.actor);
  std::visit(
      [&](const auto& e) {
        const AttributesView attributes(e);
        append(attributes.service());
        append(attributes.environment());
        const auto begin = bytes.size();
        append_length(bytes, 0);
        attributes.correlation([&](std::string_view part) { bytes += part; });
        const auto length = bytes.size() - begin - 2;
        HEADGATE_CHECK(length <= 0xffff);
        bytes[begin] = static_cast<char>(length >> 8);
        bytes[begin + 1] = static_cast<char>(length & 0xff);
      },
      event.event);
  ++count;
}

void EventIndex::feed(const Packed& events) {
  bool wake = false;
  bool full = false;
  {
    const std::scoped_lock lock(tail_mutex_);
    const auto before = tail_.count;
    tail_.bytes += events.bytes;
    tail_.count += events.count;
    wake = before < kWakeEvents && tail_.count >= kWakeEvents;
    full = tail_.bytes.size() > kMaxWaitingBytes;
  }
  if (wake) wake_.notify_one();
  if (full) {
    const std::scoped_lock lock(lists_mutex_);
    sort_in();
  }
}

void EventIndex::sort_in() const {
  {
    const std::scoped_lock lock(tail_mutex_);
    std::swap(sorting_, tail_);
  }
  for (std::string_view rest = sorting_.bytes; !rest.empty();) {
    const auto type = static_cast<std::uint8_t>(rest.front());
    rest.remove_prefix(1);
    const auto actor = take_text(rest);
    const auto service = take_text(rest);
    const auto environment = take_text(rest);
    const auto correlation = take_text(rest);
    live_->add(type, actor, service, environment, correlation);
  }
  sorting_.bytes.clear();
  sorting_.count = 0;
}

void EventIndex::follow() {
  for (;;) {
    {
      std::unique_lock lock(tail_mutex_);
      wake_.wait(lock, [&] { return stopping_ || tail_.count >= kWakeEvents; });
      if (stopping_) return;
    }
    bool enough = false;
    {
      const std::scoped_lock lock(lists_mutex_);
      sort_in();
      enough = live_->count() >= options_.flush_events;
    }
    // A database that refuses this refuses the next append too, and that is where it is told. The lists stay in memory,
    // so that answers stay whole.
    if (enough && !flush()) return;
  }
}

Result<void> EventIndex::flush() {
  if (options_.read_only) return {};
  const std::scoped_lock flushing(flush_mutex_);
  {
    const std::scoped_lock lock(lists_mutex_);
    if (!leaving_) {
      sort_in();
      if (live_->count() == 0) return {};
      leaving_ = live_;
      live_ = std::make_shared<Lists>(leaving_->end());
    }
  }
  HEADGATE_TRY_VOID(write_lists(*leaving_));
  const std::scoped_lock lock(lists_mutex_);
  written_ = leaving_->end();
  leaving_.reset();
  return {};
}

Result<void> EventIndex::write_lists(const Lists& lists) {
  rocksdb::WriteBatch batch;
  std::string key;
  std::string block;
  std::vector<Position> positions;
  lists.each([&](Field field, std::string_view value, const std::vector<std::uint32_t>& offsets) {
    positions.clear();
    for (const auto offset : offsets) positions.push_back(lists.first() + offset);
    for (std::size_t begin = 0; begin < positions.size(); begin += kMaxBlockPositions) {
      key.assign(1, static_cast<char>(field));
      append_length(key, value.size());
      key += value;
      append_big_endian(key, positions[begin]);
      block.clear();
      append_block(block, positions, begin, std::min(begin + kMaxBlockPositions, positions.size()));
      batch.Put(store_.family(RocksDbStore::Family::index), key, block);
    }
  });
  batch.Put(store_.family(RocksDbStore::Family::meta), "index", std::to_string(lists.end()));
  // All of it or nothing; not synced, since it can be computed again from the log.
  if (const auto status = store_.db().Write({}, &batch); !status.ok()) return fail_status("write the index", status);
  return {};
}

Position EventIndex::written() const {
  const std::scoped_lock lock(lists_mutex_);
  return written_;
}

Result<std::uint64_t> EventIndex::sum_of_blocks(Position written, const std::stop_token& stop) const {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> blocks(
      store_.db().NewIterator(options, store_.family(RocksDbStore::Family::index)));
  IndexSum sum;
  std::vector<Position> positions;
  for (blocks->SeekToFirst(); blocks->Valid(); blocks->Next()) {
    if (stop.stop_requested()) return fail(ErrorCode::unavailable, "the verification was stopped");
    const auto key = blocks->key().ToStringView();
    const auto length = key.size() < 11 ? 0
                                        : static_cast<std::size_t>(static_cast<std::uint8_t>(key[1])) << 8 |
                                              static_cast<std::size_t>(static_cast<std::uint8_t>(key[2]));
    if (key.size() != length + 11) return fail(ErrorCode::corrupt, "a block of the index has a damaged key");
    const auto first = big_endian(key.substr(3 + length));
    if (first >= written) continue;
    if (!read_block(blocks->value().ToStringView(), first, positions)) {
      return fail(ErrorCode::corrupt, "a block of the index is damaged");
    }
    const auto list = IndexSum::hash(static_cast<std::uint8_t>(key[0]), key.substr(3, length));
    for (const auto position : positions) sum.add(list, position);
  }
  if (!blocks->status().ok()) return fail_status("read the index", blocks->status());
  return sum.value();
}

std::vector<Position> EventIndex::recent(Field field, std::string_view value, Position begin, Position end) const {
  std::vector<Position> positions;
  if (leaving_) leaving_->copy(field, value, begin, end, positions);
  live_->copy(field, value, begin, end, positions);
  return positions;
}

PostingList EventIndex::list_of(Field field, std::string_view value, Position begin, Position end,
                                Position persisted) const {
  std::string prefix(1, static_cast<char>(field));
  append_length(prefix, value.size());
  prefix += value;
  std::unique_ptr<rocksdb::Iterator> blocks(store_.db().NewIterator({}, store_.family(RocksDbStore::Family::index)));
  return {std::move(blocks), std::move(prefix), persisted, recent(field, value, begin, end)};
}

Result<std::vector<Position>> EventIndex::find(const EventFilter& filter, Position begin, Position end, bool descending,
                                               std::size_t limit) const {
  std::vector<AnyOf> lists;  // the positions asked for are in each of them; mostly the shortest first
  const auto add = [&](Field field, std::span<const std::string_view> values, Position persisted) {
    std::vector<PostingList> any;
    for (const auto value : values) any.push_back(list_of(field, value, begin, end, persisted));
    lists.emplace_back(std::move(any));
  };
  const auto add_one = [&](Field field, std::string_view value, Position persisted) {
    if (value.size() <= 0xffff) {
      add(field, std::span(&value, 1), persisted);
    } else {
      add(field, {}, persisted);  // no event has such a value
    }
  };
  {
    const std::scoped_lock lock(lists_mutex_);
    sort_in();
    if (!filter.correlation.empty()) add_one(Field::correlation, filter.correlation, written_);
    if (!filter.service.empty() && !filter.environment.empty()) {
      add_one(Field::target, filter.service + "/" + filter.environment, written_);
    } else if (!filter.service.empty()) {
      add_one(Field::service, filter.service, written_);
    } else if (!filter.environment.empty()) {
      add_one(Field::environment, filter.environment, written_);
    }
    if (!filter.actor.empty()) add_one(Field::actor, filter.actor, written_);
    if (filter.type.find_first_not_of('*') != std::string::npos) {
      std::vector<std::string_view> types;
      std::ranges::copy_if(type_names(), std::back_inserter(types),
                           [&](auto name) { return matches_glob(filter.type, name); });
      add(Field::type, types, written_);
    }
  }

  std::vector<Position> found;
  if (begin >= end) return found;
  Position candidate = descending ? end - 1 : begin;
  while (found.size() < limit) {
    bool agreed = true;
    for (auto& list : lists) {
      const auto next = descending ? list.at_or_before(candidate) : list.at_or_after(candidate);
      if (const auto failure = list.failure()) return std::unexpected(*failure);
      if (next == kNoPosition) return found;
      agreed = agreed && next == candidate;
      candidate = next;
    }
    if (candidate < begin || candidate >= end) return found;
    if (!agreed) continue;
    found.push_back(candidate);
    if (descending ? candidate == begin : candidate + 1 == end) return found;
    candidate += descending ? Position{0} - 1 : 1;
  }
  return found;
}

}  // namespace headgate::store
