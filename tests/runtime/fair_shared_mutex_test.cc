#include "engine/runtime/fair_shared_mutex.h"

#include <thread>

#include "tests/runtime/engine_fixture.h"

namespace headgate::runtime {
namespace {

TEST(FairSharedMutex, ReadersGoTogetherAndAWriterAlone) {
  FairSharedMutex mutex;
  mutex.lock_shared();
  std::thread([&] {
    EXPECT_TRUE(mutex.try_lock_shared());
    mutex.unlock_shared();
  }).join();
  mutex.unlock_shared();
  mutex.lock();
  std::thread([&] { EXPECT_FALSE(mutex.try_lock_shared()); }).join();
  mutex.unlock();
  EXPECT_TRUE(mutex.try_lock_shared());
  mutex.unlock_shared();
}

TEST(FairSharedMutex, AReaderThatComesWhileAWriterWaitsWaitsBehindIt) {
  FairSharedMutex mutex;
  mutex.lock_shared();
  std::vector<std::string> turns;
  std::thread writer([&] {
    const std::unique_lock lock(mutex);
    turns.emplace_back("writer");
  });
  // Until it waits, others may read.
  std::thread([&] {
    EXPECT_TRUE(testing::eventually([&] {
      if (!mutex.try_lock_shared()) return true;
      mutex.unlock_shared();
      return false;
    }));
  }).join();
  std::thread reader([&] {
    const std::shared_lock lock(mutex);
    turns.emplace_back("reader");
  });
  mutex.unlock_shared();
  writer.join();
  reader.join();
  EXPECT_EQ(turns, (std::vector<std::string>{"writer", "reader"}));
}

TEST(FairSharedMutexDeathTest, NobodyReadsWithinARead) {
  FairSharedMutex mutex;
  const std::shared_lock lock(mutex);
  EXPECT_DEATH(mutex.lock_shared(), "check failed: held_ != this");
}

}  // namespace
}  // namespace headgate::runtime
