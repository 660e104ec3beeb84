#include "reconciler/process_launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace headgate::reconciler {
namespace {

std::unexpected<Error> system_error(std::string_view what, int number) {
  return fail(ErrorCode::io, fmt::format("{}: {}", what, std::strerror(number)));
}

// Above the numbers that the supervisor's descriptors get, so that no dup2 overwrites one that is still to be moved.
constexpr int first_free_fd = 16;

Result<UniqueFd> move_up(UniqueFd fd) {
  UniqueFd moved{::fcntl(fd.get(), F_DUPFD_CLOEXEC, first_free_fd)};
  if (!moved) return system_error("cannot duplicate a descriptor", errno);
  return moved;
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
  UniqueFd read_end{fds[0]};
  UniqueFd write_end{fds[1]};
  Pipe pipe;
  HEADGATE_TRY(pipe.read, move_up(std::move(read_end)));
  HEADGATE_TRY(pipe.write, move_up(std::move(write_end)));
  return pipe;
}

Result<UniqueFd> memory_file(const char* name, std::string_view bytes) {
  UniqueFd file{::memfd_create(name, MFD_CLOEXEC)};
  if (!file) return system_error("cannot make a memory file", errno);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto size = ::write(file.get(), bytes.data() + at, bytes.size() - at);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return system_error("cannot write a memory file", errno);
    at += static_cast<std::size_t>(size);
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return system_error("cannot rewind a memory file", errno);
  return move_up(std::move(file));
}

class SpawnPlan {
 public:
  SpawnPlan() {
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ready_ = ::posix_spawn_file_actions_init(&actions_) == 0 && ::posix_spawnattr_init(&attributes_) == 0 &&
             ::posix_spawnattr_setflags(&attributes_,
                                        POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0 &&
             ::posix_spawnattr_setsigmask(&attributes_, &none) == 0 &&
             ::posix_spawnattr_setsigdefault(&attributes_, &all) == 0 &&
             ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0;
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void give(int fd, int as) { ready_ = ready_ && ::posix_spawn_file_actions_adddup2(&actions_, fd, as) == 0; }

  Result<pid_t> spawn(const std::filesystem::path& binary) {
    // Whatever a library has opened without O_CLOEXEC, sockets above all.
    ready_ = ready_ && ::posix_spawn_file_actions_addclosefrom_np(&actions_, supervisor_order_fd + 1) == 0;
    if (!ready_) return system_error("cannot prepare a process", ENOMEM);
    std::string name = "headgate";
    std::string verb = "supervise";
    std::array<char*, 3> argv{name.data(), verb.data(), nullptr};
    std::array<char*, 1> env{nullptr};  // Headgate's own may hold secrets
    pid_t pid = -1;
    const auto number = ::posix_spawn(&pid, binary.c_str(), &actions_, &attributes_, argv.data(), env.data());
    if (number != 0) return system_error(fmt::format("cannot start the supervisor {}", binary.string()), number);
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  bool ready_ = false;
};

Result<void> make_readable_without_waiting(const UniqueFd& fd) {
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return system_error("cannot change a pipe", errno);
  return {};
}

}  // namespace

Result<LaunchedSupervisor> launch_supervisor(const std::filesystem::path& binary, const SupervisorOrder& order,
                                             int lock, std::string_view input) {
  HEADGATE_TRY(auto out, make_pipe());
  HEADGATE_TRY(auto err, make_pipe());
  HEADGATE_TRY(auto report, make_pipe());
  HEADGATE_TRY(auto control, make_pipe());
  HEADGATE_TRY(const auto order_fd, memory_file("headgate-order", encode(order)));
  UniqueFd input_fd;
  if (!input.empty()) {
    HEADGATE_TRY(input_fd, memory_file("headgate-input", input));
  }
  const UniqueFd lock_copy{::fcntl(lock, F_DUPFD_CLOEXEC, first_free_fd)};
  if (!lock_copy) return system_error("cannot duplicate a descriptor", errno);
  HEADGATE_TRY_VOID(make_readable_without_waiting(out.read));
  HEADGATE_TRY_VOID(make_readable_without_waiting(err.read));
  HEADGATE_TRY_VOID(make_readable_without_waiting(report.read));
  // Fewer wake-ups for talkative programs; a refusal costs nothing.
  static_cast<void>(::fcntl(out.read.get(), F_SETPIPE_SZ, 256 << 10));

  SpawnPlan plan;
  if (input_fd) plan.give(input_fd.get(), STDIN_FILENO);
  plan.give(out.write.get(), STDOUT_FILENO);
  plan.give(err.write.get(), STDERR_FILENO);
  plan.give(control.read.get(), supervisor_control_fd);
  plan.give(report.write.get(), supervisor_report_fd);
  plan.give(lock_copy.get(), supervisor_lock_fd);
  plan.give(order_fd.get(), supervisor_order_fd);
  HEADGATE_TRY(const auto pid, plan.spawn(binary));
  return LaunchedSupervisor{pid, std::move(out.read), std::move(err.read), std::move(report.read),
                            std::move(control.write)};
}

Result<std::optional<SupervisorIdentity>> resolve_user(const std::string& name) {
  if (name.empty()) return std::nullopt;
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> memory(16 << 10);
  int number = 0;
  while ((number = ::getpwnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found)) == ERANGE &&
         memory.size() < (1 << 20)) {
    memory.resize(memory.size() * 2);
  }
  if (number != 0) return system_error(fmt::format("cannot look up the user '{}'", name), number);
  if (found == nullptr) {
    return fail(ErrorCode::not_found, fmt::format("commands.user is '{}', and this host has no such user", name));
  }
  if (::geteuid() == entry.pw_uid) return std::nullopt;
  if (::geteuid() != 0) {
    return fail(ErrorCode::forbidden,
                fmt::format("commands.user is '{}', and only root may start commands as somebody else: run Headgate "
                            "as '{}' or as root",
                            name, name));
  }
  std::vector<gid_t> groups(64);
  int count = static_cast<int>(groups.size());
  if (::getgrouplist(name.c_str(), entry.pw_gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(name.c_str(), entry.pw_gid, groups.data(), &count) < 0) {
      return fail(ErrorCode::io, fmt::format("cannot list the groups of '{}'", name));
    }
  }
  groups.resize(static_cast<std::size_t>(count));
  return SupervisorIdentity{entry.pw_uid, entry.pw_gid, std::move(groups)};
}

}  // namespace headgate::reconciler
