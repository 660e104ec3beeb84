#include "engine/base/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate {
namespace {

TEST(Glob, StarsStandForAnything) {
  for (const auto matches : {&matches_glob, &matches_pattern}) {
    EXPECT_TRUE(matches("rollback.*", "rollback.started"));
    EXPECT_TRUE(matches("*", ""));
    EXPECT_TRUE(matches("*.failed", "step.failed"));
    EXPECT_TRUE(matches("*a*b*", "xxaxxbxx"));
    EXPECT_TRUE(matches("a**", "a"));
    EXPECT_TRUE(matches("v*.*.*", "v1.2.3"));
    EXPECT_FALSE(matches("", "a"));
    EXPECT_FALSE(matches("step", "step.failed"));
    EXPECT_FALSE(matches("*.fail", "step.failed"));
    EXPECT_FALSE(matches("a*b", "acbd"));
    EXPECT_FALSE(matches("v*.*.*", "v1.2"));
    EXPECT_FALSE(matches("v*", "nightly"));
    EXPECT_FALSE(matches("v", "v1"));
  }
}

TEST(Glob, QuestionMarksStandForOneCharacterInPatternsOnly) {
  EXPECT_TRUE(matches_pattern("v?", "v1"));
  EXPECT_FALSE(matches_pattern("v?", "v"));
  EXPECT_FALSE(matches_pattern("v?", "v12"));
  EXPECT_FALSE(matches_glob("step?failed", "step.failed"));
  EXPECT_TRUE(matches_glob("step?failed", "step?failed"));
}

TEST(Glob, ManyStarsTakeNoLongTime) {
  EXPECT_FALSE(matches_pattern(std::string(200, '*') + "b", std::string(5'000, 'a')));
}

}  // namespace
}  // namespace headgate
