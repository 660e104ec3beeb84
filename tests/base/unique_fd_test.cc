#include "engine/base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace headgate {
namespace {

int open_null() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}
bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(UniqueFd, ClosesWhatItOwnsOnce) {
  const int number = open_null();
  ASSERT_GE(number, 0);
  {
    UniqueFd first(number);
    EXPECT_TRUE(first);
    UniqueFd second(std::move(first));
    EXPECT_FALSE(first);  // NOLINT: what a moved one holds is the point
    first = std::move(second);
    EXPECT_EQ(first.get(), number);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(UniqueFd, ClosesTheOldOneWhenItTakesANew) {
  UniqueFd fd(open_null());
  const int old = fd.get();
  fd.reset(open_null());
  EXPECT_FALSE(is_open(old));
  EXPECT_TRUE(is_open(fd.get()));
  fd.reset();
  EXPECT_FALSE(fd);
}

}  // namespace
}  // namespace headgate
