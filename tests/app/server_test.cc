// A start that fails.
#include "app/server.h"

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "api/http_server.h"
#include "app/data_directory.h"
#include "app/system_clock.h"
#include "reconciler/process_launch.h"
#include "store/rocksdb_log.h"
#include "tests/store/temp_dir.h"

namespace headgate::app {
namespace {

// A process has one.
Log& log_lines() {
  static Log log(LogFormat::text);
  return log;
}

TEST(ServerStart, BeginsNothingWhereItsAddressIsTaken) {
  const auto other = api::HttpServer::listen({});
  HEADGATE_ASSERT_OK(other);
  const store::TempDir dir;
  ServerConfig config;
  config.data = dir / "data";
  config.port = (*other)->endpoint().port;
  config.repository.url = (dir / "environments.git").string();
  SystemClock clock;
  const auto server = Server::start(config, clock, log_lines(), [] { FAIL() << "the log refused"; });
  HEADGATE_EXPECT_ERROR(server, ErrorCode::io);
  EXPECT_THAT(server.error().message, ::testing::HasSubstr("cannot listen on 127.0.0.1 port "));
  const auto events = store::RocksDbLog::open({.dir = config.data, .read_only = true});
  HEADGATE_ASSERT_OK(events);
  EXPECT_EQ((*events)->size(), 0U) << "no engine has started";
}

TEST(ServerStart, RefusesAKeyOfTlsThatEverybodyCanRead) {
  const store::TempDir dir;
  ServerConfig config;
  config.data = dir / "data";
  config.port = 0;
  config.repository.url = (dir / "environments.git").string();
  config.tls = {.certificate = (dir / "cert.pem").string(), .key = (dir / "key.pem").string(), .client_ca = {}};
  std::ofstream(dir / "key.pem") << "text";
  std::filesystem::permissions(dir / "key.pem", std::filesystem::perms(0644));
  SystemClock clock;
  const auto server = Server::start(config, clock, log_lines(), [] { FAIL() << "the log refused"; });
  HEADGATE_EXPECT_ERROR(server, ErrorCode::invalid_input);
  EXPECT_THAT(server.error().message, ::testing::HasSubstr("key.pem has mode 0644"));
}

// In a process of its own, as the user; what it says by its exit code.
int as_user(const reconciler::SupervisorIdentity& user, const std::function<int()>& act) {
  const auto child = ::fork();
  if (child == 0) {
    const bool became =
        ::setgroups(user.groups.size(), user.groups.data()) == 0 && ::setgid(user.gid) == 0 && ::setuid(user.uid) == 0;
    ::_exit(became ? act() : 100);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(DataDirectory, LetsTheUserOfCommandsReachWhatIsTheirsAndNothingElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may run commands as somebody else";
  const store::TempDir dir;
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0711));
  const auto data = dir / "data";
  for (const auto* folder : {"db", "exports/1", "work/a.b", "people"}) {
    std::filesystem::create_directories(data / folder);
  }
  std::filesystem::permissions(data, std::filesystem::perms(0700));
  for (const auto* file : {"log.key", "admin.token", "db/CURRENT", "people/1", "exports/1/deploy.sh"}) {
    std::ofstream(data / file) << "text";
  }
  const auto nobody = reconciler::resolve_user("nobody");
  ASSERT_TRUE(nobody && *nobody);
  HEADGATE_ASSERT_OK(let_commands_through(data, (*nobody)->gid));
  const auto reaches = [&](const char* path, int how) {
    return as_user(**nobody, [&] { return ::access((data / path).c_str(), how) == 0 ? 0 : 1; }) == 0;
  };
  EXPECT_TRUE(reaches("exports/1/deploy.sh", R_OK));
  EXPECT_TRUE(reaches("work/a.b", X_OK));
  for (const auto* closed : {".", "log.key", "admin.token", "db/CURRENT", "people/1", "repositories", "run"}) {
    EXPECT_FALSE(reaches(closed, R_OK)) << closed;
  }
  EXPECT_FALSE(reaches(".", W_OK));
  EXPECT_FALSE(reaches("work", W_OK));
}

TEST(ServerStart, LeavesDescriptorsToAllElse) {
  EXPECT_EQ(connections_within(1'048'576), 2048U);
  EXPECT_EQ(connections_within(2816), 2048U);
  EXPECT_EQ(connections_within(1024), 256U);
  EXPECT_EQ(connections_within(100), 16U);
}

}  // namespace
}  // namespace headgate::app
