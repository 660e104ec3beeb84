// The few POSIX calls that every part of the program shares. Failures are exceptions: std::system_error.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace greeter {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

[[noreturn]] void fail_errno(const std::string& what);

// Blocks these signals and gives them as something to read: no handler, no race between a check and a wait.
Fd take_signals(std::initializer_list<int> signals);
// The next signal that came, 0 when there is none at the moment.
int next_signal(const Fd& signals);

// True when `fd` can be read before the deadline.
bool wait_readable(int fd, SteadyClock::time_point deadline);
// True when one of the two can be read.
bool wait_readable(int first, int second, SteadyClock::time_point deadline);

bool send_all(int fd, std::string_view bytes);  // false: the peer has gone, or did not read in time
void set_io_timeout(int fd, milliseconds timeout);

// Appends one line with time and process id; a log that cannot be written is not worth failing for.
void log_line(int fd, std::string_view text);
Fd open_log(const std::filesystem::path& file);

// Written as a whole: who reads it sees all of it or nothing.
void write_pid_file(const std::filesystem::path& file, pid_t pid);
void remove_pid_file(const std::filesystem::path& file, pid_t pid);  // only when it still holds `pid`
pid_t read_pid_file(const std::filesystem::path& file);              // 0 when there is none

}  // namespace greeter
