#include "api/target.h"

#include <gtest/gtest.h>

namespace headgate::api {
namespace {

TEST(Target, DecodesSegmentsAndQuery) {
  const auto target = parse_target("/v1/releases/a%2Fb/v1.0%20x?at=2024-01-01T00%3A00%3A00Z&q=a+b%2B&empty&x=1=2&");
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->path, "/v1/releases/a%2Fb/v1.0%20x");
  EXPECT_EQ(target->segments, (std::vector<std::string>{"v1", "releases", "a/b", "v1.0 x"}));
  EXPECT_EQ(*target->query.one("at"), "2024-01-01T00:00:00Z");
  EXPECT_EQ(*target->query.one("q"), "a b+");
  EXPECT_EQ(*target->query.one("empty"), "");
  EXPECT_EQ(*target->query.one("x"), "1=2");
  EXPECT_EQ(target->query.entries().size(), 4u);
}

TEST(Target, APlusInThePathIsAPlus) {
  EXPECT_EQ(parse_target("/v1.0+build")->segments[0], "v1.0+build");
}

TEST(Target, TellsTheRootFromAnEmptySegment) {
  EXPECT_TRUE(parse_target("/")->segments.empty());
  EXPECT_EQ(parse_target("/a/")->segments, (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(parse_target("//a")->segments, (std::vector<std::string>{"", "a"}));
}

TEST(Target, TakesTheAbsoluteForm) {
  EXPECT_EQ(parse_target("http://example.com:80/a?b=c")->path, "/a");
  EXPECT_FALSE(parse_target("ftp://example.com/a").has_value());
}

TEST(Target, ARefusalIsTextWhateverStandsInTheTarget) {
  const auto target = parse_target(
      "/a?b=%\xb1"
      "2");
  ASSERT_FALSE(target.has_value());
  EXPECT_EQ(target.error().message, "'%' in the request target: expected two hexadecimal digits after '%'");
}

TEST(Target, RefusesWhatItCannotReadInOneWay) {
  for (const char* text : {"", "*", "a", "/%", "/%4", "/%zz", "/%00", "/a%0ab", "/%ff", "/?a=%c0%af", "/?a=%00",
                           "/../a", "/a/..", "/./a", "/%2e%2e/a", "/.%2E"}) {
    const auto target = parse_target(text);
    ASSERT_FALSE(target.has_value()) << text;
    EXPECT_EQ(target.error().code, ErrorCode::invalid_input);
  }
}

}  // namespace
}  // namespace headgate::api
