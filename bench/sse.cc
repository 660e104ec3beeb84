// A thousand live streams: from when a gate report was due until the last of them has its event.
#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "bench/server_world.h"
#include "bench/topics.h"

namespace headgate::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t subscribers = 1'000;
constexpr std::size_t subscribers_of_peer = 200;  // a peer may hold 256 connections
constexpr std::size_t reports = 100;              // in each run
constexpr auto every = std::chrono::milliseconds(100);

// All streams from one thread.
class Subscribers {
 public:
  explicit Subscribers(const ServerWorld& world) {
    for (std::size_t i = 0; i < subscribers; ++i) {
      auto& stream = streams_.emplace_back();
      stream.fd = connect_loopback(world.port(), fmt::format("127.0.0.{}", 2 + i / subscribers_of_peer));
      const auto request = world.get("/v1/events/stream?type=gate.reported");
      if (::send(stream.fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
        throw std::runtime_error("cannot subscribe");
      }
    }
    for (auto& stream : streams_) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &stream;
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stream.fd.get(), &event);
    }
    read_until([this] { return seen_[0] == subscribers; }, "retry: ");
  }

  // When the last of them had each of the next `count` events.
  std::vector<Steady::time_point> follow(std::size_t count) {
    seen_.assign(count, 0);
    whole_.assign(count, {});
    for (auto& stream : streams_) stream.events = 0;
    read_until([&] { return seen_.back() == subscribers; }, "\ndata: ");
    return whole_;
  }

 private:
  struct Stream {
    UniqueFd fd;
    std::size_t events = 0;
    std::string tail;  // what may be the beginning of a mark
  };

  template <class Done>
  void read_until(Done done, std::string_view mark) {
    std::array<epoll_event, 64> events;
    while (!done()) {
      const auto count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 10'000);
      if (count <= 0) throw std::runtime_error("a stream has fallen silent");
      for (int i = 0; i < count; ++i) {
        read(*static_cast<Stream*>(events[static_cast<std::size_t>(i)].data.ptr), mark);
      }
    }
  }

  void read(Stream& stream, std::string_view mark) {
    std::array<char, 16 << 10> buffer;
    const auto count = ::recv(stream.fd.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) throw std::runtime_error("a stream has ended");
    stream.tail.append(buffer.data(), static_cast<std::size_t>(count));
    for (auto at = stream.tail.find(mark); at != std::string::npos; at = stream.tail.find(mark)) {
      stream.tail.erase(0, at + mark.size());
      if (stream.events == seen_.size()) throw std::runtime_error("more events than were reported");
      const auto event = stream.events++;
      if (++seen_[event] == subscribers) whole_[event] = Steady::now();
    }
    if (stream.tail.size() >= mark.size()) stream.tail.erase(0, stream.tail.size() - mark.size() + 1);
  }

  const UniqueFd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<Stream> streams_;
  std::vector<std::size_t> seen_{0};  // by how many, by event
  std::vector<Steady::time_point> whole_{{}};
};

double p99_ms(const ServerWorld& world, Subscribers& all) {
  const auto connection = connect_loopback(world.port());
  const auto begin = Steady::now() + every;
  std::atomic<int> refused{0};
  std::jthread reporter([&](const std::stop_token& stop) {
    for (std::size_t i = 0; i < reports && !stop.stop_requested(); ++i) {
      const auto request = world.post(
          "/v1/gates",
          fmt::format(R"({{"service":"service-0","commit":"{:040x}","gate":"tests","status":"passed"}})", i));
      std::this_thread::sleep_until(begin + i * every);
      if (ask(connection.get(), request).status != 201) ++refused;
    }
  });
  const auto whole = all.follow(reports);
  reporter.join();
  if (refused > 0) throw std::runtime_error("a report was refused");
  std::vector<double> milliseconds;
  for (std::size_t i = 0; i < reports; ++i) {
    milliseconds.push_back(std::chrono::duration<double, std::milli>(whole[i] - (begin + i * every)).count());
  }
  return percentile(milliseconds, 99);
}

}  // namespace

void bench_sse(Harness& harness) {
  if (!harness.wants("sse/1000")) return;
  ServerWorld world(harness.fresh_dir());
  world.put_services(1, false);
  world.push();
  world.start();
  Subscribers all(world);
  harness.measure("sse/1000", "ms p99", [&] { return p99_ms(world, all); });
}

}  // namespace headgate::bench
