// What the port promises of outgoing HTTP, of libcurl over a real socket and of the fake.
#include <gtest/gtest.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "reconciler/curl_http_client.h"
#include "tests/fakes/http_client.h"
#include "tests/reconciler/http_test_server.h"

namespace headgate::reconciler {
namespace {

// Both answer with 418, a header, and as many bytes as the path says.
struct Curl {
  CurlHttpClient client;
  HttpTestServer server{[](const std::string& request, const HttpTestServer::Send& send) {
    send(http_answer(418, std::string(std::stoul(request.substr(request.find('/') + 1)), 'x'), "X-Pot: tea\r\n"));
  }};
  Curl() { ::setenv("NO_PROXY", "*", 1); }
  HttpClient& get() { return client; }
  std::string url(std::size_t bytes) const { return server.url("/" + std::to_string(bytes)); }
  static std::string nobody() { return "http://127.0.0.1:1/"; }
};

struct Fake {
  fakes::FakeHttpClient client{[](const HttpRequest& request, const std::stop_token&) -> Result<HttpResponse> {
    if (request.url == nobody()) return fail(ErrorCode::io, "nobody answers");
    HttpResponse response;
    response.status = 418;
    response.headers = {{"x-pot", "tea"}};
    response.body.assign(std::stoul(request.url.substr(request.url.rfind('/') + 1)), 'x');
    return response;
  }};
  HttpClient& get() { return client; }
  static std::string url(std::size_t bytes) { return "http://pot.example.com/" + std::to_string(bytes); }
  static std::string nobody() { return "http://nobody.example.com/"; }
};

template <class Holder>
class HttpClientContract : public ::testing::Test {
 protected:
  static HttpRequest request(const std::string& url) {
    HttpRequest request;
    request.url = url;
    return request;
  }
  Holder holder_;
};

struct Names {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, Curl> ? "Curl" : "Fake";
  }
};
using Holders = ::testing::Types<Curl, Fake>;
TYPED_TEST_SUITE(HttpClientContract, Holders, Names);

TYPED_TEST(HttpClientContract, GivesAnyStatusAsAValue) {
  const auto response = this->holder_.get().send(this->request(this->holder_.url(3)), {});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 418);
  EXPECT_EQ(response->headers.at("x-pot"), "tea");
  EXPECT_EQ(response->body, "xxx");
}

TYPED_TEST(HttpClientContract, SaysThatNobodyAnswers) {
  const auto response = this->holder_.get().send(this->request(this->holder_.nobody()), {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::io);
}

TYPED_TEST(HttpClientContract, RefusesABodyBeyondItsBound) {
  auto request = this->request(this->holder_.url(100));
  request.max_response_bytes = 100;
  EXPECT_TRUE(this->holder_.get().send(request, {}));
  request.max_response_bytes = 99;
  const auto response = this->holder_.get().send(request, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::too_large);
}

TYPED_TEST(HttpClientContract, HandsTheBodyOverInPieces) {
  auto request = this->request(this->holder_.url(100'000));
  request.max_response_bytes = 10;  // of what is kept
  std::string all;
  request.on_data = [&](std::string_view piece) {
    all += piece;
    return true;
  };
  const auto response = this->holder_.get().send(request, {});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(all.size(), 100'000U);
  EXPECT_EQ(response->body, "");
}

TYPED_TEST(HttpClientContract, EndsWhenTheReceiverHasEnough) {
  auto request = this->request(this->holder_.url(1'000'000));
  std::size_t pieces = 0;
  request.on_data = [&](std::string_view) { return ++pieces < 2; };
  const auto response = this->holder_.get().send(request, {});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 418);
  EXPECT_EQ(pieces, 2U);
}

TYPED_TEST(HttpClientContract, AsksNobodyOnceItIsStopped) {
  std::stop_source stop;
  stop.request_stop();
  const auto response = this->holder_.get().send(this->request(this->holder_.url(3)), stop.get_token());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace headgate::reconciler
