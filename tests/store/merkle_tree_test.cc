#include "store/merkle_tree.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <random>
#include <string>

#include "tests/store/temp_dir.h"
#include "tests/torture.h"

namespace headgate::store {
namespace {

// RFC 6962 section 2.1 word for word, over all leaf hashes; says nothing of tiles.
namespace reference {

using Leaves = std::span<const Hash>;

std::uint64_t split(std::uint64_t n) {
  std::uint64_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

Hash root(Leaves d) {
  if (d.empty()) return sha256(std::string_view());
  if (d.size() == 1) return d[0];
  const auto k = split(d.size());
  return node_hash(root(d.first(k)), root(d.subspan(k)));
}

std::vector<Hash> path(std::uint64_t m, Leaves d) {
  if (d.size() == 1) return {};
  const auto k = split(d.size());
  auto proof = m < k ? path(m, d.first(k)) : path(m - k, d.subspan(k));
  proof.push_back(m < k ? root(d.subspan(k)) : root(d.first(k)));
  return proof;
}

std::vector<Hash> subproof(std::uint64_t m, Leaves d, bool whole) {
  if (m == d.size()) return whole ? std::vector<Hash>{} : std::vector<Hash>{root(d)};
  const auto k = split(d.size());
  auto proof = m <= k ? subproof(m, d.first(k), whole) : subproof(m - k, d.subspan(k), false);
  proof.push_back(m <= k ? root(d.subspan(k)) : root(d.first(k)));
  return proof;
}

}  // namespace reference

class StoredTiles final : public TileReader {
 public:
  Result<void> read_tile(TileId id, TileHashes& out) const override {
    ++reads;
    const auto found = tiles.find(id);
    if (found == tiles.end()) {
      return fail(ErrorCode::not_found, "no tile " + std::to_string(id.level) + "/" + std::to_string(id.number));
    }
    out = found->second;
    return {};
  }
  std::map<TileId, TileHashes> tiles;
  mutable std::uint64_t reads = 0;
};

struct Log {
  MerkleTree tree;
  StoredTiles stored;
  std::vector<Hash> leaves;

  void append(const Hash& leaf) {
    leaves.push_back(leaf);
    tree.append(leaf, [this](TileId id, const TileHashes& hashes) {
      EXPECT_TRUE(stored.tiles.emplace(id, hashes).second) << "tile given twice";
    });
  }
  void grow_to(std::uint64_t size) {
    while (leaves.size() < size) append(leaf_hash("record " + std::to_string(leaves.size())));
  }
  std::span<const Hash> first(std::uint64_t n) const { return std::span<const Hash>(leaves).first(n); }
  Result<MerkleTree> restored() const {
    return MerkleTree::restore(leaves.size(), stored, [this](Position position) -> Result<Hash> {
      EXPECT_LT(position, leaves.size());
      EXPECT_GE(position, leaves.size() / kTileWidth * kTileWidth) << "asked for a leaf of a full tile";
      return leaves[position];
    });
  }
};

void expect_inclusion(const Log& log, std::uint64_t index, std::uint64_t size) {
  SCOPED_TRACE("inclusion of " + std::to_string(index) + " in " + std::to_string(size));
  const auto proof = log.tree.inclusion_proof(index, size, log.stored);
  HEADGATE_ASSERT_OK(proof);
  EXPECT_EQ(*proof, reference::path(index, log.first(size)));
  HEADGATE_ASSERT_OK(verify_inclusion(log.leaves[index], index, size, *proof, reference::root(log.first(size))));
}

void expect_consistency(const Log& log, std::uint64_t from, std::uint64_t size) {
  SCOPED_TRACE("consistency of " + std::to_string(from) + " with " + std::to_string(size));
  const auto proof = log.tree.consistency_proof(from, size, log.stored);
  HEADGATE_ASSERT_OK(proof);
  if (from != 0) {
    EXPECT_EQ(*proof, reference::subproof(from, log.first(size), true));
  }
  HEADGATE_ASSERT_OK(
      verify_consistency(from, size, reference::root(log.first(from)), reference::root(log.first(size)), *proof));
}

TEST(MerkleTree, SeparatesLeavesFromNodes) {
  const auto left = sha256(std::string_view("l"));
  const auto right = sha256(std::string_view("r"));
  const auto both = std::string(as_bytes(left)) + std::string(as_bytes(right));
  EXPECT_EQ(leaf_hash(both), sha256(std::string("\x00", 1) + both));
  EXPECT_EQ(node_hash(left, right), sha256("\x01" + both));
  EXPECT_NE(node_hash(left, right), leaf_hash(both));
}

TEST(MerkleTree, GivesTheRootsOfTheCertificateTransparencyVectors) {
  using namespace std::string_literals;
  const std::string leaves[] = {""s,         "\x00"s, "\x10"s,     "\x20\x21"s,
                                "\x30\x31"s, "@ABC"s, "PQRSTUVW"s, "`abcdefghijklmno"s};
  MerkleTree tree;
  EXPECT_EQ(tree.root(), sha256(std::string_view()));
  std::map<std::uint64_t, std::string> roots;
  for (const auto& leaf : leaves) {
    tree.append(leaf_hash(leaf), [](TileId, const TileHashes&) { FAIL() << "no tile is full"; });
    roots[tree.size()] = hex(tree.root());
  }
  EXPECT_EQ(roots[1], "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(roots[5], "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4");
  EXPECT_EQ(roots[8], "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

TEST(MerkleTree, EqualsTheReferenceAtEverySizeTo1100) {
  std::mt19937_64 random(torture_seed("tree at every size"));
  Log log;
  for (std::uint64_t size = 0; size <= 1100; ++size) {
    log.grow_to(size);
    const auto expected = reference::root(log.leaves);
    ASSERT_EQ(log.tree.root(), expected) << size;
    const auto restored = log.restored();
    HEADGATE_ASSERT_OK(restored);
    ASSERT_EQ(restored->root(), expected) << size;
    ASSERT_EQ(restored->size(), size);
    ASSERT_EQ(log.stored.tiles.size(), size / kTileWidth);

    expect_consistency(log, 0, size);
    expect_consistency(log, size, size);
    if (size == 0) continue;
    for (const auto index : {std::uint64_t{0}, size - 1, size / 2, random() % size}) expect_inclusion(log, index, size);
    for (const auto from : {std::uint64_t{1}, size - 1, std::bit_floor(size), random() % size}) {
      expect_consistency(log, from, size);
    }
    const auto older = random() % size;
    EXPECT_EQ(log.tree.root_at(older, log.stored), reference::root(log.first(older))) << older << " of " << size;
  }
}

TEST(MerkleTree, EqualsTheReferenceInEveryProofOfASmallTree) {
  Log log;
  log.grow_to(70);
  for (std::uint64_t size = 1; size <= 70; ++size) {
    for (std::uint64_t index = 0; index < size; ++index) expect_inclusion(log, index, size);
    for (std::uint64_t from = 0; from <= size; ++from) expect_consistency(log, from, size);
  }
}

TEST(MerkleTree, EqualsTheReferenceAtRandomLargeSizes) {
  std::mt19937_64 random(torture_seed("large trees"));
  Log log;
  // Past the second level (65,536) too, and at its very edges.
  std::vector<std::uint64_t> sizes{65'535, 65'536, 65'537, 131'072};
  for (int i = 0; i < 4; ++i) sizes.push_back(1'100 + random() % 140'000);
  std::sort(sizes.begin(), sizes.end());
  for (const auto size : sizes) {
    log.grow_to(size);
    const auto expected = reference::root(log.leaves);
    ASSERT_EQ(log.tree.root(), expected) << size;
    const auto restored = log.restored();
    HEADGATE_ASSERT_OK(restored);
    ASSERT_EQ(restored->root(), expected) << size;
    const auto older = random() % size + 1;
    EXPECT_EQ(log.tree.root_at(older, log.stored), reference::root(log.first(older))) << older << " of " << size;
    for (const auto at : {size, older}) {
      expect_inclusion(log, random() % at, at);
      expect_inclusion(log, at - 1, at);
      expect_consistency(log, random() % at, at);
    }
  }
}

TEST(MerkleTree, KeepsTilesAsRootsOfTheTilesBelow) {
  Log log;
  log.grow_to(65'536 + 600);
  ASSERT_EQ(log.stored.tiles.size(), 256U + 2 + 1);
  for (const auto& [id, hashes] : log.stored.tiles) {
    const auto width = id.level == 0 ? std::uint64_t{1} : kTileWidth;
    for (std::uint64_t i = 0; i < kTileWidth; i += 85) {
      const auto first = (id.number * kTileWidth + i) * width;
      ASSERT_EQ(hashes[i], reference::root(std::span<const Hash>(log.leaves).subspan(first, width)));
    }
  }
  EXPECT_EQ(log.tree.unfinished_tile(0).size(), 88U);
  EXPECT_EQ(log.tree.unfinished_tile(1).size(), 2U);
  EXPECT_EQ(log.tree.unfinished_tile(2).size(), 1U);
  EXPECT_TRUE(log.tree.unfinished_tile(3).empty());
  EXPECT_EQ(log.tree.unfinished_tile(0).back(), log.leaves.back());
}

TEST(MerkleTree, GoesOnAfterARestore) {
  Log log;
  log.grow_to(70'000);
  auto restored = log.restored();
  HEADGATE_ASSERT_OK(restored);
  std::map<TileId, TileHashes> later;
  const auto known = log.stored.tiles.size();
  for (std::uint64_t i = 70'000; i < 140'000; ++i) {
    restored->append(leaf_hash("record " + std::to_string(i)),
                     [&](TileId id, const TileHashes& hashes) { later.emplace(id, hashes); });
  }
  log.grow_to(140'000);
  EXPECT_EQ(restored->root(), log.tree.root());
  EXPECT_EQ(later.size(), log.stored.tiles.size() - known);
  for (const auto& [id, hashes] : later) EXPECT_EQ(log.stored.tiles.at(id), hashes);
}

TEST(MerkleTree, ACopyProvesWithTheTilesOfItsOwnSize) {
  Log log;
  log.grow_to(700);
  const auto copy = log.tree;
  const auto tiles_then = log.stored;
  log.grow_to(1'500);
  const auto proof = copy.inclusion_proof(650, 700, tiles_then);
  HEADGATE_ASSERT_OK(proof);
  EXPECT_EQ(*proof, reference::path(650, log.first(700)));
  EXPECT_EQ(copy.root(), reference::root(log.first(700)));
}

TEST(MerkleTree, ReadsEachTileOnce) {
  Log log;
  log.grow_to(140'000);
  log.stored.reads = 0;
  HEADGATE_ASSERT_OK(log.tree.inclusion_proof(1'234, 139'999, log.stored));
  EXPECT_LE(log.stored.reads, 4U);
}

TEST(MerkleTree, SaysWhichTileIsMissing) {
  Log log;
  log.grow_to(1'000);
  log.stored.tiles.erase(TileId{0, 1});
  const auto proof = log.tree.inclusion_proof(300, 1'000, log.stored);
  HEADGATE_EXPECT_ERROR(proof, ErrorCode::not_found);
  EXPECT_NE(proof.error().message.find("0/1"), std::string::npos);
  HEADGATE_EXPECT_ERROR(log.restored(), ErrorCode::not_found);
}

TEST(MerkleTree, RefusesProofsOfWhatIsNotThere) {
  Log log;
  log.grow_to(10);
  HEADGATE_EXPECT_ERROR(log.tree.inclusion_proof(10, 10, log.stored), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR(log.tree.inclusion_proof(0, 11, log.stored), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR(log.tree.consistency_proof(5, 11, log.stored), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR(log.tree.consistency_proof(6, 5, log.stored), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR(log.tree.root_at(11, log.stored), ErrorCode::invalid_input);
}

TEST(VerifyInclusion, RefusesEveryAlteration) {
  Log log;
  log.grow_to(300);
  for (const std::uint64_t size : {1, 2, 3, 7, 8, 200, 256, 257, 300}) {
    const auto root = reference::root(log.first(size));
    for (const std::uint64_t index : {std::uint64_t{0}, size / 2, size - 1}) {
      SCOPED_TRACE(std::to_string(index) + " of " + std::to_string(size));
      const auto proof = reference::path(index, log.first(size));
      const auto& leaf = log.leaves[index];
      HEADGATE_ASSERT_OK(verify_inclusion(leaf, index, size, proof, root));

      HEADGATE_EXPECT_ERROR(verify_inclusion(leaf_hash("another"), index, size, proof, root), ErrorCode::corrupt);
      HEADGATE_EXPECT_ERROR(verify_inclusion(leaf, index, size, proof, leaf_hash("another")), ErrorCode::corrupt);
      HEADGATE_EXPECT_ERROR(verify_inclusion(leaf, size, size, proof, root), ErrorCode::corrupt);
      for (std::uint64_t other = 0; other < size; ++other) {
        if (other != index) HEADGATE_EXPECT_ERROR(verify_inclusion(leaf, other, size, proof, root), ErrorCode::corrupt);
      }
      auto longer = proof;
      longer.push_back(root);
      HEADGATE_EXPECT_ERROR(verify_inclusion(leaf, index, size, longer, root), ErrorCode::corrupt);
      for (std::size_t i = 0; i < proof.size(); ++i) {
        auto flipped = proof;
        flipped[i][7] ^= 1;
        HEADGATE_EXPECT_ERROR(verify_inclusion(leaf, index, size, flipped, root), ErrorCode::corrupt);
        auto shorter = proof;
        shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
        HEADGATE_EXPECT_ERROR(verify_inclusion(leaf, index, size, shorter, root), ErrorCode::corrupt);
      }
    }
  }
}

TEST(VerifyConsistency, RefusesEveryAlteration) {
  Log log;
  log.grow_to(300);
  for (const auto& [from, size] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {1, 2}, {3, 7}, {4, 8}, {6, 8}, {128, 300}, {255, 256}, {256, 257}, {257, 300}}) {
    SCOPED_TRACE(std::to_string(from) + " to " + std::to_string(size));
    const auto older = reference::root(log.first(from));
    const auto newer = reference::root(log.first(size));
    const auto proof = reference::subproof(from, log.first(size), true);
    HEADGATE_ASSERT_OK(verify_consistency(from, size, older, newer, proof));

    const auto other = leaf_hash("another");
    HEADGATE_EXPECT_ERROR(verify_consistency(from, size, other, newer, proof), ErrorCode::corrupt);
    HEADGATE_EXPECT_ERROR(verify_consistency(from, size, older, other, proof), ErrorCode::corrupt);
    HEADGATE_EXPECT_ERROR(verify_consistency(size, from, newer, older, proof), ErrorCode::corrupt);
    HEADGATE_EXPECT_ERROR(verify_consistency(from, size, older, newer, {}), ErrorCode::corrupt);
    auto longer = proof;
    longer.push_back(other);
    HEADGATE_EXPECT_ERROR(verify_consistency(from, size, older, newer, longer), ErrorCode::corrupt);
    for (std::size_t i = 0; i < proof.size(); ++i) {
      auto flipped = proof;
      flipped[i][0] ^= 0x80;
      HEADGATE_EXPECT_ERROR(verify_consistency(from, size, older, newer, flipped), ErrorCode::corrupt);
      auto shorter = proof;
      shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
      HEADGATE_EXPECT_ERROR(verify_consistency(from, size, older, newer, shorter), ErrorCode::corrupt);
    }
  }
  const auto root = reference::root(log.first(300));
  HEADGATE_EXPECT_ERROR(verify_consistency(300, 300, root, leaf_hash("fork"), {}), ErrorCode::corrupt);
  HEADGATE_EXPECT_ERROR(verify_consistency(0, 300, root, root, {}), ErrorCode::corrupt);
}

}  // namespace
}  // namespace headgate::store
