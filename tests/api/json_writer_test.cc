#include "api/json_writer.h"

#include <gtest/gtest.h>

#include "api/json.h"
#include "engine/base/json_string.h"

namespace headgate::api {
namespace {

TEST(JsonWriter, WritesInTheOrderOfTheCalls) {
  JsonWriter json;
  json.begin_object();
  json.field("position", std::uint64_t{18446744073709551615u}).field("negative", -5).field("ok", true);
  json.key("list").begin_array().value(1).value("two").begin_object().end_object().value(nullptr).end_array();
  json.field("coverage", Decimal{"91.20"});
  json.key("record").raw(R"({"kept":  "as it is"})");
  json.end_object();
  EXPECT_EQ(json.take(),
            R"({"position":18446744073709551615,"negative":-5,"ok":true,"list":[1,"two",{},null],"coverage":91.20,)"
            R"("record":{"kept":  "as it is"}})");
}

TEST(JsonWriter, EveryStringComesBackAsItWas) {
  std::string text;
  for (char c = 0; c < 0x7F; ++c) text += c;
  text += "\x7F é 😀 \"quoted\" \\";
  std::string out;
  append_json_string(out, text);
  const auto back = parse_json(out);
  ASSERT_TRUE(back.has_value()) << out;
  EXPECT_EQ(*back->string(), text);
}

TEST(JsonWriterDeathTest, MisuseIsABug) {
  EXPECT_DEATH(JsonWriter().begin_object().value(1), "check failed");
  EXPECT_DEATH(JsonWriter().begin_array().key("a"), "check failed");
  EXPECT_DEATH(JsonWriter().begin_object().take(), "check failed");
}

}  // namespace
}  // namespace headgate::api
