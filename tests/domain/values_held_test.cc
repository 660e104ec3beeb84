// The two places where values of the state are held in a way of their own: boxes that copies share, and maps with an
// index. Both are to behave like what they stand for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/domain/boxed.h"
#include "engine/domain/indexed_map.h"

namespace headgate::test {
namespace {

using testing::ElementsAre;
using testing::Pair;

using Words = std::vector<std::string>;

TEST(Boxed, SharesWhatACopyHoldsUntilOneIsChanged) {
  Boxed<Words> one = Words{"a"};
  auto other = one;
  EXPECT_EQ(&*std::as_const(one), &*std::as_const(other));
  other->push_back("b");
  EXPECT_EQ(*std::as_const(one), Words{"a"});
  EXPECT_EQ(*std::as_const(other), (Words{"a", "b"}));
  const auto* held = &*std::as_const(one);
  one->push_back("c");  // nobody shares it any more: changed where it is
  EXPECT_EQ(&*std::as_const(one), held);
}

TEST(Boxed, OutlivesTheCopyThatItShares) {
  Boxed<Words> one;
  {
    const Boxed<Words> other = Words{"a"};
    one = other;
  }
  EXPECT_EQ(one, Words{"a"});
  one = Boxed<Words>(one);
  EXPECT_EQ(one, Words{"a"});
  one.reset();
  EXPECT_EQ(one, std::nullopt);
}

TEST(Boxed, ComparesLikeAnOptional) {
  const Boxed<Words> nothing;
  const Boxed<Words> a = Words{"a"};
  EXPECT_TRUE(nothing == std::optional<Words>() && std::optional<Words>() == nothing);
  EXPECT_TRUE(a == std::optional(Words{"a"}) && std::optional(Words{"a"}) == a);
  EXPECT_FALSE(std::optional<Words>() != nothing);
  EXPECT_TRUE(a != nothing && a != std::optional<Words>() && a != Words{"b"} && std::optional(Words{"b"}) != a);
  EXPECT_TRUE(a == Boxed<Words>(Words{"a"}));
}

TEST(IndexedMap, FindsByKeyAndGoesThroughInOrder) {
  IndexedMap<TargetId, int> map;
  EXPECT_EQ(map.find(TargetId{"b", "x"}), map.end());
  map[{"b", "x"}] = 1;
  map[{"a", "y"}] = 2;
  map[{"a", "x"}] = 3;
  EXPECT_FALSE(map.try_emplace({"a", "y"}).second);
  EXPECT_THAT(map, ElementsAre(Pair(TargetId{"a", "x"}, 3), Pair(TargetId{"a", "y"}, 2), Pair(TargetId{"b", "x"}, 1)));
  EXPECT_EQ(map.find(TargetId{"a", "y"})->second, 2);
  EXPECT_EQ(map.at({"b", "x"}), 1);
  EXPECT_FALSE(map.contains(TargetId{"b", "y"}));
}

TEST(IndexedMap, ACopyFindsItsOwnElements) {
  IndexedMap<std::string, int> map;
  map["a"] = 1;
  auto copy = map;
  copy.find(std::string_view("a"))->second = 2;
  EXPECT_EQ(map.at("a"), 1);
  EXPECT_EQ(copy.at("a"), 2);
  EXPECT_FALSE(map == copy);
  map = std::move(copy);
  EXPECT_EQ(map.find("a")->second, 2);
  map.clear();
  EXPECT_FALSE(map.contains("a"));
}

}  // namespace
}  // namespace headgate::test
