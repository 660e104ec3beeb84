#include "store/checkpoint.h"

#include <gtest/gtest.h>

#include "engine/base/base64.h"
#include "store/merkle_tree.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

constexpr const char* kOrigin = "headgate.example.com/log";

SigningKey new_key() {
  auto key = SigningKey::generate(kOrigin);
  if (!key) throw std::runtime_error(key.error().message);
  return std::move(*key);
}

class NoTiles final : public TileReader {
 public:
  Result<void> read_tile(TileId, TileHashes&) const override { return fail(ErrorCode::not_found, "no tile is full"); }
};

TEST(Checkpoint, HasTheTextOfTheFormat) {
  EXPECT_EQ(checkpoint_text({kOrigin, 0, sha256(std::string_view())}),
            "headgate.example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
}

TEST(Checkpoint, ComesBackFromItsText) {
  for (const auto& checkpoint : {Checkpoint{kOrigin, 0, Hash{}}, Checkpoint{kOrigin, UINT64_MAX, leaf_hash("x")},
                                 Checkpoint{"o", 7, leaf_hash("x"), {"extension 1", "extension 2"}}}) {
    EXPECT_EQ(parse_checkpoint_text(checkpoint_text(checkpoint)), checkpoint);
  }
}

TEST(Checkpoint, RefusesOtherTexts) {
  const auto root = encode_base64(as_bytes(Hash{}));
  HEADGATE_ASSERT_OK(parse_checkpoint_text("o\n5\n" + root + "\n"));
  for (const auto& bad :
       {std::string(), std::string("o"), std::string("o\n"), std::string("o\n5\n"), "\n5\n" + root + "\n",
        "o\n05\n" + root + "\n", "o\n-5\n" + root + "\n", "o\n+5\n" + root + "\n", "o\n5 \n" + root + "\n",
        "o\n\n" + root + "\n", "o\n18446744073709551616\n" + root + "\n", "o\n5\n" + root, std::string("o\n5\nAAAA\n"),
        "o\n5\n" + root + "\n\n", "o\n5\n" + root + "\nextension", "o\n5x\n" + root + "\n"}) {
    HEADGATE_EXPECT_ERROR(parse_checkpoint_text(bad), ErrorCode::invalid_input);
  }
}

TEST(Checkpoint, IsOpenedByItsKeyAlone) {
  const auto key = new_key();
  const Checkpoint checkpoint{kOrigin, 5, leaf_hash("root")};
  const auto note = sign_checkpoint(checkpoint, key);
  EXPECT_EQ(open_checkpoint(note, key.verifier()), checkpoint);
  HEADGATE_EXPECT_ERROR(open_checkpoint(note, new_key().verifier()), ErrorCode::corrupt);
  HEADGATE_EXPECT_ERROR(open_checkpoint(sign_checkpoint({"another/log", 5, leaf_hash("root")}, key), key.verifier()),
                        ErrorCode::corrupt);
  HEADGATE_EXPECT_ERROR(open_checkpoint(sign_note("no checkpoint\n", key), key.verifier()), ErrorCode::invalid_input);
}

struct Proven {
  SigningKey key = new_key();
  std::vector<std::string> records;
  TlogProof proof;

  Proven() {
    MerkleTree tree;
    for (int i = 0; i < 21; ++i) {
      records.push_back("{\"id\":\"" + std::to_string(i) + "\"}");
      tree.append(leaf_hash(records.back()), [](TileId, const TileHashes&) {});
    }
    proof.index = 13;
    proof.hashes = tree.inclusion_proof(13, 21, NoTiles()).value();
    proof.checkpoint = sign_checkpoint({kOrigin, 21, tree.root()}, key);
  }
};

TEST(TlogProof, ProvesARecordAndNoOther) {
  const Proven proven;
  const auto text = tlog_proof_text(proven.proof);
  EXPECT_TRUE(text.starts_with("c2sp.org/tlog-proof@v1\nindex 13\n"));
  EXPECT_TRUE(text.ends_with("\n\n" + proven.proof.checkpoint));
  const auto proof = parse_tlog_proof(text);
  HEADGATE_ASSERT_OK(proof);
  EXPECT_EQ(*proof, proven.proof);
  const auto checkpoint = verify_tlog_proof(*proof, proven.records[13], proven.key.verifier());
  HEADGATE_ASSERT_OK(checkpoint);
  EXPECT_EQ(checkpoint->size, 21U);
  for (std::size_t i = 0; i < proven.records.size(); ++i) {
    if (i != 13)
      HEADGATE_EXPECT_ERROR(verify_tlog_proof(*proof, proven.records[i], proven.key.verifier()), ErrorCode::corrupt);
  }
  HEADGATE_EXPECT_ERROR(verify_tlog_proof(*proof, proven.records[13], new_key().verifier()), ErrorCode::corrupt);
}

TEST(TlogProof, RefusesEveryAlteredByte) {
  const Proven proven;
  const auto text = tlog_proof_text(proven.proof);
  const auto holds = [&](std::string_view altered) {
    const auto proof = parse_tlog_proof(altered);
    return proof && verify_tlog_proof(*proof, proven.records[13], proven.key.verifier()).has_value();
  };
  ASSERT_TRUE(holds(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto altered = text;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_FALSE(holds(altered)) << "byte " << i;
    EXPECT_FALSE(holds(text.substr(0, i))) << "cut at " << i;
  }
}

TEST(TlogProof, KeepsExtraBytes) {
  Proven proven;
  proven.proof.extra = std::string("\x00\xff", 2);
  EXPECT_EQ(parse_tlog_proof(tlog_proof_text(proven.proof)), proven.proof);
}

TEST(TlogProof, RefusesOtherTexts) {
  const auto hash = encode_base64(as_bytes(Hash{})) + "\n";
  const std::string head = "c2sp.org/tlog-proof@v1\n";
  HEADGATE_ASSERT_OK(parse_tlog_proof(head + "index 0\n" + hash + "\ncheckpoint"));
  std::string many = head + "index 0\n";
  for (int i = 0; i < 65; ++i) many += hash;
  for (const auto& bad :
       {std::string(), head, std::string("c2sp.org/tlog-proof@v2\nindex 0\n\ncheckpoint"), head + "index 0\n",
        head + "index 0\n\n", head + "index 0\n" + hash, head + "index 00\n\ncheckpoint", head + "index\n\ncheckpoint",
        head + "index 0\nAAAA\n\ncheckpoint", head + "extra !\nindex 0\n\ncheckpoint", head + "\ncheckpoint",
        many + "\ncheckpoint"}) {
    HEADGATE_EXPECT_ERROR(parse_tlog_proof(bad), ErrorCode::invalid_input);
  }
  HEADGATE_EXPECT_ERROR(parse_tlog_proof(head + "index 0\n\n" + std::string(1 << 20, 'c')), ErrorCode::too_large);
}

}  // namespace
}  // namespace headgate::store
