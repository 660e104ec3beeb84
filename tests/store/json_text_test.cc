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

}  // namespace
}  // namespace headgate::store
