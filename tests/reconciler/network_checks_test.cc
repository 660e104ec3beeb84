// tcp, tls and dns against real sockets on loopback.
#include "reconciler/network_checks.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <thread>

#include "engine/base/unique_fd.h"
#include "reconciler/checks.h"
#include "reconciler/curl_http_client.h"
#include "tests/fakes/http_client.h"
#include "tests/reconciler/http_test_server.h"
#include "tests/reconciler/test_directory.h"

namespace headgate::reconciler {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

UniqueFd bound_socket(int type, std::uint32_t& port) {
  UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  port = ntohs(address.sin_port);
  return fd;
}

// Answers A and AAAA questions about example.test; any other name does not exist.
class NameServer {
 public:
  NameServer() : fd_(bound_socket(SOCK_DGRAM, port_)), thread_([this] { serve(); }) {}
  ~NameServer() {
    stopping_ = true;
    thread_.join();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  std::atomic<bool> silent{false};

 private:
  void serve() {
    while (!stopping_) {
      pollfd polled{fd_.get(), POLLIN, 0};
      if (::poll(&polled, 1, 20) <= 0) continue;
      std::array<unsigned char, 512> question{};
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const auto length =
          ::recvfrom(fd_.get(), question.data(), question.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (length < 12 || silent) continue;
      const auto answer = answer_to({reinterpret_cast<const char*>(question.data()), static_cast<std::size_t>(length)});
      ::sendto(fd_.get(), answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&from), size);
    }
  }

  // RFC 1035: the header, the question as it was, and the addresses, each named by a pointer to the question.
  static std::string answer_to(const std::string& question) {
    const auto end = question.find('\0', 12);
    const auto name = question.substr(12, end - 12);
    const bool known = name == std::string("\7example\4test");
    const bool v6 = question[end + 2] == 28;
    std::string records;
    std::size_t count = 0;
    const auto add = [&](const std::string& bytes) {
      records += std::string("\xC0\x0C\0", 3) + (v6 ? '\x1C' : '\x01') + std::string("\0\1\0\0\0\x3C\0", 7) +
                 static_cast<char>(bytes.size()) + bytes;
      ++count;
    };
    if (known && v6) add(std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7", 16));
    if (known && !v6) {
      add(std::string("\xCB\0\x71\7", 4));
      add(std::string("\xCB\0\x71\x08", 4));
    }
    std::string answer = question.substr(0, 2) + (known ? std::string("\x81\x80", 2) : std::string("\x81\x83", 2));
    answer += std::string("\0\1\0", 3) + static_cast<char>(count) + std::string("\0\0\0\0", 4);
    return answer + question.substr(12, end + 5 - 12) + records;
  }

  std::uint32_t port_ = 0;
  UniqueFd fd_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

TEST(TcpCheck, PassesWhenAConnectionComesAbout) {
  std::uint32_t port = 0;
  auto listener = bound_socket(SOCK_STREAM, port);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  EXPECT_TRUE(try_tcp({"127.0.0.1", port}, seconds(5), {}, {}).passed);
  EXPECT_TRUE(try_tcp({"localhost", port}, seconds(5), {}, {}).passed) << "by /etc/hosts";
  listener.reset();
  const auto refused = try_tcp({"127.0.0.1", port}, seconds(5), {}, {});
  EXPECT_FALSE(refused.passed);
  EXPECT_TRUE(refused.judged) << "evidence against the release";
  EXPECT_THAT(refused.reason, HasSubstr("no connection to 127.0.0.1 port " + std::to_string(port)));
}

// A process that has no descriptor left, for as long as it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto none = before_;
    none.rlim_cur = static_cast<rlim_t>(next.get());
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST(NetworkChecks, ALackOfDescriptorsIsNoEvidence) {
  std::uint32_t port = 0;
  { const auto closed = bound_socket(SOCK_STREAM, port); }
  CurlHttpClient client;
  const auto verdict = [&](const std::function<void(Check&)>& kind) {
    Check check;
    check.name = "health";
    check.attempts = 2;
    kind(check);
    const CheckRunner runner(client, {}, [](Duration, std::stop_token) { return true; });
    return runner.run(check, {}).verdict;
  };
  for (const std::function<void(Check&)>& kind : std::vector<std::function<void(Check&)>>{
           [&](Check& check) {
             check.tcp = TcpCheck{"127.0.0.1", port};
           },
           [&](Check& check) {
             check.tls = TlsCheck{"127.0.0.1", port, {}};
           },
           [&](Check& check) { check.http.emplace().url = "http://127.0.0.1:" + std::to_string(port) + "/"; }}) {
    EXPECT_EQ(verdict(kind), CheckResult::Verdict::failed);
    const NoDescriptors none;
    EXPECT_EQ(verdict(kind), CheckResult::Verdict::error);
  }
  const NoDescriptors none;
  const auto names =
      try_dns({"example.test", {"192.0.2.1"}}, seconds(5), {"127.0.0.1:" + std::to_string(port), {}}, {});
  EXPECT_FALSE(names.passed || names.judged);
}

TEST(TcpCheck, IsCarriedOutByTheRunner) {
  std::uint32_t port = 0;
  const auto listener = bound_socket(SOCK_STREAM, port);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  fakes::FakeHttpClient http;
  Check check;
  check.name = "port";
  check.tcp = TcpCheck{"127.0.0.1", port};
  check.attempts = 3;
  check.successes = 2;
  const CheckRunner runner(http, {}, [](Duration, std::stop_token) { return true; });
  const auto result = runner.run(check, {});
  EXPECT_EQ(result.verdict, CheckResult::Verdict::passed);
  EXPECT_THAT(result.evidence, HasSubstr("\"host\":\"127.0.0.1\""));
  EXPECT_THAT(result.evidence, HasSubstr("\"attempts_passed\":2"));
}

class TlsCheckTest : public ::testing::Test {
 protected:
  TlsCheckTest() {
    std::ofstream(ca_) << server_.certificate_pem();
    check_.host = "127.0.0.1";
    const auto url = server_.url("");
    check_.port = static_cast<std::uint32_t>(std::stoul(url.substr(url.rfind(':') + 1)));
  }
  HttpTestServer server_{[](const std::string&, const HttpTestServer::Send&) {}, true};
  TestDirectory directory_;
  std::string ca_ = (directory_.path() / "ca.pem").string();
  TlsCheck check_;
};

TEST_F(TlsCheckTest, PassesWithATrustedCertificate) {
  const auto attempt = try_tls(check_, seconds(5), {{}, ca_}, {});
  EXPECT_TRUE(attempt.passed) << attempt.reason;
  EXPECT_THAT(attempt.evidence_json, HasSubstr("{\"certificate_ends\":\"20"));
}

TEST_F(TlsCheckTest, RefusesACertificateThatNobodyVouchesFor) {
  const auto attempt = try_tls(check_, seconds(5), {}, {});
  EXPECT_FALSE(attempt.passed);
  EXPECT_THAT(attempt.reason, HasSubstr("the certificate is not trusted: self"));
}

TEST_F(TlsCheckTest, RefusesACertificateOfAnotherName) {
  check_.host = "localhost";  // it is for 127.0.0.1
  const auto attempt = try_tls(check_, seconds(5), {{}, ca_}, {});
  EXPECT_FALSE(attempt.passed);
  EXPECT_THAT(attempt.reason, HasSubstr("not trusted: hostname mismatch"));
}

TEST_F(TlsCheckTest, RefusesACertificateThatEndsTooSoon) {
  check_.expires_in_min = std::chrono::minutes(30);  // it is valid for an hour
  EXPECT_TRUE(try_tls(check_, seconds(5), {{}, ca_}, {}).passed);
  check_.expires_in_min = std::chrono::hours(2);
  const auto attempt = try_tls(check_, seconds(5), {{}, ca_}, {});
  EXPECT_FALSE(attempt.passed);
  EXPECT_THAT(attempt.reason, HasSubstr("expected at least 2h from now"));
}

TEST(TlsCheckOfAnything, GivesUpOnAServerThatSaysNothing) {
  std::uint32_t port = 0;
  const auto listener = bound_socket(SOCK_STREAM, port);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  const auto attempt = try_tls({"127.0.0.1", port, {}}, std::chrono::milliseconds(200), {}, {});
  EXPECT_FALSE(attempt.passed);
  EXPECT_THAT(attempt.reason, HasSubstr("no answer in 200ms"));
}

TEST(TlsCheckOfAnything, EndsWhenItIsStopped) {
  std::uint32_t port = 0;
  const auto listener = bound_socket(SOCK_STREAM, port);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  std::stop_source stop;
  stop.request_stop();
  const auto attempt = try_tls({"127.0.0.1", port, {}}, std::chrono::hours(1), {}, stop.get_token());
  EXPECT_FALSE(attempt.passed);
  EXPECT_THAT(attempt.reason, HasSubstr("stopped"));
}

TEST(DnsCheck, ComparesTheAddressesOfEachFamily) {
  NameServer server;
  const NetworkOptions options{server.address(), {}};
  const auto attempt = [&](std::vector<std::string> expect) {
    return try_dns({"example.test", std::move(expect)}, seconds(5), options, {});
  };
  EXPECT_TRUE(attempt({"203.0.113.8", "203.0.113.7"}).passed) << attempt({"203.0.113.8", "203.0.113.7"}).reason;
  EXPECT_TRUE(attempt({"2001:DB8:0::7"}).passed);
  EXPECT_TRUE(attempt({"203.0.113.7", "203.0.113.8", "2001:db8::7"}).passed);
  EXPECT_EQ(attempt({"203.0.113.7"}).reason,
            "the name 'example.test' has the addresses 203.0.113.7, 203.0.113.8, expected 203.0.113.7");
  const auto wrong = attempt({"2001:db8::8"});
  EXPECT_FALSE(wrong.passed);
  EXPECT_TRUE(wrong.judged);
  const auto unreadable = attempt({"nonsense"});
  EXPECT_FALSE(unreadable.judged);
  EXPECT_TRUE(unreadable.hopeless);
}

TEST(DnsCheck, KnowsAMissingNameFromASilentServer) {
  NameServer server;
  const NetworkOptions options{server.address(), {}};
  const auto missing = try_dns({"other.test", {"203.0.113.7"}}, seconds(5), options, {});
  EXPECT_FALSE(missing.passed);
  EXPECT_EQ(missing.reason, "the name 'other.test' has no address, expected 203.0.113.7");
  server.silent = true;
  const auto silent = try_dns({"example.test", {"203.0.113.7"}}, std::chrono::milliseconds(300), options, {});
  EXPECT_FALSE(silent.passed);
  EXPECT_THAT(silent.reason, HasSubstr("no answer about the name 'example.test' in 300ms"));
}

}  // namespace
}  // namespace headgate::reconciler
