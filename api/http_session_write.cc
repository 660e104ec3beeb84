// The answering half of a session.
#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/http/status.hpp>
#include <cerrno>
#include <ctime>

#include "api/http_session.h"

namespace headgate::api {

namespace beast = boost::beast;
using boost::system::error_code;

namespace {

constexpr std::size_t write_slice_bytes = 256 << 10;
constexpr std::size_t small_body_bytes = 16 << 10;  // goes out in one piece with its header
constexpr std::chrono::milliseconds linger_timeout{2'000};
constexpr std::size_t linger_bytes = 4 << 20;

std::string_view reason_phrase(int status) {
  const auto phrase = beast::http::obsolete_reason(beast::http::int_to_status(static_cast<unsigned>(status)));
  return {phrase.data(), phrase.size()};
}

bool may_have_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

// Field values may hold text that came from outside: a line end in one would begin another field.
void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) out += (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F ? ' ' : c;
  out.append("\r\n");
}

}  // namespace

std::string_view HttpLoop::http_date() {
  const std::time_t now = std::time(nullptr);
  if (now != date_second_) {
    // Names in English whatever the locale is, which strftime would not promise.
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    gmtime_r(&now, &utc);
    date_ = fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[static_cast<std::size_t>(utc.tm_wday)],
                        utc.tm_mday, months[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                        utc.tm_min, utc.tm_sec);
    date_second_ = now;
  }
  return date_;
}

Task<void> Session::respond(Exchange& exchange) {
  Response& response = *exchange.response;
  if (service_.options.decorate) service_.options.decorate(response);
  const bool body_allowed = may_have_body(response.status);
  const bool streamed = response.stream != nullptr;
  const bool chunked = streamed && exchange.http_1_1;
  if (streamed && !chunked) exchange.keep_alive = false;  // HTTP/1.0: the end of the connection ends the body
  if (loop_.draining) exchange.keep_alive = false;

  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  append_field(out, "Date", loop_.http_date());
  for (const auto& [name, value] : response.headers) append_field(out, name, value);
  if (response.header("X-Content-Type-Options") == nullptr) append_field(out, "X-Content-Type-Options", "nosniff");
  if (response.header("Cache-Control") == nullptr) append_field(out, "Cache-Control", "no-store");
  if (chunked) {
    append_field(out, "Transfer-Encoding", "chunked");
  } else if (body_allowed && !streamed) {
    append_field(out, "Content-Length", std::to_string(response.body.size()));
  }
  if (!exchange.keep_alive) {
    append_field(out, "Connection", "close");
  } else if (!exchange.http_1_1) {
    append_field(out, "Connection", "keep-alive");
  }
  out += "\r\n";

  const bool send_body = body_allowed && !exchange.head;
  const std::string* type = response.header("Content-Type");
  const bool events = type != nullptr && type->starts_with("text/event-stream");
  bool whole = true;
  if (streamed) {
    whole = co_await write(out);
    if (whole && send_body) {
      whole = co_await send_stream(*response.stream, events, chunked);
    } else {
      response.stream->cancel();
    }
  } else if (!send_body || response.body.size() <= small_body_bytes) {
    if (send_body) out += response.body;
    whole = co_await write(out);
  } else {
    whole = co_await write(out);
    if (whole) whole = co_await write(response.body);
  }
  if (!whole) {
    exchange.keep_alive = false;
    if (!cut_) cut();
  }
  if (service_.options.on_request) {
    service_.options.on_request(
        Access{exchange.label, exchange.method, response.status, Steady::now() - exchange.started, streamed});
  }
}

// False: the body did not reach its end, and the connection must be cut to say so.
Task<bool> Session::send_stream(Stream& stream, bool events, bool chunked) {
  using Chunk = std::optional<std::string>;
  const HttpLimits& limits = service_.options.limits;
  const auto patience = events ? limits.stream_keep_alive : limits.stream_stall;
  const auto frame = [chunked](std::string_view data) {
    return chunked ? fmt::format("{:x}\r\n{}\r\n", data.size(), data) : std::string(data);
  };
  if (events) watch_peer();
  bool ended = false;
  bool whole = true;
  while (whole && !ended) {
    auto box = std::make_shared<Mailbox<Chunk>>();
    stream.next([box](Chunk chunk) { box->put(std::move(chunk)); });
    std::optional<Chunk> mail = box->take();
    while (!mail && whole) {
      mail = co_await await_mail(box, patience, events);
      if (mail) break;
      if (cut_ || peer_gone_ || !events) {
        whole = false;
      } else if (loop_.draining) {
        break;
      } else {
        whole = co_await write(frame(": keep-alive\n\n"));
      }
    }
    box->close();
    if (!mail) {
      stream.cancel();
      break;
    }
    if (!*mail) {
      ended = true;
      whole = !stream.broken();
    } else if (!(*mail)->empty()) {
      whole = co_await write(frame(**mail));
      if (!whole || (events && loop_.draining)) {
        stream.cancel();
        break;
      }
    }
  }
  error_code ignored;
  if (events && !cut_) socket_.cancel(ignored);  // the watch
  if (whole && chunked) whole = co_await write("0\r\n\r\n");
  co_return whole;
}

// A subscriber that closes its connection is noticed at once and not by the next write. Bytes that arrive meanwhile (a
// pipelined request, a record of TLS) end the watch; then the writes notice.
void Session::watch_peer() {
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& ec) {
    if (ec || self->cut_) return;
    char byte = 0;
    const auto count = ::recv(self->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
      self->peer_gone_ = true;
      self->wake_.cancel();
    }
  });
}

Task<bool> Session::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (cut_) co_return false;
    const std::string_view slice = bytes.substr(0, write_slice_bytes);
    arm(service_.options.limits.write_timeout);
    const asio::const_buffer data(slice.data(), slice.size());
    error_code failed;
    if (tls_) {
      const auto [ec, count] = co_await asio::async_write(*tls_, data, awaiting);
      failed = ec;
    } else {
      const auto [ec, count] = co_await asio::async_write(socket_, data, awaiting);
      failed = ec;
    }
    if (failed) co_return false;
    bytes.remove_prefix(slice.size());
  }
  co_return true;
}

Task<void> Session::close() {
  error_code ignored;
  if (!cut_ && socket_.is_open()) {
    arm(linger_timeout);
    if (tls_) co_await tls_->async_shutdown(awaiting);
    socket_.shutdown(Socket::shutdown_send, ignored);
    if (unread_) {
      // Closing now would reset the connection and could take the answer with it: let the peer read and hang up.
      std::array<char, 4096> discarded{};
      std::size_t total = 0;
      while (!cut_ && total < linger_bytes && !expired()) {
        const auto [ec, count] = co_await socket_.async_read_some(asio::buffer(discarded), awaiting);
        if (ec) break;
        total += count;
      }
    }
  }
  socket_.close(ignored);
}

}  // namespace headgate::api
