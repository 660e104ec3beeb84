#include "reconciler/network_checks.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <set>
#include <system_error>

#include "engine/base/unique_fd.h"
#include "reconciler/own_shortage.h"

namespace headgate::reconciler {
namespace {

using SteadyClock = std::chrono::steady_clock;

// How soon a stop is noticed.
constexpr auto kSlice = std::chrono::milliseconds(100);

struct Deadline {
  SteadyClock::time_point began = SteadyClock::now();
  Duration timeout;
  const std::stop_token& stop;

  Duration left() const { return timeout - std::chrono::duration_cast<Duration>(SteadyClock::now() - began); }
  Duration spent() const { return std::chrono::duration_cast<Duration>(SteadyClock::now() - began); }
};

std::string error_text(int number) {
  return std::error_code(number, std::generic_category()).message();
}

// Until `events` come; timed_out or unavailable (stopped) else.
Result<void> wait_for(int fd, short events, const Deadline& deadline) {
  for (;;) {
    if (deadline.stop.stop_requested()) return fail(ErrorCode::unavailable, "stopped");
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.left());
    if (left.count() <= 0) {
      return fail(ErrorCode::timed_out, fmt::format("no answer in {}", format_duration(deadline.timeout)));
    }
    pollfd polled{fd, events, 0};
    const auto ready = ::poll(&polled, 1, static_cast<int>(std::min(left, kSlice).count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return fail(ErrorCode::io, "poll: " + error_text(errno));
  }
}

Result<UniqueFd> connect_address(const std::string& address, std::uint32_t port, const Deadline& deadline) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<std::uint16_t>(port));
    size = sizeof *v4;
  } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<std::uint16_t>(port));
    size = sizeof *v6;
  } else {
    return fail(ErrorCode::invalid_input, fmt::format("'{}' is not an address", address));
  }
  UniqueFd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(ErrorCode::unavailable, "this host has no socket left: " + error_text(errno));
  int problem = 0;
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    if (errno != EINPROGRESS) {
      problem = errno;
    } else {
      HEADGATE_TRY_VOID(wait_for(fd.get(), POLLOUT, deadline));
      socklen_t length = sizeof problem;
      if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &problem, &length) != 0) problem = errno;
    }
  }
  if (problem != 0) {
    return fail(is_own_shortage(problem) ? ErrorCode::unavailable : ErrorCode::io,
                fmt::format("no connection to {} port {}: {}", address, port, error_text(problem)));
  }
  return fd;
}

// To the first address of the host that answers.
Result<UniqueFd> connect_to(const std::string& host, std::uint32_t port, const NetworkOptions& options,
                            const Deadline& deadline) {
  AddressFamily family{};
  std::vector<std::string> addresses{usual_address(host, family)};
  if (addresses.front().empty()) {
    HEADGATE_TRY(addresses,
                 resolve(host, AddressFamily::any, deadline.left(), {options.name_servers, false}, deadline.stop));
  }
  std::optional<Error> refused;
  std::optional<Error> not_asked;
  for (const auto& address : addresses) {
    auto result = connect_address(address, port, deadline);
    if (result || deadline.stop.stop_requested()) return result;
    const auto code = result.error().code;
    if (code != ErrorCode::io && code != ErrorCode::unavailable) return result;
    (code == ErrorCode::io ? refused : not_asked) = std::move(result).error();
  }
  // An address that this host cannot ask says nothing where another one answered.
  if (refused) return std::unexpected(std::move(*refused));
  if (not_asked) return std::unexpected(std::move(*not_asked));
  return fail(ErrorCode::io, "no address");
}

CheckAttempt failed(const Deadline& deadline, const Error& error) {
  CheckAttempt attempt;
  attempt.latency = deadline.spent();
  attempt.reason = error.message;
  if (error.code == ErrorCode::unavailable || is_short_of_descriptors()) attempt.judged = false;
  if (error.code == ErrorCode::invalid_input) {
    attempt.judged = false;
    attempt.hopeless = true;
  }
  return attempt;
}

struct SslFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

std::string openssl_error() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const auto* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "the other side ended the connection" : reason;
}

struct Session {
  std::unique_ptr<SSL_CTX, SslFree> context;
  UniqueFd fd;
  std::unique_ptr<SSL, SslFree> ssl;
};

Result<Session> prepare(const TlsCheck& check, const NetworkOptions& options, UniqueFd fd) {
  Session session{std::unique_ptr<SSL_CTX, SslFree>(SSL_CTX_new(TLS_client_method())), std::move(fd), {}};
  auto* context = session.context.get();
  if (context == nullptr) return fail(ErrorCode::unavailable, "no TLS: " + openssl_error());
  const auto trusted = options.ca_file.empty()
                           ? SSL_CTX_set_default_verify_paths(context)
                           : SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr);
  if (trusted != 1) return fail(ErrorCode::unavailable, "the trusted certificates cannot be read: " + openssl_error());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  session.ssl.reset(SSL_new(context));
  auto* ssl = session.ssl.get();
  AddressFamily family{};
  const bool by_address = !usual_address(check.host, family).empty();
  const bool ready = ssl != nullptr && SSL_set_fd(ssl, session.fd.get()) == 1 &&
                     (by_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), check.host.c_str()) == 1
                                 : SSL_set_tlsext_host_name(ssl, check.host.c_str()) == 1 &&
                                       SSL_set1_host(ssl, check.host.c_str()) == 1);
  if (!ready) return fail(ErrorCode::io, "no TLS session: " + openssl_error());
  return session;
}

Result<void> shake_hands(SSL* ssl, int fd, const Deadline& deadline) {
  for (;;) {
    ERR_clear_error();
    const auto result = SSL_connect(ssl);
    if (result == 1) return {};
    const auto why = SSL_get_error(ssl, result);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
      HEADGATE_TRY_VOID(wait_for(fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline));
      continue;
    }
    const auto verdict = SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK) {
      ERR_clear_error();
      return fail(ErrorCode::io,
                  fmt::format("the certificate is not trusted: {}", X509_verify_cert_error_string(verdict)));
    }
    return fail(ErrorCode::io, "no TLS session: " + openssl_error());
  }
}

Result<Timestamp> end_of(const X509* certificate) {
  std::tm broken{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &broken) != 1) {
    return fail(ErrorCode::io, "the certificate's end cannot be read");
  }
  return Timestamp(std::chrono::duration_cast<Duration>(std::chrono::seconds(timegm(&broken))));
}

}  // namespace

CheckAttempt try_tcp(const TcpCheck& check, Duration timeout, const NetworkOptions& options,
                     const std::stop_token& stop) {
  const Deadline deadline{.timeout = timeout, .stop = stop};
  const auto connected = connect_to(check.host, check.port, options, deadline);
  if (!connected) return failed(deadline, connected.error());
  CheckAttempt attempt;
  attempt.passed = true;
  attempt.latency = deadline.spent();
  return attempt;
}

CheckAttempt try_tls(const TlsCheck& check, Duration timeout, const NetworkOptions& options,
                     const std::stop_token& stop) {
  const Deadline deadline{.timeout = timeout, .stop = stop};
  const auto end = [&]() -> Result<Timestamp> {
    HEADGATE_TRY(auto fd, connect_to(check.host, check.port, options, deadline));
    HEADGATE_TRY(const auto session, prepare(check, options, std::move(fd)));
    HEADGATE_TRY_VOID(shake_hands(session.ssl.get(), session.fd.get(), deadline));
    const std::unique_ptr<X509, SslFree> certificate(SSL_get1_peer_certificate(session.ssl.get()));
    if (!certificate) return fail(ErrorCode::io, "the other side has no certificate");
    return end_of(certificate.get());
  }();
  if (!end) return failed(deadline, end.error());
  CheckAttempt attempt;
  attempt.latency = deadline.spent();
  attempt.evidence_json = fmt::format("{{\"certificate_ends\":\"{}\"}}", format_timestamp(*end));
  const auto left = std::chrono::duration_cast<Duration>(*end - std::chrono::system_clock::now());
  attempt.passed = !check.expires_in_min || left >= *check.expires_in_min;
  if (!attempt.passed) {
    attempt.reason = fmt::format("the certificate ends at {}, expected at least {} from now", format_timestamp(*end),
                                 format_duration(*check.expires_in_min));
  }
  return attempt;
}

CheckAttempt try_dns(const DnsCheck& check, Duration timeout, const NetworkOptions& options,
                     const std::stop_token& stop) {
  const Deadline deadline{.timeout = timeout, .stop = stop};
  std::set<std::string> expected;
  std::set<AddressFamily> families;
  for (const auto& text : check.expect) {
    AddressFamily family{};
    auto address = usual_address(text, family);
    if (address.empty()) {
      return failed(deadline, {ErrorCode::invalid_input, fmt::format("'{}' is not an address", text), {}});
    }
    expected.insert(std::move(address));
    families.insert(family);
  }
  std::set<std::string> found;
  for (const auto family : families) {
    const auto addresses = resolve(check.name, family, deadline.left(), {options.name_servers, true}, stop);
    if (addresses) {
      found.insert(addresses->begin(), addresses->end());
    } else if (addresses.error().code != ErrorCode::not_found) {
      return failed(deadline, addresses.error());
    }
  }
  CheckAttempt attempt;
  attempt.latency = deadline.spent();
  attempt.passed = found == expected;
  if (!attempt.passed) {
    attempt.reason =
        found.empty() ? fmt::format("the name '{}' has no address, expected {}", check.name, fmt::join(expected, ", "))
                      : fmt::format("the name '{}' has the addresses {}, expected {}", check.name,
                                    fmt::join(found, ", "), fmt::join(expected, ", "));
  }
  return attempt;
}

}  // namespace headgate::reconciler
