// What a restore takes for a checkpoint of the log that it puts back. All else of it: tests/e2e/backup_test.py.
#include "app/restore.h"

#include <gmock/gmock.h>

#include "store/backup.h"
#include "tests/app/rotated_log.h"

namespace headgate::app {
namespace {

using ::testing::HasSubstr;

class KnownCheckpoints : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto log = log_.open();
    HEADGATE_ASSERT_OK(store::Backups(log_.dir / "backups").create({*log, log_.data, {}}, log_.clock.now()));
    root_ = log->root(2).value();
  }
  // Beside a checkpoint of `size` records that `key` has signed.
  Result<Restored> restore(std::uint64_t size, const store::SigningKey& key, const std::string& verifier_key = {}) {
    store::write_plain(log_.dir / "known", store::sign_checkpoint({log_.origin, size, root_}, key));
    RestoreRequest request;
    request.data = log_.dir / "restored";
    request.backups = log_.dir / "backups";
    request.known = {log_.dir / "known"};
    request.verifier_key = verifier_key;
    return restore_data(request, log_.clock);
  }

  RotatedLog log_;
  Hash root_{};  // of the first two records
};

TEST_F(KnownCheckpoints, AKeyThatWasReplacedVouchesForWhatCameBefore) {
  const auto restored = restore(2, log_.first);
  HEADGATE_ASSERT_OK(restored);
  EXPECT_EQ(restored->size, log_.size);
  EXPECT_EQ(restored->lost, 0U);
}

TEST_F(KnownCheckpoints, AKeyThatWasReplacedVouchesForNothingLater) {
  const auto refused = restore(100, log_.first);
  HEADGATE_EXPECT_ERROR(refused, ErrorCode::corrupt);
  EXPECT_THAT(refused.error().message, HasSubstr("signed by a key that record 2 replaced"));
  EXPECT_FALSE(std::filesystem::exists(log_.dir / "restored" / "db"));
}

TEST_F(KnownCheckpoints, TheKeyThatHoldsTellsOfRecordsThatAreLost) {
  const auto refused = restore(100, log_.second);
  HEADGATE_EXPECT_ERROR(refused, ErrorCode::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("records 3 to 99 are lost"));
}

TEST_F(KnownCheckpoints, AKeyThatCameLaterIsNamed) {
  const auto later = store::SigningKey::generate(log_.origin).value();
  const auto refused = restore(100, later);
  HEADGATE_EXPECT_ERROR(refused, ErrorCode::corrupt);
  EXPECT_THAT(refused.error().message, HasSubstr("--verifier-key"));
  HEADGATE_EXPECT_ERROR(restore(100, later, later.verifier().text()), ErrorCode::conflict);
  HEADGATE_EXPECT_ERROR(restore(100, later, "no key"), ErrorCode::invalid_input);
}

}  // namespace
}  // namespace headgate::app
