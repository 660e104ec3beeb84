#include "engine/base/digest.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace headgate {
namespace {

TEST(Sha256, GivesTheVectorsOfFips180) {
  EXPECT_EQ(hex(sha256(std::string_view())), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256(std::string_view("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(sha256(std::as_bytes(std::span("abc", 3))), sha256(std::string_view("abc")));
}

TEST(Sha256, TakesTwoPartsAsOne) {
  EXPECT_EQ(sha256("ab", "c"), sha256("abc"));
  EXPECT_EQ(sha256("", "abc"), sha256("abc"));
}

TEST(Sha1, GivesTheVectorOfFips180) {
  EXPECT_EQ(hex(sha1("ab", "c")), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Sha256, ReadsOnlyTheTextsThatItWrites) {
  const auto hash = sha256(std::string_view("abc"));
  EXPECT_EQ(parse_hex(hex(hash)), hash);
  EXPECT_EQ(parse_digest(digest_text(hash)), hash);
  EXPECT_EQ(sha256_digest("abc"), digest_text(hash));
  EXPECT_EQ(hash_from_bytes(as_bytes(hash)), hash);
  auto upper = hex(hash);
  upper[0] = 'B';
  for (const auto& bad : {upper, hex(hash) + "0", hex(hash).substr(1), std::string(), std::string(64, 'g')}) {
    EXPECT_EQ(parse_hex(bad), std::nullopt) << bad;
    EXPECT_EQ(parse_digest("sha256:" + bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_digest("sha512:" + hex(hash)), std::nullopt);
  EXPECT_EQ(hash_from_bytes("short"), std::nullopt);
}

TEST(Sha256, GivesTheSameOnManyThreads) {
  const auto expected = sha256(std::string_view("abc"));
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) wrong[t] += sha256(std::string_view("abc")) == expected ? 0 : 1;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

}  // namespace
}  // namespace headgate
