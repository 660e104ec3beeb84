// Outgoing HTTP that stays inside the process: what a function of the test answers, handed over as the port says it.
// Held to the contract of the real one by tests/reconciler/http_client_contract_test.cc.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>

#include "engine/ports/http_client.h"

namespace headgate::fakes {

// As thread-safe as its function.
class FakeHttpClient final : public HttpClient {
 public:
  using Answer = std::function<Result<HttpResponse>(const HttpRequest& request, std::stop_token stop)>;

  // Answers nobody.
  FakeHttpClient()
      : FakeHttpClient([](const HttpRequest& request, std::stop_token) -> Result<HttpResponse> {
          return fail(ErrorCode::io, "nobody answers at " + request.url);
        }) {}
  explicit FakeHttpClient(Answer answer) : answer_(std::move(answer)) {}

  Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop) override {
    if (stop.stop_requested()) return fail(ErrorCode::unavailable, "stopped before asking " + request.url);
    auto answer = answer_(request, std::move(stop));
    if (!answer) return answer;
    if (request.on_data) {  // in pieces, as a network does
      const auto body = std::exchange(answer->body, {});
      for (std::size_t at = 0; at < body.size(); at += piece) {
        if (!request.on_data(std::string_view(body).substr(at, piece))) break;
      }
    } else if (answer->body.size() > request.max_response_bytes) {
      return fail(ErrorCode::too_large,
                  "the answer has more than " + std::to_string(request.max_response_bytes) + " bytes");
    }
    return answer;
  }

 private:
  static constexpr std::size_t piece = 1000;
  Answer answer_;
};

}  // namespace headgate::fakes
