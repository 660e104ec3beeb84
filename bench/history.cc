// What was, over HTTP, from a log of a million records: one target at a random position, and all of it as NDJSON.
#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <random>
#include <stdexcept>

#include "bench/plain_rocksdb.h"
#include "bench/server_world.h"
#include "bench/topics.h"
#include "bench/workload.h"

namespace headgate::bench {
namespace {

constexpr Position records = 1'000'000;

// Of so few reads the 99th percentile is the slowest: each folds the log from its beginning, but for the end of it,
// where the newest snapshots are.
constexpr int reads = 20;

double state_at_p99_ms(const ServerWorld& world, std::mt19937_64& random) {
  const auto connection = connect_loopback(world.port());
  std::vector<double> milliseconds;
  for (int i = 0; i < reads; ++i) {
    const auto request =
        world.get(fmt::format("/v1/targets/service-{:03}/production?at={}", random() % 500, random() % records));
    milliseconds.push_back(1e3 * seconds_of([&] {
                             // Before its first record a target is not there: that takes as long to find out.
                             const auto answer = ask(connection.get(), request);
                             if (answer.status != 200 && answer.status != 404) throw std::runtime_error(answer.body);
                           }));
  }
  return percentile(milliseconds, 99);
}

double export_rate(const ServerWorld& world) {
  const auto connection = connect_loopback(world.port());
  auto request = world.get("/v1/events");
  // By HTTP/1.0 the body is the bare lines, until the connection ends.
  request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0");
  request.insert(request.size() - 2, "Accept: application/x-ndjson\r\n");
  std::string header;
  std::ptrdiff_t lines = 0;
  const auto seconds = seconds_of([&] {
    if (::send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
      throw std::runtime_error("cannot ask for an export");
    }
    std::vector<char> buffer(256 << 10);
    while (true) {
      const auto count = ::recv(connection.get(), buffer.data(), buffer.size(), 0);
      if (count < 0) throw std::runtime_error("an export was cut");
      if (count == 0) return;
      if (header.empty()) header.assign(buffer.data(), static_cast<std::size_t>(std::min<ssize_t>(count, 15)));
      lines += std::count(buffer.data(), buffer.data() + count, '\n');
    }
  });
  if (header != "HTTP/1.1 200 OK" || static_cast<Position>(lines) < records) {
    throw std::runtime_error("an export of something else: " + header);
  }
  return static_cast<double>(lines) / seconds;
}

}  // namespace

void bench_history(Harness& harness) {
  if (!harness.wants_any({"state-at/1M", "export/1M"})) return;
  ServerWorld world(harness.fresh_dir());
  world.put_services(1, false);
  world.push();
  std::unique_ptr<rocksdb::DB> plain;
  {
    // A server does not go on with a log that was written in the future.
    const auto log = filled_log(world.data, records, world.now() - std::chrono::hours(24 * 60));
    plain = plain_copy(harness.fresh_dir(), *log);
    if (auto closed = log->close(); !closed) throw std::runtime_error(closed.error().message);
  }
  world.start();
  std::mt19937_64 random(1);
  harness.measure("state-at/1M", "ms p99", [&] { return state_at_p99_ms(world, random); });
  harness.compare(
      "export/1M", "events/s", Better::more, [&] { return export_rate(world); },
      "a plain RocksDB scan of the same records", [&] { return scan_rate(*plain, records); });
}

}  // namespace headgate::bench
