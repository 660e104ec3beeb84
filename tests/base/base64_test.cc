#include "engine/base/base64.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate {
namespace {

TEST(Base64, GivesTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xff\xfe\xfb", "//77"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(encode_base64(bytes), text);
    EXPECT_EQ(decode_base64(text), bytes);
  }
}

TEST(Base64, RefusesSecondTextsForTheSameBytes) {
  for (const char* bad : {"Zg", "Zg=", "Zh==", "Zm9=", "Zg==\n", " Zg=", "Zg==Zg==", "====", "Z===", "=",
                          "Zm9v====", "Zm-_", "Zm\xff="}) {
    EXPECT_EQ(decode_base64(bad), std::nullopt) << bad;
  }
}

TEST(Base64, OfUrlsGoesThereAndBack) {
  EXPECT_EQ(encode_base64url("f"), "Zg");
  EXPECT_EQ(encode_base64url("fo"), "Zm8");
  EXPECT_EQ(encode_base64url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode_base64url("\xfb\xff"), "-_8");
  for (const std::string text : {"", "a", "ab", "abc", "abcd"}) {
    EXPECT_EQ(decode_base64url(encode_base64url(text)), text);
  }
  for (const char* bad : {"Z", "Zg==", "Z h", "Zh", "Zm9vYmFyZ", "//77"}) EXPECT_FALSE(decode_base64url(bad)) << bad;
}

TEST(Base64, OfUrlsHasItsCharactersAlone) {
  EXPECT_TRUE(is_base64url("azAZ09-_"));
  for (const char* bad : {"a+", "a/", "a=", "a b", "\xff"}) EXPECT_FALSE(is_base64url(bad)) << bad;
}

}  // namespace
}  // namespace headgate
