#include "engine/base/nearest_name.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate {
namespace {

TEST(NearestName, TakesTheFewestEditsOrNothing) {
  const std::vector<std::string_view> names{"service", "environment", "reason"};
  EXPECT_EQ(nearest_name("service", names), "service");
  EXPECT_EQ(nearest_name("sevrice", names), "service");
  EXPECT_EQ(nearest_name("enviroment", names), "environment");
  EXPECT_EQ(nearest_name("cpu", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name("service", {}), "");
  EXPECT_EQ(nearest_name(std::string(100'000, 'a'), names), "");
  EXPECT_EQ(nearest_name("a", {std::string_view("aa"), std::string_view("a")}), "a");
}

TEST(NearestName, ASwapOfNeighboursIsOneEdit) {
  EXPECT_EQ(nearest_name("to", {std::string_view("ot")}), "ot");
  EXPECT_EQ(nearest_name("abc", {std::string_view("cba")}), "");
}

}  // namespace
}  // namespace headgate
