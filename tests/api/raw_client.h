// A blocking HTTP client that sends exactly the bytes it is told, so that tests can also send what no client should.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/http_server.h"

namespace headgate::api::test {

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool whole = false;  // the body came to the end that its framing promised
};

class RawClient {
 public:
  // receive_buffer_bytes 0: the system's. Every read gives up after 10 s.
  explicit RawClient(const HttpEndpoint& endpoint, int receive_buffer_bytes = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return fd_ >= 0; }
  // False when the handshake failed. certificate and key may be empty.
  bool handshake(const std::string& ca, const std::string& certificate = {}, const std::string& key = {},
                 int max_version = 0);

  bool send(std::string_view bytes);
  void close_sending();
  // Nothing when the connection ended, or nothing came, before a whole header.
  std::optional<Answer> read_answer(bool head = false);
  // Until `text` was seen; what was read up to and including it. Empty when the connection ended before.
  std::string read_until(std::string_view text);
  // The connection was closed (or reset) by the server, with nothing more sent.
  bool at_end();

 private:
  bool fill();  // reads more into pending_
  std::optional<std::string> take_line();

  int fd_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string pending_;
};

// "GET /path HTTP/1.1" with what every request needs.
std::string get(std::string_view path, std::string_view more_headers = {});
std::string post(std::string_view path, std::string_view body, std::string_view more_headers = {});

}  // namespace headgate::api::test
