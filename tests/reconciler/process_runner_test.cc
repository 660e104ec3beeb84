// Real processes under real supervisors.
#include "reconciler/process_runner.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <thread>

#include "reconciler/process_lock.h"
#include "tests/reconciler/test_directory.h"

namespace headgate::reconciler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using End = ProcessResult::End;

constexpr Duration kGrace = milliseconds(300);
constexpr Duration kTimeToBegin = seconds(2);  // a time limit in which a script has begun, on a busy machine too

// Gone, or dead and only waiting for its parent to notice.
bool is_gone(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(in, text)) return true;
  const auto at = text.rfind(')');
  return at == std::string::npos || text.at(at + 2) == 'Z' || text.at(at + 2) == 'X';
}

class ProcessRunnerTest : public testing::Test {
 protected:
  ProcessRunnerOptions options() const {
    return {.lock_directory = directory_.path() / "locks",
            .supervisor = HEADGATE_PROCESS_HOST,
            .grace = kGrace,
            .lock_wait = seconds(20)};
  }

  ProcessSpec spec(const std::filesystem::path& program, std::vector<std::string> arguments = {}) const {
    ProcessSpec spec;
    spec.lock_name = "gateway/production";
    spec.program = program;
    spec.arguments = std::move(arguments);
    spec.directory = directory_.path();
    spec.timeout = seconds(60);
    return spec;
  }

  ProcessSpec script(std::string_view body) const { return spec(directory_.script("script", body)); }

  ProcessResult must_run(const ProcessSpec& spec, std::stop_token stop = {}) {
    auto result = runner_.run(spec, stop);
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? *result : ProcessResult{};
  }

  pid_t pid_in(const std::string& name) const {
    const auto text = directory_.read(name);
    return text.empty() || text.back() != '\n' ? 0 : static_cast<pid_t>(std::stol(text));
  }

  TestDirectory directory_;
  ProcessRunner runner_{options()};
};

TEST_F(ProcessRunnerTest, GivesExitCodeAndBothStreams) {
  const auto result = must_run(script("echo one; echo two >&2; echo '{\"ok\":true}'; exit 75\n"));
  EXPECT_EQ(result.end, End::exited);
  EXPECT_EQ(result.exit_code, 75);
  EXPECT_EQ(result.out.text(), "one\n{\"ok\":true}\n");
  EXPECT_EQ(result.err.text(), "two\n");
  EXPECT_EQ(result.last_line, "{\"ok\":true}");
  EXPECT_TRUE(result.last_line_complete);
  EXPECT_EQ(result.leftovers, 0U);
  EXPECT_GT(result.duration, Duration::zero());
}

TEST_F(ProcessRunnerTest, TellsADeathBySignalFromAnExit) {
  const auto result = must_run(script("kill -SEGV $$\n"));
  EXPECT_EQ(result.end, End::signalled);
  EXPECT_EQ(result.signal, SIGSEGV);
}

TEST_F(ProcessRunnerTest, PassesArgumentsAsTheyAre) {
  auto command = script("for each; do printf '%s\\n' \"$each\"; done\n");
  command.arguments = {"two words", "$(touch broken)", "--", "'\"; exit 9", "", "*"};
  const auto result = must_run(command);
  EXPECT_EQ(result.out.text(), "two words\n$(touch broken)\n--\n'\"; exit 9\n\n*\n");
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "broken"));
}

TEST_F(ProcessRunnerTest, GivesTheEnvironmentThatIsAskedForAndNothingElse) {
  ASSERT_EQ(::setenv("HEADGATE_LEAK", "secret", 1), 0);
  auto command = spec("/usr/bin/env");
  command.environment = {{"HEADGATE_ACTIVITY", "gateway/production/7/deploy"}, {"PATH", "/usr/bin"}};
  EXPECT_EQ(must_run(command).out.text(), "HEADGATE_ACTIVITY=gateway/production/7/deploy\nPATH=/usr/bin\n");
  command.environment.clear();
  EXPECT_EQ(must_run(command).out.text(), std::string("PATH=") + ::getenv("PATH") + "\n");
  ::unsetenv("HEADGATE_LEAK");
}

TEST_F(ProcessRunnerTest, LeavesNoDescriptorSignalOrPrivilegeOpen) {
  const auto leak = directory_.path() / "leaked-file";
  std::ofstream(leak) << "x";
  const UniqueFd leaked{::open(leak.c_str(), O_RDONLY)};  // without O_CLOEXEC
  ASSERT_TRUE(leaked);
  ASSERT_NE(::signal(SIGUSR2, SIG_IGN), SIG_ERR);
  const auto result = must_run(script(
      "readlink /proc/$$/fd/*; grep -E '^(NoNewPrivs|SigBlk|SigIgn):' /proc/self/status; echo core $(ulimit -c); "
      "read -r stat < /proc/$$/stat; set -- ${stat##*) }; echo group $(($3 - $$)) session $(($4 - $$)); pwd\n"));
  ::signal(SIGUSR2, SIG_DFL);
  const auto text = result.out.text();
  EXPECT_THAT(text, Not(HasSubstr("leaked-file")));
  EXPECT_THAT(text, Not(HasSubstr("memfd")));
  EXPECT_THAT(text, HasSubstr("/dev/null\n"));
  EXPECT_THAT(text, HasSubstr("gateway%2Fproduction.lock\n"));
  EXPECT_THAT(text, HasSubstr("NoNewPrivs:\t1\n"));
  EXPECT_THAT(text, HasSubstr("SigBlk:\t0000000000000000\n"));
  EXPECT_THAT(text, HasSubstr("SigIgn:\t0000000000000000\n"));
  EXPECT_THAT(text, HasSubstr("core 0\n"));
  EXPECT_THAT(text, HasSubstr("group 0 session 0\n"));
  EXPECT_THAT(text, HasSubstr("\n" + directory_.path().string() + "\n"));
}

TEST_F(ProcessRunnerTest, SaysWhyAProgramCannotBeStarted) {
  const auto code = [&](const ProcessSpec& command) {
    const auto result = runner_.run(command, {});
    return result ? std::string("started")
                  : std::to_string(static_cast<int>(result.error().code)) + result.error().message;
  };
  const auto expect = [](ErrorCode expected, std::string_view text) {
    return testing::AllOf(testing::StartsWith(std::to_string(static_cast<int>(expected))), HasSubstr(text));
  };
  EXPECT_THAT(code(spec(directory_.path() / "absent")), expect(ErrorCode::not_found, "absent"));
  EXPECT_THAT(code(spec(directory_.script("lost", "", "#!/no/such/interpreter\n"))),
              expect(ErrorCode::not_found, "interpreter"));
  EXPECT_THAT(code(spec(directory_.script("bare", "echo hello\n", ""))), expect(ErrorCode::invalid_input, "#! line"));
  EXPECT_THAT(code(spec(directory_.path())), expect(ErrorCode::forbidden, "exec"));
  EXPECT_THAT(code(spec("bin/relative")), expect(ErrorCode::invalid_input, "absolute"));
  EXPECT_THAT(code(spec("/bin/echo", {std::string("a\0b", 3)})), expect(ErrorCode::invalid_input, "NUL"));
  auto elsewhere = spec("/bin/echo");
  elsewhere.directory = "/no/such/directory";
  EXPECT_THAT(code(elsewhere), expect(ErrorCode::not_found, "working directory"));
  auto stranger = spec("/bin/echo");
  stranger.user = "no-such-user";
  EXPECT_THAT(code(stranger), expect(ErrorCode::not_found, "no-such-user"));
}

TEST_F(ProcessRunnerTest, RunsAsAnotherUserOnlyWhereItMay) {
  auto command = script("id -u; id -G; echo to stderr > /dev/stderr\n");
  command.user = "nobody";
  const auto result = runner_.run(command, {});
  if (::geteuid() != 0) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::forbidden);
    return;
  }
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->out.text(), "65534\n65534\n");
  EXPECT_EQ(result->err.text(), "to stderr\n");
}

TEST_F(ProcessRunnerTest, ATimeoutEndsAHangingGroup) {
  auto command = script("sleep 1000 & echo $! > inner; echo $$ > outer; wait\n");
  command.timeout = kTimeToBegin;
  const auto result = must_run(command);
  EXPECT_EQ(result.end, End::timed_out);
  ASSERT_GT(pid_in("inner"), 0);
  EXPECT_TRUE(is_gone(pid_in("inner")));
  EXPECT_TRUE(is_gone(pid_in("outer")));
}

TEST_F(ProcessRunnerTest, ATimeoutLetsAProgramCleanUp) {
  auto command = script("trap 'echo cleaned > trace; exit 0' TERM; : > ready; while :; do sleep 0.05; done\n");
  command.timeout = kTimeToBegin;
  EXPECT_EQ(must_run(command).end, End::timed_out);
  EXPECT_EQ(directory_.read("trace"), "cleaned\n");
}

TEST_F(ProcessRunnerTest, KillsWhatIgnoresSigterm) {
  auto command = script("trap '' TERM; echo $$ > outer; while :; do sleep 0.05; done\n");
  command.timeout = kTimeToBegin;
  const auto result = must_run(command);
  EXPECT_EQ(result.end, End::timed_out);
  EXPECT_GE(result.duration, kTimeToBegin + kGrace);
  ASSERT_GT(pid_in("outer"), 0);
  EXPECT_TRUE(is_gone(pid_in("outer")));
}

TEST_F(ProcessRunnerTest, KillsASuspendedProgram) {
  auto command = script("echo $$ > outer; kill -STOP $$\n");
  command.timeout = kTimeToBegin;
  EXPECT_EQ(must_run(command).end, End::timed_out);
  ASSERT_GT(pid_in("outer"), 0);
  EXPECT_TRUE(is_gone(pid_in("outer")));
}

TEST_F(ProcessRunnerTest, AFloodIsDrainedAndCounted) {
  auto command =
      script("echo first; head -c 200000000 /dev/zero; echo; head -c 50000000 /dev/zero >&2; echo '{\"n\":1}'\n");
  command.max_output_bytes = 4096;
  const auto result = must_run(command);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_LT(result.duration, seconds(40));
  EXPECT_EQ(result.out.head.size(), 4096U);
  EXPECT_EQ(result.out.tail.size(), 4096U);
  EXPECT_EQ(result.out.head.substr(0, 6), "first\n");
  EXPECT_EQ(result.out.dropped_bytes, 6 + 200'000'000 + 1 + 8 - 2 * 4096U);
  EXPECT_EQ(result.err.dropped_bytes, 50'000'000 - 2 * 4096U);
  EXPECT_EQ(result.last_line, "{\"n\":1}");
}

TEST_F(ProcessRunnerTest, AnEndlessFloodCanBeStopped) {
  auto command = spec("/usr/bin/yes");
  command.timeout = milliseconds(300);
  const auto result = must_run(command);
  EXPECT_EQ(result.end, End::timed_out);
  EXPECT_GT(result.out.dropped_bytes, 0U);
}

TEST_F(ProcessRunnerTest, ADaemonDoesNotOutliveItsCommand) {
  // Two forks, a session of its own, deaf to SIGTERM, no descriptor left open.
  const auto daemon = directory_.script(
      "daemon",
      "trap '' TERM HUP; exec 0<&- 1>&- 2>&- 3>&-; echo $$ > daemon-pid; while :; do /bin/sleep 0.05; done\n");
  const auto result =
      must_run(script("(setsid " + daemon.string() + " & ) ; while [ ! -s daemon-pid ]; do :; done; echo started\n"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out.text(), "started\n");
  EXPECT_GE(result.leftovers, 1U);
  ASSERT_GT(pid_in("daemon-pid"), 0);
  EXPECT_TRUE(is_gone(pid_in("daemon-pid")));
}

TEST_F(ProcessRunnerTest, WhatIsLeftBehindDoesNotMakeASuccessATimeout) {
  const auto deaf = directory_.script("deaf", "trap '' TERM HUP; echo $$ > daemon-pid; while :; do sleep 0.05; done\n");
  auto command = script("setsid " + deaf.string() + " & while [ ! -s daemon-pid ]; do :; done; echo done\n");
  command.timeout = seconds(3);
  auto patient = options();
  patient.grace = command.timeout;  // what is left behind is ended after the timeout
  const auto result = ProcessRunner(patient).run(command, {});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GE(result->duration, command.timeout);
  EXPECT_EQ(result->end, End::exited);
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_EQ(result->last_line, "done");
  EXPECT_TRUE(is_gone(pid_in("daemon-pid")));
}

TEST_F(ProcessRunnerTest, ACrowdOfDescendantsIsGoneOnReturn) {
  // Each starts two more in sessions of their own, five levels deep.
  const auto breeder =
      directory_.script("breeder",
                        "echo $$ >> pids; [ \"$1\" = 0 ] || for i in 1 2; do setsid \"$0\" $(($1 - 1)) & "
                        "done; trap '' TERM; while :; do sleep 1; done\n");
  auto command = script("\"$1\" 4 & while [ ! -f pids ] || [ $(wc -l < pids) -lt 31 ]; do sleep 0.05; done\n");
  command.arguments = {breeder.string()};
  EXPECT_EQ(must_run(command).exit_code, 0);
  std::istringstream pids(directory_.read("pids"));
  int count = 0;
  for (pid_t pid = 0; pids >> pid; ++count) EXPECT_TRUE(is_gone(pid)) << pid;
  EXPECT_GE(count, 31);
}

TEST_F(ProcessRunnerTest, AStopFencesTheCommand) {
  const auto command = script("trap '' TERM; echo ready; echo $$ > outer; while :; do sleep 0.05; done\n");
  std::stop_source stop;
  std::jthread stopper([&] {
    eventually([&] { return pid_in("outer") > 0; });
    stop.request_stop();
  });
  const auto result = must_run(command, stop.get_token());
  EXPECT_EQ(result.end, End::stopped);
  EXPECT_EQ(result.out.text(), "ready\n");
  EXPECT_TRUE(is_gone(pid_in("outer")));
}

TEST_F(ProcessRunnerTest, AStopBeforehandStartsNothing) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(must_run(script(": > started\n"), stop.get_token()).end, End::stopped);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "started"));
}

TEST_F(ProcessRunnerTest, OneNameRunsOneCommandAtATime) {
  const auto command = script("mkdir busy || exit 1; sleep 0.05; rmdir busy\n");
  std::vector<std::jthread> threads;
  std::atomic<int> clean{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto result = runner_.run(command, {});
      if (result && result->end == End::exited && result->exit_code == 0) ++clean;
    });
  }
  threads.clear();
  EXPECT_EQ(clean, 8);
}

TEST_F(ProcessRunnerTest, AHeldLockIsWaitedForWithinItsBound) {
  auto quick = options();
  quick.lock_wait = milliseconds(50);
  ProcessRunner impatient{quick};
  std::filesystem::create_directories(quick.lock_directory);
  const auto holder = acquire_lock(quick.lock_directory / lock_file_name("gateway/production"), seconds(1), {});
  ASSERT_TRUE(holder && *holder);
  const auto refused = impatient.run(script(": > started\n"), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "started"));

  auto other = script("exit 0\n");
  other.lock_name = "gateway/staging";
  EXPECT_EQ(must_run(other).exit_code, 0);

  std::stop_source stop;  // waiting for the lock ends with a stop
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(must_run(script(": > started\n"), stop.get_token()).end, End::stopped);
}

TEST_F(ProcessRunnerTest, NothingOutlivesHeadgate) {
  const auto daemon = directory_.script("daemon", "trap '' TERM; echo $$ > daemon-pid; while :; do sleep 1; done\n");
  const auto program = directory_.script(
      "program", "trap '' TERM; echo $$ > outer; setsid " + daemon.string() + " & while :; do sleep 1; done\n");
  const auto locks = directory_.path() / "locks";
  std::filesystem::create_directories(locks);
  std::string host = HEADGATE_PROCESS_HOST, verb = "host", lock = locks, name = "target", path = program,
              cwd = directory_.path();
  char* argv[] = {host.data(), verb.data(), lock.data(), name.data(), path.data(), cwd.data(), nullptr};
  pid_t headgate = 0;
  ASSERT_EQ(::posix_spawn(&headgate, host.c_str(), nullptr, nullptr, argv, environ), 0);
  ASSERT_TRUE(eventually([&] { return pid_in("outer") > 0 && pid_in("daemon-pid") > 0; }));
  EXPECT_FALSE(is_gone(pid_in("outer")));
  EXPECT_FALSE(acquire_lock(locks / lock_file_name("target"), milliseconds(1), {}));

  ASSERT_EQ(::kill(headgate, SIGKILL), 0);
  ASSERT_EQ(::waitpid(headgate, nullptr, 0), headgate);
  const auto free = acquire_lock(locks / lock_file_name("target"), seconds(20), {});
  ASSERT_TRUE(free) << free.error().message;
  EXPECT_TRUE(is_gone(pid_in("outer")));
  EXPECT_TRUE(is_gone(pid_in("daemon-pid")));
}

TEST_F(ProcessRunnerTest, WhatSurvivesAKilledSupervisorKeepsTheLock) {
  auto quick = options();
  quick.lock_wait = milliseconds(100);
  ProcessRunner runner{quick};
  const auto result = runner.run(
      script("setsid sleep 1000 & echo $! > survivor; echo $$ > outer; kill -KILL $PPID; while :; do :; done\n"), {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::unavailable) << result.error().message;
  EXPECT_TRUE(eventually([&] { return is_gone(pid_in("outer")); }));  // the direct child dies with its supervisor
  const auto survivor = pid_in("survivor");
  ASSERT_GT(survivor, 0);
  const auto next = runner.run(script("exit 0\n"), {});
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::unavailable);
  EXPECT_THAT(next.error().message, HasSubstr(std::to_string(survivor)));
  ASSERT_EQ(::kill(survivor, SIGKILL), 0);
  EXPECT_EQ(must_run(script("exit 0\n")).exit_code, 0);
}

TEST_F(ProcessRunnerTest, SecretsAreGoneBeforeOutputIsCut) {
  auto command =
      script("printf 'aaaahunter2-password'; head -c 100000 /dev/zero | tr '\\0' b; printf 'hunter2-password'\n");
  command.max_output_bytes = 8;  // would keep half of the secret otherwise
  command.redactor = std::make_shared<Redactor>(std::vector<NamedSecret>{{"db", "hunter2-password"}});
  const auto result = must_run(command);
  EXPECT_EQ(result.out.head, "aaaa[red");
  EXPECT_EQ(result.out.tail, "edacted]");
}

TEST_F(ProcessRunnerTest, TheVerbRefusesToBeStartedByHand) {
  std::string host = HEADGATE_PROCESS_HOST, verb = "supervise";
  char* argv[] = {host.data(), verb.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ASSERT_EQ(::posix_spawn_file_actions_init(&actions), 0);
  ASSERT_EQ(::posix_spawn_file_actions_addclosefrom_np(&actions, 3), 0);
  pid_t pid = 0;
  ASSERT_EQ(::posix_spawn(&pid, host.c_str(), &actions, nullptr, argv, environ), 0);
  ::posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 2);
}

}  // namespace
}  // namespace headgate::reconciler
