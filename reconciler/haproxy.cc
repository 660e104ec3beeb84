#include "reconciler/haproxy.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "engine/base/trimmed.h"
#include "engine/base/unique_fd.h"
#include "engine/domain/strategy.h"

namespace headgate::reconciler {
namespace {

constexpr int poll_ms = 100;  // between looks at `stop`

bool is_proxy_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:").find(c) != std::string_view::npos;
  });
}

std::unexpected<Error> trouble(const std::string& socket, const std::string& what) {
  return fail(ErrorCode::io, fmt::format("HAProxy at {}: {}: {}", socket, what, std::strerror(errno)));
}

class Deadline {
 public:
  explicit Deadline(Duration timeout) : at_(std::chrono::steady_clock::now() + timeout) {}
  // Until `fd` is ready for `events`.
  Result<void> wait(int fd, short events, const std::string& socket, const std::stop_token& stop) const {
    while (true) {
      if (stop.stop_requested()) return fail(ErrorCode::unavailable, "stopped before HAProxy had answered");
      if (std::chrono::steady_clock::now() >= at_) {
        return fail(ErrorCode::timed_out, "HAProxy at " + socket + " did not answer in time");
      }
      pollfd ready{fd, events, 0};
      const int count = ::poll(&ready, 1, poll_ms);
      if (count > 0) return {};
      if (count < 0 && errno != EINTR) return trouble(socket, "poll");
    }
  }

 private:
  const std::chrono::steady_clock::time_point at_;
};

}  // namespace

Result<std::string> Haproxy::ask(const std::string& socket, const std::string& command, std::stop_token stop) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid_input, "the path of HAProxy's socket is too long: " + socket);
  }
  std::copy(socket.begin(), socket.end(), address.sun_path);
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return trouble(socket, "no socket");
  const Deadline deadline(timeout_);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return trouble(socket, "cannot be reached");  // a unix socket connects at once, or its queue is full
  }
  for (std::string_view rest = command; !rest.empty();) {
    HEADGATE_TRY_VOID(deadline.wait(fd.get(), POLLOUT, socket, stop));
    const auto sent = ::send(fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return trouble(socket, "cannot be told");
    if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string answer;
  while (true) {
    HEADGATE_TRY_VOID(deadline.wait(fd.get(), POLLIN, socket, stop));
    char buffer[4096];
    const auto got = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (got == 0) return answer;
    if (got < 0 && errno != EAGAIN && errno != EINTR) return trouble(socket, "its answer was cut");
    if (got > 0) answer.append(buffer, static_cast<std::size_t>(got));
    if (answer.size() > max_answer_bytes) return fail(ErrorCode::too_large, "HAProxy's answer is too long");
  }
}

// "5 (initial 100)"
Result<std::uint32_t> Haproxy::weight_of(const HaproxyTraffic& traffic, const std::string& server,
                                         std::stop_token stop) const {
  const auto name = traffic.backend + "/" + server;
  HEADGATE_TRY(const auto answer, ask(traffic.socket, "get weight " + name + "\n", std::move(stop)));
  const auto text = trimmed(answer);
  std::uint32_t weight = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight);
  if (error == std::errc{} && end != text.data()) return weight;
  return fail(ErrorCode::not_found, fmt::format("HAProxy says of the weight of {}: {}", name, text.substr(0, 200)));
}

Result<TrafficShift> Haproxy::shift(const HaproxyTraffic& traffic, std::string_view slot, std::uint32_t percent,
                                    std::stop_token stop) const {
  const auto other = slot == slot_names[0] ? slot_names[1] : slot_names[0];
  const auto mine = traffic.servers.find(slot);
  const auto rest = traffic.servers.find(other);
  if (mine == traffic.servers.end() || rest == traffic.servers.end() || percent > 100) {
    return fail(ErrorCode::invalid_input, fmt::format("no servers for the slots, or a weight over 100: {}", percent));
  }
  for (const auto* name : {&traffic.backend, &mine->second, &rest->second}) {
    if (!is_proxy_name(*name)) {
      return fail(ErrorCode::invalid_input, "no name that HAProxy takes: '" + name->substr(0, 128) + "'");
    }
  }
  HEADGATE_TRY(const auto before, weight_of(traffic, mine->second, stop));
  HEADGATE_TRY(const auto rest_before, weight_of(traffic, rest->second, stop));
  const auto set = [&](const std::string& server, std::uint32_t weight) -> Result<void> {
    const auto name = traffic.backend + "/" + server;
    HEADGATE_TRY(const auto answer, ask(traffic.socket, fmt::format("set weight {} {}\n", name, weight), stop));
    if (const auto text = trimmed(answer); !text.empty()) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("HAProxy refuses weight {} of {}: {}", weight, name, text.substr(0, 200)));
    }
    return {};
  };
  if (percent >= before) {
    HEADGATE_TRY_VOID(set(mine->second, percent));
    HEADGATE_TRY_VOID(set(rest->second, 100 - percent));
  } else {
    HEADGATE_TRY_VOID(set(rest->second, 100 - percent));
    HEADGATE_TRY_VOID(set(mine->second, percent));
  }
  HEADGATE_TRY(const auto read, weight_of(traffic, mine->second, stop));
  HEADGATE_TRY(const auto rest_read, weight_of(traffic, rest->second, stop));
  const auto weights = [&](std::uint32_t a, std::uint32_t b) {
    return fmt::format(R"({{"{}":{},"{}":{}}})", slot, a, other, b);
  };
  if (read != percent || rest_read != 100 - percent) {
    return fail(ErrorCode::conflict, fmt::format("HAProxy was asked for the weights {} and has {}",
                                                 weights(percent, 100 - percent), weights(read, rest_read)));
  }
  return TrafficShift{fmt::format(R"({{"before":{},"asked":{},"read":{}}})", weights(before, rest_before),
                                  weights(percent, 100 - percent), weights(read, rest_read))};
}

}  // namespace headgate::reconciler
