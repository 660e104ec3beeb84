#include "store/posting_list.h"

#include <fmt/core.h>

#include <algorithm>

#include "store/rocksdb_store.h"

namespace headgate::store {
namespace {

constexpr std::string_view kDamaged = "a block of the index is damaged";

}  // namespace

void append_block(std::string& out, const std::vector<Position>& ascending, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin + 1; i < end; ++i) {
    auto distance = ascending[i] - ascending[i - 1];
    while (distance >= 0x80) {
      out.push_back(static_cast<char>(distance | 0x80));
      distance >>= 7;
    }
    out.push_back(static_cast<char>(distance));
  }
}

bool read_block(std::string_view bytes, Position first, std::vector<Position>& out) {
  // Each distance takes at least one byte.
  out.resize(std::min(bytes.size() + 1, kMaxBlockPositions));
  out[0] = first;
  std::size_t count = 1;
  Position last = first;
  for (std::size_t at = 0; at < bytes.size();) {
    Position distance = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (shift > 56 || at == bytes.size()) return false;
      const auto byte = static_cast<std::uint8_t>(bytes[at++]);
      distance |= static_cast<Position>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) break;
    }
    if (distance == 0 || distance > UINT64_MAX - last || count == kMaxBlockPositions) return false;
    out[count++] = last += distance;
  }
  out.resize(count);
  return true;
}

PostingList::PostingList(std::unique_ptr<rocksdb::Iterator> blocks, std::string prefix, Position persisted,
                         std::vector<Position> recent)
    : blocks_(std::move(blocks)), prefix_(std::move(prefix)), persisted_(persisted), recent_(std::move(recent)) {}

Position PostingList::at_or_after(Position position) {
  if (failure_) return kNoPosition;
  if (position < persisted_) {
    if (const auto found = block_at_or_after(position); found != kNoPosition || failure_) return found;
  }
  const auto found = std::ranges::lower_bound(recent_, position);
  return found == recent_.end() ? kNoPosition : *found;
}

Position PostingList::at_or_before(Position position) {
  if (failure_) return kNoPosition;
  if (position >= persisted_) {
    const auto above = std::ranges::upper_bound(recent_, position);
    if (above != recent_.begin()) return *(above - 1);
    if (persisted_ == 0) return kNoPosition;
    position = persisted_ - 1;
  }
  return block_at_or_before(position);
}

// To the last block that begins at or before `position`.
void PostingList::seek_back(Position position) {
  key_ = prefix_;
  append_big_endian(key_, position);
  blocks_->SeekForPrev(key_);
}

bool PostingList::load_block() {
  block_.clear();
  if (!blocks_->Valid()) {
    if (!blocks_->status().ok()) failure_ = fail_status("read the index", blocks_->status()).error();
    return false;
  }
  const auto key = blocks_->key().ToStringView();
  if (key.size() != prefix_.size() + 8 || !key.starts_with(prefix_)) return false;
  const auto first = big_endian(key.substr(prefix_.size()));
  if (first >= persisted_) return false;
  if (!read_block(blocks_->value().ToStringView(), first, block_) || block_.back() >= persisted_) {
    block_.clear();
    failure_ = Error{ErrorCode::corrupt, std::string(kDamaged)};
    return false;
  }
  return true;
}

// Whoever reads on mostly asks for the block beside the last one: a step there costs a fraction of a seek.

Position PostingList::block_at_or_after(Position position) {
  if (!block_.empty() && position > block_.back()) {
    blocks_->Next();
    if (!load_block()) return kNoPosition;
    if (position <= block_.front()) return block_.front();
  }
  if (block_.empty() || position < block_.front() || position > block_.back()) {
    seek_back(position);
    const bool before = load_block();
    if (failure_) return kNoPosition;
    if (!before || block_.back() < position) {
      if (before) {
        blocks_->Next();
      } else {
        blocks_->Seek(key_);
      }
      return load_block() ? block_.front() : kNoPosition;
    }
  }
  return *std::ranges::lower_bound(block_, position);
}

Position PostingList::block_at_or_before(Position position) {
  const auto in_block = [&] { return *(std::ranges::upper_bound(block_, position) - 1); };
  if (!block_.empty() && position < block_.front()) {
    blocks_->Prev();
    if (!load_block()) return kNoPosition;
    if (position >= block_.front()) return in_block();
  }
  if (block_.empty() || position < block_.front() || position > block_.back()) {
    seek_back(position);
    if (!load_block()) return kNoPosition;
  }
  return in_block();
}

AnyOf::AnyOf(std::vector<PostingList> lists) {
  for (auto& list : lists) members_.push_back({std::move(list)});
}

Position AnyOf::at_or_after(Position position) {
  auto first = kNoPosition;
  for (auto& member : members_) {
    if (member.asked > position || member.answer < position) {
      member.asked = position;
      member.answer = member.list.at_or_after(position);
    }
    first = std::min(first, member.answer);
  }
  return first;
}

Position AnyOf::at_or_before(Position position) {
  auto last = kNoPosition;
  for (auto& member : members_) {
    const bool known = member.asked != kNoPosition && member.asked >= position &&
                       (member.answer == kNoPosition || member.answer <= position);
    if (!known) {
      member.asked = position;
      member.answer = member.list.at_or_before(position);
    }
    if (member.answer != kNoPosition && (last == kNoPosition || member.answer > last)) last = member.answer;
  }
  return last;
}

std::optional<Error> AnyOf::failure() const {
  for (const auto& member : members_) {
    if (member.list.failure()) return member.list.failure();
  }
  return std::nullopt;
}

}  // namespace headgate::store
