#include "store/merkle_tree.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

namespace headgate::store {

Hash leaf_hash(std::string_view record) {
  return sha256(std::string_view("\x00", 1), record);
}

Hash node_hash(const Hash& left, const Hash& right) {
  std::array<char, 65> input;
  input[0] = 0x01;
  std::memcpy(input.data() + 1, left.data(), left.size());
  std::memcpy(input.data() + 33, right.data(), right.size());
  return sha256(std::string_view(input.data(), input.size()));
}

std::string_view bytes_of(std::span<const Hash> hashes) {
  return {reinterpret_cast<const char*>(hashes.data()), hashes.size_bytes()};
}

namespace {

// Root of 2^height hashes, in place.
Hash fold_complete(std::span<const Hash> hashes) {
  if (hashes.size() == 1) return hashes[0];
  std::array<Hash, kTileWidth / 2> row;
  std::size_t width = hashes.size() / 2;
  for (std::size_t i = 0; i < width; ++i) row[i] = node_hash(hashes[2 * i], hashes[2 * i + 1]);
  for (; width > 1; width /= 2) {
    for (std::size_t i = 0; i < width / 2; ++i) row[i] = node_hash(row[2 * i], row[2 * i + 1]);
  }
  return row[0];
}

// Largest power of two below n (n > 1): where RFC 6962 splits.
std::uint64_t split_of(std::uint64_t n) {
  return std::bit_floor(n - 1);
}

Result<void> require(bool condition, std::uint64_t index, std::uint64_t size, std::uint64_t available) {
  if (condition) return {};
  return fail(ErrorCode::invalid_input,
              fmt::format("no proof for {} in a tree of {} records: the log has {}", index, size, available));
}

}  // namespace

// Roots of subtrees of one tree, reading each tile once.
class SubtreeReader {
 public:
  SubtreeReader(const MerkleTree& tree, const TileReader& tiles) : tree_(tree), tiles_(tiles) {}

  // Root of leaves [begin, end), where begin is a multiple of the smallest power of two that is not below end - begin.
  Result<Hash> root(std::uint64_t begin, std::uint64_t end) {
    std::optional<Hash> right;
    for (std::uint64_t rest = end - begin; rest != 0; rest &= rest - 1) {
      const auto height = static_cast<unsigned>(std::countr_zero(rest));
      HEADGATE_TRY(const Hash left, complete(height, (begin + rest - 1) >> height));
      right = right ? node_hash(left, *right) : left;
    }
    return right ? *right : sha256(std::string_view());
  }

 private:
  // Root of the `index`th complete subtree of 2^height leaves.
  Result<Hash> complete(unsigned height, std::uint64_t index) {
    // Along the right edge it is a peak, which the tree knows: up to a tile of each level need not be hashed again.
    const auto count = tree_.size_ >> height;
    if (count % 2 != 0 && index == count - 1) return tree_.peaks_[height];
    const unsigned level = height / kTileHeight;
    const unsigned in_tile = height % kTileHeight;
    const std::uint64_t first = index << in_tile;  // among the hashes of the level
    HEADGATE_TRY(const auto hashes, tile(level, first / kTileWidth));
    const std::uint64_t width = std::uint64_t{1} << in_tile;
    HEADGATE_CHECK(first % kTileWidth + width <= hashes.size());
    return fold_complete(hashes.subspan(first % kTileWidth, width));
  }

  Result<std::span<const Hash>> tile(unsigned level, std::uint64_t number) {
    const std::uint64_t full_tiles = level + 1 == kTileLevels ? 0 : tree_.size_ >> (kTileHeight * (level + 1));
    if (number == full_tiles) return tree_.unfinished_tile(level);
    const TileId id{static_cast<std::uint8_t>(level), number};
    for (const auto& cached : cache_) {
      if (cached->id == id) return std::span<const Hash>(cached->hashes);
    }
    auto entry = std::make_unique<Cached>();
    entry->id = id;
    HEADGATE_TRY_VOID(tiles_.read_tile(id, entry->hashes));
    cache_.push_back(std::move(entry));
    return std::span<const Hash>(cache_.back()->hashes);
  }

  struct Cached {
    TileId id;
    TileHashes hashes;
  };
  const MerkleTree& tree_;
  const TileReader& tiles_;
  std::vector<std::unique_ptr<Cached>> cache_;  // two or three of each level at most
};

MerkleTree::MerkleTree() {
  unfinished_.reserve(kTileLevels);
}

TileHashes& MerkleTree::tile_at(unsigned level) {
  if (level >= unfinished_.size()) unfinished_.resize(level + 1);
  return unfinished_[level];
}

std::span<const Hash> MerkleTree::unfinished_tile(unsigned level) const {
  if (level >= unfinished_.size()) return {};
  return std::span<const Hash>(unfinished_[level]).first(count_at(level));
}

Result<MerkleTree> MerkleTree::restore(std::uint64_t size, const TileReader& tiles, const ReadLeaf& read_leaf) {
  MerkleTree tree;
  tree.size_ = size;
  TileHashes below;
  for (unsigned level = 0; level < kTileLevels && size >> (kTileHeight * level) != 0; ++level) {
    auto& hashes = tree.tile_at(level);
    const std::uint64_t count = tree.count_at(level);
    const std::uint64_t first = (size >> (kTileHeight * level)) - count;  // among the hashes of the level
    for (std::uint64_t i = 0; i < count; ++i) {
      if (level == 0) {
        HEADGATE_TRY(hashes[i], read_leaf(first + i));
      } else {
        HEADGATE_TRY_VOID(tiles.read_tile(TileId{static_cast<std::uint8_t>(level - 1), first + i}, below));
        hashes[i] = fold_complete(below);
      }
    }
    for (std::uint64_t rest = count; rest != 0; rest &= rest - 1) {
      const auto height = static_cast<unsigned>(std::countr_zero(rest));
      const std::uint64_t width = std::uint64_t{1} << height;
      tree.peaks_[kTileHeight * level + height] = fold_complete(std::span(hashes).subspan(rest - width, width));
    }
  }
  return tree;
}

Hash MerkleTree::root() const {
  std::optional<Hash> right;
  for (std::uint64_t rest = size_; rest != 0; rest &= rest - 1) {
    const auto& left = peaks_[static_cast<unsigned>(std::countr_zero(rest))];
    right = right ? node_hash(left, *right) : left;
  }
  return right ? *right : sha256(std::string_view());
}

Result<Hash> MerkleTree::root_at(std::uint64_t size, const TileReader& tiles) const {
  HEADGATE_TRY_VOID(require(size <= size_, size, size, size_));
  if (size == size_) return root();
  return SubtreeReader(*this, tiles).root(0, size);
}

Result<std::vector<Hash>> MerkleTree::inclusion_proof(std::uint64_t index, std::uint64_t size,
                                                      const TileReader& tiles) const {
  HEADGATE_TRY_VOID(require(index < size && size <= size_, index, size, size_));
  SubtreeReader subtrees(*this, tiles);
  std::vector<Hash> proof;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + split_of(end - begin);
    const bool in_left = index < middle;
    HEADGATE_TRY(proof.emplace_back(), in_left ? subtrees.root(middle, end) : subtrees.root(begin, middle));
    (in_left ? end : begin) = middle;
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

Result<std::vector<Hash>> MerkleTree::consistency_proof(std::uint64_t from, std::uint64_t size,
                                                        const TileReader& tiles) const {
  HEADGATE_TRY_VOID(require(from <= size && size <= size_, from, size, size_));
  std::vector<Hash> proof;
  if (from == 0 || from == size) return proof;
  SubtreeReader subtrees(*this, tiles);
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  // SUBPROOF(m, D[n], b) of the RFC, unrolled: b stays true while the subtree begins at 0.
  while (from != end) {
    const std::uint64_t middle = begin + split_of(end - begin);
    const bool in_left = from <= middle;
    HEADGATE_TRY(proof.emplace_back(), in_left ? subtrees.root(middle, end) : subtrees.root(begin, middle));
    (in_left ? end : begin) = middle;
  }
  if (begin != 0) {
    HEADGATE_TRY(proof.emplace_back(), subtrees.root(begin, end));
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

Result<void> verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> proof,
                              const Hash& root) {
  if (index >= size) {
    return fail(ErrorCode::corrupt, fmt::format("record {} cannot be in a tree of {} records", index, size));
  }
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Hash hash = leaf;
  for (const auto& sibling : proof) {
    if (sn == 0) {
      return fail(ErrorCode::corrupt, fmt::format("the inclusion proof has {} hashes, more than record {} of {} needs",
                                                  proof.size(), index, size));
    }
    if ((fn & 1) != 0 || fn == sn) {
      hash = node_hash(sibling, hash);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      hash = node_hash(hash, sibling);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) {
    return fail(ErrorCode::corrupt, fmt::format("the inclusion proof has {} hashes, fewer than record {} of {} needs",
                                                proof.size(), index, size));
  }
  if (hash != root) {
    return fail(ErrorCode::corrupt,
                fmt::format("record {} and its inclusion proof give root {}, expected {} at size {}", index, hex(hash),
                            hex(root), size));
  }
  return {};
}

Result<void> verify_consistency(std::uint64_t from, std::uint64_t size, const Hash& from_root, const Hash& root,
                                std::span<const Hash> proof) {
  const auto mismatch = [&](const char* what) {
    return fail(ErrorCode::corrupt,
                fmt::format("{}: sizes {} and {}, a proof of {} hashes", what, from, size, proof.size()));
  };
  if (from > size) return mismatch("the older tree is the larger one");
  if (from == 0 || from == size) {
    if (!proof.empty()) return mismatch("the consistency proof should be empty");
    if (from == 0 && from_root != sha256(std::string_view())) return mismatch("the empty tree has another root");
    if (from == size && from_root != root) return mismatch("two roots for one size");
    return {};
  }
  const bool complete = std::has_single_bit(from);  // then the older root itself starts the path
  if (proof.empty()) return mismatch("the consistency proof is empty");
  Hash older = complete ? from_root : proof[0];
  Hash newer = older;
  if (!complete) proof = proof.subspan(1);

  std::uint64_t fn = from - 1;
  std::uint64_t sn = size - 1;
  const auto trailing_ones = static_cast<unsigned>(std::countr_one(fn));
  fn >>= trailing_ones;
  sn >>= trailing_ones;
  for (const auto& sibling : proof) {
    if (sn == 0) return mismatch("the consistency proof is too long");
    if ((fn & 1) != 0 || fn == sn) {
      older = node_hash(sibling, older);
      newer = node_hash(sibling, newer);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      newer = node_hash(newer, sibling);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return mismatch("the consistency proof is too short");
  if (older != from_root) return mismatch("the consistency proof does not lead to the older root");
  if (newer != root) return mismatch("the consistency proof does not lead to the newer root");
  return {};
}

}  // namespace headgate::store
