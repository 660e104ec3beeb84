#include "engine/base/tile_path.h"

#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(TilePath, OneTextATile) {
  const auto tile = parse_tile_path("2/x001/x234/067.p/17");
  ASSERT_TRUE(tile);
  EXPECT_EQ(tile->level, 2U);
  EXPECT_EQ(tile->number, 1'234'067U);
  EXPECT_EQ(tile->width, 17U);
  EXPECT_EQ(parse_tile_path("0/000")->width, 256U);
  EXPECT_EQ(parse_tile_path("0/x018/x446/x744/x073/x709/x551/615")->number, UINT64_MAX);
  for (const char* bad :
       {"", "0", "0/", "0/0", "0/1000", "0/x000/001", "0/x001", "64/000", "00/000", "-1/000", "0/000.p/0",
        "0/000.p/256", "0/000.p/", "0/001/002", "0/000/", "entries/000", "0/x018/x446/x744/x073/x709/x551/616"}) {
    EXPECT_FALSE(parse_tile_path(bad)) << bad;
  }
  EXPECT_EQ(parse_entries_path("x001/234.p/9"), (TilePath{0, 1'234, 9}));
  EXPECT_FALSE(parse_entries_path("0/000"));
  for (const std::uint64_t number : {0UL, 7UL, 999UL, 1'000UL, 1'234'067UL, UINT64_MAX}) {
    for (const unsigned width : {1U, 255U, 256U}) {
      const TilePath path{63, number, width};
      EXPECT_EQ(parse_tile_path(tile_path(path).substr(5)), path);
      EXPECT_EQ(parse_entries_path(entries_path(path).substr(13)), (TilePath{0, number, width}));
    }
  }
  EXPECT_EQ(tile_path({1, 1'234'067, 256}), "tile/1/x001/x234/067");
  EXPECT_EQ(entries_path({.number = 5, .width = 17}), "tile/entries/005.p/17");
}

}  // namespace
}  // namespace headgate
