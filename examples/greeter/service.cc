#include "examples/greeter/service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <set>

#include "examples/greeter/posix.h"
#include "examples/greeter/worker.h"

namespace greeter {
namespace {

using std::chrono::seconds;

constexpr std::size_t max_deaths = 10;       // of workers …
constexpr seconds death_window(10);          // … within so long: there is no point in going on
constexpr seconds patience_with_workers(3);  // after SIGTERM

Fd listen_on(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) fail_errno("cannot make a socket");
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 128) != 0) {
    fail_errno("cannot listen on 127.0.0.1:" + std::to_string(port));
  }
  return fd;
}

std::uint16_t port_of(const Fd& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) fail_errno("getsockname");
  return ntohs(address.sin_port);
}

class Parent {
 public:
  explicit Parent(const ServiceOptions& options)
      : options_(options),
        signals_(take_signals({SIGTERM, SIGINT, SIGCHLD})),
        log_(options.state_dir.empty() ? Fd() : open_log(options.state_dir / "greeter.log")),
        listener_(listen_on(options.port)) {}

  int run() {
    const auto port = port_of(listener_);
    for (std::uint32_t i = 0; i < options_.workers; ++i) start_worker();
    if (!options_.pid_file.empty()) write_pid_file(options_.pid_file, ::getpid());
    log_line(log_.get(), "greeter " + options_.version + " listens on 127.0.0.1:" + std::to_string(port) + " with " +
                             std::to_string(options_.workers) + " workers");
    std::printf("greeter %s on 127.0.0.1:%u\n", options_.version.c_str(), port);
    std::fflush(stdout);
    while (!stopping_) wait(SteadyClock::time_point::max());
    stop();
    if (!options_.pid_file.empty()) remove_pid_file(options_.pid_file, ::getpid());
    log_line(log_.get(), failed_ ? "stopped: the workers keep ending" : "stopped");
    return failed_ ? 1 : 0;
  }

 private:
  void start_worker() {
    const auto parent = ::getpid();
    const auto pid = ::fork();
    if (pid < 0) fail_errno("cannot start a worker");
    if (pid == 0) {
      // No worker outlives its parent, however that ends.
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(1);
      ::_exit(run_worker(listener_, log_, {options_.version, options_.broken}));
    }
    workers_.insert(pid);
  }

  void wait(SteadyClock::time_point deadline) {
    wait_readable(signals_.get(), deadline);
    while (const int signal = next_signal(signals_)) {
      if (signal == SIGCHLD) {
        bury();
      } else {
        stopping_ = true;
      }
    }
  }

  void bury() {
    int status = 0;
    for (auto pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG)) {
      workers_.erase(pid);
      if (stopping_) continue;
      log_line(log_.get(), "worker " + std::to_string(pid) + " ended, another one takes its place");
      const auto now = SteadyClock::now();
      deaths_.push_back(now);
      while (now - deaths_.front() > death_window) deaths_.pop_front();
      if (deaths_.size() > max_deaths) {
        failed_ = stopping_ = true;
      } else {
        start_worker();
      }
    }
  }

  void stop() {
    for (const auto pid : workers_) ::kill(pid, SIGTERM);
    const auto deadline = SteadyClock::now() + patience_with_workers;
    bury();
    while (!workers_.empty() && SteadyClock::now() < deadline) wait(deadline);
    for (const auto pid : workers_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  const ServiceOptions& options_;
  Fd signals_;
  Fd log_;
  Fd listener_;
  std::set<pid_t> workers_;
  std::deque<SteadyClock::time_point> deaths_;
  bool stopping_ = false;
  bool failed_ = false;
};

}  // namespace

bool is_plain_version(const std::string& text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
           c == '+' || c == '-';
  });
}

int run_service(const ServiceOptions& options) {
  return Parent(options).run();
}

}  // namespace greeter
