// When backups are taken, and what becomes of those that are not good.
#include "app/backup_service.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/app/rotated_log.h"

namespace headgate::app {
namespace {

using ::testing::ElementsAre;

// Takes what is recorded of backups; each one that is made can be damaged before it is read again.
class Records final : public CommandSink {
 public:
  explicit Records(std::filesystem::path backups) : backups_(std::move(backups)) {}
  bool submit(Submission submission, std::function<void(Result<Receipt>)> done) override {
    const auto& outcome = std::get<RecordBackup>(submission.command).outcome;
    if (const auto* made = std::get_if<BackupCompleted>(&outcome); made != nullptr && damaging) {
      store::write_plain(backups_ / "sets" / std::to_string(made->id) / "SHA256SUMS", "of something else\n");
    }
    done(Receipt{});
    return true;
  }
  std::atomic<bool> damaging{false};

 private:
  const std::filesystem::path backups_;
};

class BackupServiceTest : public ::testing::Test {
 protected:
  // By hand, as `headgate backup create` does; the error of it, empty for none.
  std::string take(BackupService& service) {
    const auto run = service.start({});
    if (!run) return run.error().message;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < deadline) {
      const auto report = service.report();
      if (report && report->runs >= *run && !report->running) return report->last_error;
      std::this_thread::yield();
    }
    return "not within 60 s";
  }
  std::vector<std::uint64_t> ids(const BackupService& service) {
    std::vector<std::uint64_t> all;
    const auto report = service.report().value();
    for (const auto& row : report.backups) all.push_back(row.id);
    return all;
  }

  RotatedLog files_;
  const std::filesystem::path folder_ = files_.dir / "backups";
  const std::unique_ptr<store::RocksDbLog> log_ = files_.open();
  Records records_{folder_};
};

TEST_F(BackupServiceTest, OfThoseThatAreNotGoodTheNewestStays) {
  BackupConfig config;
  config.directory = folder_;
  config.every = Duration::zero();
  BackupService service({config, {}, files_.data, {}}, *log_, records_, files_.clock, [](bool, const std::string&) {});
  EXPECT_EQ(take(service), "");
  records_.damaging = true;
  for (std::uint64_t id = 2; id <= 4; ++id) {
    EXPECT_NE(take(service), "");
    EXPECT_THAT(ids(service), ElementsAre(1U, id)) << "the good one, and one to look at";
  }
  records_.damaging = false;
  EXPECT_EQ(take(service), "");
  EXPECT_THAT(ids(service), ElementsAre(1U, 5U));
}

}  // namespace
}  // namespace headgate::app
