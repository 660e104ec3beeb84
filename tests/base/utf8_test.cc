#include "engine/base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate {
namespace {

TEST(Utf8, TellsWellFormedText) {
  for (const char* good : {"", "plain", "\xc3\xa9", "\xe2\x80\x94", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x9f\x98\x80",
                           "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe2\x80", "\xed\xa0\x80",
                          "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xe2z\x80"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

// By the definition: what is decoded and encoded again is the same.
std::string encoded(unsigned point) {
  if (point < 0x80) return {static_cast<char>(point)};
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (point >> shift & 0x3F)); };
  if (point < 0x800) return {static_cast<char>(0xC0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | point >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8, KnowsEveryCharacterAndNoSurrogate) {
  for (unsigned point = 0; point < 0x120000; ++point) {
    const auto text = encoded(point);
    const bool character = point < 0xD800 || (point > 0xDFFF && point <= 0x10FFFF);
    ASSERT_EQ(utf8_character(text), character ? text.size() : 0) << point;
    ASSERT_EQ(utf8_character(text + "\x80"), character ? text.size() : 0) << point;
    if (text.size() > 1) ASSERT_EQ(utf8_character(text.substr(0, text.size() - 1)), 0U) << point;
  }
  EXPECT_EQ(utf8_character(""), 0U);
}

TEST(Utf8, IsCutBetweenCharacters) {
  EXPECT_EQ(utf8_prefix("a\xC3\xA9z", 9), "a\xC3\xA9z");
  EXPECT_EQ(utf8_prefix("a\xC3\xA9z", 3), "a\xC3\xA9");
  EXPECT_EQ(utf8_prefix("a\xC3\xA9z", 2), "a");
  EXPECT_EQ(utf8_prefix("\xF0\x9F\x98\x80", 3), "");
}

TEST(Utf8, IsMadeValidAndBounded) {
  EXPECT_EQ(valid_utf8("a\xC3\xA9z", 100), "a\xC3\xA9z");
  EXPECT_EQ(valid_utf8("a\xC3\xA9z", 2), "a");                         // not within a character
  EXPECT_EQ(valid_utf8("\xC0\x80", 100), "\xEF\xBF\xBD\xEF\xBF\xBD");  // overlong
  EXPECT_EQ(valid_utf8("\xED\xA0\x80", 3), "\xEF\xBF\xBD");            // a surrogate
  EXPECT_EQ(valid_utf8("\xF0\x9F\x98\x80", 4), "\xF0\x9F\x98\x80");
  EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80", 3), "\xEF\xBF\xBD");  // above U+10FFFF
  EXPECT_EQ(valid_utf8("\xE2\x82", 100), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace headgate
