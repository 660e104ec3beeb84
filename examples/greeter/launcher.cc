#include "examples/greeter/launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "examples/greeter/posix.h"

namespace greeter {
namespace {

constexpr milliseconds start_patience(10'000);
constexpr milliseconds stop_patience(5'000);
constexpr milliseconds look_every(10);

std::string last_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string last;
  for (std::string line; std::getline(in, line);) last = line;
  return last.empty() ? "it said nothing" : last;
}

bool ended(pid_t pid) {
  return ::waitpid(pid, nullptr, WNOHANG) == pid;
}

}  // namespace

pid_t launch(const LaunchSpec& spec) {
  const auto pid_file = spec.directory / (spec.name + ".pid");
  const auto output = spec.directory / (spec.name + ".out");
  const auto state = spec.directory / spec.name;
  std::filesystem::create_directories(state);
  std::filesystem::remove(pid_file);

  std::vector<std::string> words{"greeter",    "serve",           "--port",      std::to_string(spec.port),
                                 "--version",  spec.version,      "--workers",   std::to_string(spec.workers),
                                 "--pid-file", pid_file.string(), "--state-dir", state.string()};
  if (spec.broken) words.emplace_back("--broken");
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const Fd out(::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!out) fail_errno("cannot open " + output.string());
  const auto parent = ::getpid();
  const auto pid = ::fork();
  if (pid < 0) fail_errno("cannot start a process");
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setpgid(0, 0);  // a Ctrl-C on the terminal is the agent's to deal with
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(126);
    ::dup2(out.get(), STDOUT_FILENO);
    ::dup2(out.get(), STDERR_FILENO);
    ::execv("/proc/self/exe", argv.data());
    ::_exit(127);
  }
  const auto deadline = SteadyClock::now() + start_patience;
  while (read_pid_file(pid_file) != pid) {
    if (ended(pid)) throw std::runtime_error(spec.name + " did not start: " + last_line(output));
    if (SteadyClock::now() > deadline) {
      stop(pid);
      throw std::runtime_error(spec.name + " did not start in time: " + last_line(output));
    }
    std::this_thread::sleep_for(look_every);
  }
  return pid;
}

void stop(pid_t pid) {
  ::kill(pid, SIGTERM);
  const auto deadline = SteadyClock::now() + stop_patience;
  while (SteadyClock::now() < deadline) {
    if (ended(pid)) return;
    std::this_thread::sleep_for(look_every);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace greeter
