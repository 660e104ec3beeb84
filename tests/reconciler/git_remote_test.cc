// Remotes over the network: git://, http and ssh servers on loopback, and servers that misbehave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "reconciler/git_repository.h"
#include "reconciler/libgit.h"
#include "tests/reconciler/git_fixture.h"

namespace headgate::reconciler {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

// libgit2 in this process reads no configuration of the user who runs the tests; ssh finds its known hosts here.
class OwnHome : public testing::Environment {
 public:
  void SetUp() override {
    start_libgit();
    home_ = std::make_unique<TestFolder>();
    for (const int level : {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL}) {
      ASSERT_EQ(git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, home_->path().c_str()), 0);
    }
    for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}) {
      ::unsetenv(name);
    }
    ASSERT_EQ(::setenv("HOME", home_->path().c_str(), 1), 0);
    path = home_->path();
  }
  void TearDown() override { home_.reset(); }
  static inline fs::path path;

 private:
  std::unique_ptr<TestFolder> home_;
};
const auto* const kOwnHome = testing::AddGlobalTestEnvironment(new OwnHome);

class GitRemoteTest : public testing::Test {
 protected:
  GitRepositoryConfig config(const std::string& url) {
    GitRepositoryConfig config;
    config.name = "environments";
    config.url = url;
    config.clone = folder_.path() / "clone.git";
    config.notice = [this](const std::string& text) { notices_.push_back(text); };
    return config;
  }
  static std::unique_ptr<GitRepository> open(GitRepositoryConfig config) {
    auto repository = GitRepository::create(std::move(config));
    EXPECT_TRUE(repository.has_value()) << repository.error().message;
    return repository ? std::move(*repository) : nullptr;
  }
  static Head fetch(GitRepository& repository, const std::string& known = {}) {
    auto head = repository.fetch(known, 100, {});
    EXPECT_TRUE(head.has_value()) << head.error().message;
    return head ? *head : Head{};
  }
  static Error refusal(GitRepository& repository, const std::string& known = {}, std::stop_token stop = {}) {
    auto head = repository.fetch(known, 100, std::move(stop));
    EXPECT_FALSE(head.has_value());
    return head ? Error{} : head.error();
  }

  TestFolder folder_;
  TestRepository remote_{folder_.path() / "served" / "remote"};
  std::vector<std::string> notices_;
};

TEST_F(GitRemoteTest, GitDaemonIsFollowedThroughPushForcePushOutageAndReturn) {
  const std::string first = remote_.commit_file("a", "1");
  GitDaemon daemon(folder_.path() / "served");
  auto repository = open(config(daemon.url("remote")));
  EXPECT_EQ(fetch(*repository).sha, first);
  EXPECT_EQ(fetch(*repository, first).commit_count, 0u);

  const std::string second = remote_.commit_file("b", "2");
  const Head head = fetch(*repository, first);
  EXPECT_EQ(head.sha, second);
  EXPECT_EQ(head.commit_count, 1u);
  EXPECT_THAT(repository->changes(first, second).value_or(std::vector<FileChange>{}), SizeIs(1));

  remote_.git({"reset", "-q", "--hard", first});
  const std::string other = remote_.commit_file("c", "3");
  EXPECT_TRUE(fetch(*repository, second).rewritten);

  daemon.stop();
  const Error down = refusal(*repository, other);
  EXPECT_EQ(down.code, ErrorCode::io);
  EXPECT_THAT(down.message, HasSubstr("Connection refused"));
  EXPECT_THAT(down.message, HasSubstr(daemon.url("remote")));
  daemon.start();
  EXPECT_EQ(fetch(*repository, other).sha, other);
  EXPECT_THAT(notices_, SizeIs(0));
}

TEST_F(GitRemoteTest, GitDaemonSaysWhatIsMissing) {
  GitDaemon daemon(folder_.path() / "served");
  auto nothing = open(config(daemon.url("nothing")));
  EXPECT_EQ(refusal(*nothing).code, ErrorCode::io);
  auto repository = open(config(daemon.url("remote")));
  const Error empty = refusal(*repository);
  EXPECT_EQ(empty.code, ErrorCode::not_found);
  EXPECT_THAT(empty.message, HasSubstr("repository is empty"));
  remote_.commit_file("a", "1");
  remote_.git({"branch", "-m", "trunk"});
  const Error missing = refusal(*repository);
  EXPECT_EQ(missing.code, ErrorCode::not_found);
  EXPECT_THAT(missing.message, HasSubstr("no branch main; found trunk"));
}

TEST_F(GitRemoteTest, ADamagedCloneIsMadeAgainFromTheNetwork) {
  const std::string first = remote_.commit_file("a", "1");
  GitDaemon daemon(folder_.path() / "served");
  fetch(*open(config(daemon.url("remote"))));
  fs::remove_all(folder_.path() / "clone.git" / "objects" / "pack");
  const std::string second = remote_.commit_file("a", "2");
  auto repository = open(config(daemon.url("remote")));
  EXPECT_EQ(fetch(*repository, first).sha, second);
  EXPECT_THAT(notices_, testing::ElementsAre(HasSubstr("made again")));
}

TEST_F(GitRemoteTest, ATransferOverTheLimitIsRefused) {
  for (int i = 0; i < 50; ++i) write_file(remote_.path() / std::to_string(i), std::to_string(i));
  remote_.commit("many");
  GitDaemon daemon(folder_.path() / "served");
  auto bounded = config(daemon.url("remote"));
  bounded.limits.objects = 20;
  auto repository = open(std::move(bounded));
  const Error error = refusal(*repository);
  EXPECT_EQ(error.code, ErrorCode::too_large);
  EXPECT_THAT(error.message, HasSubstr("more than 20 objects"));
}

TEST_F(GitRemoteTest, ManySmallPacksBecomeOneAndNothingIsLost) {
  std::vector<std::string> commits{remote_.commit_file("a", "0")};
  GitDaemon daemon(folder_.path() / "served");
  auto bounded = config(daemon.url("remote"));
  bounded.limits.small_packs = 3;
  bounded.poll = std::chrono::hours(1);
  auto repository = open(std::move(bounded));
  fetch(*repository);
  for (int i = 1; i <= 6; ++i) {
    commits.push_back(remote_.commit_file("a", std::to_string(i)));
    ASSERT_EQ(fetch(*repository, commits[commits.size() - 2]).sha, commits.back());
    repository->nudge();
    EXPECT_TRUE(repository->wait(seconds(10), {}));  // tidies first
  }
  std::size_t packs = 0;
  for (const auto& entry : fs::directory_iterator(folder_.path() / "clone.git" / "objects" / "pack")) {
    packs += entry.path().extension() == ".pack" ? 1 : 0;
  }
  EXPECT_LE(packs, 3u);
  EXPECT_THAT(notices_, SizeIs(0));
  for (const std::string& commit : commits) {
    const auto blob = repository->blob_at(commit, "a");
    ASSERT_TRUE(blob.has_value() && blob->has_value());
    EXPECT_TRUE(repository->read_blob(**blob, 10).has_value());
  }
  EXPECT_EQ(run({"git", "fsck", "--full", "--strict"}, folder_.path() / "clone.git", {"GIT_DIR=."}).exit_code, 0);
}

// Holds every connection without a word until the client hangs up or the test ends.
std::atomic<int> held = 0;
void stay_silent(int connection, const std::stop_token& stop) {
  ++held;
  char buffer[256];
  while (!stop.stop_requested()) {
    pollfd waiting{connection, POLLIN, 0};
    if (::poll(&waiting, 1, 20) > 0 && ::recv(connection, buffer, sizeof buffer, 0) <= 0) return;
  }
}

class SilentServerTest : public GitRemoteTest, public testing::WithParamInterface<const char*> {};

TEST_P(SilentServerTest, SilenceAndStopEndAFetch) {
  TestServer server(stay_silent);
  auto quick = config(std::string(GetParam()) + "127.0.0.1:" + std::to_string(server.port()) + "/x.git");
  quick.limits.silence = milliseconds(200);
  const auto start = steady_clock::now();
  auto repository = open(std::move(quick));
  const Error error = refusal(*repository);
  EXPECT_EQ(error.code, ErrorCode::timed_out) << error.message;
  EXPECT_THAT(error.message, HasSubstr("nothing was heard for 200ms"));
  EXPECT_LT(steady_clock::now() - start, seconds(5));

  auto patient = open(config(std::string(GetParam()) + "127.0.0.1:" + std::to_string(server.port()) + "/x.git"));
  std::stop_source stop;
  const int before = held;
  std::jthread stopper([&] {
    eventually([&] { return held > before; });
    stop.request_stop();
  });
  const auto stopped = steady_clock::now();
  EXPECT_EQ(refusal(*patient, {}, stop.get_token()).code, ErrorCode::unavailable);
  EXPECT_LT(steady_clock::now() - stopped, seconds(5));
}

INSTANTIATE_TEST_SUITE_P(Transports, SilentServerTest, testing::Values("git://", "http://", "https://", "ssh://git@"));

TEST_F(GitRemoteTest, AServerThatDripsIsEndedByTheTotalTime) {
  TestServer server([](int connection, const std::stop_token& stop) {
    do {
      if (::send(connection, "0", 1, MSG_NOSIGNAL) != 1) return;
      ::poll(nullptr, 0, 10);
    } while (!stop.stop_requested());
  });
  auto quick = config("http://127.0.0.1:" + std::to_string(server.port()) + "/x.git");
  quick.limits.total = milliseconds(300);
  auto repository = open(std::move(quick));
  const auto start = steady_clock::now();
  const Error error = refusal(*repository);
  EXPECT_THAT(error.message, testing::AnyOf(HasSubstr("not done after 300ms"), HasSubstr("cannot be reached")));
  EXPECT_LT(steady_clock::now() - start, seconds(5));
}

// An HTTP server that answers each request on a connection of its own.
class HttpServer {
 public:
  explicit HttpServer(std::function<std::string(const std::string& request)> answer, unsigned host = 1)
      : server_(
            [this, answer = std::move(answer)](int connection, const std::stop_token&) {
              std::string request;
              char buffer[4096];
              while (request.find("\r\n\r\n") == std::string::npos) {
                const ssize_t size = ::recv(connection, buffer, sizeof buffer, 0);
                if (size <= 0) return;
                request.append(buffer, static_cast<std::size_t>(size));
              }
              ++requests;
              const std::string reply = answer(request);
              static_cast<void>(::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL));
            },
            host) {}
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()) + "/x.git"; }
  int port() const { return server_.port(); }
  std::atomic<int> requests = 0;

 private:
  TestServer server_;
};

constexpr const char* kAsk =
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: "
    "close\r\n\r\n";
// base64 of "x-access-token:s3cret-token"
constexpr const char* kAuthorization = "Authorization: Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0LXRva2Vu";

std::string packet(const std::string& line) {
  char length[5];
  std::snprintf(length, sizeof length, "%04zx", line.size() + 4);
  return length + line;
}

TEST_F(GitRemoteTest, TheTokenIsSentWhenAskedForAndNeverShown) {
  // With the right token: an advertisement without branches, which says that the credentials were taken.
  HttpServer server([&](const std::string& request) -> std::string {
    if (request.find(kAuthorization) == std::string::npos) return kAsk;
    const std::string body = packet("# service=git-upload-pack\n") + "0000" +
                             packet(std::string(40, '0') + " capabilities^{}" + '\0' + "side-band-64k agent=test\n") +
                             "0000";
    return "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nConnection: close\r\n"
           "Content-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  });
  auto with_token = config(server.url());
  with_token.token = [] { return "s3cret-token"; };
  auto repository = open(std::move(with_token));
  const Error empty = refusal(*repository);
  EXPECT_EQ(empty.code, ErrorCode::not_found) << empty.message;
  EXPECT_EQ(server.requests, 2);

  auto wrong = config(server.url());
  wrong.token = [] { return "wr0ng-token"; };
  const Error refused = refusal(*open(std::move(wrong)));
  EXPECT_EQ(refused.code, ErrorCode::io);
  EXPECT_THAT(refused.message, HasSubstr("refuses the credentials"));
  EXPECT_THAT(refused.message, Not(HasSubstr("wr0ng-token")));

  const Error none = refusal(*open(config(server.url())));
  EXPECT_THAT(none.message, HasSubstr("asks for credentials"));

  const Error in_url =
      refusal(*open(config("http://alice:p4ssword@127.0.0.1:" + std::to_string(server.port()) + "/x.git")));
  EXPECT_THAT(in_url.message, Not(HasSubstr("p4ssword")));
  EXPECT_THAT(in_url.message, HasSubstr("(http://127.0.0.1:"));
  const Ran found = run({"grep", "-r", "p4ssword\\|s3cret", folder_.path().string()}, folder_.path());
  EXPECT_EQ(found.exit_code, 1) << found.output;  // nothing on the disk
}

TEST_F(GitRemoteTest, ARedirectDoesNotTakeTheTokenToAnotherHost) {
  std::atomic<bool> leaked = false;
  HttpServer thief(
      [&](const std::string& request) -> std::string {
        if (request.find("Authorization:") != std::string::npos) leaked = true;
        return kAsk;
      },
      2);
  HttpServer server([&](const std::string&) -> std::string {
    return "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:" + std::to_string(thief.port()) +
           "/x.git/info/refs?service=git-upload-pack\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  });
  auto with_token = config(server.url());
  with_token.token = [] { return "s3cret-token"; };
  const Error error = refusal(*open(std::move(with_token)));
  EXPECT_EQ(error.code, ErrorCode::io);
  EXPECT_FALSE(leaked);
  EXPECT_GE(thief.requests, 1);
  EXPECT_THAT(error.message, HasSubstr("redirects to another host"));
}

TEST_F(GitRemoteTest, SshServesOverOurSocket) {
  const std::string head = remote_.commit_file("a", "1");
  const fs::path keys = folder_.path() / "keys";
  fs::create_directories(keys);
  for (const char* name : {"host", "user", "stranger"}) {
    ASSERT_EQ(
        run({"ssh-keygen", "-q", "-t", "ecdsa", "-m", "PEM", "-N", "", "-f", (keys / name).string()}, keys).exit_code,
        0);
  }
  fs::copy_file(keys / "user.pub", keys / "authorized_keys");
  const int port = free_port();
  write_file(keys / "sshd_config", "ListenAddress 127.0.0.1\nPort " + std::to_string(port) + "\nHostKey " +
                                       (keys / "host").string() + "\nAuthorizedKeysFile " +
                                       (keys / "authorized_keys").string() +
                                       "\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
                                       "StrictModes no\nPermitRootLogin yes\nPidFile none\n");
  if (::geteuid() == 0) fs::create_directories("/run/sshd");  // where it separates privileges
  TestProcess sshd({"/usr/sbin/sshd", "-D", "-e", "-f", (keys / "sshd_config").string()}, keys);
  ASSERT_TRUE(eventually([&] { return connects(port); }));
  const std::string user = run({"id", "-un"}, keys).output;
  auto with_key = config("ssh://" + user + "@127.0.0.1:" + std::to_string(port) + remote_.path().string());
  with_key.ssh_key = keys / "user";

  const Error unknown = refusal(*open(with_key));
  EXPECT_THAT(unknown.message, HasSubstr("known_hosts"));
  const Ran host = run({"cat", (keys / "host.pub").string()}, keys);
  write_file(OwnHome::path / ".ssh" / "known_hosts", "[127.0.0.1]:" + std::to_string(port) + " " + host.output + "\n");
  EXPECT_EQ(fetch(*open(with_key)).sha, head);

  EXPECT_THAT(unknown.message, HasSubstr("is not known"));
  const Ran other = run({"cat", (keys / "user.pub").string()}, keys);
  write_file(OwnHome::path / ".ssh" / "known_hosts", "[127.0.0.1]:" + std::to_string(port) + " " + other.output + "\n");
  EXPECT_THAT(refusal(*open(with_key)).message, HasSubstr("somebody may be in between"));
  write_file(OwnHome::path / ".ssh" / "known_hosts", "[127.0.0.1]:" + std::to_string(port) + " " + host.output + "\n");

  auto strange = with_key;
  strange.ssh_key = keys / "stranger";
  EXPECT_EQ(refusal(*open(strange)).code, ErrorCode::io);
}

}  // namespace
}  // namespace headgate::reconciler
