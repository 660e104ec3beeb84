#include "api/json_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headgate::api {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

JsonValue json(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
  return parsed ? std::move(*parsed) : JsonValue{};
}

TEST(JsonReader, ReadsTypedFields) {
  const JsonValue value = json(R"({"service": "gateway", "weight": 5, "expedite": true, "metrics": {"coverage": 91.20},
      "artifacts": {"image": "registry/gateway@sha256:1"}, "services": ["a", "b"],
      "release": {"version": "v1"}})");
  JsonReader body(value);
  EXPECT_EQ(body.required_string("service"), "gateway");
  EXPECT_EQ(body.optional_integer("weight", 0, 100), 5);
  EXPECT_EQ(body.optional_boolean("expedite"), true);
  EXPECT_EQ(body.optional_decimal_map("metrics").at("coverage").text, "91.20");
  EXPECT_EQ(body.optional_string_map("artifacts").at("image"), "registry/gateway@sha256:1");
  EXPECT_THAT(body.optional_strings("services"), ElementsAre("a", "b"));
  EXPECT_EQ(body.required_object("release").required_string("version"), "v1");
  EXPECT_EQ(body.optional_string("reason"), std::nullopt);
  EXPECT_TRUE(body.finish().has_value());
}

TEST(JsonReader, CollectsEveryErrorAtOnce) {
  const JsonValue value = json(R"({"service": 7, "weight": 101, "comit": "abc", "version": "", "expedite": "yes",
      "release": {"versoin": "v1"}, "services": ["a", 2], "artifacts": {"a/b": null}, "metrics": {"ratio": "0.5"}})");
  JsonReader body(value);
  body.required_string("service");
  body.required_string("environment");
  body.optional_integer("weight", 0, 100);
  body.optional_string("commit");
  body.required_string("version");
  body.optional_boolean("expedite");
  body.required_object("release").required_string("version");
  body.optional_strings("services");
  body.optional_string_map("artifacts");
  body.optional_decimal_map("metrics");
  const auto finished = body.finish();
  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().code, ErrorCode::invalid_input);
  EXPECT_EQ(finished.error().message, "11 fields are wrong");
  EXPECT_THAT(
      finished.error().fields,
      ElementsAre(FieldError{"/service", "7", "a string"}, FieldError{"/environment", "nothing", "a string"},
                  FieldError{"/weight", "101", "an integer from 0 to 100"},
                  FieldError{"/version", "''", "a string that is not empty"},
                  FieldError{"/expedite", "'yes'", "true or false"},
                  FieldError{"/release/version", "nothing", "a string"}, FieldError{"/services/1", "2", "a string"},
                  FieldError{"/artifacts/a~1b", "null", "a string"}, FieldError{"/metrics/ratio", "'0.5'", "a number"},
                  FieldError{"/comit", "unknown field 'comit'", "'commit'"},
                  FieldError{"/release/versoin", "unknown field 'versoin'", "'version'"}));
}

TEST(JsonReader, AnUnknownFieldThatIsNearNothingListsWhatThereIs) {
  const JsonValue value = json(R"({"zzzzzz": 1})");
  JsonReader body(value);
  body.optional_string("service");
  body.optional_string("reason");
  const auto finished = body.finish();
  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().fields[0].expected, "one of service, reason");
}

TEST(JsonReader, IntegersAreExactAndBounded) {
  const JsonValue value = json(R"({"a": 1.0, "b": 1e2, "c": 9223372036854775808, "d": 9223372036854775807, "e": -1})");
  JsonReader body(value);
  EXPECT_EQ(body.optional_integer("d"), 9223372036854775807);
  EXPECT_EQ(body.optional_integer("e", -5), -1);
  EXPECT_EQ(body.optional_integer("a"), std::nullopt);
  EXPECT_EQ(body.optional_integer("b"), std::nullopt);
  EXPECT_EQ(body.optional_integer("c"), std::nullopt);
  EXPECT_EQ(body.finish().error().fields.size(), 3u);
}

TEST(JsonReader, NullIsNotAbsent) {
  const JsonValue value = json(R"({"reason": null})");
  JsonReader body(value);
  EXPECT_EQ(body.optional_string("reason"), std::nullopt);
  EXPECT_THAT(body.finish().error().fields, ElementsAre(FieldError{"/reason", "null", "a string"}));
}

TEST(JsonReader, ABodyThatIsNoObjectIsOneErrorHoweverMuchIsAsked) {
  const JsonValue value = json("[1]");
  JsonReader body(value);
  body.required_string("service");
  body.required_object("release").required_string("version");
  EXPECT_THAT(body.finish().error().fields, ElementsAre(FieldError{"", "an array", "an object"}));
}

TEST(JsonReader, ErrorsAreBoundedInNumberAndLength) {
  std::string text = "{";
  for (int i = 0; i < 500; ++i) text += "\"field" + std::to_string(i) + "\":1,";
  text += "\"long\": \"" + std::string(10'000, 'x') + "\"}";
  const JsonValue value = json(text);
  JsonReader body(value);
  body.optional_boolean("long");
  const auto finished = body.finish();
  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().fields.size(), 100u);
  EXPECT_LT(finished.error().fields[0].found.size(), 250u);
}

TEST(JsonReader, RefusalsOfTheCallerJoinTheOthers) {
  const JsonValue value = json(R"({"release": {"version": "v 1"}})");
  JsonReader body(value);
  JsonReader release = body.required_object("release");
  release.refuse("version", "'" + release.required_string("version") + "'", "letters, digits and . _ + -");
  EXPECT_THAT(body.finish().error().fields,
              ElementsAre(FieldError{"/release/version", "'v 1'", "letters, digits and . _ + -"}));
}

}  // namespace
}  // namespace headgate::api
