// The HTTP/1.1 server: sockets, TLS, limits and time-outs. What is answered is the router's business.
//
// Each socket thread runs its own event loop and keeps its connections for life, so a connection's state needs no lock.
// One request of a connection is in work at a time; pipelined ones wait in the socket. Request bodies over the limit
// are refused from Content-Length, before a byte of them is read and before any handler runs, and so are those of
// whoever may not use the route (Route::refusal).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/http.h"
#include "api/router.h"
#include "api/tls.h"
#include "engine/domain/error.h"

namespace headgate::api {

struct HttpLimits {
  using Milliseconds = std::chrono::milliseconds;

  std::size_t header_bytes = 16 << 10;        // request line and header; more is 431
  std::size_t body_bytes = 1 << 20;           // more is 413; a route may set its own
  std::size_t max_connections = 2048;         // one more is answered 503 and closed
  std::size_t max_connections_of_peer = 256;  // of one peer (IPv6: one /64); one more is closed without a word
  Milliseconds header_timeout{10'000};        // TLS handshake; whole header, and on a new connection the wait for it
  Milliseconds body_timeout{10'000};          // whole body, once for every MiB that the route admits
  Milliseconds idle_timeout{60'000};          // between two requests
  Milliseconds write_timeout{30'000};         // for every 256 KiB of an answer
  Milliseconds reply_timeout{60'000};         // until a handler's Reply; then 504
  Milliseconds stream_keep_alive{15'000};     // silence on an event stream before a comment line
  Milliseconds stream_stall{60'000};          // silence on any other stream before the connection is cut
  double requests_per_second = 0;             // of one peer; 0 admits everything, more is 429 and closed
  double burst = 100;
};

// One answered request, for metrics. No label comes from the request itself.
struct Access {
  std::string_view route;   // the pattern; "(none)" where none matched, "(malformed)" where nothing could be read
  std::string_view method;  // one of the known ones, else "OTHER"
  int status = 0;
  std::chrono::nanoseconds duration{0};  // from the end of the header to the last byte written
  bool streamed = false;                 // a stream: the duration is that of the reader's stay
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // an IP address; anything but loopback needs tls
  std::uint16_t port = 0;             // 0: any free one
  unsigned threads = 2;
  std::optional<TlsFiles> tls{};
  HttpLimits limits{};
  // The hooks run on socket threads and must not block.
  std::function<void(Response&)> decorate{};         // every answer before it is written, refusals among them
  std::function<void(const Access&)> on_request{};   // every answer after it is written, or the attempt to
  std::function<void(std::string_view)> on_fault{};  // what went wrong in the server itself, for the log
};

struct HttpEndpoint {
  std::string address;
  std::uint16_t port = 0;
};

// Error (invalid_input) when it is no IP address, or when it can be reached from outside this host without TLS.
Result<void> check_address(const std::string& address, bool tls);

class HttpServer {
 public:
  // Has the address on return: whoever connects waits for `serve`. invalid_input: the options; io: the address is taken
  // or the like.
  static Result<std::unique_ptr<HttpServer>> listen(HttpServerOptions options);
  void serve(Router router);  // from here on it answers; once
  // Both at once.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, Router router);

  ~HttpServer();  // stop(0)
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  HttpEndpoint endpoint() const;
  std::size_t connections() const;

  // Accepts nothing more, closes idle connections, ends event streams, and gives requests in work (exports among them)
  // `drain` to end before they are cut. Blocks until all is closed; may be called again. Never from a socket thread.
  void stop(std::chrono::milliseconds drain);

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::api
