// The Merkle tree of RFC 6962 section 2.1 over the log's records, kept as C2SP tiles (c2sp.org/tlog-tiles):
//
//   level 1        [ root of tile 0 | root of tile 1 | …                  ]      one hash per full tile below
//   level 0   [ 256 leaf hashes ] [ 256 leaf hashes ] [ 17 leaf hashes … ]
//
// Entry j of tile n on level l is the root of the 256^l leaves from (256 n + j) 256^l on. Full tiles are written once,
// together with the records that filled them; the unfinished tile of each level is in memory and computed anew at open.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/digest.h"
#include "engine/domain/error.h"
#include "engine/domain/names.h"

namespace headgate::store {

Hash leaf_hash(std::string_view record);              // H(0x00 ‖ record)
Hash node_hash(const Hash& left, const Hash& right);  // H(0x01 ‖ left ‖ right)

inline constexpr unsigned kTileHeight = 8;
inline constexpr std::uint64_t kTileWidth = 1U << kTileHeight;  // hashes of a full tile
inline constexpr unsigned kTileLevels = 8;                      // 256^8 leaves are all that 64 bits can count
inline constexpr std::size_t kTileBytes = kTileWidth * sizeof(Hash);

using TileHashes = std::array<Hash, kTileWidth>;
static_assert(sizeof(TileHashes) == kTileBytes);  // stored and served as it stands

// Hashes one behind the other: the content of a tile.
std::string_view bytes_of(std::span<const Hash> hashes);

struct TileId {
  std::uint8_t level = 0;
  std::uint64_t number = 0;
  auto operator<=>(const TileId&) const = default;
};

class TileReader {
 public:
  virtual ~TileReader() = default;
  // A full tile. An Error (not_found, corrupt, io) names the tile. Called from whichever thread asks for the proof.
  virtual Result<void> read_tile(TileId id, TileHashes& out) const = 0;
};

// A value: its const functions may be called on a copy while the original grows. A proof or root at some size needs
// only the tiles that were full at the size of the copy.
class MerkleTree {
 public:
  using ReadLeaf = std::function<Result<Hash>(Position)>;

  MerkleTree();
  // The tree of `size` leaves. The leaf hashes of the unfinished tile come from `read_leaf`, in order; everything above
  // is computed from full tiles, at most 255 of each level. Whether they are the right ones shows in root().
  static Result<MerkleTree> restore(std::uint64_t size, const TileReader& tiles, const ReadLeaf& read_leaf);

  // Adds the hash of the next record: one node hash on average, no allocation but for the first tile of a level.
  // `on_full(TileId, const TileHashes&)` gets each tile that this leaf filled, lowest level first; the hashes are valid
  // only inside the call.
  template <class OnFull>
  void append(const Hash& leaf, OnFull&& on_full);

  std::uint64_t size() const { return size_; }
  Hash root() const;

  // Root of the first `size` leaves. HEADGATE_CHECK(size <= this->size()) here and below.
  Result<Hash> root_at(std::uint64_t size, const TileReader& tiles) const;
  // RFC 9162 2.1.3.1, sibling hashes from the leaf up. invalid_input unless index < size <= this->size().
  Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const TileReader& tiles) const;
  // RFC 9162 2.1.4.1; empty when from is 0 or equals `size`. invalid_input unless from <= size <= this->size().
  Result<std::vector<Hash>> consistency_proof(std::uint64_t from, std::uint64_t size, const TileReader& tiles) const;

  // The finished hashes of the level's last, unfinished tile: 0 to 255 of them.
  std::span<const Hash> unfinished_tile(unsigned level) const;
  // The tiles that a checkpoint of this size has besides the full ones, lowest level first. An Error of
  // `visit(TileId, std::span<const Hash>)` ends it and is returned.
  template <class Visit>
  Result<void> unfinished_tiles(Visit&& visit) const;

 private:
  friend class SubtreeReader;

  std::uint64_t count_at(unsigned level) const { return size_ >> (kTileHeight * level) & (kTileWidth - 1); }
  TileHashes& tile_at(unsigned level);

  std::uint64_t size_ = 0;
  std::vector<TileHashes> unfinished_;  // by level
  std::array<Hash, 64> peaks_{};  // [h]: root of the last complete subtree of 2^h leaves, where bit h of size_ is set
};

// RFC 9162 2.1.3.2. corrupt, saying in what way, when the proof does not lead from the leaf to the root.
Result<void> verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> proof,
                              const Hash& root);
// RFC 9162 2.1.4.2. Every tree continues the empty one and itself; both take an empty proof.
Result<void> verify_consistency(std::uint64_t from, std::uint64_t size, const Hash& from_root, const Hash& root,
                                std::span<const Hash> proof);

template <class Visit>
Result<void> MerkleTree::unfinished_tiles(Visit&& visit) const {
  for (unsigned level = 0; level < unfinished_.size(); ++level) {
    const auto hashes = unfinished_tile(level);
    if (hashes.empty()) continue;
    const auto number = (size_ >> (kTileHeight * level)) / kTileWidth;
    HEADGATE_TRY_VOID(visit(TileId{static_cast<std::uint8_t>(level), number}, hashes));
  }
  return {};
}

template <class OnFull>
void MerkleTree::append(const Hash& leaf, OnFull&& on_full) {
  HEADGATE_CHECK(size_ != UINT64_MAX);
  Hash hash = leaf;
  unsigned height = 0;
  tile_at(0)[count_at(0)] = hash;
  while ((size_ >> height & 1) != 0) {
    hash = node_hash(peaks_[height], hash);
    ++height;
    if (height % kTileHeight != 0) continue;
    const unsigned full = height / kTileHeight - 1;
    on_full(TileId{static_cast<std::uint8_t>(full), size_ >> height}, std::as_const(unfinished_[full]));
    tile_at(full + 1)[count_at(full + 1)] = hash;
  }
  peaks_[height] = hash;
  ++size_;
}

}  // namespace headgate::store
