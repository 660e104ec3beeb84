// Gate reports a second over HTTP, each answered when it is durable.
#include <fmt/core.h>

#include "bench/plain_http.h"
#include "bench/server_world.h"
#include "bench/topics.h"

namespace headgate::bench {
namespace {

constexpr int services = 500;

std::vector<std::string> reports(const ServerWorld& world) {
  constexpr int count = 20'000;
  std::vector<std::string> requests;
  requests.reserve(count);
  for (int i = 0; i < count; ++i) {
    requests.push_back(world.post(
        "/v1/gates", fmt::format(R"({{"service":"service-{}","commit":"{:040x}","gate":"tests","status":"passed",)"
                                 R"("metrics":{{"coverage":91.5}},"url":"https://ci.example.com/runs/{}"}})",
                                 i * 7 % services, i, i)));
  }
  return requests;
}

}  // namespace

void bench_command_http(Harness& harness) {
  if (!harness.wants("command-http/64")) return;
  ServerWorld world(harness.fresh_dir());
  world.put_services(services, false);
  world.push();
  world.start();
  PlainHttpServer plain(harness.fresh_dir());
  const auto requests = reports(world);
  const auto rate = [&](std::uint16_t port) {
    return run_load({.port = port, .connections = 64, .requests = requests}).answers_per_second;
  };
  harness.compare(
      "command-http/64", "reports/s", Better::more, [&] { return rate(world.port()); },
      "a minimal Beast server commits the same bodies to plain RocksDB, synced", [&] { return rate(plain.port()); });
}

}  // namespace headgate::bench
