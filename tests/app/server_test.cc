// A start that fails.
#include "app/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/http_server.h"
#include "app/system_clock.h"
#include "store/rocksdb_log.h"
#include "tests/store/temp_dir.h"

namespace headgate::app {
namespace {

TEST(ServerStart, BeginsNothingWhereItsAddressIsTaken) {
  const auto other = api::HttpServer::listen({});
  HEADGATE_ASSERT_OK(other);
  const store::TempDir dir;
  ServerConfig config;
  config.data = dir / "data";
  config.port = (*other)->endpoint().port;
  config.repository.url = (dir / "environments.git").string();
  SystemClock clock;
  Log log(LogFormat::text);
  const auto server = Server::start(config, clock, log, [] { FAIL() << "the log refused"; });
  HEADGATE_EXPECT_ERROR(server, ErrorCode::io);
  EXPECT_THAT(server.error().message, ::testing::HasSubstr("cannot listen on 127.0.0.1 port "));
  const auto events = store::RocksDbLog::open({.dir = config.data, .read_only = true});
  HEADGATE_ASSERT_OK(events);
  EXPECT_EQ((*events)->size(), 0U) << "no engine has started";
}

}  // namespace
}  // namespace headgate::app
