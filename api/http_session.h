// One connection, as a coroutine on its loop. Only http_server.cc and http_session*.cc include this: it brings Asio
// in. http_session.cc reads and dispatches, http_session_write.cc answers.
//
//   handshake ─► idle ─► header ─► [route, limits, access] ─► body ─► handler ─► reply ─► [stream] ─► idle …
//                  └──────┴─────── refused: answer and close ───────┘
//
// Every wait has a deadline in `deadline_`. No timer is set for it: the loop looks at all its sessions a few times a
// second, which costs nothing per request and is exact enough for limits of seconds.
#pragma once

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "api/http_server.h"
#include "api/mailbox.h"
#include "api/rate_limiter.h"

namespace headgate::api {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Steady = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Steady, asio::wait_traits<Steady>, Executor>;
template <class T>
using Task = asio::awaitable<T, Executor>;
// Operations give (error_code, …) and never throw.
constexpr auto awaiting = asio::as_tuple(asio::use_awaitable_t<Executor>{});

class Session;
class RequestParser;

struct Peer {
  std::string address;
  std::string key;  // whom limits count it for: a household or a host has a whole IPv6 /64 to itself
  bool loopback = false;
};
Peer peer_of(asio::ip::address address);

// What all sessions share.
struct HttpService {
  HttpService(HttpServerOptions with, Router to)
      : options(std::move(with)),
        router(std::move(to)),
        limiter(options.limits.requests_per_second, options.limits.burst) {}

  HttpServerOptions options;
  Router router;
  RateLimiter limiter;
  std::optional<asio::ssl::context> tls;

  std::atomic<std::size_t> open{0};      // sessions, from accept until their end
  std::atomic<std::size_t> refusing{0};  // those of them that are only told to come back later
  std::mutex ended_mutex;
  std::condition_variable ended;  // `open` may have become 0

  void fault(std::string_view what) const noexcept;
  // One more connection of a peer: false when it has as many as it may. Each that was admitted leaves. Thread-safe.
  bool admit(const Peer& peer);
  void leave(const Peer& peer);

 private:
  std::mutex peers_mutex_;
  std::unordered_map<std::string, std::size_t> connections_of_;  // by Peer::key
};

// One thread and its sessions. Everything but `io` belongs to that thread.
struct HttpLoop {
  asio::io_context io{1};
  std::unordered_set<Session*> sessions;
  bool draining = false;

  std::string_view http_date();  // now, as RFC 9110 writes it

 private:
  std::time_t date_second_ = 0;
  std::string date_;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  // `peer`: admitted. `refused`: over the limit of connections; it is told so.
  Session(HttpService& service, HttpLoop& loop, Socket socket, Peer peer, bool refused);

  // The rest is called on the loop's thread only.
  void start();
  void enforce_deadline(Steady::time_point now);
  void drain();  // closes when idle, else after the present answer; ends an event stream
  void cut();    // closes at once

 private:
  // One request and how it is answered.
  struct Exchange {
    Request request{};
    const Route* route = nullptr;
    std::string_view label = "(malformed)";  // of its metrics, as is the method
    std::string_view method = "OTHER";
    std::optional<Response> response{};
    Steady::time_point started = Steady::now();
    std::uint64_t body_limit = 0;
    bool head = false;
    bool http_1_1 = true;
    bool expects_continue = false;
    bool keep_alive = false;
  };

  static Task<void> run(std::shared_ptr<Session> self);
  Task<bool> open_connection();
  Task<bool> serve_one();
  Task<bool> read_header(Exchange& exchange, RequestParser& parser);
  Task<bool> read_body(Exchange& exchange, RequestParser& parser);
  bool examine(Exchange& exchange, const RequestParser& parser);
  Task<void> await_reply(Exchange& exchange);
  Task<void> respond(Exchange& exchange);
  Task<bool> send_stream(Stream& stream, bool events, bool chunked);
  Task<bool> write(std::string_view bytes);
  Task<void> close();

  Task<std::tuple<boost::system::error_code, std::size_t>> read_some(std::size_t at_most);
  bool refuse(Exchange& exchange, Response response);
  void describe_peer(Request& request) const;
  void watch_peer();

  // Waits until `box` holds something: nothing when `patience` ran out or the session must end.
  template <class T>
  Task<std::optional<T>> await_mail(std::shared_ptr<Mailbox<T>> box, std::chrono::milliseconds patience,
                                    bool end_on_drain);

  void arm(std::chrono::milliseconds patience);
  bool expired() const { return Steady::now() >= deadline_; }

  HttpService& service_;
  HttpLoop& loop_;
  Socket socket_;
  std::optional<asio::ssl::stream<Socket&>> tls_;
  Timer wake_;  // its cancellation wakes a session that waits for mail
  boost::beast::flat_buffer buffer_;
  Steady::time_point deadline_ = Steady::time_point::max();
  Peer peer_;
  bool refused_ = false;
  bool first_ = true;  // no request was read yet
  bool idle_ = false;  // between two requests
  bool mail_ = false;  // waits for mail, not for the socket
  bool cut_ = false;
  bool peer_gone_ = false;  // seen while streaming
  bool unread_ = false;     // part of a request was left in the socket: linger, or the answer is lost with a reset
};

template <class T>
Task<std::optional<T>> Session::await_mail(std::shared_ptr<Mailbox<T>> box, std::chrono::milliseconds patience,
                                           bool end_on_drain) {
  arm(patience);
  std::optional<T> mail = box->take_or_notify(
      [this, self = shared_from_this()] { asio::post(loop_.io, [self] { self->wake_.cancel(); }); });
  mail_ = true;
  while (!mail && !cut_ && !peer_gone_ && !expired() && !(end_on_drain && loop_.draining)) {
    // What wakes runs on this thread and after the state it tells of has changed, so no call is lost between the test
    // above and the wait.
    wake_.expires_at(Steady::time_point::max());
    co_await wake_.async_wait(awaiting);
    mail = box->take();
  }
  mail_ = false;
  co_return mail;
}

}  // namespace headgate::api
