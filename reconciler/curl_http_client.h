// Outgoing HTTP by libcurl: http and https alone, certificates verified, everything bounded. The proxy variables of the
// environment (HTTPS_PROXY, NO_PROXY) are honoured as libcurl does.
#pragma once

#include <string>

#include "engine/ports/http_client.h"

namespace headgate::reconciler {

struct CurlOptions {
  std::string ca_file;  // PEM; empty: the system's
  std::string user_agent = "headgate";
  Duration connect_timeout = std::chrono::seconds(10);  // within the request's timeout
};

class CurlHttpClient final : public HttpClient {
 public:
  explicit CurlHttpClient(CurlOptions options = {});

  // One connection each. Errors beyond the port's: invalid_input (URL, method or a header is none), unavailable
  // (`stop` was requested). No message holds more of the URL than scheme, host and port: the rest may be a secret.
  Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop) override;

 private:
  CurlOptions options_;
};

// scheme://host:port of a URL, as libcurl reads it and will connect. invalid_input: it is none of http or https.
Result<std::string> origin_of(const std::string& url);
// Whether libcurl will connect to this host, by whatever protocol: secrets may go there unencrypted.
bool leads_to_this_host(const std::string& url);

}  // namespace headgate::reconciler
