#include <fmt/core.h>

#include <algorithm>

#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"
#include "reconciler/json_expectation.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxHeaders = 32;
constexpr std::size_t kMaxHeaderNameBytes = 128;
constexpr std::size_t kMaxPointerBytes = 1024;

void read_expected_latency(YamlReader& r, const YamlNode& node, std::optional<Duration>& max) {
  Fields f(r, node, "a latency bound");
  Duration value{};
  if (f.required("max", &YamlReader::positive_duration, value)) max = value;
}

void read_pointer(YamlReader& r, const YamlNode& node, std::string& out) {
  if (!r.is_scalar(node, "a JSON pointer")) return;
  if (is_json_pointer(node.text) && node.text.size() <= kMaxPointerBytes) {
    r.text(node, out);
  } else {
    r.wrong_value(
        node, fmt::format("a JSON pointer such as /status or /checks/0/state, of at most {} bytes", kMaxPointerBytes));
  }
}

void read_expected_body(YamlReader& r, const YamlNode& node, HttpCheck& http) {
  Fields f(r, node, "an expected body");
  f.optional("contains", [&](YamlReader& reader, const YamlNode& value) {
    if (read_template(reader, value, http.contains) && http.contains.empty()) {
      reader.wrong_value(value, "text that is not empty");
    }
  });
  JsonExpectation json;
  const bool points = f.optional("jsonPointer", read_pointer, json.pointer);
  const bool equals = f.optional("equals", read_template, json.equals);
  if (points != equals) {
    r.at(node, fmt::format("an expected body without {}", points ? "equals" : "jsonPointer"), "",
         "jsonPointer and equals together");
  } else if (points) {
    http.json = std::move(json);
  }
  f.at_least_one_of({"contains", "jsonPointer", "equals"});
}

void read_expected_headers(YamlReader& r, const YamlNode& node, StringMap& headers) {
  if (!r.is_map(node, "values by the name of a header (a map)")) return;
  if (node.size == 0 || node.size > kMaxHeaders) {
    r.wrong_value(node, fmt::format("1 to {} headers", kMaxHeaders));
    return;
  }
  for (const auto [key, value] : YamlEntries(node)) {
    std::string name(key.text);
    for (auto& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool good = !name.empty() && name.size() <= kMaxHeaderNameBytes && std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    std::string expected;
    if (!good) {
      r.at(key, "wrong name of a header", quoted(key.text),
           fmt::format("up to {} letters, digits, '-' and '_'", kMaxHeaderNameBytes));
    } else if (headers.contains(name)) {
      r.at(key, fmt::format("the header {} is there twice", quoted(name)));
    } else if (r.line_of_text(value, expected) && read_template(r, value, expected)) {
      headers.emplace(std::move(name), std::move(expected));
    }
  }
}

void read_http(YamlReader& r, const YamlNode& node, Boxed<HttpCheck>& out) {
  auto& http = out.emplace();
  Fields f(r, node, "an http check");
  f.required("url", read_url, http.url);
  f.optional("expect", [&](YamlReader& reader, const YamlNode& value) {
    Fields e(reader, value, "an http expectation");
    e.optional("status", [&](YamlReader& inner, const YamlNode& n) { inner.number(n, http.status, 100, 599); });
    e.optional("latency", read_expected_latency, http.latency_max);
    e.optional("header", read_expected_headers, http.header);
    e.optional("body", read_expected_body, http);
  });
  bool follows = false;
  f.optional("followRedirects", &YamlReader::boolean, follows);
  if (follows) http.follow_redirects = true;
}

bool has_field(const YamlNode* node, std::string_view field) {
  if (node == nullptr) return false;
  for (const auto [key, value] : YamlEntries(*node)) {
    if (key.text == field) return true;
  }
  return false;
}

}  // namespace

void read_hook(YamlReader& r, const YamlNode& node, Hook& hook) {
  Fields f(r, node, "a hook");
  hook.line = node.place.line;
  f.required("name", &YamlReader::name, hook.name);
  f.required("run", read_run, hook.run);
  refuse_location(r, f.value_of("run"), "a hook runs once for all locations");
  f.optional("keeps", &YamlReader::name, hook.keeps);
  bool irreversible = false;
  f.optional("irreversible", &YamlReader::boolean, irreversible);
  if (irreversible) hook.irreversible = true;
}

void read_check(YamlReader& r, const YamlNode& node, Check& check) {
  Fields f(r, node, "a verification");
  read_check_fields(r, node, f, check);
}

void read_check_fields(YamlReader& r, const YamlNode& node, Fields& f, Check& check) {
  check.line = node.place.line;
  f.required("name", &YamlReader::name, check.name);
  f.optional("http", read_http, check.http);
  f.optional("run", [&](YamlReader& reader, const YamlNode& value) { read_run(reader, value, check.run.emplace()); });
  f.optional("tcp", read_tcp, check.tcp);
  f.optional("tls", read_tls, check.tls);
  f.optional("dns", read_dns, check.dns);
  f.exactly_one_of({"http", "run", "tcp", "tls", "dns"});
  f.optional("attempts",
             [&](YamlReader& reader, const YamlNode& value) { reader.number(value, check.attempts, 1, 1000); });
  f.optional("successes",
             [&](YamlReader& reader, const YamlNode& value) { reader.number(value, check.successes, 1, 1000); });
  f.optional("interval", &YamlReader::positive_duration, check.interval);
  f.optional("after", &YamlReader::duration, check.after);
  const bool timeout = f.optional("timeout", &YamlReader::positive_duration, check.timeout);

  if (check.successes > check.attempts) {
    r.at(*f.value_of("successes"), "the verification can never pass",
         fmt::format("{} successes within {} attempts", check.successes, check.attempts),
         "at least as many attempts as successes");
  }
  if (check.run) {
    // One attempt is one run of the command: both have the same time, written at either place.
    if (timeout && has_field(f.value_of("run"), "timeout")) {
      r.at(*f.value_of("timeout"), "the time of an attempt is given twice", "",
           "the timeout of the command or of the verification");
    } else if (timeout) {
      check.run->timeout = check.timeout;
    } else {
      check.timeout = check.run->timeout;
    }
  }
}

}  // namespace headgate::reconciler
