#include "reconciler/process_runner.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "reconciler/process_launch.h"
#include "reconciler/process_lock.h"

namespace headgate::reconciler {
namespace {

using SteadyClock = std::chrono::steady_clock;

// After SIGKILL a process is gone in an instant, unless the kernel waits for a device.
constexpr Duration kill_bound = std::chrono::seconds(30);

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

Result<SupervisorOrder> make_order(const ProcessSpec& spec, Duration grace) {
  const auto bad = [&](std::string_view what) {
    return fail(ErrorCode::invalid_input, fmt::format("cannot run '{}': {}", spec.program.string(), what));
  };
  if (!spec.program.is_absolute()) return bad("the program's path is not absolute");
  if (!spec.directory.is_absolute()) return bad("the working directory's path is not absolute");
  if (spec.timeout <= Duration::zero()) return bad("the timeout is not positive");
  if (has_nul(spec.program.native()) || has_nul(spec.directory.native()) ||
      std::ranges::any_of(spec.arguments, has_nul)) {
    return bad("a path or an argument holds a NUL byte");
  }
  SupervisorOrder order;
  order.program = spec.program.string();
  order.argv.push_back(order.program);
  order.argv.insert(order.argv.end(), spec.arguments.begin(), spec.arguments.end());
  for (const auto& [name, value] : spec.environment) {
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(value)) {
      return bad(fmt::format("the environment variable '{}' has no valid name or holds a NUL byte", name));
    }
    order.env.push_back(name + "=" + value);
  }
  if (!spec.environment.contains("PATH")) {
    const auto* path = std::getenv("PATH");
    order.env.push_back(fmt::format("PATH={}", path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin"));
  }
  order.cwd = spec.directory.string();
  order.grace = std::chrono::ceil<std::chrono::milliseconds>(grace);
  HEADGATE_TRY(order.identity, resolve_user(spec.user));
  return order;
}

// One stream: read, redacted, kept in part.
class Stream {
 public:
  Stream(UniqueFd fd, const ProcessSpec& spec) : fd_(std::move(fd)), capture_(spec.max_output_bytes) {
    if (spec.redactor) redaction_.emplace(*spec.redactor);
  }

  int fd() const { return fd_.get(); }

  // Reads what is there, at most about a MiB so that the other stream gets its turn. False: no more for now.
  bool drain() {
    for (int turn = 0; fd_ && turn < 16; ++turn) {
      const auto size = ::read(fd_.get(), chunk_.data(), chunk_.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) return false;
      if (size <= 0) {
        fd_.reset();
        return false;
      }
      const std::string_view bytes{chunk_.data(), static_cast<std::size_t>(size)};
      if (redaction_) {
        capture_.append(redaction_->push(bytes));
      } else {
        capture_.append(bytes);
      }
    }
    return static_cast<bool>(fd_);
  }

  CapturedOutput take() {
    // Everybody who wrote is gone, so this ends; bounded all the same, for a descriptor may have been sent away.
    for (int turn = 0; turn < 64 && drain(); ++turn) {
    }
    if (redaction_) capture_.append(redaction_->finish());
    return capture_.take();
  }

 private:
  UniqueFd fd_;
  OutputCapture capture_;
  std::optional<RedactedStream> redaction_;
  std::string chunk_ = std::string(64 << 10, '\0');
};

// Follows one supervisor to its end.
class Watch {
 public:
  Watch(LaunchedSupervisor launched, const ProcessSpec& spec, Duration grace, std::stop_token stop)
      : pid_(launched.pid),
        report_fd_(std::move(launched.report)),
        control_(std::move(launched.control)),
        out_(std::move(launched.out), spec),
        err_(std::move(launched.err), spec),
        stop_(std::move(stop)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        started_(SteadyClock::now()),
        timeout_(spec.timeout),
        redactor_(spec.redactor),
        deadline_(started_ + timeout_),
        grace_(grace) {}

  // False: the supervisor still runs, long after everybody should have been killed.
  bool follow() {
    const std::stop_callback on_stop{stop_, [fd = wake_.get()] {
                                       const std::uint64_t one = 1;
                                       static_cast<void>(::write(fd, &one, sizeof one) < 0);
                                     }};
    while (report_fd_) {
      if (!fenced_as_ && stop_.stop_requested()) fence(ProcessResult::End::stopped);
      if (SteadyClock::now() >= deadline_) {
        if (fenced_as_) return false;
        fence(ProcessResult::End::timed_out);
      }
      wait();
    }
    duration_ = std::chrono::duration_cast<Duration>(SteadyClock::now() - started_);
    return true;
  }

  const std::optional<SupervisorReport>& report() const { return report_; }
  pid_t pid() const { return pid_; }

  ProcessResult result() {
    ProcessResult result;
    // A program that ended in time keeps its outcome, however long what it left behind took to be ended.
    if (fenced_as_ && report_->ended_by_itself == 0) {
      result.end = *fenced_as_;
    } else if (WIFEXITED(report_->wait_status)) {
      result.exit_code = WEXITSTATUS(report_->wait_status);
    } else {
      result.end = ProcessResult::End::signalled;
      result.signal = WTERMSIG(report_->wait_status);
    }
    result.out = out_.take();
    result.err = err_.take();
    auto last = result.out.last_line();
    result.last_line = std::move(last.text);
    result.last_line_complete = last.complete;
    result.leftovers = report_->leftovers;
    result.duration = duration_;
    result.timeout = timeout_;
    result.redactor = redactor_;
    return result;
  }

 private:
  void fence(ProcessResult::End why) {
    fenced_as_ = why;
    control_.reset();
    deadline_ = SteadyClock::now() + grace_ + kill_bound;
  }

  void wait() {
    pollfd events[4] = {{report_fd_.get(), POLLIN, 0},
                        {out_.fd(), POLLIN, 0},
                        {err_.fd(), POLLIN, 0},
                        {fenced_as_ ? -1 : wake_.get(), POLLIN, 0}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - SteadyClock::now()).count();
    ::poll(events, 4, static_cast<int>(std::clamp<decltype(left)>(left, 0, wake_ ? 60'000 : 100)));
    if (events[1].revents != 0) out_.drain();
    if (events[2].revents != 0) err_.drain();
    if (events[0].revents != 0) read_report();
  }

  void read_report() {
    SupervisorReport report;
    const auto size = ::read(report_fd_.get(), &report, sizeof report);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (size == static_cast<ssize_t>(sizeof report) && report.magic == SupervisorReport::magic_value) {
      report_ = report;  // its end of file follows when the supervisor is gone
    } else {
      report_fd_.reset();
    }
  }

  pid_t pid_;
  UniqueFd report_fd_;
  UniqueFd control_;
  Stream out_;
  Stream err_;
  std::stop_token stop_;
  UniqueFd wake_;
  SteadyClock::time_point started_;
  Duration timeout_;
  std::shared_ptr<const Redactor> redactor_;
  SteadyClock::time_point deadline_;
  Duration grace_;
  Duration duration_{0};
  std::optional<ProcessResult::End> fenced_as_;
  std::optional<SupervisorReport> report_;
};

std::unexpected<Error> start_error(const ProcessSpec& spec, const SupervisorReport& report) {
  auto code = ErrorCode::io;
  if (report.error_number == ENOENT || report.error_number == ENOTDIR) code = ErrorCode::not_found;
  if (report.error_number == EACCES || report.error_number == EPERM) code = ErrorCode::forbidden;
  if (report.error_number == ENOEXEC || report.error_number == E2BIG) code = ErrorCode::invalid_input;
  auto message = fmt::format("cannot start {} in {}: {} failed: {}", spec.program.string(), spec.directory.string(),
                             describe(report.failed_step), std::strerror(report.error_number));
  if (report.failed_step == StartStep::exec && report.error_number == ENOENT) message += " (or its #! interpreter)";
  if (report.failed_step == StartStep::exec && report.error_number == ENOEXEC) message += " (a script needs a #! line)";
  return fail(code, std::move(message));
}

}  // namespace

ProcessRunner::~ProcessRunner() {
  for (const auto pid : unburied_) ::waitpid(pid, nullptr, WNOHANG);
}

Result<std::filesystem::path> ProcessRunner::lock_file(std::string_view lock_name) const {
  if (lock_name.empty() || lock_file_name(lock_name).size() > 255) {
    return fail(ErrorCode::invalid_input,
                fmt::format("'{}' cannot name a lock: expected 1 to 80 characters", lock_name));
  }
  std::error_code error;
  std::filesystem::create_directories(options_.lock_directory, error);
  if (error) {
    return fail(ErrorCode::io, fmt::format("cannot make the directory of locks {}: {}",
                                           options_.lock_directory.string(), error.message()));
  }
  return options_.lock_directory / lock_file_name(lock_name);
}

void ProcessRunner::bury(pid_t supervisor) {
  const std::lock_guard guard{mutex_};
  if (supervisor > 0) unburied_.push_back(supervisor);
  std::erase_if(unburied_, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
}

Result<ProcessResult> ProcessRunner::run(const ProcessSpec& spec, std::stop_token stop) {
  bury(-1);
  HEADGATE_TRY(const auto order, make_order(spec, options_.grace));
  HEADGATE_TRY(const auto file, lock_file(spec.lock_name));
  HEADGATE_TRY(auto lock, acquire_lock(file, options_.lock_wait, stop));
  if (!lock) {
    ProcessResult result;
    result.end = ProcessResult::End::stopped;
    return result;
  }
  HEADGATE_TRY(auto launched, launch_supervisor(options_.supervisor, order, lock->fd.get(), spec.input));
  lock->fd.reset();  // the supervisor and its child hold it from here on

  Watch watch{std::move(launched), spec, options_.grace, std::move(stop)};
  const bool ended = watch.follow();
  if (!ended) {
    bury(watch.pid());
    return fail(ErrorCode::unavailable, fmt::format("{} was killed, but cannot be proven gone: {} is still held",
                                                    spec.program.string(), file.string()));
  }
  int status = 0;
  while (::waitpid(watch.pid(), &status, 0) < 0 && errno == EINTR) {
  }
  // The lock is the proof, whatever became of the supervisor; a stop does not make it less needed.
  HEADGATE_TRY_VOID(wait_until_released(file, lock->owner, options_.lock_wait));
  if (!watch.report()) {
    return fail(ErrorCode::io, fmt::format("the supervisor of {} ended without a report (wait status {:#x}); nothing "
                                           "of the command is left running",
                                           spec.program.string(), status));
  }
  if (watch.report()->failed_step != StartStep::none) return start_error(spec, *watch.report());
  return watch.result();
}

}  // namespace headgate::reconciler
