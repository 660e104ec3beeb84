#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "api/problem.h"
#include "tests/api/server_fixture.h"

namespace headgate::api::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using HttpServerTest = ServerTest;

TEST_F(HttpServerTest, AnswersWithItsOwnHeadersAndNoneOfTheServersName) {
  serve();
  const auto answer = ask(get("/hello"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hello");
  EXPECT_EQ(answer->headers.at("content-length"), "5");
  EXPECT_EQ(answer->headers.at("content-type"), "text/plain");
  EXPECT_EQ(answer->headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(answer->headers.at("cache-control"), "no-store");
  EXPECT_THAT(answer->headers.at("date"), ::testing::MatchesRegex("[A-Z]..,.*GMT"));
  EXPECT_FALSE(answer->headers.contains("server"));
  EXPECT_FALSE(answer->headers.contains("connection"));
}

TEST_F(HttpServerTest, GivesTheHandlerDecodedValues) {
  std::vector<std::string> seen;
  router.add("GET", "/v1/targets/{service}/{environment}", "viewer", [&](Request request, Reply reply) {
    seen = {request.method,
            std::string(request.route),
            request.parameter("service"),
            request.parameter("environment"),
            std::string(request.query.one("at")->value_or("")),
            std::string(request.headers.one("x-TEST")->value_or("")),
            request.query.one("twice").has_value() ? "?" : "refused",
            request.peer,
            request.is_loopback ? "loopback" : "",
            request.encrypted ? "encrypted" : "plain"};
    reply(Response{});
  });
  serve();
  ASSERT_TRUE(ask(get("/v1/targets/gate%20way/production?at=1%2B1&twice=1&twice=2", "X-Test: yes\r\n")));
  EXPECT_THAT(seen, ElementsAre("GET", "/v1/targets/{service}/{environment}", "gate way", "production", "1+1", "yes",
                                "refused", "127.0.0.1", "loopback", "plain"));
}

TEST_F(HttpServerTest, HeadTellsTheLengthAndSendsNoBody) {
  serve();
  RawClient one = client();
  one.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello"));
  const auto head = one.read_answer(true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->headers.at("content-length"), "5");
  const auto next = one.read_answer();  // would begin with "hello" if the body had been sent
  ASSERT_TRUE(next);
  EXPECT_EQ(next->body, "hello");
}

TEST_F(HttpServerTest, TakesBodiesByLengthAndInChunks) {
  serve();
  RawClient one = client();
  const std::string large(300'000, 'x');
  one.send(post("/echo", large));
  auto answer = one.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, large);

  one.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  one.send("5;extension=1\r\nhello\r\n");
  one.send("7\r\n, world\r\n0\r\nX-Trailer: dropped\r\n\r\n");
  answer = one.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "hello, world");

  one.send(get("/hello"));
  answer = one.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "hello");
}

TEST_F(HttpServerTest, InvitesABodyThatWaitsForIt) {
  serve();
  RawClient one = client();
  one.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  const auto invitation = one.read_answer();
  ASSERT_TRUE(invitation);
  EXPECT_EQ(invitation->status, 100);
  one.send("ok");
  const auto answer = one.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "ok");
  EXPECT_EQ(ask(post("/echo", "ok", "Expect: miracles\r\n"))->status, 417);
}

TEST_F(HttpServerTest, PipelinedRequestsAreWorkedOnOneByOneAndInOrder) {
  std::atomic<int> in_work = 0;
  std::atomic<int> most = 0;
  router.add("POST", "/slow", "none", [&](Request request, Reply reply) {
    most = std::max(most.load(), ++in_work);
    std::thread([&, body = std::move(request.body), later = std::move(reply)]() mutable {
      --in_work;
      later(Response::of(200, "text/plain", std::move(body)));
    }).detach();
  });
  serve();
  RawClient one = client();
  std::string all;
  for (int i = 0; i < 20; ++i) all += post("/slow", std::to_string(i));
  one.send(all);
  for (int i = 0; i < 20; ++i) {
    const auto answer = one.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, std::to_string(i));
  }
  EXPECT_EQ(most, 1);
}

TEST_F(HttpServerTest, ManyRepliesWaitOnOneThreadAndComeFromAnother) {
  router.add("POST", "/write", "none", shelf.handler());
  serve();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::make_unique<RawClient>(server->endpoint()));
    clients.back()->send(post("/write", "{}"));
  }
  ASSERT_TRUE(eventually([&] { return shelf.size() == 64; }));
  EXPECT_EQ(ask(get("/hello"))->status, 200);  // the socket thread is free
  std::thread writer([&] {
    int number = 0;
    for (Reply& reply : shelf.take()) reply(Response::json(201, std::to_string(number++)));
  });
  std::set<std::string> bodies;
  for (auto& one : clients) {
    const auto answer = one->read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 201);
    bodies.insert(answer->body);
  }
  writer.join();
  EXPECT_EQ(bodies.size(), 64u);
}

TEST_F(HttpServerTest, AReplyThatIsDroppedOrThrownAwayAnswers500) {
  router.add("GET", "/dropped", "none", [](Request, Reply) {});
  router.add("GET", "/throws", "none", [](Request, Reply) { throw std::runtime_error("no such luck"); });
  serve();
  RawClient one = client();
  for (const char* path : {"/dropped", "/throws", "/hello"}) one.send(get(path));
  EXPECT_EQ(one.read_answer()->status, 500);
  const auto thrown = one.read_answer();
  ASSERT_TRUE(thrown);
  EXPECT_EQ(thrown->status, 500);
  EXPECT_EQ(thrown->headers.at("content-type"), "application/problem+json");
  EXPECT_THAT(thrown->body, ::testing::Not(HasSubstr("luck")));
  EXPECT_EQ(one.read_answer()->status, 200);
  EXPECT_THAT(faults(), ElementsAre("the handler of /throws threw: no such luck"));
}

TEST_F(HttpServerTest, AReplyAfterTheClientLeftIsHarmless) {
  router.add("GET", "/wait", "none", shelf.handler());
  serve();
  {
    RawClient one = client();
    one.send(get("/wait"));
    ASSERT_TRUE(eventually([&] { return shelf.size() == 1; }));
  }
  for (Reply& reply : shelf.take()) reply(Response{});
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
  EXPECT_EQ(ask(get("/hello"))->status, 200);
}

TEST_F(HttpServerTest, UnknownPathsAndMethodsKeepTheConnection) {
  serve();
  RawClient one = client();
  one.send(get("/nothing%20here") + "DELETE /hello HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello"));
  const auto unknown = one.read_answer();
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->status, 404);
  EXPECT_THAT(unknown->body, HasSubstr("\"type\":\"/problems/not-found\""));
  const auto method = one.read_answer();
  ASSERT_TRUE(method);
  EXPECT_EQ(method->status, 405);
  EXPECT_EQ(method->headers.at("allow"), "GET, HEAD");
  EXPECT_EQ(one.read_answer()->status, 200);
  EXPECT_TRUE(eventually([&] { return accesses().size() == 3; }));
  EXPECT_THAT(accesses(), ElementsAre("(none) GET 404", "(none) DELETE 405", "/hello GET 200"));
}

TEST_F(HttpServerTest, ARefusalWithABodyInTheWayClosesAndIsStillReadable) {
  serve();
  RawClient one = client();
  one.send(post("/nothing", std::string(500'000, 'x')));
  const auto answer = one.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404);
  EXPECT_TRUE(answer->whole);
  EXPECT_EQ(answer->headers.at("connection"), "close");
  one.close_sending();
  EXPECT_TRUE(one.at_end());
}

struct Malformed {
  const char* bytes;
  int status;
};

class MalformedTest : public ServerTest, public ::testing::WithParamInterface<Malformed> {};

TEST_P(MalformedTest, IsAnsweredAndTheConnectionClosed) {
  serve();
  RawClient one = client();
  one.send(std::string(GetParam().bytes) + get("/hello"));
  one.close_sending();
  const auto answer = one.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, GetParam().status);
  EXPECT_EQ(answer->headers.at("content-type"), "application/problem+json");
  EXPECT_EQ(answer->headers.at("connection"), "close");
  EXPECT_TRUE(answer->whole);
  EXPECT_TRUE(one.at_end());  // what follows is not taken for another request
}

INSTANTIATE_TEST_SUITE_P(
    Requests, MalformedTest,
    ::testing::Values(
        Malformed{"rubbish\r\n\r\n", 400}, Malformed{"GET /hello\r\n\r\n", 400},
        Malformed{"\x16\x03\x01\x02\x01\x01\r\n\r\n", 400}, Malformed{"GET /hello HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        Malformed{"GET /hello HTTP/1.1\r\n\r\n", 400},
        Malformed{"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        Malformed{"GET hello HTTP/1.1\r\nHost: a\r\n\r\n", 400}, Malformed{"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Malformed{"GET /../hello HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Malformed{"GET /hello HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        Malformed{"GET /hello HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400},
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n", 400},
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400},
        // Two readers could disagree on where these end.
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                  400},
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
                  400},
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", 400},
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx", 400},
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501},
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
        Malformed{
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
            400},
        Malformed{"POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n", 400},
        Malformed{"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello, world\r\n0\r\n\r\n",
                  400}));

TEST_F(HttpServerTest, Http10ClosesUnlessAskedNotTo) {
  serve();
  RawClient closing = client();
  closing.send("GET /hello HTTP/1.0\r\n\r\n");
  const auto answer = closing.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->headers.at("connection"), "close");
  EXPECT_TRUE(closing.at_end());

  RawClient keeping = client();
  keeping.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(keeping.read_answer()->headers.at("connection"), "keep-alive");
  keeping.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(keeping.read_answer()->headers.at("connection"), "close");
  EXPECT_TRUE(keeping.at_end());
}

TEST_F(HttpServerTest, ALineEndInAFieldValueBeginsNoOtherField) {
  router.add("GET", "/inject", "none", [](Request, Reply reply) {
    Response response;
    response.set("X-Echo", "a\r\nSet-Cookie: b");
    response.set("Cache-Control", "max-age=60");
    reply(std::move(response));
  });
  serve();
  const auto answer = ask(get("/inject"));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->headers.contains("set-cookie"));
  EXPECT_EQ(answer->headers.at("x-echo"), "a  Set-Cookie: b");
  EXPECT_EQ(answer->headers.at("cache-control"), "max-age=60");
}

TEST_F(HttpServerTest, DecoratesEveryAnswerRefusalsToo) {
  options.decorate = [](Response& response) { response.set("Headgate-Position", "41"); };
  serve();
  for (const std::string& request : {get("/hello"), get("/nothing"), std::string("rubbish\r\n\r\n")}) {
    const auto answer = ask(request);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->headers.at("headgate-position"), "41");
  }
}

TEST_F(HttpServerTest, MetricsLabelsNeverComeFromTheRequest) {
  router.add("GET", "/v1/services/{service}", "viewer", [](Request, Reply reply) { reply(Response{}); });
  serve();
  ask(get("/v1/services/gateway"));
  ask("BREW /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  ask("rubbish\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return accesses().size() == 3; }));
  EXPECT_THAT(accesses(), ElementsAre("/v1/services/{service} GET 200", "(none) OTHER 405", "(malformed) OTHER 400"));
}

TEST_F(HttpServerTest, NoContentHasNeitherBodyNorLength) {
  router.add("DELETE", "/thing", "none", [](Request, Reply reply) { reply(Response{.status = 204, .body = "never"}); });
  serve();
  RawClient one = client();
  one.send("DELETE /thing HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello"));
  const auto answer = one.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  EXPECT_FALSE(answer->headers.contains("content-length"));
  EXPECT_EQ(one.read_answer()->body, "hello");
}

TEST_F(HttpServerTest, ManyClientsOnSeveralThreads) {
  options.threads = 3;
  serve();
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      RawClient one(server->endpoint());
      for (int i = 0; i < 200; ++i) {
        const std::string body = std::to_string(t * 1000 + i);
        one.send(post("/echo", body));
        const auto answer = one.read_answer();
        if (answer && answer->body == body) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 1600);
}

TEST_F(HttpServerTest, AnswersFromServeOnWhoeverCameBefore) {
  auto listening = HttpServer::listen(std::move(options));
  ASSERT_TRUE(listening.has_value()) << listening.error().message;
  server = std::move(*listening);
  EXPECT_EQ(HttpServer::listen({.port = server->endpoint().port}).error().code, ErrorCode::io) << "it has the address";
  RawClient one = client();
  one.send(get("/hello"));
  server->serve(std::move(router));
  const auto answer = one.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "hello");
}

TEST_F(HttpServerTest, GivesTheAddressBackWhenItNeverServed) {
  auto listening = HttpServer::listen(std::move(options));
  ASSERT_TRUE(listening.has_value()) << listening.error().message;
  const auto port = (*listening)->endpoint().port;
  (*listening)->stop(std::chrono::seconds(5));
  EXPECT_TRUE(HttpServer::listen({.port = port}).has_value());
}

TEST_F(HttpServerTest, RefusesToListenWhereItShouldNot) {
  const auto start = [](HttpServerOptions with) { return HttpServer::start(std::move(with), Router()); };
  const auto open = start({.address = "0.0.0.0"});
  ASSERT_FALSE(open.has_value());
  EXPECT_EQ(open.error().code, ErrorCode::invalid_input);
  EXPECT_THAT(open.error().message, HasSubstr("TLS"));
  EXPECT_EQ(start({.address = "localhost"}).error().code, ErrorCode::invalid_input);
  EXPECT_EQ(start({.threads = 0}).error().code, ErrorCode::invalid_input);
  serve();
  const auto taken = start({.port = server->endpoint().port});
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code, ErrorCode::io);
  EXPECT_THAT(taken.error().message, StartsWith("cannot listen on 127.0.0.1 port "));
}

}  // namespace
}  // namespace headgate::api::test
