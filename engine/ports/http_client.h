// Outgoing HTTP. Blocking: call it from a worker, never from the writer or a socket thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/time.h"

namespace headgate {

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Duration timeout = std::chrono::seconds(30);  // of the whole exchange
  bool follow_redirects = false;
  std::size_t max_response_bytes = 1 << 20;  // a larger answer is an Error (too_large)
  // When set, the body is handed over piece by piece instead of kept (for streams); false ends the exchange.
  std::function<bool(std::string_view)> on_data;
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; the last of equal names
  std::string body;
  Duration latency{0};  // until the last byte
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Any status is a value; an Error (io, timed_out, too_large) means that there is no answer; unavailable: that nobody
  // was asked, for this host is short of what it takes, or a stop came. Thread-safe.
  virtual Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop) = 0;
};

}  // namespace headgate
