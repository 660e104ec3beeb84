#include "api/json.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <random>

#include "tests/torture.h"

namespace headgate::api {
namespace {

Error error_of(std::string_view text, const JsonLimits& limits = {}) {
  const auto parsed = parse_json(text, limits);
  EXPECT_FALSE(parsed.has_value()) << text;
  return parsed ? Error{} : parsed.error();
}

TEST(Json, KeepsEveryKindOfValueAndTheOrderOfKeys) {
  const auto parsed = parse_json(R"( {"z": [1, true, null, "a\u00e9\ud83d\ude00\n"], "a": {"b": false}} )");
  ASSERT_TRUE(parsed);
  const JsonObject& object = *parsed->object();
  ASSERT_EQ(object.size(), 2u);
  EXPECT_EQ(object[0].first, "z");
  const JsonArray& array = *object[0].second.array();
  ASSERT_EQ(array.size(), 4u);
  EXPECT_EQ(array[0].number()->text, "1");
  EXPECT_EQ(*array[1].boolean(), true);
  EXPECT_TRUE(array[2].is_null());
  EXPECT_EQ(*array[3].string(), "a\xC3\xA9\xF0\x9F\x98\x80\n");
  EXPECT_EQ(*parsed->find("a")->find("b")->boolean(), false);
  EXPECT_EQ(parsed->find("missing"), nullptr);
}

TEST(Json, NumbersKeepTheTextInWhichTheyWereWritten) {
  for (const char* text : {"0", "-0", "91.20", "0.1", "1e5", "-1.50E-3", "123456789012345678901234567890",
                           "18446744073709551615", "0.30000000000000000000000000001"}) {
    const auto alone = parse_json(text);
    ASSERT_TRUE(alone) << text;
    EXPECT_EQ(alone->number()->text, text);
    const auto inside = parse_json(std::string(R"({"n":)") + text + "}");
    ASSERT_TRUE(inside) << text;
    EXPECT_EQ(inside->find("n")->number()->text, text);
  }
}

TEST(Json, ADuplicateKeyIsRefusedWhereItStands) {
  const Error error = error_of("{\"a\": {\"b\": 1,\n  \"c\": 2, \"b\": 3}}");
  EXPECT_EQ(error.code, ErrorCode::invalid_input);
  ASSERT_EQ(error.fields.size(), 1u);
  EXPECT_EQ(error.fields[0].pointer, "/a/b");
  EXPECT_NE(error.fields[0].found.find("'b' for the second time"), std::string::npos);
  EXPECT_TRUE(error.message.starts_with("line 2, column ")) << error.message;
  // Written in another way it is still the same key.
  EXPECT_EQ(error_of(R"({"b": 1, "\u0062": 2})").fields[0].pointer, "/b");
}

TEST(Json, SyntaxErrorsNameLineColumnAndTheNearestPlace) {
  const Error error = error_of("{\n  \"a\": [1, 2, x]\n}");
  EXPECT_EQ(error.message, "line 2, column 15: found 'x', expected JSON");
  EXPECT_EQ(error.fields[0].pointer, "/a/2");
  EXPECT_EQ(error_of("").message, "line 1, column 1: found the end of the text, expected the rest of the JSON value");
  EXPECT_EQ(error_of("{} {}").message, "line 1, column 4: found '{', expected nothing after the JSON value");
  EXPECT_TRUE(error_of("{\"a\": 1").message.starts_with("line 1, column 8: found the end of the text"));
}

TEST(Json, WhatOtherParsersLetPassIsRefused) {
  for (const char* text : {"[1,]", "{\"a\":1,}", "// x\n1", "NaN", "+1", "01", "1.", ".5", "'a'", "{a:1}", "\"\t\"",
                           "\"\xC0\xAF\"", "\"\\ud800\"", "\"\xED\xA0\x80\"", "\xEF\xBB\xBF{}", "[1] x", "nul"}) {
    EXPECT_FALSE(parse_json(text).has_value()) << text;
  }
}

TEST(Json, DepthSizeAndNumberOfValuesAreBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(32)).has_value());
  const Error deep = error_of(nested(33));
  EXPECT_EQ(deep.fields[0].expected, "at most 32 levels");
  EXPECT_FALSE(parse_json(std::string(500'000, '[')).has_value());

  EXPECT_EQ(error_of("[1,2,3]", {.bytes = 6}).code, ErrorCode::too_large);
  EXPECT_TRUE(parse_json("[1,2,3]", {.bytes = 7}).has_value());

  EXPECT_TRUE(parse_json("[1,2,[]]", {.values = 4}).has_value());
  EXPECT_EQ(error_of("[1,2,[3]]", {.values = 4}).fields[0].expected, "at most 4 values");
}

TEST(Json, AgreesWithAnotherParserOnRandomTexts) {
  std::mt19937_64 random(torture_seed("random texts"));
  const std::string alphabet = "{}[]:,\"\"\"aab\\u0012.-eE tfn\n";
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    // A valid text with a few bytes changed meets the corners more often than noise does.
    std::string text = R"({"a": [1, 2.5e3, "x\n"], "b": {"c": null, "d": [true, false]}})";
    for (auto changes = random() % 4; changes > 0; --changes) {
      text[random() % text.size()] = alphabet[random() % alphabet.size()];
    }
    boost::system::error_code ec;
    boost::json::parse(text, ec);
    const auto parsed = parse_json(text);
    if (parsed) ++accepted;
    const bool duplicate = !parsed && parsed.error().message.find("second time") != std::string::npos;
    EXPECT_EQ(parsed.has_value(), !ec && !duplicate) << text;
  }
  EXPECT_GT(accepted, 1'000u);
}

TEST(Json, PointerTokensAreEscaped) {
  EXPECT_EQ(pointer_token("a/b~c"), "/a~1b~0c");
  EXPECT_EQ(pointer_token(""), "/");
}

}  // namespace
}  // namespace headgate::api
