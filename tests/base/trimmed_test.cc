#include "engine/base/trimmed.h"

#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(Trimmed, TakesWhiteSpaceAroundATextAlone) {
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \t\r\n a \t b\r\n"), "a \t b");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed(" \t\r\n"), "");
}

}  // namespace
}  // namespace headgate
