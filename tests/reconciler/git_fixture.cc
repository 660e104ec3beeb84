#include "tests/reconciler/git_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace headgate::reconciler {
namespace fs = std::filesystem;
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// Later settings win: a test may give another identity.
std::vector<std::string> environment_with(const std::vector<std::string>& extra) {
  std::vector<std::string> all = extra;
  const auto add = [&](const std::string& name, const std::string& value) {
    for (const std::string& setting : extra) {
      if (setting.starts_with(name + "=")) return;
    }
    all.push_back(name + "=" + value);
  };
  const char* path = std::getenv("PATH");
  add("PATH", path != nullptr ? path : "/usr/bin:/bin");
  add("HOME", "/nonexistent");
  add("LC_ALL", "C");
  add("GIT_CONFIG_GLOBAL", "/dev/null");
  add("GIT_CONFIG_NOSYSTEM", "1");
  add("GIT_TERMINAL_PROMPT", "0");
  add("GIT_AUTHOR_NAME", "Test Author");
  add("GIT_AUTHOR_EMAIL", "author@example.com");
  add("GIT_COMMITTER_NAME", "Test Committer");
  add("GIT_COMMITTER_EMAIL", "committer@example.com");
  return all;
}

pid_t spawn(const std::vector<std::string>& arguments, const fs::path& directory,
            const std::vector<std::string>& environment, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, output, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, arguments.front().c_str(), &actions, &attributes, pointers(arguments).data(),
                                   pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(error, 0) << arguments.front();
  return error == 0 ? pid : -1;
}

}  // namespace

TestFolder::TestFolder() {
  std::string name = (fs::temp_directory_path() / "headgate-git-XXXXXX").string();
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  path_ = name;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Ran run(const std::vector<std::string>& arguments, const fs::path& directory,
        const std::vector<std::string>& environment) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t pid = spawn(arguments, directory, environment_with(environment), ends[1]);
  ::close(ends[1]);
  Ran ran;
  char buffer[4096];
  for (ssize_t size = 0; (size = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    ran.output.append(buffer, static_cast<std::size_t>(size));
  }
  ::close(ends[0]);
  int status = 0;
  if (pid > 0 && ::waitpid(pid, &status, 0) == pid && WIFEXITED(status)) ran.exit_code = WEXITSTATUS(status);
  while (!ran.output.empty() && ran.output.back() == '\n') ran.output.pop_back();
  return ran;
}

void write_file(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

TestRepository::TestRepository(fs::path path, const std::string& branch) : path_(std::move(path)) {
  fs::create_directories(path_);
  git({"init", "-q", "-b", branch});
  git({"config", "gc.auto", "0"});
}

std::string TestRepository::git(const std::vector<std::string>& arguments) const {
  std::vector<std::string> all{"git"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  Ran ran = run(all, path_);
  EXPECT_EQ(ran.exit_code, 0) << arguments.front() << ": " << ran.output;
  return ran.output;
}

std::string TestRepository::commit(const std::string& message, const std::vector<std::string>& environment) const {
  git({"add", "-A"});
  const Ran ran =
      run({"git", "commit", "-q", "--allow-empty", "--cleanup=verbatim", "-m", message}, path_, environment);
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  return head();
}

std::string TestRepository::commit_file(const std::string& file, const std::string& content,
                                        const std::string& message) {
  write_file(path_ / file, content);
  return commit(message);
}

TestProcess::TestProcess(const std::vector<std::string>& arguments, const fs::path& directory) {
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  pid_ = spawn(arguments, directory, environment_with({}), null);
  ::close(null);
}

TestProcess::~TestProcess() {
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);  // its group: git daemon starts helpers
  ::waitpid(pid_, nullptr, 0);
}

GitDaemon::GitDaemon(fs::path base) : base_(std::move(base)), port_(free_port()) {
  start();
}

void GitDaemon::start() {
  process_ = std::make_unique<TestProcess>(
      std::vector<std::string>{"git", "-c", "safe.directory=*", "daemon", "--reuseaddr", "--export-all",
                               "--listen=127.0.0.1", "--port=" + std::to_string(port_),
                               "--base-path=" + base_.string()},
      base_);
  EXPECT_TRUE(eventually([&] { return connects(port_); })) << "git daemon does not listen";
}

void GitDaemon::stop() {
  process_.reset();
  EXPECT_TRUE(eventually([&] { return !connects(port_); }));
}

std::string GitDaemon::url(const std::string& repository) const {
  return "git://127.0.0.1:" + std::to_string(port_) + "/" + repository;
}

TestServer::TestServer(std::function<void(int, const std::stop_token&)> serve, unsigned host) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl((127U << 24) | host);
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(listener_, 8), 0);
  socklen_t size = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this, serve = std::move(serve)](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      serve(connection, stop);
      ::close(connection);
    }
  });
}

TestServer::~TestServer() {
  thread_.request_stop();
  thread_.join();
  ::close(listener_);
}

int free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  socklen_t size = sizeof address;
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(probe);
  return ntohs(address.sin_port);
}

bool connects(int port) {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool connected = ::connect(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  return connected;
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    ::poll(nullptr, 0, 5);
  }
  return condition();
}

}  // namespace headgate::reconciler
