#include "engine/base/percent.h"

#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(Percent, LeavesWhatIsUnreserved) {
  EXPECT_EQ(percent_encoded("azAZ09-._~"), "azAZ09-._~");
  EXPECT_EQ(percent_encoded("a b/c?d=%&+é"), "a%20b%2Fc%3Fd%3D%25%26%2B%C3%A9");
  EXPECT_EQ(percent_encoded(std::string_view("\0\xff", 2)), "%00%FF");
}

TEST(Percent, TakesOtherMarksAndDigits) {
  EXPECT_EQ(percent_encoded("a.b-c_d", "-_"), "a%2Eb-c_d");
  EXPECT_EQ(percent_encoded("~/", kUnreservedMarks, kLowerHexDigits), "~%2f");
}

}  // namespace
}  // namespace headgate
