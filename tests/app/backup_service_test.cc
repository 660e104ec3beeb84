// When backups are taken, and what becomes of those that are not good.
#include "app/backup_service.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "tests/app/rotated_log.h"

namespace headgate::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// Takes what is recorded of backups; each one that is made can be harmed before it is read again.
class Records final : public CommandSink {
 public:
  enum class Harm { none, damaged, unreadable };

  explicit Records(std::filesystem::path backups) : backups_(std::move(backups)) {}
  bool submit(Submission submission, std::function<void(Result<Receipt>)> done) override {
    const auto& outcome = std::get<RecordBackup>(submission.command).outcome;
    if (const auto* made = std::get_if<BackupCompleted>(&outcome)) {
      const auto list = backups_ / "sets" / std::to_string(made->id) / "SHA256SUMS";
      if (harm == Harm::damaged) store::write_plain(list, "of something else\n");
      if (harm == Harm::unreadable) HEADGATE_CHECK(std::filesystem::remove(list) && create_directory(list));
    }
    done(Receipt{});
    return true;
  }
  std::atomic<Harm> harm{Harm::none};

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
  BackupConfig config() const {
    BackupConfig config;
    config.directory = folder_;
    config.every = Duration::zero();
    return config;
  }
  BackupService service_{
      {config(), {}, files_.data, {}}, *log_, records_, files_.clock, [](bool, const std::string&) {}};
};

TEST_F(BackupServiceTest, OfThoseThatAreNotGoodTheNewestStays) {
  EXPECT_EQ(take(service_), "");
  records_.harm = Records::Harm::damaged;
  for (std::uint64_t id = 2; id <= 4; ++id) {
    EXPECT_THAT(take(service_), HasSubstr("is no good"));
    EXPECT_THAT(ids(service_), ElementsAre(1U, id)) << "the good one, and one to look at";
  }
  records_.harm = Records::Harm::none;
  EXPECT_EQ(take(service_), "");
  EXPECT_THAT(ids(service_), ElementsAre(1U, 5U));
}

TEST_F(BackupServiceTest, ADamagedOneTakesNoPlaceOfOneThatCouldNotBeRead) {
  EXPECT_EQ(take(service_), "");
  records_.harm = Records::Harm::unreadable;
  EXPECT_THAT(take(service_), HasSubstr("could not be verified"));
  records_.harm = Records::Harm::damaged;
  EXPECT_THAT(take(service_), HasSubstr("is no good"));
  EXPECT_THAT(ids(service_), ElementsAre(1U, 2U)) << "the second may be whole";
  records_.harm = Records::Harm::unreadable;
  EXPECT_THAT(take(service_), HasSubstr("could not be verified"));
  EXPECT_THAT(ids(service_), ElementsAre(1U, 3U)) << "the newer of two that may be; its number was free again";
}

TEST_F(BackupServiceTest, AFolderThatCannotBeLookedAtIsToldAndTriedAgain) {
  const auto loop = files_.dir / "loop";
  create_directory_symlink(loop, loop);
  auto backup = config();
  backup.directory = loop / "backups";
  std::mutex mutex;
  std::vector<std::string> told;
  BackupService service({backup, loop / "mirror", files_.data, {}}, *log_, records_, files_.clock,
                        [&](bool, const std::string& message) {
                          const std::scoped_lock lock(mutex);
                          told.push_back(message);
                        });
  HEADGATE_ASSERT_OK(service.start({}));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto told_of_both = [&] {
    const std::scoped_lock lock(mutex);
    return told.size() >= 2;
  };
  while (!told_of_both() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  const std::scoped_lock lock(mutex);
  EXPECT_THAT(told, UnorderedElementsAre(HasSubstr("backup: cannot inspect"), HasSubstr("mirror: cannot inspect")));
}

}  // namespace
}  // namespace headgate::app
