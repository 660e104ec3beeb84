#include "api/http_session.h"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "api/problem.h"
#include "api/target.h"

namespace headgate::api {

namespace beast = boost::beast;
using boost::system::error_code;

namespace {

std::string_view known_method(std::string_view method) {
  for (const std::string_view known : {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    if (method == known) return known;
  }
  return "OTHER";
}

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

// The status that answers a request which the parser refused.
int status_of_parse_error(const error_code& ec) {
  using beast::http::error;
  if (ec == error::header_limit || ec == error::buffer_overflow) return 431;
  if (ec == error::body_limit) return 413;
  if (ec == error::bad_version) return 505;
  return 400;
}

}  // namespace

// Named so that http_session.h need not bring Beast's parser in.
class RequestParser : public beast::http::request_parser<beast::http::string_body> {};

Peer peer_of(asio::ip::address address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  Peer peer{address.to_string(), {}, address.is_loopback()};
  if (address.is_v6()) {
    auto bytes = address.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
    address = asio::ip::make_address_v6(bytes);
  }
  peer.key = address.to_string();
  return peer;
}

bool HttpService::admit(const Peer& peer) {
  const std::scoped_lock lock(peers_mutex_);
  auto& count = connections_of_[peer.key];
  if (count >= options.limits.max_connections_of_peer) return false;
  ++count;
  return true;
}

void HttpService::leave(const Peer& peer) {
  const std::scoped_lock lock(peers_mutex_);
  const auto found = connections_of_.find(peer.key);
  if (--found->second == 0) connections_of_.erase(found);
}

void HttpService::fault(std::string_view what) const noexcept {
  try {
    if (options.on_fault) options.on_fault(what);
  } catch (...) {
    // A hook that throws has nowhere left to say so.
  }
}

Session::Session(HttpService& service, HttpLoop& loop, Socket socket, Peer peer, bool refused)
    : service_(service),
      loop_(loop),
      socket_(std::move(socket)),
      wake_(loop.io.get_executor()),
      buffer_(service.options.limits.header_bytes + 4096),
      peer_(std::move(peer)),
      refused_(refused) {
  if (service_.tls) tls_.emplace(socket_, *service_.tls);
}

void Session::start() {
  loop_.sessions.insert(this);
  asio::co_spawn(loop_.io.get_executor(), run(shared_from_this()), asio::detached);
}

void Session::arm(std::chrono::milliseconds patience) {
  deadline_ = Steady::now() + patience;
}

void Session::enforce_deadline(Steady::time_point now) {
  if (now < deadline_) return;
  // Again on every round until the coroutine has noticed: an operation may have begun just after the last one.
  wake_.cancel();
  error_code ignored;
  if (!mail_) socket_.cancel(ignored);
}

void Session::drain() {
  wake_.cancel();
  error_code ignored;
  if (idle_) socket_.cancel(ignored);
}

void Session::cut() {
  cut_ = true;
  wake_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

Task<void> Session::run(std::shared_ptr<Session> self) {
  try {
    const bool opened = co_await self->open_connection();
    if (opened) {
      bool more = true;
      while (more) more = co_await self->serve_one();
    }
    co_await self->close();
  } catch (const std::exception& e) {
    self->service_.fault(fmt::format("a connection of {} was dropped: {}", self->peer_.address, e.what()));
    self->cut();
  }
  self->loop_.sessions.erase(self.get());
  if (self->refused_) --self->service_.refusing;
  self->service_.leave(self->peer_);
  HttpService& service = self->service_;
  self.reset();
  const std::scoped_lock lock(service.ended_mutex);
  --service.open;
  service.ended.notify_all();
}

Task<bool> Session::open_connection() {
  const HttpLimits& limits = service_.options.limits;
  error_code ec;
  socket_.set_option(asio::ip::tcp::no_delay(true), ec);
  // A peer that vanished without a word is noticed by the kernel after this time, however little there is to write.
  const auto user_timeout_ms = static_cast<unsigned>(limits.write_timeout.count());
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);

  if (tls_) {
    arm(limits.header_timeout);
    const auto [failed] = co_await tls_->async_handshake(asio::ssl::stream_base::server, awaiting);
    if (failed) {
      tls_.reset();  // there is nothing to shut down
      co_return false;
    }
  }
  if (refused_) {
    Exchange exchange;
    exchange.label = "(none)";
    exchange.response = problem(503, "too many connections are open; try again later");
    unread_ = true;
    co_await respond(exchange);
    co_return false;
  }
  co_return true;
}

Task<std::tuple<error_code, std::size_t>> Session::read_some(std::size_t at_most) {
  const auto room = buffer_.prepare(std::min(at_most, buffer_.max_size() - buffer_.size()));
  if (tls_) return tls_->async_read_some(room, awaiting);
  return socket_.async_read_some(room, awaiting);
}

Task<bool> Session::serve_one() {
  const HttpLimits& limits = service_.options.limits;
  if (loop_.draining || cut_) {
    unread_ = buffer_.size() > 0;
    co_return false;
  }
  if (buffer_.size() == 0) {
    buffer_.shrink_to_fit();
    idle_ = true;
    arm(first_ ? limits.header_timeout : limits.idle_timeout);
    const auto [ec, count] = co_await read_some(4096);
    idle_ = false;
    if (ec) co_return false;
    buffer_.commit(count);
  }
  first_ = false;
  Exchange exchange;
  RequestParser parser;
  bool answerable = co_await read_header(exchange, parser);
  if (!answerable) co_return false;
  if (!exchange.response && examine(exchange, parser)) {
    answerable = co_await read_body(exchange, parser);
    if (!answerable) co_return false;
    if (!exchange.response) co_await await_reply(exchange);
    if (!exchange.response) co_return false;
  }
  co_await respond(exchange);
  co_return exchange.keep_alive && !cut_;
}

// False: there is nobody to answer. A request that cannot be read leaves its refusal in exchange.response.
Task<bool> Session::read_header(Exchange& exchange, RequestParser& parser) {
  const HttpLimits& limits = service_.options.limits;
  arm(limits.header_timeout);
  parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  parser.body_limit(boost::none);  // examine() looks at Content-Length once it knows the route
  while (true) {
    error_code ec;
    buffer_.consume(parser.put(buffer_.data(), ec));
    if (parser.is_header_done() && !ec) break;
    if (ec && ec != beast::http::error::need_more) {
      refuse(exchange, problem(status_of_parse_error(ec), fmt::format("the request cannot be read: {}", ec.message())));
      co_return true;
    }
    if (buffer_.size() >= limits.header_bytes) {
      refuse(exchange, problem(431, fmt::format("the request header has more than {} bytes", limits.header_bytes)));
      co_return true;
    }
    const auto [failed, count] = co_await read_some(4096);
    buffer_.commit(count);
    if (!failed) continue;
    if (cut_ || !expired()) co_return false;
    refuse(exchange, problem(408, "the request header did not arrive in time"));
    co_return true;
  }
  exchange.started = Steady::now();
  co_return true;
}

bool Session::refuse(Exchange& exchange, Response response) {
  exchange.response = std::move(response);
  exchange.keep_alive = false;
  unread_ = true;
  return false;
}

void Session::describe_peer(Request& request) const {
  request.peer = peer_.address;
  request.is_loopback = peer_.loopback;
  request.encrypted = tls_.has_value();
}

// True: the request may go on to its body and handler.
bool Session::examine(Exchange& exchange, const RequestParser& parser) {
  const HttpLimits& limits = service_.options.limits;
  const auto& message = parser.get();
  Request& request = exchange.request;
  request.method = std::string(view(message.method_string()));
  request.target = std::string(view(message.target()));
  for (const auto& field : message) {
    request.headers.add(std::string(view(field.name_string())), std::string(view(field.value())));
  }
  describe_peer(request);
  exchange.method = known_method(request.method);
  exchange.head = request.method == "HEAD";
  exchange.http_1_1 = message.version() == 11;

  // Where two readers could disagree on where the request ends, it ends here (RFC 9112, section 6.3).
  const std::size_t lengths = request.headers.count("content-length");
  const std::size_t encodings = request.headers.count("transfer-encoding");
  const auto length = request.headers.one("content-length");
  const auto encoding = request.headers.one("transfer-encoding");
  if (lengths > 1 || encodings > 1 || (lengths > 0 && encodings > 0)) {
    return refuse(exchange, problem(400, "send one Content-Length or one Transfer-Encoding, not more"));
  }
  if (lengths == 1 && (**length).find_first_not_of("0123456789") != std::string_view::npos) {
    return refuse(exchange, problem(400, "Content-Length must be a number"));
  }
  if (encodings == 1 && !(parser.chunked() && exchange.http_1_1 && (**encoding).size() == 7)) {
    return refuse(exchange, problem(exchange.http_1_1 ? 501 : 400, "the only transfer encoding understood is chunked"));
  }
  const std::size_t hosts = request.headers.count("host");
  if (hosts > 1 || (hosts == 0 && exchange.http_1_1)) {
    return refuse(exchange, problem(400, "send the Host header once"));
  }
  auto target = parse_target(request.target);
  if (!target) return refuse(exchange, problem(target.error()));
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  exchange.label = "(none)";

  // From here on the request is understood: without a body in the way the connection stays usable.
  const std::uint64_t body_bytes = parser.content_length().value_or(0);
  const bool has_body = encodings == 1 || body_bytes > 0;
  exchange.keep_alive = message.keep_alive();
  const auto answer = [&](Response response) {
    if (has_body) return refuse(exchange, std::move(response));
    exchange.response = std::move(response);
    return false;
  };
  RouteMatch match = service_.router.match(request.method, target->segments);
  const bool counted = match.route == nullptr || match.route->counted;
  const auto wait = counted ? service_.limiter.admit(peer_.key, Steady::now()) : std::chrono::milliseconds(0);
  if (wait.count() > 0) {
    Response response = problem(429, "too many requests from this address; slow down");
    response.set("Retry-After", std::to_string((wait.count() + 999) / 1000));
    return refuse(exchange, std::move(response));
  }
  if (match.route == nullptr) {
    if (match.allow.empty()) return answer(problem(404, fmt::format("there is nothing at {}", request.path)));
    Response response = problem(405, fmt::format("{} takes {}", request.path, match.allow));
    response.set("Allow", match.allow);
    return answer(std::move(response));
  }
  exchange.route = match.route;
  exchange.label = match.route->pattern;
  request.route = match.route->pattern;
  request.parameters = std::move(match.parameters);
  if (has_body && (exchange.head || request.method == "GET")) {  // nothing reads it: nobody may have it kept
    return refuse(exchange, problem(413, fmt::format("{} takes no body", request.method)));
  }
  exchange.body_limit = match.route->max_body_bytes != 0 ? match.route->max_body_bytes : limits.body_bytes;
  if (body_bytes > exchange.body_limit) {
    return refuse(exchange, problem(413, fmt::format("the body has {} bytes, expected at most {}", body_bytes,
                                                     exchange.body_limit)));
  }
  if (const std::size_t expectations = request.headers.count("expect"); expectations > 0 && exchange.http_1_1) {
    const auto expectation = request.headers.one("expect");
    if (expectations > 1 || !beast::iequals(**expectation, "100-continue")) {
      return refuse(exchange, problem(417, "the only expectation understood is 100-continue"));
    }
    exchange.expects_continue = has_body;
  }
  if (!has_body || !match.route->refusal) return true;
  auto refusal = match.route->refusal(request);
  return refusal ? refuse(exchange, std::move(*refusal)) : true;
}

// False: there is nobody to answer.
Task<bool> Session::read_body(Exchange& exchange, RequestParser& parser) {
  parser.body_limit(exchange.body_limit);
  parser.eager(true);
  const auto mebibytes = static_cast<std::chrono::milliseconds::rep>((exchange.body_limit + (1 << 20) - 1) >> 20);
  const auto patience = service_.options.limits.body_timeout * std::max<std::chrono::milliseconds::rep>(1, mebibytes);
  if (exchange.expects_continue && buffer_.size() == 0) {
    const bool written = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
    if (!written) co_return false;
  }
  arm(patience);
  while (!parser.is_done()) {
    error_code ec;
    if (buffer_.size() > 0) {
      buffer_.consume(parser.put(buffer_.data(), ec));
      if (parser.is_done() && !ec) break;
      if (ec && ec != beast::http::error::need_more) {
        const int status = status_of_parse_error(ec);
        refuse(exchange,
               problem(status, status == 413 ? fmt::format("the body has more than {} bytes", exchange.body_limit)
                                             : fmt::format("the body cannot be read: {}", ec.message())));
        co_return true;
      }
      if (buffer_.size() == buffer_.max_size()) {
        refuse(exchange, problem(400, "the body cannot be read: a chunk's header is too long"));
        co_return true;
      }
    }
    const auto [failed, count] = co_await read_some(16 << 10);
    buffer_.commit(count);
    if (!failed) continue;
    if (cut_ || !expired()) co_return false;
    refuse(exchange, problem(408, "the request body did not arrive in time"));
    co_return true;
  }
  exchange.request.body = std::move(parser.get().body());
  co_return true;
}

Task<void> Session::await_reply(Exchange& exchange) {
  auto box = std::make_shared<Mailbox<Response>>();
  Reply reply([box](Response response) { box->put(std::move(response)); });
  try {
    exchange.route->handler(std::move(exchange.request), std::move(reply));
  } catch (const std::exception& e) {
    // Where the handler already moved the Reply out, its answer is in the box or still comes.
    service_.fault(fmt::format("the handler of {} threw: {}", exchange.label, e.what()));
  }
  exchange.response = box->take();
  if (!exchange.response) {
    exchange.response = co_await await_mail(box, service_.options.limits.reply_timeout, false);
    box->close();
    if (!exchange.response && !cut_) {
      exchange.response = problem(504, "no answer in time; whether the request took effect is unknown");
    }
  }
}

}  // namespace headgate::api
