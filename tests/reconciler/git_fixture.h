// Real repositories for tests, made by the real `git`, and servers for them on loopback ports.
#pragma once

#include <netinet/in.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace headgate::reconciler {

// A folder of its own, gone with the object.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Ran {
  int exit_code = -1;
  std::string output;  // standard output and error together
};
// Without a shell, with an environment of its own: no user or system configuration, a fixed identity.
Ran run(const std::vector<std::string>& arguments, const std::filesystem::path& directory,
        const std::vector<std::string>& environment = {});

void write_file(const std::filesystem::path& path, const std::string& content);

// A repository with a work tree.
class TestRepository {
 public:
  explicit TestRepository(std::filesystem::path path, const std::string& branch = "main");
  const std::filesystem::path& path() const { return path_; }
  std::string git(
      const std::vector<std::string>& arguments) const;  // its output, trimmed; the test fails when git does
  std::string commit(const std::string& message,
                     const std::vector<std::string>& environment = {}) const;  // of everything
  std::string commit_file(const std::string& file, const std::string& content, const std::string& message = "change");
  std::string head() const { return git({"rev-parse", "HEAD"}); }

 private:
  std::filesystem::path path_;
};

// A process that ends with the object.
class TestProcess {
 public:
  TestProcess(const std::vector<std::string>& arguments, const std::filesystem::path& directory);
  ~TestProcess();
  TestProcess(const TestProcess&) = delete;
  TestProcess& operator=(const TestProcess&) = delete;

 private:
  pid_t pid_ = -1;
};

// git:// for all repositories below `base`; the port stays the same when it is stopped and started again.
class GitDaemon {
 public:
  explicit GitDaemon(std::filesystem::path base);
  void start();
  void stop();
  std::string url(const std::string& repository) const;

 private:
  std::filesystem::path base_;
  int port_ = 0;
  std::unique_ptr<TestProcess> process_;
};

// Accepts connections on a loopback port and lets `serve(connection)` talk; closes what it leaves open.
class TestServer {
 public:
  // `host`: the last number of the address, 127.0.0.<host>: another one is another host to HTTP.
  explicit TestServer(std::function<void(int connection, const std::stop_token& stop)> serve, unsigned host = 1);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  int port() const { return port_; }

 private:
  int listener_ = -1;
  int port_ = 0;
  std::jthread thread_;
};

int free_port();
bool connects(int port);
// Asks until the answer is yes or ten seconds have passed.
bool eventually(const std::function<bool()>& condition);

}  // namespace headgate::reconciler
