// What the API is told of the log's checkpoints.
#include "app/log_read_side.h"

#include <gtest/gtest.h>

#include "app/system_clock.h"
#include "tests/store/temp_dir.h"

namespace headgate::app {
namespace {

TEST(LogProofs, TheCheckpointIsAsOldAsItsSignatureWhoeverAskedForIt) {
  const store::TempDir dir;
  auto key = store::SigningKey::generate("headgate.example.com");
  HEADGATE_ASSERT_OK(key);
  const auto verifier = key->verifier();
  store::RocksDbLog::Options options;
  options.dir = dir.path();
  options.origin = "headgate.example.com";
  options.key = std::move(*key);
  const auto log = store::RocksDbLog::open(std::move(options));
  HEADGATE_ASSERT_OK(log);
  const SystemClock clock;
  const LogProofs proofs(**log, verifier, clock);
  EXPECT_FALSE(proofs.checkpoint_time().has_value());
  const auto before = clock.now();
  HEADGATE_ASSERT_OK((*log)->sign_checkpoint_now());
  const auto time = proofs.checkpoint_time();
  ASSERT_TRUE(time.has_value());
  EXPECT_GT(*time, before - std::chrono::seconds(1));  // file systems keep coarser times
  EXPECT_LE(*time, clock.now());
}

}  // namespace
}  // namespace headgate::app
