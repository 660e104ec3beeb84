#include "engine/base/hex.h"

#include <gtest/gtest.h>

#include <array>

namespace headgate {
namespace {

TEST(Hex, WritesTwoDigitsAByte) {
  constexpr std::array<std::uint8_t, 4> bytes{0x00, 0x0f, 0xa0, 0xff};
  EXPECT_EQ(hex(bytes), "000fa0ff");
  EXPECT_EQ(hex(bytes, kUpperHexDigits), "000FA0FF");
  EXPECT_EQ(hex({}), "");
}

TEST(Hex, ReadsADigit) {
  for (const auto digits : {kLowerHexDigits, kUpperHexDigits}) {
    for (int i = 0; i < 16; ++i) EXPECT_EQ(hex_value(digits[static_cast<std::size_t>(i)]), i);
  }
  for (const char none : {'/', ':', '@', 'G', '`', 'g', '\0', '\xff'}) EXPECT_EQ(hex_value(none), -1) << none;
}

TEST(Hex, TellsSmallDigits) {
  EXPECT_TRUE(is_lower_hex("0123456789abcdef", 16));
  EXPECT_TRUE(is_lower_hex("", 0));
  for (const char* bad : {"0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg"}) {
    EXPECT_FALSE(is_lower_hex(bad, 16)) << bad;
  }
}

}  // namespace
}  // namespace headgate
