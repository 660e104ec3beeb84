#include "reconciler/supervisor.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/unique_fd.h"
#include "reconciler/process_tree.h"
#include "reconciler/supervisor_protocol.h"

namespace headgate::reconciler {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct StartFailure {
  StartStep step = StartStep::none;
  std::int32_t error_number = 0;
};

void report(const SupervisorReport& report) {
  while (::write(supervisor_report_fd, &report, sizeof report) < 0 && errno == EINTR) {
  }
}

std::optional<SupervisorOrder> read_order() {
  struct stat status {};
  if (::fstat(supervisor_order_fd, &status) != 0 || status.st_size <= 0) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto size = ::pread(supervisor_order_fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return std::nullopt;
    at += static_cast<std::size_t>(size);
  }
  return decode_order(bytes);
}

bool forbid_core_dumps() {
  const rlimit none{0, 0};
  return ::setrlimit(RLIMIT_CORE, &none) == 0;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

bool become(const SupervisorIdentity& identity) {
  // Else a script's `echo x > /dev/stderr` fails: the pipes belong to Headgate's user.
  static_cast<void>(::fchown(STDOUT_FILENO, identity.uid, identity.gid) == 0);
  static_cast<void>(::fchown(STDERR_FILENO, identity.uid, identity.gid) == 0);
  return ::setgroups(identity.groups.size(), identity.groups.data()) == 0 &&
         ::setresgid(identity.gid, identity.gid, identity.gid) == 0 &&
         ::setresuid(identity.uid, identity.uid, identity.uid) == 0;
}

bool limit_child() {
  rlimit files{};
  if (!forbid_core_dumps() || ::getrlimit(RLIMIT_NOFILE, &files) != 0) return false;
  files.rlim_cur = std::min<rlim_t>(1024, files.rlim_max);  // select() in old tools breaks above
  return ::setrlimit(RLIMIT_NOFILE, &files) == 0;
}

// By the system call: glibc's signal() refuses its own two signals, which its posix_spawn left ignored.
void reset_signals() {
  const unsigned char all_default[64] = {};  // a kernel sigaction: SIG_DFL, no flags, no mask
  for (int signal = 1; signal < NSIG; ++signal) ::syscall(SYS_rt_sigaction, signal, all_default, nullptr, NSIG / 8);
}

// In the child: everything up to exec. Returns only with a failure.
StartFailure become_program(SupervisorOrder& order, pid_t supervisor) {
  const auto failed = [](StartStep step) { return StartFailure{step, errno}; };
  if (::setsid() < 0) return failed(StartStep::session);
  if (!limit_child()) return failed(StartStep::limits);
  ::umask(022);
  if (order.identity && !become(*order.identity)) return failed(StartStep::user);
  // After the change of user, which clears the signal of the parent's death.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return failed(StartStep::limits);
  }
  if (::getppid() != supervisor) ::_exit(127);
  if (::chdir(order.cwd.c_str()) != 0) return failed(StartStep::directory);
  if (::dup2(supervisor_lock_fd, 3) < 0 || ::close_range(4, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    return failed(StartStep::descriptors);
  }
  reset_signals();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const auto argv = pointers(order.argv);
  const auto env = pointers(order.env);
  // A script that was just exported may still be open for writing in a process that Headgate forked meanwhile, until
  // that one's exec closes it.
  for (int attempt = 0; attempt < 100; ++attempt) {
    ::execve(order.program.c_str(), argv.data(), env.data());
    if (errno != ETXTBSY) break;
    const timespec pause{0, 10'000'000};
    ::nanosleep(&pause, nullptr);
  }
  return failed(StartStep::exec);
}

class Supervisor {
 public:
  Supervisor(pid_t child, UniqueFd signals, UniqueFd started, std::chrono::milliseconds grace)
      : self_(::getpid()),
        child_(child),
        signals_(std::move(signals)),
        started_(std::move(started)),
        grace_(std::max(grace, std::chrono::milliseconds{0})) {}

  SupervisorReport watch() {
    while (!everybody_gone()) {
      if (control_ended_ || child_exited_) stop();
      if (kill_at_ && SteadyClock::now() >= *kill_at_) {
        killing_ = true;
        signal_all(SIGKILL);
      }
      wait();
    }
    read_start_failure();
    report_.failed_step = failure_.step;
    report_.error_number = failure_.error_number;
    return report_;
  }

 private:
  // The direct child stays a zombie until nobody else is left, so that its id, which names the group, stays taken.
  bool everybody_gone() {
    if (!child_exited_) {
      siginfo_t info{};
      if (::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
          info.si_pid == child_) {
        child_exited_ = true;
        report_.ended_by_itself = control_ended_ ? 0 : 1;
      }
    }
    if (!child_reaped_) {
      const auto others = reap_others();
      if (!child_exited_) return false;
      if (!kill_at_) report_.leftovers = others;
      if (others > 0) return false;
      if (::waitpid(child_, &report_.wait_status, 0) != child_) return false;
      child_reaped_ = true;
    }
    // /proc may have missed one; this cannot.
    pid_t reaped = 0;
    while ((reaped = ::waitpid(-1, nullptr, WNOHANG | __WALL)) > 0) {
    }
    return reaped < 0 && errno == ECHILD;
  }

  // Buries adopted orphans that ended; the number of those that did not.
  std::uint32_t reap_others() const {
    std::uint32_t alive = 0;
    for (const auto pid : children_of(self_).value_or(std::vector<pid_t>{})) {
      if (pid != child_ && ::waitpid(pid, nullptr, WNOHANG | __WALL) == 0) ++alive;
    }
    return alive;
  }

  void stop() {
    if (kill_at_) return;
    kill_at_ = SteadyClock::now() + grace_;
    read_start_failure();
    if (started_) {
      ::kill(child_, SIGKILL);  // before exec it is still our own code, deaf to SIGTERM
      return;
    }
    signal_all(SIGTERM);
    signal_all(SIGCONT);  // one that was suspended may end too
  }

  // Each process once: a second SIGTERM means "at once" to some programs.
  void signal_all(int signal) const {
    const auto descendants = descendants_of(self_);
    if (!child_reaped_) ::kill(-child_, signal);
    for (const auto& descendant : descendants) {
      if (signal == SIGKILL || !in_group(descendant.pid)) signal_descendant(descendant, self_, signal);
    }
  }

  bool in_group(pid_t pid) const { return !child_reaped_ && ::getpgid(pid) == child_; }

  void wait() {
    pollfd events[3] = {{signals_.get(), POLLIN, 0},
                        {control_ended_ ? -1 : supervisor_control_fd, POLLIN, 0},
                        {started_ ? started_.get() : -1, POLLIN, 0}};
    ::poll(events, 3, timeout());
    if (events[0].revents != 0) {
      signalfd_siginfo info[16];
      static_cast<void>(::read(signals_.get(), info, sizeof info) < 0);
    }
    if (events[1].revents != 0) read_control();
    if (events[2].revents != 0) read_start_failure();
  }

  int timeout() const {
    if (killing_) return 10;
    if (!kill_at_) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*kill_at_ - SteadyClock::now()).count();
    // A leftover whose parent ignores its death is not announced by SIGCHLD: look now and then.
    return static_cast<int>(std::clamp<decltype(left)>(left, 0, child_exited_ ? 100 : 60'000));
  }

  void read_control() {
    char ignored[64];
    const auto size = ::read(supervisor_control_fd, ignored, sizeof ignored);
    if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) control_ended_ = true;
  }

  // The pipe closes by itself when exec succeeds.
  void read_start_failure() {
    if (!started_) return;
    StartFailure failure;
    const auto size = ::read(started_.get(), &failure, sizeof failure);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (size == static_cast<ssize_t>(sizeof failure)) failure_ = failure;
    started_.reset();
  }

  pid_t self_;
  pid_t child_;
  UniqueFd signals_;
  UniqueFd started_;
  std::chrono::milliseconds grace_;
  bool control_ended_ = false;
  bool child_exited_ = false;
  bool child_reaped_ = false;
  bool killing_ = false;
  std::optional<SteadyClock::time_point> kill_at_;
  StartFailure failure_;
  SupervisorReport report_;
};

// Its own session, no signal that a terminal or a service manager sends to everybody: only the control pipe ends it.
bool prepare_self() {
  if (::close_range(supervisor_order_fd + 1, ~0U, 0) != 0) return false;
  for (const auto fd : {supervisor_control_fd, supervisor_report_fd, supervisor_order_fd}) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return false;
  }
  for (const auto signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU}) {
    ::signal(signal, SIG_IGN);
  }
  ::signal(SIGCHLD, SIG_DFL);
  if (::getsid(0) != ::getpid() && ::setsid() < 0) return false;
  return ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 && forbid_core_dumps();
}

UniqueFd child_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &set, nullptr);
  return UniqueFd{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
}

// The pipes of the output end when the last of the child's processes is gone, not with the supervisor.
void let_go_of_output() {
  const UniqueFd nothing{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  for (const auto fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (!nothing || ::dup2(nothing.get(), fd) < 0) ::close(fd);
  }
}

SupervisorReport not_started(StartStep step) {
  SupervisorReport report;
  report.failed_step = step;
  report.error_number = errno;
  return report;
}

SupervisorReport run_order() {
  if (!prepare_self()) return not_started(StartStep::session);
  auto order = read_order();
  ::close(supervisor_order_fd);
  errno = order ? 0 : EINVAL;
  if (!order) return not_started(StartStep::order);
  if (!children_of(::getpid())) return not_started(StartStep::proc);
  if (::flock(supervisor_lock_fd, LOCK_EX | LOCK_NB) != 0) return not_started(StartStep::lock);
  auto signals = child_signals();
  int started[2];
  if (!signals || ::pipe2(started, O_CLOEXEC | O_NONBLOCK) != 0) return not_started(StartStep::descriptors);
  UniqueFd started_read{started[0]};
  UniqueFd started_write{started[1]};

  const auto self = ::getpid();
  const auto child = ::fork();
  if (child < 0) return not_started(StartStep::fork);
  if (child == 0) {
    const auto failure = become_program(*order, self);
    static_cast<void>(::write(started_write.get(), &failure, sizeof failure) < 0);
    ::_exit(127);
  }
  started_write.reset();
  let_go_of_output();
  return Supervisor{child, std::move(signals), std::move(started_read), order->grace}.watch();
}

}  // namespace

int supervise(int argc, char** argv) {
  static_cast<void>(argc);
  static_cast<void>(argv);
  for (int fd = supervisor_control_fd; fd <= supervisor_order_fd; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) {
      std::fputs("supervise: Headgate itself starts this verb; there is nothing to do by hand\n", stderr);
      return 2;
    }
  }
  report(run_order());
  ::_exit(0);  // the lock goes with the last descriptor, after the report
}

}  // namespace headgate::reconciler
