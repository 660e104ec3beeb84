#include "store/watermark.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "store/merkle_tree.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

constexpr std::size_t kSector = 4096;

Mark mark_of(std::uint64_t size) {
  return {size, leaf_hash("root " + std::to_string(size))};
}

WatermarkFile new_file(const std::filesystem::path& path, std::uint64_t size = 0) {
  auto file = WatermarkFile::create(path, mark_of(size));
  if (!file) throw std::runtime_error(file.error().message);
  return std::move(*file);
}

Mark reopened(const std::filesystem::path& path) {
  const auto file = WatermarkFile::open(path);
  EXPECT_TRUE(file.has_value());
  return file ? file->mark() : Mark{};
}

// Every write to a file fails (EFBIG) while this lives, even for root.
class NoWrites {
 public:
  NoWrites() {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  NoWrites(const NoWrites&) = delete;
  NoWrites& operator=(const NoWrites&) = delete;
  ~NoWrites() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST(WatermarkFile, KeepsTheNewestMark) {
  const TempDir dir;
  auto file = new_file(dir / "watermark");
  EXPECT_EQ(reopened(dir / "watermark"), mark_of(0));
  for (std::uint64_t size = 1; size <= 9; ++size) {
    HEADGATE_ASSERT_OK(file.write(mark_of(size)));
    EXPECT_EQ(reopened(dir / "watermark"), mark_of(size));
    EXPECT_EQ(std::filesystem::file_size(dir / "watermark"), 2 * kSector);
  }
  auto second = WatermarkFile::open(dir / "watermark");
  HEADGATE_ASSERT_OK(second);
  HEADGATE_ASSERT_OK(second->write(mark_of(10)));
  EXPECT_EQ(reopened(dir / "watermark"), mark_of(10));
}

TEST(WatermarkFile, TellsMissingFromDamaged) {
  const TempDir dir;
  HEADGATE_EXPECT_ERROR(WatermarkFile::open(dir / "watermark"), ErrorCode::not_found);
  for (const auto& bytes : {std::string(), std::string(2 * kSector, '\0'), std::string(3 * kSector, 'x')}) {
    write_plain(dir / "watermark", bytes);
    const auto file = WatermarkFile::open(dir / "watermark");
    HEADGATE_EXPECT_ERROR(file, ErrorCode::corrupt);
    EXPECT_NE(file.error().message.find((dir / "watermark").string()), std::string::npos);
  }
  HEADGATE_EXPECT_ERROR(WatermarkFile::create(dir / "watermark", mark_of(0)), ErrorCode::conflict);
}

TEST(WatermarkFile, FallsBackToTheOtherSectorWhateverByteIsFlippedOrTorn) {
  const TempDir dir;
  const auto path = dir / "watermark";
  auto file = new_file(path, 7);
  HEADGATE_ASSERT_OK(file.write(mark_of(8)));  // sequence 2, sector 0
  HEADGATE_ASSERT_OK(file.write(mark_of(9)));  // sequence 3, sector 1
  const auto whole = *read_file(path, 2 * kSector);
  for (std::size_t i = 0; i < 88; ++i) {
    for (const std::size_t sector : {0, 1}) {
      auto flipped = whole;
      flipped[sector * kSector + i] = static_cast<char>(flipped[sector * kSector + i] ^ 4);
      write_plain(path, flipped);
      const auto opened = WatermarkFile::open(path);
      HEADGATE_ASSERT_OK(opened);
      EXPECT_EQ(opened->mark(), mark_of(sector == 0 ? 9 : 8)) << "byte " << i << " of sector " << sector;
      EXPECT_TRUE(opened->other_sector_damaged());
    }
    // Sequence 4 overwrote only the first i bytes of sector 0 when the power went.
    write_plain(path, whole);
    auto next = WatermarkFile::open(path);
    HEADGATE_ASSERT_OK(next);
    EXPECT_FALSE(next->other_sector_damaged());
    HEADGATE_ASSERT_OK(next->write(mark_of(10)));
    const auto written = *read_file(path, 2 * kSector);
    write_plain(path, written.substr(0, i) + whole.substr(i));
    EXPECT_EQ(reopened(path), mark_of(9)) << "torn after " << i << " bytes";
  }
}

TEST(WatermarkFile, RefusesTwoDamagedSectorsAndASectorInTheWrongPlace) {
  const TempDir dir;
  const auto path = dir / "watermark";
  auto file = new_file(path, 7);
  const auto whole = *read_file(path, 2 * kSector);
  auto both = whole;
  both[20] = static_cast<char>(both[20] ^ 1);
  both[kSector + 60] = static_cast<char>(both[kSector + 60] ^ 1);
  write_plain(path, both);
  HEADGATE_EXPECT_ERROR(WatermarkFile::open(path), ErrorCode::corrupt);
  write_plain(path, whole.substr(kSector) + whole.substr(0, kSector));
  HEADGATE_EXPECT_ERROR(WatermarkFile::open(path), ErrorCode::corrupt);
  write_plain(path, whole.substr(0, kSector));
  EXPECT_EQ(reopened(path), mark_of(7)) << "one whole sector is enough";
}

TEST(WatermarkFile, RepairsADamagedSectorByTheNextWrite) {
  const TempDir dir;
  const auto path = dir / "watermark";
  { auto file = new_file(path, 7); }
  auto bytes = *read_file(path, 2 * kSector);
  bytes[kSector + 8] = 'x';
  write_plain(path, bytes);
  auto file = WatermarkFile::open(path);
  HEADGATE_ASSERT_OK(file);
  ASSERT_TRUE(file->other_sector_damaged());
  HEADGATE_ASSERT_OK(file->write(mark_of(8)));
  const auto again = WatermarkFile::open(path);
  HEADGATE_ASSERT_OK(again);
  EXPECT_EQ(again->mark(), mark_of(8));
  EXPECT_FALSE(again->other_sector_damaged());
}

TEST(WatermarkFile, AcceptsNothingAfterAFailedWrite) {
  const TempDir dir;
  auto file = new_file(dir / "watermark", 7);
  const auto failed = [&] {
    const NoWrites guard;
    return file.write(mark_of(8));
  }();
  HEADGATE_EXPECT_ERROR(failed, ErrorCode::io);
  EXPECT_NE(failed.error().message.find((dir / "watermark").string()), std::string::npos);
  HEADGATE_EXPECT_ERROR(file.write(mark_of(9)), ErrorCode::io);
  EXPECT_EQ(reopened(dir / "watermark"), mark_of(7));
}

TEST(WatermarkFollower, MakesWhatItWaitsForDurable) {
  const TempDir dir;
  WatermarkFollower follower(new_file(dir / "watermark"));
  EXPECT_EQ(follower.durable(), mark_of(0));
  HEADGATE_ASSERT_OK(follower.wait_until(0));
  for (std::uint64_t size = 10; size <= 200; size += 10) {
    follower.follow(size, mark_of(size).root);
    HEADGATE_ASSERT_OK(follower.wait_until(size - 3));
    EXPECT_EQ(reopened(dir / "watermark"), mark_of(size));
    EXPECT_EQ(follower.durable(), mark_of(size));
  }
}

TEST(WatermarkFollower, WritesTheNewestMarkBeforeItEnds) {
  const TempDir dir;
  {
    WatermarkFollower follower(new_file(dir / "watermark"));
    for (std::uint64_t size = 1; size <= 500; ++size) follower.follow(size, mark_of(size).root);
  }
  EXPECT_EQ(reopened(dir / "watermark"), mark_of(500));
}

// Waits for a condition with a deadline.
bool soon(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(WatermarkFollower, WritesAMarkThatNobodyAsksFor) {
  const TempDir dir;
  WatermarkFollower follower(new_file(dir / "watermark"));
  for (std::uint64_t size = 1; size <= 3; ++size) {
    follower.follow(size, mark_of(size).root);
    EXPECT_TRUE(soon([&] { return follower.durable() == mark_of(size); }));
  }
}

TEST(WatermarkFollower, WaitsForAMarkThatIsHandedOverLater) {
  const TempDir dir;
  WatermarkFollower follower(new_file(dir / "watermark", 7));
  EXPECT_TRUE(follower.wait_for(7, Duration::zero(), {}));
  EXPECT_FALSE(follower.wait_for(8, Duration::zero(), {}));
  auto waited = std::async(std::launch::async, [&] { return follower.wait_for(8, std::chrono::hours(1), {}); });
  follower.follow(8, mark_of(8).root);
  EXPECT_TRUE(waited.get());

  std::stop_source stop;
  auto stopped =
      std::async(std::launch::async, [&] { return follower.wait_for(9, std::chrono::hours(1), stop.get_token()); });
  stop.request_stop();
  EXPECT_FALSE(stopped.get());
}

TEST(WatermarkFollower, ServesManyWaitingThreads) {
  const TempDir dir;
  WatermarkFollower follower(new_file(dir / "watermark"));
  std::atomic<int> wrong = 0;
  follower.follow(1, mark_of(1).root);
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> handed_over = 1;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::uint64_t size = 0; size < 300;) {
        size = handed_over.load();
        if (!follower.wait_until(size) || follower.durable().size < size) ++wrong;
      }
    });
  }
  for (std::uint64_t size = 2; size <= 300; ++size) {
    follower.follow(size, mark_of(size).root);
    handed_over = size;
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(WatermarkFollower, TellsEveryWaiterThatItFailed) {
  const TempDir dir;
  WatermarkFollower follower(new_file(dir / "watermark", 7));
  const auto waited = [&] {
    const NoWrites guard;
    follower.follow(8, mark_of(8).root);
    return follower.wait_until(8);
  }();
  HEADGATE_EXPECT_ERROR(waited, ErrorCode::io);
  follower.follow(9, mark_of(9).root);
  HEADGATE_EXPECT_ERROR(follower.wait_until(9), ErrorCode::io);
  HEADGATE_ASSERT_OK(follower.wait_until(7));
  EXPECT_EQ(follower.durable(), mark_of(7));
}

TEST(WatermarkFollowerDeathTest, RefusesToGoBackOrToWaitForWhatWasNeverHandedOver) {
  // No thread runs at the fork: the followers are made in the dying processes, and the folder is removed here.
  testing::FLAGS_gtest_death_test_style = "fast";
  const TempDir dir;
  const auto path = dir / "watermark";
  { const auto file = new_file(path, 7); }
  EXPECT_DEATH(WatermarkFollower(std::move(*WatermarkFile::open(path))).follow(6, Hash{}), "check failed: size");
  EXPECT_DEATH((void)WatermarkFollower(std::move(*WatermarkFile::open(path))).wait_until(8), "check failed: size");
}

}  // namespace
}  // namespace headgate::store
