#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/api/server_fixture.h"
#include "tests/api/test_stream.h"

namespace headgate::api::test {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class HttpStreamTest : public ServerTest {
 protected:
  HttpStreamTest() {
    router.add("GET", "/events", "none", streaming(stream, "text/event-stream; charset=utf-8"));
    router.add("GET", "/export", "none", streaming(stream, "application/x-ndjson"));
  }

  std::shared_ptr<FedStream> stream = std::make_shared<FedStream>();
};

TEST_F(HttpStreamTest, ChunksArriveAsTheyAreGivenAndTheConnectionLivesOn) {
  serve();
  RawClient one = client();
  one.send(get("/events"));
  ASSERT_TRUE(eventually([&] { return stream->asked() == 1; }));
  stream->feed("id: 1\ndata: a\n\n");
  EXPECT_THAT(one.read_until("data: a\n\n"), HasSubstr("Transfer-Encoding: chunked"));
  stream->feed("");  // an empty chunk must not end the body
  std::thread feeder([&] {
    stream->feed("id: 2\ndata: b\n\n");
    stream->feed(std::nullopt);
  });
  EXPECT_THAT(one.read_until("\r\n0\r\n\r\n"), HasSubstr("id: 2\ndata: b\n\n"));
  feeder.join();
  one.send(get("/hello"));
  EXPECT_EQ(one.read_answer()->body, "hello");
  EXPECT_EQ(stream->cancelled(), 0);
  EXPECT_THAT(accesses(), ::testing::Contains("/events GET 200"));
}

// Gives the same chunk again and again, at once.
class Flood : public Stream {
 public:
  explicit Flood(int chunks) : chunks_(chunks) {}
  void next(std::function<void(std::optional<std::string>)> ready) override {
    if (given == chunks_) return ready(std::nullopt);
    ++given;
    ready(std::string(64 << 10, 'x'));
  }
  void cancel() override { ++cancelled; }
  std::atomic<int> given = 0;
  std::atomic<int> cancelled = 0;

 private:
  const int chunks_;
};

TEST_F(HttpStreamTest, ASlowReaderHoldsUpItselfAlone) {
  constexpr int chunks = 1024;  // 64 MiB, far more than the sockets take
  const auto flood = std::make_shared<Flood>(chunks);
  router.add("GET", "/flood", "none", streaming(flood, "application/octet-stream"));
  serve();
  RawClient slow = client(64 << 10);
  slow.send(get("/flood"));
  ASSERT_TRUE(eventually([&] { return flood->given > 0; }));
  RawClient other = client();
  for (int i = 0; i < 500; ++i) {
    other.send(get("/hello"));
    ASSERT_TRUE(other.read_answer());
  }
  EXPECT_LT(flood->given, chunks / 2);
  const auto answer = slow.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->whole);
  EXPECT_EQ(answer->body.size(), static_cast<std::size_t>(chunks) * (64 << 10));
  EXPECT_EQ(flood->cancelled, 0);
}

TEST_F(HttpStreamTest, AReaderThatStopsIsCancelled) {
  const auto flood = std::make_shared<Flood>(1 << 20);
  router.add("GET", "/flood", "none", streaming(flood, "application/octet-stream"));
  options.limits.write_timeout = milliseconds(100);
  serve();
  RawClient slow = client(4096);
  slow.send(get("/flood"));
  EXPECT_TRUE(eventually([&] { return flood->cancelled == 1 && server->connections() == 0; }));
}

TEST_F(HttpStreamTest, SilenceOnAnEventStreamIsFilledWithComments) {
  options.limits.stream_keep_alive = milliseconds(20);
  serve();
  RawClient one = client();
  one.send(get("/events"));
  EXPECT_FALSE(one.read_until(": keep-alive\n\n").empty());
  EXPECT_FALSE(one.read_until(": keep-alive\n\n").empty());
  EXPECT_EQ(stream->asked(), 1);  // still the first chunk that is waited for
  stream->feed("data: a\n\n");
  EXPECT_FALSE(one.read_until("data: a\n\n").empty());
  EXPECT_FALSE(stream->overlapped());
}

TEST_F(HttpStreamTest, ASubscriberThatLeavesIsNoticedWithoutAWrite) {
  serve();  // the first comment would come after 15 s
  {
    RawClient one = client();
    one.send(get("/events"));
    ASSERT_TRUE(eventually([&] { return stream->asked() == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return stream->cancelled() == 1 && server->connections() == 0; }));
  stream->feed("late");  // nobody is hurt
}

TEST_F(HttpStreamTest, ABodyThatIsNotWholeIsCut) {
  stream->break_it();
  stream->feed("half");
  stream->feed(std::nullopt);
  serve();
  const auto answer = ask(get("/export"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "half");
  EXPECT_FALSE(answer->whole);
}

TEST_F(HttpStreamTest, AnExportThatStallsIsCut) {
  options.limits.stream_stall = milliseconds(50);
  stream->feed("half");
  serve();
  const auto answer = ask(get("/export"));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->whole);
  EXPECT_TRUE(eventually([&] { return stream->cancelled() == 1; }));
}

TEST_F(HttpStreamTest, OldClientsReadUntilTheEndAndHeadReadsNothing) {
  serve();
  RawClient head = client();
  head.send("HEAD /export HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello"));
  EXPECT_EQ(head.read_answer(true)->status, 200);
  EXPECT_EQ(head.read_answer()->body, "hello");
  EXPECT_EQ(stream->cancelled(), 1);
  EXPECT_EQ(stream->asked(), 0);

  stream->feed("a");
  stream->feed("b");
  stream->feed(std::nullopt);
  const auto answer = ask("GET /export HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "ab");
  EXPECT_FALSE(answer->headers.contains("transfer-encoding"));
}

TEST_F(HttpStreamTest, ManySubscribersAreFedFromAnotherThread) {
  constexpr int subscribers = 100;
  constexpr int events = 50;
  std::mutex mutex;
  std::vector<std::shared_ptr<FedStream>> streams;
  router.add("GET", "/live", "none", [&](Request request, Reply reply) {
    auto own = std::make_shared<FedStream>();
    {
      const std::scoped_lock lock(mutex);
      streams.push_back(own);
    }
    streaming(own, "text/event-stream")(std::move(request), std::move(reply));
  });
  options.threads = 2;
  serve();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < subscribers; ++i) {
    clients.push_back(std::make_unique<RawClient>(server->endpoint()));
    clients.back()->send(get("/live"));
  }
  ASSERT_TRUE(eventually([&] {
    const std::scoped_lock lock(mutex);
    return streams.size() == subscribers;
  }));
  std::thread publisher([&] {
    for (int i = 0; i < events; ++i) {
      for (auto& own : streams) own->feed("data: " + std::to_string(i) + "\n\n");
    }
    for (auto& own : streams) own->feed(std::nullopt);
  });
  std::string expected;
  for (int i = 0; i < events; ++i) expected += "data: " + std::to_string(i) + "\n\n";
  for (auto& one : clients) {
    const auto answer = one->read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, expected);
    EXPECT_TRUE(answer->whole);
  }
  publisher.join();
}

}  // namespace
}  // namespace headgate::api::test
