#include "store/cosignature.h"

#include <gtest/gtest.h>

#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

// The example of c2sp.org/tlog-cosignature. Its key is not published: the format of line and text is what it pins.
constexpr std::string_view kNote =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/"
    "5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

TEST(Cosignature, TheTextThatIsSigned) {
  EXPECT_EQ(cosigned_text("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
                          1679315147),
            "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
            "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
}

TEST(Cosignature, TheRequest) {
  EXPECT_EQ(add_checkpoint_request(0, {}, "note\n"), "old 0\n\nnote\n");
  const std::vector<Hash> proof{Hash{}, Hash{1}};
  EXPECT_EQ(add_checkpoint_request(12, proof, "note\n"),
            "old 12\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
            "note\n");
}

TEST(Cosignature, AKeyOfAnotherAlgorithmIsRefused) {
  const auto key = *SigningKey::generate("witness.example.com/w1");
  const auto text = key.verifier().text();
  HEADGATE_EXPECT_ERROR(VerifierKey::parse(text, KeyAlgorithm::cosignature_v1), ErrorCode::invalid_input);
  const auto witness =
      *VerifierKey::make("witness.example.com/w1", key.verifier().public_key(), KeyAlgorithm::cosignature_v1);
  EXPECT_NE(witness.id(), key.verifier().id());
  HEADGATE_EXPECT_ERROR(VerifierKey::parse(witness.text()), ErrorCode::invalid_input);
  const auto parsed = VerifierKey::parse(witness.text(), KeyAlgorithm::cosignature_v1);
  HEADGATE_ASSERT_OK(parsed);
  EXPECT_EQ(*parsed, witness);
}

TEST(Cosignature, FoundAmongOthersAndVerified) {
  const auto key = *SigningKey::generate("witness.example.com/w1");
  const auto witness =
      *VerifierKey::make("witness.example.com/w1", key.verifier().public_key(), KeyAlgorithm::cosignature_v1);
  const auto text = std::string(kNote.substr(0, kNote.find("\n\n") + 1));
  const auto line_of = [&](std::uint64_t seconds, std::string_view signed_text) {
    NoteSignature line{witness.name(), witness.id(), {}};
    for (int shift = 56; shift >= 0; shift -= 8) line.bytes += static_cast<char>(seconds >> shift & 0xff);
    const auto signature = key.sign(signed_text);
    line.bytes.append(reinterpret_cast<const char*>(signature.data()), signature.size());
    return signature_line(line);
  };
  const auto good = line_of(1679315147, cosigned_text(text, 1679315147));
  const std::string other = "— other.example.com AAAAAAAAAAAA\n";
  const auto found = find_cosignature(kNote, other + good, witness);
  HEADGATE_ASSERT_OK(found);
  EXPECT_EQ(*found, good);
  // Of another time than was signed, of a note instead of a cosignature, of a time that no signed number can hold.
  HEADGATE_EXPECT_ERROR(find_cosignature(kNote, line_of(1679315148, cosigned_text(text, 1679315147)), witness),
                        ErrorCode::corrupt);
  HEADGATE_EXPECT_ERROR(find_cosignature(kNote, line_of(1679315147, text), witness), ErrorCode::corrupt);
  HEADGATE_EXPECT_ERROR(find_cosignature(kNote, line_of(1ULL << 63, cosigned_text(text, 1ULL << 63)), witness),
                        ErrorCode::corrupt);
  HEADGATE_EXPECT_ERROR(find_cosignature(kNote, other, witness), ErrorCode::corrupt);
  HEADGATE_EXPECT_ERROR(find_cosignature(kNote, "", witness), ErrorCode::corrupt);
  HEADGATE_EXPECT_ERROR(find_cosignature(kNote, "not lines\n", witness), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR(find_cosignature(kNote, "\n" + good, witness), ErrorCode::invalid_input);
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto altered = good;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    const auto result = find_cosignature(kNote, altered, witness);
    // Base64 has bits at its end that mean nothing, and a line of another name is passed over: never another text.
    EXPECT_TRUE(!result || *result == good) << i;
  }
}

}  // namespace
}  // namespace headgate::store
