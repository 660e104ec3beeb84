#include "examples/greeter/agent.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <stdexcept>

#include "examples/greeter/agent_protocol.h"
#include "examples/greeter/launcher.h"
#include "examples/greeter/posix.h"
#include "examples/greeter/service.h"

namespace greeter {
namespace {

constexpr int request_timeout_ms = 5'000;

struct Instance {
  pid_t pid = 0;
  std::string version;
  std::string artifact;
  std::string activity;  // that started it
  std::uint32_t port = 0;
  std::uint32_t workers = 0;
};

Fd listen_at(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    throw std::runtime_error(path.string() + ": too long for a socket");
  std::ranges::copy(path.native(), address.sun_path);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) fail_errno("cannot make a socket");
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  const auto mask = ::umask(0177);  // whoever may connect may start programs
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::umask(mask);
  if (bound != 0 || ::listen(fd.get(), 16) != 0) fail_errno("cannot listen at " + path.string());
  return fd;
}

std::string field(const Fields& request, std::string_view name) {
  const auto at = request.find(name);
  if (at == request.end() || at->second.empty()) throw std::runtime_error(std::string(name) + " is missing");
  return at->second;
}

std::uint32_t number(const Fields& request, std::string_view name, std::uint32_t low, std::uint32_t high) {
  const auto text = field(request, name);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
    throw std::runtime_error(std::string(name) + " is '" + text + "'");
  }
  return value;
}

class Agent {
 public:
  Agent(const std::filesystem::path& socket, std::filesystem::path state_dir)
      : signals_(take_signals({SIGTERM, SIGINT, SIGCHLD})),
        state_dir_(std::move(state_dir)),
        log_(open_log(state_dir_ / "agent.log")),
        listener_(listen_at(socket)) {}

  void run() {
    log_line(log_.get(), "ready");
    while (!stopping_) {
      wait_readable(signals_.get(), listener_.get(), SteadyClock::time_point::max());
      while (const int signal = next_signal(signals_)) {
        if (signal != SIGCHLD) stopping_ = true;
      }
      look_after_instances();
      const Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (peer && !stopping_) answer(peer.get());
    }
    for (auto& [name, instance] : instances_) halt(name, instance);
    log_line(log_.get(), "stopped");
  }

 private:
  void answer(int peer) {
    set_io_timeout(peer, milliseconds(request_timeout_ms));
    std::string text;
    try {
      const auto request = decode(read_all(peer, max_message_bytes, request_timeout_ms));
      text = "ok " + handle(request) + "\n";
    } catch (const std::exception& error) {
      log_line(log_.get(), std::string("refused: ") + error.what());
      text = std::string("error ") + error.what() + "\n";
    }
    send_all(peer, text);
  }

  std::string handle(const Fields& request) {
    const auto verb = field(request, "verb");
    const auto name = field(request, "name");
    if (!is_plain_version(name)) throw std::runtime_error("'" + name + "' cannot name an instance");
    if (verb == "start") return start(name, request);
    if (verb == "status") return status(name);
    if (verb == "stop") {
      halt(name, instances_[name]);
      return status(name);
    }
    throw std::runtime_error("unknown verb '" + verb + "'");
  }

  std::string start(const std::string& name, const Fields& request) {
    auto& instance = instances_[name];
    const auto activity = field(request, "activity");
    if (instance.pid > 0 && instance.activity == activity) {
      log_line(log_.get(), name + ": " + activity + " again, it runs already");
      return status(name);
    }
    LaunchSpec spec;
    spec.name = name;
    spec.version = field(request, "version");
    if (!is_plain_version(spec.version)) throw std::runtime_error("'" + spec.version + "' is no version");
    spec.port = static_cast<std::uint16_t>(number(request, "port", 1, 65'535));
    spec.workers = number(request, "workers", 1, 64);
    spec.broken = request.contains("broken");
    spec.directory = state_dir_;
    halt(name, instance);
    instance.pid = launch(spec);
    instance.version = spec.version;
    instance.artifact = field(request, "artifact");
    instance.activity = activity;
    instance.port = spec.port;
    instance.workers = spec.workers;
    log_line(log_.get(),
             name + ": " + activity + " started " + spec.version + " as process " + std::to_string(instance.pid));
    return status(name);
  }

  void halt(const std::string& name, Instance& instance) {
    if (instance.pid > 0) {
      stop(instance.pid);
      log_line(log_.get(), name + ": stopped " + instance.version);
    }
    instance = {};
  }

  // In the form that an observe command prints.
  std::string status(const std::string& name) {
    const auto& instance = instances_[name];
    if (instance.pid <= 0) return R"({"version":""})";
    return "{\"version\":" + json_text(instance.version) +
           ",\"artifacts\":{\"greeter\":" + json_text(instance.artifact) + "},\"pid\":" + std::to_string(instance.pid) +
           ",\"port\":" + std::to_string(instance.port) + ",\"workers\":" + std::to_string(instance.workers) + "}";
  }

  void look_after_instances() {
    for (auto& [name, instance] : instances_) {
      if (instance.pid <= 0 || ::waitpid(instance.pid, nullptr, WNOHANG) != instance.pid) continue;
      log_line(log_.get(), name + ": " + instance.version + " ended by itself");
      instance = {};
    }
  }

  Fd signals_;
  std::filesystem::path state_dir_;
  Fd log_;
  Fd listener_;
  std::map<std::string, Instance> instances_;
  bool stopping_ = false;
};

}  // namespace

int run_agent(const std::filesystem::path& socket, const std::filesystem::path& state_dir) {
  std::filesystem::create_directories(state_dir);
  Agent(socket, state_dir).run();
  std::error_code ignored;
  std::filesystem::remove(socket, ignored);
  return 0;
}

}  // namespace greeter
