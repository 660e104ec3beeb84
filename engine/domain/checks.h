// How something is verified: a command that is run, or a question over the network, and how often it is asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/boxed.h"
#include "engine/domain/enums.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"

namespace headgate {

// A command as the documents write it: one argument each, never a shell. `command[0]` is a script of the environments
// repository (then `blob` is the Git blob id it had, and the exported blob of exactly that id runs) or an absolute
// path.
struct Run {
  std::vector<std::string> command;
  std::string blob;  // empty for an absolute path
  Duration timeout = std::chrono::minutes(15);
  bool operator==(const Run&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("command", s.command);
    v("blob", s.blob);
    v("timeout_ms", s.timeout);
  }
};

// The body is JSON, and what stands at `pointer` (RFC 6901) is `equals`: a string by its content, a number by its
// value, true, false and null as words.
struct JsonExpectation {
  std::string pointer;
  std::string equals;
  bool operator==(const JsonExpectation&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("pointer", s.pointer);
    v("equals", s.equals);
  }
};

struct HttpCheck {
  std::string url;
  std::uint32_t status = 200;
  std::optional<Duration> latency_max;
  std::string contains;  // what the body must hold; empty: anything
  StringMap header{};    // by name in lower case: exactly the value that the answer must have
  std::optional<JsonExpectation> json{};
  std::optional<bool> follow_redirects{};  // unset: no, a redirect is the answer that is judged
  bool operator==(const HttpCheck&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("url", s.url);
    v("status", s.status);
    v("latency_max_ms", s.latency_max);
    v("contains", s.contains);
    v("header", s.header);
    v("json", s.json);
    v("follow_redirects", s.follow_redirects);
  }
};

// A connection comes about.
struct TcpCheck {
  std::string host;
  std::uint32_t port = 0;
  bool operator==(const TcpCheck&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("host", s.host);
    v("port", s.port);
  }
};

// A TLS session comes about whose certificate is trusted for `host`, and stays valid for `expires_in_min` from now.
struct TlsCheck {
  std::string host;
  std::uint32_t port = 443;
  std::optional<Duration> expires_in_min;
  bool operator==(const TlsCheck&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("host", s.host);
    v("port", s.port);
    v("expires_in_min_ms", s.expires_in_min);
  }
};

// The addresses of a name, of each family that `expect` has, are exactly those that it has.
struct DnsCheck {
  std::string name;
  std::vector<std::string> expect;
  bool operator==(const DnsCheck&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("expect", s.expect);
  }
};

// A verification. Exactly one of `http`, `run`, `tcp`, `tls` and `dns` is set. It passes when `successes` attempts in a
// row pass within `attempts` attempts, `interval` apart, the first one `after` the step began.
struct Check {
  std::string name;
  Boxed<HttpCheck> http;
  Boxed<Run> run;
  std::uint32_t attempts = 1;
  std::uint32_t successes = 1;
  Duration interval = std::chrono::seconds(10);
  Duration after{0};
  Duration timeout = std::chrono::seconds(10);  // of one attempt
  std::uint32_t line = 0;
  Boxed<TcpCheck> tcp{};
  Boxed<TlsCheck> tls{};
  Boxed<DnsCheck> dns{};
  bool operator==(const Check&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("http", s.http);
    v("run", s.run);
    v("attempts", s.attempts);
    v("successes", s.successes);
    v("interval_ms", s.interval);
    v("after_ms", s.after);
    v("timeout_ms", s.timeout);
    v("line", s.line);
    v("tcp", s.tcp);
    v("tls", s.tls);
    v("dns", s.dns);
  }
};

}  // namespace headgate
