#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/api/server_fixture.h"

namespace headgate::api::test {
namespace {

using std::chrono::milliseconds;
using HttpLimitsTest = ServerTest;

TEST_F(HttpLimitsTest, ABodyOverTheLimitIsRefusedBeforeItIsSent) {
  std::atomic<int> calls = 0;
  router.add("POST", "/count", "none", [&](Request, Reply reply) {
    ++calls;
    reply(Response{});
  });
  router.add(
      {.method = "PUT",
       .pattern = "/blob",
       .access = "none",
       .handler = [](Request request,
                     Reply reply) { reply(Response::of(200, "text/plain", std::to_string(request.body.size()))); },
       .max_body_bytes = 200});
  options.limits.body_bytes = 100;
  serve();
  RawClient one = client();
  one.send("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n");
  const auto answer = one.read_answer();  // and no 100 before it
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(answer->headers.at("connection"), "close");
  one.close_sending();
  EXPECT_TRUE(one.at_end());
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(ask(post("/count", std::string(100, 'x')))->status, 200);
  EXPECT_EQ(calls, 1);

  const auto put = [&](std::size_t size) {
    return ask("PUT /blob HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
               std::string(size, 'x'));
  };
  EXPECT_EQ(put(200)->body, "200");
  EXPECT_EQ(put(201)->status, 413);
}

TEST_F(HttpLimitsTest, ABodyOfAGetIsRefusedBeforeItIsSent) {
  serve();
  for (const std::string method : {"GET", "HEAD"}) {
    for (const std::string length : {"Content-Length: 5", "Transfer-Encoding: chunked"}) {
      RawClient one = client();
      one.send(method + " /hello HTTP/1.1\r\nHost: a\r\n" + length + "\r\n\r\n");
      const auto answer = one.read_answer(method == "HEAD");
      ASSERT_TRUE(answer) << method << length;
      EXPECT_EQ(answer->status, 413) << method << length;
    }
  }
  EXPECT_EQ(ask("GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")->status, 200);
}

TEST_F(HttpLimitsTest, AChunkedBodyIsCountedAsItComes) {
  options.limits.body_bytes = 100;
  serve();
  const std::string chunk = "32\r\n" + std::string(50, 'x') + "\r\n";
  const std::string header = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(ask(header + chunk + chunk + "0\r\n\r\n")->body.size(), 100u);
  EXPECT_EQ(ask(header + chunk + chunk + "1\r\nx\r\n0\r\n\r\n")->status, 413);
  EXPECT_EQ(ask(header + "ffffffff\r\n")->status, 413);
  EXPECT_EQ(ask(header + "1;" + std::string(100'000, 'e') + "\r\nx\r\n0\r\n\r\n")->status, 400);
}

TEST_F(HttpLimitsTest, AHeaderOverTheLimitIsRefused) {
  options.limits.header_bytes = 1000;
  serve();
  EXPECT_EQ(ask(get("/hello", "X: " + std::string(900, 'x') + "\r\n"))->status, 200);
  EXPECT_EQ(ask(get("/hello", "X: " + std::string(1100, 'x') + "\r\n"))->status, 431);
  EXPECT_EQ(ask(get("/" + std::string(100'000, 'x')))->status, 431);
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "A: b\r\n";
  EXPECT_EQ(ask(get("/hello", many))->status, 431);
}

TEST_F(HttpLimitsTest, ASlowHeaderIsCutOffHoweverItTrickles) {
  options.limits.header_timeout = milliseconds(100);
  options.limits.header_bytes = 64 << 20;  // out of reach: only time can run out
  serve();
  RawClient one = client();
  one.send("GET /hello HTTP/1.1\r\nX-Slow: ");
  std::atomic<bool> answered = false;
  std::thread trickle([&] {
    while (!answered && one.send("x")) std::this_thread::yield();
  });
  const auto answer = one.read_answer();
  answered = true;
  trickle.join();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);
}

TEST_F(HttpLimitsTest, AHeaderThatStopsIsCutOff) {
  options.limits.header_timeout = milliseconds(50);
  serve();
  RawClient one = client();
  one.send("GET /hello HTTP/1.1\r\nX-Slow: ");
  const auto answer = one.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);
  one.close_sending();
  EXPECT_TRUE(one.at_end());
  // Nothing at all: closed without a word.
  RawClient silent = client();
  EXPECT_TRUE(silent.at_end());
}

TEST_F(HttpLimitsTest, ABodyThatStopsIsCutOff) {
  options.limits.body_timeout = milliseconds(50);
  serve();
  RawClient one = client();
  one.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  const auto answer = one.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);
}

TEST_F(HttpLimitsTest, AnIdleConnectionIsClosedAfterItsOwnTime) {
  options.limits.idle_timeout = milliseconds(50);
  serve();
  RawClient one = client();
  one.send(get("/hello"));
  ASSERT_TRUE(one.read_answer());
  EXPECT_TRUE(one.at_end());
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST_F(HttpLimitsTest, AReaderThatTakesNothingIsCutOff) {
  options.limits.write_timeout = milliseconds(100);
  router.add("GET", "/large", "none",
             [](Request, Reply reply) { reply(Response::of(200, "text/plain", std::string(32 << 20, 'x'))); });
  serve();
  RawClient one = client(4096);
  one.send(get("/large"));
  ASSERT_TRUE(eventually([&] { return accesses().size() == 1; }));
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
  const auto answer = one.read_answer();
  EXPECT_TRUE(!answer || !answer->whole);
}

TEST_F(HttpLimitsTest, AHandlerThatNeverAnswersIs504AndItsLateReplyIsIgnored) {
  options.limits.reply_timeout = milliseconds(50);
  router.add("GET", "/wait", "none", shelf.handler());
  serve();
  RawClient one = client();
  one.send(get("/wait"));
  EXPECT_EQ(one.read_answer()->status, 504);
  for (Reply& reply : shelf.take()) reply(Response::of(200, "text/plain", "late"));
  one.send(get("/hello"));
  EXPECT_EQ(one.read_answer()->body, "hello");
}

TEST_F(HttpLimitsTest, OneConnectionTooManyIsToldToComeBack) {
  options.limits.max_connections = 2;
  serve();
  auto first = std::make_unique<RawClient>(server->endpoint());
  RawClient second = client();
  for (RawClient* one : {first.get(), &second}) {
    one->send(get("/hello"));
    EXPECT_EQ(one->read_answer()->status, 200);
  }
  RawClient third = client();
  const auto refusal = third.read_answer();  // without having been asked
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 503);
  EXPECT_TRUE(refusal->headers.contains("retry-after"));
  EXPECT_EQ(refusal->headers.at("connection"), "close");
  third.close_sending();
  EXPECT_TRUE(third.at_end());

  first.reset();
  ASSERT_TRUE(eventually([&] { return server->connections() == 1; }));
  EXPECT_EQ(ask(get("/hello"))->status, 200);
  second.send(get("/hello"));
  EXPECT_EQ(second.read_answer()->status, 200);
}

TEST_F(HttpLimitsTest, AFloodOverTheLimitHoldsFewSockets) {
  options.limits.max_connections = 1;
  serve();
  RawClient first = client();
  first.send(get("/hello"));
  ASSERT_TRUE(first.read_answer());
  std::vector<std::unique_ptr<RawClient>> flood;
  for (int i = 0; i < 200; ++i) flood.push_back(std::make_unique<RawClient>(server->endpoint()));
  for (auto& one : flood) {
    const auto answer = one->read_answer();
    if (answer) {
      EXPECT_EQ(answer->status, 503);
    }
  }
  EXPECT_LE(server->connections(), 33u);
  first.send(get("/hello"));
  EXPECT_EQ(first.read_answer()->status, 200);
}

TEST_F(HttpLimitsTest, TooManyRequestsOfOnePeerAre429) {
  options.limits.requests_per_second = 0.001;
  options.limits.burst = 3;
  router.add({.method = "GET",
              .pattern = "/alive",
              .access = "none",
              .handler = [](Request, Reply reply) { reply(Response::of(200, "text/plain", "alive")); },
              .counted = false});
  serve();
  RawClient one = client();
  for (int i = 0; i < 3; ++i) {
    one.send(get("/hello"));
    EXPECT_EQ(one.read_answer()->status, 200);
  }
  one.send(get("/hello"));
  const auto refusal = one.read_answer();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 429);
  EXPECT_GT(std::stoi(refusal->headers.at("retry-after")), 900);
  EXPECT_EQ(refusal->headers.at("connection"), "close") << "or each refused one would keep its connection";
  EXPECT_EQ(ask(get("/nothing"))->status, 429);
  EXPECT_EQ(ask(get("/alive"))->status, 200) << "it is not counted";
}

TEST_F(HttpLimitsTest, APeerWithTooManyConnectionsGetsNoMore) {
  options.limits.max_connections_of_peer = 2;
  serve();
  auto first = std::make_unique<RawClient>(server->endpoint());
  RawClient second = client();
  for (RawClient* one : {first.get(), &second}) {
    one->send(get("/hello"));
    EXPECT_EQ(one->read_answer()->status, 200);
  }
  RawClient third = client();
  EXPECT_TRUE(third.at_end());
  EXPECT_EQ(server->connections(), 2U);
  first.reset();
  ASSERT_TRUE(eventually([&] { return server->connections() == 1; }));
  EXPECT_EQ(ask(get("/hello"))->status, 200);
}

}  // namespace
}  // namespace headgate::api::test
