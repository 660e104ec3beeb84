#include "examples/greeter/worker.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace greeter {
namespace {

constexpr std::size_t max_request_bytes = 8 << 10;
constexpr milliseconds request_time(2000);

struct Answer {
  int status = 200;
  std::string type = "application/json";
  std::string body;
};

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Internal Server Error";
  }
}

// The head of a request; empty when none came whole, in time and in size.
std::string read_head(int fd) {
  const auto deadline = SteadyClock::now() + request_time;
  std::string head;
  std::array<char, 2048> chunk{};
  while (head.size() < max_request_bytes && wait_readable(fd, deadline)) {
    const auto size = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return {};
    head.append(chunk.data(), static_cast<std::size_t>(size));
    if (head.find("\r\n\r\n") != std::string::npos) return head;
  }
  return {};
}

Answer answer_to(std::string_view method, std::string_view path, const Identity& identity) {
  if (method != "GET" && method != "HEAD") return {405, "text/plain", "only GET\n"};
  const auto who = "\"version\":\"" + identity.version + "\",\"worker\":" + std::to_string(::getpid()) + "}\n";
  if (path == "/health") {
    if (identity.broken) return {500, "application/json", "{\"status\":\"broken\"," + who};
    return {200, "application/json", "{\"status\":\"ok\"," + who};
  }
  if (path == "/version") return {200, "application/json", "{" + who};
  if (path == "/") return {200, "text/plain", "Hello from greeter " + identity.version + "\n"};
  return {404, "text/plain", "nothing here\n"};
}

void serve_one(int fd, const Fd& log, const Identity& identity) {
  set_io_timeout(fd, request_time);
  const auto head = read_head(fd);
  const std::string_view line = std::string_view(head).substr(0, head.find("\r\n"));
  const auto first = line.find(' ');
  const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  Answer answer{400, "text/plain", "not a request\n"};
  std::string_view method;
  if (second != std::string_view::npos) {
    method = line.substr(0, first);
    const auto target = line.substr(first + 1, second - first - 1);
    answer = answer_to(method, target.substr(0, target.find('?')), identity);
  }
  auto text = "HTTP/1.1 " + std::to_string(answer.status) + " " + std::string(reason_of(answer.status)) +
              "\r\nContent-Type: " + answer.type + "\r\nContent-Length: " + std::to_string(answer.body.size()) +
              "\r\nConnection: close\r\n\r\n";
  if (method != "HEAD") text += answer.body;
  send_all(fd, text);
  log_line(log.get(), std::string(line.substr(0, 200)) + " " + std::to_string(answer.status));
}

}  // namespace

int run_worker(const Fd& listener, const Fd& log, const Identity& identity) {
  const auto signals = take_signals({SIGTERM, SIGINT});
  while (true) {
    wait_readable(signals.get(), listener.get(), SteadyClock::time_point::max());
    if (next_signal(signals) != 0) return 0;
    // Another worker may have been quicker: then there is nothing to accept.
    const Fd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (peer) serve_one(peer.get(), log, identity);
  }
}

}  // namespace greeter
