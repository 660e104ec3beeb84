#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/api/server_fixture.h"
#include "tests/api/test_stream.h"

namespace headgate::api::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class HttpStopTest : public ServerTest {
 protected:
  std::future<void> stop_behind(milliseconds drain) {
    return std::async(std::launch::async, [this, drain] { server->stop(drain); });
  }
  bool refuses_connections() {
    return eventually([this] { return !RawClient(server->endpoint()).connected(); });
  }
};

TEST_F(HttpStopTest, ARequestInWorkIsAnsweredAndIdleConnectionsAreClosed) {
  router.add("POST", "/write", "none", shelf.handler());
  serve();
  RawClient idle = client();
  idle.send(get("/hello"));
  ASSERT_TRUE(idle.read_answer());
  RawClient fresh = client();  // has sent nothing yet
  RawClient working = client();
  working.send(post("/write", "{}"));
  ASSERT_TRUE(eventually([&] { return shelf.size() == 1; }));

  auto stopped = stop_behind(seconds(60));
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(fresh.at_end());
  EXPECT_TRUE(refuses_connections());
  EXPECT_EQ(stopped.wait_for(seconds(0)), std::future_status::timeout);
  for (Reply& reply : shelf.take()) reply(Response::json(201, "{}"));
  const auto answer = working.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->headers.at("connection"), "close");
  EXPECT_EQ(stopped.wait_for(seconds(10)), std::future_status::ready);
}

TEST_F(HttpStopTest, EventStreamsAreEndedAndExportsMayFinish) {
  const auto events = std::make_shared<FedStream>();
  const auto rows = std::make_shared<FedStream>();
  router.add("GET", "/events", "none", streaming(events, "text/event-stream"));
  router.add("GET", "/export", "none", streaming(rows, "application/x-ndjson"));
  options.threads = 2;
  serve();
  RawClient subscriber = client();
  subscriber.send(get("/events"));
  RawClient exporter = client();
  exporter.send(get("/export"));
  ASSERT_TRUE(eventually([&] { return events->asked() == 1 && rows->asked() == 1; }));

  auto stopped = stop_behind(seconds(60));
  const auto ended = subscriber.read_answer();
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->whole);
  EXPECT_EQ(events->cancelled(), 1);
  rows->feed("last\n");
  rows->feed(std::nullopt);
  const auto exported = exporter.read_answer();
  ASSERT_TRUE(exported);
  EXPECT_EQ(exported->body, "last\n");
  EXPECT_TRUE(exported->whole);
  EXPECT_EQ(rows->cancelled(), 0);
  EXPECT_EQ(stopped.wait_for(seconds(10)), std::future_status::ready);
}

TEST_F(HttpStopTest, WhatDoesNotEndIsCutAtTheDeadline) {
  const auto rows = std::make_shared<FedStream>();
  router.add("GET", "/export", "none", streaming(rows, "application/x-ndjson"));
  router.add("POST", "/write", "none", shelf.handler());
  serve();
  RawClient exporter = client();
  exporter.send(get("/export"));
  RawClient working = client();
  working.send(post("/write", "{}"));
  RawClient half = client();
  half.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  ASSERT_TRUE(eventually([&] { return shelf.size() == 1 && rows->asked() == 1; }));
  server->stop(milliseconds(50));
  EXPECT_EQ(server->connections(), 0u);
  EXPECT_EQ(rows->cancelled(), 1);
  const auto exported = exporter.read_answer();
  EXPECT_TRUE(!exported || !exported->whole);
  EXPECT_FALSE(working.read_answer());
  EXPECT_FALSE(half.read_answer());
  // These come to a server whose threads are gone, then to one that is gone itself.
  std::vector<Reply> late = shelf.take();
  late.front()(Response{});
  server.reset();
  rows->feed("late");
  EXPECT_EQ(rows->asked(), 1);
}

TEST_F(HttpStopTest, RepliesMayComeWhileItStops) {
  router.add("POST", "/write", "none", shelf.handler());
  options.threads = 2;
  serve();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<RawClient>(server->endpoint()));
    clients.back()->send(post("/write", "{}"));
  }
  ASSERT_TRUE(eventually([&] { return shelf.size() == 50; }));
  std::atomic<bool> go = false;
  std::thread writer([&, replies = shelf.take()]() mutable {
    while (!go) std::this_thread::yield();
    for (Reply& reply : replies) reply(Response::json(201, "{}"));
  });
  go = true;
  server->stop(milliseconds(0));
  server.reset();
  writer.join();
  // Answered or closed, but never half answered.
  for (auto& one : clients) {
    const auto answer = one->read_answer();
    if (answer) {
      EXPECT_EQ(answer->status, 201);
      EXPECT_TRUE(answer->whole);
    } else {
      EXPECT_TRUE(one->at_end());
    }
  }
}

TEST_F(HttpStopTest, StoppingTwiceAndDestroyingWithOpenConnectionsIsFine) {
  serve();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<RawClient>(server->endpoint()));
  server->stop(seconds(5));
  server->stop(seconds(5));
  server.reset();
  for (auto& one : clients) EXPECT_TRUE(one->at_end());
}

}  // namespace
}  // namespace headgate::api::test
