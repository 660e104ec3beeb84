// Authenticated reads of single targets over HTTP, against nginx that serves the same bodies as files to whoever asks.
// The client has a core of its own at most: where there are two, it bounds both at the end.
#include <fmt/core.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <thread>

#include "bench/child_process.h"
#include "bench/server_world.h"
#include "bench/topics.h"

namespace headgate::bench {
namespace {

constexpr int services = 100;
constexpr double requests_per_second = 2'000;

// What the server answers once the target has been observed.
std::string settled_body(const ServerWorld& world, int connection, const std::string& target) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (true) {
    const auto answer = ask(connection, world.get(target));
    if (answer.status == 200 && answer.body.find("\"observed\":{") != std::string::npos) return answer.body;
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("not observed: " + answer.body);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

class Nginx {
 public:
  // Serves what is below `dir`/files.
  Nginx(const std::filesystem::path& program, const std::filesystem::path& dir) {
    std::ofstream file(dir / "nginx.conf");
    // As root it would serve as a user who may not read these files.
    if (::geteuid() == 0) file << "user root;\n";
    file << fmt::format(
        "daemon off;\nworker_processes 2;\nerror_log stderr crit;\npid {0}/pid;\nevents {{}}\nhttp {{\n"
        "  access_log off;\n  sendfile on;\n  open_file_cache max=10000;\n  keepalive_requests 1000000000;\n"
        "  default_type application/json;\n  client_body_temp_path {0}/1;\n  proxy_temp_path {0}/2;\n"
        "  fastcgi_temp_path {0}/3;\n  uwsgi_temp_path {0}/4;\n  scgi_temp_path {0}/5;\n"
        "  server {{ listen 127.0.0.1:{1}; root {0}/files; }}\n}}\n",
        dir.string(), port);
    file.close();
    process_.emplace(
        std::vector<std::string>{program, "-p", dir.string(), "-e", "stderr", "-c", (dir / "nginx.conf").string()});
    process_->await_port(port);
  }
  const std::uint16_t port = free_port();

 private:
  std::optional<ChildProcess> process_;
};

}  // namespace

void bench_http_read(Harness& harness) {
  if (!harness.wants_any({"http-read/p99", "http-read/max"})) return;
  ServerWorld world(harness.fresh_dir());
  world.put_services(services, true);
  world.push();
  world.start();
  const auto dir = harness.fresh_dir();
  std::vector<std::string> requests;
  const auto connection = connect_loopback(world.port());
  for (int i = 0; i < services; ++i) {
    for (const auto* environment : {"development", "staging", "production"}) {
      const auto target = fmt::format("/v1/targets/service-{}/{}", i, environment);
      const auto file = dir / "files" / target.substr(1);
      std::filesystem::create_directories(file.parent_path());
      std::ofstream(file) << settled_body(world, connection.get(), target);
      requests.push_back(world.get(target));
    }
  }
  const auto program = find_program("nginx");
  std::optional<Nginx> nginx;
  if (program) nginx.emplace(*program, dir);
  const std::string floor =
      nginx ? "nginx, two workers, the same bodies as files" : "not measured: no nginx (deploy/setup bench)";

  const auto p99 = [&](std::uint16_t port) {
    return percentile(run_load({.port = port,
                                .requests = requests,
                                .requests_per_second = requests_per_second,
                                .run = std::chrono::seconds(3)})
                          .latencies_ms,
                      99);
  };
  const auto most = [&](std::uint16_t port) {
    return run_load({.port = port, .requests = requests}).answers_per_second;
  };
  const auto against = [&](const auto& measured) -> std::function<double()> {
    if (!nginx) return {};
    return [&] { return measured(nginx->port); };
  };
  harness.compare(
      "http-read/p99", "ms p99", Better::less, [&] { return p99(world.port()); }, floor, against(p99));
  harness.compare(
      "http-read/max", "requests/s", Better::more, [&] { return most(world.port()); }, floor, against(most));
}

}  // namespace headgate::bench
