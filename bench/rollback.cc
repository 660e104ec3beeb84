// From the verdict over a release that all traffic goes to, until HAProxy has been given the old weights and says so:
// by the times of the records of both. Everything else is real too: pushes, scripts, and the checks that fail.
#include <fmt/core.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "bench/child_process.h"
#include "bench/server_world.h"
#include "bench/topics.h"

namespace headgate::bench {
namespace {

constexpr int rollbacks = 100;  // in each run

// Two slots with all traffic on blue. What would answer in them is not asked: where requests go is HAProxy's to say.
class Proxy {
 public:
  Proxy(const std::filesystem::path& program, const std::filesystem::path& dir) {
    const auto port = free_port();
    std::ofstream(dir / "haproxy.cfg") << fmt::format(
        "global\n  stats socket {} mode 600 level admin\ndefaults\n  mode http\n  timeout connect 5s\n"
        "  timeout client 5s\n  timeout server 5s\nfrontend front\n  bind 127.0.0.1:{}\n  default_backend greeter\n"
        "backend greeter\n  server blue 127.0.0.1:9 weight 100\n  server green 127.0.0.1:9 weight 0\n",
        socket.string(), port);
    process_.emplace(std::vector<std::string>{program, "-db", "-f", (dir / "haproxy.cfg").string()});
    process_->await_port(port);
  }
  ~Proxy() {
    process_.reset();
    std::error_code ignored;
    std::filesystem::remove(socket, ignored);
  }

  // Not beside the rest: the path of a socket must be short.
  const std::filesystem::path socket =
      std::filesystem::temp_directory_path() / fmt::format("headgate-bench-{}.sock", ::getpid());

 private:
  std::optional<ChildProcess> process_;
};

// A service by canary whose bad releases pass until all traffic goes to them.
void put_documents(ServerWorld& world, const Proxy& proxy) {
  const auto place = world.dir / "place";
  std::filesystem::create_directories(place);
  world.remote.put("hooks/deploy.sh",
                   "#!/bin/sh\necho \"$HEADGATE_RELEASE_VERSION\" > \"$1/$HEADGATE_SLOT\"\n"
                   "echo \"{\\\"slot\\\":\\\"$HEADGATE_SLOT\\\"}\"\n",
                   true);
  world.remote.put(
      "hooks/observe.sh",
      "#!/bin/sh\nif [ -e \"$1/blue\" ]; then echo '{\"version\":\"v1\"}'; else echo '{\"version\":null}'; fi\n", true);
  world.remote.put("hooks/retire.sh", "#!/bin/sh\nrm -f \"$1/$HEADGATE_SLOT\"\n", true);
  world.remote.put("hooks/verify.sh", "#!/bin/sh\ncase \"$HEADGATE_RELEASE_VERSION\" in *bad*) exit 1 ;; esac\n", true);
  world.remote.put("services/greeter.yaml",
                   "apiVersion: headgate.dev/v1\nkind: Service\nmetadata: {name: greeter}\nspec:\n  stages:\n"
                   "    - environment: staging\n      strategy: {canary: {steps: [{setWeight: 100}]}}\n"
                   "      verify: [{name: works, run: {command: [hooks/verify.sh], timeout: 10s}}]\n");
  world.remote.put(
      "environments/staging.yaml",
      fmt::format(
          "apiVersion: headgate.dev/v1\nkind: Environment\nmetadata: {{name: staging}}\nspec:\n"
          "  driver:\n    command:\n      deploy: [hooks/deploy.sh, \"{0}\"]\n"
          "      observe: [hooks/observe.sh, \"{0}\"]\n      retire: [hooks/retire.sh, \"{0}\"]\n"
          "  observeEvery: 24h\n"
          "  traffic: {{haproxy: {{socket: \"{1}\", backend: greeter, servers: {{blue: blue, green: green}}}}}}\n",
          place.string(), proxy.socket.string()));
}

void wish(ServerWorld& world, const std::string& version) {
  world.remote.put(
      "targets/greeter.yaml",
      fmt::format("apiVersion: headgate.dev/v1\nkind: Target\nmetadata: {{name: greeter.staging}}\nspec:\n"
                  "  service: greeter\n  environment: staging\n  release: {{version: {}, commit: {:040x}}}\n",
                  version, std::hash<std::string>()(version)));
  world.push();
}

// The events of the log in their order, as far as somebody has read.
class Reader {
 public:
  explicit Reader(const ServerWorld& world) : world_(world), connection_(connect_loopback(world.port())) {}

  // The times of the first `begin` and of the `end` that comes behind it, up to and with the first `last`.
  struct Event {
    std::string_view type;         // without version
    std::string_view subject_end;  // empty: any
  };
  std::pair<Timestamp, Timestamp> times(Event begin, Event end, Event last) {
    std::pair<Timestamp, Timestamp> found;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (std::chrono::steady_clock::now() < deadline) {
      const auto answer = ask(connection_.get(), world_.get(fmt::format("/v1/events?limit=500&after={}", after_)));
      if (answer.status != 200) throw std::runtime_error(answer.body);
      const auto page = boost::json::parse(answer.body);
      for (const auto& event : page.at("events").as_array()) {
        after_ = std::stoull(std::string(event.at("id").as_string()));
        const auto time = parse_timestamp(std::string_view(event.at("time").as_string())).value();
        if (is(event, begin)) found.first = time;
        if (is(event, end)) found.second = time;
        if (is(event, last)) return found;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    throw std::runtime_error(fmt::format("no {} within a minute", last.type));
  }

 private:
  static bool is(const boost::json::value& json, Event event) {
    const auto* subject = json.as_object().if_contains("subject");
    return std::string_view(json.at("type").as_string()).contains(event.type) &&
           (subject == nullptr || std::string_view(subject->as_string()).ends_with(event.subject_end));
  }

  const ServerWorld& world_;
  const UniqueFd connection_;
  std::uint64_t after_ = 0;
};

}  // namespace

void bench_rollback(Harness& harness) {
  if (!harness.wants("rollback")) return;
  const auto program = find_program("haproxy");
  if (!program) {
    fmt::print(stderr, "rollback: not measured, there is no haproxy (deploy/setup)\n");
    return;
  }
  const Proxy proxy(*program, harness.fresh_dir());
  ServerWorld world(harness.fresh_dir());
  put_documents(world, proxy);
  wish(world, "v1");
  world.start();
  Reader reader(world);
  reader.times({"promotion.planned", ""}, {"promotion.started", ""}, {"promotion.succeeded", ""});
  int version = 1;
  harness.measure("rollback", "ms p99", [&] {
    std::vector<double> milliseconds;
    for (int i = 0; i < rollbacks; ++i) {
      wish(world, fmt::format("v{}-bad", ++version));
      const auto [decided, back] =
          reader.times({"rollback.started", ""}, {"activity.succeeded", "/rollback-shift"}, {"rollback.succeeded", ""});
      if (back <= decided) throw std::runtime_error("traffic did not come back");
      milliseconds.push_back(std::chrono::duration<double, std::milli>(back - decided).count());
    }
    return percentile(milliseconds, 99);
  });
}

}  // namespace headgate::bench
