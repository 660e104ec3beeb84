// The verification that a running server makes by itself.
#include "app/log_verifier.h"

#include <gtest/gtest.h>

#include "app/system_clock.h"
#include "tests/store/damaged_log.h"

namespace headgate::app {
namespace {

// A process has one.
Log& log_lines() {
  static Log log(LogFormat::text);
  return log;
}

// Its figure `headgate_log_whole`, once the first verification has ended.
double whole(const LogVerifier& verifier) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (;;) {
    for (const auto& gauge : verifier.gauges()) {
      if (gauge.name == "headgate_log_whole") return gauge.value;
    }
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("no verification within 30 s");
    std::this_thread::yield();
  }
}

TEST(LogVerifier, SaysThatTheLogIsWhole) {
  const store::DamagedLog files;
  const auto events = files.open();
  HEADGATE_ASSERT_OK(events);
  SystemClock clock;
  const LogVerifier verifier(**events, std::chrono::hours(1), clock, log_lines());
  EXPECT_EQ(whole(verifier), 1.0);
  EXPECT_FALSE(verifier.damage().has_value());
  EXPECT_EQ(verifier.gauges().size(), 2U);
}

TEST(LogVerifier, NamesWhatIsDamaged) {
  const store::DamagedLog files;
  files.put(store::RocksDbStore::Family::events, store::event_key(100), store::DamagedLog::altered(100));
  const auto events = files.open();
  HEADGATE_ASSERT_OK(events);
  SystemClock clock;
  const LogVerifier verifier(**events, std::chrono::hours(1), clock, log_lines());
  EXPECT_EQ(whole(verifier), 0.0);
  const auto damage = verifier.damage();
  ASSERT_TRUE(damage.has_value());
  EXPECT_NE(damage->find("tile 0/0 is not the one of its records"), std::string::npos) << *damage;
  EXPECT_NE(damage->find("headgate log repair"), std::string::npos) << *damage;
}

// What was read once is in memory, and says nothing of the disk.
TEST(LogVerifier, ReadsTheTablesFromTheDisk) {
  const store::DamagedLog files;
  const auto table = files.table("events");
  const auto events = files.open();
  HEADGATE_ASSERT_OK(events);
  HEADGATE_ASSERT_OK((*events)->read(0, store::kDamagedRecords));
  auto bytes = *store::read_file(table, 1 << 30);
  for (std::size_t at = 100; at < bytes.size() / 2; at += 500) bytes[at] = static_cast<char>(bytes[at] ^ 1);
  store::write_plain(table, bytes);
  SystemClock clock;
  const LogVerifier verifier(**events, std::chrono::hours(1), clock, log_lines());
  EXPECT_EQ(whole(verifier), 0.0);
  const auto damage = verifier.damage();
  ASSERT_TRUE(damage.has_value());
  EXPECT_NE(damage->find(table.filename().string()), std::string::npos) << *damage;
}

TEST(LogVerifier, IsMadeAgainAndAgain) {
  const store::DamagedLog files;
  const auto events = files.open();
  HEADGATE_ASSERT_OK(events);
  SystemClock clock;
  const LogVerifier verifier(**events, std::chrono::milliseconds(1), clock, log_lines());
  const auto verified_at = [&] { return verifier.gauges().size() < 2 ? 0.0 : verifier.gauges()[1].value; };
  EXPECT_EQ(whole(verifier), 1.0);
  const auto first = verified_at();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (verified_at() == first && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_GT(verified_at(), first);
}

}  // namespace
}  // namespace headgate::app
