#include "store/json_text.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::store {
namespace {

TEST(JsonText, TakesObjectsOnOneLine) {
  for (const char* text :
       {"{}", "{ }", R"({"a":1})", R"({"a":[1,-2.5,0,1e400,1E-7,123456789012345678901234567890]})",
        R"({"a":{"b":[]},"c":null,"d":true,"e":false,"f":"\u00e4\n\"\\\/ä"})", R"({ "a" : [ 1 , 2 ] , "b" : { } })"}) {
    EXPECT_TRUE(is_json_object_line(text)) << text;
  }
}

TEST(JsonText, RefusesEverythingElse) {
  for (const std::string text : {"",
                                 "[]",
                                 "1",
                                 "\"a\"",
                                 "{",
                                 "}",
                                 "{}{}",
                                 "{},",
                                 R"({"a"})",
                                 R"({"a":})",
                                 R"({"a":1,})",
                                 R"({,"a":1})",
                                 R"({a:1})",
                                 R"({"a":01})",
                                 R"({"a":1.})",
                                 R"({"a":.5})",
                                 R"({"a":1e})",
                                 R"({"a":-})",
                                 R"({"a":+1})",
                                 R"({"a":tru})",
                                 R"({"a":"x)",
                                 R"({"a":"\x"})",
                                 R"({"a":"\u12g4"})",
                                 R"({"a":[1 2]})",
                                 R"({"a":[1,]})",
                                 "{\n}",
                                 "{\"a\":\"\n\"}",
                                 "{\"a\":\"\xff\"}",
                                 "{\t}"}) {
    EXPECT_FALSE(is_json_object_line(text)) << text;
  }
}

TEST(JsonText, PlainTextEndsAtTheFirstOtherCharacter) {
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

TEST(JsonText, DepthIsBounded) {
  const auto nested = [](int depth) {
    return "{\"a\":" + std::string(static_cast<std::size_t>(depth - 1), '[') +
           std::string(static_cast<std::size_t>(depth - 1), ']') + "}";
  };
  EXPECT_TRUE(is_json_object_line(nested(kMaxJsonDepth)));
  EXPECT_FALSE(is_json_object_line(nested(kMaxJsonDepth + 1)));
  EXPECT_FALSE(is_json_object_line("{\"a\":" + std::string(1'000'000, '[')));
}

}  // namespace
}  // namespace headgate::store
