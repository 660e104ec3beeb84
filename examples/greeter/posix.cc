#include "examples/greeter/posix.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <system_error>

namespace greeter {
namespace {

int milliseconds_until(SteadyClock::time_point deadline) {
  if (deadline == SteadyClock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(deadline - SteadyClock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 60'000));
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

void fail_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

Fd take_signals(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) fail_errno("cannot block signals");
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) fail_errno("cannot wait for signals");
  return fd;
}

int next_signal(const Fd& signals) {
  signalfd_siginfo info{};
  const auto size = ::read(signals.get(), &info, sizeof info);
  return size == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
}

bool wait_readable(int fd, SteadyClock::time_point deadline) {
  return wait_readable(fd, -1, deadline);
}

bool wait_readable(int first, int second, SteadyClock::time_point deadline) {
  while (true) {
    std::array<pollfd, 2> events{pollfd{first, POLLIN, 0}, pollfd{second, POLLIN, 0}};
    const int ready = ::poll(events.data(), events.size(), milliseconds_until(deadline));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) fail_errno("cannot wait");
    if (ready == 0 && SteadyClock::now() >= deadline) return false;
  }
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void set_io_timeout(int fd, milliseconds timeout) {
  timeval value{};
  value.tv_sec = static_cast<time_t>(timeout.count() / 1000);
  value.tv_usec = static_cast<suseconds_t>(timeout.count() % 1000 * 1000);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value);
}

void log_line(int fd, std::string_view text) {
  if (fd < 0) return;
  const auto now = std::chrono::system_clock::now();
  const auto seconds = std::chrono::system_clock::to_time_t(now);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> time{};
  std::strftime(time.data(), time.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  const auto line = std::string(time.data()) + " " + std::to_string(::getpid()) + " " + std::string(text) + "\n";
  static_cast<void>(::write(fd, line.data(), line.size()) < 0);
}

Fd open_log(const std::filesystem::path& file) {
  Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!fd) fail_errno("cannot open " + file.string());
  return fd;
}

void write_pid_file(const std::filesystem::path& file, pid_t pid) {
  const auto fresh = file.string() + ".new";
  {
    std::ofstream out(fresh, std::ios::trunc);
    out << pid << '\n';
    if (!out.flush()) throw std::runtime_error("cannot write " + fresh);
  }
  std::filesystem::rename(fresh, file);
}

void remove_pid_file(const std::filesystem::path& file, pid_t pid) {
  std::error_code ignored;
  if (read_pid_file(file) == pid) std::filesystem::remove(file, ignored);
}

pid_t read_pid_file(const std::filesystem::path& file) {
  std::ifstream in(file);
  pid_t pid = 0;
  return in >> pid ? pid : 0;
}

}  // namespace greeter
