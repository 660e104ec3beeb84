#include "bench/http_load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <stdexcept>
#include <system_error>

namespace headgate::bench {
namespace {

using Steady = std::chrono::steady_clock;

[[noreturn]] void fail_by_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in loopback(const std::string& address, std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &at.sin_addr) != 1) throw std::runtime_error("no address: " + address);
  return at;
}

void send_all(int connection, const std::string& request) {
  for (std::size_t sent = 0; sent < request.size();) {
    const auto count = ::send(connection, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (count < 0) fail_by_errno("send");
    sent += static_cast<std::size_t>(count);
  }
}

// An answer as it comes in.
class Incoming {
 public:
  // Takes what is there; true when the answer is whole.
  bool receive(int connection) {
    std::array<char, 64 << 10> buffer;
    const auto count = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (count < 0) fail_by_errno("recv");
    if (count == 0) throw std::runtime_error("the server closed a connection");
    text_.append(buffer.data(), static_cast<std::size_t>(count));
    if (size_ == 0) measure();
    return size_ != 0 && text_.size() >= size_;
  }
  HttpAnswer take() {
    HttpAnswer answer{status_, text_.substr(size_ - body_)};
    drop();
    return answer;
  }
  int status() const { return status_; }
  void drop() {
    text_.clear();
    size_ = 0;
  }

 private:
  void measure() {
    const auto end = text_.find("\r\n\r\n");
    if (end == std::string::npos) return;
    constexpr std::string_view field = "\r\nContent-Length: ";
    const auto at = text_.find(field);
    if (at == std::string::npos || at > end) throw std::runtime_error("an answer without a length:\n" + text_);
    const auto* digits = text_.data() + at + field.size();
    std::from_chars(digits, text_.data() + text_.size(), body_);
    std::from_chars(text_.data() + std::string_view("HTTP/1.1 ").size(), text_.data() + end, status_);
    size_ = end + 4 + body_;
  }

  std::string text_;
  std::size_t size_ = 0;  // of the whole; 0 until the header is there
  std::size_t body_ = 0;
  int status_ = 0;
};

class LoadRun {
 public:
  explicit LoadRun(const HttpLoad& load)
      : load_(load),
        paced_(load.requests_per_second > 0),
        begin_(Steady::now()),
        measured_(begin_ + load.warm_up),
        end_(measured_ + load.run) {
    if (!epoll_) fail_by_errno("epoll");
    connections_.resize(load.connections);
    for (auto& connection : connections_) {
      connection.fd = connect_loopback(load.port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &connection;
      if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.fd.get(), &event) != 0) fail_by_errno("epoll_ctl");
      idle_.push_back(&connection);
    }
  }

  HttpLoadResult run() {
    for (send_due(); busy() || Steady::now() < end_; send_due()) take_answers();
    return {static_cast<double>(in_time_) / std::chrono::duration<double>(load_.run).count(), std::move(latencies_)};
  }

 private:
  struct Connection {
    UniqueFd fd;
    Incoming incoming;
    Steady::time_point due;
  };

  bool busy() const { return idle_.size() < connections_.size() || (paced_ && next_due() < end_); }
  Steady::time_point next_due() const {
    return begin_ + std::chrono::nanoseconds(
                        static_cast<std::int64_t>(static_cast<double>(sent_) * 1e9 / load_.requests_per_second));
  }

  void send_due() {
    while (!idle_.empty()) {
      const auto now = Steady::now();
      const auto due = paced_ ? next_due() : now;
      if (due > now || due >= end_) return;
      auto& connection = *idle_.back();
      idle_.pop_back();
      connection.due = due;
      send_all(connection.fd.get(), load_.requests[sent_++ % load_.requests.size()]);
    }
  }

  void take_answers() {
    auto until = end_;
    if (paced_ && !idle_.empty()) until = std::min(until, next_due());
    auto left = std::max(until - Steady::now(), Steady::duration::zero());
    if (Steady::now() >= end_) left = std::chrono::seconds(10);  // what is late is waited for
    const timespec timeout{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    std::array<epoll_event, 64> events;
    const auto count = ::epoll_pwait2(epoll_.get(), events.data(), events.size(), &timeout, nullptr);
    if (count < 0 && errno != EINTR) fail_by_errno("epoll_pwait2");
    if (count == 0 && Steady::now() > end_ + std::chrono::seconds(5)) throw std::runtime_error("no answer comes");
    for (int i = 0; i < count; ++i) {
      auto& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (connection.incoming.receive(connection.fd.get())) answered(connection);
    }
  }

  void answered(Connection& connection) {
    const auto status = connection.incoming.status();
    if (status / 100 != 2) throw std::runtime_error(connection.incoming.take().body);
    connection.incoming.drop();
    idle_.push_back(&connection);
    const auto now = Steady::now();
    if (now >= measured_ && now < end_) ++in_time_;
    if (connection.due < measured_) return;
    latencies_.push_back(std::chrono::duration<double, std::milli>(now - connection.due).count());
  }

  const HttpLoad& load_;
  const bool paced_;
  const UniqueFd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<Connection> connections_;
  std::vector<Connection*> idle_;
  const Steady::time_point begin_, measured_, end_;
  std::size_t sent_ = 0;
  std::size_t in_time_ = 0;
  std::vector<double> latencies_;
};

}  // namespace

UniqueFd connect_loopback(std::uint16_t port, const std::string& from) {
  UniqueFd connection(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!connection) fail_by_errno("socket");
  const int on = 1;
  ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // The port of this side is chosen when both ends are known: there are enough of them then.
  ::setsockopt(connection.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const auto here = loopback(from, 0);
  const auto there = loopback("127.0.0.1", port);
  if (::bind(connection.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) fail_by_errno("bind");
  if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) {
    fail_by_errno("connect");
  }
  return connection;
}

HttpAnswer ask(int connection, const std::string& request) {
  send_all(connection, request);
  Incoming incoming;
  while (!incoming.receive(connection)) continue;
  return incoming.take();
}

HttpLoadResult run_load(const HttpLoad& load) {
  return LoadRun(load).run();
}

}  // namespace headgate::bench
