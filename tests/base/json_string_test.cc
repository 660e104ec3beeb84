#include "engine/base/json_string.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate {
namespace {

std::string written(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonString, PlainTextEndsAtTheFirstOtherCharacter) {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string plain(length, 'a');
    EXPECT_EQ(plain_length(plain), length);
    for (std::size_t at = 0; at < length; ++at) {
      for (int c = 0; c < 256; ++c) {
        auto text = plain;
        text[at] = static_cast<char>(c);
        const bool special = c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
        ASSERT_EQ(plain_length(text), special ? at : length) << c << " at " << at << " of " << length;
      }
    }
  }
}

TEST(JsonString, EscapesWhatMustBe) {
  EXPECT_EQ(written(""), R"("")");
  EXPECT_EQ(written("plain / text"), R"("plain / text")");
  EXPECT_EQ(written("\"\\\b\f\n\r\t"), R"("\"\\\b\f\n\r\t")");
  EXPECT_EQ(written(std::string_view("\0\x01\x1f\x7f", 4)), "\"\\u0000\\u0001\\u001f\x7f\"");
  EXPECT_EQ(written("é 😀"), "\"é 😀\"");
}

TEST(JsonString, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(written("a\xFF\xC0\xAF z\xE2\x82"), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD z\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonString, IsTheSameWhereverTheSpecialCharacterStands) {
  for (std::size_t before = 0; before < 40; ++before) {
    for (std::size_t after = 0; after < 40; ++after) {
      const std::string head(before, 'a');
      const std::string tail(after, 'b');
      ASSERT_EQ(written(head + "\n" + tail), "\"" + head + "\\n" + tail + "\"");
      ASSERT_EQ(written(head + "é\xFF" + tail), "\"" + head + "é\xEF\xBF\xBD" + tail + "\"");
    }
  }
}

}  // namespace
}  // namespace headgate
