// The HTTP client against a real server on loopback.
#include "reconciler/curl_http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "tests/reconciler/http_test_server.h"
#include "tests/reconciler/test_directory.h"

namespace headgate::reconciler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Send = HttpTestServer::Send;

class CurlHttpClientTest : public testing::Test {
 protected:
  CurlHttpClientTest() { ::setenv("NO_PROXY", "*", 1); }

  static HttpTestServer::Handler answering(std::string answer) {
    return [answer = std::move(answer)](const std::string&, const Send& send) { send(answer); };
  }
  Result<HttpResponse> get(const std::string& url) {
    HttpRequest request;
    request.url = url;
    return client_.send(request, {});
  }

  CurlHttpClient client_;
};

TEST(CurlUrls, OnlyTheHostItselfIsThisHost) {
  for (const auto* url : {"http://127.0.0.1:8420", "https://localhost/", "http://[::1]:1/x", "smtp://127.0.0.1:2525",
                          "smtp://localhost", "http://user@localhost"}) {
    EXPECT_TRUE(leads_to_this_host(url)) << url;
  }
  for (const auto* url : {"smtp://127.evil.example", "smtp://localhost.evil.example:25", "http://127.0.0.1.example.com",
                          "http://localhost@evil.example", "http://[::2]", "smtp://10.0.0.1", "", "localhost:x"}) {
    EXPECT_FALSE(leads_to_this_host(url)) << url;
  }
}

TEST_F(CurlHttpClientTest, WhatIsOnThisHostIsNotAskedThroughAProxy) {
  HttpTestServer server{answering(http_answer(200, "here"))};
  HttpTestServer proxy{answering(http_answer(502, "the proxy"))};
  ::unsetenv("NO_PROXY");
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  const auto here = get(server.url());
  const auto elsewhere = get("http://192.0.2.1/");
  ::unsetenv("http_proxy");
  ASSERT_TRUE(here) << here.error().message;
  EXPECT_EQ(here->body, "here");
  ASSERT_TRUE(elsewhere) << elsewhere.error().message;
  EXPECT_EQ(elsewhere->body, "the proxy");
}

TEST_F(CurlHttpClientTest, GivesStatusHeadersAndBody) {
  HttpTestServer server{answering(http_answer(418, "short and stout", "X-Pot:  tea \r\nx-pot: coffee\r\n"))};
  const auto response = get(server.url());
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 418);
  EXPECT_EQ(response->body, "short and stout");
  EXPECT_EQ(response->headers.at("x-pot"), "coffee");
  EXPECT_GT(response->latency, Duration::zero());
}

TEST_F(CurlHttpClientTest, SendsMethodHeadersAndBodyAsGiven) {
  HttpTestServer server{[](const std::string& request, const Send& send) { send(http_answer(200, request)); }};
  HttpRequest request;
  request.url = server.url("/hook?a=b");
  for (const std::string method : {"POST", "PUT", "PATCH", "DELETE"}) {
    request.method = method;
    request.headers = {{"X-Signature", "sha256=00"}, {"X-Empty", ""}, {"Content-Type", "application/json"}};
    request.body = std::string("{\"zero\":\"\0\"}", 12);
    const auto response = client_.send(request, {});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_THAT(response->body, StartsWith(method + " /hook?a=b HTTP/1.1\r\n"));
    EXPECT_THAT(response->body, HasSubstr("\r\nX-Signature: sha256=00\r\n"));
    EXPECT_THAT(response->body, HasSubstr("\r\nX-Empty:\r\n"));
    EXPECT_THAT(response->body, HasSubstr("\r\nContent-Type: application/json\r\n"));
    EXPECT_THAT(response->body, Not(HasSubstr("x-www-form-urlencoded")));
    EXPECT_TRUE(response->body.ends_with("\r\n\r\n" + request.body));
  }
  request = {};
  request.method = "POST";
  request.url = server.url();
  const auto empty = client_.send(request, {});
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_THAT(empty->body, HasSubstr("Content-Length: 0\r\n"));
  EXPECT_THAT(empty->body, Not(HasSubstr("Content-Type")));
}

TEST_F(CurlHttpClientTest, FollowsRedirectsOnlyWhenAsked) {
  HttpTestServer target{answering(http_answer(200, "there"))};
  HttpTestServer server{answering(http_answer(302, "elsewhere", "X-First: 1\r\nLocation: " + target.url() + "\r\n"))};
  HttpRequest request;
  request.url = server.url();
  const auto stays = client_.send(request, {});
  ASSERT_TRUE(stays) << stays.error().message;
  EXPECT_EQ(stays->status, 302);
  request.follow_redirects = true;
  const auto follows = client_.send(request, {});
  ASSERT_TRUE(follows) << follows.error().message;
  EXPECT_EQ(follows->status, 200);
  EXPECT_EQ(follows->body, "there");
  EXPECT_FALSE(follows->headers.contains("x-first"));
}

TEST_F(CurlHttpClientTest, ARedirectCannotLeaveHttp) {
  HttpTestServer server{answering(http_answer(302, "", "Location: file:///etc/passwd\r\n"))};
  HttpRequest request;
  request.url = server.url();
  request.follow_redirects = true;
  const auto response = client_.send(request, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::io);
}

TEST_F(CurlHttpClientTest, RefusesWhatIsNoHttpRequest) {
  for (const std::string url : {"file:///etc/passwd", "ftp://127.0.0.1/", "not a url", "", "127.0.0.1/x"}) {
    const auto response = get(url);
    ASSERT_FALSE(response) << url;
    EXPECT_EQ(response.error().code, ErrorCode::invalid_input) << url;
  }
  HttpRequest request;
  request.url = "http://127.0.0.1:1/";
  request.headers = {{"X-Good", "a\r\nX-Smuggled: b"}};
  EXPECT_EQ(client_.send(request, {}).error().code, ErrorCode::invalid_input);
  request.headers = {{"X Bad", "a"}};
  EXPECT_EQ(client_.send(request, {}).error().code, ErrorCode::invalid_input);
  request.headers.clear();
  request.method = "GET / HTTP/1.1\r\nX:";
  EXPECT_EQ(client_.send(request, {}).error().code, ErrorCode::invalid_input);
}

TEST_F(CurlHttpClientTest, ABodyHasItsBound) {
  HttpTestServer server{answering(http_answer(200, std::string(1000, 'x')))};
  HttpRequest request;
  request.url = server.url();
  request.max_response_bytes = 1000;
  EXPECT_TRUE(client_.send(request, {}));
  request.max_response_bytes = 999;
  const auto response = client_.send(request, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::too_large);
}

TEST_F(CurlHttpClientTest, EndlessHeadersAreRefused) {
  HttpTestServer server{[](const std::string&, const Send& send) {
    std::string header = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; send(header) && i < 100'000; ++i)
      header = "X-" + std::to_string(i) + ": " + std::string(500, 'y') + "\r\n";
  }};
  const auto response = get(server.url());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::too_large);
}

TEST_F(CurlHttpClientTest, HandsAStreamOverUntilTheReceiverHasEnough) {
  HttpTestServer server{[](const std::string&, const Send& send) {
    if (!send("HTTP/1.1 200 OK\r\n\r\n")) return;
    while (send(std::string(1000, 'x'))) {  // endless
    }
  }};
  std::size_t received = 0;
  HttpRequest request;
  request.url = server.url();
  request.max_response_bytes = 10;  // of no weight for a stream
  request.on_data = [&](std::string_view piece) {
    received += piece.size();
    return received < 100'000;
  };
  const auto response = client_.send(request, {});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "");
  EXPECT_GE(received, 100'000U);
  request.on_data = [](std::string_view) -> bool { throw std::runtime_error("broken"); };
  EXPECT_EQ(client_.send(request, {}).error().code, ErrorCode::io);
}

TEST_F(CurlHttpClientTest, ASilentServerTimesOut) {
  HttpTestServer* self = nullptr;
  HttpTestServer server{[&](const std::string&, const Send& send) {
    send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    eventually([&] { return self->stopping() || !send(""); });
  }};
  self = &server;
  HttpRequest request;
  request.url = server.url("/secret-token");
  request.timeout = milliseconds(200);
  const auto response = client_.send(request, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::timed_out);
  EXPECT_THAT(response.error().message, Not(HasSubstr("secret-token")));
}

TEST_F(CurlHttpClientTest, AStopEndsAWaitAtOnce) {
  std::stop_source stop;
  HttpTestServer* self = nullptr;
  HttpTestServer server{[&](const std::string&, const Send&) {
    stop.request_stop();
    eventually([&] { return self->stopping(); });
  }};
  self = &server;
  HttpRequest request;
  request.url = server.url();
  request.timeout = seconds(30);
  const auto began = std::chrono::steady_clock::now();
  const auto response = client_.send(request, stop.get_token());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(10));
  EXPECT_EQ(client_.send(request, stop.get_token()).error().code, ErrorCode::unavailable);
}

TEST_F(CurlHttpClientTest, NoServerIsAnErrorThatKeepsTheSecretPart) {
  std::string url;
  {
    HttpTestServer server{answering("")};
    url = server.url("/services/T000/secret-token");
  }
  const auto response = get(url);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::io);
  EXPECT_THAT(response.error().message, HasSubstr("http://127.0.0.1:"));
  EXPECT_THAT(response.error().message, Not(HasSubstr("secret-token")));
}

TEST_F(CurlHttpClientTest, ABrokenAnswerIsNoAnswer) {
  HttpTestServer cut{answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")};
  const auto response = get(cut.url());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::io);
  HttpTestServer nonsense{answering("SSH-2.0-OpenSSH\r\n")};
  EXPECT_EQ(get(nonsense.url()).error().code, ErrorCode::io);
}

TEST_F(CurlHttpClientTest, VerifiesCertificates) {
  HttpTestServer server{answering(http_answer(200, "private")), true};
  const auto stranger = get(server.url());
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, ErrorCode::io);
  EXPECT_THAT(stranger.error().message, HasSubstr("certificate"));

  const TestDirectory directory;
  const auto ca = directory.path() / "ca.pem";
  std::ofstream(ca) << server.certificate_pem();
  CurlHttpClient trusting{{.ca_file = ca}};
  HttpRequest request;
  request.url = server.url();
  const auto trusted = trusting.send(request, {});
  ASSERT_TRUE(trusted) << trusted.error().message;
  EXPECT_EQ(trusted->body, "private");
  // The certificate is for the address, not for the name.
  request.url.replace(request.url.find("127.0.0.1"), 9, "localhost");
  EXPECT_FALSE(trusting.send(request, {}));
}

TEST_F(CurlHttpClientTest, ManyThreadsShareAClient) {
  HttpTestServer server{answering(http_answer(200, "ok"))};
  std::atomic<int> good{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10; ++n) {
        const auto response = get(server.url());
        if (response && response->body == "ok") ++good;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(good, 80);
}

}  // namespace
}  // namespace headgate::reconciler
