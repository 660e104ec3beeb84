#include "reconciler/name_resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>

namespace headgate::reconciler {
namespace {

using SteadyClock = std::chrono::steady_clock;

// How soon a stop is noticed.
constexpr int kSliceMs = 100;

struct ChannelFree {
  void operator()(ares_channel channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<std::remove_pointer_t<ares_channel>, ChannelFree>;

struct Answer {
  std::optional<int> status;
  std::vector<std::string> addresses;
};

std::string text_of(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, address, text.data(), text.size()) == nullptr ? std::string() : text.data();
}

void take_answer(void* context, int status, int, ares_addrinfo* result) {
  auto& answer = *static_cast<Answer*>(context);
  answer.status = status;
  if (result == nullptr) return;
  for (const auto* node = result->nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family == AF_INET) {
      answer.addresses.push_back(text_of(AF_INET, &reinterpret_cast<const sockaddr_in*>(node->ai_addr)->sin_addr));
    } else if (node->ai_family == AF_INET6) {
      answer.addresses.push_back(text_of(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(node->ai_addr)->sin6_addr));
    }
  }
  ares_freeaddrinfo(result);
}

Result<Channel> open_channel(const ResolverOptions& options) {
  static const int ready = ares_library_init(ARES_LIB_INIT_ALL);
  if (ready != ARES_SUCCESS) return fail(ErrorCode::io, "the resolver cannot be started");
  ares_options wanted{};
  wanted.timeout = 2000;  // of one try; ours ends the whole
  wanted.tries = 3;
  int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
  std::string lookups = "b";
  if (options.only_servers) {
    wanted.lookups = lookups.data();
    wanted.flags = ARES_FLAG_NOSEARCH;
    mask |= ARES_OPT_LOOKUPS | ARES_OPT_FLAGS;
  }
  ares_channel opened = nullptr;
  if (const int status = ares_init_options(&opened, &wanted, mask); status != ARES_SUCCESS) {
    return fail(ErrorCode::io, fmt::format("the resolver cannot be started: {}", ares_strerror(status)));
  }
  Channel channel(opened);
  if (!options.servers.empty()) {
    if (const int status = ares_set_servers_ports_csv(opened, options.servers.c_str()); status != ARES_SUCCESS) {
      return fail(ErrorCode::invalid_input, fmt::format("wrong name servers: {}", ares_strerror(status)));
    }
  }
  return channel;
}

// Lets c-ares read and write what is ready, for a slice at most.
void turn(ares_channel channel) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const auto bits = static_cast<unsigned>(ares_getsock(channel, sockets.data(), ARES_GETSOCK_MAXNUM));
  std::array<pollfd, ARES_GETSOCK_MAXNUM> polled{};
  nfds_t count = 0;
  for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    const bool reads = ARES_GETSOCK_READABLE(bits, i) != 0;
    const bool writes = ARES_GETSOCK_WRITABLE(bits, i) != 0;
    if (!reads && !writes) continue;
    const auto events = static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
    polled[count++] = {sockets[i], events, 0};
  }
  timeval slice{0, kSliceMs * 1000};
  timeval left{};
  const auto* wait = ares_timeout(channel, &slice, &left);
  const auto ready = ::poll(polled.data(), count, static_cast<int>(wait->tv_sec * 1000 + wait->tv_usec / 1000));
  if (ready <= 0) {
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // only what is due
    return;
  }
  for (nfds_t i = 0; i < count; ++i) {
    if (polled[i].revents == 0) continue;
    const bool writes = (polled[i].revents & POLLOUT) != 0;
    const bool reads = (polled[i].revents & ~POLLOUT) != 0;
    ares_process_fd(channel, reads ? polled[i].fd : ARES_SOCKET_BAD, writes ? polled[i].fd : ARES_SOCKET_BAD);
  }
}

}  // namespace

Result<std::vector<std::string>> resolve(const std::string& name, AddressFamily family, Duration timeout,
                                         const ResolverOptions& options, const std::stop_token& stop) {
  const auto deadline = SteadyClock::now() + timeout;
  HEADGATE_TRY(const auto channel, open_channel(options));
  ares_addrinfo_hints hints{};
  hints.ai_flags = ARES_AI_NOSORT;
  hints.ai_family = family == AddressFamily::v4 ? AF_INET : family == AddressFamily::v6 ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  Answer answer;
  ares_getaddrinfo(channel.get(), name.c_str(), nullptr, &hints, take_answer, &answer);
  while (!answer.status && !stop.stop_requested() && SteadyClock::now() < deadline) turn(channel.get());
  if (!answer.status) {
    ares_cancel(channel.get());  // calls take_answer
    if (stop.stop_requested()) return fail(ErrorCode::unavailable, "stopped");
    return fail(ErrorCode::timed_out,
                fmt::format("no answer about the name '{}' in {}", name,
                            format_duration(std::chrono::ceil<std::chrono::milliseconds>(timeout))));
  }
  auto& addresses = answer.addresses;
  std::ranges::sort(addresses);
  const auto repeated = std::ranges::unique(addresses);
  addresses.erase(repeated.begin(), repeated.end());
  if (*answer.status == ARES_SUCCESS && !addresses.empty()) return std::move(addresses);
  const bool none =
      *answer.status == ARES_SUCCESS || *answer.status == ARES_ENOTFOUND || *answer.status == ARES_ENODATA;
  if (none) return fail(ErrorCode::not_found, fmt::format("the name '{}' has no address", name));
  return fail(*answer.status == ARES_ETIMEOUT ? ErrorCode::timed_out : ErrorCode::io,
              fmt::format("the name '{}' cannot be looked up: {}", name, ares_strerror(*answer.status)));
}

std::string usual_address(const std::string& text, AddressFamily& family) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    family = AddressFamily::v4;
    return text_of(AF_INET, &v4);
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
    family = AddressFamily::v6;
    return text_of(AF_INET6, &v6);
  }
  return {};
}

}  // namespace headgate::reconciler
