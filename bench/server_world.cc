#include "bench/server_world.h"

#include <fmt/core.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <charconv>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "bench/workload.h"

namespace headgate::bench {
namespace {

constexpr const char* environments[] = {"development", "staging", "production"};

// As `serve` takes them: each connection here has both of its ends in this process.
void take_all_descriptors() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &files));
}

// Errors alone: the rest would stand between the rows.
app::Log& log() {
  static app::Log lines(app::LogFormat::text);
  spdlog::set_level(spdlog::level::err);
  return lines;
}

}  // namespace

ServerWorld::ServerWorld(const std::filesystem::path& world_dir) : dir(world_dir) {}

ServerWorld::~ServerWorld() = default;

void ServerWorld::put_services(int count, bool targeted) {
  remote.put("hooks/observe.sh", "#!/bin/sh\necho '{\"version\":\"v1\"}'\n", true);
  for (const auto* environment : environments) {
    remote.put(
        fmt::format("environments/{}.yaml", environment),
        fmt::format("apiVersion: headgate.dev/v1\nkind: Environment\nmetadata: {{name: {}}}\nspec:\n  driver:\n"
                    "    command:\n      deploy: [/bin/true]\n      observe: [hooks/observe.sh]\n  observeEvery: "
                    "24h\n",
                    environment));
  }
  for (int i = 0; i < count; ++i) {
    auto service = fmt::format(
        "apiVersion: headgate.dev/v1\nkind: Service\nmetadata: {{name: service-{}}}\nspec:\n  gates: [{{name: "
        "tests}}]\n"
        "  stages:\n",
        i);
    for (const auto* environment : environments) {
      service += fmt::format("    - environment: {}\n      requires: {{gates: [tests]}}\n", environment);
      if (!targeted) continue;
      remote.put(
          fmt::format("targets/{}/service-{}.yaml", environment, i),
          fmt::format("apiVersion: headgate.dev/v1\nkind: Target\nmetadata: {{name: service-{0}.{1}}}\nspec:\n"
                      "  service: service-{0}\n  environment: {1}\n  release: {{version: v1, commit: {2:040x}}}\n",
                      i, environment, i + 1));
    }
    remote.put(fmt::format("services/service-{}.yaml", i), service);
  }
}

void ServerWorld::push() {
  remote.commit();
  remote.publish();
}

void ServerWorld::start() {
  take_all_descriptors();
  ::signal(SIGPIPE, SIG_IGN);
  app::ServerConfig config;
  config.data = data;
  config.port = 0;
  config.origin = kOrigin;
  config.repository.url = (dir / "environments.git").string();
  config.commands.mode = reconciler::CommandMode::repository;
  config.limits.requests_per_second = 0;
  config.drain = std::chrono::seconds(1);
  auto started = app::Server::start(config, clock_, log(), [] { std::terminate(); });
  if (!started) throw std::runtime_error(started.error().message);
  server_ = std::move(*started);
  const auto url = server_->url();
  const auto digits = std::string_view(url).substr(url.rfind(':') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), port_);
  std::string token;
  std::ifstream(data / "admin.token") >> token;
  fields_ = " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token + "\r\n";
  await_ready();
}

void ServerWorld::await_ready() const {
  const auto connection = connect_loopback(port_);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  while (ask(connection.get(), get("/readyz")).status != 200 ||
         ask(connection.get(), get("/metrics")).body.find("\nheadgate_log_whole 1\n") == std::string::npos) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the server does not become ready");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::string ServerWorld::get(const std::string& target) const {
  return "GET " + target + fields_ + "\r\n";
}

std::string ServerWorld::post(const std::string& target, const std::string& json) const {
  return "POST " + target + fields_ +
         fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", json.size(), json);
}

}  // namespace headgate::bench
