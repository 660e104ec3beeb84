#include "store/read_ahead.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace headgate::store {
namespace {

// More than the chunks that may be read ahead hold together.
constexpr Position kMany = 200'000;

std::string record_of(Position position) {
  return "record " + std::to_string(position) + std::string(position % 50, '.');
}

Result<void> scan_all(const ReadAhead::Visit& take) {
  for (Position at = 7; at < kMany; ++at) HEADGATE_TRY_VOID(take(at, record_of(at)));
  return {};
}

TEST(ReadAhead, GivesEveryRecordInOrder) {
  Position next = 7;
  std::size_t wrong = 0;
  const auto read = ReadAhead(scan_all).each([&](Position position, std::string_view record) -> Result<void> {
    wrong += position != next || record != record_of(position) ? 1 : 0;
    ++next;
    return {};
  });
  EXPECT_TRUE(read.has_value());
  EXPECT_EQ(next, kMany);
  EXPECT_EQ(wrong, 0U);
}

TEST(ReadAhead, GivesWhatWasReadBeforeTheScanFailedAndThenItsError) {
  std::size_t seen = 0;
  const auto read = ReadAhead([](const ReadAhead::Visit& take) -> Result<void> {
                      for (Position at = 0; at < 3; ++at) HEADGATE_TRY_VOID(take(at, record_of(at)));
                      return fail(ErrorCode::corrupt, "record 3 is missing");
                    }).each([&](Position, std::string_view) -> Result<void> {
    ++seen;
    return {};
  });
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().message, "record 3 is missing");
  EXPECT_EQ(seen, 3U);
}

TEST(ReadAhead, EndsTheScanWhenTheVisitorFails) {
  std::size_t seen = 0;
  const auto read = ReadAhead(scan_all).each([&](Position position, std::string_view) -> Result<void> {
    if (++seen == 10) return fail(ErrorCode::corrupt, "cannot read " + std::to_string(position));
    return {};
  });
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().message, "cannot read 16");
  EXPECT_EQ(seen, 10U);
}

TEST(ReadAhead, MayBeGivenUpUnread) {
  std::atomic<Position> taken{0};
  {
    const ReadAhead unread([&](const ReadAhead::Visit& take) -> Result<void> {
      return scan_all([&](Position position, std::string_view record) -> Result<void> {
        HEADGATE_TRY_VOID(take(position, record));
        taken = position;
        return {};
      });
    });
  }
  EXPECT_LT(taken, kMany - 1);
}

}  // namespace
}  // namespace headgate::store
