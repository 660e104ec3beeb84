// Any bytes as the blocks of one list of the index: each a gap to the block before it, a length, and so many bytes.
// Whole ones answer as the plain sequence of their positions would.
#include <rocksdb/iterator.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/posting_list.h"
#include "store/rocksdb_store.h"

namespace {

using namespace headgate;
using namespace headgate::store;

using Blocks = std::map<std::string, std::string>;

class BlockIterator final : public rocksdb::Iterator {
 public:
  explicit BlockIterator(const Blocks& blocks) : blocks_(blocks) {}
  bool Valid() const override { return at_ != blocks_.end(); }
  void SeekToFirst() override { at_ = blocks_.begin(); }
  void SeekToLast() override { step_back(blocks_.end()); }
  void Seek(const rocksdb::Slice& key) override { at_ = blocks_.lower_bound(key.ToString()); }
  void SeekForPrev(const rocksdb::Slice& key) override { step_back(blocks_.upper_bound(key.ToString())); }
  void Next() override { ++at_; }
  void Prev() override { step_back(at_); }
  rocksdb::Slice key() const override { return at_->first; }
  rocksdb::Slice value() const override { return at_->second; }
  rocksdb::Status status() const override { return {}; }

 private:
  void step_back(Blocks::const_iterator from) { at_ = from == blocks_.begin() ? blocks_.end() : std::prev(from); }

  const Blocks& blocks_;
  Blocks::const_iterator at_ = blocks_.end();
};

constexpr Position highest = Position{1} << 48;  // what no log reaches
constexpr std::size_t asked = 64;                // of the positions of a list

std::string key_of(std::string_view list, Position first) {
  std::string key(list);
  append_big_endian(key, first);
  return key;
}

// What is read is written as a block that reads the same.
void check_block(const std::vector<Position>& positions) {
  if (positions.empty() || positions.size() > kMaxBlockPositions) __builtin_trap();
  if (std::ranges::adjacent_find(positions, std::ranges::greater_equal()) != positions.end()) __builtin_trap();
  std::string bytes;
  append_block(bytes, positions, 0, positions.size());
  std::vector<Position> again;
  if (!read_block(bytes, positions.front(), again) || again != positions) __builtin_trap();
}

Position at_or_after(const std::vector<Position>& all, Position position) {
  const auto found = std::ranges::lower_bound(all, position);
  return found == all.end() ? kNoPosition : *found;
}
Position at_or_before(const std::vector<Position>& all, Position position) {
  const auto above = std::ranges::upper_bound(all, position);
  return above == all.begin() ? kNoPosition : *std::prev(above);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto take = [&] {
    const auto byte = static_cast<std::uint8_t>(rest.front());
    rest.remove_prefix(1);
    return byte;
  };
  // Lists of other values stand on both sides.
  Blocks blocks{{key_of("a", 3), "\x01"}, {key_of("c", 3), "\x01"}};
  std::vector<Position> all;
  bool damaged = false;
  for (Position next = 0; rest.size() >= 2;) {
    const Position first = next + take();
    const std::size_t length = take();
    const auto bytes = rest.substr(0, length);
    rest.remove_prefix(bytes.size());
    std::vector<Position> positions;
    const bool read = read_block(bytes, first, positions);
    if (read) {
      check_block(positions);
      if (positions.back() >= highest) break;
      all.insert(all.end(), positions.begin(), positions.end());
    }
    damaged = damaged || !read;
    blocks.emplace(key_of("b", first), bytes);
    next = (read ? positions.back() : first) + 1;
  }
  const Position persisted = all.empty() ? 0 : all.back() + 1;
  const std::vector<Position> recent{persisted, persisted + 2, persisted + 300};
  PostingList list(std::make_unique<BlockIterator>(blocks), "b", persisted, recent);
  all.insert(all.end(), recent.begin(), recent.end());

  std::vector<Position> positions(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(asked, all.size())));
  positions.insert(positions.end(), recent.begin(), recent.end());
  const auto ask = [&](Position position) {
    const auto after = list.at_or_after(position);
    const auto before = list.at_or_before(position);
    if (list.failure()) {
      if (!damaged || list.failure()->message.empty() || before != kNoPosition) __builtin_trap();
    } else if (!damaged && (after != at_or_after(all, position) || before != at_or_before(all, position))) {
      __builtin_trap();
    }
  };
  for (const auto position : positions) ask(position), ask(position + 1);
  std::ranges::reverse(positions);
  for (const auto position : positions) ask(position), ask(position == 0 ? 0 : position - 1);
  return 0;
}
