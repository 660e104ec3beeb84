// The positions of all events that share one value of one field, in order: first the blocks on disk, then those that
// are still in memory.
#pragma once

#include <rocksdb/iterator.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/names.h"

namespace headgate::store {

inline constexpr Position kNoPosition = UINT64_MAX;
inline constexpr std::size_t kMaxBlockPositions = 2048;

// The distances from each position to the next, LEB128. The first position is in the block's key.
void append_block(std::string& out, const std::vector<Position>& ascending, std::size_t begin, std::size_t end);
// Replaces `out`. False when the bytes are no such block.
bool read_block(std::string_view bytes, Position first, std::vector<Position>& out);

class PostingList {
 public:
  // Blocks have the key `prefix` ‖ first position u64 big-endian; only those that begin below `persisted` count.
  // `recent` ascends from `persisted` on.
  PostingList(std::unique_ptr<rocksdb::Iterator> blocks, std::string prefix, Position persisted,
              std::vector<Position> recent);

  // kNoPosition when there is none, or when something failed.
  Position at_or_after(Position position);
  Position at_or_before(Position position);
  const std::optional<Error>& failure() const { return failure_; }

 private:
  bool load_block();  // the one that blocks_ stands at
  Position block_at_or_after(Position position);
  Position block_at_or_before(Position position);
  void seek_back(Position position);

  std::unique_ptr<rocksdb::Iterator> blocks_;
  std::string prefix_;
  Position persisted_;
  std::vector<Position> recent_;
  std::vector<Position> block_;  // loaded last, or empty
  std::string key_;
  std::optional<Error> failure_;
};

// Positions of events that are in any of several lists.
class AnyOf {
 public:
  explicit AnyOf(std::vector<PostingList> lists);
  Position at_or_after(Position position);
  Position at_or_before(Position position);
  std::optional<Error> failure() const;

 private:
  struct Member {
    PostingList list;
    Position asked = kNoPosition;  // the last answer and its question: still right for every question in between
    Position answer = kNoPosition;
  };
  std::vector<Member> members_;
};

}  // namespace headgate::store
